"""What attacks show: averages, changed pixels, wrong keys, leaks (Figs. 8 to 10)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from dkg.metrics import npcr, uaci
from dkg.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PAGE,
    RED,
    SERIES,
    label_markers,
    new_figure,
    pictures_above_chart,
    show_image,
)

_FEW_PIXELS = 10


def leak_by_block_side(
    pictures: Mapping[str, np.ndarray],
    leaks: Mapping[str, Mapping[int, float]],
    chance: Mapping[int, float],
) -> Figure:
    """Show averages of a ciphertext, and how what they tell grows with the blocks.

    The pictures in rows of at most three, and below them one line for each cipher.

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
    """
    figure, images, chart = pictures_above_chart(len(pictures))
    for ax, (title, picture) in zip(images, pictures.items(), strict=True):
        ax.imshow(picture, interpolation="nearest", cmap="gray")
        ax.set_title(title, fontsize=10)
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
    chart.set_ylabel("absolute correlation\nwith the plaintext")
    chart.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)


def changed_pixels(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Show where two images differ, white on black.

    One map for each pair, with its NPCR and UACI. Where no more than ten pixels differ, each has a
    ring around it, since a single one is too small to see.

    Parameters
    ----------
    pairs : mapping of str to tuple of two numpy.ndarray
        Titles and pairs of uint8 images, (height, width, 3).
    """
    figure, axes = new_figure(
        1, len(pairs), figsize=(3.6 * len(pairs), 0.8 + min(3.6, PAGE / len(pairs)))
    )
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

    One point for each pair of images, and the ideal values as lines.

    Parameters
    ----------
    measured : mapping of str to mapping of str to sequence of float
        For each experiment, ``"npcr"`` and ``"uaci"`` of its pairs of images, in percent and above
        0. The first experiment is drawn as the paper's.
    ideal : mapping of str to float
        ``"npcr"`` and ``"uaci"`` of two independent images of i.i.d. uniform bytes, in percent.
    """
    figure, axes = new_figure(1, 2, figsize=(11, 1 + 0.5 * len(measured)), sharey=True)
    for ax, measure in zip(axes[0], ("npcr", "uaci"), strict=True):
        for row, values in enumerate(measured.values()):
            color, marker, _ = SERIES[min(row, 1)]
            spread = np.linspace(-0.2, 0.2, len(values[measure]))
            ax.plot(values[measure], row + spread, marker, color=color, ms=4.5, mfc="none")
        ax.axvline(ideal[measure], color=GRAY, linestyle="--", linewidth=1)
        ax.text(ideal[measure], -0.8, "uniform bytes ", ha="right", va="center", color=GRAY, size=9)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:f}".rstrip("0").rstrip("."))
        ax.set_xlabel(f"{measure.upper()} (%), logarithmic")
    axes[0, 0].set_yticks(range(len(measured)), measured)
    axes[0, 0].set_ylim(len(measured) - 0.5, -1.1)
    return figure


def leak_by_seeds_tried(
    pictures: Mapping[str, np.ndarray],
    leaks: Mapping[str, Mapping[int, float]],
    limit: float,
) -> Figure:
    """Show decryptions with keys of other seed images, and how it grows with their number.

    The pictures in rows of at most three, and below them one line for each cipher.

    Parameters
    ----------
    pictures : mapping of str to numpy.ndarray
        Titles and uint8 images, (height, width) or (height, width, 3).
    leaks : mapping of str to mapping of int to float
        For at most four ciphers, by the number of seeds tried, the size of
        `dkg.metrics.block_correlation` with the plaintext, 0 to 1.
    limit : float
        What independent noise stays below; drawn as a band.
    """
    figure, images, chart = pictures_above_chart(len(pictures))
    for ax, (title, picture) in zip(images, pictures.items(), strict=True):
        show_image(ax, picture, title)
    for (label, leak), (color, marker, line) in zip(leaks.items(), SERIES, strict=False):
        chart.plot(list(leak), list(leak.values()), line, color=color, marker=marker, label=label)
    chart.axhspan(0, limit, color=GRAY, alpha=0.25, linewidth=0, label="chance")
    label_leaks(chart, list(next(iter(leaks.values()))), "other seeds tried, averaged")
    return figure


def spectra_and_correlations(
    spectra: Mapping[str, np.ndarray], correlations: Mapping[str, Sequence[float]]
) -> Figure:
    """Show which frequencies keys prefer, and how alike pixels are that lie apart.

    The spectra on one logarithmic scale, each point the largest of 4 x 4 frequencies so that no
    peak is lost, and the correlations as lines.

    Parameters
    ----------
    spectra : mapping of str to numpy.ndarray
        Titles and spectra as `dkg.attacks.power_spectrum` returns them; 1 is white noise.
    correlations : mapping of str to sequence of float
        For at most four kinds of keys, the correlation of bytes that lie 1, 2, 3, ... pixels apart
        in a row.
    """
    figure, maps, chart = pictures_above_chart(len(spectra))
    for ax, (title, spectrum) in zip(maps, spectra.items(), strict=True):
        height, width = (length // 4 for length in spectrum.shape)
        largest = spectrum[: 4 * height, : 4 * width].reshape(height, 4, width, 4).max(axis=(1, 3))
        shown = ax.imshow(
            largest,
            norm=LogNorm(0.5, 500, clip=True),
            cmap="cividis",
            extent=(-0.5, 0.5, 0.5, -0.5),
            interpolation="nearest",
        )
        ax.set_title(title, fontsize=10)
        ax.set_xticks([-0.5, 0, 0.5])
        ax.set_yticks([-0.5, 0, 0.5] if ax is maps[0] else [])
        ax.set_xlabel("periods per pixel, across")
    maps[0].set_ylabel("periods per pixel, down")
    bar = figure.colorbar(shown, ax=maps, shrink=0.8, pad=0.02)
    bar.set_label("power, white noise = 1")
    for (label, values), (color, marker, line) in zip(correlations.items(), SERIES, strict=False):
        apart = np.arange(1, len(values) + 1)
        chart.plot(apart, values, line, color=color, marker=marker, ms=4, label=label)
    chart.axhline(0, color=GRAY, linewidth=0.8)
    chart.set_xlabel("pixels apart, in a row")
    chart.set_ylabel("correlation of the bytes")
    chart.legend(frameon=False)
    return figure


def shares(
    values: Mapping[str, Mapping[str, float]], xlabel: str, *, chance: float | None = None
) -> Figure:
    """Show numbers in groups, as points on one axis, each with its value.

    A row for each name, a marker for each series.

    Parameters
    ----------
    values : mapping of str to mapping of str to float
        For at most four series, numbers by what they belong to; all series have the same names.
        The axis starts at 0 if none is negative.
    xlabel : str
        What the numbers are, with their unit.
    chance : float, optional
        What chance gives; drawn as a line.

    Raises
    ------
    ValueError
        If the series have different names.
    """
    rows = list(next(iter(values.values())))
    if any(list(series) != rows for series in values.values()):
        raise ValueError("every series must have the same names in the same order")
    figure, [[ax]] = new_figure(1, 1, figsize=(7.5, 1.3 + (0.2 + 0.25 * len(values)) * len(rows)))
    for row in range(len(rows)):
        ax.axhline(row, color=GRAY, linewidth=0.4, zorder=1)
    offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else [0.0]
    for (label, series), (color, marker, _), offset in zip(
        values.items(), SERIES, offsets, strict=False
    ):
        numbers = list(series.values())
        places = np.arange(len(rows)) + offset
        ax.plot(numbers, places, marker, color=color, ms=7, label=label)
        label_markers(ax, numbers, places, "{:.3g}")
    if chance is not None:
        ax.axvline(chance, color=GRAY, linestyle="--", linewidth=1, label="chance", zorder=1)
    ax.margins(x=0.12)
    if min(min(series.values()) for series in values.values()) >= 0:
        ax.set_xlim(left=0)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=len(values) + 1,
        frameon=False,
    )
    return figure


def decryption_matrix(images: Mapping[tuple[str, str], np.ndarray]) -> Figure:
    """Show what every key makes of every key's ciphertext (Fig. 10).

    A row for each key of encryption, a column for each key of decryption.

    Parameters
    ----------
    images : mapping of tuple of two str to numpy.ndarray
        For the names of the key of encryption and of the key of decryption, the decrypted image,
        uint8 (height, width, 3). Pairs that are left out stay empty.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    rows, columns = (list(dict.fromkeys(pair[i] for pair in images)) for i in (0, 1))
    figure, axes = new_figure(
        len(rows),
        len(columns),
        figsize=(2.1 * len(columns), 0.5 + min(2.1, PAGE / len(columns)) * len(rows)),
    )
    for row, encrypted_with in enumerate(rows):
        for column, decrypted_with in enumerate(columns):
            ax = axes[row, column]
            if (encrypted_with, decrypted_with) in images:
                title = f"decrypted with {decrypted_with}" if row == 0 else ""
                show_image(ax, images[encrypted_with, decrypted_with], title)
            ax.set_axis_on()
            ax.set_xticks([])
            ax.set_yticks([])
            ax.set_frame_on(False)
        axes[row, 0].set_ylabel(f"encrypted with {encrypted_with}")
    return figure


