import math

import numpy as np
import pytest

from dkg.randomness import maurers_universal
from dkg.randomness.universal import _BLOCKS


def test_sum_of_distances():
    bits = np.random.default_rng(0).integers(0, 2, 387_843, dtype=np.uint8)
    values = bits[: 387_843 // 6 * 6].reshape(-1, 6) @ (2 ** np.arange(5, -1, -1))
    last, total = {}, 0.0
    for block, value in enumerate(values.tolist(), start=1):
        if block > 640:
            total += math.log2(block - last.get(value, 0))
        last[value] = block
    result = maurers_universal(bits)
    assert result.parameters["L"] == 6
    assert result.parameters["Q"] == 640
    assert result.parameters["K"] == len(values) - 640
    assert result.details["sum"] == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "length"), [(387_840, 6), (904_959, 6), (904_960, 7), (1_572_864, 7), (2_068_480, 8)]
)
def test_block_length_follows_from_the_length(n, length):
    bits = np.random.default_rng(0).integers(0, 2, n, dtype=np.uint8)
    assert maurers_universal(bits).parameters["L"] == length


def test_too_short():
    result = maurers_universal(np.ones(387_839, np.uint8))
    assert not result.applicable
    assert result.p_value is None
    assert "387,840" in result.reason


def test_expected_values_and_variances():
    """Sum the series of section 3.9: distances are geometric with probability 2^-L."""
    for length, (needed, expected, variance) in _BLOCKS.items():
        assert needed == 1010 * 2**length * length
        p = 2.0**-length
        i = np.arange(1, int(60 / p))
        weights = p * (1 - p) ** (i - 1)
        mean = np.sum(weights * np.log2(i))
        assert mean == pytest.approx(expected, abs=1e-6)
        # The variance is cut after three decimals, not rounded.
        assert 0 <= np.sum(weights * np.log2(i) ** 2) - mean**2 - variance < 1e-3
        if length == 10:  # Longer series cost seconds.
            break
