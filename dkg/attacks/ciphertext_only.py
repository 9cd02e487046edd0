"""Ciphertext-only attacks: averages and PCA that unbalanced key bits survive. Not in the paper."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.filters import gaussian
from skimage.restoration import denoise_tv_chambolle

from dkg.cipher import check_images, xor

PERIOD = 4
"""Pixels after which the upsampling phase repeats, in each direction: two upsamplings by two."""


def denoise(
    ciphertext: ArrayLike,
    method: str = "mean",
    *,
    bits: int = 8,
    strength: float | None = None,
) -> NDArray[np.uint8]:
    """Recover a coarse plaintext from a ciphertext alone, without any key.

    Where a key bit is 1 more or less often than 0, the average of the encrypted bit still follows
    that of the plaintext, often as a negative. `dkg.metrics.block_correlation` with the plaintext
    (its absolute value) or the ranks of `dkg.attacks.rank` tell how well the image shows.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width) or (height, width, 3).
    method : {'mean', 'total variation'}, default 'mean'
        A Gaussian average, or the smooth image with sharp edges of Chambolle [1]_. The channels
        are averaged first.
    bits : int, default 8
        The number of highest bits of a byte to use, 1 to 8. The low bits of a plaintext are noise.
    strength : float, optional
        Standard deviation of the average in pixels (default 6), or weight of the total variation
        (default 1).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width); the 1st percentile is 0 and the 99th is 255.

    References
    ----------
    .. [1] A. Chambolle, "An Algorithm for Total Variation Minimization and Applications", Journal
       of Mathematical Imaging and Vision 20, 2004; `skimage.restoration.denoise_tv_chambolle`.
    """
    ciphertext = np.asarray(ciphertext)
    if ciphertext.dtype != np.uint8 or ciphertext.ndim not in (2, 3) or not ciphertext.size:
        raise ValueError(
            "a ciphertext must be uint8 of shape (height, width) or (height, width, 3), "
            f"not {ciphertext.dtype} of shape {ciphertext.shape}"
        )
    if not 1 <= bits <= 8:
        raise ValueError(f"bits must be 1 to 8, not {bits}")
    if strength is not None and not strength > 0:
        raise ValueError(f"strength must be positive, not {strength}")
    kept = (ciphertext >> (8 - bits)) / (2**bits - 1)
    plane = kept if kept.ndim == 2 else kept.mean(axis=2)
    if method == "mean":
        smooth = gaussian(plane, sigma=6.0 if strength is None else strength)
    elif method == "total variation":
        smooth = denoise_tv_chambolle(plane, weight=1.0 if strength is None else strength)
    else:
        raise ValueError(f"method must be 'mean' or 'total variation', not {method!r}")
    low, high = np.percentile(smooth, (1, 99))
    if high == low:
        return np.zeros(smooth.shape, np.uint8)
    levels: NDArray[np.float64] = np.rint(255 * np.clip((smooth - low) / (high - low), 0, 1))
    return levels.astype(np.uint8)


def mean_decryption(ciphertext: NDArray[np.uint8], keys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decrypt with several wrong keys, and average the results.

    Keys of one network agree in some of their bits more often than by chance. What the right key
    shares with the wrong ones stays in the mean; the rest averages out with more keys.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    keys : numpy.ndarray
        uint8 (n, height, width, 3), n >= 1, such as keys of other seed images.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), the rounded mean.
    """
    check_images(keys, "keys")
    total = np.zeros(keys.shape[1:])
    for key in keys:
        total += xor(ciphertext, key)
    return np.rint(total / len(keys)).astype(np.uint8)


