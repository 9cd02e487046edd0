"""Seed images guessed with the network at hand, and approximate ones."""

import numpy as np
import pytest

from dkg import attacks, data, metrics
from dkg.baselines import GENERATORS
from dkg.keys import KeyGenerator

from .helpers import CHANCE, StandIn, ideal_keys, smooth_images


@pytest.mark.slow
def test_the_seed_is_found_with_the_network_and_not_without(rng):
    seeds, plain = smooth_images(rng, 4), smooth_images(rng, 1)[0]
    generator = StandIn()
    found = attacks.guess_seed(plain ^ generator.generate(seeds[2]), generator, seeds)
    assert found.order[0] == 2
    assert sorted(found.order) == [0, 1, 2, 3]
    assert np.array_equal(found.decrypted, plain)
    differences = [np.abs(np.diff(plain.astype(int), axis=axis)).mean() for axis in (0, 1)]
    assert found.roughness[2] == pytest.approx(np.mean(differences))
    assert (np.diff(found.roughness[found.order]) >= 0).all()

    # Under a key that no seed gives, every guess is noise: 85.3 gray levels, the ideal UACI.
    control = attacks.guess_seed(plain ^ ideal_keys(rng, 1)[0], generator, seeds)
    noise = metrics.ideal_uaci(1).mean / 100 * 255
    assert control.roughness == pytest.approx(noise, abs=1)
    with pytest.raises(ValueError, match="candidates must be uint8"):
        attacks.guess_seed(plain, generator, seeds[0])


def test_approximate_seeds_are_near_and_as_asked(rng):
    image = smooth_images(rng, 1)[0].clip(2, 253)  # So that noise of 2 levels has room.
    for how, amount, furthest in (("JPEG", 90, 30), ("resized", 192, 30), ("noise", 2, 2)):
        near = attacks.approximate_seed(image, how, amount)
        assert near.dtype == np.uint8 and near.shape == image.shape
        difference = np.abs(near.astype(int) - image)
        assert 0 < difference.max() <= furthest, how
    # A fifth of the differences of -2 to 2 are 0; five standard deviations of 196,608.
    assert (near == image).mean() == pytest.approx(0.2, abs=5 * (0.16 / image.size) ** 0.5)
    near = attacks.approximate_seed(image, "inverted pixels", 7)
    changed = (near != image).any(axis=2)
    assert changed.sum() == 7
    assert (near[changed] == 255 - image[changed]).all()
    for how, amount in (("resized", 256), ("noise", 0), ("inverted pixels", 0)):
        assert np.array_equal(attacks.approximate_seed(image, how, amount), image)
    assert np.array_equal(*(attacks.approximate_seed(image, "noise", 9, seed=3) for _ in range(2)))
    for how, amount in (("JPEG", 0), ("resized", 0), ("noise", 256), ("inverted pixels", -1)):
        with pytest.raises(ValueError, match=f"amount must lie in .*not {amount}"):
            attacks.approximate_seed(image, how, amount)
    with pytest.raises(ValueError, match="how must be one of JPEG"):
        attacks.approximate_seed(image, "rotated", 1)
    with pytest.raises(ValueError, match="must be uint8"):
        attacks.approximate_seed(image[0], "noise", 1)


@pytest.mark.slow
def test_a_nearly_right_seed_reads_the_image_under_a_networks_key_only(rng):
    """The defences: a hash of the seed image, here as an AES key, and low-order keys."""
    seed, plain = data.load("montgomery", n=1).images[0], smooth_images(rng, 1)[0]
    networks = (KeyGenerator.load(exact=False), KeyGenerator.load(output="low-order"))
    jpeg, one_pixel = (
        attacks.approximate_seed(seed, how, amount)
        for how, amount in (("JPEG", 90), ("inverted pixels", 1))
    )

    def near_and_right(generate, near):
        right, guess = generate(seed), generate(near)
        leak = metrics.block_correlation(plain, plain ^ right ^ guess)
        return metrics.equal_bits(right, guess), abs(leak)

    for near in (jpeg, one_pixel):
        bits, leak = near_and_right(networks[0].generate, near)
        assert bits > 55 and leak > 0.8

    def aes(image):
        return GENERATORS["AES-256-CTR"](image, image.size).reshape(image.shape)

    for generate in (networks[1].generate, aes):
        bits, leak = near_and_right(generate, one_pixel)
        assert abs(bits - 50) < 7 * 50 / (8 * plain.size) ** 0.5
        assert leak < CHANCE


def test_ways_to_approximate_seed_images_take_one_random_seed_for_each(rng):
    images = smooth_images(rng, 2)
    ways = {"noisy": ("noise", 3), "small": ("resized", 64)}
    made = attacks.approximate_seeds(images, ways, seed=5)
    assert list(made) == list(ways)
    for i, image in enumerate(images):
        for name, how in ways.items():
            expected = attacks.approximate_seed(image, *how, seed=5 + i)
            np.testing.assert_array_equal(made[name][i], expected)
