"""Results of SP 800-22 over many sequences."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, RED, new_figure, panel_grid

if TYPE_CHECKING:
    from dkg.randomness import Battery


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
    names = [name.replace("_", " ").replace("maurers", "Maurer's") for name in smallest.index]
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_xlabel("sequence")
    ax.xaxis.get_major_locator().set_params(integer=True)
    proportions = []
    for _, rows in by_test:
        values = rows.to_numpy()[rows.notna().to_numpy()]
        proportions.append(f"{np.mean(values >= battery.alpha):.1%}" if values.size else "none")
    beside = ax.secondary_yaxis("right")
    beside.set_yticks(range(len(names)), proportions, fontsize=8)
    ax.set_title(f"P-values of at least {battery.alpha:g}", loc="right", fontsize=8)
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
    figure, axes = panel_grid(len(tests), 5, 2.5, 2.0, sharex=True, sharey=True)
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
            fontsize=8,
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
        annot_kws={"fontsize": 8},
        linewidths=0.5,
        cbar_kws={"label": "sequences that pass (%)"},
    )
    # Seaborn leaves NaN without words.
    ax.set_facecolor("#d8d8d8")
    for row, column in zip(*np.nonzero(shares.isna().to_numpy()), strict=True):
        ax.text(column + 0.5, row + 0.5, "n/a", ha="center", va="center", fontsize=8)
    names = [str(test).replace("_", " ").replace("maurers", "Maurer's") for test in shares.index]
    ax.set_yticks(np.arange(len(shares)) + 0.5, names)
    ax.set_xticks(np.arange(shares.shape[1]) + 0.5, shares.columns, rotation=35, ha="right")
    ax.tick_params(length=0)
    ax.set_xlabel("")
    ax.set_ylabel("")
    return figure
