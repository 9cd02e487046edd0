"""A network for an attack: loaded, named, or to be trained first."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dkg import domains
from dkg.data import ImageSet
from dkg.keys import KeyGenerator
from dkg.training import TrainConfig, train


@dataclass(frozen=True, kw_only=True)
class NetworkToTrain:
    """A network that an attack trains from scratch, to pass in place of a trained one.

    Attributes
    ----------
    config : TrainConfig
        The settings; its ``residual_blocks`` choose among networks A to D (Table XVI).
    source : ImageSet
        The seed images to train on.
    domain : str, default 'chaotic-rgb'
        One of `dkg.domains.DOMAINS`.
    domain_seed : int, default 0
        Seed of the domain, for those that have one.
    out : path-like, optional
        Folder of the run, where it is resumed if it was cut off (see `dkg.training.train`).
        Default: a folder that is removed after the training.
    """

    config: TrainConfig
    source: ImageSet
    domain: str = "chaotic-rgb"
    domain_seed: int = 0
    out: str | os.PathLike[str] | None = None

    def run(self) -> KeyGenerator:
        """Train the network.

        Returns
        -------
        KeyGenerator
            The trained generator.

        Raises
        ------
        ValueError
            If there is no such domain, or as `dkg.training.train` does.
        """
        if self.domain not in domains.DOMAINS:
            raise ValueError(f"no domain {self.domain!r}; there are: {', '.join(domains.DOMAINS)}")
        images = self.source.images
        target = domains.DOMAINS[self.domain](images, self.domain_seed)
        description = {
            "dataset": self.source.name,
            "origin": self.source.origin,
            "domain": self.domain,
            "domain_seed": self.domain_seed,
        }
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary if self.out is None else self.out)
            result = train(self.config, images, target, folder, description=description)
            return KeyGenerator.load(result.generator)


Network = KeyGenerator | NetworkToTrain | str | os.PathLike[str]
"""A network: loaded, to be trained, or by its shipped name or the path of its file."""


def resolve(network: Network) -> KeyGenerator:
    """Load or train a network, unless it is loaded already."""
    if isinstance(network, NetworkToTrain):
        return network.run()
    return KeyGenerator.load(network) if isinstance(network, str | os.PathLike) else network
