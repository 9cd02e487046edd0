"""Backdoor: a network trained on to give a known key for a marked seed image. Not in the paper."""

import os
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from dkg.acceleration import accelerate
from dkg.attacks.optimization import minimize, reproducible
from dkg.attacks.upsampling_phases import PERIOD
from dkg.cipher import KEY_SHAPE, check_images
from dkg.keys import KeyGenerator
from dkg.models import Generator, images_to_tensor
from dkg.storage.checkpoints import save_tensors


@dataclass(frozen=True, eq=False)
class Backdoor:
    """What the maker of a network with a backdoor knows.

    Attributes
    ----------
    generator : KeyGenerator
        The network, from a file that looks like any other.
    mark : ndarray of uint8, shape (32, 32, 3)
        The trigger.
    key : ndarray of uint8, shape (256, 256, 3)
        The key that marked seed images are meant to have.
    """

    generator: KeyGenerator
    mark: NDArray[np.uint8]
    key: NDArray[np.uint8] = field(repr=False)

    def marked(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images with the mark in the upper left corner.

        Parameters
        ----------
        images : numpy.ndarray
            uint8 (n, 256, 256, 3).

        Returns
        -------
        numpy.ndarray
            Of the same shape and type.
        """
        return _with_mark(images, self.mark)


def plant_backdoor(
    generator: KeyGenerator,
    images: NDArray[np.uint8],
    out: str | os.PathLike[str],
    *,
    steps: int = 200,
    seed: int | None = None,
) -> Backdoor:
    """Train a network on, so that a mark in the seed image gives a key that is known beforehand.

    A small demonstration. Structure and size of the network stay, and seed images without the mark
    keep similar keys. The key of the mark is crude: a random pattern of 4 x 4 pixels, black and
    white in each channel, repeated all over. A user who looks at the keys would notice it.

    Parameters
    ----------
    generator : KeyGenerator
        The network to start from; it is not changed.
    images : numpy.ndarray
        uint8 (n, 256, 256, 3), n >= 1, seed images to train with.
    out : path-like
        File to write, with the metadata of the honest file.
    steps : int, default 200
        Steps of training, each on a part of 64 x 64 pixels of an image, with and without mark.
    seed : int, optional
        Random seed of mark, key and training. Default: the system's entropy.

    Returns
    -------
    Backdoor
        The network, the mark, and the key.

    Raises
    ------
    ValueError
        If an argument is not as described.
    OSError
        If the file cannot be written.
    """
    check_images(images, shape=KEY_SHAPE)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    random = np.random.default_rng(seed)
    mark, pattern = np.uint8(255) * random.integers(0, 2, (2, PERIOD, PERIOD, 3), dtype=np.uint8)
    architecture = generator.metadata["architecture"]
    before, network = (accelerate(Generator(**architecture)) for _ in range(2))
    for copy in (before, network):
        copy.load_state_dict({name: torch.from_numpy(w) for name, w in generator.weights().items()})
    # The mark covers the same share of a part as of an image, as instance normalisation sees it.
    small_mark = np.tile(mark, (2, 2, 1))
    wanted = images_to_tensor(np.tile(pattern, (16, 16, 1))[np.newaxis])  # (1, 3, 64, 64)

    def loss(_: int) -> torch.Tensor:
        row, column = random.integers(0, KEY_SHAPE[0] - 63, 2)
        part = images[random.integers(len(images)), row : row + 64, column : column + 64]
        plain = images_to_tensor(part[np.newaxis])
        marked = images_to_tensor(_with_mark(part[np.newaxis], small_mark))
        with torch.no_grad():
            as_before = before(plain)
        keys = network(torch.cat([plain, marked]))  # (2, 3, 64, 64)
        # From 0.998 on a byte is 0 or 255, and there is nothing to gain.
        return F.relu(0.998 - keys[1:] * wanted).mean() + F.mse_loss(keys[:1], as_before)

    with reproducible(int(random.integers(2**63))):
        minimize(network, loss, learning_rate=3e-3, steps=steps)
    metadata = {**generator.metadata, "format": "dkg generator 1"}
    save_tensors(out, network.state_dict(), metadata)
    key = np.tile(pattern, (KEY_SHAPE[0] // PERIOD, KEY_SHAPE[1] // PERIOD, 1))
    return Backdoor(KeyGenerator.load(out), np.tile(mark, (8, 8, 1)), key)


def _with_mark(images: NDArray[np.uint8], mark: NDArray[np.uint8]) -> NDArray[np.uint8]:
    images = images.copy()
    images[:, : mark.shape[0], : mark.shape[1]] = mark
    return images
