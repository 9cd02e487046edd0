"""Attacks that train a network: to predict key bytes, or with a backdoor. Not in the paper."""

import itertools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from dkg.acceleration import accelerate
from dkg.acceleration.process import threads
from dkg.attacks.ciphertext_only import PERIOD
from dkg.cipher import KEY_SHAPE, check_images
from dkg.keys import KeyGenerator
from dkg.models import Generator, images_to_tensor
from dkg.storage.checkpoints import save_tensors

_REACH = 3  # Pixels around a byte that the network sees.
_PHASES = 3 * PERIOD**2  # Upsampling phases of a byte, its channel included: 48.

_BATCH = 250  # Bytes in one step of training.


@dataclass(frozen=True)
class Prediction:
    """Cross-entropy per key byte, in bits; 8 for i.i.d. uniform bytes.

    Attributes
    ----------
    histogram : float
        Predicted from the frequency of each byte value.
    phase : float
        The same with a histogram for each upsampling phase: channel and place in a cell of 4 x 4
        pixels.
    network : float
        Predicted by a small network that sees the phase, and the neighbours above and to the left.
    """

    histogram: float
    phase: float
    network: float

    @property
    def bits_gained(self) -> float:
        """Bits per byte that the network saves over the histogram; 0 or less where it fails."""
        return self.histogram - self.network


def predict_bytes(
    known: NDArray[np.uint8],
    unseen: NDArray[np.uint8],
    *,
    samples: int = 150_000,
    seed: int | None = None,
) -> Prediction:
    """Learn to predict the bytes of keys from their neighbours.

    A small network (two hidden layers of 128) sees the pixels that come before a byte in reading
    order, up to three pixels away, and the channels of its own pixel that come before it. It
    learns how the histogram changes with them. Each byte is seen once, so that nothing can be
    memorized.

    Parameters
    ----------
    known : numpy.ndarray
        uint8 (n, height, width, 3), keys that the attacker has; at least 8 x 8 pixels.
    unseen : numpy.ndarray
        uint8 (m, height, width, 3), the keys that the cross-entropy is measured on.
    samples : int, default 150,000
        Bytes to learn from, at least 1,000; a third as many are predicted.
    seed : int, optional
        Seed of the network's initial weights and of the choice of bytes.

    Returns
    -------
    Prediction
        Mean over the bytes of minus the logarithm to base 2 of the predicted probability.
    """
    for name, keys in (("known", known), ("unseen", unseen)):
        check_images(keys, name)
        if min(keys.shape[1:3]) < 8:
            raise ValueError(f"{name} must have at least 8 x 8 pixels, not {keys.shape[1:3]}")
    if samples < 1000:
        raise ValueError(f"samples must be at least 1000, not {samples}")
    random = np.random.default_rng(seed)
    x, _, y = _neighbours(known, samples, random)
    x_unseen, phases_unseen, y_unseen = _neighbours(unseen, samples // 3, random)
    histogram, by_phase = _log_histograms(known)

    # A sum of cosines instead of 256 free numbers: neighbouring bytes are about as likely.
    cosines = np.cos(np.pi * np.outer(np.arange(1, 25), np.arange(256) + 0.5) / 256)
    basis, start = (torch.from_numpy(a).float() for a in (cosines, histogram))
    with reproducible(int(random.integers(2**63))):
        network = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, len(basis), bias=False),
        )
        torch.nn.init.zeros_(next(network[-1].parameters()))  # So that it starts as the histogram.

        def loss(step: int) -> torch.Tensor:
            batch = slice(_BATCH * step, _BATCH * (step + 1))
            return F.cross_entropy(network(x[batch]) @ basis + start, y[batch])

        minimize(network, loss, learning_rate=4e-3, steps=math.ceil(samples / _BATCH))
        with torch.inference_mode():
            learned = F.cross_entropy(network(x_unseen) @ basis + start, y_unseen).item()
    actual = y_unseen.numpy()
    nats = (-histogram[actual].mean(), -by_phase[phases_unseen, actual].mean(), learned)
    return Prediction(*(float(value / np.log(2)) for value in nats))


