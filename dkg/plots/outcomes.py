"""Outcomes of an evaluation, each beside what chance gives."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, PAGE, RED, new_figure

_FARTHEST = 1e6


def beside_chance(rows: pd.DataFrame) -> Figure:
    """Show how far values lie from the intervals that chance gives.

    A row for each value: its distance from the middle of its interval, in half widths of it, on a
    scale that is linear up to 2 and logarithmic beyond. The band is the interval. A value outside
    is a filled red square, one inside a blue ring.

    Parameters
    ----------
    rows : pandas.DataFrame
        The columns ``name``, ``value``, ``ideal_low`` and ``ideal_high``, all finite but for
        infinite values, which are drawn at the edge; at least one row.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if rows.empty:
        raise ValueError("rows must hold at least one value")
    values, low, high = (rows[c].to_numpy(float) for c in ("value", "ideal_low", "ideal_high"))
    # An interval may be a single number, as where chance fails no test.
    half = np.maximum((high - low) / 2, 1e-9)
    inside = (low <= values) & (values <= high)
    distances = np.clip((values - (low + high) / 2) / half, -_FARTHEST, _FARTHEST)
    figure, [[ax]] = new_figure(1, 1, figsize=(PAGE, 1.2 + 0.21 * len(rows)))
    places = np.arange(len(rows))
    ax.axvspan(-1, 1, color=GRAY, alpha=0.25, linewidth=0, label="95 % of chance")
    for chosen, color, marker, face, label in (
        (inside, BLUE, "o", "none", "inside"),
        (~inside, RED, "s", RED, "outside"),
    ):
        ax.plot(distances[chosen], places[chosen], marker, color=color, mfc=face, ms=4, label=label)
    ax.set_xscale("symlog", linthresh=2)
    reach = max(2.0, 1.3 * float(np.abs(distances).max()))
    ax.set_xlim(-reach, reach)
    ax.set_yticks(places, rows["name"])
    ax.set_ylim(len(rows) - 0.3, -0.7)
    ax.set_xlabel("distance from the middle of the interval, in half widths")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure
