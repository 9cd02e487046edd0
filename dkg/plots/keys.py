"""Keys of trainings, of changed seeds, and of other generators (Fig. 5, section IV-E)."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure

from dkg import metrics
from dkg.cipher import KEY_BYTES
from dkg.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PAGE,
    RED,
    STYLE,
    new_figure,
    show_image,
    wrapped,
)

_PALE = LinearSegmentedColormap.from_list("pale", ["white", "#9cc9e6"])


def keys_of_trainings(
    seed_image: np.ndarray, keys: Mapping[str, np.ndarray], measures: Mapping[str, np.ndarray]
) -> Figure:
    """Show the keys of several networks for one seed image, and how alike they are (Fig. 5).

    The seed image and the keys above, one triangle of numbers for each measure below, the smallest
    of its numbers white and the largest blue.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (256, 256, 3).
    keys : mapping of str to numpy.ndarray
        Titles and keys, uint8 (256, 256, 3), two at least.
    measures : mapping of str to numpy.ndarray
        Titles and float64 (n, n), for each pair of the n keys; only what lies below the diagonal
        is shown.

    Raises
    ------
    ValueError
        If there are fewer than two keys, or no measure.
    """
    if len(keys) < 2 or not measures:
        raise ValueError(
            f"two keys and one measure at least are needed, not {len(keys)} and {len(measures)}"
        )
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(PAGE, 4.6))
        [[above], [under]] = figure.subfigures(2, 1, squeeze=False)
        images = above.subplots(1, len(keys) + 1)
        triangles = under.subplots(1, len(measures), squeeze=False)[0]
    plt.close(figure)
    for ax, title, image in zip(
        images, ("seed image of all keys", *keys), (seed_image, *keys.values()), strict=True
    ):
        show_image(ax, image, title)
    numbers = range(1, len(keys) + 1)
    for ax, (title, pairs) in zip(triangles, measures.items(), strict=True):
        below = pairs[np.tril_indices(len(pairs), -1)]
        shown = pd.DataFrame(pairs, numbers, numbers).iloc[1:, :-1]
        sns.heatmap(
            shown,
            mask=np.triu(np.ones(shown.shape, bool), 1),
            annot=True,
            fmt=".2f",
            cmap=_PALE,
            vmin=below.min(),
            vmax=max(below.max(), below.min() + 1e-9),
            cbar=False,
            square=True,
            linewidths=1,
            annot_kws={"color": "black"},
            ax=ax,
        )
        ax.set_title(wrapped(title, PAGE / len(measures)), fontsize=10)
        ax.tick_params(rotation=0)
        ax.set_xlabel("key")
        ax.set_ylabel("key")
    return figure


def sensitivity_curves(measured: pd.DataFrame, paper: tuple[float, float]) -> Figure:
    """Show how much of a key changes with the seed, against the size of the change (Table IV).

    NPCR above, UACI below, one column for each ``change``. A point is the mean of the rows of one
    size and curve, the band their range; points of one curve are joined.

    Parameters
    ----------
    measured : pandas.DataFrame
        One row for each pair of keys: ``change``, what is varied; ``size``, by how much, above 0;
        ``curve``, what made the keys, at most five of them; ``npcr`` and ``uaci``, in percent.
    paper : tuple of float
        NPCR and UACI in percent that the paper prints, drawn as a line.
    """
    changes, curves = (list(dict.fromkeys(measured[name])) for name in ("change", "curve"))
    figure, axes = new_figure(
        2, len(changes), figsize=(0.6 + 4.2 * len(changes), 6.4), sharex="col", sharey="row"
    )
    for row, (measure, label) in enumerate(
        (("npcr", "NPCR (% of the bytes)"), ("uaci", "UACI (% of the range)"))
    ):
        for ax, change in zip(axes[row], changes, strict=True):
            sns.lineplot(
                measured[measured["change"] == change],
                x="size",
                y=measure,
                hue="curve",
                palette=dict(zip(curves, (BLUE, RED, GREEN, ORANGE, GRAY), strict=False)),
                style="curve",
                markers=dict(zip(curves, "os^DX", strict=False)),
                dashes=False,
                markersize=7,
                errorbar=("pi", 100),
                legend=row == 0,
                ax=ax,
            )
            ax.axhline(paper[row], color=GRAY, linestyle="--", linewidth=1)
            ax.set_xlabel(wrapped(change, PAGE / len(changes)) if row == 1 else "")
            ax.set_ylabel(label if ax is axes[row, 0] else "")
    # Scales come last: on an axis that is logarithmic already, seaborn takes means of logarithms.
    for ax in axes.flat:
        ax.set_xscale("log")
        # A key may stay as it is; the lowest part of the scale is linear to show the 0.
        ax.set_yscale("symlog", linthresh=0.001)
        ax.set_ylim(0, 200)
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.yaxis.set_major_formatter("{x:g}")
        for line in ax.lines:  # A marker at 0 is not cut by the axis.
            line.set_clip_on(False)
            line.set_in_layout(False)
    handles: dict[str, Artist] = {}
    for ax in axes[0]:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        ax.get_legend().remove()
    handles["paper, Table IV"] = axes[0, 0].lines[-1]
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def beside_paper(
    ours: Mapping[str, Mapping[str, Sequence[float]]],
    paper: Mapping[str, Mapping[str, float]],
    label: str,
    *,
    lowest: float | None = None,
    line: tuple[float, str] | None = None,
) -> Figure:
    """Show for each method every number of ours as a dot, and the paper's as a ring.

    Parameters
    ----------
    ours : mapping of str to mapping of str to sequence of float
        One panel for each title: methods, from the top down, and their numbers, above 0; NaN is
        left out.
    paper : mapping of str to mapping of str to float
        By the same titles and methods; a method that the paper does not have is left out.
    label : str
        What the logarithmic axis shows, with its unit.
    lowest : float, optional
        Smaller numbers, 0 among them, are drawn here, at the edge.
    line : tuple of float and str, optional
        A number to compare with, drawn as a line, and what it is.
    """
    rows = list(next(iter(ours.values())))
    height = 1.5 + 0.32 * len(rows)
    width = min(2 + max(2.7 * len(ours), 4.5), PAGE)
    figure, axes = new_figure(1, len(ours), figsize=(width, height), sharey=True)
    for ax, (title, methods) in zip(axes[0], ours.items(), strict=True):
        ax.set_xscale("log")
        for row, method in enumerate(rows):
            values = np.maximum(methods[method], lowest) if lowest else np.asarray(methods[method])
            dots = {"color": BLUE, "markersize": 5, "alpha": 0.7, "markeredgewidth": 0}
            ax.plot(values, np.full(len(values), row), "o", **dots)
            if method in paper[title]:
                value = max(paper[title][method], lowest or 0)
                ax.plot(value, row, "D", mfc="none", mec=RED, markersize=9, markeredgewidth=1.5)
        if line:
            ax.axvline(line[0], color=GRAY, linestyle="--", linewidth=1)
        if lowest:
            ax.set_xlim(left=lowest / 3)
        ax.grid(axis="y", color="#e4e4e4", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_title(wrapped(title, (width - 2) / len(ours)))
        ax.set_xlabel(label)
    axes[0, 0].set_yticks(range(len(rows)), rows, fontsize=9)
    axes[0, 0].invert_yaxis()
    handles = [
        axes[0, 0].plot([], [], "o", color=BLUE, label="ours")[0],
        axes[0, 0].plot([], [], "D", mfc="none", mec=RED, markersize=9, label="paper")[0],
    ]
    if line:
        handles += axes[0, 0].plot([], [], color=GRAY, linestyle="--", label=line[1])
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def distance_from_ideal(pairs: Mapping[str, pd.DataFrame]) -> Figure:
    """Show how far NPCR and UACI of pairs of keys are from those of uniform random keys.

    A panel for each measure, a row for each kind, a point for each pair: the distance from the
    ideal mean in its standard deviations, on a scale that is linear up to 3 and logarithmic beyond.
    The band is the acceptance interval at 5 %.

    Parameters
    ----------
    pairs : mapping of str to pandas.DataFrame
        For each kind of key, ``npcr`` and ``uaci`` of pairs, in percent.
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
        ax.set_xticks([-10_000, -100, 0, 100])
        ax.set_xlabel(f"{name.upper()}, in standard\ndeviations from the ideal")
    axes[0, 0].set_yticks(range(len(pairs)), list(pairs))
    axes[0, 0].set_ylim(len(pairs) - 0.5, -0.5)
    axes[0, 0].plot([], [], "o", color=BLUE, ms=3, label="pair inside")
    axes[0, 0].plot([], [], "x", color=RED, ms=4, label="pair outside")
    axes[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    return figure


def scorecard(values: pd.DataFrame, passed: pd.DataFrame) -> Figure:
    """Show what each kind of key passes.

    A table; a cell that passes is light with a tick, one that does not is dark with a cross.

    Parameters
    ----------
    values : pandas.DataFrame
        Text of the cells: kinds of key in rows, measures in columns.
    passed : pandas.DataFrame
        Of the same shape: True, False, or None where there is no verdict.
    """
    height, width = values.shape
    figure, [[ax]] = new_figure(1, 1, figsize=(3 + 1.35 * width, 1.7 + 0.5 * height))
    verdicts = [[None if pd.isna(v) else bool(v) for v in row] for row in passed.to_numpy()]
    colours = {True: 0, False: 1, None: 2}
    shades = np.array([[colours[verdict] for verdict in row] for row in verdicts])
    ax.imshow(shades, cmap=ListedColormap(["#d9ecf7", "#a64400", "#eeeeee"]), vmin=0, vmax=2)
    ax.set_aspect("auto")
    marks = {True: "✓ ", False: "✗ ", None: ""}
    for row, column in np.ndindex(height, width):
        verdict = verdicts[row][column]
        word: Any = values.iat[row, column]
        ax.text(
            column,
            row,
            marks[verdict] + word,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if verdict is False else "black",
        )
    ax.set_xticks(range(width), [wrapped(str(name), PAGE / (width + 2)) for name in values])
    ax.xaxis.tick_top()
    ax.set_yticks(range(height), values.index)
    ax.set_xticks(np.arange(width + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(height + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    return figure
