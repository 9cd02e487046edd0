"""From keys and images to the paper's numbers: how Tables III to XV are measured, step by step.

Each function below makes the numbers of some tables, by name: ``"IV UACI"`` is the mean of a row
of a table, ``"IV UACI s.d."`` its standard deviation. The steps that a hypothesis changes are
arguments: which two keys are compared, which view of an image is taken (`View`), how two of them
are subtracted (`Measure`), which neighbours are correlated (`Correlate`).
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dkg import metrics
from dkg.metrics.image import correlation
from dkg.paper import TABLES
from dkg.reproduction.forensics.material import SETS, Images, Material

Numbers = dict[str, float]
View = Callable[[Images], Images]
Measure = Callable[[Images, Images], float]
Correlate = Callable[[Images, str, np.random.Generator], float]

DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}

_ABBREVIATIONS = ("npcr", "uaci", "mse", "ssim")
_SPREAD = ("IV", "XIV", "XV")  # Tables whose standard deviations are numbers too.
_CORRELATED = 4  # Images of Tables XI to XIII.


def paper_numbers() -> Numbers:
    """Return the numbers that the hypotheses are compared with, from the printed tables.

    Means of the rows of Tables III to XV without the entropies of plain images, which are inputs,
    and standard deviations of those of IV, XIV and XV.
    """
    numbers = {}
    for table in ("III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", *_SPREAD):
        for column, row in TABLES[table].items():
            if column == "plain_entropy":
                continue
            what = column.replace("cipher_entropy", "entropy").replace("_", " ")
            name = f"{table} {what.upper() if what in _ABBREVIATIONS else what}"
            numbers[name] = float(np.mean(row))
            if table in _SPREAD:
                numbers[f"{name} s.d."] = float(np.std(row, ddof=1))
    return numbers


def same(image: Images) -> Images:
    """Return the image as it is."""
    return image


def entropies(keys: Images, plain: Mapping[str, Images], view: View = same) -> Numbers:
    """Return the entropies of keys and ciphertexts (Tables III, V, VI and VII), in bits."""
    numbers = {"III entropy": _mean(metrics.entropy, map(view, keys))}
    for table, name in zip(("V", "VI", "VII"), SETS, strict=True):
        numbers[f"{table} entropy"] = _mean(metrics.entropy, map(view, plain[name] ^ keys))
    return numbers


def similarities(keys: Images, plain: Mapping[str, Images], *, legacy: bool = False) -> Numbers:
    """Return MSE and SSIM of plaintexts and ciphertexts (Tables VIII to X).

    With `legacy` bytes are read as signed 8-bit numbers, see `dkg.metrics.mse`.
    """
    numbers = {}
    for table, name in zip(("VIII", "IX", "X"), SETS, strict=True):
        ciphers = plain[name] ^ keys
        for what, measure in (("MSE", metrics.mse), ("SSIM", metrics.ssim)):
            numbers[f"{table} {what}"] = _mean(
                partial(measure, legacy=legacy), plain[name], ciphers
            )
    return numbers


def differences(
    a: Images,
    b: Images,
    plain: Mapping[str, Images],
    *,
    view: View = same,
    npcr: Measure = metrics.npcr,
    uaci: Measure = metrics.uaci,
) -> Numbers:
    """Return NPCR and UACI of two stacks of keys and of what they make of X-rays, in percent.

    Table IV compares the keys, XIV two ciphertexts of one image, XV the image and what the second
    key decrypts of its ciphertext. `view` is applied to each image before the comparison.
    """
    images = plain["X-ray"]
    numbers = {}
    compared = {"IV": (a, b), "XIV": (images ^ a, images ^ b), "XV": (images, images ^ a ^ b)}
    for table, stacks in compared.items():
        first, second = ([view(image) for image in stack] for stack in stacks)
        for what, measure in (("NPCR", npcr), ("UACI", uaci)):
            row = [measure(x, y) for x, y in zip(first, second, strict=True)]
            numbers[f"{table} {what}"] = float(np.mean(row))
            numbers[f"{table} {what} s.d."] = float(np.std(row, ddof=1))
    return numbers


def neighbours(
    keys: Images, plain: Mapping[str, Images], correlate: Correlate, rng: np.random.Generator
) -> Numbers:
    """Return mean absolute correlations of neighbours (Tables XI to XIII), four images each.

    `correlate` takes an image, a direction and a generator of draws, and returns a correlation;
    NaN, that of a constant, is left out.
    """
    numbers = {}
    for table, name in zip(("XI", "XII", "XIII"), SETS, strict=True):
        images = plain[name][:_CORRELATED]
        for kind, stack in (("plain", images), ("cipher", images ^ keys[:_CORRELATED])):
            for direction in DIRECTIONS:
                row = np.abs([correlate(image, direction, rng) for image in stack])
                known = row[~np.isnan(row)]
                numbers[f"{table} {kind} {direction}"] = float(
                    known.mean() if known.size else np.nan
                )
    return numbers


def random_pairs(image: Images, direction: str, rng: np.random.Generator) -> float:
    """Correlate 256 random pairs of neighbours, all channels in one sample."""
    return metrics.adjacent_correlation(image, direction, rng=rng)


def gray(image: Images) -> Images:
    """Return the gray picture (256, 256) by the weights of ITU-R BT.601, as Pillow has them."""
    return np.asarray(Image.fromarray(image).convert("L"))


def chosen_pairs(
    image: Images, places: tuple[NDArray[np.intp], NDArray[np.intp]], step: tuple[int, int]
) -> float:
    """Correlate the pixels at `places`, rows and columns, with those a `step` down and right."""
    (rows, columns), (down, right) = places, step
    inside = (rows + down < image.shape[0]) & (columns + right < image.shape[1])
    rows, columns = rows[inside], columns[inside]
    return correlation(image[rows, columns], image[rows + down, columns + right])


def ordinary(m: Material) -> Numbers:
    """Return all numbers as the paper's text has them measured, one pixel of the seed inverted."""
    return (
        entropies(m.keys, m.plain)
        | similarities(m.keys, m.plain)
        | differences(m.keys, m.changed, m.plain)
        | neighbours(m.keys, m.plain, random_pairs, m.rng())
    )


def _mean(measure: Callable[..., float], *stacks: object) -> float:
    return float(np.mean([measure(*images) for images in zip(*stacks, strict=True)]))
