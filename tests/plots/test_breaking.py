"""Pictures of the attacks beyond the paper: what is drawn is what was given."""

import numpy as np
import pytest

from dkg import plots


def test_leak_by_seeds_tried_draws_pictures_lines_and_chance():
    pictures = {"plaintext": np.random.default_rng().integers(0, 256, (8, 8, 3), dtype=np.uint8)}
    leaks = {"network": {1: 0.4, 4: 0.7}, "AES": {1: 0.05, 4: 0.02}}
    image, chart = plots.leak_by_seeds_tried(pictures, leaks, 0.12).axes
    assert image.get_title() == "plaintext"
    np.testing.assert_array_equal(image.images[0].get_array(), pictures["plaintext"])
    for line, (label, leak) in zip(chart.lines, leaks.items(), strict=True):
        assert line.get_label() == label
        assert dict(zip(*line.get_data(), strict=True)) == leak
    assert chart.patches[0].get_height() == 0.12
    assert [tick.get_text() for tick in chart.get_xticklabels()] == ["1", "4"]


def test_spectra_keep_every_peak_and_share_one_scale():
    flat = np.ones((16, 16))
    peak = flat.copy()
    peak[5, 10] = 100
    correlations = {"network": [0.4, -0.1, 0.2], "AES": [0.0, 0.01, 0.0]}
    figure = plots.spectra_and_correlations({"key": peak, "AES": flat}, correlations)
    first, second, chart, bar = figure.axes
    shown = np.ones((4, 4))
    shown[1, 2] = 100
    np.testing.assert_array_equal(first.images[0].get_array(), shown)
    np.testing.assert_array_equal(second.images[0].get_array(), np.ones((4, 4)))
    limits = {ax.images[0].get_clim() for ax in (first, second)}
    assert len(limits) == 1
    assert [ax.get_title() for ax in (first, second)] == ["key", "AES"]
    for line, values in zip(chart.lines, correlations.values(), strict=False):
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert list(line.get_ydata()) == values
    assert "white noise" in bar.get_ylabel()


def test_shares_draws_every_number_with_its_value():
    values = {"network": {"JPEG": 67.5, "noise": 98.75}, "AES": {"JPEG": 50.0, "noise": 49.9}}
    (ax,) = plots.shares(values, "bits right (%)", chance=50.0).axes
    drawn = {line.get_label(): line for line in ax.lines if line.get_marker() != "None"}
    for label, series in values.items():
        assert list(drawn[label].get_xdata()) == list(series.values())
        assert np.rint(drawn[label].get_ydata()).tolist() == [0, 1]
    assert len({line.get_marker() for line in drawn.values()}) == 2
    assert [text.get_text() for text in ax.texts] == ["67.5", "98.8", "50", "49.9"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["JPEG", "noise"]
    [chance] = [line for line in ax.lines if line.get_label() == "chance"]
    assert list(chance.get_xdata()) == [50.0, 50.0]
    assert ax.get_xlabel() == "bits right (%)"
    assert ax.get_xlim()[0] == 0
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"
    (ax,) = plots.shares({"AES": {"gain": -0.01}}, "bits").axes
    assert ax.get_xlim()[0] < -0.01, "a negative number must not be cut off"
    with pytest.raises(ValueError, match="same names"):
        plots.shares({"a": {"x": 1}, "b": {"y": 1}}, "")
