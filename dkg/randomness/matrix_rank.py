"""Linear dependence within the sequence: ranks of 32 x 32 matrices over GF(2)."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.compiled import compiled
from dkg.randomness.result import TestResult, as_bits, shorter_than

_SIZE = 32


def rank_probability(rank: int, size: int = _SIZE) -> float:
    """Return the probability that a random square binary matrix has this rank (section 3.5).

    Parameters
    ----------
    rank : int
        From 0 to `size`.
    size : int, optional
        Rows, and columns.

    Returns
    -------
    float
        ``2^(r (2 M - r) - M^2) prod_{i<r} (1 - 2^(i - M))^2 / (1 - 2^(i - r))``.
    """
    product = 1.0
    for i in range(rank):
        product *= (1 - 2.0 ** (i - size)) ** 2 / (1 - 2.0 ** (i - rank))
    return 2.0 ** (rank * (2 * size - rank) - size * size) * product


@compiled
def _ranks(rows: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the rank of each matrix; rows: uint32 (n_matrices, 32), overwritten."""
    ranks = np.zeros(rows.shape[0], np.int64)
    for k in range(rows.shape[0]):
        matrix = rows[k]
        for i in range(matrix.size):
            pivot = matrix[i]
            ranks[k] += pivot != 0
            lowest_one = pivot & (~pivot + np.uint32(1))
            for j in range(i + 1, matrix.size):
                # One expression without a branch, so that the compiler vectorises the loop.
                matrix[j] = matrix[j] ^ pivot if matrix[j] & lowest_one else matrix[j]
    return ranks


def binary_matrix_rank(bits: ArrayLike) -> TestResult:
    """Binary matrix rank test, section 2.5, with 32 x 32 matrices.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `dkg.randomness.as_bits` reads it; at least 38,912 bits, 38 matrices.

    Returns
    -------
    TestResult
        Statistic: chi-square with two degrees of freedom. Details: ``nu``, the matrices of rank
        32, 31 and less, and ``pi``, the probabilities of the three.
    """
    bits = as_bits(bits)
    n = bits.size
    n_matrices = n // _SIZE**2
    parameters = {"n": n, "M": _SIZE, "Q": _SIZE, "N": n_matrices}
    if n_matrices == 0:
        reason = f"the sequence has {n:,} bits, less than one matrix of {_SIZE**2:,}"
        return TestResult.not_applicable("binary_matrix_rank", parameters, reason)
    rows = np.packbits(bits[: n_matrices * _SIZE**2]).view(np.uint32).reshape(-1, _SIZE)
    ranks = _ranks(rows)
    full = np.count_nonzero(ranks == _SIZE)
    one_less = np.count_nonzero(ranks == _SIZE - 1)
    nu = np.array([full, one_less, n_matrices - full - one_less])
    pi = np.array([rank_probability(_SIZE), rank_probability(_SIZE - 1), 0.0])
    pi[2] = 1 - pi.sum()
    chi2 = float(np.sum((nu - n_matrices * pi) ** 2 / (n_matrices * pi)))
    reason = shorter_than(n, 38 * _SIZE**2, "2.5.7")
    return TestResult(
        name="binary_matrix_rank",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(math.exp(-chi2 / 2),),
        reason=reason,
        details={"nu": nu, "pi": pi},
    )
