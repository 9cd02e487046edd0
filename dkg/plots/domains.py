"""The transformation domain's logistic map, and the entropies of image sets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, RED, new_figure


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
    figure, axes = new_figure(1, 2, figsize=(11, 3.2))
    left, right = axes[0]
    for orbit, label, color in zip(orbits.T, labels, (BLUE, RED, GREEN), strict=False):
        left.plot(orbit, ".-", markersize=4, linewidth=0.8, label=label, color=color)
    left.set_ylabel("x")
    left.set_ylim(-0.05, 1.25)
    left.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
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
    figure, axes = new_figure(1, 1, figsize=(8, 0.8 + 0.75 * len(entropies)))
    ax = axes[0, 0]
    for row, (name, values) in enumerate(entropies.items()):
        spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
        label = "ours" if row == 0 else None
        ax.plot(values, row + spread, ".", color=BLUE, markersize=4, alpha=0.6, label=label)
        label = "paper" if row == 0 else None
        ax.plot(paper[name], np.full(len(paper[name]), row), "D", color=RED, ms=5, label=label)
    ax.set_yticks(range(len(entropies)), entropies)
    ax.set_ylim(len(entropies) - 0.4, -0.6)
    ax.set_xlabel("entropy of a plain image (bits)")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
