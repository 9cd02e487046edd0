"""Measures of one image or key: histogram, entropy, chi-square and adjacent correlation."""

import math
from dataclasses import dataclass

import numpy as np
import scipy

LOCAL_BLOCKS = 30  # The two numbers that [3] recommends: blocks, and pixels along a block's side.
LOCAL_SIDE = 44

_NEIGHBOUR = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's statistic against the uniform distribution, and its P-value."""

    statistic: float
    p_value: float


def histogram(a: np.ndarray) -> np.ndarray:
    """Return how often each byte value occurs (section IV-A4, Fig. 6).

    The array `a` is uint8 of any shape. The counts, int64 of shape (256,), add up to ``a.size``;
    divided by it they are the paper's frequencies.
    """
    return np.bincount(as_bytes(a).ravel(), minlength=256)


def entropy(a: np.ndarray) -> float:
    """Return the Shannon entropy of the byte values (Eq. 10), in bits, 0 to 8.

    The array `a` is uint8 of any shape; the three channels of an RGB image go into one histogram.
    A constant has 0; finite i.i.d. bytes stay below 8, see `ideal_entropy`.
    """
    counts = histogram(a)
    return float(scipy.special.entr(counts / counts.sum()).sum() / math.log(2))


def local_entropy(a: np.ndarray, rng: np.random.Generator | int | None = None) -> float:
    """Return the mean entropy of 30 random, disjoint blocks of 44 x 44 pixels, in bits [3]_.

    Each block lies in one channel. The blocks are drawn from a grid with a random origin, so that
    any pixel can be part of one.

    Parameters
    ----------
    a : ndarray of uint8, shape (H, W) or (H, W, 3)
        Room for 30 blocks is needed: 256 x 256 x 3 has 75 of them, 256 x 256 only 25.
    rng : numpy.random.Generator, int or None
        Draws the blocks.

    Returns
    -------
    float
        0 to 8, to be compared with `local_entropy_interval`.
    """
    planes = _planes(a)
    channels, height, width = planes.shape
    rows, columns = height // LOCAL_SIDE, width // LOCAL_SIDE
    if channels * rows * columns < LOCAL_BLOCKS:
        raise ValueError(
            f"local entropy needs {LOCAL_BLOCKS} blocks of {LOCAL_SIDE} x {LOCAL_SIDE} pixels; "
            f"shape {np.shape(a)} has room for {channels * rows * columns}"
        )
    rng = np.random.default_rng(rng)
    top, left = rng.integers(0, [height % LOCAL_SIDE, width % LOCAL_SIDE], endpoint=True)
    grid = planes[:, top : top + rows * LOCAL_SIDE, left : left + columns * LOCAL_SIDE]
    blocks = grid.reshape(channels, rows, LOCAL_SIDE, columns, LOCAL_SIDE).swapaxes(2, 3)
    blocks = blocks.reshape(-1, LOCAL_SIDE**2)
    chosen = rng.choice(len(blocks), LOCAL_BLOCKS, replace=False)
    return float(np.mean([entropy(block) for block in blocks[chosen]]))


def chi_square(a: np.ndarray) -> ChiSquare:
    """Test whether the byte values are uniform: Pearson's chi-square, 255 degrees of freedom.

    The array `a` is uint8 of any shape. The P-value is an approximation that needs about 5 bytes
    per value, 1,280 in all. For i.i.d. uniform bytes the mean statistic is 255.
    """
    result = scipy.stats.chisquare(histogram(a))
    return ChiSquare(float(result.statistic), float(result.pvalue))


