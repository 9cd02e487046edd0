"""Denoised ciphertexts, and averages over wrong keys, of unbalanced and of fair keys."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import CHANCE, ideal_keys, smooth_images


@pytest.mark.parametrize("method", ["mean", "total variation"])
@pytest.mark.parametrize("bits", [1, 8])
def test_denoising_shows_the_image_under_uneven_keys_only(method, bits, rng):
    """The highest key bit is 1 in 1 of 4 cases; the rest of the key is ideal."""
    plain = smooth_images(rng, 1)[0]
    fair = ideal_keys(rng, 1)[0]
    uneven = fair & (ideal_keys(rng, 1)[0] | 0x7F)
    shown, hidden = (attacks.denoise(plain ^ key, method, bits=bits) for key in (uneven, fair))
    assert shown.dtype == np.uint8
    assert shown.shape == (256, 256)
    leak, no_leak = (metrics.block_correlation(plain[..., 0], image) for image in (shown, hidden))
    assert leak > CHANCE
    assert leak > 2 * abs(no_leak)


def test_denoising_of_a_constant_and_of_bad_input():
    flat = np.full((64, 64, 3), 9, np.uint8)
    assert (attacks.denoise(flat) == 0).all()
    for arguments, message in (
        ({"method": "magic"}, "'mean' or 'total variation', not 'magic'"),
        ({"bits": 0}, "bits must be 1 to 8"),
        ({"strength": 0}, "strength must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            attacks.denoise(flat, **arguments)
    with pytest.raises(ValueError, match="must be uint8"):
        attacks.denoise(flat / 255)


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
