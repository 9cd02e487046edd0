"""Power spectra of noise and of repeated cells."""

import numpy as np
import pytest

from dkg import attacks

from .helpers import ideal_keys


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
