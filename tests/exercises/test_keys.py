"""Exercises of step 3: right answers are accepted, and each typical mistake is named."""

import itertools

import numpy as np
import pytest

from dkg.cipher import xor
from dkg.exercises import check, example, expected, keys, untemper

RIGHT = {
    "guess_the_seed": (keys.right_seed, keys.SEED_MISTAKES),
    "flat_seed": (keys.decrypt_repeating, keys.FLAT_MISTAKES),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_is_accepted(name):
    assert check(name, RIGHT[name][0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, words", [(name, words) for name in RIGHT for words in RIGHT[name][1]]
)
def test_each_typical_mistake_is_named(name, words):
    feedback = check(name, RIGHT[name][1][words], seed=0)
    assert not feedback
    # Several may explain the same results.
    assert words in feedback.message.split(" Or: ")


def test_the_seed_image_that_is_found_is_the_one_that_was_taken():
    assert keys.right_seed(*example("guess_the_seed")) == 4


def test_an_image_instead_of_its_number_is_refused():
    feedback = check("guess_the_seed", lambda cipher, seeds, generate: seeds[0])
    assert "must be a number" in feedback.message


def test_the_key_of_a_flat_seed_repeats_and_gives_the_plaintext():
    key = keys.flat_key()
    assert np.array_equal(key[4:], key[:-4]) and np.array_equal(key[:, 4:], key[:, :-4])
    assert len(np.unique(key[:4, :4])) > 24, "a key of one byte would be no exercise"
    (cipher,) = example("flat_seed")
    assert np.array_equal(keys.decrypt_repeating(cipher), xor(cipher, key))
    for plain in keys.plaintexts():
        hidden = xor(plain[:232, :232], np.tile(key[:4, :4], (58, 58, 1)))
        assert np.array_equal(keys.decrypt_repeating(hidden), plain[:232, :232])


def test_the_outputs_of_the_mersenne_twister_give_its_state():
    twister = np.random.RandomState(5)
    twister.bytes(2400)
    words = np.frombuffer(twister.bytes(4 * 700), "<u4")
    other = np.random.RandomState()
    other.set_state(("MT19937", untemper(words[:624]), 624))
    assert np.array_equal(np.frombuffer(other.bytes(4 * 76), "<u4"), words[624:])


def test_every_maker_is_told():
    assert check("whose_key", keys.who_made)


@pytest.mark.parametrize("maker, other", [*itertools.permutations(keys.MAKERS, 2)])
def test_two_makers_that_are_taken_for_each_other_are_named(maker, other):
    def who(key):
        made = keys.who_made(key)
        return other if made == maker else made

    feedback = check("whose_key", who)
    assert not feedback
    assert f"3 of 3 keys of {maker} are taken for {other}" in feedback.message
    assert feedback.message.endswith(keys.CONFUSED[frozenset({maker, other})])


def test_another_name_is_refused():
    assert "must be one of AES" in check("whose_key", lambda key: "RC4").message


@pytest.mark.parametrize("name", ["guess_the_seed", "whose_key", "flat_seed"])
def test_the_expected_picture_is_drawn(name):
    assert expected(name).axes
