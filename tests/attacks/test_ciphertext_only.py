"""Averages and PCA over ciphertexts, of unbalanced and of fair keys."""

import numpy as np
import pytest
import skimage.transform

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


def test_pca_shows_a_picture_that_a_mean_loses(rng):
    """Half of the places turn the top bit over and half do not, so their mean is gray."""
    picture = np.kron(rng.integers(0, 2, (16, 16)), np.ones((16, 16))).astype(np.uint8)
    plain = np.repeat(255 * picture[..., None], 3, axis=2)
    key = rng.integers(0, 128, plain.shape, dtype=np.uint8)
    key[::2] |= 128
    component = attacks.phase_pca(plain ^ key)
    expected = picture[::4, ::4]
    assert abs(np.corrcoef(component.ravel(), expected.ravel())[0, 1]) > 0.95
    assert abs(metrics.block_correlation(plain, plain ^ key)) < 0.3
    fair = rng.integers(0, 256, plain.shape, dtype=np.uint8)
    of_noise = attacks.phase_pca(plain ^ fair, side=16)
    assert abs(np.corrcoef(of_noise.ravel(), picture[::16, ::16].ravel())[0, 1]) < 6 / 16


@pytest.mark.parametrize(
    ("shape", "side", "words"),
    [((64, 64), 4, "3\\)"), ((64, 64, 3), 6, "multiple of 4"), ((64, 60, 3), 16, "divides")],
)
def test_pca_refuses_what_has_no_phases(shape, side, words):
    with pytest.raises(ValueError, match=words):
        attacks.phase_pca(np.zeros(shape, np.uint8), side)


def test_spectrum_of_noise_is_flat_and_of_cells_has_peaks(rng):
    noise = attacks.power_spectrum(ideal_keys(rng, 4, side=64))
    assert noise.shape == (64, 64)
    assert noise[32, 32] == pytest.approx(0, abs=1e-9)
    # Parseval: the mean over all frequencies is 1.
    assert noise.mean() == pytest.approx(1)
    # A sum of 12 independent exponential variables over 12; above 5 in 4e-16 of all cases.
    assert noise.max() < 5
    cells = np.tile(ideal_keys(rng, 1, side=4), (1, 16, 16, 1))
    peaks = attacks.power_spectrum(cells)
    there = np.zeros((64, 64), bool)
    there[::16, ::16] = True
    assert peaks[~there].max() < 1e-9
    assert peaks.mean() == pytest.approx(1)
    with pytest.raises(ValueError, match="constant in a channel"):
        attacks.power_spectrum(np.zeros_like(cells))


def test_block_means_are_those_of_scikit_image():
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    expected = skimage.transform.downscale_local_mean(image.mean(axis=-1), (8, 8))
    np.testing.assert_allclose(attacks.block_means(image, 8), expected)
    gray = attacks.block_means(image[..., 0], 16)
    assert gray.shape == (2, 3) and gray[0, 0] == image[:16, :16, 0].mean()
    with pytest.raises(ValueError, match=r"side must divide \(32, 48\), not 5"):
        attacks.block_means(image, 5)


def test_a_negative_leaks_as_much_as_a_positive_and_is_shown_as_one():
    rng = np.random.default_rng(2)
    plain = np.repeat(np.repeat(rng.integers(0, 256, (2, 4, 4, 3), np.uint8), 16, 1), 16, 2)
    noise = rng.integers(0, 256, plain.shape, np.uint8)
    for ciphertexts, expected in ((plain, 1.0), (255 - plain, 1.0)):
        leak = attacks.leak_by_side(attacks.block_means, plain, ciphertexts, (8, 16))
        assert leak == pytest.approx({8: expected, 16: expected})
    assert attacks.leak_by_side(attacks.block_means, plain, noise, [8])[8] < 0.5
    means = attacks.block_means(plain[0], 16)
    for recovered in (means, -means):
        np.testing.assert_array_equal(attacks.as_positive(recovered, plain[0]), means)
