"""How an attack is scored, what chance gives, and when it counts as a success.

A sound cipher is said to fall to an attack in 1 of 1,000 evaluations, `FALSE_ALARMS`: that fixes
every limit before an attack is run.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dkg.attacks.scoring import standardised
from dkg.evaluation.measures.sample import mean_interval
from dkg.evaluation.outcomes import Attack, Attacked
from dkg.evaluation.protocol import Cipher, Image, UnusableCipher
from dkg.metrics.comparison import block_means

FALSE_ALARMS = 0.001
"""The probability that an attack succeeds on a cipher whose ciphertexts are independent noise."""

READ = 10.0
"""The share of correct bytes, in percent, from which on an image counts as read.

Ciphers that leave some pixels in their place let a few percent through by coincidence.
"""

_DRAWS = 20_000  # Of the mean over the images, to find its 99.9 % quantile.
_LARGEST_PICTURE = 512

Grid = NDArray[np.float64]


class NotApplicable(Exception):
    """Raised when an attack cannot be run on these images or this cipher; the message says why."""


@dataclass(frozen=True)
class Chance:
    """Where a score lies if the ciphertext has nothing to do with the plaintext.

    Attributes
    ----------
    low, high : float
        In 95 % of cases.
    limit : float
        The attack succeeds beyond it.
    below : bool
        Whether the attack succeeds below `limit`, and not above it.
    """

    low: float
    high: float
    limit: float
    below: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """What an attack found: a score for each trial, and a sentence."""

    scores: Sequence[float]
    chance: Chance
    sentence: str
    unit: str = ""
    interval: tuple[float, float] | None = None
    pictures: dict[str, Image] = field(default_factory=dict)


def attack(
    name: str, *, group: str, question: str, needs: Literal["images", "one key", "cipher"]
) -> Callable[[Callable[[Cipher, list[Image], np.random.Generator], Found]], Attack]:
    """Turn a function that returns `Found` into an `Attack`."""

    def made(function: Callable[[Cipher, list[Image], np.random.Generator], Found]) -> Attack:
        @functools.wraps(function)
        def run(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Attacked:
            try:
                return _outcome(function(cipher, images, rng), name, group, question)
            except (NotApplicable, UnusableCipher) as error:
                nan = np.nan
                return Attacked(
                    name, group, question, nan, nan, nan, nan, nan, None, "", f"{error}.", "", 0
                )

        return Attack(name, group, question, needs, run)

    return made


def _outcome(found: Found, name: str, group: str, question: str) -> Attacked:
    scores, chance = np.asarray(found.scores, float), found.chance
    score = float(scores.mean())
    low, high = found.interval or mean_interval(scores)
    side = "below" if chance.below else "above"
    return Attacked(
        name=name,
        group=group,
        question=question,
        score=score,
        low=low,
        high=high,
        chance_low=chance.low,
        chance_high=chance.high,
        succeeded=score < chance.limit if chance.below else score > chance.limit,
        rule=f"The score lies {side} {chance.limit:.4g}.",
        sentence=found.sentence,
        unit=found.unit,
        n=len(scores),
        pictures=found.pictures,
    )


def share_chance(n_bytes: int, baseline: float = 0.0, *, tries: int = 1) -> Chance:
    """Return the chance of a share of correct bytes, in percent: each is right in 1 of 256 cases.

    The limit is at least `READ`.

    Parameters
    ----------
    n_bytes : int
        The number of bytes in all trials.
    baseline : float, default 0
        A share in percent that is reached without the ciphertext, which the limit is not below.
    tries : int, default 1
        The number of shares of which the largest counts.
    """
    low, high, limit = (
        float(100 / n_bytes * stats.binom.ppf(q, n_bytes, 1 / 256))
        for q in (0.025, 0.975, 1 - FALSE_ALARMS / tries)
    )
    return Chance(low, high, max(limit, baseline, READ))


def most_frequent(image: Image) -> float:
    """Return the share of an image's most frequent byte value, in percent: a constant's success."""
    return float(100 * np.bincount(image.ravel(), minlength=256).max() / image.size)


def equal_share(first: Image, second: Image) -> float:
    """Return the share of equal bytes, in percent."""
    return float(100 * np.mean(first == second))


def cells(image: Image, side: int) -> Grid:
    """Return the means of blocks of `side` x `side` pixels and all channels, (rows, columns)."""
    grid: Grid = block_means(image, side).reshape(image.shape[0] // side, -1)
    return grid


def correlations(
    recovered: list[Grid], plain: list[Grid], rng: np.random.Generator, *, signed: bool = False
) -> tuple[list[float], Chance]:
    """Correlate recovered images with their plaintexts, and find what chance gives.

    Chance is taken from two models, and the one with the higher limit counts: the recovered cells
    are independent noise, or an image of their own kind that lies elsewhere. For the second one,
    the recovered image is shifted at random, cyclically and by an eighth of a side or more.

    Parameters
    ----------
    recovered, plain : list of numpy.ndarray
        (rows, columns) of cells, pairs of one shape; at least 3 x 3 cells.
    rng : numpy.random.Generator
        Draws the chance.
    signed : bool, default False
        Whether the sign is known. If not, a negative shows as much, and absolute values count.

    Returns
    -------
    scores : list of float
        The correlation of each pair, 0 where one of them is constant.
    chance : Chance
        Of the mean over the pairs.
    """
    scores, noise, shifted = [], np.zeros(_DRAWS), np.zeros(_DRAWS)
    for one, other in zip(recovered, plain, strict=True):
        all_shifts = _at_all_shifts(one, other)
        half = (one.size - 2) / 2
        drawn = 2 * rng.beta(half, half, _DRAWS) - 1
        if not signed:
            all_shifts, drawn = np.abs(all_shifts), np.abs(drawn)
        scores.append(float(all_shifts[0, 0]))
        rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) for n in one.shape)
        far = (rows[:, np.newaxis] >= len(rows) / 8) | (columns >= len(columns) / 8)
        noise += drawn
        shifted += rng.choice(all_shifts[far], _DRAWS)
    chances = [quantiles(draws / len(scores)) for draws in (noise, shifted)]
    return scores, max(chances, key=lambda chance: chance.limit)


def quantiles(draws: NDArray[np.float64]) -> Chance:
    """Return the chance of a score from draws of it."""
    low, high, limit = np.quantile(draws, (0.025, 0.975, 1 - FALSE_ALARMS))
    return Chance(float(low), float(high), float(limit))


def _at_all_shifts(first: Grid, second: Grid) -> Grid:
    """Return the correlation of two images at all cyclic shifts of the first one."""
    a, b = (standardised(x.reshape(1, -1)).reshape(x.shape) for x in (first, second))
    products: Grid = np.fft.irfft2(np.fft.rfft2(a).conj() * np.fft.rfft2(b), a.shape)
    return products


def as_picture(image: Image) -> Image:
    """Return an image to show: gray or RGB, at most 512 pixels a side."""
    if image.ndim > 2 and image.shape[2:] != (3,):
        image = image.reshape(*image.shape[:2], -1)[..., 0]
    step = -(-max(image.shape[:2]) // _LARGEST_PICTURE)
    return np.ascontiguousarray(image[::step, ::step])


def grid_picture(recovered: Grid, plain: Grid) -> Image:
    """Return a recovered coarse image to show, with the plaintext's sign."""
    sign = np.sign(_at_all_shifts(recovered, plain)[0, 0]) or 1.0
    low, high = np.percentile(sign * recovered, (1, 99))
    scaled = np.clip((sign * recovered - low) / max(high - low, 1e-9), 0, 1)
    return as_picture(np.rint(255 * scaled).astype(np.uint8))