def leak_of_keys(
    sizes: Mapping[str, pd.Series], limit: float, title: str = "", *, named: Mapping[str, float]
) -> Figure:
    """Show how much of the plaintexts comes through, for several keys.

    A row of points for each key, one point for each image, with their mean as a bar.

    Parameters
    ----------
    sizes : mapping of str to pandas.Series
        For each key, by a name that says what it is, the absolute correlation of block means of
        each plaintext and decrypted image, 0 to 1.
    limit : float
        What noise stays below in 95 % of cases; drawn as a band.
    title : str, optional
        Title of the figure.
    named : mapping of str to float
        For the same keys the share of images that a matcher told from the others, in percent,
        written at the right.
    """
    figure, [[ax]] = new_figure(1, 1, figsize=(8.5, 1.2 + 0.34 * len(sizes)))
    ax.axvspan(0, limit, color=GRAY, alpha=0.25, linewidth=0)
    for row, (key, values) in enumerate(sizes.items()):
        color, marker = (BLUE, RED, GREEN, ORANGE)[row % 4], "os^D"[row % 4]
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(values, row + spread, marker, color=color, ms=4, mfc="none")
        ax.vlines(np.mean(values), row - 0.32, row + 0.32, color=color, linewidth=2.5)
        ax.text(1.04, row, f"{named[key]:.0f} %", va="center", size=9)
    ax.text(1.04, -0.85, "named", va="center", size=9, color=GRAY)
    ax.text(limit / 2, -0.85, "noise", ha="center", va="center", size=9, color=INK)
    ax.set_yticks(range(len(sizes)), sizes)
    ax.set_ylim(len(sizes) - 0.5, -1.2)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("absolute correlation of the means of 16 x 16 pixels")
    ax.set_title(title)
    return figure


