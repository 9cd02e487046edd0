"""Decryption with several wrong keys."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import CHANCE, ideal_keys, smooth_images


def test_the_mean_over_wrong_keys_shows_what_they_share(rng):
    """The highest bit of the keys is 1 in 1 of 4 cases: half of the noise of it averages out."""
    plain = smooth_images(rng, 1)[0]
    fair = ideal_keys(rng, 33)
    uneven = fair & (ideal_keys(rng, 33) | 0x7F)
    for keys, leaks in ((uneven, True), (fair, False)):
        ciphertext = plain ^ keys[0]
        few, many = (attacks.mean_decryption(ciphertext, keys[1 : 1 + n]) for n in (2, 32))
        np.testing.assert_array_equal(
            few, np.rint((ciphertext ^ keys[1]) / 2.0 + (ciphertext ^ keys[2]) / 2.0)
        )
        size = abs(metrics.block_correlation(plain, many))
        assert size > 0.5 if leaks else size < CHANCE
    assert np.array_equal(attacks.mean_decryption(ciphertext, keys[:1]), plain)
    with pytest.raises(ValueError, match="same shape"):
        attacks.mean_decryption(ciphertext, keys[:, :128])
    with pytest.raises(ValueError, match="keys must be uint8"):
        attacks.mean_decryption(ciphertext, keys[0])
