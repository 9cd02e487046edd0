"""Bit planes: the entropy and correlation of each, and how much of the plaintext's it shows.

Plane 8 holds the most significant bits, plane 1 the least significant ones.
"""

import math

import numpy as np
from scipy import stats

from dkg import metrics
from dkg.evaluation.measures.correlation import pairs
from dkg.evaluation.measures.sample import LEVEL, Sample, each, explained, measured
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image
from dkg.metrics import Ideal
from dkg.metrics.image import correlation

GROUP = "bit planes"
PLANES = range(8, 0, -1)


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Measure the bit planes of ciphertexts."""
    rows = []
    for number in PLANES:
        planes = [plane(c, number) for c in sample.ciphertexts]
        values, _ = each(metrics.entropy, planes)
        ideals = [ideal_bit_entropy(p.size) for p in planes]
        rows.append(
            measured(
                f"entropy of bit plane {number}",
                GROUP,
                values,
                ideals,
                unit="bits",
                where="ciphertexts, bits of all channels",
                interval=(_lowest_entropy(ideals), 1.0),
            )
        )
        values, reason = each(lambda p: metrics.adjacent_correlation(p, "horizontal", None), planes)
        ideals = [metrics.ideal_correlation(max(2, pairs(p.shape, "horizontal"))) for p in planes]
        rows.append(
            measured(
                f"correlation in bit plane {number}",
                GROUP,
                values,
                ideals,
                where=explained(
                    "ciphertexts, horizontal neighbours, all pairs", values, reason or _CONSTANT
                ),
                ends=(-1, 1),
            )
        )
        if sample.images:
            rows.append(_with_plaintext(sample, number))
    return rows


_CONSTANT = "the plane is constant"


def _with_plaintext(sample: Sample, number: int) -> Measured:
    values, _ = each(
        lambda image, c: correlation(plane(image, number).ravel(), plane(c, number).ravel()),
        sample.images,
        sample.ciphertexts,
    )
    return measured(
        f"plaintext in bit plane {number}",
        GROUP,
        values,
        [metrics.ideal_correlation(max(2, image.size)) for image in sample.images],
        where=explained(
            "correlation of a plane with the plaintext's", values, "a plane is constant"
        ),
        ends=(-1, 1),
    )


def plane(image: Image, number: int) -> Image:
    """Return bit plane 8 (most significant) to 1 as 0 and 1, of the image's shape."""
    return (image >> np.uint8(number - 1)) & np.uint8(1)


def ideal_bit_entropy(n_bits: int) -> Ideal:
    """Return what the entropy of i.i.d. uniform bits gives: 1 less chi-square(1) / (2 n ln 2)."""
    scale = 1 / (2 * n_bits * math.log(2))
    return Ideal(1 - scale, math.sqrt(2) * scale)


def _lowest_entropy(ideals: list[Ideal]) -> float:
    """Return what the mean over the images exceeds in 95 % of cases."""
    deficit = float(np.mean([1 - e.mean for e in ideals]))
    variance = sum(e.standard_deviation**2 for e in ideals) / len(ideals) ** 2
    scale = variance / deficit
    return 1 - float(stats.gamma.isf(1 - LEVEL, deficit / scale, scale=scale))
