"""How training runs went, and what their settings change (Table XXI)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, ORANGE, PAGE, RED, new_figure, readable_numbers

_LOOKS = ((BLUE, "o"), (GREEN, "s"), (ORANGE, "^"), (RED, "D"))


def training_curves(log: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Show how a training run went.

    Losses, the discriminator's accuracy with the paper's 50 %, and the key's entropy.

    Parameters
    ----------
    log : sequence of mapping
        Records of `dkg.training.read_log`, or as they come from ``on_log``.
    title : str, optional
        Title of the figure.

    Raises
    ------
    ValueError
        If no record is a ``"log"`` record.
    """
    records = [r for r in log if r["event"] == "log"]
    if not records:
        raise ValueError("the log holds no record of losses yet")
    steps = [r["step"] for r in records]
    figure, axes = new_figure(3, 1, figsize=(PAGE, 6.2), sharex=True)
    losses, accuracy, keys = axes[:, 0]

    losses.plot(steps, [r["generator_loss"] for r in records], color=BLUE, label="generator")
    losses.plot(steps, [r["discriminator_loss"] for r in records], color=RED, label="discriminator")
    losses.set_ylabel("loss")
    losses.set_title("Losses (Eqs. 2 and 3)", fontsize=10)

    for name, color, label in (
        ("accuracy_real", GREEN, "on the transformation domain"),
        ("accuracy_fake", RED, "on fresh keys"),
    ):
        accuracy.plot(steps, [100 * r[name] for r in records], color=color, label=label, alpha=0.8)
    accuracy.axhline(50, color=GRAY, linestyle="--", linewidth=1, label="the paper's balance")
    accuracy.set_ylim(-3, 103)
    accuracy.set_ylabel("right answers (%)")
    accuracy.set_title("Discriminator's accuracy", fontsize=10)

    keys.plot(steps, [r["key_entropy"] for r in records], color=BLUE, label="key of the step")
    samples = [r for r in log if r["event"] == "sample"]
    if samples:
        keys.plot(
            [r["step"] for r in samples],
            [r["key_entropy"] for r in samples],
            "o",
            color=RED,
            markersize=4,
            label="mean of eight keys",
        )
    keys.set_ylabel("entropy (bits)")
    keys.set_title("Entropy of the keys", fontsize=10)

    for ax in axes[:, 0]:
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    keys.set_xlabel("training step")
    keys.xaxis.set_major_formatter("{x:,.0f}")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def live_curves(title: str) -> Callable[[dict[str, Any]], None]:
    """Return what shows a training's curves in a notebook as they grow.

    Parameters
    ----------
    title : str
        Title of the picture, to which the step is added.

    Returns
    -------
    callable
        For the argument `on_log` of `dkg.training.train`.
    """
    from IPython.display import display

    log: list[dict[str, Any]] = []
    picture = display(display_id=True)  # type: ignore[no-untyped-call]

    def show(event: dict[str, Any]) -> None:
        log.append(event)
        if event["event"] == "log":
            figure = training_curves(log, f"{title}: step {event['step']:,}")
            if picture is not None:  # It is outside of a notebook.
                picture.update(figure)

    return show


def sweep_heatmaps(sweeps: Mapping[str, pd.DataFrame]) -> Figure:
    """Show the entropy of keys for each length of training, learning rate and batch size.

    One heat map per sweep, all with the same colours from 0 to 8 bits. A cell without a row is gray
    and empty, one of NaN is gray and says so.

    Parameters
    ----------
    sweeps : mapping of str to pandas.DataFrame
        By title; columns ``steps``, ``learning_rate``, ``batch_size`` and ``entropy`` (bits), one
        row per cell. NaN is a result: no key could be made.

    Raises
    ------
    ValueError
        If there is no sweep, or a sweep has no row or two rows for one cell.
    """
    if not sweeps:
        raise ValueError("there must be at least one sweep to show")
    tables = {}
    for title, sweep in sweeps.items():
        if not len(sweep):
            raise ValueError(f"{title}: the sweep has no rows")
        cells = sweep.set_index(["steps", "learning_rate", "batch_size"])["entropy"]
        if cells.index.has_duplicates:
            raise ValueError(f"{title}: two rows for one cell")
        tables[title] = (
            cells.unstack(["learning_rate", "batch_size"])
            .sort_index()
            .sort_index(axis=1, ascending=[False, True]),
            set(cells.index),
        )
    height = max(len(table) for table, _ in tables.values())
    figure, axes = new_figure(len(tables), 1, figsize=(PAGE, len(tables) * (1.4 + 0.36 * height)))
    for ax, (title, (table, known)) in zip(axes[:, 0], tables.items(), strict=True):
        settings: list[Any] = table.columns.tolist()
        texts = table.map(lambda entropy: f"{entropy:.3f}").to_numpy(dtype=object)
        for row, steps in enumerate(table.index):
            for column, setting in enumerate(settings):
                if (steps, *setting) not in known:
                    texts[row, column] = ""
                elif texts[row, column] == "nan":
                    ax.text(column + 0.5, row + 0.5, "NaN", ha="center", va="center", fontsize=9)
        sns.heatmap(
            table,
            ax=ax,
            vmin=0,
            vmax=8,
            cmap="viridis",
            annot=texts,
            fmt="",
            annot_kws={"fontsize": 9},
            linewidths=1,
            cbar=False,
            xticklabels=[f"{rate:g}\n{batch}" for rate, batch in settings],
            yticklabels=[f"{steps:,}" for steps in table.index],
        )
        readable_numbers(ax)
        ax.set_facecolor("lightgray")
        ax.set_title(title)
        ax.set_xlabel("learning rate, and batch size below it")
        ax.set_ylabel("training steps")
        ax.tick_params(rotation=0)
    bar = figure.colorbar(ax.collections[0], ax=axes, shrink=0.6)
    bar.set_label("mean entropy of keys (bits)")
    return figure


