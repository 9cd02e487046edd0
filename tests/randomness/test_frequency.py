import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dkg.randomness import block_frequency, longest_run_of_ones, monobit, runs
from dkg.randomness.frequency import longest_run_probabilities


@given(st.lists(st.integers(0, 1), min_size=1, max_size=300))
def test_monobit_is_a_two_sided_normal_test(bits):
    result = monobit(bits)
    s_n = sum(2 * bit - 1 for bit in bits)
    assert result.details["S_n"] == s_n
    assert result.p_value == pytest.approx(2 * stats.norm.sf(abs(s_n) / math.sqrt(len(bits))))


@given(st.lists(st.integers(0, 1), min_size=40, max_size=300), st.integers(1, 20))
def test_block_frequency_is_a_chi_square_test(bits, block_length):
    result = block_frequency(bits, block_length)
    n_blocks = len(bits) // block_length
    blocks = np.reshape(bits[: n_blocks * block_length], (n_blocks, block_length))
    chi2 = 4 * block_length * np.sum((blocks.mean(axis=1) - 0.5) ** 2)
    assert result.statistic == pytest.approx(chi2, abs=1e-9)
    assert result.p_value == pytest.approx(stats.chi2.sf(chi2, n_blocks))


def test_very_balanced_blocks_have_a_p_value_of_one():
    # chi-square is 0 with 7,812 degrees of freedom.
    assert block_frequency(np.arange(1_000_000) % 2).p_value == 1


def longest(block):
    return max((len(list(run)) for bit, run in itertools.groupby(block) if bit), default=0)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=300))
def test_number_of_runs(bits):
    result = runs(bits)
    if result.statistic is not None:
        assert result.statistic == len(list(itertools.groupby(bits)))


def test_runs_after_a_failed_frequency_test():
    result = runs(np.ones(1000, np.uint8))
    assert not result.applicable
    assert result.p_value is None
    assert "monobit" in result.reason


def test_longest_runs_are_counted():
    bits = np.random.default_rng(0).integers(0, 2, 6400, dtype=np.uint8)
    blocks = bits.reshape(50, 128)
    expected = np.bincount([np.clip(longest(block), 4, 9) - 4 for block in blocks], minlength=6)
    assert longest_run_of_ones(bits).details["nu"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("n", "block_length"),
    [(128, 8), (6271, 8), (6272, 128), (749_999, 128), (750_000, 10_000)],
)
def test_block_length_follows_from_the_length(n, block_length):
    result = longest_run_of_ones(np.tile([0, 1, 1], n // 3 + 1)[:n])
    assert result.parameters["M"] == block_length
    assert result.parameters["N"] == n // block_length


def test_probabilities_agree_with_a_count_of_all_blocks():
    counts = np.bincount(
        [np.clip(longest(block), 1, 4) - 1 for block in itertools.product((0, 1), repeat=8)]
    )
    np.testing.assert_allclose(longest_run_probabilities(8, 1, 4), counts / 256, rtol=1e-14)


def test_probabilities_of_the_tool_are_rounded_exact_ones():
    bits = np.random.default_rng(0).integers(0, 2, 6272, dtype=np.uint8)
    tool, exact = (
        longest_run_of_ones(bits, constants=constants).details["pi"]
        for constants in ("nist", "exact")
    )
    np.testing.assert_allclose(tool, exact, atol=5.1e-10, rtol=0)
