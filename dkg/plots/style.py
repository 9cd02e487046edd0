"""One visual language: the style file, the colours, and an empty figure in it."""

import os
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

STYLE = Path(__file__).with_name("dkg.mplstyle")

# Okabe and Ito's colours, which colour-blind readers can tell apart; their lightness differs, so
# that they part in grayscale too.
BLUE, RED, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
GRAY = "#6b6b6b"
INK = "#222222"
SERIES = ((RED, "o", "-"), (BLUE, "s", "--"), (GREEN, "^", ":"), (ORANGE, "D", "-."))

WHITE_GROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}

DARK = {RED: "#a64400", GREEN: "#00674b", ORANGE: "#7a5500"}
"""Darker kinds of colours that are too pale for words on white."""

PAGE = 7.5
"""Width of a page in inches; a wider figure would be shrunk, and its text with it."""

HIDE_KEYS = "DKG_HIDE_KEYS"
"""Environment variable that makes pictures too coarse to read a key off them."""

_BLOCK = 4


def new_figure(*args: Any, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    """Make a figure in the house's style.

    Parameters
    ----------
    *args, **kwargs
        Passed on to `matplotlib.pyplot.subplots`. A figure wider than a page is made as wide as
        the page, so that its text is shown in its own size.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure; pyplot does not keep it, so that a notebook shows it only once.
    axes : numpy.ndarray of matplotlib.axes.Axes
        Always an array (rows, columns).
    """
    if "figsize" in kwargs:
        width, height = kwargs["figsize"]
        kwargs["figsize"] = (min(width, PAGE), height)
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


def label_markers(axes: Axes, numbers: Iterable[float], places: Iterable[float], form: str) -> None:
    """Write numbers, formatted as `form` says, to the right of the markers at (number, place).

    They have a white ground, which hides the lines below them.
    """
    for number, place in zip(numbers, places, strict=True):
        axes.annotate(
            form.format(number),
            (number, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=INK,
            bbox=WHITE_GROUND,
        )


def pictures_above_chart(n: int) -> tuple[Figure, list[Axes], Axes]:
    """Make a figure of `n` pictures, in rows of at most three, and of a chart below them."""
    rows = -(-n // 3)
    columns = -(-n // rows)
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(PAGE, 3 + 2.8 * rows))
        places = figure.add_gridspec(rows + 1, 2 * columns)
        pictures = []
        for number in range(n):
            row, column = divmod(number, columns)
            # The last row is in the middle when it has fewer pictures than the others.
            left = max(0, (row + 1) * columns - n) + 2 * column
            pictures.append(figure.add_subplot(places[row, left : left + 2]))
        chart = figure.add_subplot(places[rows, :])
    plt.close(figure)
    return figure, pictures, chart


def ink_on(color: Any) -> str:
    """Return black or white, whichever is easier to read on `color` (WCAG 2.2 contrast)."""
    return "black" if contrast("black", color) >= contrast("white", color) else "white"


def contrast(first: Any, second: Any) -> float:
    """Return the contrast ratio of two opaque colours, 1 to 21 (WCAG 2.2, section 1.4.3)."""
    darker, lighter = sorted(_luminance(color) for color in (first, second))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Any) -> float:
    values = np.array(to_rgb(color))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def readable_numbers(axes: Axes) -> None:
    """Write each number of a heat map of seaborn in black or white, as its cell needs."""
    cells = axes.collections[0]
    cells.update_scalarmappable()
    values = np.ma.masked_invalid(np.asarray(cells.get_array(), float))
    colors = cells.get_facecolor()
    for text in axes.texts:
        column, row = map(int, text.get_position())
        if values[row, column] is not np.ma.masked:
            text.set_color(ink_on(colors[row * values.shape[1] + column]))


def wrapped(title: str, width: float) -> str:
    """Break the lines of a title that are longer than `width` inches, at spaces."""
    # A letter of the style's font at ten points is about 0.085 inches wide.
    return "\n".join(fill(line, max(8, int(width / 0.085))) for line in title.split("\n"))


def show_image(axes: Axes, image: np.ndarray, title: str) -> None:
    """Show a uint8 image pixel for pixel, black at 0 and white at 255, without axes.

    Where keys are to be hidden it is coarse, as `as_shown` says.
    """
    axes.imshow(as_shown(image), interpolation="nearest", vmin=0, vmax=255, cmap="gray")
    axes.set_title(wrapped(title, _width(axes)), fontsize=10)
    axes.set_axis_off()


def _width(axes: Axes) -> float:
    """Return how wide a title of the axes may be, in inches, with half of the gaps beside them."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are always made in a figure"
    return float(axes.get_position().width * figure.get_figwidth()) * 1.25
