"""Lightweight generators: what they cost beside what their keys are worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, RED, label_markers, new_figure

_LOOKS = ((RED, "o"), (BLUE, "s"), (GREEN, "^"))


def cost_and_quality(
    costs: pd.DataFrame,
    qualities: Mapping[str, pd.DataFrame],
    ideals: Mapping[str, float],
) -> Figure:
    """Show what at most three kinds of network cost, and the quality of their keys beside that.

    Parameters
    ----------
    costs : pandas.DataFrame
        Kinds of network in rows, costs in columns, each as a share of the first kind's in percent.
        The last one is the cost that quality is drawn against.
    qualities : mapping of str to pandas.DataFrame
        For each measure of quality the same kinds in rows, and the columns ``trained`` and
        ``untrained``.
    ideals : mapping of str to float
        For each measure what ideal keys have; drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for the costs, and one for each measure of quality, with a marker for each kind;
        the untrained network's is hollow, and a line leads from it to the trained one's.
    """
    n = len(qualities)
    figure, axes = new_figure(1, n + 1, figsize=(4.6 + 2.6 * n, 3.4), width_ratios=(3.6, *(3,) * n))
    chart, *panels = axes[0]
    rows = np.arange(len(costs.columns))
    offsets = np.linspace(-0.2, 0.2, len(costs)) if len(costs) > 1 else [0.0]
    looks = dict(zip(costs.index, _LOOKS, strict=False))
    for (kind, (color, marker)), offset in zip(looks.items(), offsets, strict=True):
        shares = costs.loc[kind].to_numpy(float)
        chart.plot(shares, rows + offset, marker, color=color, ms=6, label=kind)
        label_markers(chart, shares, rows + offset, "{:.0f}", color)
    chart.set_yticks(rows, costs.columns)
    chart.set_ylim(len(rows) - 0.5, -0.5)
    chart.set_xlim(0, 1.2 * costs.to_numpy().max())
    chart.set_xlabel(f"share of the {costs.index[0]} network's (%)")
    handles = chart.get_legend_handles_labels()[0]
    time = costs.iloc[:, -1]
    for ax, (measure, values) in zip(panels, qualities.items(), strict=True):
        for kind, (color, marker) in looks.items():
            before, after = values.loc[kind, ["untrained", "trained"]]
            ax.plot([time[kind]] * 2, [before, after], color=color, linewidth=0.8)
            ax.plot(time[kind], before, marker, color=color, mfc="white", ms=7)
            ax.plot(time[kind], after, marker, color=color, ms=7)
        ax.axhline(ideals[measure], color=GRAY, linestyle="--", linewidth=1)
        ax.set_xlim(0, 1.2 * time.max())
        ax.margins(y=0.12)
        ax.set_ylabel(measure)
        ax.set_xlabel(f"{time.name} (%)")
    handles += chart.plot([], [], "D", color=GRAY, ms=7, label="trained")
    handles += chart.plot([], [], "D", color=GRAY, mfc="white", ms=7, label="untrained")
    handles += chart.plot([], [], color=GRAY, linestyle="--", linewidth=1, label="ideal keys")
    figure.legend(
        handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=8
    )
    return figure
