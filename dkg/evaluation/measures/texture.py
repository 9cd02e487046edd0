"""Texture: contrast, energy and homogeneity of the gray-level co-occurrence matrix (GLCM).

`skimage.feature.graycomatrix` counts the pairs of horizontal neighbours (distance 1, angle 0, not
symmetric) in 8 gray levels, value // 32, and the counts of all channels are added up. With p(i, j)
the share of a pair:

- contrast: the sum of p (i - j)^2;
- energy: the sum of p^2, as in MATLAB. skimage calls it ``ASM``, and its root ``energy``;
- homogeneity: the sum of p / (1 + |i - j|), as in MATLAB. skimage divides by 1 + (i - j)^2.

Uniform bytes give 10.5, 1 / 64 = 0.0156 and 0.389.
"""

import math

import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix

from dkg.evaluation.measures.sample import Sample, measured
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image
from dkg.metrics import Ideal

GROUP = "texture"
LEVELS = 8

_I, _J = np.indices((LEVELS, LEVELS))
_WEIGHTS = {"contrast": (_I - _J) ** 2.0, "homogeneity": 1 / (1 + np.abs(_I - _J))}


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Measure the texture of ciphertexts."""
    matrices = [co_occurrence(c) if c.shape[1] > 1 else None for c in sample.ciphertexts]
    where = f"ciphertexts, horizontal neighbours, {LEVELS} levels"
    rows = []
    for name, formula in (
        ("contrast", "sum of p (i - j)^2"),
        ("energy", "sum of p^2"),
        ("homogeneity", "sum of p / (1 + |i - j|)"),
    ):
        values = [math.nan if m is None else texture(m)[name] for m in matrices]
        ideals = [
            Ideal(0, 0) if m is None else ideal_texture(name, *_rows(c))
            for m, c in zip(matrices, sample.ciphertexts, strict=True)
        ]
        rows.append(
            measured(
                f"GLCM {name}", GROUP, values, ideals, where=f"{where}, {formula}", ends=(0, 49)
            )
        )
    return rows


def co_occurrence(image: Image) -> NDArray[np.float64]:
    """Return the shares p of neighbouring levels, float (8, 8), summed over the channels."""
    planes = (image // (256 // LEVELS)).reshape(*image.shape[:2], -1)
    counts = sum(
        graycomatrix(planes[..., i], [1], [0], levels=LEVELS)[..., 0, 0].astype(np.float64)
        for i in range(planes.shape[2])
    )
    shares: NDArray[np.float64] = counts / np.sum(counts)
    return shares


def texture(shares: NDArray[np.float64]) -> dict[str, float]:
    """Return contrast, energy and homogeneity of a co-occurrence matrix of shares."""
    return {
        "contrast": float((shares * _WEIGHTS["contrast"]).sum()),
        "energy": float((shares**2).sum()),
        "homogeneity": float((shares * _WEIGHTS["homogeneity"]).sum()),
    }


def ideal_texture(name: str, n_rows: int, width: int) -> Ideal:
    """Return what i.i.d. uniform bytes give in `n_rows` rows of `width` pixels.

    Neighbouring pairs share a pixel, which adds a covariance to the variance of single pairs.
    """
    n = n_rows * (width - 1)
    if name == "energy":
        # Two pairs agree with probability 1/64, also where they share a pixel; whether (k, l)
        # agree and whether (k + 1, l + 1) do is correlated.
        same, neighbours = 1 / LEVELS**2, 1 / LEVELS**3 - 1 / LEVELS**4
        variance = 2 / n**2 * (same * (1 - same) + 2 * neighbours)
        return Ideal(same + (1 - same) / n, math.sqrt(variance))
    weights = _WEIGHTS[name]
    mean = float(weights.mean())
    shared = float((weights.mean(axis=0) * weights.mean(axis=1)).mean()) - mean**2
    variance = float(weights.var()) / n + 2 * shared * n_rows * (width - 2) / n**2
    return Ideal(mean, math.sqrt(variance))


def _rows(image: Image) -> tuple[int, int]:
    return image.size // image.shape[1], image.shape[1]
