"""What the panels draw from: images, networks and keys, each made once, and uploads.

A network is called by its name in `dkg.keys.list_weights`, an image set by its name in
`dkg.data.NAMES`. `output` says how keys are read, 'paper' or 'low-order'. Images and keys are uint8
(256, 256, 3).
"""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dkg import attacks, baselines, cipher, data, domains
from dkg.acceleration.process import threads
from dkg.data import readers
from dkg.keys import OUTPUTS, KeyGenerator
from dkg.training import TrainConfig, train

N_IMAGES = 8
"""How many images of a set can be chosen from."""

SEEDS = "montgomery"
"""The image set whose images are the seed images."""

KEY_SIDE = cipher.KEY_SHAPE[0]
HALF = N_IMAGES // 2
TRAINING_STEPS = 3

# The server's connection to the browser breaks off at 10 MiB.
_LARGEST_UPLOAD = 9 * 2**20


@functools.cache
def network(name: str, output: str = "paper") -> KeyGenerator:
    """Load a shipped network, once."""
    with threads(1):
        return KeyGenerator.load(name, output=output)


@functools.cache
def images(name: str) -> np.ndarray:
    """Load the first images of a set, once: uint8 (n, 256, 256, 3), n at most `N_IMAGES`."""
    return data.load(name, n=N_IMAGES).images


def image_of(name: str, number: int) -> np.ndarray:
    """Return an image of a set by its number, from 0.

    Raises ValueError if the set has fewer images.
    """
    stack = images(name)
    if not 0 <= number < len(stack):
        raise ValueError(f"image {number}: the set {name} has images 0 to {len(stack) - 1}")
    image: np.ndarray = stack[number]
    return image


@functools.lru_cache(maxsize=128)
def _key(name: str, seed_bytes: bytes, output: str) -> np.ndarray:
    seed = np.frombuffer(seed_bytes, np.uint8).reshape(cipher.KEY_SHAPE).copy()
    with threads(1):
        key = network(name, output).generate(seed)
    key.setflags(write=False)
    return key


def key_of(name: str, seed_image: np.ndarray, output: str = "paper") -> np.ndarray:
    """Make a key, read-only, or return it if the same was made before.

    Raises ValueError if the seed image has another dtype or shape.
    """
    if seed_image.dtype != np.uint8 or seed_image.shape != cipher.KEY_SHAPE:
        raise ValueError(
            f"a seed image must be uint8 of shape {cipher.KEY_SHAPE}, "
            f"not {seed_image.dtype} of shape {seed_image.shape}"
        )
    return _key(name, seed_image.tobytes(), output)


@dataclass(frozen=True, eq=False)
class Upload:
    """An uploaded image.

    Attributes
    ----------
    name : str
        Name of the file.
    image : numpy.ndarray
        uint8 (256, 256, 3).
    words : str
        How it was changed, in a sentence.
    """

    name: str
    image: np.ndarray
    words: str


def read_upload(name: str, content: bytes) -> Upload:
    """Read an uploaded file.

    Unlike the images of a set, it keeps its proportions: what lacks to a square is black. What is
    transparent becomes white.

    Parameters
    ----------
    name : str
        Name of the file, for messages and, for DICOM files without a preamble, its suffix.
    content : bytes-like
        What is in it.

    Raises
    ------
    ValueError
        If it is no image, too large, or cannot be read; the message names the file.
    """
    name = Path(name.replace("\\", "/")).name or "upload"
    if len(content) > _LARGEST_UPLOAD:
        raise ValueError(
            f"{name}: has {len(content) / 2**20:.0f} MiB, more than the "
            f"{_LARGEST_UPLOAD // 2**20} MiB that can be uploaded"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload" + "".join(Path(name).suffixes[-2:]))
        path.write_bytes(content)
        try:
            pixels = readers.read_pixels(path, background=255)
            transparent = not np.array_equal(pixels, readers.read_pixels(path))
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(path), name)) from error
    height, width = pixels.shape[:2]
    side = max(height, width)
    above, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side, *pixels.shape[2:]), np.uint8)
    square[above : above + height, left : left + width] = pixels
    changes = [
        *(["its transparent parts laid over white"] if transparent else []),
        *([f"padded with black to {side} x {side}"] if height != width else []),
        *([f"resized to {KEY_SIDE} x {KEY_SIDE}"] if side != KEY_SIDE else []),
    ]
    words = f"{name}: {width} x {height} pixels, {', '.join(changes) or 'taken as it is'}."
    return Upload(name, readers.resize(square, KEY_SIDE, "lanczos"), words)


@dataclass(frozen=True)
class CachedKeys:
    """A shipped network with its keys cached, for attacks that ask for the same keys again."""

    name: str
    output: str

    def generate(self, seed_image: np.ndarray) -> np.ndarray:
        """Make a key; see `key_of`."""
        return key_of(self.name, seed_image, self.output)


def aes_key(seed_image: np.ndarray) -> np.ndarray:
    """Return the control's key: AES-256 in counter mode, keyed by a hash of the seed image."""
    return baselines.GENERATORS["AES-256-CTR"](seed_image, seed_image.size).reshape(
        seed_image.shape
    )


@functools.cache
def retrained_keys(random_seed: int) -> dict[str, np.ndarray]:
    """Train a network for three steps with a random seed, and make a key with it.

    Returns the key of the first seed image for each of `dkg.keys.OUTPUTS`.
    """
    config = TrainConfig(
        steps=TRAINING_STEPS, seed=random_seed, threads=1, device="cpu", sample_steps=()
    )
    seeds = images(SEEDS)
    with tempfile.TemporaryDirectory() as folder, threads(1):
        # No bar: a panel has its own sign that it computes, and a still picture needs none.
        train(config, seeds[:2], domains.chaotic(seeds[:2]), folder, progress=False)
        networks = _read_in_all_ways(Path(folder, "generator.safetensors"))
        return {output: network.generate(seeds[0]) for output, network in networks.items()}


@functools.cache
def predictions(name: str, output: str, samples: int) -> dict[str, attacks.Prediction]:
    """Learn to predict keys of a network, and of AES.

    A predictor learns from `samples` bytes of the keys of half of the seed images, and is tested on
    the keys of the others. Returns the predictions for ``"this network"`` and ``"AES"``.
    """
    seeds = images(SEEDS)
    generators = {"this network": CachedKeys(name, output).generate, "AES": aes_key}
    found = {}
    for source, generate in generators.items():
        keys = np.stack([generate(seed) for seed in seeds])
        found[source] = attacks.predict_bytes(keys[:HALF], keys[HALF:], samples=samples, seed=0)
    return found


@functools.cache
def planted_backdoor(name: str, steps: int) -> tuple[attacks.Backdoor, dict[str, KeyGenerator]]:
    """Plant a backdoor in a network, trained with the second half of the seed images.

    Returns what `dkg.attacks.plant_backdoor` returns after a training of `steps` steps, and its
    network for each of `dkg.keys.OUTPUTS`.
    """
    with tempfile.TemporaryDirectory() as folder, threads(1):
        path = Path(folder, "generator.safetensors")
        honest, seeds = network(name), images(SEEDS)[HALF:]
        backdoor = attacks.plant_backdoor(honest, seeds, path, steps=steps, seed=0)
        return backdoor, _read_in_all_ways(path)


def _read_in_all_ways(path: Path) -> dict[str, KeyGenerator]:
    return {output: KeyGenerator.load(path, "cpu", output=output) for output in OUTPUTS}
