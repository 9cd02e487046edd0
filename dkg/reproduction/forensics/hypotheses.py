"""Hypotheses about how the paper's numbers were made, each a small function.

A hypothesis takes a `Material` and returns the numbers that it changes; all others stay as they
are measured by `ordinary`. Add one to `HYPOTHESES`, or pass your own list to `assess`:

>>> from dkg.reproduction.forensics import Hypothesis, differences
>>> def green(m):
...     return differences(m.keys, m.other, m.plain, view=lambda image: image[..., 1])
>>> mine = Hypothesis("two trainings, green channel", green, ("IV NPCR", "IV UACI"))

``post_hoc`` is True where somebody saw the number before having the idea, as for all but those
that follow from the paper's text or from the group's later public code [1]_ (``source``). A
post-hoc hypothesis that fits is a lead. It is no evidence of what was done.

References
----------
.. [1] https://github.com/miserrman/BEDN, file ``origin/quantitative.py`` among others.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image
from scipy import stats

from dkg.metrics.image import correlation
from dkg.reproduction.forensics.material import CONTRAST, Images, Material
from dkg.reproduction.forensics.pipeline import (
    DIRECTIONS,
    Numbers,
    chosen_pairs,
    differences,
    entropies,
    gray,
    neighbours,
    similarities,
)

_PAIRS = ("IV", "XIV", "XV")
NPCR = tuple(f"{table} NPCR" for table in _PAIRS)
UACI = tuple(f"{table} UACI" for table in _PAIRS)
ENTROPY = tuple(f"{table} entropy" for table in ("III", "V", "VI", "VII"))
SIMILARITY = tuple(f"{table} {what}" for table in ("VIII", "IX", "X") for what in ("MSE", "SSIM"))
PLAIN, CIPHER = (
    tuple(f"{table} {kind} {way}" for table in ("XI", "XII", "XIII") for way in DIRECTIONS)
    for kind in ("plain", "cipher")
)


@dataclass(frozen=True)
class Hypothesis:
    """A guess at how some of the paper's numbers were made.

    Attributes
    ----------
    name : str
        What would have been done.
    numbers : callable
        Takes a `Material` and returns the numbers that change, by name.
    aims : tuple of str
        The numbers that it is meant to explain.
    source : {'data', 'text', 'code', 'control'}
        Where the idea comes from: the numbers themselves, the paper's text, the group's later
        code; or a control that must not count as an explanation.
    """

    name: str
    numbers: Callable[[Material], Numbers]
    aims: tuple[str, ...]
    source: str = "data"

    @property
    def post_hoc(self) -> bool:
        """Whether the idea came from the numbers that it is meant to explain."""
        return self.source == "data"


def next_seed(keys: Images) -> Images:
    """Return for each key the key of the next seed image."""
    return np.roll(keys, -1, axis=0)


def signed_uaci(a: Images, b: Images) -> float:
    """Return UACI with differences that wrap around at -128 and 127, as 8-bit signed ones do."""
    return float(100 * np.abs((a - b).view(np.int8).astype(np.int16)).mean() / 255)


def signed_uaci_and_size(a: Images, b: Images) -> float:
    """Return `signed_uaci` with the absolute value in 8 bits too, where that of -128 is -128."""
    return float(100 * np.abs((a - b).view(np.int8)).mean(dtype=float) / 255)


def channel(image: Images, number: int = 0) -> Images:
    """Return one channel, red by default."""
    return image[..., number]


def through_jpeg(keys: Images, *, subsampling: int) -> Images:
    """Return keys after JPEG of quality 95; subsampling is 0 (4:4:4) or 2 (4:2:0)."""
    decoded = []
    for key in keys:
        stream = io.BytesIO()
        Image.fromarray(key).save(stream, "JPEG", quality=95, subsampling=subsampling)
        decoded.append(np.asarray(Image.open(stream).convert("RGB")))
    return np.stack(decoded)


def _uniform(m: Material) -> Images:
    return m.rng().integers(0, 256, m.keys.shape, dtype=np.uint8)


def _correlated(m: Material, rho: float = 0.56) -> tuple[Images, Images]:
    """Return uniform bytes whose normal scores correlate by `rho`; 0.56 gives UACI 21.5 %."""
    rng = m.rng()
    first = rng.normal(size=m.keys.shape)
    second = rho * first + np.sqrt(1 - rho**2) * rng.normal(size=m.keys.shape)
    a, b = (np.minimum(256 * stats.norm.cdf(x), 255).astype(np.uint8) for x in (first, second))
    return a, b


def _shared_top_bits(m: Material, share: float = 0.86) -> tuple[Images, Images]:
    """Return uniform bytes that are independent but for top bits that agree in a share."""
    rng = m.rng()
    a, b = rng.integers(0, 256, (2, *m.keys.shape), dtype=np.uint8)
    flipped = (rng.random(m.keys.shape) >= share).astype(np.uint8) << 7
    return a, (b & 127) | ((a & 128) ^ flipped)


def _with_keys(m: Material, keys: Images, second: Images | None = None) -> Numbers:
    """Return all numbers but correlations with these keys; the pair is them and the `second`.

    By default the second key is that of the next seed image.
    """
    second = next_seed(keys) if second is None else second
    return (
        entropies(keys, m.plain) | similarities(keys, m.plain) | differences(keys, second, m.plain)
    )


def _after_jpeg(m: Material, subsampling: int, two_seeds: bool) -> Numbers:
    through = partial(through_jpeg, subsampling=subsampling)
    return _with_keys(m, through(m.keys), None if two_seeds else through(m.changed))


def _joint(m: Material) -> Numbers:
    """Return the best joint fit of a first look: IV from gray pictures, XIV and XV signed."""
    a, b = m.softer, next_seed(m.softer)
    grays = differences(a, b, m.plain, view=gray)
    return (
        _with_keys(m, m.softer)
        | differences(a, b, m.plain, uaci=signed_uaci)
        | {name: value for name, value in grays.items() if name.startswith("IV UACI")}
    )


def _stopped_at(m: Material, step: int) -> Numbers:
    by_step = m.entropy_by_step
    return {"III entropy": by_step[step]} if step in by_step else {}


def _stopped_at_best(m: Material) -> Numbers:
    return {"III entropy": max(m.entropy_by_step.values())} if m.entropy_by_step else {}


def grid(image: Images, direction: str, rng: np.random.Generator, stride: int = 16) -> float:
    """Correlate the gray neighbours of a grid of 16 x 16 places from the corner on."""
    rows, columns = np.indices((256 // stride, 256 // stride)) * stride
    return chosen_pairs(gray(image), (rows, columns), DIRECTIONS[direction])


def block(image: Images, direction: str, rng: np.random.Generator, side: int = 16) -> float:
    """Correlate the gray neighbours of a block of 16 x 16 places in the middle."""
    rows, columns = np.indices((side, side)) + (256 - side) // 2
    return chosen_pairs(gray(image), (rows, columns), DIRECTIONS[direction])


def line(image: Images, direction: str, rng: np.random.Generator) -> float:
    """Correlate the gray neighbours along one line through the middle, in its direction."""
    (down, right), place = DIRECTIONS[direction], np.arange(256)
    middle = np.full(256, 128)
    places = (place if down else middle, place if right else middle)
    return chosen_pairs(gray(image), places, (down, right))


def at_lag(
    image: Images, direction: str, rng: np.random.Generator, lag: int = 1, swapped: bool = False
) -> float:
    """Correlate 256 random gray pixels with those `lag` further on; rows and columns `swapped`."""
    picture = gray(image).T if swapped else gray(image)
    down, right = DIRECTIONS[direction]
    rows, columns = rng.integers(0, 256 - lag, (2, 256))
    return chosen_pairs(picture, (rows, columns), (lag * down, lag * right))


def by_origin(image: Images, stride: int = 16) -> dict[str, np.ndarray]:
    """Correlate the gray neighbours of every grid of one stride.

    Returns for each direction the correlations, float (stride - 1, stride - 1), by the row and
    the column of the grid's first place.
    """
    picture, last = gray(image), stride - 1
    n = 256 // stride
    tiles = picture.reshape(n, stride, n, stride).swapaxes(1, 2).reshape(n * n, stride, stride)
    found = {}
    for direction, (down, right) in DIRECTIONS.items():
        neighbour = tiles[:, down : last + down, right : last + right]
        origins = zip(
            tiles[:, :last, :last].reshape(n * n, -1).T, neighbour.reshape(n * n, -1).T, strict=True
        )
        row = [correlation(x, y) for x, y in origins]
        found[direction] = np.reshape(row, (last, last))
    return found


def _pair(other: str, **how: object) -> Callable[[Material], Numbers]:
    """Return the function that compares keys with those of the next seed, or of `other` in m."""

    def numbers(m: Material) -> Numbers:
        second = next_seed(m.keys) if other == "seed" else getattr(m, other)
        return differences(m.keys, second, m.plain, **how)  # type: ignore[arg-type]

    return numbers


def _correlated_by(correlate: Callable[..., float], **how: object) -> Callable[[Material], Numbers]:
    return lambda m: neighbours(m.keys, m.plain, partial(correlate, **how), m.rng())


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(
        "i.i.d. uniform keys",
        lambda m: _with_keys(m, _uniform(m)),
        ENTROPY + NPCR + UACI,
        "control",
    ),
    Hypothesis("two seed images", _pair("seed"), NPCR + UACI),
    Hypothesis("two trainings", _pair("other"), NPCR + UACI),
    Hypothesis("two seed images, signed difference", _pair("seed", uaci=signed_uaci), UACI),
    Hypothesis("two trainings, signed difference", _pair("other", uaci=signed_uaci), UACI),
    Hypothesis(
        "two trainings, signed difference and size", _pair("other", uaci=signed_uaci_and_size), UACI
    ),
    Hypothesis("two seed images, gray first", _pair("seed", view=gray), NPCR + UACI),
    Hypothesis("two trainings, gray first", _pair("other", view=gray), NPCR + UACI),
    Hypothesis(
        "two trainings, gray first, signed difference",
        _pair("other", view=gray, uaci=signed_uaci),
        NPCR + UACI,
    ),
    Hypothesis("two seed images, one channel", _pair("seed", view=channel), NPCR + UACI),
    Hypothesis("two trainings, one channel", _pair("other", view=channel), NPCR + UACI),
    Hypothesis(
        "two trainings, one channel, signed difference",
        _pair("other", view=channel, uaci=signed_uaci),
        NPCR + UACI,
    ),
    Hypothesis(
        "uniform keys that correlate (r = 0.56)",
        lambda m: differences(*_correlated(m), m.plain),
        NPCR + UACI,
    ),
    Hypothesis(
        "uniform keys that share 86 % of the top bits",
        lambda m: differences(*_shared_top_bits(m), m.plain),
        NPCR + UACI,
    ),
    Hypothesis(
        "MSE and SSIM of signed bytes",
        lambda m: similarities(m.keys, m.plain, legacy=True),
        SIMILARITY,
        "code",
    ),
    Hypothesis(
        "entropy of gray pictures", lambda m: entropies(m.keys, m.plain, gray), ENTROPY, "code"
    ),
    *(
        Hypothesis(
            f"keys through JPEG, {name}{'; two seed images' if two_seeds else ''}",
            partial(_after_jpeg, subsampling=subsampling, two_seeds=two_seeds),
            ENTROPY + NPCR + UACI if two_seeds else ENTROPY,
            "data" if two_seeds else "code",
        )
        for two_seeds in (False, True)
        for name, subsampling in (("4:2:0", 2), ("4:4:4", 0))
    ),
    Hypothesis(
        f"last layer x {CONTRAST:g}; two seed images",
        lambda m: _with_keys(m, m.softer),
        ENTROPY + NPCR + UACI,
    ),
    Hypothesis(
        f"last layer x {CONTRAST:g}; two seed images, IV gray, XIV and XV signed",
        _joint,
        ENTROPY + NPCR + UACI,
    ),
    Hypothesis("stopped at step 13,000", partial(_stopped_at, step=13_000), ("III entropy",)),
    Hypothesis("stopped where the entropy is highest", _stopped_at_best, ("III entropy",), "text"),
    Hypothesis("correlations on a grid of stride 16", _correlated_by(grid), PLAIN + CIPHER),
    Hypothesis("correlations in a block of 16 x 16", _correlated_by(block), PLAIN + CIPHER),
    Hypothesis("correlations along one line", _correlated_by(line), PLAIN + CIPHER),
    Hypothesis("correlations at lag 8", _correlated_by(at_lag, lag=8), PLAIN + CIPHER),
    Hypothesis(
        "correlations at lag 8, rows and columns swapped",
        _correlated_by(at_lag, lag=8, swapped=True),
        PLAIN + CIPHER,
    ),
    Hypothesis(
        "correlations at lag 4, rows and columns swapped",
        _correlated_by(at_lag, lag=4, swapped=True),
        PLAIN + CIPHER,
    ),
)
"""The hypotheses that were tried, all of them, whatever their result."""
