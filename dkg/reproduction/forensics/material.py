"""What the paper's numbers are measured on: for each network keys of its own and plaintexts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dkg import attacks, paths
from dkg.keys import KeyGenerator, list_weights, weights_entry
from dkg.training import read_log

Images = NDArray[np.uint8]

SETS = ("X-ray", "ultrasound", "MRI")
"""The kinds of plaintexts, in the order of the paper's tables."""

CONTRAST = 0.9
"""Factor of the last layer for `Material.softer`."""


@dataclass(frozen=True)
class Material:
    """What one network's numbers are measured on; stacks of n images of 256 x 256 x 3 bytes.

    Attributes
    ----------
    name : str
        The network.
    keys : ndarray of uint8
        Keys of n seed images.
    changed : ndarray of uint8
        Keys of the same seed images with one pixel inverted.
    other : ndarray of uint8
        Keys that another training of the recipe makes of the same seed images.
    softer : ndarray of uint8
        Keys of the same seed images with the last layer scaled by `CONTRAST`.
    plain : mapping of str to ndarray of uint8
        Plaintexts, by the names of `SETS`.
    entropy_by_step : mapping of int to float
        See `entropy_by_step`; empty if the training left no log.
    seed : int
        Random seed of the draws.
    """

    name: str
    keys: Images
    changed: Images
    other: Images
    softer: Images
    plain: Mapping[str, Images]
    entropy_by_step: Mapping[int, float] = field(default_factory=dict)
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """Return a new generator of the draws: every hypothesis sees the same ones."""
        return np.random.default_rng(self.seed)


def gather(
    generator: KeyGenerator,
    other: KeyGenerator,
    seed_images: Images,
    plain: Mapping[str, Images],
    seed: int = 0,
) -> Material:
    """Make the keys of one network.

    Parameters
    ----------
    generator, other : KeyGenerator
        The network, and another training of the same recipe.
    seed_images : ndarray of uint8, shape (n, 256, 256, 3)
        At least two.
    plain : mapping of str to ndarray of uint8, shape (n, 256, 256, 3)
        Plaintexts, by the names of `SETS`.
    seed : int, default 0
        Random seed of the pixels that are inverted and of all later draws.

    Raises
    ------
    ValueError
        If there are fewer than two seed images or another number of plaintexts.
    """
    n = len(seed_images)
    if n < 2 or any(len(plain[name]) != n for name in SETS):
        raise ValueError(f"expected as many plaintexts as seed images, and at least 2, not {n}")
    pixel = (np.arange(n), *np.random.default_rng(seed).integers(256, size=(2, n)))
    return Material(
        name=generator.name,
        keys=generator.generate_many(seed_images),
        changed=generator.generate_many(attacks.change_pixel(seed_images, pixel, "inverted")),
        other=other.generate_many(seed_images),
        softer=generator.with_contrast(CONTRAST).generate_many(seed_images),
        plain=plain,
        entropy_by_step=entropy_by_step(generator.name),
        seed=seed,
    )


def gather_all(
    generators: Sequence[KeyGenerator],
    seed_images: Images,
    plain: Mapping[str, Images],
    n: int,
    seed: int = 0,
) -> list[Material]:
    """Make the keys of several trainings of one recipe, each a repetition of the experiment.

    Every network takes the next `n` seed images and the next `n` plaintexts of each set, so that
    differences between networks contain those between images. A set that is used up starts again.
    The other training of a network is the next one on the same images, where there is one.

    Parameters
    ----------
    generators : sequence of KeyGenerator
        At least two.
    seed_images : ndarray of uint8, shape (m, 256, 256, 3)
        Of any number. X-rays are taken from the second half on if they are the same images.
    plain : mapping of str to ndarray of uint8
        Plaintexts, by the names of `SETS`.
    n : int
        Images for each network, at least two.
    seed : int, default 0
        Random seed; each network's is a number higher than the last one's.

    Raises
    ------
    ValueError
        If there are fewer than two networks, or `n` is below 2.
    """
    if len(generators) < 2:
        raise ValueError(f"expected at least two trainings, not {len(generators)}")
    materials = []
    for number, generator in enumerate(generators):
        mine = {
            name: _share(images, number, n, len(images) // 2 if name == "X-ray" else 0)
            for name, images in plain.items()
        }
        other = generators[_partner(number, generators)]
        mine_too = _share(seed_images, number, n)
        materials.append(gather(generator, other, mine_too, mine, seed + number))
    return materials


def one_training_each(materials: Sequence[Material], number: int) -> Material:
    """Return material whose pairs come from a training each: its keys `number` and the next one.

    The keys of the first seed image are ``keys``, those of the second ``other``, so that a
    hypothesis that compares two trainings compares two seed images here.
    """

    def stacked(kind: str, place: int) -> Images:
        return np.stack([getattr(m, kind)[place % len(m.keys)] for m in materials])

    return Material(
        name="a training for each pair",
        keys=stacked("keys", number),
        changed=stacked("changed", number),
        other=stacked("keys", number + 1),
        softer=stacked("softer", number),
        plain={
            name: np.stack([m.plain[name][number % len(m.keys)] for m in materials])
            for name in SETS
        },
        seed=number,
    )


def entropy_by_step(network: str) -> dict[int, float]:
    """Return the mean key entropy over each thousand steps of a training, by their last step.

    Parameters
    ----------
    network : str
        A shipped network's name, or the path of a generator with its training's log beside it.

    Returns
    -------
    dict of int to float
        In bits; empty if there is no log.
    """
    shipped = network in list_weights()
    path = paths.WEIGHTS / weights_entry(network)["log"] if shipped else Path(network).parent
    path = path if path.suffix else path / "log.jsonl"
    if not path.is_file():
        return {}
    by_step: dict[int, list[float]] = {}
    for entry in read_log(path):
        if entry["event"] == "log":
            by_step.setdefault(-(-entry["step"] // 1000) * 1000, []).append(entry["key_entropy"])
    return {step: float(np.mean(entropies)) for step, entropies in by_step.items()}


def _share(images: Images, number: int, n: int, first: int = 0) -> Images:
    """Return the n images for the network of this number, from `first` on, in a circle."""
    return images[(first + number * n + np.arange(n)) % len(images)]


def _partner(number: int, generators: Sequence[KeyGenerator]) -> int:
    """Return the number of the next network that was trained on the same images, or of the next."""
    of = [g.metadata.get("training", {}).get("description") for g in generators]
    following = [(number + step) % len(generators) for step in range(1, len(generators))]
    return next((i for i in following if of[i] == of[number]), following[0])
