"""Figures of training runs and settings: what is drawn is what was given."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dkg import plots
from dkg.paper import TABLES


def log(n):
    losses = {"generator_loss": 0.7, "discriminator_loss": 0.5}
    accuracy = {"accuracy_real": 1.0, "accuracy_fake": 0.25, "key_entropy": 7.5}
    return [{"event": "log", "step": 10 * i, **losses, **accuracy} for i in range(1, n + 1)]


def test_training_curves_draw_every_record():
    records = [{"event": "sample", "step": 0, "key_entropy": 7.0}, *log(4)]
    losses, accuracy, keys = plots.training_curves(records, "a run").axes
    for line in losses.lines:
        assert line.get_xdata().tolist() == [10, 20, 30, 40]
    assert accuracy.lines[1].get_ydata().tolist() == [25.0] * 4
    assert keys.lines[1].get_xdata().tolist() == [0]
    assert plt.get_fignums() == []


def test_training_curves_need_a_record_of_losses():
    with pytest.raises(ValueError, match="no record of losses"):
        plots.training_curves([{"event": "sample", "step": 0, "key_entropy": 7.0}])


def paper():
    return pd.DataFrame(TABLES["XXI"]).rename(columns={"epochs": "steps"})


def test_a_heat_map_shows_every_number_of_the_paper_in_its_place():
    figure = plots.sweep_heatmaps({"paper": paper()})
    ax = figure.axes[0]
    rows = [text.get_text() for text in ax.get_yticklabels()]
    columns = [text.get_text() for text in ax.get_xticklabels()]
    shown = {
        (rows[int(text.get_position()[1])], columns[int(text.get_position()[0])]): text.get_text()
        for text in ax.texts
        if text.get_text()
    }
    for _, cell in paper().iterrows():
        place = (f"{cell.steps:,.0f}", f"{cell.learning_rate:g}\n{cell.batch_size:.0f}")
        printed = shown.pop(place)
        if math.isnan(cell.entropy):
            assert printed == "NaN"
        else:
            assert float(printed) == pytest.approx(cell.entropy, abs=0.0005)
    assert not shown


def test_heat_maps_share_their_colours_and_leave_unknown_cells_empty():
    part = paper().iloc[:10]
    figure = plots.sweep_heatmaps({"paper": paper(), "a part": part})
    left, right, bar = figure.axes
    assert [ax.get_title() for ax in (left, right)] == ["paper", "a part"]
    assert left.collections[0].get_clim() == right.collections[0].get_clim() == (0, 8)
    known = part["entropy"].notna().sum()
    drawn = right.collections[0].get_array()
    assert np.ma.count(drawn) == known
    assert drawn.shape == (2, 9)
    written = [text.get_text() for text in right.texts if text.get_text()]
    assert len(written) == len(part)
    assert "bits" in bar.get_ylabel()


def test_a_sweep_that_cannot_be_drawn_is_an_error():
    with pytest.raises(ValueError, match="at least one sweep"):
        plots.sweep_heatmaps({})
    with pytest.raises(ValueError, match="none: the sweep has no rows"):
        plots.sweep_heatmaps({"none": paper().iloc[:0]})
    with pytest.raises(ValueError, match="twice: two rows for one cell"):
        plots.sweep_heatmaps({"twice": pd.concat([paper(), paper().iloc[:1]])})


def test_runs_are_drawn_by_their_samples():
    log = [
        {"event": "sample", "step": 0, "key_entropy": 7.1},
        {"event": "log", "step": 50, "key_entropy": 1.0},
        {"event": "sample", "step": 500, "key_entropy": 7.5},
    ]
    printed_entropies = {500: 7.9, 1000: 7.8}
    none = pd.DataFrame({"repeat": [], "steps": [], "entropy": []})
    ax, near = plots.entropy_by_step({"a": log, "b": log[:1]}, printed_entropies, none).axes
    first, second, printed = ax.lines
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([0, 500], [7.1, 7.5])
    assert second.get_xdata().tolist() == [0]
    assert (list(printed.get_xdata()), list(printed.get_ydata())) == ([500, 1000], [7.9, 7.8])
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()
    left, right = near.get_xlim()
    assert 0 < left < 500 and right > 1000  # Where the paper has numbers.
    assert near.get_ylim() == (pytest.approx(7.48), 8)
    with pytest.raises(ValueError, match="c: the log holds no sample"):
        plots.entropy_by_step({"c": log[1:2]}, printed_entropies, none)


@pytest.mark.slow
def test_trainings_of_a_sweep_are_dots_beside_runs():
    log = [{"event": "sample", "step": 0, "key_entropy": 7.1}]
    sweep = pd.DataFrame({"repeat": [1, 2], "steps": [500, 500], "entropy": [7.7, 7.6]})
    ax, _ = plots.entropy_by_step({"a": log}, {500: 7.9, 1000: 7.8}, sweep).axes
    _, dots, printed = ax.lines
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == ([500, 500], [7.7, 7.6])
    assert dots.get_label() == "our sweep, 2 trainings" and dots.get_linestyle() == "None"
    assert list(printed.get_ydata()) == [7.9, 7.8]


def test_measures_are_drawn_by_network_and_factor():
    measured = pd.DataFrame(
        {
            "network": ["b", "b", "a", "a"],
            "factor": [0.5, 1.0, 0.5, 2.0],
            "bits": [7.0, 7.5, 6.0, 8.0],
            "leak": [0.1, 0.2, 0.3, 0.4],
        }
    )
    figure = plots.measures_by_contrast(measured, {"leak": 0.05, "bits": 7.98})
    leak, bits = figure.axes
    first, second, reference, as_it_is = bits.lines
    assert (first.get_label(), second.get_label()) == ("b", "a")
    assert (list(first.get_xdata()), list(first.get_ydata())) == ([0.5, 1.0], [7.0, 7.5])
    assert (list(second.get_xdata()), list(second.get_ydata())) == ([0.5, 2.0], [6.0, 8.0])
    assert reference.get_ydata()[0] == 7.98 and as_it_is.get_xdata()[0] == 1
    assert list(leak.lines[1].get_ydata()) == [0.3, 0.4]
    assert (leak.get_ylabel(), bits.get_ylabel()) == ("leak", "bits")
    assert first.get_marker() != second.get_marker()
    five = pd.DataFrame({"network": list("abcde"), "factor": 1.0, "bits": 7.0})
    with pytest.raises(ValueError, match="at most 4 networks can be told apart, not 5"):
        plots.measures_by_contrast(five, {"bits": 7.98})


def test_live_curves_are_drawn_at_each_line_of_the_log(monkeypatch):
    shown = []

    class Picture:
        update = staticmethod(shown.append)

    monkeypatch.setattr("IPython.display.display", lambda display_id: Picture)
    show = plots.live_curves("a training")
    for event in log(3):
        show(event)
    lines = [event for event in log(3) if event["event"] == "log"]
    assert len(shown) == len(lines) > 0
    assert shown[-1].get_suptitle() == f"a training: step {lines[-1]['step']:,}"
