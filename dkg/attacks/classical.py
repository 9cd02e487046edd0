"""Classical attacks: changed pixels (section IV-C), a reused key, and bits flipped in transit."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from dkg.cipher import xor
from dkg.keys import KeySource
from dkg.metrics import npcr, uaci


def change_pixel(
    images: NDArray[np.uint8],
    pixel: tuple[int | Sequence[int] | NDArray[np.integer], ...],
    change: int | str,
) -> NDArray[np.uint8]:
    """Change one or more pixels of an image in all channels, as differential attacks do.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (height, width, 3), or a stack of them.
    pixel : tuple
        Row and column; for a stack number, row and column. Arrays of them are several pixels.
    change : int or {'one gray level', 'inverted'}
        Gray levels to add, where a sum below 0 becomes 0 and one above 255 becomes 255. Or one
        level up, and down from 255, so that each channel does change; or 255 minus the value.

    Returns
    -------
    numpy.ndarray
        A changed copy.
    """
    lengths = images.shape[:-1]
    if len(pixel) != len(lengths) or not all(
        np.isin(index, range(length)).all() for index, length in zip(pixel, lengths, strict=True)
    ):
        raise ValueError(f"pixel {pixel} does not lie in images of shape {images.shape}")
    old = images[pixel].astype(int)
    if change == "one gray level":
        new = np.where(old < 255, old + 1, 254)
    elif change == "inverted":
        new = 255 - old
    elif isinstance(change, str):
        raise ValueError(
            "change must be a number of gray levels, 'one gray level' or 'inverted', "
            f"not {change!r}"
        )
    else:
        new = np.clip(old + change, 0, 255)
    changed = images.copy()
    changed[pixel] = new
    return changed


def npcr_and_uaci(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> dict[str, list[float]]:
    """Measure how far two stacks of images differ, image by image (Eqs. 11 and 12).

    Parameters
    ----------
    first, second : numpy.ndarray
        uint8 (n, height, width, 3), such as ciphertexts before and after a change.

    Returns
    -------
    dict of str to list of float
        ``npcr`` and ``uaci`` of each pair, in percent.
    """
    pairs = list(zip(first, second, strict=True))
    return {
        "npcr": [float(npcr(*pair)) for pair in pairs],
        "uaci": [float(uaci(*pair)) for pair in pairs],
    }


def changed_keys(
    source: KeySource,
    image: NDArray[np.uint8],
    changed: Iterable[tuple[int, NDArray[np.uint8]]],
) -> pd.DataFrame:
    """Compare the key of a seed image with those of changed copies of it (section IV-A5).

    Parameters
    ----------
    source : KeySource
        What makes the keys.
    image : numpy.ndarray
        uint8 (256, 256, 3), the seed image.
    changed : iterable of tuple of int and numpy.ndarray
        Sizes of the changes, and the changed copies.

    Returns
    -------
    pandas.DataFrame
        A row for each copy: ``size``, ``npcr`` and ``uaci`` in percent.
    """
    before = source.generate(image)
    keys = [(size, source.generate(copy)) for size, copy in changed]
    rows = [(size, npcr(before, key), uaci(before, key)) for size, key in keys]
    return pd.DataFrame(rows, columns=["size", "npcr", "uaci"])


def partial_known_plaintext(
    known_plain: NDArray[np.uint8],
    known_cipher: NDArray[np.uint8],
    other_cipher: NDArray[np.uint8],
    share: float,
) -> NDArray[np.uint8]:
    """Decrypt a ciphertext with the part of the key that a partly known plaintext reveals.

    The paper does not consider that one key may encrypt two images.

    Parameters
    ----------
    known_plain, known_cipher : numpy.ndarray
        uint8 (height, width, 3): a plaintext, and its ciphertext under the key.
    other_cipher : numpy.ndarray
        uint8 (height, width, 3): another ciphertext under the same key.
    share : float
        The known part of the plaintext, 0 to 100 percent of its rows, from the top.

    Returns
    -------
    numpy.ndarray
        The other image, uint8: decrypted in those rows, and encrypted below.
    """
    if not 0 <= share <= 100:
        raise ValueError(f"share must be 0 to 100 percent, not {share}")
    rows = round(len(known_plain) * share / 100)
    key = xor(known_plain, known_cipher)
    key[rows:] = 0
    return xor(other_cipher, key)


def replace_pixels(
    ciphertext: str | os.PathLike[str],
    pixels: NDArray[np.uint8],
    out: str | os.PathLike[str],
) -> None:
    """Write a ciphertext file with other pixels, and keep its metadata with the tag.

    Parameters
    ----------
    ciphertext : path-like
        A PNG that `dkg.encryption.encrypt_file` wrote.
    pixels : numpy.ndarray
        uint8 (height, width, 3).
    out : path-like
        The PNG to write.
    """
    metadata = PngImagePlugin.PngInfo()
    with PngImagePlugin.PngImageFile(ciphertext) as real:
        metadata.add_text("dkg", real.text["dkg"])
    Image.fromarray(pixels).save(out, "PNG", pnginfo=metadata)


def flip_square(
    ciphertext: NDArray[np.uint8], row: int, column: int, side: int, bits: int
) -> NDArray[np.uint8]:
    """Flip bits in a square of a ciphertext, and thereby in the plaintext, without the key.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    row, column, side : int
        The upper left pixel of the square, and its side in pixels; it must lie in the image.
    bits : int
        The bits to flip in each byte, 0 to 255; 128 flips the highest.

    Returns
    -------
    numpy.ndarray
        A changed copy.
    """
    height, width = ciphertext.shape[:2]
    if not (0 <= row <= height - side and 0 <= column <= width - side and side >= 0):
        raise ValueError(
            f"a square of {side} pixels at ({row}, {column}) does not lie in an image of "
            f"{height} x {width} pixels"
        )
    if not 0 <= bits <= 255:
        raise ValueError(f"bits must be 0 to 255, not {bits}")
    changed = ciphertext.copy()
    changed[row : row + side, column : column + side] ^= np.uint8(bits)
    return changed
