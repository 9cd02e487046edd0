"""A sheet measured in inches, and the boxes, pictures and arrows that diagrams consist of."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from dkg.plots.style import DARK, RED, as_shown, new_figure

# At this width the text is readable on paper and on a phone held upright.
WIDTH = 6.5
INK = "#222222"


def canvas(height: float) -> tuple[Figure, Axes]:
    """Make an empty sheet whose coordinates are inches from the lower left corner."""
    figure, axes = new_figure(1, 1, figsize=(WIDTH, height))
    figure.set_layout_engine("none")
    ax = axes[0, 0]
    ax.set_position((0, 0, 1, 1))
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(0, height)
    ax.set_autoscale_on(False)
    ax.set_axis_off()
    return figure, ax


def text(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    size: float = 9.5,
    color: str = INK,
    **options: Any,
) -> None:
    """Write words centred at (x, y), unless `options` say otherwise.

    A color that is too pale for words is darkened.
    """
    options = {"ha": "center", "va": "center"} | options
    ax.text(x, y, words, fontsize=size, color=DARK.get(color, color), **options)


def box(ax: Axes, x: float, y: float, width: float, height: float, title: str, color: str) -> None:
    """Draw a rounded box with its lower left corner at (x, y), and its title at the top."""
    shape: dict[str, Any] = {
        "boxstyle": "round,pad=0,rounding_size=0.08",
        "linewidth": 1.6,
        "edgecolor": color,
    }
    ax.add_patch(FancyBboxPatch((x, y), width, height, facecolor="#f6f6f6", **shape))
    text(ax, x + width / 2, y + height - 0.19, title, 10.5, color, weight="bold")


def network(ax: Axes, x: float, y: float, letter: str, color: str) -> None:
    """Draw a network as a small box around its letter, with its centre at (x, y)."""
    box(ax, x - 0.24, y - 0.19, 0.48, 0.38, letter, color)


def picture(ax: Axes, image: np.ndarray, x: float, y: float, side: float, caption: str) -> None:
    """Show an image with its lower left corner at (x, y), and its caption below."""
    ax.imshow(
        as_shown(image),
        extent=(x, x + side, y, y + side),
        # A thumbnail that leaves pixels out shows lines that are not there; this one averages.
        interpolation="antialiased",
        vmin=0,
        vmax=255,
        cmap="gray",
        aspect="auto",
        zorder=3,
    )
    ax.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor=INK, linewidth=0.8, zorder=4))
    text(ax, x + side / 2, y - 0.17, caption)


def arrow(ax: Axes, *points: tuple[float, float], dashed: bool = False) -> None:
    """Draw an arrow through the points; a dashed one carries the key."""
    style: dict[str, Any] = {"linestyle": (0, (4, 2)), "color": RED} if dashed else {"color": INK}
    head: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 13,
        "linewidth": 1.6,
        "joinstyle": "miter",
    }
    ax.add_patch(FancyArrowPatch(path=Path(points), zorder=2, **head, **style))


def xor(ax: Axes, x: float, y: float) -> None:
    """Draw the XOR of a key and an image as a circle."""
    ax.add_patch(Circle((x, y), 0.25, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=3))
    text(ax, x, y, "XOR", 9, weight="bold", zorder=4)
