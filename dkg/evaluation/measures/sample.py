"""What a measure is given and returns: a sample of ciphertexts, and means beside uniform bytes."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Cipher, Image, Key, body, encrypted
from dkg.metrics import Ideal

LEVEL = 0.95

Tail = Literal["both", "upper", "lower"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Images and their ciphertexts, each under a random key of its own.

    Attributes
    ----------
    images : list of numpy.ndarray
        The plaintexts; empty where only ciphertexts are known.
    full : list of numpy.ndarray
        The ciphertexts with all of their rows.
    keys : list of object
        The key of each; empty where only files are known.
    cipher : Cipher or None
        None where only files are known.
    """

    images: list[Image]
    full: list[Image]
    keys: list[Key]
    cipher: Cipher | None = None

    @cached_property
    def ciphertexts(self) -> list[Image]:
        """The ciphertexts in the shape of their images."""
        if not self.images:
            return self.full
        return [body(c, image) for c, image in zip(self.full, self.images, strict=True)]

    @property
    def pairs(self) -> list[tuple[Image, Image]]:
        """Each image and its ciphertext."""
        return list(zip(self.images, self.ciphertexts, strict=True))


def encrypt_all(cipher: Cipher, images: Iterable[Image], rng: np.random.Generator) -> Sample:
    """Encrypt each image under a random key of its own."""
    images = list(images)
    keys = [cipher.random_key(rng) for _ in images]
    full = [encrypted(cipher, image, key) for image, key in zip(images, keys, strict=True)]
    return Sample(images, full, keys, cipher)


@dataclass(frozen=True)
class Measure:
    """A family of measures.

    Attributes
    ----------
    name : str
        The name by which it is chosen.
    title : str
        The `group` of its rows.
    needs : {'ciphertexts', 'pairs', 'cipher'}
        The ciphertexts alone, the plaintexts too, or the cipher itself.
    about : str
        One sentence on what it tells and what it does not.
    run : callable
        ``run(sample, rng)`` returns a list of `Measured`.
    timed : bool
        Whether the values are times, which differ in each run.
    """

    name: str
    title: str
    needs: Literal["ciphertexts", "pairs", "cipher"]
    about: str
    run: Callable[[Sample, np.random.Generator], list[Measured]]
    timed: bool = False


@dataclass(frozen=True)
class Simulated(Ideal):
    """Mean and standard deviation that are estimates from `draws` simulated values."""

    draws: int

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> "Simulated":
        """Return the estimates from simulated values, at least two."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))


def measured(
    name: str,
    group: str,
    values: Iterable[float],
    ideals: Iterable[Ideal] | None = None,
    *,
    where: str,
    unit: str = "",
    tail: Tail = "both",
    ends: tuple[float, float] = (-math.inf, math.inf),
    interval: tuple[float, float] | None = None,
) -> Measured:
    """Make the row of a measure from its value for each image.

    Parameters
    ----------
    name, group, where, unit
        As in `Measured`.
    values : iterable of float
        One for each image. NaN where it is undefined: the mean is over the others.
    ideals : iterable of Ideal, optional
        What i.i.d. uniform bytes give for each image.
    tail : {'both', 'upper', 'lower'}
        Which deviations count against randomness. With ``'upper'`` the interval begins at the
        first of `ends` and its end is the quantile of the gamma distribution with the same mean
        and variance, exact for chi-square; with ``'lower'`` it ends at the second of `ends`.
    ends : tuple of float
        The smallest and the largest value that are possible.
    interval : tuple of float, optional
        The interval of the mean, where it is known in another way.
    """
    kept = np.array(list(values), float)
    expected = list(ideals) if ideals is not None else []
    if expected:
        expected = [e for e, value in zip(expected, kept, strict=True) if not np.isnan(value)]
    kept = kept[~np.isnan(kept)]
    low, high = mean_interval(kept)
    ideal = float(np.mean([e.mean for e in expected])) if expected else None
    if expected and interval is None:
        interval = _interval(expected, tail, ends)
    if not kept.size or ideal is None:
        ideal, interval = None, None
    return Measured(
        name=name,
        group=group,
        value=float(kept.mean()) if kept.size else math.nan,
        low=low,
        high=high,
        ideal=ideal,
        ideal_low=interval[0] if interval else None,
        ideal_high=interval[1] if interval else None,
        unit=unit,
        n=int(kept.size),
        where=where,
    )


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return Student's 95 % interval of the mean; NaN for fewer than two finite values."""
    if values.size < 2 or not np.isfinite(values).all():
        return math.nan, math.nan
    margin = float(stats.t.isf((1 - LEVEL) / 2, values.size - 1) * stats.sem(values))
    return float(values.mean()) - margin, float(values.mean()) + margin


def _interval(expected: list[Ideal], tail: Tail, ends: tuple[float, float]) -> tuple[float, float]:
    """Return where the mean over the images lies in 95 % of cases for uniform bytes."""
    n = len(expected)
    mean = float(np.mean([e.mean for e in expected]))
    draws = [e.draws for e in expected if isinstance(e, Simulated)]
    # The mean of k draws has an error of its own, and so has their standard deviation. Images of
    # one size share the draws, so that the error of their mean does not shrink with their number.
    shared = len({(e.mean, e.standard_deviation) for e in expected}) == 1
    variance = sum(e.standard_deviation**2 for e in expected) / n**2
    freedom = math.inf
    if draws:
        errors = [e.standard_deviation**2 / k for e, k in zip(expected, draws, strict=True)]
        variance += errors[0] if shared else sum(errors) / n**2
        freedom = (draws[0] - 1) if shared else sum(k - 1 for k in draws)
    deviation = math.sqrt(variance)
    if tail == "upper":
        if not (mean > 0 and variance > 0):
            return ends[0], mean
        scale = variance / mean
        return ends[0], float(stats.gamma.isf(1 - LEVEL, mean / scale, scale=scale))
    two_sided = tail == "both"
    quantile = float(stats.t.isf((1 - LEVEL) / (2 if two_sided else 1), freedom))
    low = max(mean - quantile * deviation, ends[0])
    return low, min(mean + quantile * deviation, ends[1]) if two_sided else ends[1]


def each(function: Callable[..., float], *items: Iterable[object]) -> tuple[list[float], str]:
    """Apply a measure to each image; NaN where it is not defined, and why, in words."""
    values, reason = [], ""
    for arguments in zip(*items, strict=True):
        try:
            values.append(float(function(*arguments)))
        except ValueError as error:
            values.append(math.nan)
            reason = str(error)
    return values, reason


def explained(where: str, values: Iterable[float], reason: str = "") -> str:
    """Add to `where` for how many images a measure is undefined, and why."""
    missing = int(np.isnan(list(values)).sum())
    if not missing:
        return where
    return f"{where}; not defined for {missing} image{'s'[: missing > 1]}" + (
        f": {reason}" if reason else ""
    )


SIMULATED = 39
"""Draws of uniform bytes where there is no closed form."""


@lru_cache(maxsize=64)
def simulated(measure: Callable[[Image], float], n_bytes: int) -> Simulated:
    """Return what a measure of bytes gives for `SIMULATED` draws of i.i.d. uniform bytes.

    The draws depend on `n_bytes` alone, so that an evaluation is the same each time.
    """
    rng = np.random.default_rng(n_bytes)
    values = [measure(rng.integers(0, 256, n_bytes, np.uint8)) for _ in range(SIMULATED)]
    return Simulated.of(values)
