"""Exercises of step 1: right answers are accepted, and each typical mistake is named."""

import numpy as np
import pytest

from dkg.cipher import xor
from dkg.exercises import check, example, expected, letters, stream_cipher

RIGHT = {
    "key_reuse": (stream_cipher.recover_both, stream_cipher.REUSE_MISTAKES),
    "known_pair": (stream_cipher.decrypt_other, stream_cipher.PAIR_MISTAKES),
    "forged_pixels": (stream_cipher.forge_pixels, stream_cipher.FORGE_MISTAKES),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_is_accepted(name):
    assert check(name, RIGHT[name][0])


@pytest.mark.parametrize(
    "name, words", [(name, words) for name in RIGHT for words in RIGHT[name][1]]
)
def test_each_typical_mistake_is_named(name, words):
    feedback = check(name, RIGHT[name][1][words])
    assert not feedback
    assert feedback.message == words


@pytest.mark.slow
def test_two_reused_keys_give_both_plaintexts():
    first, second = stream_cipher.recover_both(*example("key_reuse"))
    wanted = stream_cipher.halves(*stream_cipher.chests()[:2])
    assert np.array_equal(first, wanted[0]) and np.array_equal(second, wanted[1])


def test_a_known_pair_gives_the_other_plaintext():
    decrypted = stream_cipher.decrypt_other(*example("known_pair"))
    assert np.array_equal(decrypted, stream_cipher.chests()[1])


def test_a_forged_ciphertext_decrypts_to_letters_on_an_image_that_stays():
    cipher, known, mask, level = example("forged_pixels")
    plain = xor(cipher, stream_cipher.key())
    assert (plain[mask] == known[mask]).all(), "what is known must be true"
    decrypted = xor(stream_cipher.forge_pixels(cipher, known, mask, level), stream_cipher.key())
    assert (decrypted[mask] == level).all()
    assert np.array_equal(decrypted[~mask], plain[~mask])


def test_letters_lie_in_the_black_corner():
    mask = letters("W. M.")
    assert mask.shape == (256, 256) and mask.dtype == bool
    assert mask.any() and not mask[44:].any() and not mask[:, 140:].any()
    assert letters("A", (20, 30)).shape == (20, 30)


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_the_expected_picture_is_drawn(name):
    assert len(expected(name).axes) == 4
