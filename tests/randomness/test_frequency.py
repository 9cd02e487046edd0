import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dkg.randomness import block_frequency, monobit


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
