import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dkg.randomness import cumulative_sums, random_excursions, random_excursions_variant

BITS = st.lists(st.integers(0, 1), min_size=1, max_size=300)


@pytest.mark.slow
@given(BITS)
def test_largest_sums(bits):
    walk = np.cumsum(2 * np.array(bits) - 1)
    backward = np.cumsum(2 * np.array(bits[::-1]) - 1)
    expected = (np.abs(walk).max(), np.abs(backward).max())
    assert cumulative_sums(bits).statistics == expected


def test_long_walks_do_not_overflow():
    assert cumulative_sums(np.ones(100_000, np.uint8)).statistics == (100_000, 100_000)


@given(BITS)
def test_cumulative_sums_p_values_lie_between_0_and_1(bits):
    assert all(0 <= p <= 1 for p in cumulative_sums(bits).p_values)


def test_cumulative_sums_of_equal_bits_have_a_tiny_p_value_not_zero():
    # The tail of four times the normal distribution: 1 minus a sum would lose it.
    expected = 4 * stats.norm.sf(math.sqrt(200))
    assert cumulative_sums(np.ones(200, np.uint8)).p_values == pytest.approx([expected] * 2)


def test_cumulative_sums_of_a_long_walk_follow_brownian_motion():
    """The P-value is that of the largest distance of a Brownian motion, by its other series."""
    n = 10**6
    bits = np.random.default_rng(0).integers(0, 2, n, dtype=np.uint8)
    result = cumulative_sums(bits)
    for z, p_value in zip(result.statistics, result.p_values, strict=True):
        x = z / math.sqrt(n)
        below = sum(
            4
            / math.pi
            * (-1) ** k
            / (2 * k + 1)
            * math.exp(-((2 * k + 1) ** 2) * math.pi**2 / (8 * x**2))
            for k in range(50)
        )
        assert p_value == pytest.approx(1 - below, abs=1e-10)


def cycles_of(bits):
    walk = np.cumsum(2 * np.array(bits) - 1).tolist()
    cycles, cycle = [], []
    for position in walk:
        cycle.append(position)
        if position == 0:
            cycles.append(cycle)
            cycle = []
    return [*cycles, cycle] if cycle else cycles


@given(BITS)
def test_excursions(bits):
    cycles = cycles_of(bits)
    result = random_excursions(bits, min_cycles=1)
    assert result.details["J"] == len(cycles)
    for state, counts in zip((-4, -3, -2, -1, 1, 2, 3, 4), result.details["nu"], strict=True):
        expected = np.bincount(
            [min(5, cycle.count(state)) for cycle in cycles], minlength=6
        ).tolist()
        assert counts.tolist() == expected
    variant = random_excursions_variant(bits, min_cycles=1)
    states = [*range(-9, 0), *range(1, 10)]
    expected = [sum(cycle.count(state) for cycle in cycles) for state in states]
    assert list(variant.statistics) == expected
    assert [int(name.removeprefix("x=")) for name in variant.variants] == states


@pytest.mark.parametrize("test", [random_excursions, random_excursions_variant])
def test_fewer_than_500_cycles(test):
    enough = np.tile([0, 1], 500).astype(np.uint8)
    assert test(enough).applicable
    too_few = enough[2:]
    result = test(too_few)
    assert not result.applicable
    assert set(result.p_values) == {None}
    assert "499 cycles" in result.reason


def test_probabilities_of_visits():
    """Section 3.14: none with 1 - 1/2x, then geometric. The tool cuts after ten digits."""
    from dkg.randomness.walks import _VISITS

    for x, table in _VISITS.items():
        q = 1 - 1 / (2 * x)
        exact = [q, *(q ** (k - 1) / (4 * x * x) for k in range(1, 5)), q**4 / (2 * x)]
        np.testing.assert_allclose(table, exact, atol=1.1e-10, rtol=0)