def recovered_by(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Show how much attacks on the ciphertext alone recover, for several ciphers.

    A row for each attack. Left, the correlation with the plaintext with its 95 % interval, and in
    gray what pairs of a recovered image and another plaintext give; right, the share of plaintexts
    named.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        For at most four ciphers, the table of `dkg.attacks.recover`; all have the same attacks.

    Raises
    ------
    ValueError
        If the tables have different attacks.
    """
    attacks = list(next(iter(tables.values())).index)
    if any(list(table.index) != attacks for table in tables.values()):
        raise ValueError("every table must have the same attacks in the same order")
    height = 1.6 + 0.3 * len(attacks) * len(tables)
    figure, axes = new_figure(1, 2, figsize=(11, height), sharey=True)
    correlation, named = axes[0]
    places = np.arange(len(attacks))
    offsets = (np.arange(len(tables)) - (len(tables) - 1) / 2) * 0.2
    for (cipher, table), (color, marker, _), offset in zip(
        tables.items(), SERIES, offsets, strict=False
    ):
        rows = places + offset
        correlation.hlines(
            rows, table["chance_low"], table["chance_high"], color=GRAY, alpha=0.4, linewidth=7
        )
        for ax, value, low, high in (
            (correlation, "correlation", "low", "high"),
            (named, "named", "named_low", "named_high"),
        ):
            ax.hlines(rows, table[low], table[high], color=color, linewidth=1.2)
            ax.plot(table[value], rows, marker, color=color, ms=6, label=cipher)
    named.axvline(table["named_chance"].iloc[0], color=GRAY, linestyle="--", linewidth=1)
    correlation.set_xlabel("correlation with the plaintext\n(gray: with another plaintext)")
    named.set_xlabel("plaintexts named\n(dashed: 95 % of random guesses stay below)")
    correlation.set_yticks(places, attacks)
    correlation.set_ylim(len(attacks) - 0.5, -0.5)
    handles, labels = named.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure
