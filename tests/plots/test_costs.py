"""Figures of costs: what is drawn is what was given."""

import numpy as np
import pandas as pd

from dkg import plots


def test_cost_and_quality_draws_every_number_against_the_last_cost():
    kinds = ["standard", "Xception"]
    costs = pd.DataFrame({"parameters": [100.0, 14.0], "time": [100.0, 68.0]}, kinds)
    entropies = pd.DataFrame({"trained": [7.9, 7.8], "untrained": [7.1, 7.2]}, kinds)
    figure = plots.cost_and_quality(costs, {"entropy": entropies}, {"entropy": 8.0})
    figure.draw_without_rendering()
    chart, panel = figure.axes
    for line, (kind, row) in zip(chart.lines[:2], costs.iterrows(), strict=True):
        assert line.get_label() == kind
        assert list(line.get_xdata()) == list(row)
    assert [text.get_text() for text in chart.texts] == ["100", "100", "14", "68"]
    assert [tick.get_text() for tick in chart.get_yticklabels()] == list(costs.columns)
    assert chart.get_ylim()[0] > chart.get_ylim()[1], "the first cost is on top"
    points = [line for line in panel.lines if line.get_marker() != "None"]
    drawn = {
        (*line.get_xdata(), *line.get_ydata()): line.get_markerfacecolor() == "white"
        for line in points
    }
    assert drawn == {(100, 7.1): True, (100, 7.9): False, (68, 7.2): True, (68, 7.8): False}
    assert len({line.get_marker() for line in points}) == 2, "they part in grayscale, too"
    assert list(panel.lines[-1].get_ydata()) == [8.0, 8.0], "uniform keys"
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("time (%)", "entropy")
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [*kinds, "trained", "untrained", "uniform keys"]


def test_step_times_draws_medians_and_every_time():
    seconds = {
        "sending": {"key": [0.1, 0.3, 0.2], "stored": [0.05, 0.05, 0.02]},
        "opening": {"fetched": [0.04]},
    }
    (ax,) = plots.step_times(seconds).axes
    steps = {step: times for some in seconds.values() for step, times in some.items()}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(steps)
    bars = [bar.get_width() for container in ax.containers for bar in container]
    np.testing.assert_allclose(bars, [1000 * np.median(times) for times in steps.values()])
    for line, (place, times) in zip(ax.lines, enumerate(steps.values()), strict=True):
        np.testing.assert_allclose(line.get_xdata(), 1000 * np.array(times))
        assert set(line.get_ydata()) == {place}
    assert [text.get_text() for text in ax.texts] == ["200 ms", "50 ms", "40 ms"]
    assert ax.get_legend_handles_labels()[1] == ["sending", "opening"]
    assert len({bar[0].get_hatch() for bar in ax.containers}) == 2, "they part in grayscale, too"
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first step is on top"
