"""Keystreams and permutations from known pairs."""

import numpy as np
import pytest

from dkg.evaluation.attacks.known_plaintext import (
    UNITS,
    of_one_shape,
    permutation,
    unpermuted,
    with_keystream,
)
from dkg.evaluation.attacks.scores import NotApplicable

from ..helpers import Xor, smooth_images


def permuted(image, unit, rng):
    if unit == "rows":
        return image[rng.permutation(len(image))]
    if unit == "columns":
        return image[:, rng.permutation(image.shape[1])]
    parts = image.reshape(-1, image.shape[2] if unit == "pixels" else 1)
    return parts[rng.permutation(len(parts))].reshape(image.shape)


@pytest.mark.parametrize("unit", UNITS)
def test_permutations_are_found_and_undone(unit):
    images = [
        np.random.default_rng(number).integers(0, 256, (12, 9, 3), dtype=np.uint8)
        for number in range(5)
    ]
    sent = [permuted(image, unit, np.random.default_rng(99)) for image in images]
    found, read = unpermuted(images, sent, np.random.default_rng(0))
    assert found == unit
    assert all(np.array_equal(one, image) for one, image in zip(read, images, strict=True))


def test_the_pair_that_is_read_is_not_known():
    """With two images each is read by the other alone, and flat areas stay in the wrong order."""
    flat = np.zeros((8, 8, 3), np.uint8)
    other = np.random.default_rng(0).integers(0, 256, flat.shape, dtype=np.uint8)
    order = np.random.default_rng(1).permutation(64)
    sent = [image.reshape(64, 3)[order].reshape(flat.shape) for image in (flat, other)]
    _, (read_flat, read_other) = unpermuted([flat, other], sent, np.random.default_rng(2))
    assert np.array_equal(read_flat, flat) and not np.array_equal(read_other, other)


def test_what_is_no_permutation():
    images = smooth_images(np.random.default_rng(3), 3, (16, 16, 3))
    sent = [image ^ np.uint8(1) for image in images]
    unit, read = unpermuted(images, sent, np.random.default_rng(4))
    assert unit is None and read is sent


class Combined(Xor):
    """Shuffled pixels on which a keystream lies."""

    def __init__(self, combined):
        self.combined = combined

    def encrypt(self, image, key):
        rng = np.random.default_rng(key)
        keystream = rng.integers(0, 256, image.shape, dtype=np.uint8)
        return self.combined(permuted(image, "pixels", rng), keystream)


@pytest.mark.parametrize("combined", [np.bitwise_xor, np.add])
def test_a_permutation_under_a_keystream(combined):
    rng = np.random.default_rng(6)
    images = [rng.integers(0, 256, (12, 9, 3), dtype=np.uint8) for _ in range(4)]
    outcome = permutation.run(Combined(combined), images, rng)
    assert outcome.score == 100 and outcome.n == 3 and "permutation of pixels" in outcome.sentence
    # The difference of two pairs is one known pair, and the attacked one is the other.
    outcome = permutation.run(Combined(combined), images[:2], rng)
    assert outcome.succeeded is False


@pytest.mark.parametrize("combined", [np.bitwise_xor, np.add])
def test_both_kinds_of_keystream(combined):
    rng = np.random.default_rng(5)
    known, image = smooth_images(rng, 2, (32, 32))
    key = rng.integers(0, 256, image.shape, dtype=np.uint8)
    read = with_keystream(known, combined(known, key), combined(image, key))
    assert np.array_equal(read, image)


def test_images_of_one_shape():
    a, b = np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)
    assert len(of_one_shape([a, b, b])) == 2
    with pytest.raises(NotApplicable, match="two images of one shape"):
        of_one_shape([a, b])
