"""Pictures of lightweight generators: what is drawn is what was given."""

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
    assert list(panel.lines[-1].get_ydata()) == [8.0, 8.0], "ideal keys"
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("time (%)", "entropy")
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [*kinds, "trained", "untrained", "ideal keys"]
