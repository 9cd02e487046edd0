"""Diagrams: the images and networks that were given are those that are drawn."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from dkg import models, plots
from dkg.paper import TABLES

SIZE = (256, 256, 3)


def random_images(n):
    return list(np.random.default_rng().integers(0, 256, (n, *SIZE), dtype=np.uint8))


def scenario():
    return plots.application_scenario(*random_images(5))


def system():
    return plots.encryption_system(*random_images(6))


def networks():
    return plots.architecture(models.Generator(), models.Discriminator(), *random_images(3))


def steps():
    return plots.key_generation_steps(*random_images(3), 12_345)


def drawn(figure):
    (ax,) = figure.axes
    return [picture.get_array() for picture in ax.images]


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def captioned(figure):
    """Each picture's caption: the nearest text that is centred below it."""
    (ax,) = figure.axes
    found = []
    for picture in ax.images:
        left, right, bottom, _ = picture.get_extent()
        below = [
            (bottom - text.get_position()[1], text.get_text())
            for text in ax.texts
            if abs(text.get_position()[0] - (left + right) / 2) < 1e-9
            and text.get_position()[1] < bottom
        ]
        found.append((min(below)[1], picture.get_array()))
    return found


def assert_captions(figure, expected):
    found = captioned(figure)
    assert len(found) == len(expected)
    for (caption, image), (name, given) in zip(found, expected, strict=True):
        assert caption.startswith(name)
        np.testing.assert_array_equal(image, given)


def test_the_scenario_shows_each_image_at_its_place():
    plain, seed, key, cipher, back = random_images(5)
    figure = plots.application_scenario(plain, seed, key, cipher, back)
    assert_captions(
        figure,
        [
            ("seed image", seed),
            ("key", key),
            ("plaintext", plain),
            ("key", key),
            ("ciphertext", cipher),
            ("decrypted", back),
        ],
    )
    places = {"Key generation server", "Modality", "PACS (archive)", "Workstation"}
    assert places <= set(words(figure))


def test_the_system_shows_each_image_under_its_name():
    seed, target, key, plain, cipher, back = random_images(6)
    figure = plots.encryption_system(seed, target, key, plain, cipher, back)
    assert_captions(
        figure,
        [
            ("seed image", seed),
            ("key", key),
            ("target", target),
            ("plaintext", plain),
            ("ciphertext", cipher),
            ("decrypted", back),
        ],
    )


def test_the_four_steps_show_seed_key_and_target():
    seed, target, key = random_images(3)
    figure = plots.key_generation_steps(seed, target, key, 12_345)
    assert_captions(figure, [("seed", seed), ("key", key), ("key", key), ("target", target)])
    titles = [text for text in words(figure) if text[:2] in ("1 ", "2 ", "3 ", "4 ")]
    assert len(titles) == 4
    assert any("12,345 rounds" in text for text in words(figure))


@pytest.mark.parametrize("name", models.RESIDUAL_BLOCKS)
def test_the_architecture_is_read_off_the_networks(name):
    n = models.RESIDUAL_BLOCKS[name]
    seed, key, target = random_images(3)
    figure = plots.architecture(
        models.Generator(n), models.Discriminator(width=8), seed, key, target
    )
    assert_captions(figure, [("seed", seed), ("key", key), ("key", key), ("target", target)])
    text = "\n".join(words(figure))
    assert f"Residual block × {n}\n" in text
    assert f"{n * 64 * 64 * 9:,} weights" in text
    # The discriminator of half the width: 4 x 4 and 1 x 1, 64 to 64 channels.
    assert f"{17 * 64 * 64:,} weights\noutput 64 × 16 × 16" in text
    assert "mean of the 64 maps: 16 × 16 scores" in text


def test_the_architecture_of_the_paper_has_its_numbers_of_weights():
    text = "\n".join(words(networks()))
    for number in ("I", "II"):
        table = TABLES[number]
        for layer, parameters in zip(table["layer"], table["parameters"], strict=True):
            assert layer in text
            assert f"{parameters:,} weights" in text
        assert f"{sum(table['parameters']):,} weights" in text


def test_a_bar_is_as_long_as_its_layers_output():
    (ax,) = networks().axes
    bars = [p for p in ax.patches if type(p).__name__ == "Rectangle" and p.get_fill()]
    sides = [256, 128, 64, 64, 128, 256, 256, 128, 64, 32, 16, 16]
    lengths = np.array([bar.get_width() for bar in bars])
    np.testing.assert_allclose(lengths / lengths[0], np.array(sides) / 256)


@pytest.mark.parametrize("make", [scenario, system, networks, steps])
def test_no_words_overlap_and_all_are_on_the_sheet(make):
    figure = make()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    (ax,) = figure.axes
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in ax.texts]
    width, height = canvas.get_width_height()
    for name, box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, name
    for (first, a), (second, b) in combinations(boxes, 2):
        assert not (a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1), (first, second)
    for picture in ax.images:
        image = picture.get_window_extent(renderer)
        for name, box in boxes:
            assert not box.overlaps(image), f"{name} lies on a picture"
    assert min(text.get_fontsize() for text in ax.texts) >= 8


def test_pyplot_keeps_no_figure():
    for make in (scenario, system, networks, steps):
        make()
    assert plt.get_fignums() == []


def test_the_workflow_shows_each_image_in_its_place_and_no_key_in_the_archive():
    random = np.random.default_rng()
    images = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(5)]
    plain, seed_image, key, ciphertext, decrypted = images
    figure = plots.hospital_workflow(plain, seed_image, key, ciphertext, decrypted)
    (ax,) = figure.axes
    corners = {
        "upper left": [seed_image, key],
        "upper right": [plain],
        "lower left": [ciphertext],
        "lower right": [decrypted],
    }
    across, down = (np.mean(limits) for limits in (ax.get_xlim(), ax.get_ylim()))
    for corner, expected in corners.items():
        shown = [
            picture.get_array()
            for picture in ax.images
            if ("upper" in corner) == (picture.get_extent()[2] > down)
            and ("left" in corner) == (picture.get_extent()[0] < across)
        ]
        np.testing.assert_array_equal(shown, expected)
    words = {text.get_text() for text in ax.texts}
    assert {"Key generation server", "Modality", "PACS (archive)", "Workstation"} <= words
    assert {"1  TLS", "2  C-STORE", "3  C-FIND, C-GET", "4  TLS"} <= words
