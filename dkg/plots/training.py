"""How a training run went."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dkg.plots.style import BLUE, GRAY, GREEN, RED, new_figure


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
    figure, axes = new_figure(1, 3, figsize=(13, 3.4))
    losses, accuracy, keys = axes[0]

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

    for ax in axes[0]:
        ax.set_xlabel("training step")
        ax.legend(frameon=False, fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
