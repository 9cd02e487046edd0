"""Low-order keys and their controls: how far from ideal, and what each one passes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dkg import metrics
from dkg.cipher import KEY_BYTES
from dkg.plots.style import BLUE, GRAY, RED, new_figure


def distance_from_ideal(pairs: Mapping[str, pd.DataFrame]) -> Figure:
    """Show how far NPCR and UACI of pairs of keys are from those of ideal keys.

    Parameters
    ----------
    pairs : mapping of str to pandas.DataFrame
        For each kind of key, ``npcr`` and ``uaci`` of pairs, in percent.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each measure, a row for each kind, a point for each pair: the distance from the
        ideal mean in its standard deviations, on a scale that is linear up to 3 and logarithmic
        beyond. The band is the acceptance interval at 5 %.
    """
    ideals = {
        "npcr": (metrics.ideal_npcr(KEY_BYTES), metrics.npcr_interval(KEY_BYTES)),
        "uaci": (metrics.ideal_uaci(KEY_BYTES), metrics.uaci_interval(KEY_BYTES)),
    }
    figure, axes = new_figure(1, 2, figsize=(11, 1.3 + 0.5 * len(pairs)), sharey=True)
    for ax, (name, (ideal, interval)) in zip(axes[0], ideals.items(), strict=True):
        low, high = (
            (bound - ideal.mean) / ideal.standard_deviation
            for bound in (interval.low, interval.high)
        )
        ax.axvspan(low, high, color=GRAY, alpha=0.25, linewidth=0, label="accepted")
        for row, table in enumerate(pairs.values()):
            values = table[name].to_numpy()
            accepted = np.array([value in interval for value in values])
            distances = (values - ideal.mean) / ideal.standard_deviation
            # Points of one row are spread over its height, so that they do not hide each other.
            heights = row + np.linspace(-0.3, 0.3, len(values))
            ax.plot(distances[accepted], heights[accepted], "o", color=BLUE, ms=3)
            ax.plot(distances[~accepted], heights[~accepted], "x", color=RED, ms=4)
        ax.set_xscale("symlog", linthresh=3)
        ax.set_xlim(-2e4, 100)
        ax.set_xticks([-10_000, -1000, -100, -10, 0, 10, 100])
        ax.set_xlabel(f"{name.upper()}, standard deviations from ideal")
    axes[0, 0].set_yticks(range(len(pairs)), list(pairs))
    axes[0, 0].set_ylim(len(pairs) - 0.5, -0.5)
    axes[0, 0].plot([], [], "o", color=BLUE, ms=3, label="pair inside")
    axes[0, 0].plot([], [], "x", color=RED, ms=4, label="pair outside")
    axes[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=8)
    return figure


def scorecard(values: pd.DataFrame, passed: pd.DataFrame) -> Figure:
    """Show what each kind of key passes.

    Parameters
    ----------
    values : pandas.DataFrame
        Text of the cells: kinds of key in rows, measures in columns.
    passed : pandas.DataFrame
        Of the same shape: True, False, or None where there is no verdict.

    Returns
    -------
    matplotlib.figure.Figure
        A table; a cell that passes is light with a tick, one that does not is dark with a cross.
    """
    height, width = values.shape
    figure, axes = new_figure(1, 1, figsize=(3 + 1.35 * width, 1.5 + 0.5 * height))
    ax = axes[0, 0]
    colours = {True: 0, False: 1}
    shades = np.array([[colours.get(cell, 2) for cell in row] for row in passed.to_numpy()])
    ax.imshow(shades, cmap=ListedColormap(["#d9ecf7", "#a64400", "#eeeeee"]), vmin=0, vmax=2)
    ax.set_aspect("auto")
    marks = {True: "✓ ", False: "✗ "}
    for row, column in np.ndindex(height, width):
        verdict: Any = passed.iat[row, column]
        word: Any = values.iat[row, column]
        ax.text(
            column,
            row,
            marks.get(verdict, "") + word,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if verdict is False else "black",
        )
    ax.set_xticks(range(width), values.columns)
    ax.xaxis.tick_top()
    ax.set_yticks(range(height), values.index)
    ax.set_xticks(np.arange(width + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(height + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    return figure
