"""The paper's numbers and ours: each is drawn where it lies, and marked by whether it holds."""

import math

import numpy as np
import pytest

from dkg import plots
from dkg import reproduction as results


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))


def drawn(ax):
    return {line.get_label(): np.array(line.get_data()) for line in ax.lines}


def test_numbers_lie_where_they_are_and_say_whether_they_hold():
    made = results.record(
        "table-III", {"entropy": [7.98] * 3 + [7.0]}, "Eight keys.", missing="a test"
    )
    figure = plots.paper_and_ours(made)
    lines = drawn(figure.axes[0])
    np.testing.assert_array_equal(lines["paper"][1], made.comparisons[0]["paper"])
    np.testing.assert_array_equal(lines["ours, holds"], [[0, 1, 2], [7.98] * 3])
    np.testing.assert_array_equal(lines["ours, does not"], [[3], [7.0]])


def test_nan_is_left_out_and_a_factor_has_a_logarithmic_axis():
    made = results.record(
        "table-XXI", {"entropy_rate_0.02_batch_1": [math.nan] * 5}, "Broken.", missing="a test"
    )
    assert "ours, holds" not in drawn(plots.paper_and_ours(made).axes[0])
    made = results.record("table-XIX", {"time_beside_deepkeygen": [1] * 6}, "Times.")
    assert plots.paper_and_ours(made).axes[0].get_yscale() == "log"
