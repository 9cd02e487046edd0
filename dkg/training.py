"""The adversarial training loop (paper, section III-D, Algorithm 1).

One "epoch" of the paper is one optimiser step with one image, so 20,000 epochs are 20,000 steps.

A run lives in one folder::

    checkpoint.safetensors     networks, optimisers and key pool, with the state as JSON metadata
    log.jsonl                  one JSON object per line: losses, accuracy, key entropy, events
    samples/key-000000.png     the key of the first source image, at chosen steps
    generator.safetensors      written at the end; `dkg.keys.KeyGenerator.load` reads it
    discriminator.safetensors  written at the end

A run that is killed at any moment and started again ends with the same weights, bit for bit, as
one that was left alone (same seed, CPU and number of threads): every random choice depends only on
the seed and the step, and everything else is in the checkpoint.
"""

import dataclasses
import hashlib
import json
import math
import os
import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from tqdm.auto import tqdm

from dkg import __version__
from dkg.metrics import entropy
from dkg.models import (
    CONVOLUTIONS,
    PADDINGS,
    Discriminator,
    Generator,
    images_to_tensor,
    initialise,
    keep_freed_memory,
    tensor_to_images,
)
from dkg.storage.files import atomic

_SOURCE_ORDER, _TARGET_ORDER, _POOL = range(3)  # Names of the random streams of one seed.
_RESUMABLE_CHANGES = {"steps", "sample_steps", "log_every", "checkpoint_every"}

# What a checkpoint says besides its tensors.
_STATE = {
    "config": dict,
    "images": dict,
    "seed": int,
    "step": int,
    "threads": int,
    "low_entropy_steps": int,
    "collapsed": bool,
}
_MOST_THREADS = 1024


