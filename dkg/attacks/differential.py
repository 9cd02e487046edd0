"""Differential attack: change a pixel of an image, and compare what follows (section IV-C)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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

    Raises
    ------
    ValueError
        If the pixel does not lie in the image, or there is no such change.
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
