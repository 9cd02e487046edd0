from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dkg.randomness import approximate_entropy, serial
from dkg.randomness.patterns import _count_cyclic_windows


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
