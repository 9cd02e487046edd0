"""Files of networks: checkpoints of a training, saved and checked, and trained generators, read."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from dkg import __version__, paths
from dkg.models import Generator
from dkg.storage.checkpoints import read_metadata
from dkg.storage.weights import shipped_networks

if TYPE_CHECKING:
    from dkg.settings import TrainConfig
    from dkg.storage.runs import RunFolder
    from dkg.training import Trainer

_RESUMABLE_CHANGES = {"steps", "sample_steps", "log_every", "checkpoint_every"}

# The metadata of a checkpoint.
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


def describe_images(
    source: NDArray[np.uint8], target: NDArray[np.uint8], description: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a run's files say of its images: their SHA-256, their number, what they are."""
    hashes = {
        name: hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
        for name, images in (("source", source), ("target", target))
    }
    return {
        "images": hashes,
        "n_source": len(source),
        "n_target": len(target),
        "description": dict(description),
    }


def tensors(trainer: "Trainer") -> dict[str, Tensor]:
    """Collect the networks, optimisers and pool of a training under flat names."""
    pool = trainer.pool.keys
    found = {"pool": torch.empty(0, 3, 0, 0) if pool is None else pool[: trainer.pool.count]}
    for name, network in trainer.networks.items():
        for key, value in network.state_dict().items():
            found[f"{name}.{key}"] = value
        for index, state in trainer.optimisers[name].state_dict()["state"].items():
            for key, value in state.items():
                found[f"{name}.adam.{index}.{key}"] = value
    return {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}


