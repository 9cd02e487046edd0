"""Seed images guessed with the network at hand."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import StandIn, ideal_keys, smooth_images


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