def adjacent_pairs(
    a: np.ndarray,
    direction: str,
    n_pairs: int | None = 256,
    rng: np.random.Generator | int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of neighbouring pixels: what `adjacent_correlation` correlates.

    In an RGB image a pair is two neighbours in the same channel, and the pairs of all channels
    form one sample, as the bytes do in `entropy`. Channels of different brightness thereby add to
    the correlation; for one channel pass ``a[..., channel]``.

    Parameters
    ----------
    a : ndarray of uint8, shape (H, W) or (H, W, 3)
    direction : {'horizontal', 'vertical', 'diagonal'}
        Where the neighbour is: to the right, below, or to the right below.
    n_pairs : int or None
        Number of pairs, drawn without repetition, from 2 to all; the paper has 256. None takes
        every pair.
    rng : numpy.random.Generator, int or None
        Draws the pairs. One seed draws the same positions in every image of one shape.

    Returns
    -------
    tuple of two ndarray of uint8, shape (n_pairs,)
        The pixels, and the neighbour of each.
    """
    if direction not in _NEIGHBOUR:
        raise ValueError(f"direction must be one of {list(_NEIGHBOUR)}, got {direction!r}")
    planes = _planes(a)
    _, height, width = planes.shape
    down, right = _NEIGHBOUR[direction]
    x = planes[:, : height - down, : width - right].ravel()
    y = planes[:, down:, right:].ravel()
    wanted = x.size if n_pairs is None else n_pairs
    if not 2 <= wanted <= x.size:
        raise ValueError(
            f"n_pairs must be at least 2 and at most the {x.size} {direction} pairs "
            f"of shape {np.shape(a)}, got {n_pairs}"
        )
    if n_pairs is None:
        return x, y
    chosen = np.random.default_rng(rng).choice(x.size, n_pairs, replace=False)
    return x[chosen], y[chosen]


def adjacent_correlation(
    a: np.ndarray,
    direction: str,
    n_pairs: int | None = 256,
    rng: np.random.Generator | int | None = None,
) -> float:
    """Return the correlation of neighbouring pixels (Eqs. 15 to 17), -1 to 1.

    The arguments are as for `adjacent_pairs`, which draws the pairs. The correlation is undefined,
    NaN, if one side of the pairs is constant.
    """
    return correlation(*adjacent_pairs(a, direction, n_pairs, rng))


def repeated_cells(keys: np.ndarray, side: int = 8) -> float:
    """Return the share of square cells that occur earlier in the same keys. Not in the paper.

    The `keys` are uint8 of shape (H, W, 3) or (n, H, W, 3). The `side` of a cell, in pixels,
    divides H and W. The share is in percent, 0 to 100, and 0 for i.i.d. uniform bytes.
    """
    height, width, channels = as_bytes(keys).shape[-3:]
    grid = keys.reshape(-1, height // side, side, width // side, side, channels).swapaxes(2, 3)
    cells = grid.reshape(-1, side * side * channels)
    return 100 * (1 - len({cell.tobytes() for cell in cells}) / len(cells))


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return the correlation of two arrays of one shape, -1 to 1, NaN if one is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(np.ravel(x), np.ravel(y))[0, 1])


def as_bytes(a: np.ndarray) -> np.ndarray:
    """Return `a` as an array, and refuse it unless it is uint8 and not empty."""
    a = np.asarray(a)
    if a.dtype != np.uint8:
        raise TypeError(f"expected an array of uint8 (bytes, 0 to 255), got dtype {a.dtype}")
    if a.size == 0:
        raise ValueError(f"expected at least one byte, got an empty array of shape {a.shape}")
    return a


def check_image_shape(shape: tuple[int, ...]) -> None:
    """Refuse shapes other than (H, W) and (H, W, 3)."""
    if len(shape) != 2 and (len(shape) != 3 or shape[2] != 3):
        raise ValueError(f"expected an image of shape (H, W) or (H, W, 3), got {shape}")


def check_at_least(smallest: int, value: int, name: str) -> int:
    """Return `value`, and refuse it unless it is an integer and at least `smallest`."""
    if not value >= smallest or value % 1:
        raise ValueError(f"{name} must be an integer, at least {smallest}, got {value}")
    return value


def _planes(a: np.ndarray) -> np.ndarray:
    a = as_bytes(a)
    check_image_shape(a.shape)
    return a[np.newaxis] if a.ndim == 2 else np.moveaxis(a, 2, 0)
