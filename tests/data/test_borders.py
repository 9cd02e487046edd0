"""Cutting constant borders off."""

import numpy as np
import pytest

from dkg.data import borders


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("level", [0, 128, 247])
def test_constant_borders_are_cut_on_every_side(channels, level):
    random = np.random.default_rng()
    inner = random.integers(0, 256, (30, 40, *channels), dtype=np.uint8)
    inner[:, 0], inner[:, -1], inner[0], inner[-1] = 0, 255, 0, 255
    inner[::2, 0], inner[::2, -1], inner[0, ::2], inner[-1, ::2] = 255, 0, 255, 0
    top, bottom, left, right = random.integers(0, 9, 4)
    shape = (30 + top + bottom, 40 + left + right, *channels)
    noise = random.integers(0, borders.SPREAD + 1, shape)
    image = np.uint8(level + noise)
    image[top : top + 30, left : left + 40] = inner
    np.testing.assert_array_equal(borders.trim(image), inner)


def test_a_band_within_the_image_and_a_constant_image_stay():
    image = np.random.default_rng().integers(0, 256, (20, 20), dtype=np.uint8)
    image[5:9] = 0
    assert borders.trim(image).shape[0] > 15
    flat = np.full((4, 6, 3), 7, np.uint8)
    assert borders.trim(flat) is flat


def test_a_row_that_varies_in_one_channel_only_stays():
    image = np.zeros((3, 5, 3), np.uint8)
    image[1, :, 2] = [0, 50, 100, 150, 200]
    np.testing.assert_array_equal(borders.trim(image), image[1:2, 1:])
