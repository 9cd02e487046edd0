"""Where the paper's numbers can lie, and which hypotheses put ours there."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dkg.plots.style import BLUE, DARK, GRAY, GREEN, ORANGE, PAGE, RED, new_figure

Pairs = tuple[Sequence[float], Sequence[float]]
"""NPCR and UACI, in percent, a number for each pair of images."""

_SIZE = 9  # The smallest text, in points.
_PRINTED = ((RED, "o"), (ORANGE, "s"), ("#cc79a7", "D"))
_MEASURED = ((BLUE, "^"), (GREEN, "v"), (GRAY, "x"), ("#56b4e9", "+"))
_BOUND = "least UACI if 0 is the most frequent difference"
_STATES = {
    "inside before and after": "#cfe3f1",
    "mended: now inside": GREEN,
    "outside before and after": "#f3d9c4",
    "broken: now outside": RED,
}


def possible_pairs(
    printed: Mapping[str, Pairs],
    measured: Mapping[str, Pairs],
    least_uaci: Callable[[np.ndarray], np.ndarray],
    error: float,
) -> Figure:
    """Show where pairs of NPCR and UACI can lie, where the paper's lie, and where ours do.

    To the left all values, to the right those of keys that have little in common.

    Parameters
    ----------
    printed, measured : mapping of str to tuple of sequence of float
        The paper's and our pairs, by what the legend calls them; at most three and four.
    least_uaci : callable
        Takes NPCRs in percent, and returns the least UACI of images whose most frequent
        difference is 0.
    error : float
        Standard error of a printed NPCR in percent, drawn as a bar.
    """
    figure, axes = new_figure(1, 2, figsize=(11, 4.8), width_ratios=(1, 1.35))
    whole, close = axes[0]
    for ax, low, high in ((whole, 0.0, 100.0), (close, 98.95, 99.8)):
        x = np.linspace(low, high, 2001)
        y = least_uaci(x)
        top = 60 if ax is close else 100
        ax.fill_between(x, x / 255, np.fmin(y, x), color=RED, alpha=0.13, linewidth=0)
        ax.plot(x, y, color=RED, linewidth=1.5, label=_BOUND)
        if ax is whole:
            ax.plot(x, x, color=GRAY, linewidth=1)
            ax.fill_between(x, x, top, color=GRAY, alpha=0.25, linewidth=0)
            ax.text(32, 72, "no two images", size=_SIZE, color="#333333")
        for marks, bar in ((_MEASURED, 0.0), (_PRINTED, error)):
            groups = printed if bar else measured
            for (name, (npcr, uaci)), (color, marker) in zip(groups.items(), marks, strict=False):
                ax.plot(npcr, uaci, marker, color=color, markersize=5, alpha=0.85, label=name)
                if bar and ax is close:
                    ax.errorbar(npcr, uaci, xerr=bar, fmt="none", color=color, alpha=0.5)
        ax.set(xlim=(low, high), xlabel="NPCR in %", ylabel="UACI in %")
        _readable(ax)
    whole.set(ylim=(0, 100), title="all pairs of images")
    close.set(ylim=(14, 44), title="pairs that differ nearly everywhere")
    other = "only if another difference\nis more frequent than 0"
    close.text(99.0, 15, other, size=_SIZE, color=DARK[RED])
    figure.legend(
        *close.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=_SIZE
    )
    return figure


def hypotheses_and_numbers(assessed: pd.DataFrame, ordinary: str) -> Figure:
    """Show which of the paper's numbers each hypothesis changes, and what becomes of them.

    A row for each number, a column for each hypothesis; blank: not changed. The first column is the
    measurement without a hypothesis.

    Parameters
    ----------
    assessed : pandas.DataFrame
        With rows for hypotheses and numbers, and the columns ``inside`` and ``changed``.
    ordinary : str
        The name of the measurement without a hypothesis.
    """
    names = list(assessed.index.unique(0))
    numbers = list(assessed.index.unique(1))
    before = assessed.loc[ordinary].loc[numbers, "inside"].to_numpy(bool)
    states = np.full((len(names), len(numbers)), np.nan)
    for row, name in enumerate(names):
        mine = assessed.loc[name].loc[numbers]
        now = mine["inside"].to_numpy(bool)
        state = np.where(before, np.where(now, 0, 3), np.where(now, 1, 2)).astype(float)
        changed = mine["changed"].to_numpy(bool) | (name == ordinary)
        states[row] = np.where(changed, state, np.nan)
    figure, axes = new_figure(figsize=(PAGE, 3.4 + 0.18 * len(numbers)))
    ax = axes[0, 0]
    colours = ListedColormap(list(_STATES.values()))
    ax.pcolormesh(states.T, cmap=colours, vmin=0, vmax=3, edgecolors="white", linewidth=1)
    ax.set_xticks(np.arange(len(names)) + 0.5, names, rotation=90, fontsize=_SIZE)
    ax.xaxis.tick_top()
    ax.set_yticks(np.arange(len(numbers)) + 0.5, numbers, fontsize=_SIZE)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    tables = [number.split()[0] for number in numbers]
    for place in range(1, len(tables)):
        if tables[place] != tables[place - 1]:
            ax.axhline(place, color=GRAY, linewidth=0.8)
    for spine in ax.spines.values():
        spine.set_visible(False)
    handles = [Patch(color=colour, label=state) for state, colour in _STATES.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=_SIZE
    )
    return figure


def distance_by_lag(distances: pd.DataFrame) -> Figure:
    """Show how far correlations at each lag lie from the printed ones.

    Parameters
    ----------
    distances : pandas.DataFrame
        Root mean square distances; rows are lags in pixels, columns pairs of what is correlated
        ("plain" or "cipher") and of how.
    """
    figure, axes = new_figure(1, 2, figsize=(9, 3.4), sharex=True)
    titles = {"plain": "nine plain correlations", "cipher": "nine ciphertext correlations"}
    for ax, (what, title) in zip(axes[0], titles.items(), strict=True):
        for how, color, line in zip(distances[what], (BLUE, RED), ("o-", "s--"), strict=True):
            ax.plot(distances.index, distances[what, how], line, color=color, label=how)
        ax.set(title=title, xlabel="lag in pixels", ylim=(0, None))
        _readable(ax)
    axes[0, 0].set_ylabel("distance from the paper's (r.m.s.)")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        fontsize=_SIZE,
    )
    return figure


def grid_origins(found: Mapping[str, np.ndarray], printed: Mapping[str, Pairs]) -> Figure:
    """Show horizontal and vertical correlations on grids of one stride, a dot for each origin.

    Parameters
    ----------
    found : mapping of str to ndarray of float, shape (n,)
        Mean absolute correlations by direction, ``"horizontal"`` and ``"vertical"``, over
        ciphertexts; one for each network and origin.
    printed : mapping of str to tuple of sequence of float
        The paper's horizontal and vertical ones, by table.
    """
    figure, axes = new_figure(figsize=(5.6, 4.6))
    ax = axes[0, 0]
    ax.plot(found["horizontal"], found["vertical"], ".", color=BLUE, alpha=0.3, markersize=4)
    for (name, pair), (color, marker) in zip(printed.items(), _PRINTED, strict=False):
        ax.plot(*pair, marker, color=color, markersize=8, label=f"paper, {name}")
    end = 1.05 * max(np.max(found["horizontal"]), np.max(found["vertical"]), 0.3)
    ax.plot([0, end], [0, end], color=GRAY, linewidth=0.8)
    ax.set(
        xlim=(0, end),
        ylim=(0, end),
        xlabel="horizontal, mean |r| of ciphertexts",
        ylabel="vertical, mean |r| of ciphertexts",
    )
    ax.set_aspect("equal")
    _readable(ax)
    ax.legend(fontsize=_SIZE)
    return figure


def _readable(ax: Axes) -> None:
    ax.tick_params(labelsize=_SIZE)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_fontsize(max(_SIZE, text.get_fontsize()))
