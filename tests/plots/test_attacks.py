"""Figures of the classical attacks: what is drawn is what was given."""

import numpy as np
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
