"""A panel: the network, the trainings of its recipe and the null models, measured alike."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dkg import cipher, data
from dkg.baselines import GENERATORS
from dkg.checkpoints import weights_sha256
from dkg.keys import KeyGenerator, KeySource
from dkg.models import Generator, images_to_tensor, initialise, tensor_to_images

TRAININGS = tuple(f"base-{images}-{i}" for images in ("phantom", "shenzhen") for i in range(1, 5))
"""The shipped trainings of the base recipe."""

AES, UNTRAINED, SHUFFLED = "AES-256-CTR", "untrained network", "shuffled pairs"
"""The null models: keys of AES keyed by a hash of the seed image, keys of networks with fresh
weights, and plaintexts beside the ciphertexts of other plaintexts."""

Bytes = NDArray[np.uint8]
Values = Mapping[str, Any]
Measure = Callable[..., Values]


class AesKeys:
    """Keys of AES-256 in counter mode, keyed by a hash of the seed image."""

    def generate(self, seed_image: Bytes) -> Bytes:
        """Return the key of a seed image, both uint8 (256, 256, 3)."""
        key: Bytes = GENERATORS[AES](seed_image, seed_image.size).reshape(seed_image.shape)
        return key


class Float64Keys:
    """Keys of a network that computes in double precision, as plain modules, not fixed-point.

    Parameters
    ----------
    network : KeyGenerator
        The network.
    """

    def __init__(self, network: KeyGenerator):
        self.network = Generator(**network.metadata["architecture"]).eval()
        weights = {name: torch.from_numpy(w) for name, w in network.weights().items()}
        self.network.load_state_dict(weights)
        self.network.double()

    def generate(self, seed_image: Bytes) -> Bytes:
        """Return the key of a seed image, both uint8 (256, 256, 3)."""
        with torch.inference_mode():
            keys = tensor_to_images(self.network(images_to_tensor(seed_image[None]).double()))
        key: Bytes = keys[0]
        return key


def untrained(seed: int) -> KeyGenerator:
    """Return a network of the base recipe that has not been trained.

    Parameters
    ----------
    seed : int
        Random seed of the weights.

    Returns
    -------
    KeyGenerator
        In exact arithmetic.
    """
    network = Generator()
    initialise(network, torch.Generator().manual_seed(seed))
    about = {"architecture": network.architecture, "training": {"step": 0, "description": {}}}
    name = f"{UNTRAINED}, random seed {seed}"
    digest = weights_sha256(network)
    return KeyGenerator(network, torch.device("cpu"), name, digest, False, about)


@dataclass
class Source:
    """A key source by name, with the keys of the panel's seed images, which are made once.

    Attributes
    ----------
    name : str
        Name of the network, or of the null model.
    maker : KeySource
        What makes the keys.
    seed_images : ndarray of uint8, shape (n, 256, 256, 3)
        The panel's seed images.
    """

    name: str
    maker: KeySource
    seed_images: Bytes
    _made: dict[bytes, Bytes] = field(default_factory=dict, repr=False)

    @property
    def keys(self) -> Bytes:
        """The keys of the seed images, uint8 (n, 256, 256, 3)."""
        return np.stack([self._kept(image) for image in self.seed_images])

    def generate(self, seed_image: Bytes) -> Bytes:
        """Return the key of a seed image, both uint8 (256, 256, 3)."""
        seed_image = np.asarray(seed_image)
        known = self._made.get(seed_image.tobytes())
        return self.maker.generate(seed_image) if known is None else known.copy()

    def generate_many(self, images: Bytes) -> Bytes:
        """Return the keys of seed images, both uint8 (n, 256, 256, 3)."""
        return np.stack([self.generate(image) for image in images])

    def _kept(self, image: Bytes) -> Bytes:
        content = image.tobytes()
        if content not in self._made:
            self._made[content] = self.maker.generate(image)
        return self._made[content]


@dataclass
class Measurements:
    """The same measurement of the network, of every training and of the null models.

    Attributes
    ----------
    network : dict
        Values by name: a number, a list of numbers, or a dict of them by label.
    trainings : dict of str to dict
        The same for each training.
    nulls : dict of str to list of dict
        The same for each null model, which may have several sources.
    images : list of ImageSet
        What was measured on.
    networks : list of KeyGenerator
        The networks that took part.
    seeds : dict of str to int
        The random seeds of the null models.
    """

    network: Values
    trainings: dict[str, Values] = field(default_factory=dict)
    nulls: dict[str, list[Values]] = field(default_factory=dict)
    images: list[data.ImageSet] = field(default_factory=list)
    networks: list[KeyGenerator] = field(default_factory=list)
    seeds: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """Return the network's values of one name."""
        return self.network[name]

    def __or__(self, other: "Measurements") -> "Measurements":
        """Return the measurements of both, by name."""
        images = {id(s): s for s in (*self.images, *other.images)}
        networks = {n.name: n for n in (*self.networks, *other.networks)}
        nulls = dict(self.nulls)
        for name, sources in other.nulls.items():
            mine = nulls.get(name, [{}] * len(sources))
            nulls[name] = [{**a, **b} for a, b in zip(mine, sources, strict=True)]
        names = dict.fromkeys((*self.trainings, *other.trainings))
        return Measurements(
            {**self.network, **other.network},
            {n: {**self.trainings.get(n, {}), **other.trainings.get(n, {})} for n in names},
            nulls,
            list(images.values()),
            list(networks.values()),
            self.seeds | other.seeds,
        )

    def map(self, function: Callable[[Values], Values]) -> "Measurements":
        """Return the measurements with a function applied to the values of every source."""
        return replace(
            self,
            network=function(self.network),
            trainings={name: function(values) for name, values in self.trainings.items()},
            nulls={name: [function(v) for v in sources] for name, sources in self.nulls.items()},
        )

    def means(self) -> pd.DataFrame:
        """Return the mean of every name, a row for each source, to be shown."""
        rows: dict[str, Values] = {"network": self.network, **self.trainings}
        for name, sources in self.nulls.items():
            several = len(sources) > 1
            rows |= {f"{name} {i}" if several else name: s for i, s in enumerate(sources, 1)}
        table = {
            source: {name: _mean(value) for name, value in values.items()}
            for source, values in rows.items()
        }
        return pd.DataFrame(table).T.rename_axis("mean of")


