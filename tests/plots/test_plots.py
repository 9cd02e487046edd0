"""Figures: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dkg import domains, metrics, plots


def random_image(*shape):
    return np.random.default_rng().integers(0, 256, shape or (16, 16, 3), dtype=np.uint8)


def test_image_grid_shows_every_image_unchanged():
    images = {f"image {i}": random_image() for i in range(5)}
    figure = plots.image_grid(images, columns=3)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == list(images)
    for ax, image in zip(shown, images.values(), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
    assert len(figure.axes) == 6


def test_image_rows_name_every_row_and_keep_their_images_apart():
    rows = {
        "first": {"a": random_image(), "b": random_image(), "c": random_image()},
        "alone": {"a": random_image()},
        "last": {"a": random_image(), "b": random_image()},
    }
    figure = plots.image_rows(rows)
    figure.draw_without_rendering()
    titles = [(ax.get_title(loc="left").strip(), ax.get_title()) for ax in figure.axes]
    assert titles == [
        ("first", "a"),
        ("", "b"),
        ("", "c"),
        ("alone", "a"),
        ("last", "a"),
        ("", "b"),
    ]
    images = [image for row in rows.values() for image in row.values()]
    for ax, image in zip(figure.axes, images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
    tops = [ax.get_position().y0 for ax in figure.axes]
    assert tops[0] > tops[3] > tops[4]


def test_a_gray_image_keeps_its_gray_levels():
    """A dark image must not be stretched to white."""
    figure = plots.image_grid({"dark": np.full((4, 4), 10, np.uint8)})
    assert figure.axes[0].images[0].get_clim() == (0, 255)


def test_image_histograms_state_the_entropy():
    image = random_image()
    figure = plots.image_histograms({"a": image, "b": image[..., 0]})
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[:2] == ["a", "b"]
    assert titles[2] == f"{metrics.entropy(image):.4f} bits"
    heights = figure.axes[2].collections[0].get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(metrics.histogram(image).max() / image.size)


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


def test_logistic_orbits_and_entropy_strip_draw_what_they_get():
    orbits = domains.logistic_orbits([0.3, 0.31], 20)
    left, right = plots.logistic_orbits(orbits, ["a", "b"]).axes
    np.testing.assert_array_equal(left.lines[1].get_ydata(), orbits[:, 1])
    np.testing.assert_allclose(right.lines[0].get_ydata(), abs(orbits[:, 0] - orbits[:, 1]))
    (ax,) = plots.entropy_strip({"x": np.array([7.0, 7.5])}, {"x": (7.2,)}).axes
    assert ax.lines[0].get_xdata().tolist() == [7.0, 7.5]
    assert list(ax.lines[1].get_xdata()) == [7.2]


def test_nothing_to_draw_is_an_error():
    for function in (plots.image_grid, plots.image_histograms):
        with pytest.raises(ValueError, match="at least one image"):
            function({})
    for rows in ({}, {"row": {}}):
        with pytest.raises(ValueError, match="each row at least one image"):
            plots.image_rows(rows)
    with pytest.raises(ValueError, match="no record of losses"):
        plots.training_curves([{"event": "sample", "step": 0, "key_entropy": 7.0}])


def test_pyplot_keeps_no_figure():
    plots.image_grid({"a": random_image()})
    plots.training_curves(log(2))
    assert plt.get_fignums() == []
