"""Learned inversion of any cipher: on a cipher that it must read, and on one that it must not."""

import numpy as np
import pytest

from dkg.evaluation.attacks import learned
from dkg.evaluation.attacks.learned import learned_inversion
from dkg.evaluation.ciphers import CIPHERS

from ..helpers import smooth_images


@pytest.mark.slow
@pytest.mark.parametrize("cipher, succeeded", [("identity", True), ("aes-256-ctr", False)])
def test_what_a_network_reads(cipher, succeeded, monkeypatch):
    monkeypatch.setattr(learned, "PAIRS", 8)
    monkeypatch.setattr(learned, "STEPS", 20)
    images = smooth_images(np.random.default_rng(0), 4, (64, 64))
    outcome = learned_inversion.run(CIPHERS[cipher](), images, np.random.default_rng(0))
    assert outcome.succeeded is succeeded, outcome.sentence
    assert outcome.pictures["recovered"].shape == (16, 16)


def test_what_it_cannot_learn_from():
    rng = np.random.default_rng(0)
    for shape, message in (((16, 64), "at least 32 x 32"), ((64, 64, 4), "gray or RGB")):
        outcome = learned_inversion.run(CIPHERS["identity"](), smooth_images(rng, 2, shape), rng)
        assert outcome.succeeded is None and message in outcome.sentence
    outcome = learned_inversion.run(CIPHERS["identity"](), smooth_images(rng, 1), rng)
    assert outcome.sentence == "Needs two images of one shape."


def test_nothing_is_learned_from_the_images_that_are_read(monkeypatch):
    """The folds are disjoint: every image is read by a model of the others' half."""
    learned_from = []

    class Model:
        def predict(self, ciphertexts):
            assert not any(np.array_equal(ciphertexts[0], one) for one in learned_from[-1])
            return np.zeros((1, 8, 8), np.float32)

    def fit(ciphertexts, plaintexts, method, **options):
        turned = [one[::a, ::b] for one in plaintexts for a in (-1, 1) for b in (-1, 1)]
        learned_from.append(turned)
        return Model()

    monkeypatch.setattr(learned, "fit", fit)
    images = smooth_images(np.random.default_rng(1), 5, (32, 32, 3))
    outcome = learned_inversion.run(CIPHERS["identity"](), images, np.random.default_rng(2))
    assert outcome.n == 5 and outcome.score == 0
