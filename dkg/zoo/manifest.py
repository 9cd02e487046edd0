"""The manifest of the shipped networks: which are missing, and how a trained one is installed."""

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import filelock
import tomli_w
from skimage import io

from dkg import paths
from dkg.checkpoints import read_generator, weights_sha256
from dkg.data.phantoms import chest_xray
from dkg.keys import KeyGenerator
from dkg.metrics import entropy
from dkg.settings import TrainConfig
from dkg.storage.checkpoints import read_metadata
from dkg.storage.files import atomic
from dkg.storage.weights import read_manifest
from dkg.zoo.recipe import settings

SAMPLE_STEPS = (0, 1000, 4000, 10_000, 20_000)
"""Steps whose sample keys are shipped with a network trained on phantoms."""

_HEAD = """\
# Every network that comes with the package, and its recipe; the first is the default.
# Written by dkg/zoo/manifest.py. An entry without a file is still to be trained: dkg train --zoo

"""

TERMS = {
    "weights": "MIT, as the package. They are public: keys made with them are for study only.",
    "synthetic": "Trained on phantoms that this package draws; no image of a person was used.",
    "files": "Trained on the Shenzhen chest X-ray set of the U.S. National Library of Medicine, "
    "de-identified and free to use with citation of S. Jaeger et al., IEEE Transactions on Medical "
    "Imaging 33(2), 2014, and S. Candemir et al., in the same issue. The weights hold no image of "
    "the set, and no sample key of these networks is shipped.",
}
"""Licence of the weights, and the terms of what they were trained on, by ``origin``."""


def entries() -> dict[str, dict[str, Any]]:
    """Return the manifest: every network's entry, trained or not.

    Returns
    -------
    dict
        By name. Each has ``about``, ``dataset``, ``origin`` (``'synthetic'`` or ``'files'``),
        ``images``, ``domain``, optionally ``domain_seed``, and ``recipe``, the settings of
        `dkg.training.TrainConfig`. A trained one also has ``file``, ``sha256``, ``log``, ``steps``,
        ``seed``, ``device``, ``threads``, ``torch``, ``source_sha256``, ``target_sha256``,
        ``key_entropy`` (bits, of its key of the first chest X-ray phantom) and ``samples``.
    """
    return read_manifest()


def missing() -> list[str]:
    """Return the names of the networks that are not trained, or not to their recipe's end."""
    return [
        name
        for name, e in entries().items()
        if "file" not in e or e["steps"] < e["recipe"]["steps"]
    ]


def run_folder(name: str) -> Path:
    """Return the folder of a network's training run, ``runs/zoo/NAME``."""
    return paths.runs() / "zoo" / name


def entry(name: str) -> dict[str, Any]:
    """Return the entry of a network.

    Raises
    ------
    ValueError
        If the manifest has no such network.
    """
    known = entries()
    if name not in known:
        raise ValueError(f"no network {name!r} in the manifest; it has: {', '.join(known)}")
    return known[name]


def install(run: str | os.PathLike[str], name: str) -> None:
    """Put a training run's network, log and sample keys into the package, and its manifest entry.

    Parameters
    ----------
    run : path-like
        Folder of a finished run.
    name : str
        Name of an entry of the manifest.

    Raises
    ------
    FileExistsError
        If the package has this network with as many steps or more.
    ValueError
        If the manifest has no such entry, or the run has other settings or images than its recipe.
    """
    run = Path(run)
    with filelock.FileLock(paths.WEIGHTS / ".manifest.lock"):
        old = entry(name)
        weights = run / "generator.safetensors"
        training = read_metadata(weights)["training"]
        if old.get("steps", -1) >= training["step"]:
            raise FileExistsError(
                f"{name} has {old['steps']:,} steps already; the run in {run} has "
                f"{training['step']:,}"
            )
        if differing := differences(old, training):
            raise ValueError(f"{weights}: not the network of the recipe of {name}: {differing}")
        copies = {weights: f"{name}.safetensors", run / "log.jsonl": f"{name}.log.jsonl"}
        samples = {}
        # An early key shows the contours of its seed image, so keys of real images are not shipped.
        for step in SAMPLE_STEPS if old["origin"] == "synthetic" else ():
            sample = run / "samples" / f"key-{step:06d}.png"
            if sample.exists():
                file = f"{name}-keys/key-{step:06d}.png"
                samples[str(step)] = {"file": file, "entropy": entropy(io.imread(sample))}
                copies[sample] = file
        for source, target in copies.items():
            (paths.WEIGHTS / target).parent.mkdir(exist_ok=True)
            with atomic(paths.WEIGHTS / target) as temporary:
                shutil.copyfile(source, temporary)
        trained = {
            "file": copies[weights],
            "sha256": sha256(weights.read_bytes()).hexdigest(),
            "tensors_sha256": weights_sha256(read_generator(str(weights))[0]),
            "log": copies[run / "log.jsonl"],
            "steps": training["step"],
            "seed": training["seed"],
            "device": training["device"],
            "threads": training["threads"],
            "torch": training["torch"],
            "source_sha256": training["images"]["source"],
            "target_sha256": training["images"]["target"],
            "key_entropy": key_entropy(weights),
            "samples": samples,
        }
        with atomic(paths.WEIGHTS / "manifest.toml") as temporary:
            temporary.write_text(dumps(entries() | {name: old | trained}))


def dumps(manifest: dict[str, dict[str, Any]]) -> str:
    """Return the manifest as TOML."""
    return _HEAD + tomli_w.dumps({"terms": TERMS, "networks": manifest})


def key_entropy(path_or_name: str | os.PathLike[str]) -> float:
    """Return the entropy of a network's key of the first chest X-ray phantom, in bits."""
    return entropy(KeyGenerator.load(path_or_name, device="cpu").generate(chest_xray(1)[0]))


def differences(entry: dict[str, Any], training: dict[str, Any]) -> str:
    """List where a run differs from its recipe; steps still to train are no difference."""
    wanted = {**entry["recipe"], "images": entry["images"]}
    found = {**settings(training["config"]), "images": training["n_source"]}
    for name in ("dataset", "origin", "domain", "domain_seed"):
        wanted[name] = entry.get(name)
        found[name] = training["description"].get(name)
    # A setting that is newer than the run has its default there.
    defaults = {name: default for name, default, _ in TrainConfig.describe()}
    found = {name: found.get(name, defaults.get(name)) for name in wanted}
    if found["steps"] < wanted["steps"]:
        del found["steps"]
    return ", ".join(
        f"{name} is {value!r}, not {wanted[name]!r}"
        for name, value in found.items()
        if value != wanted[name]
    )
