"""What i.i.d. uniform bytes give: mean and standard deviation of the measures, and intervals."""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from dkg.metrics.image import LOCAL_BLOCKS, LOCAL_SIDE, check_at_least


@dataclass(frozen=True)
class Interval:
    """A closed interval; ``value in interval`` tells whether a measured value lies in it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Ideal:
    """Mean and standard deviation of a measure over i.i.d. uniform bytes, in the measure's unit."""

    mean: float
    standard_deviation: float

    def interval(self, alpha: float = 0.05) -> Interval:
        """Return the two-sided interval that i.i.d. uniform bytes miss with probability `alpha`.

        It is the mean plus and minus a normal quantile times the standard deviation. The
        distribution is taken as normal, which holds for the sizes of images and of the blocks of
        `local_entropy`. A few hundred bytes are too few: their entropy takes few values, and at
        `alpha` 0.05 that of 100 bytes misses the interval in 4.6 % of 100,000 draws.
        """
        half_width = scipy.stats.norm.isf(_level(alpha) / 2) * self.standard_deviation
        return Interval(float(self.mean - half_width), float(self.mean + half_width))


def ideal_entropy(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `entropy` over i.i.d. uniform bytes, in bits.

    Both are exact. For many bytes N they tend to 8 - 255 / (2 N ln 2), the bias of Miller and
    Madow (1955), and to sqrt(255 / 2) / (N ln 2). With N = 1936 they are the two constants of
    [3]_.
    """
    n = check_at_least(1, n_bytes, "n_bytes")
    mean_count = n / 256
    cell = scipy.stats.binom(n, 1 / 256)
    low, high = int(cell.ppf(1e-16)), int(cell.isf(1e-16))
    count = np.arange(low, high + 1)
    # The entropy is 8 minus the sum of this deficit over the 256 cells. The terms linear in the
    # count add up to zero; they keep each deficit small, so that little is lost to rounding.
    deficit = scipy.special.xlogy(count, count / mean_count) - count + mean_count
    deficit /= n * math.log(2)
    probability = cell.pmf(count)
    mean = probability @ deficit
    variance = probability @ (deficit - mean) ** 2
    # Given their total, independent Poisson counts are multinomial: two cells are a convolution
    # of Poisson terms, weighted by the chance that the other 254 cells hold the rest.
    weighted = scipy.stats.poisson.pmf(count, mean_count) * (deficit - mean)
    rest = n - np.arange(2 * low, 2 * high + 1)
    chance = scipy.stats.poisson.pmf(rest, 254 * mean_count) / scipy.stats.poisson.pmf(n, n)
    covariance = np.convolve(weighted, weighted) @ chance
    total = float(256 * variance + 256 * 255 * covariance)
    # A single byte always has entropy 0: rounding may then leave a variance just below zero.
    return Ideal(float(8 - 256 * mean), math.sqrt(max(total, 0.0)))


def local_entropy_interval(alpha: float = 0.05, *, circulating: bool = False) -> Interval:
    """Return the interval of `local_entropy` that i.i.d. uniform bytes miss with chance `alpha`.

    It is in bits. `circulating` selects the interval that [3]_ printed and that others copy,
    (7.901901, 7.903037) at 0.05. It divides the standard deviation of a block by 30 where the mean
    of 30 blocks asks for the square root of 30, and so refuses 72 % of i.i.d. data. To show, not to
    use.
    """
    block = ideal_entropy(LOCAL_SIDE**2)
    divisor = LOCAL_BLOCKS if circulating else math.sqrt(LOCAL_BLOCKS)
    return Ideal(block.mean, block.standard_deviation / divisor).interval(alpha)


def chi_square_critical_value(alpha: float = 0.05) -> float:
    """Return the statistic of `chi_square` that i.i.d. uniform bytes exceed with chance `alpha`.

    It is 293.25 at `alpha` 0.05.
    """
    return float(scipy.stats.chi2.isf(_level(alpha), 255))


def ideal_npcr(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `npcr` for two arrays of i.i.d. uniform bytes [2]_.

    Both are in percent; the mean is 99.6094.
    """
    n = check_at_least(1, n_bytes, "n_bytes")
    return Ideal(100 * 255 / 256, 100 * math.sqrt(255 / n) / 256)


def npcr_interval(n_bytes: int, alpha: float = 0.05) -> Interval:
    """Return the one-sided acceptance interval of `npcr`, in percent [2]_.

    It runs from the critical value to 100: two arrays of i.i.d. uniform bytes fall below it with
    probability `alpha`, up to the steps of a count.
    """
    ideal = ideal_npcr(n_bytes)
    low = ideal.mean - scipy.stats.norm.isf(_level(alpha)) * ideal.standard_deviation
    return Interval(float(low), 100.0)


def ideal_uaci(n_bytes: int) -> Ideal:
    """Return mean and standard deviation of `uaci` for two arrays of i.i.d. uniform bytes [2]_.

    Both are in percent; the mean is 33.4635.
    """
    n = check_at_least(1, n_bytes, "n_bytes")
    largest = 255
    mean = (largest + 2) / (3 * largest + 3)
    variance = (largest + 2) * (largest**2 + 2 * largest + 3) / (18 * (largest + 1) ** 2 * largest)
    return Ideal(100 * mean, 100 * math.sqrt(variance / n))


def uaci_interval(n_bytes: int, alpha: float = 0.05) -> Interval:
    """Return the two-sided acceptance interval of `uaci`, in percent [2]_.

    Two arrays of `n_bytes` i.i.d. uniform bytes each fall outside with probability `alpha`.
    """
    return ideal_uaci(n_bytes).interval(alpha)


def ideal_correlation(n_pairs: int) -> Ideal:
    """Return mean and standard deviation of `adjacent_correlation` over i.i.d. uniform bytes.

    For n = `n_pairs`, at least 2 and 256 in the paper, they are 0 and 1 / sqrt(n - 1), exact for
    pairs that share no pixel. Pairs that do, as with every pair of an image, move the mean by the
    order of -1 / n only.
    """
    return Ideal(0.0, 1 / math.sqrt(check_at_least(2, n_pairs, "n_pairs") - 1))


def _level(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    return alpha
