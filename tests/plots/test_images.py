"""Figures of images and image sets: what is drawn is what was given."""

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
    assert heights.max() == pytest.approx(100 * metrics.histogram(image).max() / image.size)
    assert figure.axes[2].get_ylim() == figure.axes[3].get_ylim(), "one scale"


def test_a_detail_is_the_middle_of_its_image():
    images = {"key": random_image(256, 256, 3), "other": random_image()}
    axes = plots.image_grid(images, details=["key"]).axes
    titles = [" ".join(ax.get_title().split()) for ax in axes]
    assert titles == ["key", "key, 64 x 64 pixels", "other"]
    np.testing.assert_array_equal(axes[1].images[0].get_array(), images["key"][96:160, 96:160])
    with pytest.raises(ValueError, match=r"titles of images, not \['seed'\]"):
        plots.image_grid(images, details=["seed"])


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


def test_pyplot_keeps_no_figure():
    plots.image_grid({"a": random_image()})
    assert plt.get_fignums() == []


def test_plain_and_cipher_histograms_show_images_and_shares():
    pairs = {"chest": (random_image() // 2, random_image()), "brain": (random_image(),) * 2}
    figure = plots.plain_and_cipher_histograms(pairs)
    axes = np.reshape(figure.axes, (2, 4))
    for row, (title, images) in zip(axes, pairs.items(), strict=True):
        for ax, below, image in zip(row[::2], row[1::2], images, strict=True):
            assert ax.get_title().startswith(title)
            np.testing.assert_array_equal(ax.images[0].get_array(), image)
            shares = below.collections[0].get_paths()[0].vertices[:, 1]
            assert shares.max() == pytest.approx(100 * metrics.histogram(image).max() / image.size)
            statistic = metrics.chi_square(image).statistic
            assert below.get_title().endswith(f"{statistic:,.0f}")


def test_a_peak_of_one_value_does_not_flatten_a_histogram():
    """The black background of a brain image."""
    image = random_image(256, 256, 3)
    image[:128] = 0
    figure = plots.plain_and_cipher_histograms({"brain": (image, image)})
    assert figure.axes[1].get_ylim()[1] < 1


def test_a_bar_that_is_cut_is_marked_and_its_share_is_written():
    image = np.repeat(np.arange(256, dtype=np.uint8), 300).reshape(160, 160, 3)
    black = image.copy()
    black[:32] = 0  # Besides the bytes 0 to 51, which are all in these rows.
    axes = plots.plain_and_cipher_histograms({"brain": (black, image)}).axes
    _, cut, _, whole = axes
    top = cut.get_ylim()[1]
    assert top == whole.get_ylim()[1], "one scale"
    share = 100 * np.mean(black == 0)
    assert share > top
    assert [text.get_text() for text in cut.texts] == [f"byte 0: {share:.2g} %"]
    assert cut.lines[-1].get_xydata().tolist() == [[0, top]]
    assert not whole.texts


def test_adjacent_scatter_draws_the_pairs_of_the_measure():
    images = {"plaintext": random_image(), "ciphertext": random_image()}
    figure = plots.adjacent_scatter(images, n_pairs=100, rng=3)
    axes = np.reshape(figure.axes, (2, 3))
    for row, (title, image) in zip(axes, images.items(), strict=True):
        for ax, direction in zip(row, ("horizontal", "vertical", "diagonal"), strict=True):
            assert ax.get_title() == f"{title}, {direction}"
            x, y = ax.lines[0].get_data()
            expected = metrics.adjacent_correlation(image, direction, 100, rng=3)
            assert np.corrcoef(x, y)[0, 1] == pytest.approx(expected)


def test_edges_by_blur_draws_means_and_points():
    found = {"low": {1: [0.2, 0.4], 4: [0.1, 0.3]}, "AES": {1: [0.0, 0.1], 4: [-0.1, 0.1]}}
    figure = plots.edges_by_blur(found)
    lines = {line.get_label(): line.get_data() for line in figure.axes[0].lines}
    for label, by_sigma in found.items():
        np.testing.assert_allclose(lines[label], [[1, 4], [np.mean(v) for v in by_sigma.values()]])
    drawn = {point for line in figure.axes[0].lines for point in zip(*line.get_data(), strict=True)}
    points = {(s, v) for by_sigma in found.values() for s, vs in by_sigma.items() for v in vs}
    assert points <= drawn


def test_histogram_grid_draws_shares_and_states_chi_square():
    rng = np.random.default_rng()
    # The last has the highest bars.
    images = {
        f"image {i}": rng.integers(0, 200 - 30 * i, (16, 16, 3), dtype=np.uint8) for i in range(5)
    }
    axes = plots.histogram_grid(images, columns=3).axes
    assert len(axes) == 6
    for ax, (title, image) in zip(axes, images.items(), strict=False):
        assert ax.get_title().startswith(f"{title}: ")
        assert ax.get_title().endswith(f"{metrics.chi_square(image).statistic:,.0f}")
        heights = ax.collections[0].get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx(100 * metrics.histogram(image).max() / image.size)
        assert ax.get_ylim() == axes[0].get_ylim(), "one scale"
        assert ax.get_ylim()[0] == 0 and heights.max() < ax.get_ylim()[1], "nothing is cut off"
    with pytest.raises(ValueError, match="at least one"):
        plots.histogram_grid({})


def test_a_picture_is_stretched_from_black_to_white():
    picture = np.linspace(-3.0, 5.0, 10_000).reshape(100, 100)
    stretched = plots.stretched(picture)
    assert stretched.dtype == np.uint8 and (stretched.min(), stretched.max()) == (0, 255)
    assert 90 <= (stretched == 0).sum() <= 150 and 30 <= (stretched == 255).sum() <= 150
    assert (np.diff(stretched.ravel().astype(int)) >= 0).all()


def test_a_blur_keeps_large_shapes_and_their_edges():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:] = 200
    smooth, edges = plots.blurred(image, 2), plots.blurred(image, 2, edges=True)
    assert smooth.dtype == edges.dtype == np.uint8 and smooth.shape == edges.shape == (64, 64)
    assert (smooth[:, :16] == 0).all() and (smooth[:, -16:] == 255).all()
    assert (edges[:, :16] == 0).all() and edges[:, 30:34].min() > 200