def _setting(default: Any, source: str) -> Any:
    return field(default=default, metadata={"source": source})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run; the defaults are the paper's.

    ``describe()`` lists every setting with where its value comes from: the paper's section or
    equation, "group's code" for the later code of the same group, or "ours" where neither says.

    Raises
    ------
    ValueError
        If a setting is out of its range; the message names it and its value.
    """

    steps: int = _setting(20_000, "section IV: 'training epoch is set to 20000'")
    batch_size: int = _setting(1, "section IV: 'batch size is set to 1'")
    learning_rate: float = _setting(2e-4, "section IV: 'learning rate is 0.0002'")
    beta1: float = _setting(0.5, "section IV: 'decay rate of the first-order moment ... 0.5'")
    beta2: float = _setting(0.999, "section IV: 'the second-order moment estimation is 0.999'")
    loss: str = _setting("gan", "Eqs. 2-3; 'lsgan' (least squares) is the group's code")
    non_saturating: bool = _setting(
        True, "group's code; False minimises log(1 - D(G(x))), which is Eq. 2 to the letter"
    )
    real_label: float = _setting(0.9, "group's code; used by 'lsgan' only")
    pool_size: int = _setting(50, "group's code: D sees fakes from a pool of 50 earlier keys")
    residual_blocks: int = _setting(6, "Table I; Table XVI has 3, 6, 9, 12")
    convs_per_block: int = _setting(1, "Table I (221,184 parameters)")
    convolution: str = _setting(
        "standard", "Table I; 'mobilenet' and 'xception' are section VI's future work"
    )
    padding: str = _setting("reflection", "group's code; 'zero' is the other usual choice")
    generator_width: int = _setting(16, "Table I; the group's code has 32")
    discriminator_width: int = _setting(16, "Table II")
    seed: int | None = _setting(None, "ours; None draws from the system's entropy and records it")
    threads: int | None = _setting(None, "ours; CPU threads, None keeps torch's setting")
    device: str = _setting("auto", "ours; 'auto' is CUDA where there is one, else the CPU")
    log_every: int = _setting(50, "ours; steps")
    checkpoint_every: int = _setting(500, "ours; steps")
    sample_steps: tuple[int, ...] = _setting(
        (0, 500, 1000, 2000, 4000, 7000, 10_000, 13_000, 16_000, 20_000), "ours; steps"
    )
    collapse_entropy: float = _setting(5.0, "ours; bits, a key below it counts as collapsed")
    collapse_steps: int = _setting(1000, "ours; steps below the bound before it is reported")

    def __post_init__(self):
        """Check every setting."""
        at_least = {
            "steps": 1,
            "batch_size": 1,
            "pool_size": 0,
            "residual_blocks": 0,
            "generator_width": 1,
            "discriminator_width": 1,
            "log_every": 1,
            "checkpoint_every": 1,
            "collapse_steps": 1,
        }
        for name, bound in at_least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < bound:
                raise ValueError(f"{name} must be a whole number >= {bound}, not {value!r}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate!r}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), not {getattr(self, name)!r}")
        if self.loss not in ("gan", "lsgan"):
            raise ValueError(f"loss must be 'gan' or 'lsgan', not {self.loss!r}")
        if self.convs_per_block not in (1, 2):
            raise ValueError(f"convs_per_block must be 1 or 2, not {self.convs_per_block!r}")
        if self.convolution not in CONVOLUTIONS:
            raise ValueError(
                f"convolution must be one of {', '.join(CONVOLUTIONS)}, not {self.convolution!r}"
            )
        if self.padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {self.padding!r}")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be None or lie in [0, 2**63), not {self.seed!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be None or at least 1, not {self.threads!r}")

    @classmethod
    def describe(cls) -> list[tuple[str, Any, str]]:
        """List every setting as (name, default, where the default comes from)."""
        return [(f.name, f.default, f.metadata["source"]) for f in dataclasses.fields(cls)]

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "TrainConfig":
        """Make a configuration from names and values, as read from a file.

        Raises
        ------
        ValueError
            If a name is not a setting.
        """
        unknown = set(settings) - {f.name for f in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"unknown training settings: {', '.join(sorted(unknown))}")
        settings = dict(settings)
        if "sample_steps" in settings:
            settings["sample_steps"] = tuple(settings["sample_steps"])
        return cls(**settings)


class TrainingFailed(RuntimeError):
    """Training cannot go on: a loss is no longer a finite number."""


@dataclass(frozen=True)
class TrainResult:
    """What a finished run leaves.

    Attributes
    ----------
    out : pathlib.Path
        The run's folder.
    generator : pathlib.Path
        The trained generator, for `dkg.keys.KeyGenerator.load`.
    seed : int
        The seed that was given or drawn.
    step : int
        Steps trained.
    key_entropy : float
        Entropy of the last logged key, in bits.
    collapsed : bool
        Whether the keys' entropy stayed below the bound for the time that the configuration says,
        at any time of the run.
    """

    out: Path
    generator: Path
    seed: int
    step: int
    key_entropy: float
    collapsed: bool


def resolve_device(device: str = "auto") -> torch.device:
    """Return the torch device that a name means; ``'auto'`` is CUDA where there is one.

    Raises
    ------
    ValueError
        If there is no such kind of device, or a CUDA device is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be auto, cpu, cuda or another of torch's: {error}") from None
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} was asked for, but torch sees no CUDA device")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device {device!r} was asked for, but torch sees {torch.cuda.device_count()}, from "
            "cuda:0 on"
        )
    return resolved


def generator_loss(scores: Tensor, config: TrainConfig) -> Tensor:
    """Loss of the generator from the discriminator's scores of its keys (Eq. 2).

    Parameters
    ----------
    scores : torch.Tensor
        Scores of generated keys, any shape.
    config : TrainConfig
        ``loss``, ``non_saturating`` and ``real_label`` are used.

    Returns
    -------
    torch.Tensor
        Scalar: ``mean((D(G(x)) - label)**2)`` for 'lsgan'; for 'gan' ``-mean(log D(G(x)))``, or
        ``mean(log(1 - D(G(x))))`` where not `non_saturating`, with D the sigmoid of the score.
    """
    if config.loss == "lsgan":
        return (scores - config.real_label).square().mean()
    if config.non_saturating:
        return F.softplus(-scores).mean()
    return -F.softplus(scores).mean()


