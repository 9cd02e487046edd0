"""Prediction of key bytes from their neighbours by a small network. Not in the paper."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from dkg.attacks.optimization import minimize, reproducible
from dkg.attacks.upsampling_phases import PERIOD
from dkg.cipher import check_images

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
        Seed of the network's initial weights and of the choice of bytes. Default: the system's
        entropy.

    Returns
    -------
    Prediction
        Mean over the bytes of minus the logarithm to base 2 of the predicted probability.

    Raises
    ------
    ValueError
        If an argument is not as described.
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


def _log_histograms(
    keys: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log-probabilities of all bytes (256,), and those of each phase (48, 256)."""
    rows, columns = (np.arange(length) % PERIOD for length in keys.shape[1:3])
    phase = (rows[:, None] * PERIOD + columns)[..., None] * 3 + np.arange(3)
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
