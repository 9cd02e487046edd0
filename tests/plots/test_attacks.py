"""Figures of attacks: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import metrics, plots


def random_image(*shape):
    return np.random.default_rng().integers(0, 256, shape or (16, 16, 3), dtype=np.uint8)


def test_leak_by_block_side_draws_pictures_lines_and_chance():
    pictures = {"plaintext": random_image(), "blocks": np.random.default_rng().random((4, 4))}
    leaks = {"network": {1: 0.1, 4: 0.5, 16: 0.9}, "AES": {1: 0.0, 4: 0.01, 16: 0.05}}
    chance = {1: 0.01, 4: 0.03, 16: 0.12}
    *images, chart = plots.leak_by_block_side(pictures, leaks, chance).axes
    assert [ax.get_title() for ax in images] == list(pictures)
    for ax, picture in zip(images, pictures.values(), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), picture)
    assert len(chart.lines) == 2
    for line, (label, leak) in zip(chart.lines, leaks.items(), strict=True):
        assert line.get_label() == label
        assert dict(zip(*line.get_data(), strict=True)) == leak
    assert chart.collections[0].get_paths()[0].vertices[:, 1].max() == 0.12


def test_changed_pixels_marks_a_single_one_and_states_the_measures():
    first = random_image()
    one, all_of_it = first.copy(), 255 - first
    one[5, 11] ^= 1
    few, many = plots.changed_pixels({"one": (first, one), "all": (first, all_of_it)}).axes
    shown = np.zeros((16, 16), np.uint8)
    shown[5, 11] = 255
    np.testing.assert_array_equal(few.images[0].get_array(), shown)
    np.testing.assert_array_equal(few.collections[0].get_offsets(), [[11, 5]])
    assert few.get_title().startswith(f"one\nNPCR {metrics.npcr(first, one):.3g} %")
    assert (many.images[0].get_array() == 255).all()
    assert not many.collections, "rings around everything would hide the map"


def test_npcr_and_uaci_draws_every_pair_and_the_paper_in_another_colour():
    measured = {
        "paper": {"npcr": [99.6, 99.5], "uaci": [23.0, 24.0]},
        "ours": {"npcr": [1.5, 0.5], "uaci": [0.02, 0.01]},
    }
    ideal = {"npcr": 99.61, "uaci": 33.46}
    axes = plots.npcr_and_uaci(measured, ideal).axes
    for ax, measure in zip(axes, ("npcr", "uaci"), strict=True):
        paper, ours, line = ax.lines
        assert list(paper.get_xdata()) == measured["paper"][measure]
        assert list(ours.get_xdata()) == measured["ours"][measure]
        assert paper.get_color() != ours.get_color()
        assert paper.get_marker() != ours.get_marker()
        assert line.get_xdata()[0] == ideal[measure]
        assert ax.get_xlabel().startswith(measure.upper())
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list(measured)
    assert axes[0].get_ylim()[0] > axes[0].get_ylim()[1], "the first experiment is on top"


@pytest.mark.parametrize("n", [1, 4])
def test_npcr_and_uaci_keeps_the_rows_apart(n):
    values = {"npcr": [1.0] * 8, "uaci": [1.0] * 8}
    ax = plots.npcr_and_uaci({str(i): values for i in range(n)}, {"npcr": 99, "uaci": 33}).axes[0]
    for row, line in zip(range(n), ax.lines, strict=False):
        assert np.abs(line.get_ydata() - row).max() < 0.5


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


def test_decryption_matrix_puts_every_image_into_its_place():
    random = np.random.default_rng()
    images = {
        (i, j): random.integers(0, 256, (16, 16, 3), dtype=np.uint8) for i in "AB" for j in "ABC"
    }
    del images["B", "A"]
    axes = np.reshape(plots.decryption_matrix(images).axes, (2, 3))
    for row, i in enumerate("AB"):
        for column, j in enumerate("ABC"):
            shown = axes[row, column].images
            if (i, j) in images:
                np.testing.assert_array_equal(shown[0].get_array(), images[i, j])
            else:
                assert not shown
        assert axes[row, 0].get_ylabel() == f"encrypted with {i}"
    assert [ax.get_title() for ax in axes[0]] == [f"decrypted with {j}" for j in "ABC"]
    assert not any(ax.get_title() for ax in axes[1])
    with pytest.raises(ValueError, match="at least one image"):
        plots.decryption_matrix({})


def test_leak_of_keys_draws_every_image_and_the_mean():
    sizes = {"key B": pd.Series([0.1, 0.4, 0.25]), "no key": pd.Series([0.9])}
    figure = plots.leak_of_keys(sizes, 0.12, "a title", named={"key B": 33.3, "no key": 100.0})
    (ax,) = figure.axes
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.1, 0.4, 0.25], [0.9]]
    means = [collection.get_segments()[0][0, 0] for collection in ax.collections]
    assert means == pytest.approx([0.25, 0.9])
    band = ax.patches[0]
    assert (band.get_x(), band.get_width()) == (0, 0.12)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["key B", "no key"]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == ["33 %", "100 %"]
    assert ax.get_title() == "a title"


def test_recovered_by_draws_every_attack_with_its_interval_and_chance():
    columns = {"correlation": 0.6, "low": 0.5, "high": 0.7, "chance_low": 0.1, "chance_high": 0.2}
    columns |= {"named": 0.75, "named_low": 0.5, "named_high": 1.0, "named_chance": 0.25}
    table = pd.DataFrame([columns, {**columns, "correlation": 0.9}], index=["blur", "ridge"])
    correlation, named = plots.recovered_by({"network": table, "AES": table / 2}).axes
    for line, factor in zip(correlation.lines, (1, 0.5), strict=True):
        np.testing.assert_allclose(line.get_xdata(), [0.6 * factor, 0.9 * factor])
    chance, interval, *_ = correlation.collections
    assert chance.get_segments()[0][:, 0].tolist() == [0.1, 0.2]
    assert interval.get_segments()[1][:, 0].tolist() == [0.5, 0.7]
    assert [line.get_label() for line in named.lines[:2]] == ["network", "AES"]
    assert [label.get_text() for label in correlation.get_yticklabels()] == ["blur", "ridge"]
    with pytest.raises(ValueError, match="the same attacks"):
        plots.recovered_by({"network": table, "AES": table.iloc[:1]})
