"""Results of SP 800-22: what four tests look at, and results over many sequences."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from scipy import stats

from dkg.plots.style import BLUE, GRAY, RED, new_figure, panel_grid, readable_numbers
from dkg.randomness.suite import in_words

if TYPE_CHECKING:
    from dkg.randomness import Battery

_COLORS = (BLUE, RED, GRAY)


def random_walks(walks: Mapping[str, np.ndarray], limit: float) -> Figure:
    """Show sequences of bits as walks, a step up for each 1 and down for each 0.

    The whole walks, and what happens near the limit.

    Parameters
    ----------
    walks : mapping of str to numpy.ndarray
        For each sequence, three at most, the ones minus the zeros after each bit.
    limit : float
        A distance from the start, drawn on both sides as a dashed line.
    """
    figure, [[whole, close]] = new_figure(1, 2, figsize=(11, 3.4))
    for ax in (whole, close):
        for color, (name, walk) in zip(_COLORS, walks.items(), strict=False):
            every = max(1, len(walk) // 4096)
            ax.plot(np.arange(len(walk))[::every], walk[::every], color=color, lw=1, label=name)
        for end in (-limit, limit):
            ax.axhline(end, color="black", ls="--", lw=1)
        ax.set_xlabel("bits")
    whole.set_ylabel("ones minus zeros")
    whole.set_title("the walks", fontsize=10)
    figure.legend(
        *whole.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    close.set_ylim(-2 * limit, 2 * limit)
    close.set_title("near the dashed lines", fontsize=10)
    return figure


def bit_spectra(moduli: Mapping[str, np.ndarray], threshold: float) -> Figure:
    """Show the spectra of sequences of bits, a panel for each.

    Dots are single frequencies, one of about 800; the line is the highest of each of about 3000
    groups, so that no peak is lost in drawing. The title says how many are below the threshold.

    Parameters
    ----------
    moduli : mapping of str to numpy.ndarray
        For each sequence, three at most, the absolute values of its Fourier transform from
        frequency 0 to half a cycle per bit.
    threshold : float
        Drawn as a dashed line.
    """
    figure, axes = new_figure(1, len(moduli), figsize=(3.7 * len(moduli), 3.2), sharey=True)
    for ax, color, (name, heights) in zip(axes[0], _COLORS, moduli.items(), strict=False):
        frequency = np.arange(len(heights)) / (2 * len(heights))
        group = max(1, len(heights) // 3000)
        starts = np.arange(0, len(heights), group)
        highest = np.maximum.reduceat(heights, starts)
        ax.plot(frequency[starts], np.maximum(highest, 1), color=color, lw=0.6)
        few = slice(None, None, max(1, len(heights) // 800))
        ax.plot(frequency[few], np.maximum(heights[few], 1), ".", ms=2, color=GRAY)
        ax.axhline(threshold, color="black", ls="--", lw=1)
        ax.set_yscale("log")
        ax.set_xlabel("cycles per bit")
        ax.set_title(f"{name}: {np.mean(heights < threshold):.2%} below", fontsize=10)
    axes[0, 0].set_ylabel("modulus")
    return figure


def shares_beside_expected(shares: pd.DataFrame, expected: Sequence[float]) -> Figure:
    """Show shares as bars, a group for each column, with the expected share as a dashed line.

    Parameters
    ----------
    shares : pandas.DataFrame
        A row for each sequence, three at most.
    expected : sequence of float
        The expected share of each column.
    """
    figure, [[ax]] = new_figure(1, 1, figsize=(7, 3.2))
    place = np.arange(shares.shape[1])
    for i, (color, (name, row)) in enumerate(zip(_COLORS, shares.iterrows(), strict=False)):
        ax.bar(place + 0.25 * (i - 1), row, 0.23, color=color, label=str(name))
    ends = (place - 0.4, place + 0.4)
    ax.hlines(list(expected), *ends, color="black", ls="--", label="expected")
    ax.set_xticks(place, shares.columns)
    ax.set_ylabel("share")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def standard_deviations(deviations: Mapping[str, np.ndarray]) -> Figure:
    """Show how far counts are from what is expected, beside the normal distribution.

    Parameters
    ----------
    deviations : mapping of str to numpy.ndarray
        For each sequence, three at most, counts minus their expectation in standard deviations.
        What lies beyond 8 is drawn in the outermost bars.
    """
    figure, axes = new_figure(1, len(deviations), figsize=(3.7 * len(deviations), 3.2))
    edges = np.linspace(-8, 8, 65)
    for ax, color, (name, values) in zip(axes[0], _COLORS, deviations.items(), strict=False):
        ax.hist(np.clip(np.ravel(values), -8, 8), edges, density=True, color=color)
        ax.plot(edges, stats.norm.pdf(edges), color="black", ls="--", lw=1)
        ax.set_title(name, fontsize=10)
        ax.set_xlabel("standard deviations")
    axes[0, 0].set_ylabel("density")
    return figure


def p_value_heatmap(battery: "Battery") -> Figure:
    """Show how each sequence of a battery fares in each test of SP 800-22.

    One row per test, one column per sequence. The colour is the smallest P-value of the test's
    variants times their number (Bonferroni), at most 1: the darker, the smaller, and blue below
    0.01; hatched where the test is not applicable. Beside it, the proportion of all P-values that
    pass.

    Parameters
    ----------
    battery : dkg.randomness.Battery
        What `dkg.randomness.run_battery` returned.
    """
    by_test = battery.p_values.T.groupby(level="test", sort=False)
    smallest = (by_test.min() * by_test.count()).clip(1e-6, 1)
    figure, axes = new_figure(1, 1, figsize=(9, max(3, 1.2 + 0.28 * len(smallest))))
    ax = axes[0, 0]
    ax.patch.set(facecolor="white", edgecolor="lightgray", hatch="////")
    image = ax.imshow(
        np.log10(smallest.to_numpy(float)),
        aspect="auto",
        interpolation="nearest",
        cmap="cividis",  # Its lightness rises all the way, so that it can be read in gray.
        norm=TwoSlopeNorm(-2, -6, 0),
    )
    names = [in_words(name) for name in smallest.index]
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_xlabel("sequence")
    ax.xaxis.get_major_locator().set_params(integer=True)
    proportions = []
    for _, rows in by_test:
        values = rows.to_numpy()[rows.notna().to_numpy()]
        proportions.append(f"{np.mean(values >= battery.alpha):.1%}" if values.size else "none")
    beside = ax.secondary_yaxis("right")
    beside.set_yticks(range(len(names)), proportions, fontsize=9)
    ax.set_title(f"P-values of at least {battery.alpha:g}", loc="right", fontsize=9)
    bar = figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_ticks([0, -2, -4, -6], labels=["1", "0.01", "0.0001", "1e-6 or less"])
    bar.set_label("smallest P-value x number of variants", fontsize=9)
    return figure


def p_value_histograms(battery: "Battery") -> Figure:
    """Show whether the P-values of a battery are uniform, test by test.

    One histogram of ten bins per test, the P-values of all its variants together, with the share
    that each bin should have. The title says how many variants fail the test for uniformity, or
    that there are too few sequences for it.

    Parameters
    ----------
    battery : dkg.randomness.Battery
        What `dkg.randomness.run_battery` returned.
    """
    summary = battery.summary.set_index("test")
    tests = list(dict.fromkeys(battery.p_values.columns.get_level_values("test")))
    figure, axes = panel_grid(len(tests), 3, 2.5, 1.7, sharex=True, sharey=True)
    for ax, test in zip(axes.flat, tests, strict=False):
        values = battery.p_values[test].to_numpy().ravel()
        values = values[~np.isnan(values)]
        if values.size:
            weights = np.full(values.size, 1 / values.size)
            ax.hist(values, bins=10, range=(0, 1), weights=weights, color=BLUE, rwidth=0.9)
        ax.axhline(0.1, color=RED, linewidth=1)
        judged = summary.loc[[test], "uniformity_passed"].dropna()
        verdict = f"{(~judged).sum()} of {judged.size} not uniform"
        ax.set_title(
            f"{test.replace('_', ' ')}\n{verdict if judged.size else 'too few sequences'}",
            fontsize=9,
        )
        ax.set_xlim(0, 1)
    for ax in axes[-1]:
        ax.set_xlabel("P-value", fontsize=9)
    for ax in axes[:, 0]:
        ax.set_ylabel("share", fontsize=9)
    return figure


def pass_rates(shares: pd.DataFrame) -> Figure:
    """Show which share of a generator's sequences passes each test of SP 800-22.

    A heat map with the shares in percent; "n/a" for NaN.

    Parameters
    ----------
    shares : pandas.DataFrame
        Tests in rows, generators in columns, shares in [0, 1]; NaN where a test is applicable to
        none of the sequences.
    """
    height = 1.5 + 0.3 * len(shares)
    figure, [[ax]] = new_figure(1, 1, figsize=(3 + 0.8 * shares.shape[1], height))
    sns.heatmap(
        100 * shares.astype(float),
        ax=ax,
        vmin=0,
        vmax=100,
        cmap="cividis",
        annot=True,
        fmt=".0f",
        annot_kws={"fontsize": 9},
        linewidths=0.5,
        cbar_kws={"label": "sequences that pass (%)"},
    )
    readable_numbers(ax)
    # Seaborn leaves NaN without words.
    ax.set_facecolor("#d8d8d8")
    for row, column in zip(*np.nonzero(shares.isna().to_numpy()), strict=True):
        ax.text(column + 0.5, row + 0.5, "n/a", ha="center", va="center", fontsize=9)
    names = [in_words(str(test)) for test in shares.index]
    ax.set_yticks(np.arange(len(shares)) + 0.5, names)
    ax.set_xticks(np.arange(shares.shape[1]) + 0.5, shares.columns, rotation=35, ha="right")
    ax.tick_params(length=0)
    ax.set_xlabel("")
    ax.set_ylabel("")
    return figure
