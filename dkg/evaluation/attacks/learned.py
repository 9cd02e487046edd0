"""Learned inversion: a network learns from images and keys, and reads ciphertexts of others."""

import numpy as np

from dkg.attacks.inversion import fit
from dkg.evaluation.attacks.ciphertext_only import check_size, ciphertexts, correlation_found
from dkg.evaluation.attacks.known_plaintext import of_one_shape
from dkg.evaluation.attacks.scores import Found, Grid, NotApplicable, attack
from dkg.evaluation.protocol import Cipher, Image

PAIRS = 64
"""Pairs to learn from, in each of two folds."""

STEPS = 200
"""Steps of the U-Net's training."""

_LARGEST = 256
_CELL = 4


@attack(
    "learned inversion",
    group="ciphertext only",
    question="Does a network that has learned from other images and keys show a coarse plaintext?",
    needs="cipher",
)
def learned_inversion(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Train a U-Net on one half of the images, and read the other half, and the other way round.

    Each pair to learn from is an image of the half, turned over at random, under a random key of
    its own (`dkg.attacks.inversion`). Only the upper left 256 x 256 pixels are used.
    """
    images = of_one_shape([_cut(image) for image in images])
    check_size(images, 8 * _CELL)
    if images[0].shape[2:] not in ((), (3,)):
        raise NotApplicable("Needs gray or RGB images")
    sent = ciphertexts(cipher, images, rng)
    recovered: list[Grid] = [np.empty(0)] * len(images)
    for fold in (0, 1):
        known = [_turned(images[i], rng) for i in rng.choice(range(fold, len(images), 2), PAIRS)]
        pairs = np.stack(ciphertexts(cipher, known, rng)), np.stack(known)
        seed = int(rng.integers(2**63))
        model = fit(*pairs, "U-Net", steps=STEPS, seed=seed, progress=False)
        for i in range(1 - fold, len(images), 2):
            recovered[i] = model.predict(sent[i][np.newaxis])[0].astype(np.float64)
    return correlation_found(
        "What the network reads", recovered, images, sent, _CELL, rng, signed=True
    )


def _cut(image: Image) -> Image:
    return np.ascontiguousarray(image[:_LARGEST, :_LARGEST])


def _turned(image: Image, rng: np.random.Generator) -> Image:
    """Turn an image over, upside down and left to right, each in half of the cases."""
    down, across = (int(step) for step in rng.choice((-1, 1), 2))
    return np.ascontiguousarray(image[::down, ::across])
