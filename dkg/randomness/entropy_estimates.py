"""Min-entropy: six non-IID estimators of SP 800-90B (sections 6.3.1 to 6.3.6).

Shannon's entropy says how evenly byte values occur on average. Min-entropy says how often the best
guess is right: -log2 of the probability of the most likely value. It is never larger, and it is
what a key must have. Each estimator gives the min-entropy per symbol, all but Markov's from the
upper end of a 99 % confidence interval of a probability; the smallest one counts.

Where this code stops or differs:

- The four predictors (6.3.7 to 6.3.10) are left out, so that NIST's tool may report less.
- An estimate whose equation has no solution is 1 bit per bit, as sections 6.3.2 and 6.3.4 ask.
- The collision estimate solves its equation in closed form: the expected distance to a collision of
  bits is 2 + 2 p (1 - p).
- Several estimators are biased downwards, also for i.i.d. uniform symbols, so that an estimate is
  compared with that of i.i.d. uniform bytes of the same number, never with 8.

References
----------
- M. Sönmez Turan et al., "Recommendation for the Entropy Sources Used for Random Bit Generation",
  NIST SP 800-90B, 2018.
- T. Kasai et al., "Linear-Time Longest-Common-Prefix Computation in Suffix Arrays and Its
  Applications", CPM 2001.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from dkg.compiled import compiled
from dkg.randomness.result import as_bits

Z = 2.5758293035489008
"""Quantile of the standard normal distribution at 0.995; the standard prints 2.576."""

CUTOFF = 35
"""Occurrences that a tuple must have to count in the t-tuple estimate (6.3.5)."""

_BLOCK = 6  # Bits in a block of the compression estimate.
_DICTIONARY = 1000  # Blocks that the compression estimate starts from.


def min_entropy(data: ArrayLike) -> pd.DataFrame:
    """Estimate the min-entropy of bytes with six estimators of SP 800-90B.

    Parameters
    ----------
    data : bytes-like or array-like
        Bytes, as a uint8 array of any shape or as ``bytes``; at least 2,000.

    Returns
    -------
    pandas.DataFrame
        One row for each estimate, with the columns ``estimate``, ``section`` (of SP 800-90B),
        ``symbols`` (``"bytes"`` or ``"bits"``: what the estimator sees as one symbol) and
        ``bits_per_byte``, 0 to 8. Collision, Markov and compression exist for bits only. The
        smallest of ``bits_per_byte`` is the assessment.

    Raises
    ------
    TypeError
        If the data are not bytes.
    ValueError
        If there are fewer than 2,000 bytes.
    """
    symbols = _as_bytes(data)
    bits = as_bits(symbols.tobytes())
    of_bytes, of_bits = (_tuple_estimates(each, CUTOFF) for each in (symbols, bits))
    rows = [
        ("most common value", "6.3.1", "bytes", most_common_value(symbols)),
        ("t-tuple", "6.3.5", "bytes", of_bytes[0]),
        ("longest repeated substring", "6.3.6", "bytes", of_bytes[1]),
        ("most common value", "6.3.1", "bits", 8 * most_common_value(bits)),
        ("collision", "6.3.2", "bits", 8 * collision(bits)),
        ("Markov", "6.3.3", "bits", 8 * markov(bits)),
        ("compression", "6.3.4", "bits", 8 * compression(bits)),
        ("t-tuple", "6.3.5", "bits", 8 * of_bits[0]),
        ("longest repeated substring", "6.3.6", "bits", 8 * of_bits[1]),
    ]
    return pd.DataFrame(rows, columns=["estimate", "section", "symbols", "bits_per_byte"])


def most_common_value(symbols: ArrayLike) -> float:
    """Return the most common value estimate (6.3.1).

    Parameters
    ----------
    symbols : array-like
        Integers of one dimension, at least 2.

    Returns
    -------
    float
        Bits per symbol.
    """
    symbols = _as_symbols(symbols)
    _, counts = np.unique(symbols, return_counts=True)
    return _from_probability(counts.max() / symbols.size, symbols.size)


def collision(bits: ArrayLike) -> float:
    """Return the collision estimate (6.3.2): how soon a bit repeats.

    Parameters
    ----------
    bits : array-like
        Values 0 and 1, at least 6.

    Returns
    -------
    float
        Bits per bit, 0 to 1.
    """
    distances = _collision_distances(_as_symbols(bits, binary=True, least=6))
    mean = distances.mean() - Z * distances.std(ddof=1) / math.sqrt(distances.size)
    # The mean is 2 + 2 p (1 - p), and at most 2.5.
    return 1.0 if mean >= 2.5 else abs(math.log2(0.5 + math.sqrt(1.25 - max(mean, 2.0) / 2)))


def markov(bits: ArrayLike) -> float:
    """Return the Markov estimate (6.3.3): the likeliest 128 bits of a first-order Markov chain.

    Parameters
    ----------
    bits : array-like
        Values 0 and 1, at least 2.

    Returns
    -------
    float
        Bits per bit, 0 to 1.
    """
    bits = _as_symbols(bits, binary=True)
    ones = float(bits.mean())
    counts = np.bincount(2 * bits[:-1] + bits[1:], minlength=4).reshape(2, 2)
    with np.errstate(divide="ignore"):
        start = -np.log2([1 - ones, ones])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        (s00, s01), (s10, s11) = -np.log2(shares)
    candidates = (
        start[0] + 127 * s00,
        start[0] + 64 * s01 + 63 * s10,
        start[0] + s01 + 126 * s11,
        start[1] + s10 + 126 * s00,
        start[1] + 64 * s10 + 63 * s01,
        start[1] + 127 * s11,
    )
    return min(abs(float(min(candidates))) / 128, 1.0)


def compression(bits: ArrayLike, dictionary: int = _DICTIONARY) -> float:
    """Return the compression estimate (6.3.4), from Maurer's universal statistic.

    Parameters
    ----------
    bits : array-like
        Values 0 and 1; more than ``6 * (dictionary + 1)``.
    dictionary : int, default 1000
        Blocks of six bits that fill the dictionary, at least 1. The standard's example has 4.

    Returns
    -------
    float
        Bits per bit, 0 to 1.
    """
    if dictionary < 1:
        raise ValueError(f"dictionary must be at least 1, not {dictionary}")
    bits = _as_symbols(bits, binary=True, least=_BLOCK * (dictionary + 2))
    blocks = bits[: bits.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    values = blocks @ (1 << np.arange(_BLOCK - 1, -1, -1))
    order = np.argsort(values, kind="stable")
    before = np.zeros(values.size, np.int64)  # The last place of the same block, from 1; 0: none.
    same = values[order[1:]] == values[order[:-1]]
    before[order[1:][same]] = order[:-1][same] + 1
    logs = np.log2(np.arange(1, values.size + 1) - before)[dictionary:]
    mean = float(logs.mean())
    # The standard subtracts the square of the mean from a sum that is divided by n - 1.
    deviation = 0.5907 * math.sqrt((logs**2).sum() / (logs.size - 1) - mean**2)
    bound = mean - Z * deviation / math.sqrt(logs.size)
    return abs(math.log2(_compression_probability(bound, values.size, dictionary))) / _BLOCK


def t_tuple(symbols: ArrayLike, cutoff: int = CUTOFF) -> float:
    """Return the t-tuple estimate (6.3.5): how often the commonest tuples occur.

    Parameters
    ----------
    symbols : array-like
        Integers of one dimension, of which one occurs at least `cutoff` times.
    cutoff : int, default 35
        Occurrences that a tuple must have. The standard's example has 3.

    Returns
    -------
    float
        Bits per symbol.
    """
    return _tuple_estimates(_as_symbols(symbols), cutoff)[0]


def longest_repeated_substring(symbols: ArrayLike, cutoff: int = CUTOFF) -> float:
    """Return the longest repeated substring estimate (6.3.6): collisions of longer tuples.

    Parameters
    ----------
    symbols, cutoff
        As for `t_tuple`.

    Returns
    -------
    float
        Bits per symbol; NaN if no tuple that is longer than those of `t_tuple` occurs twice.
    """
    return _tuple_estimates(_as_symbols(symbols), cutoff)[1]


def _as_bytes(data: ArrayLike) -> NDArray[np.uint8]:
    if isinstance(data, (bytes, bytearray, memoryview)):
        data = np.frombuffer(data, np.uint8)
    symbols = np.asarray(data)
    if symbols.dtype != np.uint8:
        raise TypeError(f"expected bytes or a uint8 array, got dtype {symbols.dtype}")
    if symbols.size < 2 * _DICTIONARY:
        raise ValueError(f"expected at least {2 * _DICTIONARY} bytes, got {symbols.size}")
    return np.ascontiguousarray(symbols).reshape(-1)


def _as_symbols(symbols: ArrayLike, *, binary: bool = False, least: int = 2) -> NDArray[np.integer]:
    symbols = np.asarray(symbols)
    if symbols.dtype.kind not in "iu" or symbols.ndim != 1:
        raise TypeError(
            f"expected integers of one dimension, got {symbols.dtype} of shape {symbols.shape}"
        )
    if symbols.size < least:
        raise ValueError(f"expected at least {least} symbols, got {symbols.size}")
    if binary and (symbols.min() < 0 or symbols.max() > 1):
        raise ValueError(
            f"expected only 0 and 1, got values from {symbols.min()} to {symbols.max()}"
        )
    return symbols


def _from_probability(probability: float, n: int) -> float:
    """Return -log2 of the upper confidence limit of a probability."""
    error = math.sqrt(probability * (1 - probability) / (n - 1))
    return abs(math.log2(min(1.0, probability + Z * error)))


def _collision_distances(bits: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the bits up to and with the first repeated one, again and again: 2 or 3 each."""
    found = _distances(np.ascontiguousarray(bits, np.uint8))
    if found.size < 2:
        raise ValueError("the sequence has fewer than two collisions")
    return found


