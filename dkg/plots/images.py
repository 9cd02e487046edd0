"""Images and image sets: shown, and measured byte by byte (Figs. 6, 7 and 11)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import skimage.exposure
import skimage.filters
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dkg.metrics import adjacent_pairs, chi_square, entropy, histogram
from dkg.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PAGE,
    RED,
    STYLE,
    WHITE_GROUND,
    new_figure,
    panel_grid,
    show_image,
)

_DETAIL = 64
_MOST_HISTOGRAMS = 3
_SERIES = ((RED, "o", "-"), (BLUE, "s", "--"), (GREEN, "^", "-."), (ORANGE, "D", ":"))


def image_grid(
    images: Mapping[str, np.ndarray], columns: int | None = None, *, details: Collection[str] = ()
) -> Figure:
    """Show images under their titles, pixel for pixel.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, (height, width) or (height, width, 3).
    columns : int, optional
        Images in a row; default all in one.
    details : collection of str, default none
        Titles of images that are followed by their middle 64 x 64 pixels, enlarged.

    Raises
    ------
    ValueError
        If one of `details` is the title of no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    if unknown := set(details) - set(images):
        raise ValueError(f"details must be titles of images, not {sorted(unknown)}")
    panels: list[tuple[str, np.ndarray]] = []
    for title, image in images.items():
        panels.append((title, image))
        if title in details:
            top, left = ((length - _DETAIL) // 2 for length in image.shape[:2])
            part = image[top : top + _DETAIL, left : left + _DETAIL]
            panels.append((f"{title}, {_DETAIL} x {_DETAIL} pixels", part))
    columns = min(columns or len(panels), len(panels))
    width = min(2.6, PAGE / columns)
    figure, axes = panel_grid(len(panels), columns, width, width + 0.5)
    for ax, (title, image) in zip(axes.flat, panels, strict=False):
        show_image(ax, image, title)
    return figure


def stretched(picture: np.ndarray) -> np.ndarray:
    """Stretch a picture from black to white, so that faint structure shows.

    Parameters
    ----------
    picture : numpy.ndarray
        Numbers of any range, (height, width).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width): the lowest percent is black and the highest white.
    """
    limits = tuple(np.percentile(picture, (1, 99)))
    gray: np.ndarray = skimage.exposure.rescale_intensity(picture, limits, (0, 255))
    return gray.astype(np.uint8)


def blurred(image: np.ndarray, sigma: float, *, edges: bool = False) -> np.ndarray:
    """Blur an image, and stretch what is left from black to white.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, 3), whose channels are averaged.
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    edges : bool, default False
        Return the edges of the blurred image (Sobel).
    """
    smooth = skimage.filters.gaussian(image.mean(axis=2), sigma)
    return stretched(skimage.filters.sobel(smooth) if edges else smooth)


def image_rows(rows: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Show images in rows, each image under its title, and the first also under its row's.

    Parameters
    ----------
    rows : mapping of str to mapping of str to numpy.ndarray
        Titles of the rows, and titles and uint8 images in each. An image that is alone in its row
        may be as wide as the row.

    Raises
    ------
    ValueError
        If there is no row, or a row without an image.
    """
    if not rows or not all(rows.values()):
        raise ValueError("rows must hold at least one row, and each row at least one image")
    columns = max(map(len, rows.values()))
    places: list[Any] = [
        [f"{row}\n{title}" for title in images] * (columns if len(images) == 1 else 1)
        + ["."] * (columns - len(images) if len(images) > 1 else 0)
        for row, images in rows.items()
    ]
    figure: Figure
    with plt.style.context(STYLE):
        width = min(2.6, PAGE / columns)
        figure, axes = plt.subplot_mosaic(
            places, figsize=(width * columns, (width + 0.6) * len(rows))
        )
    plt.close(figure)
    for row, images in rows.items():
        for title, image in images.items():
            show_image(axes[f"{row}\n{title}"], image, title)
        # The line breaks keep it above the title of the first image.
        ax = axes[f"{row}\n{next(iter(images))}"]
        lines = 1 + ax.get_title().count("\n")
        ax.set_title(row + "\n" * lines, loc="left", weight="bold")
    return figure


def image_histograms(images: Mapping[str, np.ndarray]) -> Figure:
    """Show images with the histograms of their bytes (Figs. 6 and 7).

    Images above, histograms below, with the frequency that i.i.d. uniform bytes have as a line. All
    histograms share one scale, which ends as that of `plain_and_cipher_histograms` does.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, any number of channels; a histogram is over all bytes.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    n = len(images)
    side = min(2.6, PAGE / n)
    figure, axes = new_figure(2, n, figsize=(2.9 * n, side + 2.4), height_ratios=(side + 0.4, 2))
    shares = [100 * histogram(image) / image.size for image in images.values()]
    top = _top(shares)
    for ax, below, (title, image), heights in zip(*axes, images.items(), shares, strict=True):
        show_image(ax, image, title)
        ideal = _draw_shares(below, heights, 100 / 256, "uniform bytes")
        below.set_ylim(0, top)
        _mark_cut_bars(below, heights, top)
        below.set_xlabel("byte")
        below.set_title(f"{entropy(image):.4f} bits", fontsize=9, color=GRAY)
        if below is not axes[1, 0]:
            below.set_yticklabels([])
    axes[1, 0].set_ylabel("share (%)")
    figure.legend(handles=[ideal], loc="outside lower center", frameon=False)
    return figure


def _top(shares: Iterable[np.ndarray]) -> float:
    """Return where the scale of histograms ends: a single high bar must not flatten the others."""
    return float(max(1.3 * np.quantile(heights, 0.99) for heights in shares))


def _draw_shares(ax: Axes, shares: np.ndarray, ideal: float, label: str) -> Line2D:
    """Draw the share of each of the 256 bytes and the ideal share; return the ideal's line."""
    ax.fill_between(np.arange(256), shares, step="mid", color=BLUE, linewidth=0)
    ax.set_xlim(-2, 257)  # The bars of 0 and 255 stand clear of the edges.
    return ax.axhline(ideal, color=RED, linewidth=1, label=label)


def histogram_grid(images: Mapping[str, np.ndarray], columns: int = 3) -> Figure:
    """Show the histograms of several images on one scale (Fig. 11).

    The share of each byte, with that of uniform bytes as a line and chi-square in the title.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, any shape; a histogram is over all bytes.
    columns : int, default 3
        Histograms in a row, three at most.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    # More would leave no room for their titles.
    columns = min(columns, _MOST_HISTOGRAMS)
    figure, axes = panel_grid(len(images), columns, 2.9, 2.1, sharex=True, sharey=True)
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        shares = 100 * histogram(image) / image.size
        _draw_shares(ax, shares, 100 / 256, "uniform bytes")
        ax.set_title(f"{title}: $\\chi^2$ = {chi_square(image).statistic:,.0f}", fontsize=9)
    axes[0, 0].set_ylim(bottom=0)  # The axes share one scale, so this comes after the last one.
    for ax in axes[-1]:
        ax.set_xlabel("byte")
    for ax in axes[:, 0]:
        ax.set_ylabel("share (%)")
    handles = axes[0, 0].lines
    figure.legend(handles=handles, loc="outside upper center", frameon=False)
    return figure


def plain_and_cipher_histograms(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Figure:
    """Show plaintexts and ciphertexts, each with its histogram (Fig. 7).

    One row for each pair: plaintext, its histogram, ciphertext, its histogram, which has the share
    of uniform bytes as a line and chi-square in its title. All histograms share one scale. It ends
    where a hundredth of the bars are higher; each of those has a triangle at the edge, and the
    highest one's byte and share are written beside it.

    Parameters
    ----------
    pairs : mapping of str to tuple of two numpy.ndarray
        Titles, and plaintext and ciphertext, uint8 (height, width, 3).
    """
    figure, axes = new_figure(
        len(pairs), 4, figsize=(PAGE, 0.4 + 1.9 * len(pairs)), width_ratios=(1, 1.3, 1, 1.3)
    )
    shares = {
        image.tobytes(): 100 * histogram(image) / image.size
        for images in pairs.values()
        for image in images
    }
    top = _top(shares.values())
    for row, (title, images) in zip(axes, pairs.items(), strict=True):
        for ax, below, image, kind in zip(
            row[::2], row[1::2], images, ("plaintext", "ciphertext"), strict=True
        ):
            show_image(ax, image, f"{title}, {kind}")
            heights = shares[image.tobytes()]
            ideal = _draw_shares(below, heights, 100 / 256, "uniform bytes")
            below.set_ylim(0, top)
            _mark_cut_bars(below, heights, top)
            below.set_ylabel("share (%)")
            below.set_title(f"$\\chi^2$ = {chi_square(image).statistic:,.0f}", fontsize=9)
    for ax in axes[-1, 1::2]:
        ax.set_xlabel("byte")
    figure.legend(handles=[ideal], loc="outside upper center", frameon=False)
    return figure


def _mark_cut_bars(ax: Axes, shares: np.ndarray, top: float) -> None:
    """Mark the bars that are higher than `top`, and say how high the highest is."""
    cut = np.flatnonzero(shares > top)
    if not len(cut):
        return
    ax.plot(cut, np.full(len(cut), top), "^", color=RED, ms=6, clip_on=False)
    highest = int(shares.argmax())
    others = f"\n{len(cut)} bars cut" if len(cut) > 1 else ""
    right = highest < 128
    ax.annotate(
        f"byte {highest}: {shares[highest]:.2g} %{others}",
        (highest, top),
        (8 if right else -8, -1),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        size=9,
        color=INK,
        bbox=WHITE_GROUND,
    )


def adjacent_scatter(
    images: Mapping[str, np.ndarray], n_pairs: int = 2000, rng: int | None = None
) -> Figure:
    """Show pairs of neighbouring pixels as points, in three directions.

    One row for each image, one column for each direction.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles, and uint8 images (height, width, 3) or (height, width), such as a plaintext and
        its ciphertext.
    n_pairs : int, default 2000
        Points of a panel.
    rng : int, optional
        Seed of the pairs; the same ones are drawn in every image.
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

    One line of means for each kind, and a point for each image.

    Parameters
    ----------
    found : mapping of str to mapping of float to sequence of float
        For each kind of ciphertext, by the standard deviation of the Gaussian in pixels, the
        `dkg.metrics.edge_correlation` of each image.
    """
    figure, [[ax]] = new_figure(1, 1, figsize=(6.5, 3.4))
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
    ax.legend(frameon=False)
    return figure


def logistic_orbits(orbits: np.ndarray, labels: Sequence[str]) -> Figure:
    """Show orbits of the logistic map side by side, and how fast the first two part.

    The orbits, and the distance of the first two on a logarithmic scale.

    Parameters
    ----------
    orbits : numpy.ndarray
        float64 (n_steps, n), n >= 2, of `dkg.domains.logistic_orbits`.
    labels : sequence of str
        Names of the orbits.
    """
    figure, axes = new_figure(1, 2, figsize=(11, 3.2))
    left, right = axes[0]
    for orbit, label, color in zip(orbits.T, labels, (BLUE, RED, GREEN), strict=False):
        left.plot(orbit, ".-", markersize=4, linewidth=0.8, label=label, color=color)
    left.set_ylabel("x")
    left.set_ylim(-0.05, 1.25)
    left.legend(frameon=False, loc="upper left", ncols=2)
    left.set_title("Orbits of the logistic map", fontsize=10)
    right.semilogy(np.abs(orbits[:, 0] - orbits[:, 1]), color=GRAY)
    right.set_ylabel("distance")
    right.set_title("How fast they part", fontsize=10)
    for ax in axes[0]:
        ax.set_xlabel("step")
    return figure


def entropy_strip(
    entropies: Mapping[str, np.ndarray], paper: Mapping[str, Sequence[float]]
) -> Figure:
    """Show the entropies of sets of images beside the paper's.

    One point per image, the paper's values in another colour.

    Parameters
    ----------
    entropies : mapping of str to numpy.ndarray
        For each set the entropy of each image, in bits.
    paper : mapping of str to sequence of float
        For the same sets the entropies that the paper prints.
    """
    figure, [[ax]] = new_figure(1, 1, figsize=(8, 0.8 + 0.75 * len(entropies)))
    for row, (name, values) in enumerate(entropies.items()):
        spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
        label = "ours" if row == 0 else None
        ax.plot(values, row + spread, ".", color=BLUE, markersize=4, alpha=0.6, label=label)
        label = "paper" if row == 0 else None
        ax.plot(paper[name], np.full(len(paper[name]), row), "D", color=RED, ms=5, label=label)
    ax.set_yticks(range(len(entropies)), entropies)
    ax.set_ylim(len(entropies) - 0.4, -0.6)
    ax.set_xlabel("entropy of a plain image (bits)")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure
