"""The adversarial training loop (paper, section III-D, Algorithm 1): `Trainer.fit` is the loop.

One "epoch" of the paper is one optimiser step with one image, so 20,000 epochs are 20,000 steps.
`dkg.callbacks` has what else happens during a training: log, sample keys, checkpoints. A run that
is killed and started again ends with the same weights, bit for bit (same random seed, CPU and
number of threads), since every random choice depends only on the random seed and the step.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dkg.acceleration import accelerate
from dkg.acceleration.graphs import CudaGraph
from dkg.acceleration.process import resolve_device as resolve_device
from dkg.acceleration.process import threads
from dkg.callbacks import Callback, Checkpoints, CollapseWatch, Log, ProgressBar, SampleKeys
from dkg.callbacks import TrainingFailed as TrainingFailed
from dkg.checkpoints import describe_images, read_checkpoint, restore
from dkg.cipher import check_images
from dkg.models import Discriminator, Generator, images_to_tensor, initialise
from dkg.settings import TrainConfig as TrainConfig
from dkg.storage.runs import RunFolder
from dkg.storage.runs import read_log as read_log

_SOURCE_ORDER, _TARGET_ORDER, _POOL = range(3)  # The random streams of one random seed.


def generator_loss(scores: Tensor, config: TrainConfig) -> Tensor:
    """Loss of the generator from the discriminator's scores of its keys (Eq. 2).

    The `scores` have any shape; ``loss``, ``non_saturating`` and ``real_label`` of `config` are
    used. The result is a scalar: ``mean((D(G(x)) - label)**2)`` for 'lsgan'; for 'gan'
    ``-mean(log D(G(x)))``, or ``mean(log(1 - D(G(x))))`` where not `non_saturating`, with D the
    sigmoid of the score.
    """
    if config.loss == "lsgan":
        return (scores - config.real_label).square().mean()
    if config.non_saturating:
        return F.softplus(-scores).mean()
    return -F.softplus(scores).mean()


def discriminator_loss(real: Tensor, fake: Tensor, config: TrainConfig) -> Tensor:
    """Loss of the discriminator (Eq. 3, with the sign turned to minimise).

    It takes the scores of images of the transformation domain (`real`) and of generated keys
    (`fake`), both of any shape, and ``loss`` and ``real_label`` of `config`. The result is a
    scalar, the mean of the two halves.
    """
    if config.loss == "lsgan":
        return ((real - config.real_label).square().mean() + fake.square().mean()) / 2
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


class KeyPool:
    """A pool of `size` earlier keys that the discriminator sees again, as in CycleGAN."""

    def __init__(self, size: int):
        self.size = size
        self.keys: Tensor | None = None  # (size, 3, H, W), of which `count` are filled.
        self.count = 0

    def swap(self, keys: Tensor, random: np.random.Generator) -> Tensor:
        """Return keys (B, 3, H, W); from a full pool, an earlier key with probability 1/2 each."""
        if self.size == 0:
            return keys
        if self.keys is None:
            self.keys = keys.new_empty(self.size, *keys.shape[1:])
        seen = []
        for key in keys:
            if self.count < self.size:
                self.keys[self.count] = key
                self.count += 1
                seen.append(key)
            elif random.random() < 0.5:
                index = int(random.integers(self.size))
                seen.append(self.keys[index].clone())
                self.keys[index] = key
            else:
                seen.append(key)
        return torch.stack(seen)


class Trainer:
    """Generator and discriminator, trained against each other.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    source, target : torch.Tensor
        Seed images and images of the transformation domain, float32 (n, 3, H, W) in [-1, 1].
    seed : int
        Random seed of the weights, the order of the images and the pool.
    device : torch.device
        Device of the networks.
    callbacks : sequence of dkg.callbacks.Callback
        Called after each step and at each event, in this order.

    Attributes
    ----------
    step : int
        Steps done.
    keys : torch.Tensor
        The keys of the last step, (B, 3, H, W); the next step may overwrite them.
    numbers : torch.Tensor
        Of the last step: the generator's loss, the discriminator's loss, and the discriminator's
        accuracy on real images and on the keys.
    """

    def __init__(
        self,
        config: TrainConfig,
        source: Tensor,
        target: Tensor,
        seed: int,
        device: torch.device,
        callbacks: Sequence[Callback] = (),
    ):
        self.config, self.seed, self.device = config, seed, device
        self.source, self.target = source, target
        self.callbacks = callbacks
        self.generator = Generator(**config.architecture)
        self.discriminator = Discriminator(config.discriminator_width)
        random = torch.Generator().manual_seed(seed)
        for network in (self.generator, self.discriminator):
            initialise(network, random)  # Eq. 6
            accelerate(network.to(device))
        self.optimisers = {
            name: torch.optim.Adam(
                network.parameters(),
                lr=config.learning_rate,
                betas=(config.beta1, config.beta2),
                fused=True,
                capturable=device.type == "cuda",
            )
            for name, network in self.networks.items()
        }
        self.pool = KeyPool(config.pool_size)
        self.graphs: dict[Callable[..., Any], CudaGraph] = {}
        self.step = 0
        self.seconds_before, self.began = 0.0, time.perf_counter()

    def fit(self, steps: int) -> None:
        """Train until `steps` steps are done, counted from the beginning (Algorithm 1)."""
        while self.step < steps:
            x = self.batch(self.source, _SOURCE_ORDER)  # Seed images, (B, 3, H, W)
            y = self.batch(self.target, _TARGET_ORDER)  # Transformation domain, (B, 3, H, W)
            self.keys, loss_g, right_on_keys = self._run(self._train_generator, x)  # Eqs. 2, 8
            pooled = self.pool.swap(self.keys, self.random(_POOL, self.step))
            loss_d, right_on_real = self._run(self._train_discriminator, y, pooled)  # Eq. 3
            self.numbers = torch.stack([loss_g, loss_d, right_on_real, right_on_keys])
            self.step += 1
            for callback in self.callbacks:
                callback.on_step(self)

    def _train_generator(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the keys, the generator's loss and the discriminator's accuracy on the keys."""
        keys = self.generator(x)  # (B, 3, H, W)
        self.discriminator.requires_grad_(False)
        scores = self.discriminator(keys)  # (B, H/16, W/16)
        loss = generator_loss(scores, self.config)
        self._descend("generator", loss)
        right = (scores.detach().mean(dim=(1, 2)) < self._boundary).float().mean()
        return keys.detach(), loss.detach(), right

    def _train_discriminator(self, y: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's loss and its accuracy on real images."""
        self.discriminator.requires_grad_(True)
        # Instance normalisation treats every image alone, so one pass may score both halves.
        real, fake = self.discriminator(torch.cat([y, keys])).split([len(y), len(keys)])
        loss = discriminator_loss(real, fake, self.config)
        self._descend("discriminator", loss)
        right = (real.detach().mean(dim=(1, 2)) > self._boundary).float().mean()
        return loss.detach(), right

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()

    @property
    def networks(self) -> dict[str, Generator | Discriminator]:
        """The networks by name."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def is_checkpoint(self) -> bool:
        """Whether a checkpoint is saved after this step."""
        return self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps

    @property
    def _boundary(self) -> float:
        """The threshold of the mean score, above which an image counts as real."""
        return 0.0 if self.config.loss == "gan" else self.config.real_label / 2

    def random(self, *stream: int) -> np.random.Generator:
        """Return the random generator of a stream; the same arguments give the same numbers."""
        return np.random.default_rng([self.seed, *stream])

    def batch(self, images: Tensor, stream: int) -> Tensor:
        """Return the images of this step, (B, 3, H, W): successive shuffles of the whole set."""
        size, n = self.config.batch_size, len(images)
        chosen = []
        for position in range(self.step * size, (self.step + 1) * size):
            order = self.random(stream, position // n).permutation(n)
            # An index on the CPU would make the GPU wait; a view does not.
            chosen.append(images[int(order[position % n])])
        return torch.stack(chosen).to(self.device)

    def _run(self, function: Callable[..., Any], *inputs: Tensor) -> Any:
        """Run one half of a step, on a GPU as a CUDA graph."""
        if self.device.type != "cuda":
            return function(*inputs)
        if function not in self.graphs:
            self.graphs[function] = CudaGraph(function)
        return self.graphs[function](*inputs)

    def emit(self, event: str, **values: Any) -> None:
        """Report an event at this step to the callbacks."""
        seconds = round(self.seconds_before + time.perf_counter() - self.began, 3)
        record = {"event": event, "step": self.step, "seconds": seconds, **values}
        for callback in self.callbacks:
            callback.on_event(self, record)


@dataclass(frozen=True)
class TrainResult:
    """What a finished run leaves.

    Attributes
    ----------
    out : pathlib.Path
        The run's folder.
    generator : pathlib.Path
        The trained generator, for `dkg.keys.KeyGenerator.load`.
    seed, step : int
        The random seed that was given or drawn, and the steps trained.
    key_entropy : float
        Entropy of the last logged key, in bits.
    collapsed : bool
        Whether the keys' entropy stayed below ``collapse_entropy`` for ``collapse_steps`` steps.
    """

    out: Path
    generator: Path
    seed: int
    step: int
    key_entropy: float
    collapsed: bool


def train(
    config: TrainConfig,
    source: NDArray[np.uint8],
    target: NDArray[np.uint8],
    out: str | os.PathLike[str],
    resume: bool = True,
    *,
    description: Mapping[str, Any] | None = None,
    on_log: Callable[[dict[str, Any]], None] | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train a generator and a discriminator (section III-D, Algorithm 1).

    Parameters
    ----------
    config : TrainConfig
        The settings.
    source : numpy.ndarray
        Seed images, uint8 (n, height, width, 3); height and width are multiples of 16, at least 32.
    target : numpy.ndarray
        Images of the transformation domain, uint8 (m, height, width, 3), of the same height and
        width. They are not paired with `source`: both are shuffled, each in its own order.
    out : path-like
        Folder of the run; created if it does not exist.
    resume : bool, default True
        Go on from the folder's checkpoint if there is one. ``steps`` may then be larger than it
        was. With False a folder that holds a checkpoint is an error.
    description : mapping, optional
        What the images are (data set, origin, domain), kept with the weights.
    on_log : callable, optional
        Called with every log record, for live plots.
    progress : bool, default True
        Show a progress bar where standard error is a terminal.

    Returns
    -------
    TrainResult
        Where the trained generator is, and how the run went.

    Raises
    ------
    ValueError
        If the images are not as described, or the checkpoint belongs to other settings or images
        or is past ``steps``.
    FileExistsError
        If `resume` is False and the folder holds a checkpoint.
    BlockingIOError
        If another process trains in this folder.
    TrainingFailed
        If a loss is no longer finite. The last checkpoint stays as it was.

    Warns
    -----
    RuntimeWarning
        If the keys' entropy stays below ``collapse_entropy`` for ``collapse_steps`` steps. The log
        then holds a line with ``"event": "collapsed"``, and the result says so.
    """
    source, target = _check("source", source), _check("target", target)
    if source.shape[1:] != target.shape[1:]:
        raise ValueError(
            f"source and target differ in shape: {source.shape[1:]} and {target.shape[1:]}"
        )
    about = describe_images(source, target, description or {})
    device = resolve_device(config.device)
    folder = RunFolder(out)
    with folder.locked():
        saved = read_checkpoint(folder, config, about["images"], resume=resume) or {}
        log = Log(folder, bool(saved), on_log)
        watch = CollapseWatch(
            folder, saved.get("low_entropy_steps", 0), saved.get("collapsed", False)
        )
        checkpoints = Checkpoints(folder, log, watch, about)
        bar = [ProgressBar()] if progress else []
        seed = secrets.randbits(63) if config.seed is None else config.seed
        with threads(saved.get("threads", config.threads)):
            trainer = Trainer(
                config,
                images_to_tensor(source, device),
                images_to_tensor(target, device),
                saved.get("seed", seed),
                device,
                [log, *bar, watch, SampleKeys(folder, log), checkpoints],
            )
            if saved:
                restore(trainer, folder.checkpoint, saved["step"])
            with contextlib.ExitStack() as stack:
                for callback in trainer.callbacks:
                    callback.on_start(trainer)
                    stack.callback(callback.close)
                trainer.fit(config.steps)
            checkpoints.save_weights(trainer)
    return TrainResult(
        out=folder.path,
        generator=folder.weights("generator"),
        seed=trainer.seed,
        step=trainer.step,
        key_entropy=log.key_entropy,
        collapsed=watch.collapsed,
    )


def _check(name: str, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    images = check_images(images, name)
    height, width = images.shape[1:3]
    if height % 16 or width % 16 or min(height, width) < 32:
        raise ValueError(
            f"{name} needs a height and width divisible by 16 and at least 32, not {images.shape}"
        )
    return images
