"""The power spectrum of keys, in which checkerboard artifacts are peaks. Not in the paper."""

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import check_images


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
