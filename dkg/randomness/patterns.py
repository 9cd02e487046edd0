"""Patterns of m bits: how often each occurs, and how far back each block last occurred."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, shorter_than

_LONGEST_PATTERN = 24

# The universal test's block length L: bits needed, 1010 * 2^L * L, expected value and variance
# (section 2.9.4).
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
def _count_cyclic_windows(bits: Bits, length: int) -> NDArray[np.int64]:
    """Count each value of the n windows of `length` bits; the last ones go on at the start."""
    counts = np.zeros(1 << length, np.int64)
    mask = np.int64((1 << length) - 1)
    window = np.int64(0)
    for i in range(length - 1):
        window = (window << 1) | bits[i % bits.size]
    for i in range(length - 1, bits.size):
        window = ((window << 1) | bits[i]) & mask
        counts[window] += 1
    for i in range(max(length - 1, bits.size), bits.size + length - 1):
        window = ((window << 1) | bits[i % bits.size]) & mask
        counts[window] += 1
    return counts


def _drop_last_bit(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts of windows that are one bit shorter."""
    return counts[0::2] + counts[1::2]


def _check_pattern_length(length: int, least: int) -> None:
    if not least <= length <= _LONGEST_PATTERN:
        raise ValueError(f"pattern_length must be from {least} to {_LONGEST_PATTERN}, got {length}")


def _more_patterns_than_bits(length: int, n: int) -> str:
    """Return the reason why no P-value makes sense, or nothing."""
    return f"there are more patterns, 2^{length}, than bits, {n:,}" if 2**length > n else ""


def _too_long(length: int, n: int, margin: int, section: str) -> str:
    """Return the reason why the standard advises against patterns of this length, or nothing."""
    if length < int(math.log2(n)) - margin:
        return ""
    return (
        f"m = {length} is not less than floor(log2(n)) - {margin}, as section {section} asks, "
        f"with {n:,} bits"
    )


def serial(bits: ArrayLike, pattern_length: int = 16) -> TestResult:
    """Test patterns of m bits: the serial test, section 2.11.

    The `pattern_length` m is 2 to 24. The test is applicable where m is less than
    floor(log2(n)) - 2, which takes 524,288 bits by default. Two variants. Statistics: the first and
    the second difference of psi-squared. Details: ``psi2``, its values for m, m - 1 and m - 2.
    """
    _check_pattern_length(pattern_length, 2)
    bits = as_bits(bits)
    n = bits.size
    parameters = {"n": n, "m": pattern_length}
    variants = ("first difference", "second difference")
    reason = _more_patterns_than_bits(pattern_length, n)
    if reason:
        return TestResult.not_applicable("serial", parameters, reason, variants)
    counts = [_count_cyclic_windows(bits, pattern_length)]
    counts.append(_drop_last_bit(counts[0]))
    counts.append(_drop_last_bit(counts[1]))
    # 2^m times the sum of squares, in integers: the differences cannot be negative by rounding.
    scaled = [
        2**length * int(np.dot(count, count))
        for length, count in zip(range(pattern_length, -1, -1), counts, strict=False)
    ]
    first = (scaled[0] - scaled[1]) / n
    second = (scaled[0] - 2 * scaled[1] + scaled[2]) / n
    psi2 = [value / n - n for value in scaled]
    return TestResult(
        name="serial",
        variants=variants,
        parameters=parameters,
        statistics=(first, second),
        p_values=(
            float(gammaincc(2.0 ** (pattern_length - 2), first / 2)),
            float(gammaincc(2.0 ** (pattern_length - 3), second / 2)),
        ),
        reason=_too_long(pattern_length, n, 2, "2.11.7"),
        details={"psi2": tuple(psi2)},
    )


def approximate_entropy(bits: ArrayLike, pattern_length: int = 10) -> TestResult:
    """Approximate entropy test, section 2.12.

    The `pattern_length` m is 1 to 24. The test is applicable where m is less than
    floor(log2(n)) - 5, which takes 65,536 bits by default. Statistic: chi-square with 2^m degrees
    of freedom. Details: ``ApEn``, the approximate entropy in nats, at most ln 2.
    """
    _check_pattern_length(pattern_length, 1)
    bits = as_bits(bits)
    n = bits.size
    parameters = {"n": n, "m": pattern_length}
    reason = _more_patterns_than_bits(pattern_length, n)
    if reason:
        return TestResult.not_applicable("approximate_entropy", parameters, reason)
    longer = _count_cyclic_windows(bits, pattern_length + 1)
    c_log_c = []
    for counts in (_drop_last_bit(longer), longer):
        # Equal counts are taken together: the sum does not depend on the order of the patterns.
        values, times = np.unique(counts[counts > 0], return_counts=True)
        c_log_c.append(float(np.sum(times * values * np.log(values))))
    entropy = (c_log_c[0] - c_log_c[1]) / n
    # Rounding must not take the entropy above its maximum, where every pattern is as frequent.
    chi2 = max(0.0, 2 * n * (math.log(2) - entropy))
    return TestResult(
        name="approximate_entropy",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(float(gammaincc(2.0 ** (pattern_length - 1), chi2 / 2)),),
        reason=_too_long(pattern_length, n, 5, "2.12.7"),
        details={"ApEn": entropy},
    )


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
    """Maurer's "universal statistical" test, section 2.9, for at least 387,840 bits.

    The block length L follows from the number of bits. Statistic: f_n, the mean of log2 of how far
    back each block last occurred. Details: their ``sum``, the ``expected`` f_n and its standard
    deviation ``sigma``.
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
