"""Changed pixels."""

import numpy as np
import pytest

from dkg import attacks


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (5, [205, 255, 5]),
        (200, [255, 255, 200]),
        (-300, [0, 0, 0]),
        (0, [200, 255, 0]),
        ("one gray level", [201, 254, 1]),
        ("inverted", [55, 0, 255]),
    ],
)
def test_one_pixel_changes_and_stays_in_range(change, expected):
    images = np.full((2, 8, 9, 3), (200, 255, 0), np.uint8)
    of_one = attacks.change_pixel(images[0], (7, 8), change)
    of_all = attacks.change_pixel(images, (np.arange(2), [7, 0], [8, 1]), change)
    assert of_one[7, 8].tolist() == of_all[0, 7, 8].tolist() == of_all[1, 0, 1].tolist() == expected
    of_one[7, 8] = of_all[[0, 1], [7, 0], [8, 1]] = (200, 255, 0)
    assert (of_one == images[0]).all() and (of_all == images).all()
    assert (images == (200, 255, 0)).all()


@pytest.mark.parametrize("pixel", [(8, 0), (0, 9), (-1, 0), (0,), (0, 0, 0), ([0, 8], [0, 0])])
def test_a_pixel_outside_and_an_unknown_change_are_refused(pixel):
    image = np.zeros((8, 9, 3), np.uint8)
    with pytest.raises(ValueError, match=r"does not lie in images of shape \(8, 9, 3\)"):
        attacks.change_pixel(image, pixel, 1)
    with pytest.raises(ValueError, match="'one gray level' or 'inverted', not 'mirrored'"):
        attacks.change_pixel(image, (0, 0), "mirrored")
