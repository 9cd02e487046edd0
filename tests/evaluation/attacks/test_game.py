"""The distinguishing games: the choice of the attacker, and how its trials are counted."""

import numpy as np
import pytest
from scipy import stats

from dkg.evaluation.attacks import game
from dkg.evaluation.attacks.game import (
    COUNTED,
    TRAINED,
    chosen_plaintext_game,
    one_ciphertext_game,
)
from dkg.evaluation.ciphers import CIPHERS, Identity

from ..helpers import Xor, smooth_images


@pytest.mark.parametrize(
    "values, bits, right, guesses",
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 4, [0, 0, 1, 1]),
        ([4, 3, 2, 1], [0, 0, 1, 1], 4, [0, 0, 1, 1]),
        ([5, 5, 5, 5], [0, 0, 0, 1], 3, [0, 0, 0, 0]),
        ([1, 2, 3, 4], [1, 0, 1, 1], 3, [1, 1, 1, 1]),
    ],
)
def test_the_best_threshold(values, bits, right, guesses):
    found, threshold, below = game._best_threshold(np.array(values, float), np.array(bits))
    attacker = game._Attacker("", threshold, below)
    assert found == right and [attacker.guess(value) for value in values] == guesses


@pytest.fixture
def images():
    return smooth_images(np.random.default_rng(1), 2, (32, 32))


def test_a_game_that_is_won_always(images):
    outcome = one_ciphertext_game.run(Identity(), images, np.random.default_rng(0))
    assert outcome.score == 1 and outcome.n == COUNTED and outcome.high == 1
    # Clopper and Pearson: all of n trials are right with a chance of 2.5 % at this probability.
    assert outcome.low == pytest.approx(2 * 0.025 ** (1 / COUNTED) - 1)
    assert f"right in {COUNTED} of {COUNTED}" in outcome.sentence


@pytest.mark.parametrize("play", [one_ciphertext_game, chosen_plaintext_game])
def test_the_choice_of_the_attacker_does_not_raise_the_advantage(play, images):
    """The counted trials of a sound cipher are fair coins, however well the attacker was chosen."""
    scores = [
        play.run(CIPHERS["aes-256-ctr"](), images, np.random.default_rng(run)).score
        for run in range(8)
    ]
    right = round((np.mean(scores) + 1) / 2 * COUNTED * len(scores))
    assert stats.binomtest(right, COUNTED * len(scores)).pvalue > 0.001


def test_every_trial_has_a_key_of_its_own(images):
    keys = []

    class Watched(Xor):
        def random_key(self, rng):
            keys.append(super().random_key(rng))
            return keys[-1]

    chosen_plaintext_game.run(Watched(), images, np.random.default_rng(0))
    assert len(set(keys)) == TRAINED + COUNTED


def test_large_images_are_cut():
    sizes = set()

    class Watched(Identity):
        def encrypt(self, image, key):
            sizes.add(image.shape)
            return image.copy()

    one_ciphertext_game.run(Watched(), [np.zeros((300, 260), np.uint8)], np.random.default_rng(0))
    assert sizes == {(256, 256)}
