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
    made = results.record("figure-7", chi_square=[200.0, 250.0, 1000.0])
    figure = plots.paper_and_ours(made)
    lines = drawn(figure.axes[0])
    np.testing.assert_array_equal(lines["paper"][1], made.comparisons[0]["paper"])
    np.testing.assert_array_equal(lines["ours, holds"], [[0, 1], [200.0, 250.0]])
    np.testing.assert_array_equal(lines["ours, does not"], [[2], [1000.0]])


def test_numbers_of_one_training_are_not_judged():
    made = results.record("table-III", entropy=[7.98] * 4)
    lines = drawn(plots.paper_and_ours(made).axes[0])
    np.testing.assert_array_equal(lines["ours, not judged"], [[0, 1, 2, 3], [7.98] * 4])
    assert "ours, holds" not in lines


def test_nan_is_left_out_and_a_factor_has_a_logarithmic_axis():
    made = results.record(
        "table-XXI", {"entropy_rate_0.02_batch_1": [math.nan] * 5}, missing="a test"
    )
    assert not [name for name in drawn(plots.paper_and_ours(made).axes[0]) if "ours" in name]
    made = results.record("table-XIX", {"time_beside_deepkeygen": [1] * 5})
    assert plots.paper_and_ours(made).axes[0].get_yscale() == "log"


def test_counts_have_whole_ticks_and_alike_panels_one_scale():
    blocks = {"Down Convolution1": 1, "Residual block": 3}
    made = results.record("table-XVI", network_a=blocks, network_d=blocks | {"Residual block": 12})
    axes = plots.paper_and_ours(made).axes
    assert len({ax.get_ylim() for ax in axes}) == 1
    assert all(tick == round(tick) for tick in axes[0].get_yticks())
    assert not any(line.get_clip_on() for line in axes[0].lines)
