"""One function per figure; each returns a matplotlib `Figure` and shows nothing by itself."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dkg.metrics import entropy, histogram

if TYPE_CHECKING:
    from dkg.randomness import Battery

_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
_BLUE, _RED, _GREEN, _GRAY = "#3b6fb6", "#c2413a", "#3c8d5a", "#6b6b6b"


def _figure(*args: Any, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    """Make a figure in the house's style; pyplot does not keep it, so it is shown only once."""
    with sns.axes_style("ticks", _STYLE), plt.rc_context({"figure.constrained_layout.use": True}):
        figure, axes = plt.subplots(*args, squeeze=False, **kwargs)
    plt.close(figure)
    return figure, axes


def _show_image(axes: Axes, image: np.ndarray, title: str) -> None:
    axes.imshow(image, interpolation="nearest", vmin=0, vmax=255, cmap="gray")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()


def image_grid(images: Mapping[str, np.ndarray], columns: int | None = None) -> Figure:
    """Show images under their titles, pixel for pixel.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, (height, width) or (height, width, 3).
    columns : int, optional
        Images in a row; default all in one.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    columns = min(columns or len(images), len(images))
    rows = -(-len(images) // columns)
    figure, axes = _figure(rows, columns, figsize=(2.6 * columns, 2.9 * rows))
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        _show_image(ax, image, title)
    return figure


def image_histograms(images: Mapping[str, np.ndarray]) -> Figure:
    """Show images with the histograms of their bytes (Figs. 6 and 7).

    Parameters
    ----------
    images : mapping of str to numpy.ndarray
        Titles and uint8 images, any number of channels; a histogram is over all bytes.

    Returns
    -------
    matplotlib.figure.Figure
        Images above, histograms below, with the frequency that ideal bytes have as a line.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not images:
        raise ValueError("images must hold at least one image")
    n = len(images)
    figure, axes = _figure(2, n, figsize=(2.9 * n, 4.9), height_ratios=(3, 1.6))
    for ax, below, (title, image) in zip(axes[0], axes[1], images.items(), strict=True):
        _show_image(ax, image, title)
        below.fill_between(
            np.arange(256), histogram(image) / image.size, step="mid", color=_BLUE, linewidth=0
        )
        below.axhline(1 / 256, color=_RED, linewidth=1, label="ideal")
        below.set_xlim(0, 255)
        below.set_ylim(bottom=0)
        below.set_xlabel("byte")
        below.set_title(f"{entropy(image):.4f} bits", fontsize=9, color=_GRAY)
    axes[1, 0].set_ylabel("share")
    axes[1, 0].legend(frameon=False, fontsize=8, loc="best")
    return figure


