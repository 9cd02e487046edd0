"""Transformation domains: the images whose "style" the generator learns (paper, section III-B).

The paper's domain is "images encrypted using the traditional chaotic system" and is not described
further. The chaotic cipher here is the one of the same group's later code: a logistic map whose
start depends on the image only through the sum of its pixels modulo 256, so that **at most 256
different keystreams exist**. It is a training target here, never a cipher to use.
"""

import math
from collections.abc import Callable

import numba
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PERTURBATION = 2.0**-20


def _check_images(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(
            "images must be a uint8 array of shape (n, height, width, 3), "
            f"not {images.dtype} of shape {images.shape}"
        )
    if images.size == 0:
        raise ValueError(f"images must not be empty, but their shape is {images.shape}")
    return images


@numba.njit(cache=True, nogil=True)
def _orbit(start, values):
    """Fill `values` with the orbit of the logistic map; return whether it ran into a cycle."""
    x = start
    anchor = start
    next_anchor = 1
    cycle = False
    for i in range(values.size):
        x = 4.0 * x * (1.0 - x)
        values[i] = x
        # Brent's method: an orbit that meets a value it had at a power of two is periodic.
        if x == anchor:
            cycle = True
        if i == next_anchor:
            anchor = x
            next_anchor *= 2
    return cycle


@numba.njit(cache=True, nogil=True)
def _orbit_bytes(orbit, out):
    for i in range(orbit.size):
        y = math.asin(math.sqrt(orbit[i])) / math.pi
        out[i] = np.int64(math.floor(y * 1e15)) & 255


def logistic_keystream(start: float, n_bytes: int) -> np.ndarray:
    """Make a keystream from an orbit of the logistic map ``x <- 4 x (1 - x)``.

    Every value is mapped by ``y = asin(sqrt(x)) / pi``; the byte is ``floor(y * 1e15) mod 256``.

    Parameters
    ----------
    start : float
        Start of the orbit, in (0, 1); it is not itself mapped to a byte.
    n_bytes : int
        Length of the keystream.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    ValueError
        If `start` is outside (0, 1) or `n_bytes` is negative.

    Notes
    -----
    In exact arithmetic some starts end at a fixed point (1/2 -> 1 -> 0, 3/4 -> 3/4), and in
    floating point others fall into a short cycle. Such an orbit would make a keystream that
    repeats. If one repeats within `n_bytes`, the start is moved by 2**-20 (away from 1, and as
    often as needed), and the keystream is made from there. The arithmetic is IEEE 754 double
    precision, one rounding per operation; ``asin`` is the platform's, and its last bit may differ
    from one C library to another.
    """
    if not 0.0 < start < 1.0:
        raise ValueError(f"start must lie in (0, 1), not {start}")
    if n_bytes < 0:
        raise ValueError(f"n_bytes must not be negative, not {n_bytes}")
    orbit = np.empty(n_bytes)
    while _orbit(start, orbit):
        start += _PERTURBATION if start < 0.5 else -_PERTURBATION
    keystream = np.empty(n_bytes, np.uint8)
    _orbit_bytes(orbit, keystream)
    return keystream


def chaotic(images: np.ndarray, channels: str = "rgb") -> np.ndarray:
    """Encrypt images with the chaotic cipher: the paper's transformation domain.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3).
    channels : {'rgb', 'gray'}, default 'rgb'
        ``'gray'`` encrypts the gray image and repeats it in all three channels, as the group's
        later code does. ``'rgb'`` gives every channel a keystream of its own (successive parts
        of one orbit), since the paper speaks of colour keys.

    Returns
    -------
    numpy.ndarray
        uint8, the shape of `images`.

    Raises
    ------
    ValueError
        If `images` or `channels` is not as described.

    Notes
    -----
    With ``k0 = (sum of the gray image's pixels mod 256) / 255`` the orbit starts at
    ``(0.2 + k0) / 2`` (see `logistic_keystream`). The code that this follows starts a second map
    at ``(0.7 + k0) / 2`` and never uses it.
    """
    images = _check_images(images)
    if channels not in ("rgb", "gray"):
        raise ValueError(f"channels must be 'rgb' or 'gray', not {channels!r}")
    n, height, width, _ = images.shape
    planes = 3 if channels == "rgb" else 1
    result = np.empty_like(images)
    for image, target in zip(images, result, strict=True):
        gray = _gray(image)
        k0 = int(gray.sum(dtype=np.int64) % 256) / 255
        keystream = logistic_keystream((0.2 + k0) / 2, planes * height * width)
        masks = keystream.reshape(planes, height, width).transpose(1, 2, 0)
        np.bitwise_xor(image if planes == 3 else gray[..., None], masks, out=target)
    return result


def _gray(image: np.ndarray) -> np.ndarray:
    if (image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all():
        return image[..., 0]
    # ITU-R BT.601 luma, the weights that image libraries use for 8-bit gray.
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def row_shuffle(images: np.ndarray, seed: int) -> np.ndarray:
    """Put every image's rows in a random order: the low-security domain of Fig. 13 (a).

    A row shuffle keeps the histogram and everything within a row.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3).
    seed : int
        Seed of the permutations; image i has a permutation of its own that depends on
        ``(seed, i)``.

    Returns
    -------
    numpy.ndarray
        uint8, the shape of `images`.

    Raises
    ------
    ValueError
        If `images` is not as described.
    """
    images = _check_images(images)
    return np.stack(
        [
            image[np.random.default_rng([seed, index]).permutation(image.shape[0])]
            for index, image in enumerate(images)
        ]
    )


def aes_ctr(images: np.ndarray, seed: int) -> np.ndarray:
    """Encrypt images with AES-256 in counter mode: the ideal reference domain.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3).
    seed : int
        Chooses the AES key, in [0, 2**256); the images are encrypted one after another with one
        running counter. A fixed seed makes a training target, not a secret.

    Returns
    -------
    numpy.ndarray
        uint8, the shape of `images`.

    Raises
    ------
    ValueError
        If `images` is not as described.
    OverflowError
        If `seed` is out of range.
    """
    images = _check_images(images)
    cipher = Cipher(algorithms.AES(int(seed).to_bytes(32, "big")), modes.CTR(bytes(16)))
    encrypted = cipher.encryptor().update(np.ascontiguousarray(images).tobytes())
    return np.frombuffer(encrypted, np.uint8).reshape(images.shape).copy()


DOMAINS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "chaotic-rgb": lambda images, seed: chaotic(images, "rgb"),
    "chaotic-gray": lambda images, seed: chaotic(images, "gray"),
    "row-shuffle": row_shuffle,
    "aes-ctr": aes_ctr,
}
"""Every domain by name: ``DOMAINS[name](images, seed)``; the chaotic ones do not use the seed."""
