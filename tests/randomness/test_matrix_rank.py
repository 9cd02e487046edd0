import numpy as np
import pytest

from dkg.randomness import binary_matrix_rank
from dkg.randomness.matrix_rank import _ranks, rank_probability


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
