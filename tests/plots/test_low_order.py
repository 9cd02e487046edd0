"""Figures of low-order keys: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import metrics, plots


def test_pairs_are_drawn_by_their_distance_from_ideal():
    ideal = metrics.ideal_uaci(196_608)
    mean, step = ideal.mean, ideal.standard_deviation
    good = pd.DataFrame({"npcr": [99.61, 99.6], "uaci": [mean, mean + step]})
    bad = pd.DataFrame({"npcr": [50.0], "uaci": [mean - 7 * step]})
    figure = plots.distance_from_ideal({"good": good, "bad": bad})
    npcr, uaci = figure.axes
    assert [label.get_text() for label in npcr.get_yticklabels()] == ["good", "bad"]
    drawn = [line for line in uaci.lines if len(line.get_xdata())]
    assert [line.get_marker() for line in drawn] == ["o", "x"]
    assert drawn[0].get_xdata() == pytest.approx([0, 1], abs=1e-6)
    assert drawn[1].get_xdata() == pytest.approx([-7])
    assert [line.get_marker() for line in npcr.lines if len(line.get_xdata())][:2] == ["o", "x"]


def test_a_scorecard_says_what_passes():
    values = pd.DataFrame({"entropy": ["7.99", "7.92"], "time": ["1 ms", "9 ms"]}, ["a", "b"])
    passed = pd.DataFrame(
        {"entropy": [True, False], "time": [None, None]}, ["a", "b"], dtype=object
    )
    ax = plots.scorecard(values, passed).axes[0]
    assert [text.get_text() for text in ax.texts] == ["✓ 7.99", "1 ms", "✗ 7.92", "9 ms"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    shades = np.asarray(ax.images[0].get_array())
    assert shades.tolist() == [[0, 2], [1, 2]]
