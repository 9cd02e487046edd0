"""Arrays and figures as pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from dkg.plots import style
from dkg.widgets import pictures

from .images import random_image


def test_the_spectrum_shows_a_wave_where_it_is():
    columns = np.arange(256)
    wave = np.uint8(np.rint(128 + 100 * np.sin(2 * np.pi * 32 * columns / 256)))
    image = np.repeat(np.broadcast_to(wave, (256, 256))[..., None], 3, axis=2)
    bright = np.argwhere(pictures.spectrum(image) == 255)
    assert bright.tolist() == [[128, 96], [128, 160]]


def test_the_spectrum_of_ideal_bytes_is_even(rng):
    shown = pictures.spectrum(random_image(rng))
    # The mean of the logarithm of such power lies a little below that of its mean.
    assert 110 < shown.mean() < 128
    corner = shown[:64, :64].mean()
    assert abs(corner - shown[96:160, 96:160].mean()) < 3


def test_png_loses_nothing(rng):
    image = random_image(rng, 20, 30)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(pictures.png(image)))), image)


def test_a_figure_becomes_an_image_of_its_size():
    figure, axes = style.new_figure(1, 1, figsize=(3, 2))
    axes[0, 0].plot([0, 1])
    drawn = pictures.figure_as_image(figure)
    assert drawn.shape == (200, 300, 3) and drawn.dtype == np.uint8
    assert drawn.min() < 100 < drawn.max()


def test_a_map_goes_from_black_to_white():
    shown = pictures.map_as_image(np.array([[-1.0, 0.0], [1.0, 3.0]]), 2)
    assert shown.dtype == np.uint8
    assert shown[::2, ::2].tolist() == [[0, 64], [128, 255]]
    np.testing.assert_array_equal(shown, shown[::2, ::2].repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (20, 30), (39, 59)])
def test_the_frame_leaves_the_pixel_and_its_neighbours(row, column):
    image = np.zeros((40, 60, 3), np.uint8)
    image[row, column] = 77
    marked = pictures.mark_pixel(image, row, column)
    rows, columns = np.nonzero((marked != image).any(axis=2))
    assert rows.size and (marked[row, column] == 77).all()
    distance = np.maximum(abs(rows - row), abs(columns - column))
    assert set(distance) == {4, 5}