@compiled
def _distances(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    found = np.empty(bits.size // 2, np.int64)
    count = i = 0
    while i + 1 < bits.size:
        distance = 2 if bits[i] == bits[i + 1] else 3
        if i + distance > bits.size:
            break
        found[count] = distance
        count += 1
        i += distance
    return found[:count]


def _compression_probability(bound: float, blocks: int, dictionary: int) -> float:
    """Solve the equation of 6.3.4, step 7: the probability of the likeliest block."""
    numbers = np.arange(1, blocks + 1, dtype=np.float64)
    logs = np.log2(numbers)

    def part(probability: float) -> float:
        """Return G of the standard, a mean over the blocks after the dictionary."""
        if probability >= 1:
            return 0.0
        terms = logs * np.exp((numbers - 1) * math.log1p(-probability))
        shorter = np.cumsum(terms) - terms
        of_each = probability**2 * shorter + probability * terms
        return float(of_each[dictionary:].mean())

    others = 2**_BLOCK - 1

    def excess(probability: float) -> float:
        return float(part(probability) + others * part((1 - probability) / others) - bound)

    uniform = 2.0**-_BLOCK
    if excess(uniform) <= 0:
        return uniform
    # With one certain block every distance is 1, and no bound below 0 can be reached.
    return float(brentq(excess, uniform, 1.0)) if excess(1.0) < 0 else 1.0


def _tuple_estimates(symbols: NDArray[np.integer], cutoff: int) -> tuple[float, float]:
    """Return the t-tuple and the longest repeated substring estimate."""
    if cutoff < 2:
        raise ValueError(f"cutoff must be at least 2, not {cutoff}")
    n = symbols.size
    most, pairs = _repeated_tuples(symbols)
    lengths = np.arange(1, most.size + 1)
    n_tuples = n - lengths + 1.0
    frequent = most >= cutoff  # Never true again after it was false.
    if not frequent.any():
        raise ValueError(f"no symbol occurs {cutoff} times among {n}")
    largest = np.max((most / n_tuples)[frequent] ** (1 / lengths[frequent]))
    rest = ~frequent
    if not rest.any():
        return _from_probability(float(largest), n), math.nan
    collisions = pairs[rest] / (n_tuples[rest] * (n_tuples[rest] - 1) / 2)
    repeated = np.max(collisions ** (1 / lengths[rest]))
    return _from_probability(float(largest), n), _from_probability(float(repeated), n)


def _repeated_tuples(
    symbols: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count tuples of each length, from 1 to that of the longest repeated one.

    Returns the occurrences of the most common tuple, and the pairs of places with equal tuples.
    """
    values = np.unique(symbols, return_inverse=True)[1].astype(np.int64)
    order = _suffix_array(values)
    common = _common_prefixes(values, order)
    if (longest := int(common.max())) == 0:
        return np.ones(1, np.int64), np.zeros(1)
    return _count_groups(common, np.argsort(-common, kind="stable"), longest)


def _suffix_array(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort all suffixes by doubling the length that is compared; 0 stands behind the end."""
    n = values.size
    base = int(values.max()) + 2
    length = int(62 / math.log2(base))  # Symbols that fit into 64 bits.
    padded = np.concatenate([values + 1, np.zeros(length, np.int64)])
    ranks = np.zeros(n, np.int64)
    for i in range(length):
        ranks = ranks * base + padded[i : i + n]
    while True:
        order = np.argsort(ranks)
        ordered = ranks[order]
        steps = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        if steps[-1] == n - 1:
            return order
        ranks = np.empty(n, np.int64)
        ranks[order] = steps + 1
        behind = np.zeros(n, np.int64)
        behind[: max(n - length, 0)] = ranks[length:]
        ranks = ranks * (n + 1) + behind
        length *= 2


@compiled
def _common_prefixes(values: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the common prefix of each suffix and the next one in order (Kasai et al.)."""
    n = values.size
    place = np.empty(n, np.int64)
    for i in range(n):
        place[order[i]] = i
    common = np.zeros(n - 1, np.int64)
    length = 0
    for i in range(n):
        if place[i] == n - 1:
            length = 0
            continue
        j = order[place[i] + 1]
        while i + length < n and j + length < n and values[i + length] == values[j + length]:
            length += 1
        common[place[i]] = length
        if length:
            length -= 1
    return common


@compiled
def _count_groups(
    common: NDArray[np.int64], descending: NDArray[np.int64], longest: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Join neighbouring suffixes, those with the longest common prefix first.

    Suffixes that are joined at a length begin with the same tuple of that length.
    """
    n = common.size + 1
    size = np.ones(n, np.int64)  # Of a group, at both of its ends.
    most, pairs = np.empty(longest, np.int64), np.empty(longest, np.float64)
    largest, together, done = 1, 0.0, 0
    for length in range(longest, 0, -1):
        while done < n - 1 and common[descending[done]] >= length:
            left_end = descending[done]
            left, right = size[left_end], size[left_end + 1]
            together += float(left) * float(right)
            size[left_end - left + 1] = size[left_end + right] = left + right
            largest = max(largest, left + right)
            done += 1
        most[length - 1], pairs[length - 1] = largest, together
    return most, pairs
