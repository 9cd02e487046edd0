"""Exercises of step 2: right answers are accepted, and each typical mistake is named."""

import numpy as np
import pytest

from dkg import metrics
from dkg.exercises import check, example, expected, measures, noise


def test_the_mended_routine_is_accepted():
    assert check("uint8_bug", lambda a, b: (metrics.npcr(a, b), metrics.uaci(a, b)))


@pytest.mark.parametrize("words", measures.NPCR_MISTAKES)
def test_each_typical_mistake_of_npcr_is_named(words):
    mistaken = measures.NPCR_MISTAKES[words]
    feedback = check("uint8_bug", lambda a, b: (mistaken(a, b), metrics.uaci(a, b)))
    assert not feedback and feedback.message == words


@pytest.mark.parametrize("words", measures.UACI_MISTAKES)
def test_each_typical_mistake_of_uaci_is_named(words):
    mistaken = measures.UACI_MISTAKES[words]
    feedback = check("uint8_bug", lambda a, b: (metrics.npcr(a, b), mistaken(a, b)))
    assert not feedback and feedback.message == words


def test_the_published_routine_is_refused_for_its_bug():
    def published(first, second):
        npcr = 100 * np.sum(first != second) / first.size
        uaci = 100 * np.mean(np.abs(first - second)) / 255
        return npcr, uaci

    assert "what is 3 - 5" in check("uint8_bug", published).message


def test_one_number_is_not_two():
    assert "two numbers" in check("uint8_bug", metrics.npcr).message


def test_both_tests_of_the_standard_are_accepted():
    assert check("monobit_and_runs", measures.monobit, measures.runs)


@pytest.mark.parametrize("words", measures.MONOBIT_MISTAKES)
def test_each_typical_mistake_of_monobit_is_named(words):
    feedback = check("monobit_and_runs", measures.MONOBIT_MISTAKES[words], measures.runs)
    assert not feedback and feedback.message == words


@pytest.mark.parametrize("words", measures.RUNS_MISTAKES)
def test_each_typical_mistake_of_runs_is_named(words):
    feedback = check("monobit_and_runs", measures.monobit, measures.RUNS_MISTAKES[words])
    assert not feedback and feedback.message == words


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
