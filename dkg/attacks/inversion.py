"""Learned inversion: a model reads ciphertexts of keys and images that it has never seen.

Not in the paper. The attacker encrypts known images with known keys and learns how the plaintext
follows from the ciphertext; the attacked ciphertexts have other keys and show other images. Nothing
can be learned about a sound stream cipher, whose ciphertext is independent of the plaintext.

Both models know nothing of the place in the image: what they recover comes from the ciphertext
alone, and never from what images of a kind have in common.
"""

from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from dkg.attacks.ciphertext_only import PERIOD
from dkg.attacks.learned import minimize, reproducible
from dkg.cipher import KEY_SHAPE, xor

METHODS = ("ridge", "U-Net")
"""Models of `fit`: the baseline and the strong one."""

_BATCH = 4
_PENALTY = 10.0  # Of the ridge regression, on bits of -0.5 and 0.5 and gray levels.


class Inversion(Protocol):
    """A fitted model."""

    def predict(self, ciphertexts: ArrayLike) -> NDArray[np.float32]:
        """Recover coarse plaintexts.

        Parameters
        ----------
        ciphertexts : numpy.ndarray
            uint8 (n, height, width, 3) or (n, height, width), with as many channels as those that
            the model was fitted to; the size may differ.

        Returns
        -------
        numpy.ndarray
            float32 (n, height / 4, width / 4), the estimated mean of each cell of 4 x 4 pixels
            and all channels, in gray levels; not clipped to 0 to 255. What is left over at the
            right and lower border is not used.
        """
        ...


def fit(
    ciphertexts: ArrayLike,
    plaintexts: ArrayLike,
    method: str = "ridge",
    *,
    steps: int = 200,
    seed: int | None = None,
    progress: bool = True,
) -> Inversion:
    """Learn to recover coarse plaintexts from ciphertexts of any cipher.

    Parameters
    ----------
    ciphertexts, plaintexts : numpy.ndarray
        uint8 (n, height, width, 3) or (n, height, width), pairs in the same order; at least one
        cell of 4 x 4 pixels for the ridge regression, 8 x 8 cells for the U-Net.
    method : {'ridge', 'U-Net'}, default 'ridge'
        Ridge regression of a cell's mean on the bits of the cell. Or a small U-Net [2]_ that sees
        the bits and the ridge regression's estimate of all cells.
    steps : int, default 200
        Steps of the U-Net's training, each with four images.
    seed : int, optional
        Random seed of the U-Net's weights and of the order of images. With the same seed, images
        and machine the model is the same. Default: the system's entropy.
    progress : bool, default True
        Show a progress bar of the U-Net's training where standard error is a terminal.

    Returns
    -------
    Inversion
        With the method ``predict``.

    Raises
    ------
    ValueError
        If the arrays differ in shape, are not uint8 images or too small, or `method` is unknown.

    References
    ----------
    .. [2] O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical
       Image Segmentation", MICCAI 2015.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    ciphertexts = check_stack(ciphertexts, "ciphertexts")
    plaintexts = check_stack(plaintexts, "plaintexts")
    if ciphertexts.shape != plaintexts.shape:
        raise ValueError(
            "ciphertexts and plaintexts must have the same shape, "
            f"not {ciphertexts.shape} and {plaintexts.shape}"
        )
    ridge = _Ridge(ciphertexts, plaintexts)
    if method == "ridge":
        return ridge
    if min(ciphertexts.shape[1:3]) < 8 * PERIOD:
        raise ValueError(
            f"the U-Net needs images of at least {8 * PERIOD} x {8 * PERIOD} pixels, "
            f"not {ciphertexts.shape[1:3]}"
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    return _UNetInversion(ridge, ciphertexts, plaintexts, steps, seed, progress)


def coarse(images: ArrayLike) -> NDArray[np.float32]:
    """Return the mean of each cell of 4 x 4 pixels and all channels.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3) or (n, height, width).

    Returns
    -------
    numpy.ndarray
        float32 (n, height / 4, width / 4), 0 to 255.
    """
    means: NDArray[np.float32] = _cells(check_stack(images, "images")).mean(
        axis=-1, dtype=np.float32
    )
    return means


def training_pairs(
    keys: ArrayLike, images: ArrayLike, n: int, *, seed: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Encrypt random images with random keys by XOR, for `fit`.

    An attacker who has the network can encrypt as many pairs as needed, whereas keys and images
    are few. Images are also turned over at random, upside down and left to right.

    Parameters
    ----------
    keys, images : numpy.ndarray
        uint8 (k, height, width, 3) and (m, height, width, 3).
    n : int
        Number of pairs, at least 1.
    seed : int, optional
        Random seed of the choice. Default: the system's entropy.

    Returns
    -------
    ciphertexts, plaintexts : numpy.ndarray
        uint8 (n, height, width, 3) each.
    """
    keys, images = check_stack(keys, "keys"), check_stack(images, "images")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    random = np.random.default_rng(seed)
    plain = images[random.integers(len(images), size=n)]
    down, across = random.integers(0, 2, (2, n), dtype=bool)
    plain[down] = plain[down][:, ::-1]
    plain[across] = plain[across][:, :, ::-1]
    return xor(plain, keys[random.integers(len(keys), size=n)]), plain