def training_curves(log: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Show how a training run went.

    Parameters
    ----------
    log : sequence of mapping
        Records of `dkg.training.read_log`, or as they come from ``on_log``.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Losses, the discriminator's accuracy with the paper's 50 %, and the key's entropy.

    Raises
    ------
    ValueError
        If no record is a ``"log"`` record.
    """
    records = [r for r in log if r["event"] == "log"]
    if not records:
        raise ValueError("the log holds no record of losses yet")
    steps = [r["step"] for r in records]
    figure, axes = _figure(1, 3, figsize=(13, 3.4))
    losses, accuracy, keys = axes[0]

    losses.plot(steps, [r["generator_loss"] for r in records], color=_BLUE, label="generator")
    losses.plot(
        steps, [r["discriminator_loss"] for r in records], color=_RED, label="discriminator"
    )
    losses.set_ylabel("loss")
    losses.set_title("Losses (Eqs. 2 and 3)", fontsize=10)

    for name, color, label in (
        ("accuracy_real", _GREEN, "on the transformation domain"),
        ("accuracy_fake", _RED, "on fresh keys"),
    ):
        accuracy.plot(steps, [100 * r[name] for r in records], color=color, label=label, alpha=0.8)
    accuracy.axhline(50, color=_GRAY, linestyle="--", linewidth=1, label="the paper's balance")
    accuracy.set_ylim(-3, 103)
    accuracy.set_ylabel("right answers (%)")
    accuracy.set_title("Discriminator's accuracy", fontsize=10)

    keys.plot(steps, [r["key_entropy"] for r in records], color=_BLUE, label="key of the step")
    samples = [r for r in log if r["event"] == "sample"]
    if samples:
        keys.plot(
            [r["step"] for r in samples],
            [r["key_entropy"] for r in samples],
            "o",
            color=_RED,
            markersize=4,
            label="mean of eight keys",
        )
    keys.set_ylabel("entropy (bits)")
    keys.set_title("Entropy of the keys", fontsize=10)

    for ax in axes[0]:
        ax.set_xlabel("training step")
        ax.legend(frameon=False, fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def logistic_orbits(orbits: np.ndarray, labels: Sequence[str]) -> Figure:
    """Show orbits of the logistic map side by side, and how fast the first two part.

    Parameters
    ----------
    orbits : numpy.ndarray
        float64 (n_steps, n), n >= 2, of `dkg.domains.logistic_orbits`.
    labels : sequence of str
        Names of the orbits.

    Returns
    -------
    matplotlib.figure.Figure
        The orbits, and the distance of the first two on a logarithmic scale.
    """
    figure, axes = _figure(1, 2, figsize=(11, 3.2))
    left, right = axes[0]
    for orbit, label, color in zip(orbits.T, labels, (_BLUE, _RED, _GREEN), strict=False):
        left.plot(orbit, ".-", markersize=4, linewidth=0.8, label=label, color=color)
    left.set_ylabel("x")
    left.set_ylim(-0.05, 1.25)
    left.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    left.set_title("Orbits of the logistic map", fontsize=10)
    right.semilogy(np.abs(orbits[:, 0] - orbits[:, 1]), color=_GRAY)
    right.set_ylabel("distance")
    right.set_title("How fast they part", fontsize=10)
    for ax in axes[0]:
        ax.set_xlabel("step")
    return figure


def entropy_strip(
    entropies: Mapping[str, np.ndarray], paper: Mapping[str, Sequence[float]]
) -> Figure:
    """Show the entropies of sets of images beside the paper's.

    Parameters
    ----------
    entropies : mapping of str to numpy.ndarray
        For each set the entropy of each image, in bits.
    paper : mapping of str to sequence of float
        For the same sets the entropies that the paper prints.

    Returns
    -------
    matplotlib.figure.Figure
        One point per image, the paper's values in another colour.
    """
    figure, axes = _figure(1, 1, figsize=(8, 0.8 + 0.75 * len(entropies)))
    ax = axes[0, 0]
    for row, (name, values) in enumerate(entropies.items()):
        spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
        label = "ours" if row == 0 else None
        ax.plot(values, row + spread, ".", color=_BLUE, markersize=4, alpha=0.6, label=label)
        label = "paper" if row == 0 else None
        ax.plot(paper[name], np.full(len(paper[name]), row), "D", color=_RED, ms=5, label=label)
    ax.set_yticks(range(len(entropies)), entropies)
    ax.set_ylim(len(entropies) - 0.4, -0.6)
    ax.set_xlabel("entropy of a plain image (bits)")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def p_value_heatmap(battery: "Battery") -> Figure:
    """Show how each sequence of a battery fares in each test of SP 800-22.

    Parameters
    ----------
    battery : dkg.randomness.Battery
        What `dkg.randomness.run_battery` returned.

    Returns
    -------
    matplotlib.figure.Figure
        One row per test, one column per sequence. The colour is the smallest P-value of the
        test's variants times their number (Bonferroni), at most 1; gray where the test is not
        applicable. Beside it, the proportion of all P-values that pass.
    """
    by_test = battery.p_values.T.groupby(level="test", sort=False)
    smallest = (by_test.min() * by_test.count()).clip(1e-6, 1)
    figure, axes = _figure(1, 1, figsize=(9, max(3, 1.2 + 0.28 * len(smallest))))
    ax = axes[0, 0]
    ax.set_facecolor("lightgray")
    image = ax.imshow(
        np.log10(smallest.to_numpy(float)),
        aspect="auto",
        interpolation="nearest",
        cmap="RdYlBu",
        vmin=-6,
        vmax=0,
    )
    names = [name.replace("_", " ") for name in smallest.index]
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

    Parameters
    ----------
    battery : dkg.randomness.Battery
        What `dkg.randomness.run_battery` returned.

    Returns
    -------
    matplotlib.figure.Figure
        One histogram of ten bins per test, the P-values of all its variants together, with the
        share that each bin should have. The title says how many variants fail the test for
        uniformity, or that there are too few sequences for it.
    """
    summary = battery.summary.set_index("test")
    tests = list(dict.fromkeys(battery.p_values.columns.get_level_values("test")))
    columns = min(5, len(tests))
    rows = -(-len(tests) // columns)
    figure, axes = _figure(
        rows, columns, figsize=(2.5 * columns, 2.0 * rows), sharex=True, sharey=True
    )
    for ax in axes.flat[len(tests) :]:
        ax.set_axis_off()
    for ax, test in zip(axes.flat, tests, strict=False):
        values = battery.p_values[test].to_numpy().ravel()
        values = values[~np.isnan(values)]
        if values.size:
            weights = np.full(values.size, 1 / values.size)
            ax.hist(values, bins=10, range=(0, 1), weights=weights, color=_BLUE, rwidth=0.9)
        ax.axhline(0.1, color=_RED, linewidth=1)
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
