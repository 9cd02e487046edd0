"""Balance and runs: as many ones as zeros, and as many and as long runs, as chance gives."""

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, check_constants, shorter_than

# Bits needed, bits in a block, and the lengths of the first and the last class (section 2.4.2).
_CLASSES = ((750_000, 10_000, 10, 16), (6_272, 128, 4, 9), (128, 8, 1, 4))

# The class probabilities in NIST's tool: four digits only for the longest block.
_NIST_PROBABILITIES = {
    8: (0.21484375, 0.3671875, 0.23046875, 0.1875),
    128: (0.1174035788, 0.242955959, 0.249363483, 0.17517706, 0.102701071, 0.112398847),
    10_000: (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727),
}


def monobit(bits: ArrayLike) -> TestResult:
    """Frequency (monobit) test, section 2.1, for at least 100 bits.

    Statistic: s_obs = abs(S_n) / sqrt(n). Details: S_n, the ones minus the zeros.
    """
    bits = as_bits(bits)
    n = bits.size
    s_n = 2 * np.count_nonzero(bits) - n
    s_obs = abs(s_n) / math.sqrt(n)
    return TestResult(
        name="monobit",
        parameters={"n": n},
        statistics=(s_obs,),
        p_values=(math.erfc(s_obs / math.sqrt(2)),),
        reason=shorter_than(n, 100, "2.1.7"),
        details={"S_n": s_n},
    )


def block_frequency(bits: ArrayLike, block_length: int = 128) -> TestResult:
    """Frequency test within a block, section 2.2, for at least 100 bits.

    Statistic: chi-square with a degree of freedom for each block. Details: ``ones``, the ones in
    each block.
    """
    if block_length < 1:
        raise ValueError(f"block_length must be at least 1, got {block_length}")
    bits = as_bits(bits)
    n = bits.size
    n_blocks = n // block_length
    parameters = {"n": n, "M": block_length, "N": n_blocks}
    if n_blocks == 0:
        reason = f"the sequence has {n:,} bits, less than one block of {block_length:,}"
        return TestResult.not_applicable("block_frequency", parameters, reason)
    blocks = bits[: n_blocks * block_length].reshape(n_blocks, block_length)
    ones = np.count_nonzero(blocks, axis=1)
    # 4 M sum (pi_i - 1/2)^2, with the sum in integers.
    chi2 = float(np.sum((2 * ones - block_length) ** 2)) / block_length
    return TestResult(
        name="block_frequency",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(float(gammaincc(n_blocks / 2, chi2 / 2)),),
        reason=shorter_than(n, 100, "2.2.7"),
        details={"ones": ones},
    )


def runs(bits: ArrayLike) -> TestResult:
    """Test the number of runs: the runs test, section 2.3, for at least 100 bits.

    Statistic: V_n_obs, the number of runs. Details: ``pi``, the proportion of ones. Not applicable
    where that proportion is so far from one half that the monobit test fails first: there the tool
    prints a P-value of 0.
    """
    bits = as_bits(bits)
    n = bits.size
    ones = np.count_nonzero(bits)
    pi = ones / n
    parameters = {"n": n}
    if abs(pi - 0.5) > 2 / math.sqrt(n):
        reason = (
            f"the proportion of ones, {pi:.6f}, is further than 2/sqrt(n) from one half: "
            "the monobit test fails first (section 2.3.4)"
        )
        return TestResult.not_applicable("runs", parameters, reason, details={"pi": pi})
    if ones in (0, n):
        reason = f"all {n} bits are equal"
        return TestResult.not_applicable("runs", parameters, reason, details={"pi": pi})
    n_runs = 1 + np.count_nonzero(bits[1:] != bits[:-1])
    spread = 2 * pi * (1 - pi)
    return TestResult(
        name="runs",
        parameters=parameters,
        statistics=(float(n_runs),),
        p_values=(math.erfc(abs(n_runs - n * spread) / (spread * math.sqrt(2 * n))),),
        reason=shorter_than(n, 100, "2.3.7"),
        details={"pi": pi},
    )


@functools.cache
def longest_run_probabilities(block_length: int, first: int, last: int) -> np.ndarray:
    """Return the exact probabilities of the longest run of ones in a block of random bits.

    The classes are at most `first`, each length between, and at least `last`. The blocks of n bits
    without a run longer than k are counted by ``f(n) = f(n - 1) - 2^-(k + 2) f(n - k - 2)``.
    """
    at_most = []
    for k in range(first, last):
        f = [1.0] * (k + 1) + [1 - 0.5 ** (k + 1)]
        for n in range(k + 2, block_length + 1):
            f.append(f[n - 1] - 0.5 ** (k + 2) * f[n - k - 2])
        at_most.append(f[block_length])
    return np.diff([0.0, *at_most, 1.0])


@compiled
def _longest_runs(bits: Bits, block_length: int) -> NDArray[np.int64]:
    """Return the longest run of ones in each whole block."""
    longest = np.zeros(bits.size // block_length, np.int64)
    for block in range(longest.size):
        run = 0
        best = 0
        for i in range(block * block_length, (block + 1) * block_length):
            run = (run + 1) * bits[i]
            best = max(best, run)
        longest[block] = best
    return longest


def longest_run_of_ones(bits: ArrayLike, constants: str = "nist") -> TestResult:
    """Test for the longest run of ones in a block, section 2.4, for at least 128 bits.

    Statistic: chi-square. Details: ``nu``, blocks in each class, ``pi``, the classes'
    probabilities, from the table of NIST's tool or exact ones, and ``classes``, their lengths.
    """
    check_constants(constants)
    bits = as_bits(bits)
    n = bits.size
    reason = shorter_than(n, 128, "2.4.7")
    if reason:
        return TestResult.not_applicable("longest_run_of_ones", {"n": n}, reason)
    block_length, first, last = next(row[1:] for row in _CLASSES if n >= row[0])
    n_blocks = n // block_length
    longest = np.clip(_longest_runs(bits, block_length), first, last)
    nu = np.bincount(longest - first, minlength=last - first + 1)
    if constants == "nist":
        pi = np.array(_NIST_PROBABILITIES[block_length])
    else:
        pi = longest_run_probabilities(block_length, first, last)
    chi2 = float(np.sum((nu - n_blocks * pi) ** 2 / (n_blocks * pi)))
    return TestResult(
        name="longest_run_of_ones",
        parameters={"n": n, "M": block_length, "N": n_blocks, "constants": constants},
        statistics=(chi2,),
        p_values=(float(gammaincc((last - first) / 2, chi2 / 2)),),
        details={"nu": nu, "pi": pi, "classes": np.arange(first, last + 1)},
    )
