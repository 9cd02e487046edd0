"""One visual language: the style file, the colours, and an empty figure in it."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("dkg.mplstyle")

# Okabe and Ito's colours, which colour-blind readers can tell apart; their lightness differs, so
# that they part in grayscale too.
BLUE, RED, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
GRAY = "#6b6b6b"


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


def show_image(axes: Axes, image: np.ndarray, title: str) -> None:
    """Show a uint8 image pixel for pixel, black at 0 and white at 255, without axes."""
    axes.imshow(image, interpolation="nearest", vmin=0, vmax=255, cmap="gray")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
