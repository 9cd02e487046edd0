"""Measures of two keys or images: NPCR, UACI, MSE, PSNR, SSIM, and what leaks of a plaintext."""

import math

import numpy as np
import skimage
from numpy.typing import NDArray

from dkg.metrics.image import as_bytes, check_at_least, check_image_shape, correlation


def npcr(a: np.ndarray, b: np.ndarray) -> float:
    """Return the number of pixels change rate (Eq. 11): the percentage of bytes that differ.

    The arrays `a` and `b` are uint8 of any shape, and each channel value counts on its own; the
    result is 0 to 100. Eq. 11 is followed with its misprints mended: the paper has D(i, j) the
    wrong way round (1 where the images agree), and its sums have W + 1 and H + 1 terms.
    """
    a, b = _pair(a, b)
    return 100 * np.count_nonzero(a != b) / a.size


def uaci(a: np.ndarray, b: np.ndarray) -> float:
    """Return the unified average changing intensity (Eq. 12): the mean absolute difference.

    The arrays `a` and `b` are as for `npcr`; the result is in percent of 255, 0 to 100.
    """
    a, b = _pair(a, b)
    # Differences of uint8 wrap around; int16 holds them all.
    return float(100 * np.abs(np.subtract(a, b, dtype=np.int16)).mean() / 255)


def equal_bits(a: np.ndarray, b: np.ndarray) -> float:
    """Return the percentage of bits that two arrays have in common. Not in the paper.

    The arrays `a` and `b` are as for `npcr`; the result is 0 to 100, and 50 by chance.
    """
    a, b = _pair(a, b)
    return 100 * (1 - float(np.bitwise_count(a ^ b).mean()) / 8)


def mse(a: np.ndarray, b: np.ndarray, *, legacy: bool = False) -> float:
    """Return the mean squared error (Eq. 13), in squared gray levels, 0 to 65,025.

    Parameters
    ----------
    a, b : ndarray of uint8, any shape
        The plain image and the encrypted one; the order does not matter.
    legacy : bool
        Read the bytes as signed 8-bit numbers first, as the group's script does [4]_: values above
        127 become negative. Not a meaningful error; kept to compare with Tables VIII to X.
    """
    return float(skimage.metrics.mean_squared_error(*_pair(a, b, signed=legacy)))


def psnr(a: np.ndarray, b: np.ndarray, *, legacy: bool = False) -> float:
    """Return the peak signal-to-noise ratio for a peak of 255, in decibels.

    The arguments are as for `mse`; equal images have an infinite ratio. The paper prints none; the
    group's script computes it beside MSE and SSIM [4]_.
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
    a, b : ndarray of uint8, shape (H, W) or (H, W, 3)
        At least 7 x 7 pixels.
    legacy : bool
        Read the bytes as signed 8-bit numbers first, as in `mse`; the data range stays 255.

    Returns
    -------
    float
        -1 to 1 (the paper says 0 to 1), 1 for equal images. With `legacy` the means can be
        negative, which SSIM is not made for.
    """
    a, b = _pair(a, b, signed=legacy)
    check_image_shape(a.shape)
    if min(a.shape[:2]) < 7:
        raise ValueError(f"SSIM needs at least 7 x 7 pixels, got shape {a.shape}")
    axis = 2 if a.ndim == 3 else None
    return float(skimage.metrics.structural_similarity(a, b, data_range=255, channel_axis=axis))


def block_correlation(a: np.ndarray, b: np.ndarray, side: int = 16) -> float:
    """Return the correlation of the block means of two images: what an eye that blurs can compare.

    Not in the paper. A stream cipher whose key bits are not balanced lets the local brightness of
    the plaintext through, as a negative or a positive, whatever the entropy of the ciphertext.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (H, W) or (H, W, 3)
        Such as plaintext and ciphertext; at least four blocks.
    side : int, default 16
        Side of a block in pixels, at least 1; all channels of a block are one mean. What is left
        over at the right and lower border is not used.

    Returns
    -------
    float
        -1 to 1; for independent noise about 0 with the standard deviation 1 / sqrt(n - 1) over n
        blocks. NaN if one image's blocks are all equal.
    """
    a, b = _pair(a, b)
    check_image_shape(a.shape)
    check_at_least(1, side, "side")
    if math.prod(length // side for length in a.shape[:2]) < 4:
        raise ValueError(f"side {side} leaves fewer than four blocks of shape {a.shape}")
    return correlation(block_means(a, side), block_means(b, side))


def edge_correlation(plain: np.ndarray, cipher: np.ndarray, sigma: float = 4.0) -> float:
    """Return how well the edges of one image are found in another one.

    Not in the paper, whose section V-C says that the contour of the chest shows in a ciphertext
    and gives no number. Both images are averaged over their channels and blurred with a Gaussian,
    as edge detectors do against noise [5]_; the result is the correlation of the magnitudes of
    their gradients (`skimage.filters.sobel`). A magnitude has no sign, so that a negative shows
    its edges as well as the image.

    Parameters
    ----------
    plain, cipher : ndarray of uint8, shape (H, W) or (H, W, 3)
        Two images whose edges are compared, such as plaintext and ciphertext; the order does
        not matter. A border of four `sigma` and a pixel, where the Gaussian reaches over the
        rim, is blurred but not compared, and must leave at least 2 x 2 pixels.
    sigma : float, default 4
        Standard deviation of the Gaussian in pixels, above 0. Four pixels leave about 3 gray
        levels of the 74 by which i.i.d. uniform bytes scatter (three channels), and the width of
        a rib in a chest X-ray of 256 x 256 pixels.

    Returns
    -------
    float
        -1 to 1; 1 for the same image and for its negative. For independent noise about 0, with a
        spread that has no closed form, since blurred neighbours are not independent: the
        ciphertexts of a sound cipher show it. NaN if one image has no edges.
    """
    images = _pair(plain, cipher)
    shape = images[0].shape
    check_image_shape(shape)
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    smallest = 2 * _border(sigma) + 2
    if min(shape[:2]) < smallest:
        raise ValueError(
            f"sigma {sigma} needs {smallest} x {smallest} pixels or more, got shape {shape}"
        )
    edges = [blurred_edges(image, sigma) for image in images]
    if any(np.allclose(edge, edge[0]) for edge in edges):
        return math.nan
    return correlation(*edges)


def block_means(image: np.ndarray, side: int = 16) -> NDArray[np.float64]:
    """Return the mean of every block of `side` x `side` pixels and all channels, in one row."""
    height, width = (length // side for length in image.shape[:2])
    blocks = image[: height * side, : width * side].reshape(height, side, width, side, -1)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3, 4)).ravel()
    return means


def blurred_edges(image: np.ndarray, sigma: float = 4.0) -> NDArray[np.float64]:
    """Return the gradient magnitudes of the blurred gray image without its border, in one row."""
    border = _border(sigma)
    smooth = skimage.filters.gaussian(np.atleast_3d(image).mean(axis=2), sigma)
    edges: NDArray[np.float64] = skimage.filters.sobel(smooth)[border:-border, border:-border]
    return edges.ravel()


def _border(sigma: float) -> int:
    """Return the pixels at which the Gaussian reaches over the rim, and one for the gradient."""
    return math.ceil(4 * sigma) + 1


def _pair(a: np.ndarray, b: np.ndarray, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_bytes(a), as_bytes(b)
    if a.shape != b.shape:
        raise ValueError(f"expected two arrays of one shape, got {a.shape} and {b.shape}")
    return (a.view(np.int8), b.view(np.int8)) if signed else (a, b)
