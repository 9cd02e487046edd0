"""The measures of the paper's sections IV-A and IV-B, and what ideal bytes would show.

Every function takes uint8 arrays and refuses other types instead of guessing. An RGB image counts
as H x W x 3 bytes, as in the paper's entropy [1]_: no measure asks which bytes share a pixel.
"Ideal bytes" are independent and uniform on 0..255. ``docs/measures.md`` says what each measure
tells and what it does not.

References
----------
.. [1] Y. Ding et al., "DeepKeyGen: A Deep Learning-Based Stream Cipher Generator for Medical Image
   Encryption and Decryption", IEEE TNNLS, 2021. Equation and table numbers are this paper's.
.. [2] Y. Wu, J. P. Noonan and S. Agaian, "NPCR and UACI Randomness Tests for Image Encryption",
   Cyber Journals: JSAT, April 2011.
.. [3] Y. Wu et al., "Local Shannon entropy measure with statistical tests for image randomness",
   Information Sciences 222, 2013.
.. [4] The script ``origin/quantitative.py`` of https://github.com/miserrman/BEDN, later public
   code of the paper's group.
.. [5] J. Canny, "A Computational Approach to Edge Detection",
   IEEE TPAMI 8(6), 1986.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
import skimage

LOCAL_BLOCKS = 30  # The two numbers that [3] recommends: blocks, and pixels along a block's side.
LOCAL_SIDE = 44

_NEIGHBOUR = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}


@dataclass(frozen=True)
class Interval:
    """A closed interval; ``value in interval`` tells whether a measured value lies in it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Ideal:
    """Mean and standard deviation of a measure over ideal bytes, in the measure's own unit."""

    mean: float
    standard_deviation: float

    def interval(self, alpha: float = 0.05) -> Interval:
        """Return the two-sided interval that ideal bytes miss with probability `alpha`.

        The distribution is taken as normal, which holds for the sizes of images and of the blocks
        of `local_entropy`. A few hundred bytes are too few: their entropy takes few values, and
        at `alpha` 0.05 that of 100 ideal bytes misses the interval in 4.6 % of 100,000 draws.

        Parameters
        ----------
        alpha : float
            Significance level, between 0 and 1.

        Returns
        -------
        Interval
            The mean plus and minus a normal quantile times the standard deviation.

        Raises
        ------
        ValueError
            If `alpha` is not between 0 and 1.
        """
        half_width = scipy.stats.norm.isf(_level(alpha) / 2) * self.standard_deviation
        return Interval(float(self.mean - half_width), float(self.mean + half_width))


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's statistic against the uniform distribution, and its P-value."""

    statistic: float
    p_value: float


def histogram(a: np.ndarray) -> np.ndarray:
    """Return how often each byte value occurs (section IV-A4, Fig. 6).

    Parameters
    ----------
    a : ndarray of uint8, any shape
        An image, a key or any other bytes.

    Returns
    -------
    ndarray of int64, shape (256,)
        Counts that add up to ``a.size``; divided by it they are the paper's frequencies.

    Raises
    ------
    TypeError
        If `a` is not uint8.
    ValueError
        If `a` is empty.
    """
    return np.bincount(_bytes(a).ravel(), minlength=256)


def entropy(a: np.ndarray) -> float:
    """Return the Shannon entropy of the byte values (Eq. 10), in bits.

    Parameters
    ----------
    a : ndarray of uint8, any shape
        For an RGB image the three channels go into one histogram.

    Returns
    -------
    float
        0 for a constant, at most 8. Finite ideal bytes stay below 8, see `ideal_entropy`.

    Raises
    ------
    TypeError
        If `a` is not uint8.
    ValueError
        If `a` is empty.
    """
    counts = histogram(a)
    return float(scipy.special.entr(counts / counts.sum()).sum() / math.log(2))


