"""Networks and keys that the attack panels need, each made once."""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dkg import attacks, baselines, domains
from dkg.acceleration.process import threads
from dkg.keys import OUTPUTS, KeyGenerator, list_weights
from dkg.training import TrainConfig, train
from dkg.widgets import sources

SEEDS = "montgomery"
"""The image set whose images are the seed images."""

HALF = sources.N_IMAGES // 2
TRAINING_STEPS = 3


@dataclass(frozen=True)
class CachedKeys:
    """A shipped network with its keys cached, for attacks that ask for the same keys again.

    Attributes
    ----------
    name : str
        One of `dkg.keys.list_weights`.
    output : {'paper', 'low-order'}
        How keys are read.
    """

    name: str
    output: str

    def generate(self, seed_image: np.ndarray) -> np.ndarray:
        """Make a key; see `dkg.widgets.sources.key_of`."""
        return sources.key_of(self.name, seed_image, self.output)


def aes_key(seed_image: np.ndarray) -> np.ndarray:
    """Return the control's key: AES-256 in counter mode, keyed by a hash of the seed image.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3).
    """
    return baselines.GENERATORS["AES-256-CTR"](seed_image, seed_image.size).reshape(
        seed_image.shape
    )


@functools.cache
def retrained_keys(random_seed: int) -> dict[str, np.ndarray]:
    """Train a network for three steps with a random seed, and make a key with it.

    Parameters
    ----------
    random_seed : int
        Of the training.

    Returns
    -------
    dict of str to numpy.ndarray
        For each way to read it, the key of the first seed image, uint8 (256, 256, 3).
    """
    config = TrainConfig(
        steps=TRAINING_STEPS, seed=random_seed, threads=1, device="cpu", sample_steps=()
    )
    seeds = sources.images(SEEDS)
    with tempfile.TemporaryDirectory() as folder, threads(1):
        # No bar: a panel has its own sign that it computes, and a still picture needs none.
        train(config, seeds[:2], domains.chaotic(seeds[:2]), folder, progress=False)
        networks = _read_in_all_ways(Path(folder, "generator.safetensors"))
        return {output: network.generate(seeds[0]) for output, network in networks.items()}


@functools.cache
def predictions(output: str, samples: int) -> dict[str, attacks.Prediction]:
    """Learn to predict keys of the default network, and of AES.

    Parameters
    ----------
    output : {'paper', 'low-order'}
        How the network's keys are read.
    samples : int
        Bytes to learn from, of the keys of half of the seed images; it is tried on the others.

    Returns
    -------
    dict of str to dkg.attacks.Prediction
        For ``"this network"`` and ``"AES"``.
    """
    seeds = sources.images(SEEDS)
    generators = {"this network": CachedKeys(list_weights()[0], output).generate, "AES": aes_key}
    found = {}
    for name, generate in generators.items():
        keys = np.stack([generate(seed) for seed in seeds])
        found[name] = attacks.predict_bytes(keys[:HALF], keys[HALF:], samples=samples, seed=0)
    return found


@functools.cache
def planted_backdoor(steps: int) -> tuple[attacks.Backdoor, dict[str, KeyGenerator]]:
    """Plant a backdoor in the default network, trained with the second half of the seed images.

    Parameters
    ----------
    steps : int
        Steps of the training.

    Returns
    -------
    backdoor : dkg.attacks.Backdoor
        As from `dkg.attacks.plant_backdoor`.
    networks : dict of str to dkg.keys.KeyGenerator
        Its network, for each way to read keys.
    """
    with tempfile.TemporaryDirectory() as folder, threads(1):
        path = Path(folder, "generator.safetensors")
        honest, seeds = sources.network(list_weights()[0]), sources.images(SEEDS)[HALF:]
        backdoor = attacks.plant_backdoor(honest, seeds, path, steps=steps, seed=0)
        return backdoor, _read_in_all_ways(path)


def _read_in_all_ways(path: Path) -> dict[str, KeyGenerator]:
    return {output: KeyGenerator.load(path, "cpu", output=output) for output in OUTPUTS}
