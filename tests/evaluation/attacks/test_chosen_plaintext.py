"""Chosen plaintexts: places of bytes, differences, affine ciphers."""

import numpy as np
import pytest

from dkg.evaluation.attacks.chosen_plaintext import (
    affine_relation,
    differential,
    numbered_bytes,
)

from ..helpers import Xor, smooth_images


@pytest.fixture
def images():
    return smooth_images(np.random.default_rng(1), 3, (40, 30, 3))


class ByteShuffle(Xor):
    """Shuffled bytes, which more than 65,536 of them need three digits for."""

    def encrypt(self, image, key):
        return np.random.default_rng(key).permutation(image.ravel()).reshape(image.shape)


def test_every_byte_is_followed_to_its_place():
    image = np.random.default_rng(0).integers(0, 256, (200, 120, 3), dtype=np.uint8)
    outcome = numbered_bytes.run(ByteShuffle(), [image], np.random.default_rng(0))
    assert outcome.score == 100 and "found in 1 of 1 cases" in outcome.sentence


class Additive(Xor):
    """A keystream that is added modulo 256."""

    def encrypt(self, image, key):
        return image + np.random.default_rng(key).integers(0, 256, image.shape, dtype=np.uint8)


class ShuffledXor(ByteShuffle):
    """XOR, and then shuffled bytes."""

    def encrypt(self, image, key):
        return super().encrypt(Xor().encrypt(image, key), key)


class Substitution(Xor):
    """A random substitution at each place."""

    def encrypt(self, image, key):
        rng = np.random.default_rng(key)
        table = rng.permuted(np.tile(np.arange(256, dtype=np.uint8), (image.size, 1)), axis=1)
        return table[np.arange(image.size), image.ravel()].reshape(image.shape)


@pytest.mark.parametrize("cipher", [Xor(), Additive(), ShuffledXor()])
def test_a_keystream_is_taken_off_before_bytes_are_followed(cipher, images):
    outcome = numbered_bytes.run(cipher, images, np.random.default_rng(0))
    assert outcome.score == 100 and "found in 3 of 3 cases" in outcome.sentence


def test_a_substitution_moves_no_bytes(images):
    outcome = numbered_bytes.run(Substitution(), images, np.random.default_rng(0))
    assert outcome.succeeded is False and "found in 0 of 3 cases" in outcome.sentence


def test_one_changed_byte_of_a_stream_cipher(images):
    outcome = differential.run(Xor(), images, np.random.default_rng(0))
    assert outcome.succeeded and outcome.score == pytest.approx(100 / images[0].size)


class LowBit(Xor):
    """Random substitutions of the high 7 bits at each place; only the lowest bit is affine."""

    def encrypt(self, image, key):
        rng = np.random.default_rng(key)
        table = rng.permuted(np.tile(np.arange(128, dtype=np.uint8), (image.size, 1)), axis=1)
        high = table[np.arange(image.size), image.ravel() >> 1].reshape(image.shape)
        return (high << 1) | (image & 1)


@pytest.mark.parametrize("cipher", [Xor(), Additive(), LowBit(), ByteShuffle()])
def test_affine_ciphers(cipher, images):
    outcome = affine_relation.run(cipher, images, np.random.default_rng(0))
    assert outcome.succeeded and outcome.score == 100


def test_a_cipher_that_is_not_affine(images):
    outcome = affine_relation.run(Substitution(), images, np.random.default_rng(0))
    assert outcome.succeeded is False and outcome.score < 60
