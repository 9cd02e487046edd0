"""Keys of several trainings beside each other (Fig. 5), and what a change of the seed does."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, RED, new_figure, show_image


def keys_of_trainings(
    seed_image: np.ndarray, keys: Mapping[str, np.ndarray], measures: Mapping[str, np.ndarray]
) -> Figure:
    """Show the keys of several networks for one seed image, and how alike they are (Fig. 5).

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (256, 256, 3).
    keys : mapping of str to numpy.ndarray
        Titles and keys, uint8 (256, 256, 3), two at least.
    measures : mapping of str to numpy.ndarray
        Titles and float64 (n, n), for each pair of the n keys; only what lies below the diagonal
        is shown.

    Returns
    -------
    matplotlib.figure.Figure
        The seed image and the keys above, one triangle of numbers for each measure below.

    Raises
    ------
    ValueError
        If there are fewer than two keys, or no measure.
    """
    if len(keys) < 2 or not measures:
        raise ValueError(
            f"two keys and one measure at least are needed, not {len(keys)} and {len(measures)}"
        )
    columns = max(len(keys) + 1, len(measures))
    figure, axes = new_figure(2, columns, figsize=(2.7 * columns, 5.8))
    for ax in axes.flat:
        ax.set_axis_off()
    show_image(axes[0, 0], seed_image, "seed image of all keys")
    for ax, (title, key) in zip(axes[0, 1:], keys.items(), strict=False):
        show_image(ax, key, title)
    numbers = range(1, len(keys) + 1)
    first = columns - len(measures)
    for ax, (title, pairs) in zip(axes[1, first:], measures.items(), strict=True):
        ax.set_axis_on()
        shown = pd.DataFrame(pairs, numbers, numbers).iloc[1:, :-1]
        sns.heatmap(
            shown,
            mask=np.triu(np.ones(shown.shape, bool), 1),
            annot=True,
            fmt=".2f",
            cmap="Greys",
            vmin=0,
            vmax=2 * np.abs(pairs).max() or 1,
            cbar=False,
            square=True,
            linewidths=1,
            annot_kws={"color": "black"},
            ax=ax,
        )
        ax.set_title(title, fontsize=10)
        ax.tick_params(rotation=0)
        ax.set_xlabel("key")
        ax.set_ylabel("key")
    return figure


def sensitivity_curves(measured: pd.DataFrame, paper: tuple[float, float]) -> Figure:
    """Show how much of a key changes with the seed, against the size of the change (Table IV).

    Parameters
    ----------
    measured : pandas.DataFrame
        One row for each pair of keys: ``change``, what is varied; ``size``, by how much, above 0;
        ``curve``, what made the keys, at most five of them; ``npcr`` and ``uaci``, in percent.
    paper : tuple of float
        NPCR and UACI in percent that the paper prints, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        NPCR above, UACI below, one column for each ``change``. A point is the mean of the rows of
        one size and curve, the band their range; points of one curve are joined.
    """
    changes, curves = (list(dict.fromkeys(measured[name])) for name in ("change", "curve"))
    figure, axes = new_figure(
        2, len(changes), figsize=(0.6 + 4.2 * len(changes), 6.4), sharex="col", sharey="row"
    )
    for row, (measure, label) in enumerate(
        (("npcr", "NPCR (% of the bytes)"), ("uaci", "UACI (% of the range)"))
    ):
        for ax, change in zip(axes[row], changes, strict=True):
            sns.lineplot(
                measured[measured["change"] == change],
                x="size",
                y=measure,
                hue="curve",
                palette=dict(zip(curves, (BLUE, RED, GREEN, ORANGE, GRAY), strict=False)),
                style="curve",
                markers=dict(zip(curves, "os^DX", strict=False)),
                dashes=False,
                markersize=7,
                errorbar=("pi", 100),
                legend=row == 0,
                ax=ax,
            )
            ax.axhline(paper[row], color=GRAY, linestyle="--", linewidth=1)
            ax.annotate(
                "paper, Table IV",
                (0.98, paper[row]),
                (0, -11),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize=8,
                color=GRAY,
            )
            ax.set_xlabel(change if row == 1 else "")
            ax.set_ylabel(label if ax is axes[row, 0] else "")
    # Scales come last: on an axis that is logarithmic already, seaborn takes means of logarithms.
    for ax in axes.flat:
        ax.set_xscale("log")
        # A key may stay as it is; the lowest part of the scale is linear to show the 0.
        ax.set_yscale("symlog", linthresh=0.001)
        ax.set_ylim(0, 200)
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.yaxis.set_major_formatter("{x:g}")
    for ax in axes[0]:
        ax.legend(loc="lower left", fontsize=8, frameon=False)
    return figure
