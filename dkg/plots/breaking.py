"""Attacks beyond the paper: leak by the number of seeds tried, structure in a key, shares."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from dkg.plots.attacks import label_leaks
from dkg.plots.style import GRAY, SERIES, label_markers, new_figure, show_image


def leak_by_seeds_tried(
    pictures: Mapping[str, np.ndarray],
    leaks: Mapping[str, Mapping[int, float]],
    limit: float,
) -> Figure:
    """Show what comes out with other seeds' keys, and how it grows with their number.

    Parameters
    ----------
    pictures : mapping of str to numpy.ndarray
        Titles and uint8 images, (height, width) or (height, width, 3).
    leaks : mapping of str to mapping of int to float
        For at most four ciphers, by the number of seeds tried, the size of
        `dkg.metrics.block_correlation` with the plaintext, 0 to 1.
    limit : float
        What independent noise stays below; drawn as a band.

    Returns
    -------
    matplotlib.figure.Figure
        The pictures, and beside them one line for each cipher.
    """
    n = len(pictures)
    figure, axes = new_figure(1, n + 1, figsize=(2.5 * n + 4, 3), width_ratios=(*(2.5,) * n, 4))
    *images, chart = axes[0]
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

    Parameters
    ----------
    spectra : mapping of str to numpy.ndarray
        Titles and spectra as `dkg.attacks.power_spectrum` returns them; 1 is white noise.
    correlations : mapping of str to sequence of float
        For at most four kinds of keys, the correlation of bytes that lie 1, 2, 3, ... pixels apart
        in a row.

    Returns
    -------
    matplotlib.figure.Figure
        The spectra on one logarithmic scale, each point the largest of 4 x 4 frequencies so that
        no peak is lost, and the correlations as lines.
    """
    n = len(spectra)
    figure, axes = new_figure(1, n + 1, figsize=(3.6 * n + 4.6, 3.3), width_ratios=(*(3,) * n, 4))
    *maps, chart = axes[0]
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
        ax.set_title(title)
        ax.set_xticks([-0.5, -0.25, 0, 0.25, 0.5])
        ax.set_yticks([-0.5, -0.25, 0, 0.25, 0.5] if ax is maps[0] else [])
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
    chart.legend(frameon=False, fontsize=8)
    return figure


def shares(
    values: Mapping[str, Mapping[str, float]], xlabel: str, *, chance: float | None = None
) -> Figure:
    """Show numbers in groups, as points on one axis, each with its value.

    Parameters
    ----------
    values : mapping of str to mapping of str to float
        For at most four series, numbers by what they belong to; all series have the same names.
        The axis starts at 0 if none is negative.
    xlabel : str
        What the numbers are, with their unit.
    chance : float, optional
        What chance gives; drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each name, a marker for each series.

    Raises
    ------
    ValueError
        If the series have different names.
    """
    rows = list(next(iter(values.values())))
    if any(list(series) != rows for series in values.values()):
        raise ValueError("every series must have the same names in the same order")
    figure, axes = new_figure(1, 1, figsize=(8.5, 1.3 + 0.45 * len(rows)))
    ax = axes[0, 0]
    for row in range(len(rows)):
        ax.axhline(row, color=GRAY, linewidth=0.4)
    offsets = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else [0.0]
    for (label, series), (color, marker, _), offset in zip(
        values.items(), SERIES, offsets, strict=False
    ):
        numbers = list(series.values())
        places = np.arange(len(rows)) + offset
        ax.plot(numbers, places, marker, color=color, ms=7, label=label)
        label_markers(ax, numbers, places, "{:.3g}", color)
    if chance is not None:
        ax.axvline(chance, color=GRAY, linestyle="--", linewidth=1, label="chance")
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
        fontsize=8,
    )
    return figure
