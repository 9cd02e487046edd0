"""Imitation attacks (Figs. 8 to 10): what a wrong key shows, and how much of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, RED, new_figure, show_image

_MARKERS = ((BLUE, "o"), (RED, "s"), (GREEN, "^"), (ORANGE, "D"))


def decryption_matrix(images: Mapping[tuple[str, str], np.ndarray]) -> Figure:
    """Show what every key makes of every key's ciphertext (Fig. 10).

    Parameters
    ----------
    images : mapping of tuple of two str to numpy.ndarray
        For the names of the key of encryption and of the key of decryption, the decrypted image,
        uint8 (height, width, 3). Pairs that are left out stay empty.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each key of encryption, a column for each key of decryption.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    rows, columns = (list(dict.fromkeys(pair[i] for pair in images)) for i in (0, 1))
    figure, axes = new_figure(
        len(rows), len(columns), figsize=(2.1 * len(columns), 0.5 + 2.1 * len(rows))
    )
    for row, encrypted_with in enumerate(rows):
        for column, decrypted_with in enumerate(columns):
            ax = axes[row, column]
            if (encrypted_with, decrypted_with) in images:
                title = f"decrypted with {decrypted_with}" if row == 0 else ""
                show_image(ax, images[encrypted_with, decrypted_with], title)
            ax.set_axis_on()
            ax.set_xticks([])
            ax.set_yticks([])
            ax.set_frame_on(False)
        axes[row, 0].set_ylabel(f"encrypted with {encrypted_with}")
    return figure


def leak_of_keys(
    sizes: Mapping[str, pd.Series], limit: float, title: str = "", *, named: Mapping[str, float]
) -> Figure:
    """Show how much of the plaintexts comes through, for several keys.

    Parameters
    ----------
    sizes : mapping of str to pandas.Series
        For each key, by a name that says what it is, the size of the correlation of block means of
        each plaintext and decrypted image, 0 to 1.
    limit : float
        What noise stays below in 95 % of cases; drawn as a band.
    title : str, optional
        Title of the figure.
    named : mapping of str to float
        For the same keys the share of images that a matcher told from the others, in percent,
        written at the right.

    Returns
    -------
    matplotlib.figure.Figure
        A row of points for each key, one point for each image, with their mean as a bar.
    """
    figure, axes = new_figure(1, 1, figsize=(8.5, 1.2 + 0.34 * len(sizes)))
    ax = axes[0, 0]
    ax.axvspan(0, limit, color=GRAY, alpha=0.25, linewidth=0)
    for row, (key, values) in enumerate(sizes.items()):
        color, marker = _MARKERS[row % len(_MARKERS)]
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(values, row + spread, marker, color=color, ms=4, mfc="none")
        ax.vlines(np.mean(values), row - 0.32, row + 0.32, color=color, linewidth=2.5)
        ax.text(1.04, row, f"{named[key]:.0f} %", va="center", size=9)
    ax.text(1.04, -0.85, "named", va="center", size=9, color=GRAY)
    ax.text(limit / 2, -0.85, "noise", ha="center", va="center", size=9, color=GRAY)
    ax.set_yticks(range(len(sizes)), sizes)
    ax.set_ylim(len(sizes) - 0.5, -1.2)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("size of the correlation of the means of 16 x 16 pixels")
    ax.set_title(title)
    return figure
