"""Which images of a set are used: rules for their order, and what another choice would change."""

from collections.abc import Sequence

import numpy as np

CHOICES = ("first", "spread")
"""Rules by which `load` orders the images of a set: as named, or evenly spread over the names."""


def halving(n: int) -> list[int]:
    """Return 0 to n - 1 in the order of the van der Corput sequence: 0, n/2, n/4, 3n/4, n/8, ..."""
    bits = n.bit_length()
    reversed_bits = (int(f"{k:0{bits}b}"[::-1], 2) for k in range(2**bits))
    return list(dict.fromkeys(n * place >> bits for place in reversed_bits))


def spread_of_choices(values: Sequence[float], k: int = 8) -> dict[str, float]:
    """Compare the mean of the first k images with what other choices of k images would give.

    Parameters
    ----------
    values : sequence of float
        One number for each image of the set, the chosen ones first.
    k : int, default 8
        How many are chosen; the paper's tables print eight.

    Returns
    -------
    dict of str to float
        ``images``, ``mean of all``, ``mean of the chosen``, and the standard deviation of the mean
        of k images that are drawn from all without replacement, sqrt((1 - k/n)/k) times the
        sample's. It is 0 where there are no others to choose.

    Raises
    ------
    ValueError
        If there are no values, or k is below 1.
    """
    n, k = len(values), min(k, len(values))
    if k < 1:
        raise ValueError(f"at least one value and one chosen image are needed, got {n} and {k}")
    of_others = np.std(values, ddof=1) * np.sqrt((1 - k / n) / k) if n > k else 0.0
    return {
        "images": n,
        "mean of all": float(np.mean(values)),
        "chosen": k,
        "mean of the chosen": float(np.mean(values[:k])),
        "standard deviation over other choices": float(of_others),
    }
