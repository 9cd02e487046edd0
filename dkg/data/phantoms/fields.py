"""Smooth steps, chords of ellipsoids and random fields, which every phantom is made of."""

import numpy as np
import scipy
from numpy.typing import NDArray

SIZE = 256
"""Height and width of a phantom in pixels."""

Rng = np.random.Generator

Field = NDArray[np.float64]
"""A quantity at each pixel, (SIZE, SIZE), or along one axis of the image."""


def ramp(value: Field, width: float) -> Field:
    """Return a smooth step from 0, below ``-width``, to 1, above ``width``."""
    t = np.clip(value / (2.0 * width) + 0.5, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def chord(*terms: Field | float) -> Field:
    """Return the chord of an ellipsoid relative to its axis: ``sqrt(1 - sum of squares)`` or 0."""
    squared: Field = np.maximum(1.0 - sum(term * term for term in terms), 0.0)
    return np.sqrt(squared)


def smooth_field(rng: Rng, cells: int) -> Field:
    """Return a smooth random field of unit variance, about ``cells`` independent cells a side."""
    coarse = rng.standard_normal((cells + 3, cells + 3))
    field: Field = scipy.ndimage.zoom(coarse, (SIZE + 2 * SIZE // cells) / (cells + 3), order=3)
    low = (field.shape[0] - SIZE) // 2
    field = field[low : low + SIZE, low : low + SIZE]
    return field / float(field.std())


def noise(rng: Rng, axial: float, lateral: float) -> Field:
    """Return Gaussian-filtered white noise of unit variance, periodic; widths are in pixels.

    Unlike `smooth_field` it takes any width in each direction, but its opposite edges agree.
    """
    down, across = np.fft.fftfreq(SIZE), np.fft.rfftfreq(SIZE)
    transfer = np.exp(-2.0 * (np.pi * axial * down[:, None]) ** 2)
    transfer = transfer * np.exp(-2.0 * (np.pi * lateral * across) ** 2)
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    filtered = np.fft.irfft2(spectrum * transfer, s=(SIZE, SIZE))
    return filtered / float(filtered.std())
