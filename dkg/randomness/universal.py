"""Compressibility: how far back each block of bits last occurred."""

import math

import numpy as np
from numpy.typing import ArrayLike

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, shorter_than

# Block length L: bits needed, 1010 * 2^L * L, expected value and variance (section 2.9.4).
_BLOCKS = {
    6: (387_840, 5.2177052, 2.954),
    7: (904_960, 6.1962507, 3.125),
    8: (2_068_480, 7.1836656, 3.238),
    9: (4_654_080, 8.1764248, 3.311),
    10: (10_342_400, 9.1723243, 3.356),
    11: (22_753_280, 10.170032, 3.384),
    12: (49_643_520, 11.168765, 3.401),
    13: (107_560_960, 12.168070, 3.410),
    14: (231_669_760, 13.167693, 3.416),
    15: (496_435_200, 14.167488, 3.419),
    16: (1_059_061_760, 15.167379, 3.421),
}


@compiled
def _sum_log_distances(bits: Bits, length: int, n_first: int) -> float:
    """Sum log2 of the distance to each block's last occurrence, over blocks after `n_first`."""
    last_seen = np.zeros(1 << length, np.int64)
    total = 0.0
    for block in range(1, bits.size // length + 1):
        value = 0
        for i in range((block - 1) * length, block * length):
            value = (value << 1) | bits[i]
        if block > n_first:
            total += np.log2(block - last_seen[value])
        last_seen[value] = block
    return total


def maurers_universal(bits: ArrayLike) -> TestResult:
    """Maurer's "universal statistical" test, section 2.9.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `dkg.randomness.as_bits` reads it; at least 387,840 bits. The block
        length L follows from their number.

    Returns
    -------
    TestResult
        Statistic: f_n, the mean of log2 of the distances. Details: their ``sum``, the
        ``expected`` f_n and its standard deviation ``sigma``.
    """
    bits = as_bits(bits)
    n = bits.size
    reason = shorter_than(n, _BLOCKS[6][0], "2.9.7")
    if reason:
        return TestResult.not_applicable("maurers_universal", {"n": n}, reason)
    length = max(block for block, row in _BLOCKS.items() if n >= row[0])
    _, expected, variance = _BLOCKS[length]
    n_first = 10 * 2**length
    n_tested = n // length - n_first
    c = 0.7 - 0.8 / length + (4 + 32 / length) * n_tested ** (-3 / length) / 15
    sigma = c * math.sqrt(variance / n_tested)
    total = _sum_log_distances(bits, length, n_first)
    f_n = total / n_tested
    return TestResult(
        name="maurers_universal",
        parameters={"n": n, "L": length, "Q": n_first, "K": n_tested},
        statistics=(f_n,),
        p_values=(math.erfc(abs(f_n - expected) / (math.sqrt(2) * sigma)),),
        details={"sum": total, "expected": expected, "sigma": sigma},
    )
