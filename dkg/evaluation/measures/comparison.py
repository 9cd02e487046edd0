"""Plaintext and ciphertext compared: MSE, MAE, PSNR and SSIM.

Against a uniform ciphertext all four are decided by the plaintext alone: what they tell is whether
the ciphertext is as far from the plaintext as noise is.
"""

import math

import numpy as np

from dkg import metrics
from dkg.evaluation.measures.sample import Sample, Simulated, each, explained, measured
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image
from dkg.metrics import Ideal

GROUP = "distance from the plaintext"
_DRAWS = 5


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Compare plaintexts and ciphertexts."""
    of_mse = [ideal_error(image, 2) for image in sample.images]
    of_mae = [ideal_error(image, 1) for image in sample.images]
    of_psnr = [
        Ideal(10 * math.log10(255**2 / e.mean), 10 / math.log(10) * e.standard_deviation / e.mean)
        for e in of_mse
    ]
    where = "plaintexts and ciphertexts, bytes of all channels"
    rows = []
    for name, function, ideals, unit, ends in (
        ("MSE", metrics.mse, of_mse, "", (0.0, 255.0**2)),
        ("MAE", mae, of_mae, "", (0.0, 255.0)),
        ("PSNR", metrics.psnr, of_psnr, "dB", (0.0, math.inf)),
    ):
        values, _ = each(function, sample.images, sample.ciphertexts)
        rows.append(measured(name, GROUP, values, ideals, unit=unit, where=where, ends=ends))
    values, reason = each(metrics.ssim, sample.images, sample.ciphertexts)
    ideals = [
        Ideal(0, 0) if math.isnan(value) else _ideal_ssim(image, rng)
        for image, value in zip(sample.images, values, strict=True)
    ]
    windows = f"{where}, 7 x 7 windows, data range 255"
    return [
        *rows,
        measured(
            "SSIM", GROUP, values, ideals, where=explained(windows, values, reason), ends=(-1, 1)
        ),
    ]


def mae(a: Image, b: Image) -> float:
    """Return the mean absolute error, in gray levels: UACI without its division by 255."""
    return metrics.uaci(a, b) * 255 / 100


def ideal_error(plain: Image, power: int) -> Ideal:
    """Return the mean of |plain - u|^power over uniform bytes u, and its standard deviation."""
    levels = np.arange(256)
    errors = np.abs(levels[:, None] - levels).astype(float) ** power
    counts = metrics.histogram(plain)
    variance = float(counts @ errors.var(axis=1)) / plain.size**2
    return Ideal(float(counts @ errors.mean(axis=1)) / plain.size, math.sqrt(variance))


def _ideal_ssim(image: Image, rng: np.random.Generator) -> Simulated:
    noise = (rng.integers(0, 256, image.shape, np.uint8) for _ in range(_DRAWS))
    return Simulated.of([metrics.ssim(image, other) for other in noise])
