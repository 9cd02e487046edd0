"""Images that can be encrypted, the number of keys that they need, and the key identifier."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import KEY_BYTES, KEY_SHAPE, CipherError, xor
from dkg.storage.limits import MAX_BYTES

MAX_KEYS = MAX_BYTES // KEY_BYTES
"""The most keys that one image can need, because larger images are not read: 1,024."""

# Samples that are computed with at a time, so that large images are not copied as a whole.
_AT_ONCE = 2**20

PNG_SIDE = 1_000_000
"""The largest height and width that libpng reads and writes."""


def check_plain_image(image: NDArray[Any]) -> None:
    """Refuse an image that cannot be encrypted.

    Parameters
    ----------
    image : ndarray
        Anything but uint8 or uint16 of shape (H, W) or (H, W, 3) is refused.

    Raises
    ------
    CipherError
        If the image has another type or shape, or is too large.
    """
    if image.ndim == 3 and image.shape[2] in (2, 4):
        raise CipherError(
            f"the image has {image.shape[2]} channels; only gray and RGB images can be encrypted: "
            "remove the transparency or convert CMYK to RGB first"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
        raise CipherError(f"expected a gray or RGB image, (H, W) or (H, W, 3), not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16):
        raise CipherError(f"expected samples of uint8 or uint16, not {image.dtype}")
    if max(image.shape[:2]) > PNG_SIDE:
        raise CipherError(f"a PNG file has at most {PNG_SIDE:,} pixels a side, not {image.shape}")
    if image.nbytes > MAX_BYTES:
        raise CipherError(f"an image has at most {MAX_BYTES:,} bytes, not {image.nbytes:,}")


def keys_needed(image: NDArray[Any]) -> int:
    """Return how many keys of 196,608 bytes cover an image once.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        The image.

    Returns
    -------
    int
        At least 1. A 16-bit sample takes two key bytes.

    Raises
    ------
    CipherError
        If the image has another type or shape.
    """
    check_plain_image(image)
    return -(-image.nbytes // KEY_BYTES)


def xor_in_place(samples: NDArray[Any], keys: NDArray[np.uint8]) -> None:
    """XOR samples with the key bytes that cover them, in blocks.

    Parameters
    ----------
    samples : ndarray
        Contiguous samples of an unsigned integer type, in any shape; they are changed. A sample
        takes its key bytes from high to low.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        Keys with at least as many bytes.
    """
    flat = samples.reshape(-1)
    stream = np.ascontiguousarray(keys).reshape(-1).view(samples.dtype.newbyteorder(">"))
    for start in range(0, flat.size, _AT_ONCE):
        block = flat[start : start + _AT_ONCE]
        key = stream[start : start + block.size]
        block[:] = xor(block, key.astype(block.dtype, copy=False))


def key_identifier(keys: NDArray[np.uint8]) -> str:
    """Return the key identifier that is stored in ciphertexts: a hash of all key bytes.

    Parameters
    ----------
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys, in order.

    Returns
    -------
    str
        SHA-256 of a fixed label and the bytes, in hexadecimal. It does not reveal the key, but an
        attacker who guesses a key can check the guess with it.

    Raises
    ------
    CipherError
        If `keys` has another type or shape, or holds the same key twice.
    """
    if keys.dtype != np.uint8 or keys.shape[1:] != KEY_SHAPE or len(keys) == 0:
        raise CipherError(
            f"keys must be uint8 of shape (n, 256, 256, 3), not {keys.dtype} of shape {keys.shape}"
        )
    if len(keys) > MAX_KEYS:
        raise CipherError(f"a key file holds at most {MAX_KEYS:,} keys, not {len(keys):,}")
    first: dict[bytes, int] = {}
    for number, key in enumerate(keys, start=1):
        earlier = first.setdefault(hashlib.sha256(np.ascontiguousarray(key).data).digest(), number)
        if earlier != number:
            raise CipherError(
                f"keys {earlier} and {number} are the same: a key must never be repeated"
            )
    digest = hashlib.sha256(b"dkg key identifier 1\0")
    digest.update(np.ascontiguousarray(keys).data)
    return digest.hexdigest()
