"""Images under their titles, alone and above their histograms (Figs. 6 and 7)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dkg.metrics import entropy, histogram
from dkg.plots.style import BLUE, GRAY, RED, STYLE, new_figure, show_image


def image_grid(images: Mapping[str, np.ndarray], columns: int | None = None) -> Figure:
    """Show images under their titles, pixel for pixel.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, (height, width) or (height, width, 3).
    columns : int, optional
        Images in a row; default all in one.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    columns = min(columns or len(images), len(images))
    rows = -(-len(images) // columns)
    figure, axes = new_figure(rows, columns, figsize=(2.6 * columns, 2.9 * rows))
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        show_image(ax, image, title)
    return figure


def image_rows(rows: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Show images in rows, each image under its title, and the first also under its row's.

    Parameters
    ----------
    rows : mapping of str to mapping of str to numpy.ndarray
        Titles of the rows, and titles and uint8 images in each. An image that is alone in its row
        may be as wide as the row.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there is no row, or a row without an image.
    """
    if not rows or not all(rows.values()):
        raise ValueError("rows must hold at least one row, and each row at least one image")
    columns = max(map(len, rows.values()))
    places: list[Any] = [
        [f"{row}\n{title}" for title in images] * (columns if len(images) == 1 else 1)
        + ["."] * (columns - len(images) if len(images) > 1 else 0)
        for row, images in rows.items()
    ]
    figure: Figure
    with plt.style.context(STYLE):
        figure, axes = plt.subplot_mosaic(places, figsize=(2.6 * columns, 3.1 * len(rows)))
    plt.close(figure)
    for row, images in rows.items():
        for title, image in images.items():
            show_image(axes[f"{row}\n{title}"], image, title)
        # The line break keeps it above the title of the first image.
        axes[f"{row}\n{next(iter(images))}"].set_title(f"{row}\n", loc="left", weight="bold")
    return figure


def image_histograms(images: Mapping[str, np.ndarray]) -> Figure:
    """Show images with the histograms of their bytes (Figs. 6 and 7).

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, any number of channels; a histogram is over all bytes.

    Returns
    -------
    matplotlib.figure.Figure
        Images above, histograms below, with the frequency that ideal bytes have as a line.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    n = len(images)
    figure, axes = new_figure(2, n, figsize=(2.9 * n, 4.9), height_ratios=(3, 1.6))
    for ax, below, (title, image) in zip(axes[0], axes[1], images.items(), strict=True):
        show_image(ax, image, title)
        below.fill_between(
            np.arange(256), histogram(image) / image.size, step="mid", color=BLUE, linewidth=0
        )
        below.axhline(1 / 256, color=RED, linewidth=1, label="ideal")
        below.set_xlim(0, 255)
        below.set_ylim(bottom=0)
        below.set_xlabel("byte")
        below.set_title(f"{entropy(image):.4f} bits", fontsize=9, color=GRAY)
    axes[1, 0].set_ylabel("share")
    axes[1, 0].legend(frameon=False, fontsize=8, loc="best")
    return figure
