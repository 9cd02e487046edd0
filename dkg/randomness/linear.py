"""Linear structure: ranks of binary matrices, the Fourier spectrum, and shift registers."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, check_constants, shorter_than

_SIDE = 32  # Rows and columns of a matrix.
_LOG_20 = 2.995732274  # ln(1 / 0.05), to the digits of NIST's tool.
# Linear complexity: T <= -2.5, six classes of width 1, T > 2.5. NIST's tool and the standard round
# 1/96 to 0.01047.
_PROBABILITIES = {
    "nist": (0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833),
    "exact": (1 / 96, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 1 / 48),
}
_LANES = 32  # Blocks that are worked on side by side.


def rank_probability(rank: int, size: int = _SIDE) -> float:
    """Return the probability that a random square binary matrix has this rank (section 3.5).

    It is ``2^(r (2 M - r) - M^2) prod_{i<r} (1 - 2^(i - M))^2 / (1 - 2^(i - r))``.
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
    """Binary matrix rank test, section 2.5, for at least 38 matrices of 32 x 32 bits, 38,912 bits.

    Statistic: chi-square with two degrees of freedom. Details: ``nu``, the matrices of rank 32, 31
    and less, and ``pi``, the probabilities of the three.
    """
    bits = as_bits(bits)
    n = bits.size
    n_matrices = n // _SIDE**2
    parameters = {"n": n, "M": _SIDE, "Q": _SIDE, "N": n_matrices}
    if n_matrices == 0:
        reason = f"the sequence has {n:,} bits, less than one matrix of {_SIDE**2:,}"
        return TestResult.not_applicable("binary_matrix_rank", parameters, reason)
    rows = np.packbits(bits[: n_matrices * _SIDE**2]).view(np.uint32).reshape(-1, _SIDE)
    ranks = _ranks(rows)
    full = np.count_nonzero(ranks == _SIDE)
    one_less = np.count_nonzero(ranks == _SIDE - 1)
    nu = np.array([full, one_less, n_matrices - full - one_less])
    pi = np.array([rank_probability(_SIDE), rank_probability(_SIDE - 1), 0.0])
    pi[2] = 1 - pi.sum()
    chi2 = float(np.sum((nu - n_matrices * pi) ** 2 / (n_matrices * pi)))
    return TestResult(
        name="binary_matrix_rank",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(math.exp(-chi2 / 2),),
        reason=shorter_than(n, 38 * _SIDE**2, "2.5.7"),
        details={"nu": nu, "pi": pi},
    )


@compiled
def _count_below(spectrum: NDArray[np.float64], bound: float) -> int:
    """Return how many values (real and imaginary parts in turn) have a modulus below `bound`."""
    below = 0
    for i in range(0, spectrum.size, 2):
        power = spectrum[i] * spectrum[i] + spectrum[i + 1] * spectrum[i + 1]
        below += power < bound * bound
    return below


