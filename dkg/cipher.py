"""The paper's XOR cipher, and the shape of keys.

`xor` is the paper's cipher (section IV: "the bit-wise XOR algorithm is adopted"). A cipher for
files needs more than the paper says: images of any size, refusal of the wrong key and of changed
files, and a record of used keys. `dkg.encryption` adds these on top of this module.
"""

import importlib
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

KEY_SHAPE = (256, 256, 3)
"""Shape of one key (paper, Algorithm 1)."""

KEY_BYTES = 256 * 256 * 3
"""Bytes of one key: 196,608."""

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


def __getattr__(name: str) -> Any:
    """Find what `dkg.encryption` has, which older notebooks know as a part of this module."""
    encryption = importlib.import_module("dkg.encryption")
    if name in encryption.__all__:
        return getattr(encryption, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
