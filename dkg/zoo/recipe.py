"""A recipe: images, transformation domain and settings that a network is trained with."""

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dkg import data, paths
from dkg.domains import DOMAINS
from dkg.training import TrainConfig, TrainResult, train

SEEDED_DOMAINS = ("row-shuffle", "aes-ctr")
"""Transformation domains that take a random seed."""

_OF_THE_MACHINE = {"seed", "threads", "device", "log_every", "checkpoint_every", "sample_steps"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a network is trained on, and with which settings.

    Attributes
    ----------
    config : TrainConfig
        The settings.
    dataset : str
        Image set of the seed images, one of `dkg.data.SOURCES`.
    n_images : int, optional
        Use only the first N images. Default: all files, or 138 phantoms.
    origin : {'synthetic', 'files'}, optional
        Phantoms or files. Default: files where there are some, else phantoms.
    domain : str
        One of `dkg.domains.DOMAINS`.
    domain_seed : int
        Random seed of the domain, for `SEEDED_DOMAINS`.

    Raises
    ------
    ValueError
        If there is no such domain.
    """

    config: TrainConfig
    dataset: str = "montgomery"
    n_images: int | None = None
    origin: str | None = None
    domain: str = "chaotic-rgb"
    domain_seed: int = 0

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ValueError(f"no domain {self.domain!r}; there are: {', '.join(DOMAINS)}")

    @classmethod
    def of_entry(cls, entry: dict[str, Any], **machine: Any) -> "Recipe":
        """Return the recipe of an entry of the manifest.

        Parameters
        ----------
        entry : dict
            One of `dkg.zoo.entries`.
        **machine
            Settings of `dkg.training.TrainConfig` that the manifest leaves open, such as threads.
        """
        return cls(
            config=TrainConfig.from_mapping(entry["recipe"] | machine),
            dataset=entry["dataset"],
            n_images=entry["images"],
            origin=entry["origin"],
            domain=entry["domain"],
            domain_seed=entry.get("domain_seed", 0),
        )

    def load(self) -> tuple[data.ImageSet, NDArray[np.uint8]]:
        """Return the seed images and the images of the domain, uint8 (n, 256, 256, 3).

        Raises
        ------
        FileNotFoundError
            If the recipe names files and the data folder does not have them.
        """
        if self.origin == "synthetic":
            source = data.synthetic(self.dataset, self.n_images)
        else:
            source = data.load(self.dataset, n=self.n_images)
        if self.origin not in (None, source.origin):
            raise FileNotFoundError(
                f"{paths.data() / self.dataset}: no such folder, and this network is trained on "
                "the images in it; set DKG_DATA to the folder of the image sets"
            )
        return source, self.transform(source.images)

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the images of the domain for seed images, uint8 (n, 256, 256, 3)."""
        return DOMAINS[self.domain](images, self.domain_seed)

    def describe(self, source: data.ImageSet) -> dict[str, Any]:
        """Return what a network's file says of its training images."""
        about = {"dataset": self.dataset, "origin": source.origin, "domain": self.domain}
        seeded = self.domain in SEEDED_DOMAINS
        return about | ({"domain_seed": self.domain_seed} if seeded else {})

    def train(
        self,
        out: str | os.PathLike[str],
        images: tuple[data.ImageSet, NDArray[np.uint8]] | None = None,
        **options: Any,
    ) -> TrainResult:
        """Train the network, or go on with a training that was cut off.

        Parameters
        ----------
        out : path-like
            Folder of the run.
        images : tuple, optional
            What `load` returned, where it was called before.
        **options
            Of `dkg.training.train`: ``resume``, ``on_log``, ``progress``.

        Returns
        -------
        TrainResult
            Where the trained generator is, and how the run went.
        """
        source, target = images or self.load()
        about = self.describe(source)
        return train(self.config, source.images, target, out, description=about, **options)


def settings(config: TrainConfig | dict[str, Any]) -> dict[str, Any]:
    """Return the settings that make a network what it is, without those of machine and log."""
    values = config if isinstance(config, dict) else asdict(config)
    return {name: value for name, value in sorted(values.items()) if name not in _OF_THE_MACHINE}
