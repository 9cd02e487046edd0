"""Nearby keys, and key spaces that are small enough to search."""

import numpy as np

from dkg.evaluation.attacks.keys import key_search, nearby_keys
from dkg.evaluation.ciphers import CIPHERS, Identity

from ..helpers import Xor, smooth_images


def test_a_key_space_that_is_not_searched():
    images = smooth_images(np.random.default_rng(0), 1)
    outcome = key_search.run(CIPHERS["aes-256-ctr"](), images, np.random.default_rng(0))
    assert outcome.succeeded is None and "2^256 keys" in outcome.sentence
    outcome = key_search.run(Xor(), images, np.random.default_rng(0))
    assert outcome.sentence == "Needs a cipher that says its key_bits."


def test_no_smallest_change():
    images = smooth_images(np.random.default_rng(0), 1)
    outcome = nearby_keys.run(Identity(), images, np.random.default_rng(0))
    assert outcome.sentence == "Needs a cipher with the method change_key."


def test_refused_keys_are_counted():
    images = smooth_images(np.random.default_rng(0), 3)
    outcome = nearby_keys.run(CIPHERS["aes-256-gcm"](), images, np.random.default_rng(0))
    assert outcome.score == 0 and "(3 refused)" in outcome.sentence