def block_means(ciphertext: ArrayLike, side: int = PERIOD) -> NDArray[np.float64]:
    """Recover a coarse plaintext by the means of blocks of pixels over all channels.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width) or (height, width, 3), both lengths multiples of `side`.
    side : int, default 4
        Side of a block in pixels.

    Returns
    -------
    numpy.ndarray
        float64 (height / side, width / side), 0 to 255; the image may be a negative.
    """
    ciphertext = np.asarray(ciphertext)
    height, width = ciphertext.shape[:2]
    if side < 1 or height % side or width % side:
        raise ValueError(f"side must divide {(height, width)}, not {side}")
    blocks = ciphertext.reshape(height // side, side, width // side, side, -1)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3, 4))
    return means


def phase_pca(ciphertext: ArrayLike, side: int = PERIOD) -> NDArray[np.float64]:
    """Recover a coarse plaintext by PCA over the upsampling phases.

    The generator upsamples a map of 64 x 64 values, which leaves checkerboard artifacts: each of
    the 48 phases (4 x 4 pixels, 3 channels) has its own unbalanced bits. One phase shows a
    negative and the next a positive, so that a mean over all of them loses the image. Here each
    phase has a mean of its own in each block, and the first principal component weights them.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3), both lengths multiples of `side`.
    side : int, default 4
        Side of a block in pixels, a multiple of 4.

    Returns
    -------
    numpy.ndarray
        float64 (height / side, width / side), the score of each block; the sign is arbitrary, so
        the image may be a negative.
    """
    ciphertext = np.asarray(ciphertext)
    if ciphertext.dtype != np.uint8 or ciphertext.ndim != 3 or ciphertext.shape[2] != 3:
        raise ValueError(
            "a ciphertext must be uint8 of shape (height, width, 3), "
            f"not {ciphertext.dtype} of shape {ciphertext.shape}"
        )
    height, width = ciphertext.shape[:2]
    if side < PERIOD or side % PERIOD or height % side or width % side:
        raise ValueError(f"side must be a multiple of 4 that divides {(height, width)}, not {side}")
    rows, columns, repeats = height // side, width // side, side // PERIOD
    by_phase = ciphertext.reshape(rows, repeats, PERIOD, columns, repeats, PERIOD, 3)
    means = by_phase.mean(axis=(1, 4))  # (rows, 4, columns, 4, 3)
    blocks = means.transpose(0, 2, 1, 3, 4).reshape(rows * columns, -1)  # (blocks, 48)
    _, axes = np.linalg.eigh(np.cov(blocks.T))  # The largest eigenvalue comes last.
    scores: NDArray[np.float64] = (blocks @ axes[:, -1]).reshape(rows, columns)
    return scores


def leak_by_side(
    average: Callable[[NDArray[np.uint8], int], NDArray[np.float64]],
    plain: NDArray[np.uint8],
    ciphertexts: NDArray[np.uint8],
    sides: Iterable[int],
) -> dict[int, float]:
    """Measure how well averages of ciphertexts follow the plaintexts, by the side of a block.

    Parameters
    ----------
    average : callable
        Takes a ciphertext and a side: `block_means` or `phase_pca`.
    plain, ciphertexts : numpy.ndarray
        uint8 (n, height, width, 3).
    sides : iterable of int
        Sides of the blocks in pixels.

    Returns
    -------
    dict of int to float
        The mean over the images of the absolute correlation with the plaintext's block means,
        0 to 1.
    """
    pairs = list(zip(plain, ciphertexts, strict=True))
    return {
        side: float(
            np.mean([abs(_correlation(block_means(p, side), average(c, side))) for p, c in pairs])
        )
        for side in sides
    }


def as_positive(recovered: NDArray[np.float64], plain: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Invert a recovered image if it is a negative of the plaintext, to show it.

    Parameters
    ----------
    recovered : numpy.ndarray
        (rows, columns), as `block_means` or `phase_pca` returns it.
    plain : numpy.ndarray
        uint8 (height, width, 3), the plaintext.

    Returns
    -------
    numpy.ndarray
        The recovered image or its negative. An attacker would look at both.
    """
    sign = np.sign(_correlation(block_means(plain, len(plain) // len(recovered)), recovered))
    positive: NDArray[np.float64] = sign * recovered
    return positive


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def power_spectrum(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the power spectrum of images, relative to white noise of the same variance.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3), none of them constant in a channel.

    Returns
    -------
    numpy.ndarray
        float64 (height, width): the power of the Fourier transform of each channel without its
        mean, divided by the expectation for white noise of the same variance, averaged over images
        and channels. White noise has 1 at all frequencies except 0, which is in the middle, at
        ``[height // 2, width // 2]``, and has 0.
    """
    check_images(images)
    total = np.zeros(images.shape[1:3])
    for image in images:
        plane = image - image.mean(axis=(0, 1))
        variance = plane.var(axis=(0, 1))
        if not variance.all():
            raise ValueError("an image is constant in a channel and has no spectrum")
        power = np.abs(np.fft.fft2(plane, axes=(0, 1))) ** 2
        total += (power / variance).mean(axis=2) / plane[..., 0].size
    return np.fft.fftshift(total / len(images))
