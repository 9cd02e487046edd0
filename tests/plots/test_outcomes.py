"""Figures of an evaluation: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import plots


def test_values_are_drawn_in_half_widths_of_their_intervals():
    rows = pd.DataFrame(
        {
            "name": ["inside", "above", "below", "infinite", "no width"],
            "value": [1.0, 4.0, -3.0, np.inf, 2.0],
            "ideal_low": [0.0, 0.0, 0.0, 0.0, 2.0],
            "ideal_high": [2.0, 2.0, 2.0, 1.0, 2.0],
        }
    )
    ax = plots.beside_chance(rows).axes[0]
    drawn = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert drawn["inside"].tolist() == [[0, 0], [0, 4]]
    assert drawn["outside"][:2].tolist() == [[3, 1], [-4, 2]]
    low, high = ax.get_xlim()
    assert low < -4 and drawn["outside"][2, 0] < high
    assert [label.get_text() for label in ax.get_yticklabels()] == list(rows["name"])


def test_no_value():
    with pytest.raises(ValueError, match="at least one value"):
        plots.beside_chance(pd.DataFrame(columns=["name", "value", "ideal_low", "ideal_high"]))


def test_cells_of_the_matrix():
    distances = pd.DataFrame({"a": [1.0, 9.0], "b": [3.0, np.nan]}, ["entropy", "texture"])
    strengths = pd.DataFrame({"a": [0.0, 2.0], "b": [np.nan, 0.0]}, ["averaging", "game"])
    ax = plots.cipher_matrix(distances, strengths, 3).axes[0]
    cells = ax.collections[0].get_array().filled(np.nan)
    np.testing.assert_equal(cells, [[0, 0], [1, np.nan], [2, np.nan], [3, 2]])
    assert ax.lines[0].get_xydata().tolist() == [[0.5, 3.5]]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["entropy", "texture", "averaging", "game"]


def test_rank_correlations_are_written_into_their_cells():
    table = pd.DataFrame({"a": [1.0, np.nan], "b": [-0.25, -0.01]}, ["entropy", "texture"])
    ax = plots.rank_correlations(table).axes[0]
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0.5, 0.5): "1.0",
        (1.5, 0.5): "-0.2",
        (1.5, 1.5): "0.0",
    }