def ideal_entropy(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `entropy` over that many ideal bytes.

    Both are exact. For large N they tend to 8 - 255 / (2 N ln 2), the bias of Miller and Madow
    (1955), and to sqrt(255 / 2) / (N ln 2). With N = 1936 they are the two constants of [3]_.

    Parameters
    ----------
    n_bytes : int
        Number of bytes N, at least 1; 196,608 for a key.

    Returns
    -------
    Ideal
        In bits.

    Raises
    ------
    ValueError
        If `n_bytes` is no whole number or below 1.
    """
    n = _at_least(1, n_bytes, "n_bytes")
    mean_count = n / 256
    cell = scipy.stats.binom(n, 1 / 256)
    low, high = int(cell.ppf(1e-16)), int(cell.isf(1e-16))
    count = np.arange(low, high + 1)
    # The entropy is 8 minus the sum of this deficit over the 256 cells. The terms linear in the
    # count add up to zero; they keep each deficit small, so that little is lost to rounding.
    deficit = scipy.special.xlogy(count, count / mean_count) - count + mean_count
    deficit /= n * math.log(2)
    probability = cell.pmf(count)
    mean = probability @ deficit
    variance = probability @ (deficit - mean) ** 2
    # Given their total, independent Poisson counts are multinomial: two cells are a convolution
    # of Poisson terms, weighted by the chance that the other 254 cells hold the rest.
    weighted = scipy.stats.poisson.pmf(count, mean_count) * (deficit - mean)
    rest = n - np.arange(2 * low, 2 * high + 1)
    chance = scipy.stats.poisson.pmf(rest, 254 * mean_count) / scipy.stats.poisson.pmf(n, n)
    covariance = np.convolve(weighted, weighted) @ chance
    total = 256 * variance + 256 * 255 * covariance
    # A single byte always has entropy 0: rounding may then leave a variance just below zero.
    return Ideal(float(8 - 256 * mean), math.sqrt(max(total, 0.0)))


def local_entropy(a: np.ndarray, rng: np.random.Generator | int | None = None) -> float:
    """Return the mean entropy of 30 random, disjoint blocks of 44 x 44 pixels, in bits [3]_.

    Blocks lie in one channel each and are drawn from a grid with a random origin, so that any
    pixel can be part of one.

    Parameters
    ----------
    a : ndarray of uint8, shape (H, W) or (H, W, 3)
        Room for 30 blocks is needed: 256 x 256 x 3 has 75 of them, 256 x 256 only 25.
    rng : numpy.random.Generator, int or None
        Draws the blocks; None takes the system's entropy.

    Returns
    -------
    float
        To be compared with `local_entropy_interval`.

    Raises
    ------
    TypeError
        If `a` is not uint8.
    ValueError
        If `a` has another shape, or no room for 30 blocks.
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


def local_entropy_interval(alpha: float = 0.05, *, circulating: bool = False) -> Interval:
    """Return the interval of `local_entropy` that ideal bytes miss with probability `alpha`.

    Parameters
    ----------
    alpha : float
        Significance level, between 0 and 1.
    circulating : bool
        Return the interval that [3]_ printed and that others copy, (7.901901, 7.903037) at 0.05.
        It divides the standard deviation of a block by 30 where the mean of 30 blocks asks for
        the square root of 30, and so refuses 72 % of ideal data. To show, not to use.

    Returns
    -------
    Interval
        In bits.

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1.
    """
    block = ideal_entropy(LOCAL_SIDE**2)
    divisor = LOCAL_BLOCKS if circulating else math.sqrt(LOCAL_BLOCKS)
    return Ideal(block.mean, block.standard_deviation / divisor).interval(alpha)


def chi_square(a: np.ndarray) -> ChiSquare:
    """Test whether the byte values are uniform: Pearson's chi-square, 255 degrees of freedom.

    Parameters
    ----------
    a : ndarray of uint8, any shape
        The P-value is an approximation that needs about 5 bytes per value, 1,280 in all.

    Returns
    -------
    ChiSquare
        The statistic and its P-value. Ideal bytes have a mean statistic of 255.

    Raises
    ------
    TypeError
        If `a` is not uint8.
    ValueError
        If `a` is empty.
    """
    result = scipy.stats.chisquare(histogram(a))
    return ChiSquare(float(result.statistic), float(result.pvalue))


def chi_square_critical_value(alpha: float = 0.05) -> float:
    """Return the statistic of `chi_square` that ideal bytes exceed with probability `alpha`.

    Parameters
    ----------
    alpha : float
        Significance level, between 0 and 1.

    Returns
    -------
    float
        293.25 at 0.05.

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1.
    """
    return float(scipy.stats.chi2.isf(_level(alpha), 255))


def npcr(a: np.ndarray, b: np.ndarray) -> float:
    """Return the number of pixels change rate (Eq. 11): the share of bytes that differ.

    Eq. 11 is followed with its misprints mended: the paper has D(i, j) the wrong way round (1
    where the images agree), and its sums have W + 1 and H + 1 terms.

    Parameters
    ----------
    a, b : ndarray of uint8, any shape, the same for both
        The two keys or images. Each channel value counts on its own.

    Returns
    -------
    float
        In percent, 0 to 100.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or the arrays are empty.
    """
    a, b = _pair(a, b)
    return 100 * np.count_nonzero(a != b) / a.size


def ideal_npcr(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `npcr` for two independent ideal arrays [2]_.

    Parameters
    ----------
    n_bytes : int
        Size of either array, at least 1.

    Returns
    -------
    Ideal
        In percent; the mean is 99.6094.

    Raises
    ------
    ValueError
        If `n_bytes` is no whole number or below 1.
    """
    n = _at_least(1, n_bytes, "n_bytes")
    return Ideal(100 * 255 / 256, 100 * math.sqrt(255 / n) / 256)


def npcr_interval(n_bytes: int, alpha: float = 0.05) -> Interval:
    """Return the one-sided acceptance interval of `npcr` [2]_.

    Parameters
    ----------
    n_bytes : int
        Size of either array, at least 1.
    alpha : float
        Significance level, between 0 and 1.

    Returns
    -------
    Interval
        In percent, from the critical value to 100: two ideal arrays fall below it with
        probability `alpha`, up to the steps of a count.

    Raises
    ------
    ValueError
        If `n_bytes` is no whole number or below 1, or `alpha` is not between 0 and 1.
    """
    ideal = ideal_npcr(n_bytes)
    low = ideal.mean - scipy.stats.norm.isf(_level(alpha)) * ideal.standard_deviation
    return Interval(float(low), 100.0)


def uaci(a: np.ndarray, b: np.ndarray) -> float:
    """Return the unified average changing intensity (Eq. 12): the mean absolute difference.

    Parameters
    ----------
    a, b : ndarray of uint8, any shape, the same for both
        The two keys or images. Each channel value counts on its own.

    Returns
    -------
    float
        In percent of 255, 0 to 100.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or the arrays are empty.
    """
    a, b = _pair(a, b)
    # Differences of uint8 wrap around; int16 holds them all.
    return float(100 * np.abs(np.subtract(a, b, dtype=np.int16)).mean() / 255)


def ideal_uaci(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `uaci` for two independent ideal arrays [2]_.

    Parameters
    ----------
    n_bytes : int
        Size of either array, at least 1.

    Returns
    -------
    Ideal
        In percent; the mean is 33.4635.

    Raises
    ------
    ValueError
        If `n_bytes` is no whole number or below 1.
    """
    n = _at_least(1, n_bytes, "n_bytes")
    largest = 255
    mean = (largest + 2) / (3 * largest + 3)
    variance = (largest + 2) * (largest**2 + 2 * largest + 3) / (18 * (largest + 1) ** 2 * largest)
    return Ideal(100 * mean, 100 * math.sqrt(variance / n))


def uaci_interval(n_bytes: int, alpha: float = 0.05) -> Interval:
    """Return the two-sided acceptance interval of `uaci` [2]_.

    Parameters
    ----------
    n_bytes : int
        Size of either array, at least 1.
    alpha : float
        Significance level, between 0 and 1.

    Returns
    -------
    Interval
        In percent; two ideal arrays fall outside with probability `alpha`.

    Raises
    ------
    ValueError
        If `n_bytes` is no whole number or below 1, or `alpha` is not between 0 and 1.
    """
    return ideal_uaci(n_bytes).interval(alpha)


def equal_bits(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of bits that two arrays have in common; 50 by chance. Not in the paper.

    Parameters
    ----------
    a, b : ndarray of uint8, any shape, the same for both
        The two keys or images.

    Returns
    -------
    float
        In percent, 0 to 100.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or the arrays are empty.
    """
    a, b = _pair(a, b)
    return 100 * (1 - float(np.bitwise_count(a ^ b).mean()) / 8)


def mse(a: np.ndarray, b: np.ndarray, *, legacy: bool = False) -> float:
    """Return the mean squared error (Eq. 13).

    Parameters
    ----------
    a, b : ndarray of uint8, any shape, the same for both
        The plain image and the encrypted one; the order does not matter.
    legacy : bool
        Read the bytes as signed 8-bit numbers first, as the group's script does [4]_: values above
        127 become negative. Not a meaningful error; kept to compare with Tables VIII to X.

    Returns
    -------
    float
        In squared gray levels, 0 to 65,025.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or the arrays are empty.
    """
    return float(skimage.metrics.mean_squared_error(*_pair(a, b, signed=legacy)))


def psnr(a: np.ndarray, b: np.ndarray, *, legacy: bool = False) -> float:
    """Return the peak signal-to-noise ratio for a peak of 255.

    The paper prints none; the group's script computes it beside MSE and SSIM [4]_.

    Parameters
    ----------
    a, b : ndarray of uint8, any shape, the same for both
        The plain image and the encrypted one; the order does not matter.
    legacy : bool
        Read the bytes as signed 8-bit numbers first, as in `mse`.

    Returns
    -------
    float
        In decibels; infinite for equal images.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or the arrays are empty.
    """
    a, b = _pair(a, b, signed=legacy)
    if np.array_equal(a, b):
        return math.inf
    return float(skimage.metrics.peak_signal_noise_ratio(a, b, data_range=255))


def ssim(a: np.ndarray, b: np.ndarray, *, legacy: bool = False) -> float:
    """Return the structural similarity (Eq. 14), averaged over 7 x 7 windows and channels.

    scikit-image's implementation with its default window and constants and a data range of 255,
    which is also what the group's script calls [4]_.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (H, W) or (H, W, 3), the same for both
        At least 7 x 7 pixels.
    legacy : bool
        Read the bytes as signed 8-bit numbers first, as in `mse`; the data range stays 255.

    Returns
    -------
    float
        -1 to 1 (the paper says 0 to 1), 1 for equal images. With `legacy` the means can be
        negative, which SSIM is not made for.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ, are of another form, or are smaller than 7 x 7.
    """
    a, b = _pair(a, b, signed=legacy)
    _check_image_shape(a.shape)
    if min(a.shape[:2]) < 7:
        raise ValueError(f"SSIM needs at least 7 x 7 pixels, got shape {a.shape}")
    channel_axis = 2 if a.ndim == 3 else None
    return float(
        skimage.metrics.structural_similarity(a, b, data_range=255, channel_axis=channel_axis)
    )


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
        The image or key.
    direction : {'horizontal', 'vertical', 'diagonal'}
        Where the neighbour is: to the right, below, or to the right below.
    n_pairs : int or None
        Number of pairs, drawn without repetition, at least 2; the paper has 256. None takes
        every pair.
    rng : numpy.random.Generator, int or None
        Draws the pairs; None takes the system's entropy. One seed draws the same positions in
        every image of one shape.

    Returns
    -------
    tuple of two ndarray of uint8, shape (n_pairs,)
        The pixels, and the neighbour of each.

    Raises
    ------
    TypeError
        If `a` is not uint8.
    ValueError
        If `a` has another shape, `direction` another value, or `n_pairs` is more than the image
        has or below 2.
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
    """Return the correlation of neighbouring pixels (Eqs. 15 to 17).

    Parameters
    ----------
    a, direction, n_pairs, rng
        As for `adjacent_pairs`, which draws the pairs.

    Returns
    -------
    float
        -1 to 1. NaN if one side of the pairs is constant: the correlation is then undefined.

    Raises
    ------
    TypeError, ValueError
        As from `adjacent_pairs`.
    """
    x, y = adjacent_pairs(a, direction, n_pairs, rng)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def block_correlation(a: np.ndarray, b: np.ndarray, side: int = 16) -> float:
    """Return the correlation of the block means of two images: what an eye that blurs can compare.

    Not in the paper. A stream cipher whose key bits are not balanced lets the local brightness of
    the plaintext through, as a negative or a positive, whatever the entropy of the ciphertext.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (H, W) or (H, W, 3)
        Two images of one shape, such as plaintext and ciphertext.
    side : int, default 16
        Side of a block in pixels; all channels of a block are one mean. What is left over at the
        right and lower border is not used.

    Returns
    -------
    float
        -1 to 1; for independent noise about 0 with the standard deviation 1 / sqrt(n - 1) over n
        blocks. NaN if one image's blocks are all equal.

    Raises
    ------
    TypeError
        If an image is not uint8.
    ValueError
        If the shapes differ or hold fewer than four blocks.
    """
    _pair(a, b)
    _check_image_shape(np.shape(a))
    height, width = (length // _at_least(1, side, "side") for length in np.shape(a)[:2])
    if height * width < 4:
        raise ValueError(f"side {side} leaves fewer than four blocks of shape {np.shape(a)}")
    means = [
        np.asarray(image)[: height * side, : width * side]
        .reshape(height, side, width, side, -1)
        .mean(axis=(1, 3, 4))
        .ravel()
        for image in (a, b)
    ]
    if np.ptp(means[0]) == 0 or np.ptp(means[1]) == 0:
        return math.nan
    return float(np.corrcoef(*means)[0, 1])


def edge_correlation(plain: np.ndarray, cipher: np.ndarray, sigma: float = 4.0) -> float:
    """Return how well the edges of one image are found in another one.

    Not in the paper, whose section V-C says that the contour of the chest shows in a ciphertext
    and gives no number. Both images are averaged over their channels and blurred with a Gaussian,
    as edge detectors do against noise [5]_; the result is the correlation of the magnitudes of
    their gradients (`skimage.filters.sobel`). A magnitude has no sign, so that a negative shows
    its edges as well as the image.

    Parameters
    ----------
    plain, cipher : ndarray of uint8, shape (H, W) or (H, W, 3), the same for both
        The image whose edges are looked for and the one they are looked for in; the order does
        not matter. A border of four `sigma` and a pixel, where the Gaussian reaches over the
        rim, is blurred but not compared.
    sigma : float, default 4
        Standard deviation of the Gaussian in pixels, above 0. Four pixels leave about 3 gray
        levels of the 74 by which ideal bytes scatter (three channels), and the width of a rib in
        a chest X-ray of 256 x 256 pixels.

    Returns
    -------
    float
        -1 to 1; 1 for the same image and for its negative. For independent noise about 0, with a
        spread that has no closed form, since blurred neighbours are not independent: the
        ciphertexts of a sound cipher show it. NaN if one image has no edges.

    Raises
    ------
    TypeError
        If one is not uint8.
    ValueError
        If the shapes differ or are of another form, `sigma` is not above 0, or the border leaves
        nothing to compare.
    """
    images = _pair(plain, cipher)
    _check_image_shape(np.shape(plain))
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    border = math.ceil(4 * sigma) + 1
    if min(np.shape(plain)[:2]) < 2 * border + 2:
        raise ValueError(
            f"sigma {sigma} needs {2 * border + 2} x {2 * border + 2} pixels or more, "
            f"got shape {np.shape(plain)}"
        )
    grays = (np.atleast_3d(image).mean(axis=2) for image in images)
    smooth = (skimage.filters.gaussian(gray, sigma) for gray in grays)
    edges = [skimage.filters.sobel(image)[border:-border, border:-border] for image in smooth]
    if any(np.allclose(edge, edge[0, 0]) for edge in edges):
        return math.nan
    return float(np.corrcoef(*(edge.ravel() for edge in edges))[0, 1])


def ideal_correlation(n_pairs: int) -> Ideal:
    """Return mean and standard deviation of `adjacent_correlation` over ideal bytes.

    0 and 1 / sqrt(n - 1), exact for pairs that share no pixel. Pairs that do, as with every pair
    of an image, move the mean by the order of -1 / n only.

    Parameters
    ----------
    n_pairs : int
        Number of pairs n, at least 2; 256 in the paper.

    Returns
    -------
    Ideal
        Without unit.

    Raises
    ------
    ValueError
        If `n_pairs` is no whole number or below 2.
    """
    return Ideal(0.0, 1 / math.sqrt(_at_least(2, n_pairs, "n_pairs") - 1))


def _bytes(a: np.ndarray) -> np.ndarray:
    a = np.asarray(a)
    if a.dtype != np.uint8:
        raise TypeError(f"expected an array of uint8 (bytes, 0 to 255), got dtype {a.dtype}")
    if a.size == 0:
        raise ValueError(f"expected at least one byte, got an empty array of shape {a.shape}")
    return a


def _pair(a: np.ndarray, b: np.ndarray, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    a, b = _bytes(a), _bytes(b)
    if a.shape != b.shape:
        raise ValueError(f"expected two arrays of one shape, got {a.shape} and {b.shape}")
    return (a.view(np.int8), b.view(np.int8)) if signed else (a, b)


def _check_image_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 and (len(shape) != 3 or shape[2] != 3):
        raise ValueError(f"expected an image of shape (H, W) or (H, W, 3), got {shape}")


def _planes(a: np.ndarray) -> np.ndarray:
    a = _bytes(a)
    _check_image_shape(a.shape)
    return a[np.newaxis] if a.ndim == 2 else np.moveaxis(a, 2, 0)


def _level(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    return alpha


def _at_least(smallest: int, value: int, name: str) -> int:
    if not value >= smallest or value % 1:
        raise ValueError(f"{name} must be a whole number, at least {smallest}, got {value}")
    return value
