"""Figures of keys: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import plots


def random_key():
    return np.random.default_rng().integers(0, 256, (256, 256, 3), dtype=np.uint8)


@pytest.mark.parametrize("n", [2, 4])
def test_keys_of_trainings_shows_every_key_and_every_pair_once(n):
    seed_image, keys = random_key(), {f"training {i}": random_key() for i in range(n)}
    random = np.random.default_rng()
    measures = {"NPCR (%)": random.random((n, n)) * 100, "correlation": random.random((n, n)) - 0.5}
    figure = plots.keys_of_trainings(seed_image, keys, measures)
    shown = {ax.get_title(): ax for ax in figure.axes}
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