def discriminator_loss(real: Tensor, fake: Tensor, config: TrainConfig) -> Tensor:
    """Loss of the discriminator from its scores (Eq. 3, with the sign turned to minimise).

    Parameters
    ----------
    real, fake : torch.Tensor
        Scores of images of the transformation domain and of generated keys.
    config : TrainConfig
        ``loss`` and ``real_label`` are used.

    Returns
    -------
    torch.Tensor
        Scalar, the mean of the two halves.
    """
    if config.loss == "lsgan":
        return ((real - config.real_label).square().mean() + fake.square().mean()) / 2
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


class _Recorded:
    """A function of tensors on a GPU, whose kernels are recorded once and then started together.

    A step of small networks has several hundred kernels, and starting them one by one takes longer
    than running them. The outputs stay where they are in memory: the next call overwrites them.
    """

    WARM_UP = 3  # Libraries choose their algorithms, and the optimiser makes its state.

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]):
        self.function = function
        self.calls = 0
        self.stream = torch.cuda.Stream()  # What is recorded must not be on the usual one.

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Do what the function does."""
        self.calls += 1
        if self.calls <= self.WARM_UP:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                outputs = self.function(*inputs)
            torch.cuda.current_stream().wait_stream(self.stream)
            return outputs
        if self.calls == self.WARM_UP + 1:
            self.inputs = [x.clone() for x in inputs]
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):  # Nothing is computed yet.
                self.outputs = self.function(*self.inputs)
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.outputs


class _Trainer:
    """Everything that a checkpoint holds, and one step of it."""

    def __init__(self, config: TrainConfig, seed: int, device: torch.device):
        self.config = config
        self.seed = seed
        self.device = device
        self.step = 0
        self.low_entropy_steps = 0
        self.collapsed = False
        self.generator = Generator(
            config.residual_blocks,
            config.generator_width,
            config.convs_per_block,
            config.convolution,
            config.padding,
        )
        self.discriminator = Discriminator(config.discriminator_width)
        random = torch.Generator().manual_seed(seed)
        initialise(self.generator, random)
        initialise(self.discriminator, random)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator.to(device),
            "discriminator": self.discriminator.to(device),
        }
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
        self._recorded: dict[Callable, _Recorded] = {}
        self.pool = torch.empty(0, 3, 0, 0, device=device)
        self.pooled = 0  # Keys in the pool so far; the rest of it is room.

    def _order(self, stream: int, n_images: int) -> np.ndarray:
        """Choose the images of this step: successive shuffles of the whole set."""
        batch = self.config.batch_size
        positions = np.arange(self.step * batch, (self.step + 1) * batch)
        shuffles = {
            shuffle: np.random.default_rng([self.seed, stream, shuffle]).permutation(n_images)
            for shuffle in np.unique(positions // n_images).tolist()
        }
        return np.array([shuffles[p // n_images][p % n_images] for p in positions.tolist()])

    def _pooled(self, keys: Tensor) -> Tensor:
        """Swap keys with earlier ones, as CycleGAN does: a coin decides once the pool is full."""
        if self.config.pool_size == 0:
            return keys
        if not len(self.pool):
            self.pool = keys.new_empty(self.config.pool_size, *keys.shape[1:])
        random = np.random.default_rng([self.seed, _POOL, self.step])
        result = []
        for key in keys:
            if self.pooled < len(self.pool):
                self.pool[self.pooled] = key
                self.pooled += 1
                result.append(key)
            elif random.random() < 0.5:
                index = int(random.integers(len(self.pool)))
                result.append(self.pool[index].clone())
                self.pool[index] = key
            else:
                result.append(key)
        return torch.stack(result)

    def train_step(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Do one step of Algorithm 1.

        Returns the keys, which the next step may overwrite, and a tensor of four numbers: the
        generator's loss, the discriminator's loss, and the discriminator's accuracy on real images
        and on fresh keys.
        """
        x = self._chosen(source, _SOURCE_ORDER)  # (B, 3, H, W)
        y = self._chosen(target, _TARGET_ORDER)  # (B, 3, H, W)
        keys, loss_g, right_fake = self._run(self._train_generator, x)
        loss_d, right_real = self._run(self._train_discriminator, y, self._pooled(keys))
        self.step += 1
        return keys, torch.stack([loss_g, loss_d, right_real, right_fake])

    def _chosen(self, images: Tensor, stream: int) -> Tensor:
        # An index on the CPU would make the GPU wait; views do not.
        chosen = [images[index] for index in self._order(stream, len(images)).tolist()]
        return torch.stack(chosen).to(self.device)

    def _run(self, function: Callable[..., tuple[Tensor, ...]], *inputs: Tensor):
        """Run one half of a step, on a GPU recorded."""
        if self.device.type != "cuda":
            return function(*inputs)
        if function not in self._recorded:
            self._recorded[function] = _Recorded(function)
        return self._recorded[function](*inputs)

    def _train_generator(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Train the generator: keys, its loss and the discriminator's accuracy on the keys."""
        keys = self.generator(x)  # (B, 3, H, W)
        self.discriminator.requires_grad_(False)
        scores = self.discriminator(keys)  # (B, H/16, W/16)
        loss = generator_loss(scores, self.config)
        self.optimisers["generator"].zero_grad()
        loss.backward()
        self.optimisers["generator"].step()
        right = (scores.detach().mean(dim=(1, 2)) < self._boundary).float().mean()
        return keys.detach(), loss.detach(), right

    def _train_discriminator(self, y: Tensor, fakes: Tensor) -> tuple[Tensor, Tensor]:
        """Train the discriminator: its loss and its accuracy on real images."""
        self.discriminator.requires_grad_(True)
        # Instance normalisation treats every image alone, so one pass may score both halves.
        scores = self.discriminator(torch.cat([y, fakes]))
        real, fake = scores[: len(y)], scores[len(y) :]
        loss = discriminator_loss(real, fake, self.config)
        self.optimisers["discriminator"].zero_grad()
        loss.backward()
        self.optimisers["discriminator"].step()
        right = (real.detach().mean(dim=(1, 2)) > self._boundary).float().mean()
        return loss.detach(), right

    @property
    def _boundary(self) -> float:
        """The score between a key and a real image."""
        return 0.0 if self.config.loss == "gan" else self.config.real_label / 2

    def tensors(self) -> dict[str, Tensor]:
        """Collect the state under flat names."""
        tensors = {"pool": self.pool[: self.pooled]}
        for name, network in self.networks.items():
            for key, value in network.state_dict().items():
                tensors[f"{name}.{key}"] = value
            for index, state in self.optimisers[name].state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"{name}.adam.{index}.{key}"] = value
        return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `tensors` returned."""
        shapes = {
            f"{name}.{key}": value.shape
            for name, network in self.networks.items()
            for key, value in network.state_dict().items()
        }
        adam = {
            f"{name}.adam.{index}.{key}": value.shape if key != "step" else torch.Size()
            for name, network in self.networks.items()
            for index, value in enumerate(network.parameters())
            for key in ("step", "exp_avg", "exp_avg_sq")
        }
        found = {key: value.shape for key, value in tensors.items() if key != "pool"}
        pool = tensors.get("pool", torch.empty(0))
        if (
            # Before its first step an optimiser has no state.
            found not in (shapes, shapes | adam)
            or any(value.dtype != torch.float32 for value in tensors.values())
            or pool.ndim != 4
            or pool.shape[1] != 3
            or len(pool) > self.config.pool_size
        ):
            raise ValueError("its tensors are not those of its settings")
        pool = pool.to(self.device)
        self.pooled = len(pool)
        if self.pooled:
            self.pool = pool.new_empty(self.config.pool_size, *pool.shape[1:])
            self.pool[: self.pooled] = pool
        for name, network in self.networks.items():
            network.load_state_dict({k: tensors[f"{name}.{k}"] for k in network.state_dict()})
            optimiser = self.optimisers[name]
            state = optimiser.state_dict()
            state["state"] = {}
            for index in range(len(list(network.parameters()))):
                prefix = f"{name}.adam.{index}."
                found = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                if found:
                    state["state"][index] = found
            optimiser.load_state_dict(state)


def _fingerprint(images: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def _check_images(name: str, images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise ValueError(
            f"{name} must be a uint8 array of shape (n, height, width, 3) with n >= 1, "
            f"not {images.dtype} of shape {images.shape}"
        )
    if images.shape[1] % 16 or images.shape[2] % 16 or min(images.shape[1:3]) < 32:
        raise ValueError(
            f"{name} needs a height and width divisible by 16 and at least 32, not {images.shape}"
        )
    return images


def _save(path: Path, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> None:
    text = {key: json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    with atomic(path) as temporary:
        try:
            safetensors.torch.save_file(tensors, temporary, metadata=text)
        except safetensors.SafetensorError as error:  # Its word for a full disk.
            raise OSError(f"{path}: cannot be written: {error}") from error


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Read the metadata of a checkpoint or of trained weights.

    Parameters
    ----------
    path : path-like
        A safetensors file that this package wrote.

    Returns
    -------
    dict
        Values decoded from JSON.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a safetensors file with such metadata.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a safetensors file of this package ({error})") from error


def read_log(out: str | os.PathLike) -> list[dict[str, Any]]:
    """Read the log of a run.

    Parameters
    ----------
    out : path-like
        The run's folder, or the JSONL file itself.

    Returns
    -------
    list of dict
        One per line. Lines with ``"event": "log"`` hold ``step``, ``generator_loss``,
        ``discriminator_loss``, ``accuracy_real``, ``accuracy_fake`` (shares in [0, 1], means over
        the steps since the line before), ``key_entropy`` (bits, of the current key) and
        ``seconds``; ``"event": "sample"`` holds ``key_entropy``, the mean over the keys of the
        first eight source images. A last line that a kill cut short is left out.
    """
    path = Path(out)
    if path.is_dir():
        path = path / "log.jsonl"
    records = []
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
            float(record["seconds"]), int(record["step"]), record["event"]
        except (ValueError, TypeError, LookupError, RecursionError):
            break
        records.append(record)
    return records


def _generate(generator: Generator, images: np.ndarray, device: torch.device) -> np.ndarray:
    with torch.no_grad():
        keys = [
            tensor_to_images(generator(images_to_tensor(image[None], device))) for image in images
        ]
    return np.concatenate(keys)


def train(
    config: TrainConfig,
    source: np.ndarray,
    target: np.ndarray,
    out: str | os.PathLike,
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
        Seed images, uint8 (n, height, width, 3).
    target : numpy.ndarray
        Images of the transformation domain, uint8 (m, height, width, 3). They are not paired
        with `source`: both are shuffled, each in its own order.
    out : path-like
        Folder of the run; made if it is not there.
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
        If the images are not as described, or a checkpoint belongs to other settings or images.
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
    source, target = _check_images("source", source), _check_images("target", target)
    if source.shape[1:] != target.shape[1:]:
        raise ValueError(
            f"source and target differ in shape: {source.shape[1:]} and {target.shape[1:]}"
        )
    out = Path(out)
    (out / "samples").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BlockingIOError(f"{out}: another process is training in this folder") from None
    threads_before = torch.get_num_threads()
    try:
        return _train(config, source, target, out, resume, description or {}, on_log, progress)
    finally:
        torch.set_num_threads(threads_before)
        lock.release()


def _train(config, source, target, out, resume, description, on_log, progress) -> TrainResult:
    device = resolve_device(config.device)
    keep_freed_memory()
    checkpoint = out / "checkpoint.safetensors"
    log_path = out / "log.jsonl"
    images = {"source": _fingerprint(source), "target": _fingerprint(target)}

    if checkpoint.exists():
        if not resume:
            raise FileExistsError(f"{checkpoint} exists; resume it or choose another folder")
        metadata = read_metadata(checkpoint)
        _check_resumable(checkpoint, config, images, metadata)
        torch.set_num_threads(metadata["threads"])
        trainer = _Trainer(config, metadata["seed"], device)
        try:
            trainer.load(safetensors.torch.load_file(checkpoint))
        except (ValueError, safetensors.SafetensorError) as error:
            raise ValueError(f"{checkpoint}: damaged: {error}") from error
        trainer.step = metadata["step"]
        trainer.low_entropy_steps = metadata["low_entropy_steps"]
        trainer.collapsed = metadata["collapsed"]
        kept = [record for record in read_log(log_path) if record["step"] <= trainer.step]
    else:
        seed = secrets.randbits(63) if config.seed is None else config.seed
        torch.set_num_threads(config.threads or torch.get_num_threads())
        trainer = _Trainer(config, seed, device)
        kept = []
    with atomic(log_path) as temporary:
        temporary.write_text("".join(json.dumps(record) + "\n" for record in kept))
    seconds_before = kept[-1]["seconds"] if kept else 0.0
    began = time.perf_counter()

    def provenance() -> dict[str, Any]:
        return {
            "config": dataclasses.asdict(config),
            "seed": trainer.seed,
            "step": trainer.step,
            "low_entropy_steps": trainer.low_entropy_steps,
            "collapsed": trainer.collapsed,
            "threads": torch.get_num_threads(),
            "device": str(device),
            "images": images,
            "n_source": len(source),
            "n_target": len(target),
            "description": dict(description),
            "dkg": __version__,
            "torch": torch.__version__,
        }

    source_tensor, target_tensor = images_to_tensor(source), images_to_tensor(target)
    if device.type == "cuda":
        source_tensor, target_tensor = source_tensor.to(device), target_tensor.to(device)

    with log_path.open("a") as log:

        def write(event: str, **values: Any) -> None:
            seconds = round(seconds_before + time.perf_counter() - began, 3)
            record = {"event": event, "step": trainer.step, "seconds": seconds, **values}
            log.write(json.dumps(record) + "\n")
            log.flush()
            if on_log is not None:
                on_log(record)

        def sample() -> float:
            keys = _generate(trainer.generator, source[:8], device)
            with atomic(out / "samples" / f"key-{trainer.step:06d}.png") as temporary:
                # It is a key: of whoever uses this network and the first source image as a seed.
                temporary.touch(mode=0o600, exist_ok=False)
                Image.fromarray(keys[0]).save(temporary, format="PNG")
            mean = float(np.mean([entropy(key) for key in keys]))
            write("sample", key_entropy=mean)
            return mean

        if trainer.step == 0 and not kept:
            if 0 in config.sample_steps:
                sample()
            _save(checkpoint, trainer.tensors(), provenance())
        key_entropy = next((r["key_entropy"] for r in reversed(kept) if "key_entropy" in r), 0.0)
        bar = tqdm(
            total=config.steps,
            initial=min(trainer.step, config.steps),
            unit="step",
            disable=None if progress else True,
        )
        sums, counted = None, 0
        with bar:
            while trainer.step < config.steps:
                keys, numbers = trainer.train_step(source_tensor, target_tensor)
                sums, counted = (numbers if sums is None else sums + numbers), counted + 1
                bar.update()
                saving = trainer.step % config.checkpoint_every == 0 or trainer.step == config.steps
                if trainer.step % config.log_every == 0 or saving:
                    means = [float(v) for v in (sums / counted).tolist()]
                    if not all(math.isfinite(v) for v in means):
                        write("failed", losses=[repr(v) for v in means[:2]])
                        raise TrainingFailed(
                            f"{out}: a loss is not finite at step {trainer.step} "
                            f"(generator {means[0]}, discriminator {means[1]}); "
                            f"the checkpoint in {checkpoint} is from before"
                        )
                    key_entropy = entropy(tensor_to_images(keys[:1]))
                    names = (
                        "generator_loss",
                        "discriminator_loss",
                        "accuracy_real",
                        "accuracy_fake",
                    )
                    write("log", **dict(zip(names, means, strict=True)), key_entropy=key_entropy)
                    bar.set_postfix(
                        G=f"{means[0]:.3f}", D=f"{means[1]:.3f}", key=f"{key_entropy:.3f} bit"
                    )
                    if key_entropy >= config.collapse_entropy:
                        trainer.low_entropy_steps = 0
                    else:
                        trainer.low_entropy_steps += counted
                    if trainer.low_entropy_steps >= config.collapse_steps and not trainer.collapsed:
                        trainer.collapsed = True
                        write("collapsed", key_entropy=key_entropy)
                        warnings.warn(
                            f"{out}: the keys' entropy has been below {config.collapse_entropy} "
                            f"bits for {trainer.low_entropy_steps} steps (now {key_entropy:.3f} at "
                            f"step {trainer.step}): the generator has collapsed",
                            RuntimeWarning,
                            stacklevel=3,
                        )
                    sums, counted = None, 0
                if trainer.step in config.sample_steps:
                    sample()
                if saving:
                    log.flush()
                    os.fsync(log.fileno())
                    _save(checkpoint, trainer.tensors(), provenance())

    _write_weights(out, trainer, provenance())
    return TrainResult(
        out=out,
        generator=out / "generator.safetensors",
        seed=trainer.seed,
        step=trainer.step,
        key_entropy=key_entropy,
        collapsed=trainer.collapsed,
    )


def _write_weights(out: Path, trainer: _Trainer, training: dict[str, Any]) -> None:
    for name, network in trainer.networks.items():
        tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
        metadata = {
            "format": f"dkg {name} 1",
            "architecture": network.architecture,
            "training": training,
        }
        _save(out / f"{name}.safetensors", tensors, metadata)


def _check_resumable(checkpoint: Path, config: TrainConfig, images, metadata) -> None:
    if (
        any(type(metadata.get(name)) is not kind for name, kind in _STATE.items())
        or not 0 <= metadata["seed"] < 2**63
        or not 0 < metadata["threads"] <= _MOST_THREADS
        or min(metadata["step"], metadata["low_entropy_steps"]) < 0
    ):
        raise ValueError(f"{checkpoint} is not a checkpoint of this package; move it away")
    # A checkpoint that is older than a setting was made with its default.
    before = {name: default for name, default, _ in TrainConfig.describe()} | metadata["config"]
    now = json.loads(json.dumps(dataclasses.asdict(config)))
    before["seed"] = metadata["seed"]
    if now["seed"] is None:
        now["seed"] = metadata["seed"]
    if now["threads"] is None:
        now["threads"] = before["threads"]
    changed = [k for k in now if now[k] != before[k] and k not in _RESUMABLE_CHANGES]
    if changed:
        details = ", ".join(f"{k}: {before[k]!r} there, {now[k]!r} asked for" for k in changed)
        raise ValueError(f"{checkpoint} belongs to a run with other settings ({details})")
    if config.steps < metadata["step"]:
        raise ValueError(
            f"{checkpoint} is already at step {metadata['step']}, past the {config.steps} asked for"
        )
    for name, fingerprint in images.items():
        if metadata["images"].get(name) != fingerprint:
            raise ValueError(f"{checkpoint} belongs to a run on other {name} images")