def low_entropy_keys(
    n: int, shape: tuple[int, int] = KEY_SHAPE[:2], *, seed: int | None = None
) -> NDArray[np.uint8]:
    """Make keys of a broken cipher, on which an attack must succeed: bits are 1 in 1 of 4 cases.

    Parameters
    ----------
    n : int
        Number of keys.
    shape : tuple of int, default (256, 256)
        Height and width.
    seed : int, optional
        Random seed. Default: the system's entropy.

    Returns
    -------
    numpy.ndarray
        uint8 (n, height, width, 3). A byte has 6.49 bits of Shannon's entropy and 3.32 bits of
        min-entropy.
    """
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 256, (2, n, *shape, 3), dtype=np.uint8)
    keys: NDArray[np.uint8] = first & second
    return keys


def check_disjoint(known: ArrayLike, unseen: ArrayLike, name: str) -> None:
    """Refuse a test on what was learned from.

    Parameters
    ----------
    known, unseen : numpy.ndarray
        uint8 stacks of images or keys: those to learn from, and those to test on.
    name : str
        What the error message calls them, such as ``"keys"``.

    Raises
    ------
    ValueError
        If one of `unseen` is also among `known`, with the numbers of both.
    """
    places = {np.asarray(array).tobytes(): i for i, array in enumerate(np.asarray(known))}
    for i, array in enumerate(np.asarray(unseen)):
        if (same := places.get(np.asarray(array).tobytes())) is not None:
            raise ValueError(
                f"{name} to test on must differ from those to learn from: number {i} of the test "
                f"is number {same} of the training"
            )


def check_stack(images: ArrayLike, name: str) -> NDArray[np.uint8]:
    """Return gray or color images as an array, or refuse what is not one."""
    images = np.asarray(images)
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)
    if images.dtype != np.uint8 or not fits or not images.size or min(images.shape[1:3]) < PERIOD:
        raise ValueError(
            f"{name} must be uint8 of shape (n, height, width) or (n, height, width, 3) with at "
            f"least 4 x 4 pixels, not {images.dtype} of shape {images.shape}"
        )
    return images