def restore(trainer: "Trainer", checkpoint: os.PathLike[str], step: int) -> None:
    """Put what `tensors` returned at a step back into a training.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    try:
        found = safetensors.torch.load_file(checkpoint)
        _check_tensors(trainer, found)
    except (ValueError, safetensors.SafetensorError) as error:
        version = _other_version(read_metadata(checkpoint))
        raise ValueError(f"{checkpoint}: damaged{version}: {error}") from error
    pool = found["pool"].to(trainer.device)
    trainer.pool.count = len(pool)
    if len(pool):
        trainer.pool.keys = pool.new_empty(trainer.pool.size, *pool.shape[1:])
        trainer.pool.keys[: len(pool)] = pool
    for name, network in trainer.networks.items():
        network.load_state_dict({k: found[f"{name}.{k}"] for k in network.state_dict()})
        optimiser = trainer.optimisers[name]
        state = optimiser.state_dict()
        state["state"] = {}
        for index in range(len(list(network.parameters()))):
            prefix = f"{name}.adam.{index}."
            of_index = {k[len(prefix) :]: v for k, v in found.items() if k.startswith(prefix)}
            if of_index:
                state["state"][index] = of_index
        optimiser.load_state_dict(state)
    trainer.step = step


def _check_tensors(trainer: "Trainer", found: dict[str, Tensor]) -> None:
    shapes = {
        f"{name}.{key}": value.shape
        for name, network in trainer.networks.items()
        for key, value in network.state_dict().items()
    }
    adam = {
        f"{name}.adam.{index}.{key}": value.shape if key != "step" else torch.Size()
        for name, network in trainer.networks.items()
        for index, value in enumerate(network.parameters())
        for key in ("step", "exp_avg", "exp_avg_sq")
    }
    pool = found.get("pool", torch.empty(0))
    if (
        # Before its first step an optimiser has no state.
        {key: value.shape for key, value in found.items() if key != "pool"}
        not in (shapes, shapes | adam)
        or any(value.dtype != torch.float32 for value in found.values())
        or pool.ndim != 4
        or pool.shape[1] != 3
        or len(pool) > trainer.pool.size
    ):
        raise ValueError("its tensors are not those of its settings")


def read_checkpoint(
    folder: "RunFolder", config: "TrainConfig", images: Mapping[str, str], *, resume: bool
) -> dict[str, Any] | None:
    """Return the metadata of a run's checkpoint, or None if there is none.

    Parameters
    ----------
    folder : RunFolder
        The run.
    config : TrainConfig
        The settings to go on with.
    images : mapping of str to str
        SHA-256 of ``source`` and ``target``.
    resume : bool
        Whether a checkpoint may be there.

    Raises
    ------
    FileExistsError
        If there is one and `resume` is False.
    ValueError
        If it is damaged, or belongs to other settings or images.
    """
    path = folder.checkpoint
    if not path.exists():
        return None
    if not resume:
        raise FileExistsError(f"{path} exists; resume it or choose another folder")
    metadata = read_metadata(path)
    if (
        any(type(metadata.get(name)) is not kind for name, kind in _STATE.items())
        or not 0 <= metadata["seed"] < 2**63
        or not 0 < metadata["threads"] <= _MOST_THREADS
        or min(metadata["step"], metadata["low_entropy_steps"]) < 0
    ):
        version = _other_version(metadata)
        raise ValueError(f"{path} is not a checkpoint of this package{version}; move it away")
    # A checkpoint that is older than a setting was made with its default.
    before = {name: default for name, default, _ in config.describe()} | metadata["config"]
    now = json.loads(json.dumps(dataclasses.asdict(config)))
    if unknown := sorted(set(before) - set(now)):
        raise ValueError(
            f"{path} has settings that are not known here{_other_version(metadata)}: "
            f"{', '.join(unknown)}; go on with the version that wrote it, or move it away"
        )
    before["seed"] = metadata["seed"]
    for name in ("seed", "threads"):
        now[name] = before[name] if now[name] is None else now[name]
    changed = [k for k in now if now[k] != before[k] and k not in _RESUMABLE_CHANGES]
    if changed:
        details = ", ".join(f"{k}: {before[k]!r} there, {now[k]!r} asked for" for k in changed)
        raise ValueError(f"{path} belongs to a run with other settings ({details})")
    if config.steps < metadata["step"]:
        raise ValueError(
            f"{path} is already at step {metadata['step']}, past the {config.steps} asked for"
        )
    for name, fingerprint in images.items():
        if metadata["images"].get(name) != fingerprint:
            raise ValueError(f"{path} belongs to a run on other {name} images")
    return metadata


def _other_version(metadata: Mapping[str, Any]) -> str:
    """Say which version wrote a file, if it was another one than this."""
    version = metadata.get("dkg", "an unknown version")
    return "" if version == __version__ else f" (written by dkg {version}, this is {__version__})"


def read_generator(path_or_name: str | None) -> tuple[Generator, Path, dict[str, Any]]:
    """Read a trained generator; see `dkg.keys.KeyGenerator.load`.

    Parameters
    ----------
    path_or_name : str or None
        The path of a file, or a shipped network's name; None for the first shipped network.

    Returns
    -------
    generator : dkg.models.Generator
        The network.
    path : pathlib.Path
        Its file.
    about : dict
        Its ``name``, the ``sha256`` of the file, whether the network is ``public``, and the
        file's ``metadata``.

    Raises
    ------
    FileNotFoundError
        If it is neither a shipped name nor a file.
    ValueError
        If the file does not hold a generator of this package, or a shipped file is not the one
        that the manifest names.
    """
    shipped = shipped_networks()
    name = path_or_name or next(iter(shipped))
    entry = shipped.get(name)
    path = paths.WEIGHTS / entry["file"] if entry else Path(name)
    if not entry and not path.is_file():
        raise FileNotFoundError(
            f"{name}: neither a file nor a shipped network (there are: {', '.join(shipped)})"
        )
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if entry and sha256 != entry["sha256"]:
        raise ValueError(f"{path}: its SHA-256 is {sha256}, but the manifest has {entry['sha256']}")
    metadata = read_metadata(path)
    if metadata.get("format") != "dkg generator 1":
        raise ValueError(
            f"{path}: holds {metadata.get('format', 'no format name')!r}, "
            "not 'dkg generator 1' as written by dkg.training.train"
        )
    try:
        generator = _make_generator(metadata, safetensors.torch.load(content))
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{path}: weights do not fit the architecture ({error})") from error
    # Older files lack the newer parameters of the architecture.
    metadata["architecture"] = generator.architecture
    public = _is_public(generator, metadata, shipped.values())
    about = {"name": name, "sha256": sha256, "public": public, "metadata": metadata}
    return generator, path, about


def weights_sha256(generator: Generator) -> str:
    """Return the SHA-256 of the weights themselves, in hexadecimal, whatever file they are in."""
    weights = generator.state_dict().values()
    return hashlib.sha256(
        b"".join(values.cpu().numpy().tobytes() for values in weights)
    ).hexdigest()


def _is_public(
    generator: Generator, metadata: dict[str, Any], shipped: Iterable[dict[str, Any]]
) -> bool:
    """Tell whether a network is a shipped one, whatever its file is called and holds besides.

    A network that was trained with the random seed of a shipped one, or continued from it, counts
    as public, too: anyone can train it again.
    """
    tensors, seed = weights_sha256(generator), metadata["training"].get("seed")
    return any(
        tensors == entry.get("tensors_sha256") or seed == entry.get("seed", ()) for entry in shipped
    )


def _make_generator(metadata: dict[str, Any], tensors: dict[str, Tensor]) -> Generator:
    """Make the network of a file, which may claim to be far larger than it is."""
    training = metadata.get("training")
    if type(training) is not dict or type(training.get("step")) is not int:
        raise ValueError("it does not say how many steps it was trained")
    if type(training.get("description")) is not dict:
        raise ValueError("it does not say what it was trained on")
    architecture = metadata.get("architecture")
    if type(architecture) is not dict or architecture.get("residual_blocks", 0) > len(tensors):
        raise ValueError(f"there are {len(tensors)} tensors, and it is {architecture!r}")
    with torch.device("meta"):  # Takes no memory.
        generator = Generator(**architecture)
    wanted = {name: (torch.float32, t.shape) for name, t in generator.state_dict().items()}
    if {name: (t.dtype, t.shape) for name, t in tensors.items()} != wanted:
        raise ValueError("names, types or shapes differ")
    if not all(t.isfinite().all() for t in tensors.values()):
        raise ValueError("there are values that are not finite")
    generator.load_state_dict({name: t.clone() for name, t in tensors.items()}, assign=True)
    return generator
