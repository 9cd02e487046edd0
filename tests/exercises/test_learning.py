"""Exercises of step 4: right answers are accepted, and each typical mistake is named."""

import numpy as np
import pytest

from dkg import attacks, domains
from dkg.cipher import xor
from dkg.exercises import check, expected, learning


@pytest.mark.slow
def test_an_imitator_is_accepted():
    assert check("imitator", learning.imitate)


def test_of_a_victim_that_is_hard_to_imitate_the_solutions_distance_is_enough(monkeypatch):
    """Here the solution is noise, which is farther from the right keys than their mean."""

    def noise(images):
        return np.random.default_rng(1).integers(0, 256, images.shape, np.uint8)

    def extremes(images):
        return 255 * (noise(images) // 128)

    monkeypatch.setattr(learning, "imitate", lambda seeds, keys: noise)
    assert check("imitator", learning.imitate)
    assert not check("imitator", lambda seeds, keys: extremes)


def mean_key(seeds, keys):
    return lambda images: np.repeat(np.uint8(keys.mean(axis=0))[None], len(images), axis=0)


def untrained(seeds, keys):
    return learning.imitate(seeds, keys, steps=1)


def by_heart(seeds, keys):
    """Return the known key where the seed image is known, else noise."""

    def predict(images):
        distances = [np.square(np.int64(seeds) - image).sum(axis=(1, 2, 3)) for image in images]
        noise = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
        return np.stack(
            [noise[i] if d.min() else keys[d.argmin()] for i, d in enumerate(distances)]
        )

    return predict


@pytest.mark.slow
@pytest.mark.parametrize(
    "train, words",
    [
        (mean_key, "one key for all seed images"),
        (untrained, "Does the loss fall?"),
        (lambda seeds, keys: keys, "must be a function"),
        (lambda seeds, keys: lambda images: images[:, :32], "must have shape"),
        (lambda seeds, keys: lambda images: images / 255, "must be uint8"),
        (lambda seeds, keys: lambda images: learning.images_to_tensor(images), "a tensor"),
        (lambda seeds, keys: lambda images: np.flip(images, 1), "gray levels from the right"),
        (by_heart, "memorized"),
    ],
)
def test_other_imitators_are_refused(train, words):
    feedback = check("imitator", train, seed=0)
    assert not feedback and words in feedback.message


@pytest.mark.slow
def test_a_negative_of_an_imitator_is_named():
    def negative(seeds, keys):
        predict = learning.imitate(seeds, keys)
        return lambda images: 255 - predict(images)

    assert "negatives" in check("imitator", negative).message


@pytest.mark.slow
def test_the_package_can_invert():
    assert check("learned_inversion", learning.ridge)


def mean_image(ciphertexts, plaintexts):
    return lambda others: np.repeat(attacks.coarse(plaintexts).mean(axis=0)[None], len(others), 0)


def constant(ciphertexts, plaintexts):
    return lambda others: np.zeros((len(others), 32, 32))


def changed(change):
    def fit(ciphertexts, plaintexts):
        predict = learning.ridge(ciphertexts, plaintexts)
        return lambda others: change(predict(others))

    return fit


def scrambled(ciphertexts, plaintexts):
    """Cells in a wrong order beside the right means."""
    predict = learning.ridge(ciphertexts, plaintexts)
    order = np.random.default_rng(0).permutation(1024)
    return lambda others: predict(others).reshape(-1, 1024)[:, order].reshape(-1, 32, 32)


def noisy(ciphertexts, plaintexts):
    predict = learning.ridge(ciphertexts, plaintexts)
    random = np.random.default_rng(0)
    return lambda others: predict(others) + random.normal(0, 30, (len(others), 32, 32))


@pytest.mark.parametrize(
    "fit, words",
    [
        (mean_image, "paints nearly the same picture"),
        (constant, "All estimates of an image are equal"),
        (changed(lambda estimates: -estimates), "negatives"),
        (changed(lambda estimates: estimates.swapaxes(1, 2)), "Rows and columns"),
        (changed(lambda estimates: estimates * np.inf), "not finite"),
        (changed(lambda estimates: estimates[:, :16]), "must have shape"),
        (scrambled, "reads next to nothing"),
        (noisy, "reads less than can be read"),
        (lambda ciphertexts, plaintexts: ciphertexts, "must be a function"),
    ],
)
def test_other_models_are_refused(fit, words):
    feedback = check("learned_inversion", fit, seed=0)
    assert not feedback and words in feedback.message


def test_the_packages_domain_is_accepted():
    assert check("own_domain", learning.own_domain)


def one_keystream(images, seed):
    mask = np.random.default_rng(seed).integers(0, 256, images.shape[1:], dtype=np.uint8)
    return images ^ mask


def gray_keystream(images, seed):
    masks = np.random.default_rng(seed).integers(0, 256, (*images.shape[:3], 1), dtype=np.uint8)
    return images ^ masks


def uneven(images, seed):
    random = np.random.default_rng(seed)
    masks = random.integers(0, 256, images.shape, dtype=np.uint8)
    return images ^ masks ^ (128 * (random.random(images.shape) < 0.2) * (masks < 128)).astype("u1")


@pytest.mark.parametrize(
    "domain, words",
    [
        (lambda images, seed: images, "unchanged"),
        (domains.row_shuffle, "pixels are moved"),
        (lambda images, seed: images ^ 85, "has an entropy of"),
        (one_keystream, "All images are XORed with the same bytes"),
        (gray_keystream, "three channels"),
        (uneven, "entropy"),
        (lambda images, seed: domains.aes_ctr(images, 0), "only the images decide"),
        (lambda images, seed: domains.aes_ctr(images, seed).astype(int), "must be uint8"),
    ],
)
def test_other_domains_are_refused_for_what_breaks_them(domain, words):
    feedback = check("own_domain", domain)
    assert not feedback and words in feedback.message


def test_a_domain_that_cannot_be_repeated_is_refused():
    random = np.random.default_rng(0)

    def domain(images, seed):
        return xor(images, random.integers(0, 256, images.shape, dtype=np.uint8))

    assert "no training can be repeated" in check("own_domain", domain).message


def test_repeated_cells_and_ordered_bytes_are_found():
    images = np.concatenate([learning.chests()[:2], np.zeros_like(learning.chests()[:1])])
    made = domains.aes_ctr(images, 1)
    assert learning.broken(images, made) == ""
    made[1, 8:16, 8:16] = made[0, :8, :8]
    assert "occur twice" in learning.broken(images, made)
    ordered = domains.aes_ctr(images, 1)
    ordered[-1].sort(axis=0)
    assert "Neighbours are correlated" in learning.broken(images, ordered)


def test_an_average_that_shows_the_plaintext_is_found():
    images = np.concatenate([learning.chests()[:2], np.zeros_like(learning.chests()[:1])])
    made = domains.aes_ctr(images, 1)
    # The bytes of an image of uniform bytes, the largest where the plaintext is brightest.
    order = np.argsort(images[0].ravel() + np.random.default_rng(0).normal(0, 99, images[0].size))
    made[0].reshape(-1)[order] = np.sort(made[0].ravel())
    assert "Averages show the plaintext" in learning.broken(images, made)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imitator", "learned_inversion", "own_domain"])
def test_the_expected_picture_is_drawn(name):
    assert expected(name).axes
