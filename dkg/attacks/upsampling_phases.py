"""The upsampling phases of a key: its power spectrum, and PCA over them. Not in the paper."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.cipher import check_images

PERIOD = 4
"""Pixels after which the upsampling phase repeats, in each direction: two upsamplings by two."""


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

    Raises
    ------
    ValueError
        If an argument is not as described.
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

    Raises
    ------
    ValueError
        If an image is not as described.
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
