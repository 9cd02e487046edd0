"""The paper's numbers and ours side by side, with the interval of our trainings."""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
    numbers span a factor of 30. If all panels have one unit and the same labels, they share a
    scale.

    Parameters
    ----------
    record : dkg.reproduction.records.Record
        A record.
    """
    comparisons = record.comparisons
    alike = {(c["unit"], c["rule"], *c["labels"]) for c in comparisons}
    height = 3.2 if any(_turned(c["labels"]) for c in comparisons) else 2.5
    figure, axes = panel_grid(len(comparisons), 2, 3.75, height, sharey=len(alike) == 1)
    for ax, comparison in zip(axes.flat, comparisons, strict=False):
        _draw(ax, comparison)
    handles = {
        label: handle
        for ax in axes.flat
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _turned(labels: Sequence[str]) -> bool:
    """Return whether labels are too long to stand side by side."""
    return max(map(len, labels)) * len(labels) > 34


def _draw(ax: Axes, comparison: Mapping[str, Any]) -> None:
    places = np.arange(len(comparison["paper"]))
    paper = np.array(comparison["paper"], float)
    low, high = np.array(
        [[math.nan if end is None else end for end in ends] for ends in comparison["ends"]]
    ).T
    bounded = np.isfinite(low) & np.isfinite(high)
    ax.vlines(places[bounded], low[bounded], high[bounded], color=GRAY, linewidth=7, alpha=0.3)
    marker = {"at least": "^", "at most": "v", "chance": "v"}.get(comparison["rule"], "_")
    common: dict[str, Any] = {"linestyle": "none", "clip_on": False}
    # A dash is longer than the dot of ours that lies on it.
    size = 16 if marker == "_" else 9
    ax.plot(places, paper, marker, color=RED, markersize=size, label="paper", **common)
    ours = np.array([math.nan if v is None else v for v in comparison["ours"]], float)
    for held, shape, label in _SHAPES:
        chosen = np.array([h is held for h in comparison["holds"]]) & np.isfinite(ours)
        if chosen.any():
            fill_style = "none" if held is None else "full"
            ax.plot(
                places[chosen],
                ours[chosen],
                shape,
                color=BLUE,
                label=label,
                fillstyle=fill_style,
                **common,
            )
    shown = np.concatenate([paper, ours])
    shown = shown[np.isfinite(shown)]
    if shown.min(initial=math.inf) > 0 and shown.max() > 30 * shown.min():
        ax.set_yscale("log")
    elif (shown == np.rint(shown)).all():  # Counts have no halves.
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(y=0.12)
    turned = _turned(comparison["labels"])
    ax.set_xticks(
        places,
        comparison["labels"],
        rotation=60 if turned else 0,
        ha="right" if turned else "center",
    )
    ax.set_xlim(-0.6, len(places) - 0.4)
    ax.set_title(fill(comparison["what"], 44), fontsize=9, loc="left")
    ax.set_ylabel(comparison["unit"])