class Panel:
    """The network, the trainings of its recipe and the null models, each as a source of keys.

    Parameters
    ----------
    images : ImageSet
        The seed images, as `dkg.data.load` returned them.
    network : str, path-like or KeyGenerator, optional
        The shipped network. Default: the first that comes with the package.
    trainings : iterable of str, path-like or KeyGenerator, optional
        Networks of one recipe, each of a training of its own: names or paths. None given means
        `TRAININGS`. Intervals need eight.
    seed : int, default 0
        Random seed of the untrained networks; further ones have seed + 1 and so on.
    n_untrained : int, optional
        Number of untrained networks. Default: the number of trainings.
    seed_images : ndarray of uint8, optional
        What keys are made of, (n, 256, 256, 3), where this is not `images` in their order.

    Attributes
    ----------
    network : Source
        The shipped network.
    trainings : list of Source
        The trainings.
    nulls : dict of str to list of Source
        AES-256-CTR and the untrained networks.
    """

    def __init__(
        self,
        images: data.ImageSet,
        *,
        network: str | os.PathLike[str] | KeyGenerator | None = None,
        trainings: Iterable[str | os.PathLike[str] | KeyGenerator] = (),
        seed: int = 0,
        n_untrained: int | None = None,
        seed_images: Bytes | None = None,
    ):
        self.images = images
        self.seed = seed
        self.seed_images = images.images if seed_images is None else np.asarray(seed_images)
        chosen = [_load(name) for name in list(trainings) or TRAININGS]
        own = _load(network)
        same = [n for n in chosen if n.sha256 == own.sha256]
        self.generator = same[0] if same else own
        self.generators = {n.sha256: n for n in (self.generator, *chosen)}
        sources = {sha256: self._source(n.name, n) for sha256, n in self.generators.items()}
        self.network = sources[self.generator.sha256]
        self.trainings = [sources[sha256] for sha256 in dict.fromkeys(n.sha256 for n in chosen)]
        n_untrained = len(self.trainings) if n_untrained is None else n_untrained
        fresh = [untrained(seed + i) for i in range(n_untrained)]
        self.nulls = {
            AES: [self._source(AES, AesKeys())],
            UNTRAINED: [self._source(n.name, n) for n in fresh],
        }
        self.nulls = {name: sources for name, sources in self.nulls.items() if sources}

    def __str__(self) -> str:
        """Say which seed images, networks and null models take part."""
        about = f"{len(self.seed_images)} seed images of {self.images.name} ({self.images.origin})"
        names = {"network": [self.network.name], "trainings": [s.name for s in self.trainings]}
        names["null models"] = list(self.nulls)
        return "\n".join([about, *(f"{what}: {', '.join(of)}" for what, of in names.items())])

    @property
    def keys(self) -> Bytes:
        """The network's keys of the seed images, uint8 (n, 256, 256, 3)."""
        return self.network.keys

    def in_float64(self) -> "Panel":
        """Return the panel with networks that compute in double precision, not fixed-point.

        The null models are left out, which are the same.
        """
        panel: Panel = object.__new__(Panel)
        panel.__dict__ |= self.__dict__
        made = {n.name: self._source(n.name, Float64Keys(n)) for n in self.generators.values()}
        panel.network = made[self.network.name]
        panel.trainings = [made[source.name] for source in self.trainings]
        panel.nulls = {}
        return panel

    def measure(self, measure: Measure, plain: data.ImageSet | None = None) -> Measurements:
        """Measure the keys of every source, or the ciphertexts that they make.

        Parameters
        ----------
        measure : callable
            Takes keys, uint8 (n, 256, 256, 3), one for each seed image. With `plain` it takes
            plaintexts and ciphertexts, both of this shape. Returns a dict: a number, a list of
            numbers (one for each image), or a dict of them by label, under the names of the
            comparisons of a record.
        plain : ImageSet, optional
            Plaintexts, image i encrypted with key i. The network's plaintexts beside the
            ciphertexts of other plaintexts are then a further null model, "shuffled pairs".

        Returns
        -------
        Measurements
            What `measure` returned for every source.

        Raises
        ------
        ValueError
            If there are more plaintexts than keys.
        """
        if plain is None:
            return self._measured(lambda source: measure(source.keys))
        stack = plain.images
        if len(stack) > len(self.seed_images):
            raise ValueError(f"{len(stack)} plaintexts, but {len(self.seed_images)} keys")

        def encrypted(source: Source) -> Values:
            return measure(stack, cipher.xor(stack, source.keys[: len(stack)]))

        def shuffled(source: Source) -> Values:
            return measure(stack, np.roll(cipher.xor(stack, source.keys[: len(stack)]), 1, axis=0))

        made = self._measured(encrypted)
        if len(stack) > 1:
            made.nulls[SHUFFLED] = [shuffled(s) for s in self.trainings or [self.network]]
        made.images = list({id(s): s for s in (self.images, plain)}.values())
        return made

    def measure_sources(self, measure: Callable[[Source], Values]) -> Measurements:
        """Measure every source of keys, where other seed images are needed than the panel's.

        Parameters
        ----------
        measure : callable
            Takes a `Source`, with ``keys``, ``seed_images``, ``generate(seed_image)`` and
            ``generate_many(images)``, and returns a dict as in `measure`.

        Returns
        -------
        Measurements
            What `measure` returned for every source.
        """
        return self._measured(measure)

    def __iter__(self) -> Iterator[Source]:
        """Yield the network, the trainings and the null models, each once."""
        nulls = [source for sources in self.nulls.values() for source in sources]
        yield from {id(s): s for s in (self.network, *self.trainings, *nulls)}.values()

    def _measured(self, measure: Callable[[Source], Values]) -> Measurements:
        made = {id(source): measure(source) for source in self}
        return Measurements(
            made[id(self.network)],
            {source.name: made[id(source)] for source in self.trainings},
            {name: [made[id(s)] for s in sources] for name, sources in self.nulls.items()},
            [self.images],
            list(self.generators.values()),
            {"untrained networks": self.seed} if self.nulls else {},
        )

    def _source(self, name: str, maker: KeySource) -> Source:
        return Source(name, maker, self.seed_images)


def _load(network: str | os.PathLike[str] | KeyGenerator | None) -> KeyGenerator:
    return network if isinstance(network, KeyGenerator) else KeyGenerator.load(network or None)


def _mean(value: Any) -> float:
    """Return the mean of all numbers of a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence | np.ndarray):
        numbers = [_mean(inner) for inner in value if inner is not None]
        return float(np.mean(numbers)) if numbers else float("nan")
    return float(value)
