"""The panel *Randomness*."""

import secrets
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg import baselines, plots, randomness
from dkg.widgets import sources
from dkg.widgets.panel import Panel, View, seed_controls
from dkg.widgets.pictures import figure_as_image


def key_generators(key: np.ndarray) -> dict[str, np.ndarray]:
    """Put a key beside AES-256 in counter mode and the Mersenne Twister, both freshly keyed.

    Parameters
    ----------
    key : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    dict of str to numpy.ndarray
        Three sequences of 196,608 bytes.
    """
    twister = np.frombuffer(secrets.token_bytes(32), "<u4")
    return {
        "this key": key.ravel(),
        "AES-256-CTR": baselines.aes_256_ctr(secrets.token_bytes(32), key.size),
        "Mersenne Twister": baselines.mersenne_twister(twister, key.size),
    }


def suite_heatmap(sequences: Mapping[str, np.ndarray]) -> tuple[Figure, dict[str, int]]:
    """Run the fifteen tests of SP 800-22 on several sequences.

    Parameters
    ----------
    sequences : mapping of str to numpy.ndarray
        uint8, of one length, by name.

    Returns
    -------
    figure : matplotlib.figure.Figure
        `dkg.plots.p_value_heatmap` with the names of the sequences.
    failed : dict of str to int
        For each sequence, the number of P-values below 0.01, of those that were computed.
    """
    battery = randomness.run_battery(list(sequences.values()), progress=False)
    figure = plots.p_value_heatmap(battery)
    ax = figure.axes[0]
    ax.set_xticks(range(len(sequences)), list(sequences))
    ax.set_xlabel("")
    # A share over different generators says nothing.
    ax.set_title("", loc="right")
    for beside in ax.child_axes:
        beside.set_visible(False)
    failed = (battery.p_values < battery.alpha).sum(axis=1)
    return figure, dict(zip(sequences, (int(n) for n in failed), strict=True))


class RandomnessPanel(Panel):
    """The fifteen tests of SP 800-22 on a key, beside two other generators."""

    def __init__(self) -> None:
        self.network, self.seed_set, self.seed = seed_controls()
        super().__init__(self.network, self.seed_set, self.seed)

    def compute(self) -> View:
        """Run the suite."""
        seed = sources.image_of(self.seed_set.value, self.seed.value)
        key = sources.key_of(self.network.value, seed)
        self._figure, failed = suite_heatmap(key_generators(key))
        return View(
            {"P-values of the fifteen tests": figure_as_image(self._figure)},
            pd.DataFrame({"P-values below 0.01": failed}),
            "One P-value in a hundred of a perfect generator is below 0.01.",
        )

    def static_figure(self) -> Figure:
        """Return the heat map.

        Returns
        -------
        matplotlib.figure.Figure
            A row for each test, a column for each generator.
        """
        return self._figure
