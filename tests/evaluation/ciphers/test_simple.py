"""The simple ciphers, against their definitions."""

import numpy as np

from dkg import domains
from dkg.evaluation.ciphers import Identity, RepeatingXor, RowShuffle
from dkg.evaluation.ciphers.simple import flip_bit


def test_rows_are_shuffled_as_in_the_domain():
    image = np.random.default_rng(0).integers(0, 256, (20, 6, 3), dtype=np.uint8)
    shuffled = RowShuffle().encrypt(image, 77)
    assert np.array_equal(shuffled, domains.row_shuffle(image[np.newaxis], 77)[0])


def test_repeated_key():
    image = np.arange(40, dtype=np.uint8).reshape(5, 8)
    key = bytes(range(100, 116))
    expected = [value ^ key[i % 16] for i, value in enumerate(range(40))]
    assert RepeatingXor().encrypt(image, key).ravel().tolist() == expected


def test_identity_copies():
    image = np.ones((2, 2), np.uint8)
    same = Identity().encrypt(image, None)
    assert np.array_equal(same, image) and not np.shares_memory(same, image)


def test_one_bit_is_flipped():
    rng = np.random.default_rng(0)
    places = set()
    for _ in range(200):
        changed = np.unpackbits(np.frombuffer(flip_bit(b"\x55\xaa", rng), np.uint8))
        (place,) = np.flatnonzero(changed != np.unpackbits(np.frombuffer(b"\x55\xaa", np.uint8)))
        places.add(int(place))
    assert places == set(range(16))
