"""Ciphertexts beside their plaintexts: histograms, neighbours, edges (sections IV-B and V-C)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dkg.metrics import adjacent_pairs, chi_square, histogram
from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, RED, new_figure, show_image

_SERIES = ((RED, "o", "-"), (BLUE, "s", "--"), (GREEN, "^", "-."), (ORANGE, "D", ":"))


def plain_and_cipher_histograms(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Figure:
    """Show plaintexts and ciphertexts, each with its histogram (Fig. 7).

    Parameters
    ----------
    pairs : mapping of str to tuple of two numpy.ndarray
        Titles, and plaintext and ciphertext, uint8 (height, width, 3).

    Returns
    -------
    matplotlib.figure.Figure
        One row for each pair: plaintext, its histogram, ciphertext, its histogram, which has the
        share of ideal bytes as a line and chi-square in its title. The two histograms have scales
        of their own; the plaintext's is cut off where less than a hundredth of its values are
        higher.
    """
    figure, axes = new_figure(
        len(pairs), 4, figsize=(11, 2.5 * len(pairs)), width_ratios=(1, 1.5, 1, 1.5)
    )
    for row, (title, images) in zip(axes, pairs.items(), strict=True):
        for ax, below, image, kind in zip(
            row[::2], row[1::2], images, ("plaintext", "ciphertext"), strict=True
        ):
            show_image(ax, image, f"{title}, {kind}")
            shares = 100 * histogram(image) / image.size
            below.fill_between(np.arange(256), shares, step="mid", color=BLUE, linewidth=0)
            ideal = below.axhline(100 / 256, color=RED, linewidth=1, label="ideal bytes")
            below.set_xlim(0, 255)
            below.set_ylim(0, 1.3 * np.quantile(shares, 0.99))
            below.set_ylabel("share (%)")
            below.set_title(f"$\\chi^2$ = {chi_square(image).statistic:,.0f}", fontsize=9)
    for ax in axes[-1, 1::2]:
        ax.set_xlabel("byte")
    figure.legend(handles=[ideal], loc="outside upper center", frameon=False)
    return figure


def adjacent_scatter(
    images: Mapping[str, np.ndarray], n_pairs: int = 2000, rng: int | None = None
) -> Figure:
    """Show pairs of neighbouring pixels as points, in three directions.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles, and uint8 images (height, width, 3) or (height, width), such as a plaintext and
        its ciphertext.
    n_pairs : int, default 2000
        Points of a panel.
    rng : int, optional
        Seed of the pairs; the same ones are drawn in every image.

    Returns
    -------
    matplotlib.figure.Figure
        One row for each image, one column for each direction.
    """
    figure, axes = new_figure(
        len(images), 3, figsize=(8.2, 2.8 * len(images)), sharex=True, sharey=True
    )
    for row, (title, image) in zip(axes, images.items(), strict=True):
        for ax, direction in zip(row, ("horizontal", "vertical", "diagonal"), strict=True):
            x, y = adjacent_pairs(image, direction, n_pairs, rng)
            ax.plot(x, y, ".", color=BLUE, markersize=2.5, alpha=0.5, markeredgewidth=0)
            ax.set_title(f"{title}, {direction}", fontsize=9)
            ax.set_aspect("equal")
            ax.set_xticks((0, 128, 255))
            ax.set_yticks((0, 128, 255))
        row[0].set_ylabel("its neighbour (gray level)")
    for ax in axes[-1]:
        ax.set_xlabel("pixel (gray level)")
    return figure


def edges_by_blur(found: Mapping[str, Mapping[float, Sequence[float]]]) -> Figure:
    """Show how well edges are found in ciphertexts, by the blur that is used to look for them.

    Parameters
    ----------
    found : mapping of str to mapping of float to sequence of float
        For each kind of ciphertext, by the standard deviation of the Gaussian in pixels, the
        `dkg.metrics.edge_correlation` of each image.

    Returns
    -------
    matplotlib.figure.Figure
        One line of means for each kind, and a point for each image.
    """
    figure, axes = new_figure(1, 1, figsize=(6.5, 3.4))
    ax = axes[0, 0]
    for (label, by_sigma), (color, marker, line) in zip(found.items(), _SERIES, strict=False):
        means = [np.mean(values) for values in by_sigma.values()]
        ax.plot(list(by_sigma), means, line, color=color, marker=marker, label=label)
        for sigma, values in by_sigma.items():
            ax.plot(np.full(len(values), sigma), values, marker, color=color, ms=3, alpha=0.35)
    ax.axhline(0, color=GRAY, linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks(list(by_sigma), [f"{sigma:g}" for sigma in by_sigma])
    ax.set_xlabel("standard deviation of the blur (pixels)")
    ax.set_ylabel("correlation with the\nplaintext's edges")
    ax.legend(frameon=False, fontsize=8)
    return figure