def _cells(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bytes of each cell, (n, rows, columns, 16 channels)."""
    n, height, width = images.shape[:3]
    rows, columns = height // PERIOD, width // PERIOD
    cut = images[:, : rows * PERIOD, : columns * PERIOD]
    cells = cut.reshape(n, rows, PERIOD, columns, PERIOD, -1).transpose(0, 1, 3, 2, 4, 5)
    return cells.reshape(n, rows, columns, -1)


def _bits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the bits of each cell as -0.5 and 0.5, (n, rows, columns, 128 channels)."""
    bits = np.unpackbits(_cells(images)[..., np.newaxis], axis=-1)
    return bits.reshape(*bits.shape[:3], -1) - np.float32(0.5)


class _Ridge:
    """Ridge regression of the mean of a cell on its bits."""

    def __init__(self, ciphertexts: NDArray[np.uint8], plaintexts: NDArray[np.uint8]):
        self.channels = ciphertexts.shape[3:]
        n_features = _bits(ciphertexts[:1]).shape[-1] + 1
        products, targets = np.zeros((n_features, n_features)), np.zeros(n_features)
        for i in range(len(ciphertexts)):
            x = _bits(ciphertexts[i : i + 1]).reshape(-1, n_features - 1)
            x = np.concatenate([x, np.ones((len(x), 1), np.float32)], axis=1)
            products += x.T @ x
            targets += x.T @ coarse(plaintexts[i : i + 1]).ravel()
        penalty = np.full(n_features, _PENALTY)
        penalty[-1] = 0  # The constant is free.
        solution = np.linalg.solve(products + np.diag(penalty), targets)
        self.weights, self.constant = solution[:-1].astype(np.float32), np.float32(solution[-1])

    def predict(self, ciphertexts: ArrayLike) -> NDArray[np.float32]:
        """As `Inversion.predict`."""
        ciphertexts = self.check(ciphertexts)
        return np.concatenate([self.of_bits(_bits(one[np.newaxis])) for one in ciphertexts])

    def of_bits(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the estimates (n, rows, columns) for what `_bits` returned."""
        estimates: NDArray[np.float32] = bits @ self.weights + self.constant
        return estimates

    def check(self, ciphertexts: ArrayLike) -> NDArray[np.uint8]:
        """Return ciphertexts that have the channels of those that the model was fitted to."""
        ciphertexts = check_stack(ciphertexts, "ciphertexts")
        if ciphertexts.shape[3:] != self.channels:
            kinds = {(): "gray images", (3,): "RGB images"}
            raise ValueError(
                f"the model was fitted to {kinds[self.channels]}, "
                f"not {kinds[ciphertexts.shape[3:]]}"
            )
        return ciphertexts


class _UNet(nn.Module):
    """Three levels of 3 x 3 convolutions, from the bits of all cells to one value for each.

    The image is continued periodically at its borders, so that no place differs from another.
    """

    def __init__(self, channels: int, width: int = 32):
        super().__init__()
        self.stem = nn.Linear(channels, width)  # A 1 x 1 convolution, with the channels last.
        self.down = nn.ModuleList(
            _convolution(n, 2 * width if i else width)
            for i, n in enumerate((width, width, 2 * width))
        )
        self.middle = _convolution(2 * width, 2 * width)
        self.up = nn.ModuleList(
            _convolution(n, m * width) for n, m in ((4 * width, 2), (4 * width, 1), (2 * width, 1))
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, rows, columns, channels) to (n, rows, columns); both sides multiples of 8."""
        x = F.relu(self.stem(x)).permute(0, 3, 1, 2)  # (n, width, rows, columns)
        levels = []
        for layer in self.down:
            x = F.relu(layer(x))
            levels.append(x)
            x = F.avg_pool2d(x, 2)
        x = F.relu(self.middle(x))
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0)
            x = F.relu(layer(torch.cat([x, levels.pop()], dim=1)))
        estimate: Tensor = self.head(x)[:, 0]
        return estimate


def _convolution(channels: int, filters: int) -> nn.Conv2d:
    return nn.Conv2d(channels, filters, 3, padding=1, padding_mode="circular")


class _UNetInversion:
    """A U-Net that improves on a ridge regression."""

    def __init__(
        self,
        ridge: _Ridge,
        ciphertexts: NDArray[np.uint8],
        plaintexts: NDArray[np.uint8],
        steps: int,
        seed: int | None,
        progress: bool,
    ):
        self.ridge = ridge
        wanted = coarse(plaintexts)
        self.mean, self.scale = float(wanted.mean()), float(wanted.std()) or 1.0
        random = np.random.default_rng(seed)
        rounds = -(-steps * _BATCH // len(wanted))
        order = np.concatenate([random.permutation(len(wanted)) for _ in range(rounds)])
        bar = tqdm(total=steps, unit="step", desc="U-Net", disable=None if progress else True)

        def loss(step: int) -> Tensor:
            bar.update()
            batch = order[_BATCH * step : _BATCH * (step + 1)]
            estimate = self.network(self._input(ciphertexts[batch]))
            rows, columns = wanted.shape[1:]
            target = torch.from_numpy((wanted[batch] - self.mean) / self.scale)
            return F.mse_loss(estimate[:, :rows, :columns], target)

        with bar, reproducible(int(random.integers(2**63))):
            self.network = _UNet(ridge.weights.size + 1)
            minimize(self.network, loss, learning_rate=2e-3, steps=steps)

    def predict(self, ciphertexts: ArrayLike) -> NDArray[np.float32]:
        """As `Inversion.predict`."""
        ciphertexts = self.ridge.check(ciphertexts)
        rows, columns = (length // PERIOD for length in ciphertexts.shape[1:3])
        recovered = np.empty((len(ciphertexts), rows, columns), np.float32)
        with torch.inference_mode(), reproducible(0):
            for i in range(len(ciphertexts)):
                estimate = self.network(self._input(ciphertexts[i : i + 1]))
                recovered[i] = estimate[0, :rows, :columns].numpy() * self.scale + self.mean
        return recovered

    def _input(self, ciphertexts: NDArray[np.uint8]) -> Tensor:
        """Return the ridge regression's estimate and the bits, (n, rows, columns, channels)."""
        bits = _bits(ciphertexts)
        estimate = (self.ridge.of_bits(bits) - self.mean) / self.scale
        x = np.concatenate([estimate[..., np.newaxis], bits], axis=-1)
        short = [(0, -length % 8) for length in x.shape[1:3]]
        return torch.from_numpy(np.pad(x, [(0, 0), *short, (0, 0)], mode="wrap"))
