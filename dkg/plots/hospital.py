"""The hospital of Fig. 1: where the time of sending and opening an image goes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, new_figure

_LOOKS = ((BLUE, ""), (GREEN, "///"), (ORANGE, "..."))


def step_times(seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Show how long each step takes.

    Parameters
    ----------
    seconds : mapping of str to mapping of str to sequence of float
        For at most three kinds of work, such as sending and opening: their steps, and for each
        step its time in seconds, once for each image.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each step's median, in milliseconds, and a dot for each image.
    """
    rows = [(work, step) for work, steps in seconds.items() for step in steps]
    figure, axes = new_figure(1, 1, figsize=(8, 0.9 + 0.38 * len(rows)))
    ax = axes[0, 0]
    place = 0
    for (work, steps), (color, hatch) in zip(seconds.items(), _LOOKS, strict=False):
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
