"""Measures of the histogram: entropy, chi-square, variance, and deviations from the plaintext's.

With h the counts of the 256 byte values of a ciphertext of N bytes, and p those of its plaintext:

- variance of the histogram: the mean of (h - N / 256)^2;
- maximum deviation [1]_: the sum of abs(h - p), in which the values 0 and 255 count half;
- irregular deviation [2]_: the sum over d of abs(H(d) - N / 256), where H(d) counts the bytes
  whose absolute difference from the plaintext is d;
- deviation from ideality [3]_: the sum of abs(h - N / 256), divided by N. Uniform bytes do not
  give 0, but about sqrt(510 / (pi N)).

References
----------
.. [1] I. Ziedan, M. Fouad and D. Salem, "Application of Data Encryption Standard to Bitmap and JPEG
   Images", NRSC 2003.
.. [2] H. Elkamchouchi and M. Makar, "Measuring Encryption Quality for Bitmap Images Encrypted with
   Rijndael and KAMKAR Block Ciphers", NRSC 2005.
.. [3] I. Elashry et al., "Homomorphic Image Encryption", Journal of Electronic Imaging 18(3), 2009.
"""

import math
from collections.abc import Callable

import numpy as np

from dkg import metrics
from dkg.evaluation.measures.sample import (
    SIMULATED,
    Sample,
    Simulated,
    each,
    explained,
    measured,
)
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image
from dkg.metrics import Ideal

GROUP = "histogram"
_WHERE = "ciphertexts, bytes of all channels"


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Measure the histograms of ciphertexts."""
    ciphertexts = sample.ciphertexts
    sizes = [c.size for c in ciphertexts]
    entropy, _ = each(metrics.entropy, ciphertexts)
    local, reason = each(lambda c: metrics.local_entropy(c, rng), ciphertexts)
    block = metrics.ideal_entropy(metrics.LOCAL_SIDE**2)
    of_local = Ideal(block.mean, block.standard_deviation / math.sqrt(metrics.LOCAL_BLOCKS))
    chi, _ = each(lambda c: metrics.chi_square(c).statistic, ciphertexts)
    variance, _ = each(lambda c: float(np.var(metrics.histogram(c))), ciphertexts)
    ideality, _ = each(deviation_from_ideality, ciphertexts)
    blocks = "30 random blocks of 44 x 44 pixels"
    return [
        measured(
            "entropy",
            GROUP,
            entropy,
            [metrics.ideal_entropy(size) for size in sizes],
            unit="bits",
            where=_WHERE,
            ends=(0, 8),
        ),
        measured(
            "local entropy",
            GROUP,
            local,
            [of_local] * len(sizes),
            unit="bits",
            where=explained(f"{_WHERE}, {blocks}", local, reason),
            ends=(0, 8),
        ),
        measured(
            "chi-square",
            GROUP,
            chi,
            [_chi_square(1, size) for size in sizes],
            where=f"{_WHERE}, 255 degrees of freedom",
            tail="upper",
            ends=(0, math.inf),
        ),
        measured(
            "variance of the histogram",
            GROUP,
            variance,
            [_chi_square(size / 256**2, size) for size in sizes],
            where=f"{_WHERE}, mean of (count - N / 256)^2",
            tail="upper",
            ends=(0, math.inf),
        ),
        measured(
            "deviation from ideality",
            GROUP,
            ideality,
            [ideal_deviation(size) for size in sizes],
            where=f"{_WHERE}, sum of |count - N / 256| / N",
            tail="upper",
            ends=(0, 2),
        ),
    ]


def run_pairs(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Measure how far the histograms of ciphertexts are from those of their plaintexts."""
    rows = []
    for name, function, formula in (
        ("maximum deviation", maximum_deviation, "sum of |h - p|, ends half"),
        ("irregular deviation", irregular_deviation, "sum over d of |H(d) - N / 256|"),
    ):
        values, _ = each(function, sample.images, sample.ciphertexts)
        ideals = [_ideal(function, image, rng) for image in sample.images]
        where = f"ciphertexts and plaintexts, {formula}, counts"
        rows.append(measured(name, "deviation", values, ideals, where=where, ends=(0, math.inf)))
    return rows


def deviation_from_ideality(a: Image) -> float:
    """Return the deviation from ideality, 0 to 2."""
    return float(np.abs(metrics.histogram(a) - a.size / 256).sum() / a.size)


def ideal_deviation(n_bytes: int) -> Ideal:
    """Return what `deviation_from_ideality` of i.i.d. uniform bytes gives.

    A count is taken as normal, which holds from about 5 bytes for each value on. Two counts have
    the correlation -1 / 255, and their absolute deviations nearly its square over pi - 2.
    """
    one = math.sqrt(255 / n_bytes) / 256
    variance = 256 * one**2 * (1 - 2 / math.pi + 1 / (255 * math.pi))
    return Ideal(256 * one * math.sqrt(2 / math.pi), math.sqrt(variance))


def maximum_deviation(plain: Image, cipher: Image) -> float:
    """Return the maximum deviation of two histograms, in counts."""
    difference = np.abs(metrics.histogram(cipher) - metrics.histogram(plain))
    return float(difference.sum() - (difference[0] + difference[255]) / 2)


def irregular_deviation(plain: Image, cipher: Image) -> float:
    """Return the irregular deviation, in counts."""
    differences = np.abs(np.subtract(plain, cipher, dtype=np.int16)).astype(np.uint8)
    return float(np.abs(metrics.histogram(differences) - plain.size / 256).sum())


def _chi_square(scale: float, n_bytes: int) -> Ideal:
    """Return the moments of Pearson's statistic times `scale`; its variance is exact."""
    return Ideal(255 * scale, scale * math.sqrt(510 * (1 - 1 / n_bytes)))


def _ideal(
    measure: Callable[[Image, Image], float], plain: Image, rng: np.random.Generator
) -> Simulated:
    """Return what a comparison of the plaintext with i.i.d. uniform bytes gives."""
    noise = (rng.integers(0, 256, plain.shape, np.uint8) for _ in range(SIMULATED))
    return Simulated.of([measure(plain, other) for other in noise])
