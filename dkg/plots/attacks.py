"""What the classical attacks of section IV-C give: leaks, changed pixels, NPCR and UACI."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dkg.metrics import npcr, uaci
from dkg.plots.style import GRAY, ORANGE, SERIES, new_figure, show_image

_FEW_PIXELS = 10


def leak_by_block_side(
    pictures: Mapping[str, np.ndarray],
    leaks: Mapping[str, Mapping[int, float]],
    chance: Mapping[int, float],
) -> Figure:
    """Show averages of a ciphertext, and how what they tell grows with the blocks.

    Parameters
    ----------
    pictures : mapping of str to numpy.ndarray
        Titles and images, (height, width) or (height, width, 3). A gray one is stretched from
        black to white.
    leaks : mapping of str to mapping of int to float
        For at most four ciphers, by the side of a block in pixels, the size of
        `dkg.metrics.block_correlation` of plaintext and ciphertext, 0 to 1.
    chance : mapping of int to float
        By the same sides, what independent noise stays below.

    Returns
    -------
    matplotlib.figure.Figure
        The pictures, and beside them one line for each cipher.
    """
    widths = (*(2.2,) * len(pictures), 3.6)
    figure, axes = new_figure(1, len(widths), figsize=(sum(widths), 2.9), width_ratios=widths)
    *images, chart = axes[0]
    for ax, (title, picture) in zip(images, pictures.items(), strict=True):
        ax.imshow(picture, interpolation="nearest", cmap="gray")
        ax.set_title(title)
        ax.set_axis_off()
    for (label, leak), (color, marker, line) in zip(leaks.items(), SERIES, strict=False):
        chart.plot(list(leak), list(leak.values()), line, color=color, marker=marker, label=label)
    sides, limits = list(chance), list(chance.values())
    chart.fill_between(sides, limits, color=GRAY, alpha=0.25, linewidth=0, label="chance")
    label_leaks(chart, sides, "side of a block (pixels)")
    return figure


def label_leaks(chart: Axes, numbers: list[int], xlabel: str) -> None:
    """Label a chart of correlations with the plaintext by `numbers`, on a logarithmic scale."""
    chart.set_xscale("log", base=2)
    chart.set_xticks(numbers, [str(number) for number in numbers])
    chart.set_ylim(0, 1)
    chart.set_xlabel(xlabel)
    chart.set_ylabel("size of the correlation\nwith the plaintext")
    chart.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=8)


def changed_pixels(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Show where two images differ, white on black.

    Parameters
    ----------
    pairs : mapping of str to tuple of two numpy.ndarray
        Titles and pairs of uint8 images, (height, width, 3).

    Returns
    -------
    matplotlib.figure.Figure
        One map for each pair, with its NPCR and UACI. Where no more than ten pixels differ, each
        has a ring around it, since a single one is too small to see.
    """
    figure, axes = new_figure(1, len(pairs), figsize=(3.6 * len(pairs), 4.3))
    for ax, (title, (first, second)) in zip(axes[0], pairs.items(), strict=True):
        changed = (first != second).any(axis=-1)
        measures = f"NPCR {npcr(first, second):.3g} %, UACI {uaci(first, second):.3g} %"
        show_image(ax, 255 * changed.astype(np.uint8), f"{title}\n{measures}")
        # A frame, since a map that is all white would be lost on the page.
        ax.set_axis_on()
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        rows, columns = np.nonzero(changed)
        if len(rows) <= _FEW_PIXELS:
            ax.scatter(columns, rows, s=160, facecolors="none", edgecolors=ORANGE, linewidths=1.5)
    return figure


def npcr_and_uaci(
    measured: Mapping[str, Mapping[str, Sequence[float]]], ideal: Mapping[str, float]
) -> Figure:
    """Show NPCR and UACI of several experiments, on logarithmic scales.

    Parameters
    ----------
    measured : mapping of str to mapping of str to sequence of float
        For each experiment, ``"npcr"`` and ``"uaci"`` of its pairs of images, in percent and above
        0. The first experiment is drawn as the paper's.
    ideal : mapping of str to float
        ``"npcr"`` and ``"uaci"`` of two independent images of ideal bytes, in percent.

    Returns
    -------
    matplotlib.figure.Figure
        One point for each pair of images, and the ideal values as lines.
    """
    figure, axes = new_figure(1, 2, figsize=(11, 1 + 0.5 * len(measured)), sharey=True)
    for ax, measure in zip(axes[0], ("npcr", "uaci"), strict=True):
        for row, values in enumerate(measured.values()):
            color, marker, _ = SERIES[min(row, 1)]
            spread = np.linspace(-0.2, 0.2, len(values[measure]))
            ax.plot(values[measure], row + spread, marker, color=color, ms=4.5, mfc="none")
        ax.axvline(ideal[measure], color=GRAY, linestyle="--", linewidth=1)
        ax.text(ideal[measure], -0.8, "ideal bytes ", ha="right", va="center", color=GRAY, size=8)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:f}".rstrip("0").rstrip("."))
        ax.set_xlabel(f"{measure.upper()} (%), logarithmic")
    axes[0, 0].set_yticks(range(len(measured)), measured)
    axes[0, 0].set_ylim(len(measured) - 0.5, -1.1)
    return figure
