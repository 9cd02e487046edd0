"""One visual language: the style file, the colours, and an empty figure in it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

STYLE = Path(__file__).with_name("dkg.mplstyle")

# Okabe and Ito's colours, which colour-blind readers can tell apart; their lightness differs, so
# that they part in grayscale too.
BLUE, RED, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
GRAY = "#6b6b6b"
SERIES = ((RED, "o", "-"), (BLUE, "s", "--"), (GREEN, "^", ":"), (ORANGE, "D", "-."))

HIDE_KEYS = "DKG_HIDE_KEYS"
"""Environment variable that makes pictures too coarse to read a key off them."""

_BLOCK = 4


def new_figure(*args: Any, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    """Make a figure in the house's style.

    Parameters
    ----------
    *args, **kwargs
        Passed on to `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure; pyplot does not keep it, so that a notebook shows it only once.
    axes : numpy.ndarray of matplotlib.axes.Axes
        Always an array (rows, columns).
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(*args, squeeze=False, **kwargs)
    plt.close(figure)
    return figure, axes


def panel_grid(
    n: int, columns: int, width: float, height: float, **kwargs: Any
) -> tuple[Figure, np.ndarray]:
    """Make a figure of `n` panels, `width` by `height` inches, at most `columns` in a row.

    Returns the figure and its axes (rows, columns); places that are left over are switched off.
    """
    columns = min(columns, n)
    rows = -(-n // columns)
    figure, axes = new_figure(rows, columns, figsize=(width * columns, height * rows), **kwargs)
    for ax in axes.flat[n:]:
        ax.set_axis_off()
    return figure, axes


def as_shown(image: np.ndarray) -> np.ndarray:
    """Return an image as a picture may show it, which is as it is unless keys are to be hidden.

    If they are, every 4 x 4 pixels are their mean. That goes for all images, since a plaintext and
    its ciphertext give the key as well.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width) or (height, width, 3).

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    if not os.environ.get(HIDE_KEYS):
        return image
    height, width = image.shape[:2]
    means = np.asarray(Image.fromarray(image).reduce(_BLOCK))
    return means.repeat(_BLOCK, 0).repeat(_BLOCK, 1)[:height, :width]


def label_markers(
    axes: Axes, numbers: Iterable[float], places: Iterable[float], form: str, color: str
) -> None:
    """Write numbers, formatted as `form` says, to the right of the markers at (number, place)."""
    for number, place in zip(numbers, places, strict=True):
        axes.annotate(
            form.format(number),
            (number, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            size=8,
            color=color,
        )


def show_image(axes: Axes, image: np.ndarray, title: str) -> None:
    """Show a uint8 image pixel for pixel, black at 0 and white at 255, without axes.

    Where keys are to be hidden it is coarse, as `as_shown` says.
    """
    axes.imshow(as_shown(image), interpolation="nearest", vmin=0, vmax=255, cmap="gray")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
