"""Figures of SP 800-22: what is drawn is what was given."""

import numpy as np
import pandas as pd

from dkg import plots


def test_pass_rates_says_the_share_of_each_cell():
    shares = pd.DataFrame({"A": [1.0, 0.25], "B": [np.nan, 0.0]}, index=["runs", "matrix_rank"])
    ax = plots.pass_rates(shares).axes[0]
    words = {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text()
        for text in ax.texts
    }
    assert words == {(0, 0): "100", (1, 0): "25", (1, 1): "0", (0, 1): "n/a"}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["runs", "matrix rank"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["A", "B"]
    np.testing.assert_allclose(
        ax.collections[0].get_array().reshape(2, 2).filled(np.nan), 100 * shares.to_numpy()
    )
