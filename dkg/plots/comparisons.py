"""The paper's numbers and ours side by side, with the interval of our trainings."""

import math
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, RED, panel_grid

if TYPE_CHECKING:
    from dkg.reproduction.records import Record


_SHAPES = (
    (True, "o", "ours, holds"),
    (False, "x", "ours, does not"),
    (None, "o", "ours, not judged"),
)


def paper_and_ours(record: "Record") -> Figure:
    """Show a record's numbers: the paper's, the interval that is compared with, and ours.

    One panel for each comparison. Gray bars are the prediction intervals of our trainings, or what
    is accepted of ours. Ours are filled dots where the numbers agree, crosses where they do not,
    and open dots where they cannot be judged; NaN is left out. The axis is logarithmic where the
    numbers span a factor of 30.

    Parameters
    ----------
    record : dkg.reproduction.records.Record
        A record.
    """
    n = len(record.comparisons)
    figure, axes = panel_grid(n, 2, 3.75, 2.6)
    for ax, comparison in zip(axes.flat, record.comparisons, strict=False):
        places = np.arange(len(comparison["paper"]))
        paper = np.array(comparison["paper"], float)
        low, high = np.array(
            [[math.nan if end is None else end for end in ends] for ends in comparison["ends"]]
        ).T
        bounded = np.isfinite(low) & np.isfinite(high)
        ax.vlines(places[bounded], low[bounded], high[bounded], color=GRAY, linewidth=7, alpha=0.3)
        marker = {"at least": "^", "at most": "v", "chance": "v"}.get(comparison["rule"], "_")
        ax.plot(
            places,
            paper,
            marker,
            color=RED,
            markersize=9,
            label="paper",
            linestyle="none",
            clip_on=False,
        )
        ours = np.array([math.nan if v is None else v for v in comparison["ours"]], float)
        for held, shape, label in _SHAPES:
            chosen = np.array([h is held for h in comparison["holds"]]) & np.isfinite(ours)
            if chosen.any():
                ax.plot(
                    places[chosen],
                    ours[chosen],
                    shape,
                    color=BLUE,
                    label=label,
                    linestyle="none",
                    fillstyle="none" if held is None else "full",
                    clip_on=False,
                )
        shown = np.concatenate([paper, ours])
        shown = shown[np.isfinite(shown)]
        if shown.min(initial=math.inf) > 0 and shown.max() > 30 * shown.min():
            ax.set_yscale("log")
        elif (shown == np.rint(shown)).all():  # Counts have no halves.
            ax.yaxis.get_major_locator().set_params(integer=True)
        ax.margins(y=0.12)
        long = max(map(len, comparison["labels"])) * len(places) > 34
        ax.set_xticks(
            places,
            comparison["labels"],
            rotation=60 if long else 0,
            ha="right" if long else "center",
        )
        ax.set_xlim(-0.6, len(places) - 0.4)
        ax.set_title(fill(comparison["what"], 44), fontsize=9, loc="left")
        ax.set_ylabel(comparison["unit"])
    handles = {
        label: handle
        for ax in axes.flat
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, frameon=False)
    return figure
