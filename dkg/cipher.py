"""The paper's XOR cipher, and the shape of keys and images.

`xor` is the paper's cipher (section IV: "the bit-wise XOR algorithm is adopted"). A cipher for
files needs more than the paper says: images of any size, refusal of the wrong key and of changed
files, and a record of used keys. `dkg.encryption` adds these on top of this module.
"""

import hashlib
import importlib
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.storage.limits import MAX_BYTES

KEY_SHAPE = (256, 256, 3)
"""Shape of one key (paper, Algorithm 1)."""

KEY_BYTES = 256 * 256 * 3
"""Bytes of one key: 196,608."""

MAX_KEYS = MAX_BYTES // KEY_BYTES
"""The most keys that one image can need, because larger images are not read: 1,024."""

PNG_SIDE = 1_000_000
"""The largest height and width that libpng reads and writes."""

_Samples = TypeVar("_Samples", bound=np.unsignedinteger[Any])


class CipherError(ValueError):
    """Raised when a key, an image or a file is refused; the message gives the reason."""


def xor(image: NDArray[_Samples], key: NDArray[_Samples]) -> NDArray[_Samples]:
    """Encrypt or decrypt by the bit-wise XOR of the paper's section IV, which is its own inverse.

    Parameters
    ----------
    image, key : ndarray of an unsigned integer type, the same shape and type for both
        Plain image or ciphertext, and key.

    Returns
    -------
    ndarray
        Of the same shape and type.

    Raises
    ------
    CipherError
        If shapes or types differ, or the type is not an unsigned integer. A key is never
        repeated or cut to fit, as broadcasting would.
    """
    if image.shape != key.shape or image.dtype != key.dtype or image.dtype.kind != "u":
        raise CipherError(
            "image and key must have the same shape and unsigned integer type: the image is "
            f"{image.dtype} of shape {image.shape}, the key {key.dtype} of shape {key.shape}"
        )
    # Without `out`, NumPy would return the native byte order instead of the image's.
    result = np.empty_like(image)
    np.bitwise_xor(image, key, out=result)
    return result


def check_images(
    images: ArrayLike,
    name: str = "images",
    *,
    shape: tuple[int, int, int] | None = None,
    least: int = 1,
) -> NDArray[np.uint8]:
    """Return color images as an array, or refuse what is not one.

    Parameters
    ----------
    images : array_like
        uint8 (n, height, width, 3).
    name : str, default 'images'
        What the error message calls them.
    shape : tuple of int, optional
        The shape that each image must have, such as `KEY_SHAPE`. Default: any height and width.
    least : {0, 1}, default 1
        The smallest number of images.

    Returns
    -------
    numpy.ndarray
        The images.

    Raises
    ------
    ValueError
        If they have another type or shape, or there are too few.
    """
    images = np.asarray(images)
    wanted = shape or (*images.shape[1:3], 3)
    if images.dtype != np.uint8 or images.shape[1:] != wanted or images.size < least:
        sides = ", ".join(map(str, shape or ("height", "width", 3)))
        raise ValueError(
            f"{name} must be uint8 of shape (n, {sides}){' with n >= 1' if least else ''}, "
            f"not {images.dtype} of shape {images.shape}"
        )
    return images


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


def __getattr__(name: str) -> Any:
    """Find the functions for files, which older notebooks know as a part of this module."""
    encryption = importlib.import_module("dkg.encryption")
    if name in encryption.__all__:
        return getattr(encryption, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
