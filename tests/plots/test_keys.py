"""Figures of keys: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import metrics, plots


def random_key():
    return np.random.default_rng().integers(0, 256, (256, 256, 3), dtype=np.uint8)


@pytest.mark.parametrize("n", [2, 4])
def test_keys_of_trainings_shows_every_key_and_every_pair_once(n):
    seed_image, keys = random_key(), {f"training {i}": random_key() for i in range(n)}
    random = np.random.default_rng()
    measures = {"NPCR (%)": random.random((n, n)) * 100, "correlation": random.random((n, n)) - 0.5}
    figure = plots.keys_of_trainings(seed_image, keys, measures)
    shown = {ax.get_title().replace("\n", " "): ax for ax in figure.axes}
    np.testing.assert_array_equal(shown["seed image of all keys"].images[0].get_array(), seed_image)
    for title, key in keys.items():
        np.testing.assert_array_equal(shown[title].images[0].get_array(), key)
    for title, pairs in measures.items():
        numbers = [text.get_text() for text in shown[title].texts]
        below_the_diagonal = [pairs[i, j] for i in range(n) for j in range(i)]
        assert numbers == [f"{number:.2f}" for number in below_the_diagonal]
        rows = [label.get_text() for label in shown[title].get_yticklabels()]
        assert rows == [str(i) for i in range(2, n + 1)]


def test_keys_of_trainings_needs_two_keys():
    with pytest.raises(ValueError, match=r"two keys .* not 1"):
        plots.keys_of_trainings(random_key(), {"one": random_key()}, {"NPCR (%)": np.eye(1)})


def test_sensitivity_curves_draw_means_ranges_and_the_paper():
    rows = [
        ("levels", 1, "network", 0.5, 0.01),
        ("levels", 1, "network", 1.5, 0.03),
        ("levels", 255, "network", 0.0, 0.0),
        ("levels", 255, "AES", 99.6, 33.4),
        ("pixels", 10, "AES", 99.7, 33.5),
        ("pixels", 100, "AES", 50.0, 20.0),
        ("pixels", 100, "AES", 100.0, 40.0),
    ]
    columns = ["change", "size", "curve", "npcr", "uaci"]
    figure = plots.sensitivity_curves(pd.DataFrame(rows, columns=columns), (99.58, 21.46))
    npcr, aes_npcr, uaci, _ = figure.axes
    assert npcr.lines[0].get_xydata().tolist() == [[1, 1.0], [255, 0.0]]
    np.testing.assert_allclose(uaci.lines[0].get_xydata(), [[1, 0.02], [255, 0.0]])
    band = npcr.collections[0].get_paths()[0].vertices
    assert {0.5, 1.5} <= set(band[band[:, 0] == 1, 1])
    assert npcr.lines[1].get_xydata().tolist() == [[255, 99.6]]
    assert aes_npcr.lines[0].get_xydata().tolist() == [[10, 99.7], [100, 75.0]], (
        "not a mean of logs"
    )
    assert [line.get_ydata()[0] for line in npcr.lines if line.get_linestyle() == "--"] == [99.58]
    assert [line.get_ydata()[0] for line in uaci.lines if line.get_linestyle() == "--"] == [21.46]
    assert npcr.lines[1].get_color() == aes_npcr.lines[0].get_color() != npcr.lines[0].get_color()
    assert npcr.get_ylim()[0] == 0, "a key that does not change must be seen"
    assert uaci.get_xlabel() == "levels"


OURS = {
    "first": {"A": [0.5, 0.02], "B": [0.0, np.nan], "C": []},
    "second": {"A": [0.3, 0.4], "B": [0.9, 0.8], "C": [0.7]},
}


PAPER = {"first": {"A": 0.25, "B": 0.0}, "second": {"B": 1.0}}


def test_beside_paper_draws_every_number_in_its_row():
    figure = plots.beside_paper(OURS, PAPER, "P-value", lowest=1e-6, line=(0.01, "level"))
    for ax, title in zip(figure.axes, OURS, strict=True):
        assert ax.get_title() == title
        assert ax.get_xscale() == "log"
        dots = [line for line in ax.lines if line.get_marker() == "o" and line.get_xdata().size]
        rings = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata())]
        drawn = {(x, y) for line in dots for x, y in line.get_xydata() if x == x}
        assert drawn == {
            (max(value, 1e-6), row)
            for row, values in enumerate(OURS[title].values())
            for value in values
            if value == value
        }
        assert {tuple(line.get_xydata()[0]) for line in rings} == {
            (max(value, 1e-6), "ABC".index(method)) for method, value in PAPER[title].items()
        }
        assert [0.01, 0.01] in [list(line.get_xdata()) for line in ax.lines]
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["A", "B", "C"]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top, "the first method stands on top"


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


def test_a_verdict_of_numpy_is_written_in_white_on_the_dark_cell():
    values = pd.DataFrame({"entropy": ["7.99", "7.92"]}, ["a", "b"])
    passed = pd.DataFrame({"entropy": np.array([True, False])}, ["a", "b"])
    passes, fails = plots.scorecard(values, passed).axes[0].texts
    assert (passes.get_text(), passes.get_color()) == ("✓ 7.99", "black")
    assert (fails.get_text(), fails.get_color()) == ("✗ 7.92", "white")


def test_the_triangle_of_a_measure_uses_its_whole_scale():
    pairs = np.array([[0, 0, 0], [99.58, 0, 0], [99.6, 99.62, 0]])
    keys = {f"key {i}": random_key() for i in range(3)}
    ax = plots.keys_of_trainings(random_key(), keys, {"NPCR (%)": pairs}).axes[-1]
    assert ax.collections[0].get_clim() == (99.58, 99.62)
