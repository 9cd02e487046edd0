"""Figures of ciphertexts: what is drawn is what was given."""

import numpy as np
import pytest

from dkg import metrics, plots


def random_image(*shape):
    return np.random.default_rng().integers(0, 256, shape or (16, 16, 3), dtype=np.uint8)


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