def _phases(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the upsampling phase of each byte of an image, 0 to 47, (height, width, 3)."""
    rows, columns = (np.arange(length) % PERIOD for length in shape)
    return (rows[:, None] * PERIOD + columns)[..., None] * 3 + np.arange(3)


def _log_histograms(
    keys: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log-probabilities of all bytes (256,), and those of each phase (48, 256)."""
    phase = _phases(keys.shape[1:3])
    # One is added to every count, so that no byte is impossible.
    counts = 1.0 + np.bincount((phase * 256 + keys).ravel(), minlength=_PHASES * 256).reshape(
        -1, 256
    )
    overall = np.log(counts.sum(axis=0) / counts.sum())
    return overall, np.log(counts / counts.sum(axis=1, keepdims=True))


def _neighbours(
    keys: NDArray[np.uint8], n: int, random: np.random.Generator
) -> tuple[torch.Tensor, NDArray[np.int64], torch.Tensor]:
    """Draw bytes: the network's input for each, its phase, and the byte itself."""
    index = random.integers(len(keys), size=n)
    row = random.integers(_REACH, keys.shape[1], size=n)
    column = random.integers(_REACH, keys.shape[2] - _REACH, size=n)
    channel = random.integers(3, size=n)
    offsets = itertools.product(range(-_REACH, 1), range(-_REACH, _REACH + 1))
    before = np.concatenate(
        [keys[index, row + i, column + j] for i, j in offsets if (i, j) < (0, 0)], axis=1
    )
    own = keys[index, row, column]
    phase = ((row % PERIOD) * PERIOD + column % PERIOD) * 3 + channel
    inputs = np.concatenate(
        [
            before / np.float32(127.5) - 1,
            np.where(np.arange(3) < channel[:, None], own / np.float32(127.5) - 1, 0),
            np.eye(_PHASES, dtype=np.float32)[phase],
        ],
        axis=1,
        dtype=np.float32,
    )
    y = own[np.arange(n), channel]
    return torch.from_numpy(inputs), phase, torch.from_numpy(y.astype(np.int64))


def ones_by_phase(keys: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how often the highest bit of keys is 1, for each upsampling phase and channel.

    Parameters
    ----------
    keys : numpy.ndarray
        uint8 (n, 256, 256, 3).

    Returns
    -------
    numpy.ndarray
        Shares from 0 to 1, float64 (4, 4, 3).
    """
    cells = (keys >> 7).reshape(-1, 64, 4, 64, 4, 3)
    shares: NDArray[np.float64] = cells.mean(axis=(0, 1, 3))
    return shares


def top_bits_by_phase(known: NDArray[np.uint8], unseen: NDArray[np.uint8]) -> float:
    """Return the share of top bits of keys that the upsampling phase alone predicts.

    For each phase (channel and place in a cell of 4 x 4 pixels) the more frequent value of the
    known keys' top bits is the guess.

    Parameters
    ----------
    known, unseen : numpy.ndarray
        uint8 (n, height, width, 3) and (m, height, width, 3), keys to learn from and keys to
        predict.

    Returns
    -------
    float
        0 to 1; 0.5 by chance.
    """
    for name, keys in (("known", known), ("unseen", unseen)):
        check_images(keys, name)
    phases = _phases(known.shape[1:3])
    ones = np.bincount(
        np.broadcast_to(phases, known.shape).ravel(), (known >> 7).ravel(), minlength=_PHASES
    )
    counts = len(known) * np.bincount(phases.ravel(), minlength=_PHASES)
    guess = 2 * ones > counts
    return float(np.mean(guess[_phases(unseen.shape[1:3])] == (unseen >> 7)))


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
        """Return images, uint8 (n, 256, 256, 3), with the mark in the upper left corner."""
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
        Random seed of mark, key and training.

    Raises
    ------
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


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seed torch and compute on one thread; afterwards both are as before."""
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def minimize(
    network: torch.nn.Module,
    loss: Callable[[int], torch.Tensor],
    *,
    learning_rate: float,
    steps: int,
) -> None:
    """Train a network in place by Adam, with a learning rate that rises to its value and falls.

    `loss` gives the loss, a scalar, at each step from 0 on.
    """
    optimizer = torch.optim.Adam(network.parameters(), learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for step in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(loss(step))
        optimizer.step()
        schedule.step()
