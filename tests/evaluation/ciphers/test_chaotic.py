"""The chaotic ciphers against the domain, the cat map's known periods, and plain loops."""

import numpy as np
import pytest

from dkg import domains
from dkg.evaluation.ciphers import ArnoldCatMap, Fridrich, LogisticXor
from dkg.evaluation.ciphers.chaotic import CatMapKey, FridrichKey, cat_map
from dkg.logistic import logistic_keystreams


@pytest.mark.parametrize("shape", [(12, 10, 3), (9, 14)])
def test_logistic_xor_is_the_chaotic_domain(shape):
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    key = int(domains.gray(image).sum(dtype=np.int64) % 256)
    sent = LogisticXor().encrypt(image, key)
    if image.ndim == 3:
        assert np.array_equal(sent, domains.chaotic(image[np.newaxis])[0])
    else:
        color = np.repeat(image[np.newaxis, ..., np.newaxis], 3, axis=3)
        assert np.array_equal(sent, domains.chaotic(color, "gray")[0, ..., 0])


# Periods of the map (1, 1; 1, 2) on squares; F. J. Dyson and H. Falk, "Period of a discrete cat
# mapping", American Mathematical Monthly 99(7), 1992.
@pytest.mark.parametrize("side, period", [(2, 3), (5, 10), (101, 25), (124, 15), (150, 300)])
def test_period_of_the_cat_map(side, period):
    rows, columns = np.indices((side, side))

    def returns(rounds):
        moved = cat_map(side, side, 1, 1, rounds)
        return np.array_equal(moved[0], rows) and np.array_equal(moved[1], columns)

    assert returns(period)
    assert not any(returns(rounds) for rounds in range(1, period) if period % rounds == 0)


def test_the_cat_map_is_its_matrix_on_squares():
    side, p, q = 17, 3, 5
    y, x = np.indices((side, side))
    rows, columns = cat_map(side, side, p, q, 1)
    assert np.array_equal(columns, (x + p * y) % side)
    assert np.array_equal(rows, (q * x + (p * q + 1) * y) % side)


@pytest.mark.parametrize("height, width", [(5, 9), (8, 3), (1, 6), (6, 1)])
def test_the_cat_map_loses_no_pixel(height, width):
    image = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    moved = ArnoldCatMap().encrypt(image, CatMapKey(200, 31, 7))
    assert sorted(moved.ravel()) == sorted(image.ravel()) and moved[0, 0] == image[0, 0]


def test_the_last_shear_is_followed_by_the_first():
    key = CatMapKey(256, 256, 3)
    changed = {ArnoldCatMap().change_key(key, np.random.default_rng(i)) for i in range(20)}
    assert changed == {CatMapKey(1, 256, 3), CatMapKey(256, 1, 3)}


def test_fridrich_is_its_formula():
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    key = FridrichKey(3, 2, 0.3, 99)
    orbit = logistic_keystreams([key.start], 1000 + 3 * image.size)[0]
    keystream = orbit[1000:].astype(int).tolist()
    current = image
    for number in range(3):
        moved = np.empty_like(current)
        for y in range(4):
            for x in range(6):
                column = (x + 3 * y) % 6
                moved[(2 * column + y) % 4, column] = current[y, x]
        values, last = [], key.first
        for i, value in enumerate(moved.ravel().tolist()):
            k = keystream[number * image.size + i]
            last = k ^ (value + k) % 256 ^ last
            values.append(last)
        current = np.array(values, np.uint8).reshape(image.shape)
    assert np.array_equal(Fridrich().encrypt(image, key), current)


def test_the_smallest_change_of_a_start():
    cipher, rng = Fridrich(), np.random.default_rng(5)
    for _ in range(100):
        key = cipher.random_key(rng)
        changed = cipher.change_key(key, rng)
        assert all(0 < start < 0.5 and start * 2**42 % 2 == 1 for start in (key[2], changed[2]))
        assert abs(changed.start - key.start) == 2.0**-41
