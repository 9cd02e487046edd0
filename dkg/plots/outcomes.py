"""Outcomes of an evaluation, each beside what chance gives."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dkg.plots.style import BLUE, GRAY, ORANGE, PAGE, RED, ink_on, new_figure

_FARTHEST = 1e6

_STATES = {
    "measures like those of uniform bytes": "#d6e6f2",
    "measures unlike those of uniform bytes": ORANGE,
    "the attack failed": "#e6e6e6",
    "the attack succeeded": RED,
}


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


def cipher_matrix(distances: pd.DataFrame, strengths: pd.DataFrame, limit: float) -> Figure:
    """Show which measures each cipher passes, and which attacks it falls to.

    A column for each cipher. Upper rows are groups of measures: a filled orange cell is one that
    does not look like uniform bytes. Lower rows are attacks: a filled red cell with a dot is one
    that succeeded. Blank: not measured, or the attack does not apply.

    Parameters
    ----------
    distances, strengths : pandas.DataFrame
        Rows of measures and of attacks, columns of the same ciphers, as
        `dkg.evaluation.matrix.distances` and `dkg.evaluation.matrix.strengths` return them.
    limit : float
        The largest distance of a measure that passes.
    """
    states = pd.concat(
        [
            (distances > limit).astype(float).where(distances.notna()),
            2 + (strengths > 0).astype(float).where(strengths.notna()),
        ]
    )
    figure, [[ax]] = new_figure(1, 1, figsize=(PAGE, 2.2 + 0.2 * len(states)))
    colours = ListedColormap(list(_STATES.values()))
    ax.pcolormesh(states, cmap=colours, vmin=0, vmax=3, edgecolors="white", linewidth=1)
    rows, columns = np.nonzero(states.to_numpy() == 3)
    ax.plot(columns + 0.5, rows + 0.5, "o", color="white", ms=3)
    ax.axhline(len(distances), color=GRAY, linewidth=1)
    _name_cells(ax, states)
    handles = [Patch(color=colour, label=state) for state, colour in _STATES.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def rank_correlations(table: pd.DataFrame) -> Figure:
    """Show rank correlations as a table of coloured cells, each with its number.

    Parameters
    ----------
    table : pandas.DataFrame
        -1 to 1, NaN where there is none; at least one row and column.
    """
    figure, [[ax]] = new_figure(1, 1, figsize=(PAGE, 2.2 + 0.28 * len(table)))
    mesh = ax.pcolormesh(table, cmap="RdBu_r", vmin=-1, vmax=1, edgecolors="white", linewidth=1)
    values = table.to_numpy(float)
    for row, column in np.argwhere(~np.isnan(values)):
        value = values[row, column]
        color = ink_on(mesh.to_rgba(value))
        ax.text(column + 0.5, row + 0.5, f"{value:z.1f}", ha="center", va="center", color=color)
    _name_cells(ax, table)
    figure.colorbar(mesh, ax=ax, location="bottom", shrink=0.4, label="Spearman's rank correlation")
    return figure


def _name_cells(ax: Axes, table: pd.DataFrame) -> None:
    """Name the rows and columns of cells, the first row at the top."""
    ax.set_xticks(np.arange(table.shape[1]) + 0.5, table.columns, rotation=90)
    ax.xaxis.tick_top()
    ax.set_yticks(np.arange(table.shape[0]) + 0.5, table.index)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    for spine in ax.spines.values():
        spine.set_visible(False)