def spectral(bits: ArrayLike) -> TestResult:
    """Discrete Fourier transform (spectral) test, section 2.6, for at least 1,000 bits.

    Statistic: d, the normalised difference between N_1 and N_0. Details: ``N_1``, moduli below the
    threshold T among the first n/2 (the zero frequency included), ``N_0``, the 95 % of them that
    are expected, and ``T``.
    """
    bits = as_bits(bits)
    n = bits.size
    parameters = {"n": n}
    if n < 2:
        return TestResult.not_applicable("spectral", parameters, "a spectrum takes at least 2 bits")
    spectrum = np.fft.rfft(2.0 * bits - 1.0)[: n // 2]
    threshold = math.sqrt(_LOG_20 * n)
    n_1 = _count_below(spectrum.view(np.float64), threshold)
    n_0 = 0.95 * n / 2
    d = (n_1 - n_0) / math.sqrt(n * 0.95 * 0.05 / 4)
    return TestResult(
        name="spectral",
        parameters=parameters,
        statistics=(d,),
        p_values=(math.erfc(abs(d) / math.sqrt(2)),),
        reason=shorter_than(n, 1000, "2.6.7"),
        details={"N_1": n_1, "N_0": n_0, "T": threshold},
    )


@compiled
def _linear_complexities(bits: Bits, block_length: int) -> NDArray[np.int64]:
    """Return the linear complexity of each whole block.

    Berlekamp-Massey without polynomials and inner products. With S the block as a power series, C
    and B the current and the last connection polynomial, p holds the coefficients of C S from the
    current bit on, q those of B S from where B failed. The next discrepancy is the lowest bit of
    p; where it is 1, C becomes C - x^k B, which is p ^= q. A block is done in words of 64 bits,
    many blocks side by side, without branches, so that the compiler can use vector instructions.
    """
    n_blocks = bits.size // block_length
    n_words = (block_length + 63) // 64
    complexities = np.zeros(n_blocks, np.int64)
    p = np.zeros((n_words + 1, _LANES), np.uint64)
    q = np.zeros((n_words + 1, _LANES), np.uint64)
    add = np.zeros(_LANES, np.uint64)
    swap = np.zeros(_LANES, np.uint64)
    length = np.zeros(_LANES, np.int64)
    one = np.uint64(1)
    top = np.uint64(63)
    for first in range(0, n_blocks, _LANES):
        lanes = min(_LANES, n_blocks - first)
        p[:] = np.uint64(0)
        length[:] = 0
        for lane in range(lanes):
            start = (first + lane) * block_length
            for i in range(block_length):
                p[i >> 6, lane] |= np.uint64(bits[start + i]) << np.uint64(i & 63)
        # Before the first bit B = 1 has failed at position -1, with a discrepancy of 1.
        for lane in range(_LANES):
            carry = one
            for w in range(n_words):
                q[w, lane] = (p[w, lane] << one) | carry
                carry = p[w, lane] >> top
        for i in range(block_length):
            for lane in range(_LANES):
                discrepancy = p[0, lane] & one
                longer = np.uint64(2 * length[lane] <= i) & discrepancy
                add[lane] = ~discrepancy + one
                swap[lane] = ~longer + one
                length[lane] += np.int64(longer) * (i + 1 - 2 * length[lane])
            for w in range(n_words - (i >> 6)):
                for lane in range(_LANES):
                    before = p[w, lane]
                    after = before ^ (q[w, lane] & add[lane])
                    q[w, lane] ^= (q[w, lane] ^ before) & swap[lane]
                    p[w, lane] = after >> one
                    if w > 0:
                        p[w - 1, lane] |= after << top
        for lane in range(lanes):
            complexities[first + lane] = length[lane]
    return complexities


def linear_complexity(
    bits: ArrayLike, block_length: int = 500, constants: str = "nist"
) -> TestResult:
    """Linear complexity test, section 2.10, for at least 200 blocks of 500 to 5,000 bits.

    Statistic: chi-square with six degrees of freedom. Details: ``L``, the complexity of each block,
    ``nu``, blocks in each class, and ``pi``, the classes' probabilities: pi_0 = 0.01047 as in
    NIST's tool and the standard, or 1/96.
    """
    check_constants(constants)
    if block_length < 1:
        raise ValueError(f"block_length must be at least 1, got {block_length}")
    bits = as_bits(bits)
    n = bits.size
    n_blocks = n // block_length
    parameters = {"n": n, "M": block_length, "N": n_blocks, "constants": constants}
    if n_blocks == 0:
        reason = f"the sequence has {n:,} bits, less than one block of {block_length:,}"
        return TestResult.not_applicable("linear_complexity", parameters, reason)
    complexities = _linear_complexities(bits, block_length)
    # The sign of the 9 +- 1 is NIST's tool's, opposite to the text's; the classes are the same.
    sign = -1 if block_length % 2 else 1
    mean = block_length / 2 + (9 + sign) / 36 - 2.0**-block_length * (block_length / 3 + 2 / 9)
    t = sign * (complexities - mean) + 2 / 9
    nu = np.bincount(np.searchsorted([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], t), minlength=7)
    pi = np.array(_PROBABILITIES[constants])
    chi2 = float(np.sum((nu - n_blocks * pi) ** 2 / (n_blocks * pi)))
    reason = ""
    if not 500 <= block_length <= 5000:
        reason = f"section 2.10.7 asks for blocks of 500 to 5,000 bits, not {block_length:,}"
    elif n_blocks < 200:
        reason = f"the sequence has {n_blocks} blocks; section 2.10.7 asks for at least 200"
    return TestResult(
        name="linear_complexity",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(float(gammaincc(3, chi2 / 2)),),
        reason=reason,
        details={"L": complexities, "nu": nu, "pi": pi},
    )
