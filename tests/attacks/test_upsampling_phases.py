"""PCA over the upsampling phases, and power spectra of noise and of repeated cells."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import ideal_keys


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
