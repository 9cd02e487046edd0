"""Costs: of networks beside the quality of their keys, and of each step in the hospital."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, SERIES, label_markers, new_figure, panel_grid

_HATCHES = ((BLUE, ""), (GREEN, "///"), (ORANGE, "..."))


def cost_and_quality(
    costs: pd.DataFrame,
    qualities: Mapping[str, pd.DataFrame],
    ideals: Mapping[str, float],
) -> Figure:
    """Show what at most four kinds of network cost, and the quality of their keys beside that.

    A panel for the costs, and one for each measure of quality, with a marker for each kind; the
    untrained network's is hollow, and a line leads from it to the trained one's.

    Parameters
    ----------
    costs : pandas.DataFrame
        Kinds of network in rows, costs in columns, each as a share of the first kind's in percent.
        The last one is the cost that quality is drawn against.
    qualities : mapping of str to pandas.DataFrame
        For each measure of quality the same kinds in rows, and the columns ``trained`` and
        ``untrained``.
    ideals : mapping of str to float
        For each measure what uniform random keys have; drawn as a line.
    """
    n = len(qualities)
    figure, axes = panel_grid(n + 1, 2, 3.75, 3.5)
    chart, *panels = axes.flat[: n + 1]
    rows = np.arange(len(costs.columns))
    offsets = np.linspace(-0.33, 0.33, len(costs)) if len(costs) > 1 else [0.0]
    looks = dict(zip(costs.index, SERIES, strict=False))
    for (kind, (color, marker, _)), offset in zip(looks.items(), offsets, strict=True):
        shares = costs.loc[kind].to_numpy(float)
        chart.plot(shares, rows + offset, marker, color=color, ms=6, label=kind)
        label_markers(chart, shares, rows + offset, "{:.0f}")
    chart.set_yticks(rows, costs.columns)
    chart.set_ylim(len(rows) - 0.5, -0.5)
    chart.set_xlim(0, 1.2 * costs.to_numpy().max())
    chart.set_xlabel(f"share of the {costs.index[0]} network's (%)")
    handles = chart.get_legend_handles_labels()[0]
    time = costs.iloc[:, -1]
    for ax, (measure, values) in zip(panels, qualities.items(), strict=True):
        for kind, (color, marker, _) in looks.items():
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
    handles += chart.plot([], [], color=GRAY, linestyle="--", linewidth=1, label="uniform keys")
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def step_times(seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Show how long each step takes.

    A bar for each step's median, in milliseconds, and a dot for each image.

    Parameters
    ----------
    seconds : mapping of str to mapping of str to sequence of float
        For at most three kinds of work, such as sending and opening: their steps, and for each
        step its time in seconds, once for each image.
    """
    rows = [(work, step) for work, steps in seconds.items() for step in steps]
    figure, [[ax]] = new_figure(1, 1, figsize=(8, 0.9 + 0.38 * len(rows)))
    place = 0
    for (work, steps), (color, hatch) in zip(seconds.items(), _HATCHES, strict=False):
        places = np.arange(place, place + len(steps))
        place += len(steps)
        times = [1000 * np.asarray(values) for values in steps.values()]
        medians = [float(np.median(values)) for values in times]
        ax.barh(
            places, medians, color=color, alpha=0.75, hatch=hatch, edgecolor="white", label=work
        )
        for y, values, median in zip(places, times, medians, strict=True):
            ax.plot(values, np.full(len(values), y), "o", color=GRAY, ms=3)
            ax.annotate(
                f"{median:.0f} ms",
                (max(values), y),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                size=9,
            )
    ax.set_yticks(range(len(rows)), [step for _, step in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 1.15 * ax.get_xlim()[1])
    ax.set_xlabel("time (ms): bar, the median; dots, single images")
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(seconds), frameon=False, fontsize=9
    )
    return figure
