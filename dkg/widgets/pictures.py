"""Pictures for a page: arrays as PNG, figures as arrays, spectra, a frame around a pixel."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dkg import attacks


def png(image: np.ndarray) -> bytes:
    """Return an image, uint8 (height, width) or (height, width, 3), as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def figure_as_image(figure: Figure) -> np.ndarray:
    """Draw a figure into an array, uint8 (height, width, 3), 100 pixels to the inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return np.asarray(Image.open(buffer).convert("RGB"))


def spectrum(key: np.ndarray) -> np.ndarray:
    """Return the spectrum of a key as a picture; that of i.i.d. uniform bytes is white noise.

    The key is uint8 (height, width, 3), and not constant in a channel, which raises ValueError. The
    picture is uint8 (height, width): `dkg.attacks.power_spectrum` on a logarithmic scale, black at
    a hundredth of what white noise has on average, white at a hundred times it.
    """
    power = attacks.power_spectrum(key[np.newaxis])
    return np.rint(255 * (np.log10(np.clip(power, 1e-2, 1e2)) + 2) / 4).astype(np.uint8)


def map_as_image(values: np.ndarray, side: int) -> np.ndarray:
    """Return a map of blocks as a picture, from black at its least to white at its largest value.

    Each number of the map, float (height, width) and not all the same, becomes a block of `side` x
    `side` pixels of the picture, uint8 (height * side, width * side).
    """
    low, high = values.min(), values.max()
    levels = np.rint(255 * (values - low) / (high - low)).astype(np.uint8)
    return np.repeat(np.repeat(levels, side, 0), side, 1)


def mark_pixel(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Draw a frame around a pixel, which keeps its value, to show where it is.

    Returns a copy of the image, uint8 (height, width, 3), with an orange square of 11 x 11 pixels,
    cut off at the image's border.
    """
    marked = image.copy()
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.maximum(abs(rows - row), abs(columns - column))
    marked[(distance == 5) | (distance == 4)] = (230, 159, 0)
    return marked
