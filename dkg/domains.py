"""Transformation domains: the images whose "style" the generator learns (paper, section III-B).

The paper's domain is "images encrypted using the traditional chaotic system" and is not described
further. The chaotic cipher here is the one of the same group's later code: a logistic map whose
start depends on the image only through the sum of its pixels modulo 256, so that **at most 256
different keystreams exist**. It is a training target here, never a cipher to use.

A domain is a function of images, uint8 (n, height, width, 3), that returns images of the same type
and shape; it raises ValueError for other arrays.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dkg import cores
from dkg.cipher import check_images
from dkg.logistic import logistic_keystreams as logistic_keystreams
from dkg.logistic import logistic_orbits as logistic_orbits

_GROUP = 16  # Orbits side by side: two vectors of eight doubles.


def chaotic(images: NDArray[np.uint8], channels: str = "rgb") -> NDArray[np.uint8]:
    """Encrypt images with the chaotic cipher: the paper's transformation domain.

    Parameters
    ----------
    channels : {'rgb', 'gray'}, default 'rgb'
        ``'gray'`` encrypts the gray image and repeats it in all three channels, as the group's
        later code does. ``'rgb'`` gives every channel a keystream of its own (successive parts
        of one orbit), since the paper speaks of colour keys.

    Notes
    -----
    With ``k0 = (sum of the gray image's pixels mod 256) / 255`` the orbit starts at
    ``(0.2 + k0) / 2`` (see `logistic_keystreams`). The code that this follows starts a second map
    at ``(0.7 + k0) / 2`` and never uses it.
    """
    images = check_images(images)
    if channels not in ("rgb", "gray"):
        raise ValueError(f"channels must be 'rgb' or 'gray', not {channels!r}")
    _, height, width, _ = images.shape
    planes = 3 if channels == "rgb" else 1
    result = np.empty_like(images)

    def encrypt(first: int) -> None:
        group = images[first : first + _GROUP]
        grays = np.stack([gray(image) for image in group])
        k0 = grays.sum(axis=(1, 2), dtype=np.int64) % 256 / 255
        keystreams = logistic_keystreams((0.2 + k0) / 2, planes * height * width)
        masks = keystreams.reshape(-1, planes, height, width).transpose(0, 2, 3, 1)
        plain = group if planes == 3 else grays[..., None]
        np.bitwise_xor(plain, masks, out=result[first : first + _GROUP])

    with ThreadPoolExecutor(cores.usable()) as pool:
        list(pool.map(encrypt, range(0, len(images), _GROUP)))
    return result


def gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert an image to 8-bit gray (luma of ITU-R BT.601, with 16 fractional bits as in Pillow).

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, 3) or (height, width).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width); a channel of the image if all three are equal.
    """
    if image.ndim == 2:
        return image
    weighted = image.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
    return ((weighted + 0x8000) >> 16).astype(np.uint8)


def row_shuffle(images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Put every image's rows in a random order: the low-security domain of Fig. 13 (a).

    A row shuffle keeps the histogram and everything within a row.

    Parameters
    ----------
    seed : int
        Seed of the permutations; image i has a permutation of its own that depends on
        ``(seed, i)``.
    """
    images = check_images(images)
    return np.stack(
        [
            image[np.random.default_rng([seed, index]).permutation(image.shape[0])]
            for index, image in enumerate(images)
        ]
    )


def aes_ctr(images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Encrypt images with AES-256 in counter mode: the ideal reference domain.

    Parameters
    ----------
    seed : int
        Chooses the AES key, in [0, 2**256); the images are encrypted one after another with one
        running counter. A fixed seed makes a training target, not a secret.

    Raises
    ------
    OverflowError
        If `seed` is out of range.
    """
    images = check_images(images)
    cipher = Cipher(algorithms.AES(int(seed).to_bytes(32, "big")), modes.CTR(bytes(16)))
    encrypted = cipher.encryptor().update(np.ascontiguousarray(images).tobytes())
    return np.frombuffer(encrypted, np.uint8).reshape(images.shape).copy()


DOMAINS: dict[str, Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]] = {
    "chaotic-rgb": lambda images, seed: chaotic(images, "rgb"),
    "chaotic-gray": lambda images, seed: chaotic(images, "gray"),
    "row-shuffle": row_shuffle,
    "aes-ctr": aes_ctr,
}
"""Every domain by name: ``DOMAINS[name](images, seed)``; the chaotic ones do not use the seed."""
