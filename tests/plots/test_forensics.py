"""Figures of the forensics: points lie where their numbers are, colours say what became of them."""

import numpy as np
import pandas as pd
import pytest

from dkg import plots


def lines(ax):
    return {line.get_label(): np.array(line.get_data()) for line in ax.lines}


def test_pairs_lie_where_they_are_and_printed_ones_have_bars():
    figure = plots.possible_pairs(
        {"Table IV": ([99.5, 99.6], [21.0, 22.0])},
        {"ours": ([99.3], [31.0])},
        lambda npcr: 25 - 0.1 * (100 - npcr),
        0.02,
    )
    for ax in figure.axes:
        drawn = lines(ax)
        np.testing.assert_array_equal(drawn["Table IV"], [[99.5, 99.6], [21.0, 22.0]])
        np.testing.assert_array_equal(drawn["ours"], [[99.3], [31.0]])
    [bars] = [c for c in figure.axes[1].collections if hasattr(c, "get_segments")]
    assert [np.ptp(bar[:, 0]) for bar in bars.get_segments()] == pytest.approx([0.04, 0.04])


def test_a_cell_says_what_became_of_a_number():
    table = pd.DataFrame(
        {
            "inside": [True, False, True, False, False, True],
            "changed": [False, False, False, True, True, True],
        },
        index=pd.MultiIndex.from_product([["text", "guess"], ["III a", "IV b", "IV c"]]),
    )
    [ax] = plots.hypotheses_and_numbers(table, "text").axes
    drawn = ax.collections[0].get_array()
    assert drawn.T.tolist() == [[0, 2, 0], [3, 2, 0]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["text", "guess"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["III a", "IV b", "IV c"]


def test_lags_and_origins_are_drawn_for_every_way():
    columns = pd.MultiIndex.from_product([["plain", "cipher"], ["straight", "swapped"]])
    distances = pd.DataFrame(np.arange(8.0).reshape(2, 4), index=[1, 2], columns=columns)
    plain, cipher = plots.distance_by_lag(distances).axes
    np.testing.assert_array_equal(lines(plain)["swapped"], [[1, 2], [1, 5]])
    np.testing.assert_array_equal(lines(cipher)["straight"], [[1, 2], [2, 6]])
    found = {"horizontal": np.array([0.1, 0.2]), "vertical": np.array([0.3, 0.4])}
    [ax] = plots.grid_origins(found, {"Table XI": ([0.04], [0.18])}).axes
    np.testing.assert_array_equal(lines(ax)["paper, Table XI"], [[0.04], [0.18]])
    np.testing.assert_array_equal(np.array(ax.lines[0].get_data()), [[0.1, 0.2], [0.3, 0.4]])


def test_no_text_is_smaller_than_nine_points():
    columns = pd.MultiIndex.from_product([["plain", "cipher"], ["straight", "swapped"]])
    distances = pd.DataFrame(np.ones((2, 4)), index=[1, 2], columns=columns)
    found = {"horizontal": np.array([0.1]), "vertical": np.array([0.3])}
    pairs = {"one": ([99.5], [21.0])}
    for figure in (
        plots.possible_pairs(pairs, pairs, lambda npcr: npcr / 4, 0.02),
        plots.distance_by_lag(distances),
        plots.grid_origins(found, {"Table XI": ([0.04], [0.18])}),
    ):
        texts = figure.findobj(lambda artist: hasattr(artist, "get_fontsize"))
        assert min(text.get_fontsize() for text in texts if text.get_text()) >= 9
