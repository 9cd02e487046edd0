import numpy as np
import pytest
from scipy.fft import fft

from dkg.randomness import spectral


@pytest.mark.parametrize("n", [1000, 1001, 4096, 9973])
def test_peaks_are_counted_as_the_tool_counts_them(n):
    bits = np.random.default_rng(n).integers(0, 2, n, dtype=np.uint8)
    moduli = np.abs(fft(2.0 * bits - 1))[: n // 2]
    expected = np.count_nonzero(moduli < np.sqrt(2.995732274 * n))
    result = spectral(bits)
    assert result.details["N_1"] == expected
    assert result.statistic == pytest.approx((expected - 0.95 * n / 2) / np.sqrt(n * 0.011875))


def test_a_period_fails():
    bits = np.tile(np.random.default_rng(0).integers(0, 2, 100, dtype=np.uint8), 100)
    assert spectral(bits).p_value < 1e-6


def test_the_zero_frequency_counts_and_the_highest_does_not():
    n = 1000
    assert spectral(np.ones(n, np.uint8)).details["N_1"] == n // 2 - 1
    assert spectral(np.tile([0, 1], n // 2)).details["N_1"] == n // 2
