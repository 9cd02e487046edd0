import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dkg.randomness import approximate_entropy, maurers_universal, serial
from dkg.randomness.patterns import _BLOCKS, _count_cyclic_windows


def windows(bits, m):
    twice = bits * (2 + m // len(bits))
    return Counter(tuple(twice[i : i + m]) for i in range(len(bits)))


@given(st.lists(st.integers(0, 1), min_size=1, max_size=100), st.integers(1, 12))
def test_cyclic_windows(bits, m):
    expected = windows(bits, m)
    counts = _count_cyclic_windows(np.array(bits, np.uint8), m)
    assert counts.sum() == len(bits)
    for value in np.flatnonzero(counts):
        pattern = tuple(int(digit) for digit in f"{value:0{m}b}")
        assert counts[value] == expected[pattern]


@given(st.lists(st.integers(0, 1), min_size=1, max_size=100), st.integers(2, 8))
def test_serial_statistics(bits, m):
    n = len(bits)

    def psi2(m):
        if m == 0:
            return 0.0
        return 2**m / n * sum(count**2 for count in windows(bits, m).values()) - n

    result = serial(bits, m)
    if 2**m > n:
        assert result.p_values == (None, None)
        return
    assert result.details["psi2"] == pytest.approx((psi2(m), psi2(m - 1), psi2(m - 2)), abs=1e-8)
    first = psi2(m) - psi2(m - 1)
    second = psi2(m) - 2 * psi2(m - 1) + psi2(m - 2)
    assert result.statistics == pytest.approx((first, second), abs=1e-8)
    assert min(result.statistics) >= 0


@given(st.lists(st.integers(0, 1), min_size=1, max_size=100), st.integers(1, 8))
def test_approximate_entropy_statistic(bits, m):
    n = len(bits)

    def phi(m):
        return sum(count / n * np.log(count / n) for count in windows(bits, m).values())

    result = approximate_entropy(bits, m)
    if 2**m > n:
        assert result.p_value is None
        return
    assert result.details["ApEn"] == pytest.approx(phi(m) - phi(m + 1), abs=1e-12)
    assert result.statistic == pytest.approx(
        2 * n * (np.log(2) - phi(m) + phi(m + 1)), abs=1e-10 * n
    )
    assert 0 <= result.p_value <= 1


def test_every_pattern_once_has_p_values_of_one():
    """A de Bruijn sequence: each pattern of four bits occurs once, chi-square is 0."""
    bits = [int(digit) for digit in "0000100110101111"]
    assert serial(bits, 4).p_values == (1, 1)
    assert approximate_entropy(bits, 3).p_value == pytest.approx(1, abs=1e-12)


def test_patterns_too_long_for_the_sequence():
    bits = np.random.default_rng(0).integers(0, 2, 2**19, dtype=np.uint8)
    assert serial(bits).applicable
    assert not serial(bits[:-1]).applicable
    assert approximate_entropy(bits[: 2**16]).applicable
    assert not approximate_entropy(bits[: 2**16 - 1]).applicable


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
