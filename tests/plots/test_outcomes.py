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
