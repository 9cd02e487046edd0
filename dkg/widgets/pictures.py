"""Pictures for a page: arrays as PNG, figures as arrays, spectra, a frame around a pixel."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dkg import attacks


def png(image: np.ndarray) -> bytes:
    """Return an image as the bytes of a PNG file.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width) or (height, width, 3).

    Returns
    -------
    bytes
        The file.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def figure_as_image(figure: Figure) -> np.ndarray:
    """Draw a figure into an array.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), 100 pixels to the inch.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return np.asarray(Image.open(buffer).convert("RGB"))


def spectrum(key: np.ndarray) -> np.ndarray:
    """Return the spectrum of a key as a picture; that of ideal bytes is even noise.

    Parameters
    ----------
    key : numpy.ndarray
        uint8 (height, width, 3), not constant in a channel.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width): `dkg.attacks.power_spectrum` on a logarithmic scale, black at a
        hundredth of what white noise has on average, white at a hundred times it.

    Raises
    ------
    ValueError
        If the key is not as described.
    """
    power = attacks.power_spectrum(key[np.newaxis])
    return np.rint(255 * (np.log10(np.clip(power, 1e-2, 1e2)) + 2) / 4).astype(np.uint8)


def map_as_image(values: np.ndarray, side: int) -> np.ndarray:
    """Return a map of blocks as a picture, from black at its least to white at its largest value.

    Parameters
    ----------
    values : numpy.ndarray
        float (height, width), one number for each block; not all the same.
    side : int
        Side of a block in pixels.

    Returns
    -------
    numpy.ndarray
        uint8 (height * side, width * side).
    """
    low, high = values.min(), values.max()
    levels = np.rint(255 * (values - low) / (high - low)).astype(np.uint8)
    return np.repeat(np.repeat(levels, side, 0), side, 1)


def mark_pixel(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Draw a frame around a pixel, to show where it is.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, 3).
    row, column : int
        The pixel; it keeps its value.

    Returns
    -------
    numpy.ndarray
        A copy with an orange square of 11 x 11 pixels, cut off at the image's border.
    """
    marked = image.copy()
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.maximum(abs(rows - row), abs(columns - column))
    marked[(distance == 5) | (distance == 4)] = (230, 159, 0)
    return marked
