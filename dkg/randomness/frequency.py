"""Balance: as many ones as zeros, in the whole sequence and in each block of it."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from dkg.randomness.result import TestResult, as_bits, shorter_than


def monobit(bits: ArrayLike) -> TestResult:
    """Frequency (monobit) test, section 2.1.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `dkg.randomness.as_bits` reads it; at least 100 bits.

    Returns
    -------
    TestResult
        Statistic: s_obs = abs(S_n) / sqrt(n). Details: S_n, the ones minus the zeros.
    """
    bits = as_bits(bits)
    n = bits.size
    s_n = 2 * np.count_nonzero(bits) - n
    s_obs = abs(s_n) / math.sqrt(n)
    reason = shorter_than(n, 100, "2.1.7")
    return TestResult(
        name="monobit",
        parameters={"n": n},
        statistics=(s_obs,),
        p_values=(math.erfc(s_obs / math.sqrt(2)),),
        reason=reason,
        details={"S_n": s_n},
    )


def block_frequency(bits: ArrayLike, block_length: int = 128) -> TestResult:
    """Frequency test within a block, section 2.2.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `dkg.randomness.as_bits` reads it; at least 100 bits.
    block_length : int, optional
        Bits in a block, M. The default is that of NIST's tool.

    Returns
    -------
    TestResult
        Statistic: chi-square with N degrees of freedom. Details: ``ones``, the ones in each block.

    Raises
    ------
    ValueError
        If `block_length` is not positive.
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
    reason = shorter_than(n, 100, "2.2.7")
    return TestResult(
        name="block_frequency",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(float(gammaincc(n_blocks / 2, chi2 / 2)),),
        reason=reason,
        details={"ones": ones},
    )
