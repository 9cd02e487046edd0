"""Exercises of step 2: right answers are accepted, and each typical mistake is named."""

import math

import numpy as np
import pytest

from dkg import metrics
from dkg.exercises import check, example, expected, measures, noise


def test_the_mended_routine_is_accepted():
    assert check("uint8_bug", lambda a, b: (metrics.npcr(a, b), metrics.uaci(a, b)))


def each(mistakes):
    """Parametrize a test by the words for typical mistakes and functions that make them."""
    pairs = [
        (words, function)
        for words, functions in mistakes.items()
        for function in (functions if isinstance(functions, tuple) else [functions])
    ]
    return pytest.mark.parametrize("words, mistaken", pairs)


@each(measures.NPCR_MISTAKES)
def test_each_typical_mistake_of_npcr_is_named(words, mistaken):
    feedback = check("uint8_bug", lambda a, b: (mistaken(a, b), metrics.uaci(a, b)))
    assert not feedback and feedback.message == words


@each(measures.UACI_MISTAKES)
def test_each_typical_mistake_of_uaci_is_named(words, mistaken):
    feedback = check("uint8_bug", lambda a, b: (metrics.npcr(a, b), mistaken(a, b)))
    assert not feedback and feedback.message == words


def test_the_published_routine_is_refused_for_its_bug():
    def published(first, second):
        npcr = 100 * np.sum(first != second) / first.size
        uaci = 100 * np.mean(np.abs(first - second)) / 255
        return npcr, uaci

    assert "what is 3 - 5" in check("uint8_bug", published).message


def test_one_number_is_not_two_and_an_array_of_two_is():
    assert check("uint8_bug", metrics.npcr).message.startswith("The result must be two numbers")
    assert check("uint8_bug", lambda a, b: np.array([metrics.npcr(a, b), metrics.uaci(a, b)]))


def test_a_number_that_no_mistake_explains_is_too_small_or_too_large():
    assert not check("uint8_bug", lambda a, b: (metrics.npcr(a, b), metrics.uaci(a, b) - 1))
    # A mistake may give nearly the former by chance. None gives less than -100.
    feedback = check("uint8_bug", lambda a, b: (metrics.npcr(a, b), metrics.uaci(a, b) - 1000))
    assert feedback.message.startswith("UACI is too small for one of the inputs")


def test_both_tests_of_the_standard_are_accepted():
    assert check("monobit_and_runs", measures.monobit, measures.runs)


@each(measures.MONOBIT_MISTAKES)
def test_each_typical_mistake_of_monobit_is_named(words, mistaken):
    feedback = check("monobit_and_runs", mistaken, measures.runs)
    assert not feedback and feedback.message == words


@each(measures.RUNS_MISTAKES)
def test_each_typical_mistake_of_runs_is_named(words, mistaken):
    feedback = check("monobit_and_runs", measures.monobit, mistaken)
    assert not feedback and feedback.message == words


def test_two_mistakes_at_once_are_said_to_be_more_than_one():
    def runs(bits):
        n, pi = len(bits), bits.mean()
        changes = np.count_nonzero(bits[1:] != bits[:-1])
        return math.erfc(
            abs(changes - 2 * n * pi * (1 - pi)) / (2 * math.sqrt(2 * n) * pi * (1 - pi))
        )

    message = check("monobit_and_runs", measures.monobit, runs).message
    assert message.startswith("More than one thing is wrong. runs: off by one.")


@pytest.mark.parametrize(
    "test, section, text, published",
    [(test, *rest) for test, examples in measures.EXAMPLES.items() for rest in examples],
)
def test_the_published_examples_are_those_of_dkg_randomness(test, section, text, published):
    value = getattr(measures, test)(measures.bits_of(text))
    assert round(value, 6) == published


def test_a_cipher_without_a_key_is_accepted():
    assert check("perfect_measures", measures.scramble, measures.unscramble)


def fixed(image):
    return image ^ np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)


def shuffled(image):
    return np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)


def unshuffled(cipher):
    order = np.random.default_rng(0).permutation(np.arange(cipher.size))
    image = np.empty(cipher.size, np.uint8)
    image[order] = cipher.ravel()
    return image.reshape(cipher.shape)


def chained(image):
    """Sums from the top on, then public noise: a change reaches only what comes later."""
    return fixed(np.cumsum(image.ravel(), dtype=np.uint8).reshape(image.shape))


def unchained(cipher):
    return np.diff(fixed(cipher).ravel(), prepend=np.uint8(0)).reshape(cipher.shape)


def one_round(image):
    top, bottom = np.split(image, 2)
    return np.concatenate([top ^ noise(bottom), bottom])


def random_each_time(image):
    return image ^ np.random.default_rng().integers(0, 256, image.shape, dtype=np.uint8)


@pytest.mark.parametrize(
    "encrypt, decrypt, words",
    [
        (lambda x: x, lambda x: x, "you moved bytes, and changed none"),
        (shuffled, unshuffled, "you moved bytes, and changed none"),
        (fixed, fixed, "One changed pixel at the top changes 0.00"),
        (chained, unchained, "One changed pixel"),
        (one_round, one_round, "The entropy is"),
        (lambda x: x ^ 85, lambda x: x ^ 85, "The entropy is"),
        (random_each_time, fixed, "draws random numbers"),
        (measures.scramble, measures.scramble, "decrypt does not undo encrypt"),
        (measures.scramble, lambda x: x.astype(int), "must be uint8"),
    ],
)
def test_other_ciphers_are_refused_for_the_measure_that_tells(encrypt, decrypt, words):
    feedback = check("perfect_measures", encrypt, decrypt)
    assert not feedback and words in feedback.message


@pytest.mark.parametrize("name", ["uint8_bug", "monobit_and_runs", "perfect_measures"])
def test_the_expected_picture_is_drawn(name):
    assert expected(name).axes
    assert example(name)
