"""Several key generators side by side (section IV-E, Fig. 11)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from dkg.metrics import chi_square, histogram
from dkg.plots.style import BLUE, GRAY, RED, new_figure


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

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    rows = list(next(iter(ours.values())))
    height = 1.5 + 0.32 * len(rows)
    width = 2 + max(2.7 * len(ours), 4.5)
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
        ax.set_title(title)
        ax.set_xlabel(label)
    axes[0, 0].set_yticks(range(len(rows)), rows, fontsize=9)
    axes[0, 0].invert_yaxis()
    handles = [
        axes[0, 0].plot([], [], "o", color=BLUE, label="ours")[0],
        axes[0, 0].plot([], [], "D", mfc="none", mec=RED, markersize=9, label="paper")[0],
    ]
    if line:
        handles += axes[0, 0].plot([], [], color=GRAY, linestyle="--", label=line[1])
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def pass_rates(shares: pd.DataFrame) -> Figure:
    """Show which share of a generator's sequences passes each test of SP 800-22.

    Parameters
    ----------
    shares : pandas.DataFrame
        Tests in rows, generators in columns, shares in [0, 1]; NaN where a test is applicable to
        none of the sequences.

    Returns
    -------
    matplotlib.figure.Figure
        A heat map with the shares in percent; "n/a" for NaN.
    """
    height = 1.5 + 0.3 * len(shares)
    figure, axes = new_figure(1, 1, figsize=(3 + 0.8 * shares.shape[1], height))
    ax = axes[0, 0]
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


def histogram_grid(images: Mapping[str, np.ndarray], columns: int = 4) -> Figure:
    """Show the histograms of several images on one scale (Fig. 11).

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, any shape; a histogram is over all bytes.
    columns : int, default 4
        Histograms in a row.

    Returns
    -------
    matplotlib.figure.Figure
        The share of each byte, with that of ideal bytes as a line and chi-square in the title.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = new_figure(
        rows, columns, figsize=(2.9 * columns, 2.1 * rows), sharex=True, sharey=True
    )
    for ax in axes.flat[len(images) :]:
        ax.set_axis_off()
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        shares = 100 * histogram(image) / image.size
        ax.fill_between(np.arange(256), shares, step="mid", color=BLUE, linewidth=0)
        ax.axhline(100 / 256, color=RED, linewidth=1, label="ideal bytes")
        ax.set_title(f"{title}: $\\chi^2$ = {chi_square(image).statistic:,.0f}", fontsize=9)
        ax.set_xlim(0, 255)
    axes[0, 0].set_ylim(bottom=0)  # The axes share one scale, so this comes after the last one.
    for ax in axes[-1]:
        ax.set_xlabel("byte")
    for ax in axes[:, 0]:
        ax.set_ylabel("share (%)")
    handles = axes[0, 0].lines
    figure.legend(handles=handles, loc="outside upper center", frameon=False, fontsize=8)
    return figure
