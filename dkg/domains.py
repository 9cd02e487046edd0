"""Transformation domains: the images whose "style" the generator learns (paper, section III-B).

The paper's domain is "images encrypted using the traditional chaotic system" and is not described
further. The chaotic cipher here is the one of the same group's later code: a logistic map whose
start depends on the image only through the sum of its pixels modulo 256, so that **at most 256
different keystreams exist**. It is a training target here, never a cipher to use.

A domain is a function of images, uint8 (n, height, width, 3), that returns images of the same type
and shape; it raises ValueError for other arrays.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import ArrayLike, NDArray

from dkg import cores
from dkg.cipher import check_images
from dkg.compiled import compiled

_PERTURBATION = 2.0**-20
_PART = 4096  # Steps of an orbit at a time, and the longest cycle (and one) that is noticed.
_GROUP = 16  # Orbits side by side: two vectors of eight doubles.


@compiled
def _iterate(starts: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Fill `values` (steps, lanes) with orbits.

    One orbit is a chain of dependent multiplications. Several side by side keep the processor's
    vector units busy, with the same rounding in each.
    """
    current = starts.copy()
    for i in range(values.shape[0]):
        for lane in range(starts.size):
            x = current[lane]
            x = 4.0 * x * (1.0 - x)
            current[lane] = x
            values[i, lane] = x


@compiled
def _to_bytes(values: NDArray[np.float64], keystreams: NDArray[np.uint8]) -> None:
    """Map orbits (steps, lanes) to bytes (lanes, steps)."""
    for lane in range(values.shape[1]):
        for i in range(values.shape[0]):
            y = math.asin(math.sqrt(values[i, lane])) / math.pi
            keystreams[lane, i] = np.int64(math.floor(y * 1e15)) & 255


def _check_starts(starts: ArrayLike, length: int) -> NDArray[np.float64]:
    starts = np.array(starts, np.float64)
    if starts.ndim != 1 or not ((starts > 0.0) & (starts < 1.0)).all():
        raise ValueError(f"starts must be a list of numbers in (0, 1), not {starts}")
    if length < 0:
        raise ValueError(f"the length must not be negative, not {length}")
    return starts


def logistic_orbits(starts: ArrayLike, n_steps: int) -> NDArray[np.float64]:
    """Iterate the logistic map ``x <- 4 x (1 - x)`` from several starts.

    Parameters
    ----------
    starts : numpy.ndarray
        float64 (n,), each in (0, 1).
    n_steps : int
        Steps to take; the start itself is not part of the orbit.

    Returns
    -------
    numpy.ndarray
        float64 (n_steps, n), in IEEE 754 double precision with one rounding per operation, so
        equal bit for bit to a plain loop.

    Raises
    ------
    ValueError
        If a start is outside (0, 1) or `n_steps` is negative.
    """
    starts = _check_starts(starts, n_steps)
    values = np.empty((n_steps, starts.size))
    _iterate(starts, values)
    return values


def _keystreams_and_cycles(
    starts: NDArray[np.float64], n_bytes: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Make keystreams, and say which of their orbits ended in a cycle."""
    keystreams = np.empty((starts.size, n_bytes), np.uint8)
    periodic = np.zeros(starts.size, bool)
    values = np.empty((0, starts.size))
    # In parts that stay in the cache; the last part is whole where the orbit is long enough.
    ends = range(n_bytes % _PART or _PART, n_bytes + 1, _PART) if n_bytes >= _PART else [n_bytes]
    done = 0
    for end in ends:
        start_here = values[-1].copy() if done else starts
        values = np.empty((end - done, starts.size))
        _iterate(start_here, values)
        _to_bytes(values, keystreams[:, done:end])
        done = end
    if len(values):
        # An orbit stays in a cycle that it has met, so the end of the orbit tells.
        periodic = (values[:-1] == values[-1]).any(axis=0)
    return keystreams, periodic


def logistic_keystreams(starts: ArrayLike, n_bytes: int) -> NDArray[np.uint8]:
    """Make keystreams from orbits of the logistic map.

    Every value of an orbit is mapped by ``y = asin(sqrt(x)) / pi``; the byte is
    ``floor(y * 1e15) mod 256``.

    Parameters
    ----------
    starts : numpy.ndarray
        float64 (n,), starts of the orbits, in (0, 1).
    n_bytes : int
        Length of each keystream.

    Returns
    -------
    numpy.ndarray
        uint8 (n, n_bytes).

    Raises
    ------
    ValueError
        If a start is outside (0, 1) or `n_bytes` is negative.

    Notes
    -----
    In exact arithmetic some starts end at a fixed point (1/2 -> 1 -> 0, 3/4 -> 3/4), and in
    floating point others fall into a short cycle: such a keystream would repeat. A start whose
    orbit has met a fixed point or a cycle of fewer than 4,096 steps by the end is moved by 2**-20
    (up below 1/2, else down; as often as needed), and the keystream is made from there. ``asin``
    is the platform's; its last bit, and with it a few bytes, may differ from one C library to
    another.
    """
    starts = _check_starts(starts, n_bytes)
    towards_half = np.where(starts < 0.5, _PERTURBATION, -_PERTURBATION)
    keystreams = np.empty((starts.size, n_bytes), np.uint8)
    to_do = np.arange(starts.size)
    while to_do.size:
        keystreams[to_do], periodic = _keystreams_and_cycles(starts[to_do], n_bytes)
        to_do = to_do[periodic]
        starts[to_do] += towards_half[to_do]
    return keystreams


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