def entropy_by_step(
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    paper: Mapping[int, float],
    sweep: pd.DataFrame,
) -> Figure:
    """Show how the entropy of keys moves during several runs, beside the paper's numbers.

    Two panels, the whole and what the paper's lengths span: one line for each run, a black dot for
    each length of a training of the sweep, the paper's numbers as large open squares.

    Parameters
    ----------
    runs : mapping of str to sequence of mapping
        Logs as `dkg.training.read_log` returns them, by the run's name; their ``"sample"``
        records are drawn, each the mean of eight keys.
    paper : mapping of int to float
        The paper's entropies (bits) by training step.
    sweep : pandas.DataFrame
        Trainings of our sweep with the paper's settings: columns ``repeat``, ``steps`` and
        ``entropy`` (bits). It may be empty.

    Raises
    ------
    ValueError
        If a run has no ``"sample"`` record.
    """
    points = {}
    for name, log in runs.items():
        samples = [record for record in log if record["event"] == "sample"]
        if not samples:
            raise ValueError(f"{name}: the log holds no sample")
        points[name] = pd.Series(
            [record["key_entropy"] for record in samples], [record["step"] for record in samples]
        )
    figure, axes = new_figure(1, 2, figsize=(10.5, 4.2))
    for ax in axes[0]:
        for index, (name, run) in enumerate(points.items()):
            ax.plot(
                run,
                color=(BLUE, GREEN, ORANGE, GRAY)[index % 4],
                marker="os^vD*"[index % 6],
                linestyle=("-", "--", "-.", ":")[index % 4],
                markersize=5,
                label=name,
            )
        if len(sweep):
            trainings = sweep["repeat"].nunique()
            label = f"our sweep, {trainings} training{'s' * (trainings > 1)}"
            ax.plot(sweep["steps"], sweep["entropy"], "k.", markersize=10, label=label)
        ax.plot(
            list(paper),
            list(paper.values()),
            "s",
            color=RED,
            markersize=9,
            fillstyle="none",
            markeredgewidth=1.8,
            label="paper (Table XXI)",
        )
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel("training step")
        ax.set_ylabel("mean entropy of keys (bits)")
    axes[0, 0].set_title("the whole training")
    near = axes[0, 1]
    start, width = min(paper), max(paper) - min(paper)
    late = [*(run.loc[start:] for run in points.values()), sweep["entropy"], pd.Series(paper)]
    lowest = pd.concat([values for values in late if len(values)]).min()
    near.set_xlim(start - 0.1 * width, max(paper) + 0.1 * width)
    near.set_ylim(lowest - 0.02, 8)
    near.set_title(f"the same from {start:,} steps on")
    handles, labels = near.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def measures_by_contrast(measured: pd.DataFrame, references: Mapping[str, float]) -> Figure:
    """Show what a factor before the last tanh changes, and what it does not.

    One panel for each measure, with a line for each network; a dotted line marks factor 1, the
    network as it is.

    Parameters
    ----------
    measured : pandas.DataFrame
        Columns ``network``, ``factor`` and one for each of `references`; a row for each network and
        factor, four networks at most.
    references : mapping of str to float
        For each measure, by its label, a value to hold it against; drawn as a line.

    Raises
    ------
    ValueError
        If there are more than four networks.
    """
    networks = dict(list(measured.groupby("network", sort=False)))
    if len(networks) > len(_LOOKS):
        raise ValueError(f"at most {len(_LOOKS)} networks can be told apart, not {len(networks)}")
    figure, axes = new_figure(1, len(references), figsize=(4.6 * len(references), 3.4))
    for ax, (measure, reference) in zip(axes[0], references.items(), strict=True):
        for (name, rows), look in zip(networks.items(), _LOOKS, strict=False):
            color, marker = look
            ax.plot(rows["factor"], rows[measure], marker=marker, color=color, ms=4, label=name)
        ax.axhline(reference, color=GRAY, linestyle="--", linewidth=1)
        ax.axvline(1, color=GRAY, linestyle=":", linewidth=1)
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("factor before the last tanh")
        ax.set_ylabel(measure)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=4,
        frameon=False,
    )
    return figure
