import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import fft

from dkg.randomness import binary_matrix_rank, linear_complexity, spectral
from dkg.randomness.linear import _linear_complexities, _ranks, rank_probability


def rank_of(rows):
    """Gaussian elimination on Python integers."""
    basis = []
    for row in rows:
        for other in basis:
            row = min(row, row ^ other)
        if row:
            basis.append(row)
    return len(basis)


@pytest.mark.parametrize("rank", [0, 1, 5, 20, 30, 31, 32])
def test_ranks_agree_with_elimination_on_integers(rank):
    rng = np.random.default_rng(rank)
    left = rng.integers(0, 2, (40, 32, rank))
    right = rng.integers(0, 2, (40, rank, 32))
    matrices = ((left @ right) % 2).astype(np.uint8)
    rows = np.packbits(matrices, axis=2).view(">u4").reshape(40, 32)
    expected = [rank_of(map(int, matrix)) for matrix in rows]
    assert _ranks(rows.astype(np.uint32)).tolist() == expected
    assert max(expected) <= rank


def test_counts_of_the_three_classes():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, 1024 * 100 + 1023, dtype=np.uint8)
    rows = np.packbits(bits[: 1024 * 100]).view(">u4").reshape(100, 32)
    ranks = np.array([rank_of(map(int, matrix)) for matrix in rows])
    expected = [np.sum(ranks == 32), np.sum(ranks == 31), np.sum(ranks <= 30)]
    assert binary_matrix_rank(bits).details["nu"].tolist() == expected


def test_probabilities_of_all_ranks_sum_to_one():
    assert sum(rank_probability(rank) for rank in range(33)) == pytest.approx(1, abs=1e-14)
    # All 2 x 2 matrices: one of rank 0, six of rank 2.
    assert rank_probability(0, size=2) == 1 / 16
    assert rank_probability(2, size=2) == 6 / 16


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


def berlekamp_massey(bits):
    """The algorithm as section 2.10 and the textbooks have it, on lists of coefficients."""
    n = len(bits)
    c, b = [1] + [0] * n, [1] + [0] * n
    length, m = 0, -1
    for i in range(n):
        discrepancy = bits[i]
        for j in range(1, length + 1):
            discrepancy ^= c[j] & bits[i - j]
        if discrepancy:
            before = c[:]
            for j in range(n + 1 - (i - m)):
                c[j + i - m] ^= b[j]
            if 2 * length <= i:
                length, m, b = i + 1 - length, i, before
    return length


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=300), st.integers(1, 140))
def test_agrees_with_the_textbook(bits, block_length):
    blocks = [
        bits[i : i + block_length] for i in range(0, len(bits) - block_length + 1, block_length)
    ]
    found = _linear_complexities(np.array(bits, np.uint8), block_length)
    assert found.tolist() == [berlekamp_massey(block) for block in blocks]


@pytest.mark.parametrize("block_length", [500, 511, 512, 513])
def test_long_blocks_agree_with_the_textbook(block_length):
    bits = np.random.default_rng(block_length).integers(0, 2, 35 * block_length, dtype=np.uint8)
    bits[:block_length] = 0
    bits[block_length : 2 * block_length - 1] = 0
    bits[2 * block_length - 1] = 1
    found = _linear_complexities(bits, block_length)
    assert found[0] == 0
    assert found[1] == block_length
    expected = [berlekamp_massey(block.tolist()) for block in bits.reshape(35, -1)[:6]]
    assert found[:6].tolist() == expected


def test_a_shift_register_has_its_length():
    state, bits = [1] + [0] * 30, []
    for _ in range(1000):  # x^31 + x^3 + 1
        bits.append(state[-1])
        state = [state[-1] ^ state[27], *state[:-1]]
    assert set(_linear_complexities(np.array(bits, np.uint8), 500).tolist()) == {31}


@pytest.mark.parametrize("block_length", [500, 501])
def test_classes(block_length):
    """The classes hold L - M/2 rounded as section 3.10 has it, whatever M's parity."""
    bits = np.random.default_rng(1).integers(0, 2, 200 * block_length, dtype=np.uint8)
    result = linear_complexity(bits, block_length)
    mean = block_length / 2 + (9 + (-1) ** (block_length + 1)) / 36  # The text's sign.
    t = (-1) ** block_length * (result.details["L"] - mean) + 2 / 9
    expected = np.bincount(np.clip(np.round(t), -3, 3).astype(int) + 3, minlength=7)
    assert result.details["nu"].tolist() == expected.tolist()
    assert result.details["nu"].sum() == 200
    assert result.applicable


def test_too_few_blocks():
    result = linear_complexity(np.random.default_rng(0).integers(0, 2, 50_000), 500)
    assert not result.applicable
    assert "200" in result.reason
