"""The paper's cipher, against the generator that makes its keys."""

import numpy as np
import pytest

from dkg.data import phantoms
from dkg.evaluation.ciphers import DeepKeyGen, DeepKeyGenLowOrder
from dkg.evaluation.ciphers.network import SeedImages
from dkg.keys import KeyGenerator


@pytest.mark.slow
@pytest.mark.parametrize(
    "cipher, output", [(DeepKeyGen(), "paper"), (DeepKeyGenLowOrder(), "low-order")]
)
def test_the_keystream_is_the_key(cipher, output):
    key = KeyGenerator.load(device="cpu", output=output).generate(phantoms.chest_xray(1, 12)[0])
    sent = cipher.encrypt(np.zeros((256, 256, 3), np.uint8), SeedImages(12))
    assert np.array_equal(sent, key)
    small = np.full((7, 5), 3, np.uint8)
    assert np.array_equal(
        cipher.encrypt(small, SeedImages(12)).ravel(), key.ravel()[: small.size] ^ 3
    )
    assert np.array_equal(cipher.decrypt(sent, SeedImages(12)), np.zeros_like(sent))


@pytest.mark.slow
def test_a_large_image_takes_several_seed_images():
    sent = DeepKeyGen().encrypt(np.zeros((300, 256, 3), np.uint8), SeedImages(12))
    second = DeepKeyGen().encrypt(np.zeros((44, 256, 3), np.uint8), SeedImages(13))
    assert np.array_equal(sent[256:], second)


@pytest.mark.slow
def test_the_changed_key_has_one_changed_pixel():
    key = DeepKeyGen().random_key(np.random.default_rng(0))
    changed = DeepKeyGen().change_key(key, np.random.default_rng(0))
    steps = np.abs(key.image(0).astype(int) - changed.image(0))
    assert np.count_nonzero(steps.any(axis=2)) == 1 and steps.max() == 1
    assert np.array_equal(key.image(1), changed.image(1))
