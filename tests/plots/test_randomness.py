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


def test_walks_are_drawn_with_both_limits():
    walks = {"A": np.arange(100), "B": -np.arange(100)}
    whole, close = plots.random_walks(walks, 10.0).axes
    np.testing.assert_array_equal(whole.lines[0].get_ydata(), walks["A"])
    assert [line.get_ydata()[0] for line in whole.lines[2:]] == [-10, 10]
    assert close.get_ylim() == (-20, 20)


def test_no_peak_of_a_spectrum_is_lost():
    heights = np.full(12_000, 5.0)
    heights[7_001] = 900.0
    ax = plots.bit_spectra({"A": heights}, 6.0).axes[0]
    assert ax.lines[0].get_ydata().max() == 900
    assert ax.get_title() == "A: 99.99% below"


def test_shares_are_bars_beside_what_is_expected():
    shares = pd.DataFrame([[0.25, 0.75], [0.5, 0.5]], ["A", "B"], ["x", "y"])
    ax = plots.shares_beside_expected(shares, [0.3, 0.7]).axes[0]
    assert [[bar.get_height() for bar in bars] for bars in ax.containers] == shares.values.tolist()
    assert [segment[0][1] for segment in ax.collections[0].get_segments()] == [0.3, 0.7]


def test_deviations_beyond_the_edge_are_in_the_outermost_bar():
    ax = plots.standard_deviations({"A": np.array([100.0, 0.1, -100.0, 9.0])}).axes[0]
    heights = np.array([bar.get_height() for bar in ax.containers[0]])
    np.testing.assert_allclose(heights[[0, -1]] / heights.sum(), [0.25, 0.5])
