"""The zoo: every network that comes with the package, trained from its recipe.

``dkg/weights/manifest.toml`` has an entry for each network: the images, the transformation domain
and the settings that it is trained with, and, once somebody has trained it, what came out: the
file and its SHA-256, the seed, the steps, the sample keys. A network of fewer steps than its recipe
asks for is unfinished; `train_missing` goes on with it.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd
from skimage import io

from dkg import data, paths
from dkg.acceleration.process import resolve_device
from dkg.data.phantoms import chest_xray
from dkg.domains import DOMAINS
from dkg.keys import KeyGenerator
from dkg.metrics import entropy
from dkg.storage.checkpoints import read_metadata
from dkg.storage.files import atomic
from dkg.storage.runs import read_log
from dkg.storage.weights import read_manifest
from dkg.training import TrainConfig, train

SAMPLE_STEPS = (0, 1000, 4000, 10_000, 20_000)
"""Steps whose sample keys are shipped with a network trained on phantoms."""

ENTROPY_TOLERANCE = 0.01
"""Bits by which a key's entropy may differ on another machine, where rounding moves some bytes."""

_HOW_IT_IS_RUN = {"seed", "threads", "device", "log_every", "checkpoint_every", "sample_steps"}


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


def recipe(config: TrainConfig | dict[str, Any]) -> dict[str, Any]:
    """Return the settings that make a network what it is, without those of the machine and log."""
    settings = config if isinstance(config, dict) else vars(config)
    return {name: value for name, value in sorted(settings.items()) if name not in _HOW_IT_IS_RUN}


def load_images(entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return the images that a network is trained on.

    Parameters
    ----------
    entry : dict
        One of `entries`.

    Returns
    -------
    source, target : numpy.ndarray
        Seed images and images of the transformation domain, uint8 (n, 256, 256, 3).
    description : dict
        What they are, as `dkg.training.train` keeps it with the weights.

    Raises
    ------
    FileNotFoundError
        If the network is trained on files and the data folder does not have them.
    """
    if entry["origin"] == "synthetic":
        source = data.synthetic(entry["dataset"], entry["images"])
    else:
        source = data.load(entry["dataset"], n=entry["images"])
        if source.origin != entry["origin"]:
            raise FileNotFoundError(
                f"{paths.data() / entry['dataset']}: no such folder, and this network is trained "
                "on the images in it; set DKG_DATA to the folder of the image sets"
            )
    description = {name: entry[name] for name in ("dataset", "origin", "domain")}
    if "domain_seed" in entry:
        description["domain_seed"] = entry["domain_seed"]
    target = DOMAINS[entry["domain"]](source.images, entry.get("domain_seed", 0))
    return source.images, target, description


def run_folder(name: str) -> Path:
    """Return the folder of a network's training run, ``runs/zoo/NAME``."""
    return paths.runs() / "zoo" / name


def train_missing(
    names: Sequence[str] | None = None,
    jobs: int | None = None,
    device: str = "auto",
    report: Callable[[str], None] = print,
) -> list[str]:
    """Train the networks that are missing, several at once, and put them into the package.

    A run that was cut off goes on from its last checkpoint. A network that is trained to the end of
    its recipe is never trained again nor overwritten.

    Parameters
    ----------
    names : sequence of str, optional
        Networks of the manifest. Default: all that are `missing`.
    jobs : int, optional
        Trainings at once. Default: one for each core of the CPU, each with one thread, which trains
        more steps in a second than one training with all threads; four on a GPU.
    device : str, default 'auto'
        As in `dkg.training.TrainConfig`.
    report : callable, default print
        Called with a line of text for every thousandth step and every network that is done.

    Returns
    -------
    list of str
        Names of the networks that were trained now.

    Raises
    ------
    FileExistsError
        If a network that was asked for by name is trained already.
    FileNotFoundError
        If the images of one are not there. Nothing is trained then.
    ValueError
        If a name is not in the manifest, `jobs` is below 1, or the device is not there.
    RuntimeError
        If a training failed; the others go on first, and the message has every failure.
    """
    known, to_train = entries(), missing()
    for name in names or ():
        if name not in known:
            raise ValueError(f"no network {name!r} in the manifest; it has: {', '.join(known)}")
        if name not in to_train:
            raise FileExistsError(
                f"{paths.WEIGHTS / known[name]['file']}: {name} is trained to the end of its "
                "recipe, and is not overwritten"
            )
    to_train = list(dict.fromkeys(names or to_train))
    on_gpu = resolve_device(device).type == "cuda"
    if jobs is None:
        jobs = 4 if on_gpu else os.cpu_count() or 1
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    for name in to_train:
        entry = known[name]
        if entry["origin"] != "synthetic":
            load_images(entry)

    failures = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {
            pool.submit(_train_one, name, known[name], str(run_folder(name)), device): name
            for name in to_train
        }
        for future in as_completed(futures):
            name = futures[future]
            try:
                future.result()
            except Exception as error:
                failures[name] = error
                report(f"{name}: failed: {error}")
            else:
                install(run_folder(name), name)
                report(f"{name}: trained, and in {paths.WEIGHTS}")
    if failures:
        raise RuntimeError("; ".join(f"{name}: {error}" for name, error in failures.items()))
    return to_train


def _train_one(name: str, entry: dict[str, Any], out: str, device: str) -> None:
    source, target, description = load_images(entry)
    checkpoint = Path(out) / "checkpoint.safetensors"
    threads = read_metadata(checkpoint)["threads"] if checkpoint.exists() else 1
    config = TrainConfig.from_mapping(entry["recipe"] | {"threads": threads, "device": device})

    def print_line(record: dict[str, Any]) -> None:
        if record["event"] == "log" and record["step"] % 1000 == 0:
            per_step = record["seconds"] / record["step"]
            left = per_step * (config.steps - record["step"]) / 60
            print(
                f"{name}: step {record['step']:,} of {config.steps:,}, key entropy "
                f"{record['key_entropy']:.4f} bits, about {left:.0f} min left",
                flush=True,
            )

    train(config, source, target, out, description=description, on_log=print_line, progress=False)


def install(run: str | os.PathLike, name: str) -> None:
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
        manifest = entries()
        if name not in manifest:
            raise ValueError(f"no network {name!r} in the manifest; it has: {', '.join(manifest)}")
        entry = manifest[name]
        weights = run / "generator.safetensors"
        training = read_metadata(weights)["training"]
        if entry.get("steps", -1) >= training["step"]:
            raise FileExistsError(
                f"{name} has {entry['steps']:,} steps already; the run in {run} has "
                f"{training['step']:,}"
            )
        differing = _differences(entry, training)
        if differing:
            raise ValueError(f"{weights}: not the network of the recipe of {name}: {differing}")

        copies = {weights: f"{name}.safetensors", run / "log.jsonl": f"{name}.log.jsonl"}
        samples = {}
        # An early key shows the contours of its seed image, so keys of real images are not shipped.
        for step in SAMPLE_STEPS if entry["origin"] == "synthetic" else ():
            sample = run / "samples" / f"key-{step:06d}.png"
            if sample.exists():
                file = f"{name}-keys/key-{step:06d}.png"
                samples[str(step)] = {"file": file, "entropy": entropy(io.imread(sample))}
                copies[sample] = file
        for source, target in copies.items():
            (paths.WEIGHTS / target).parent.mkdir(exist_ok=True)
            with atomic(paths.WEIGHTS / target) as temporary:
                shutil.copyfile(source, temporary)
        manifest[name] = entry | {
            "file": copies[weights],
            "sha256": sha256(weights.read_bytes()).hexdigest(),
            "log": copies[run / "log.jsonl"],
            "steps": training["step"],
            "seed": training["seed"],
            "device": training["device"],
            "threads": training["threads"],
            "torch": training["torch"],
            "source_sha256": training["images"]["source"],
            "target_sha256": training["images"]["target"],
            "key_entropy": _key_entropy(weights),
            "samples": samples,
        }
        with atomic(paths.WEIGHTS / "manifest.toml") as temporary:
            temporary.write_text(_manifest_text(manifest))


def check() -> pd.DataFrame:
    """Derive again what the manifest says of each network, and compare.

    Returns
    -------
    pandas.DataFrame
        One row for each network and check: ``network``, ``check``, ``manifest``, ``found`` and
        ``good``. Checked are the file's SHA-256, its settings, images and steps against the recipe
        and the log, the entropy of every sample key, and the entropy of a key made now. A training
        on files whose folder is not there leaves ``good`` empty, and so does a network that is not
        trained to the end.
    """
    rows = []
    for name, entry in entries().items():
        found = _check_entry(name, entry)
        rows += [(name, *row) for row in found]
    return pd.DataFrame(rows, columns=["network", "check", "manifest", "found", "good"])


def _check_entry(name: str, entry: dict[str, Any]) -> list[tuple]:
    wanted, steps = entry["recipe"]["steps"], entry.get("steps", 0)
    rows = [("steps of the recipe", wanted, steps, True if steps == wanted else None)]
    if "file" not in entry:
        return rows
    file = paths.WEIGHTS / entry["file"]
    digest = sha256(file.read_bytes()).hexdigest()
    rows.append(("SHA-256", entry["sha256"][:12], digest[:12], digest == entry["sha256"]))
    if digest != entry["sha256"]:
        return rows
    training = read_metadata(file)["training"]
    differing = _differences(entry, training)
    rows.append(("settings", "recipe", differing or "recipe", not differing))
    recorded = {key: training[key] for key in ("step", "seed", "device", "threads", "torch")}
    said = {key: entry["steps" if key == "step" else key] for key in recorded}
    rows.append(("how it was trained", said, recorded, said == recorded))
    log = read_log(paths.WEIGHTS / entry["log"])
    last = log[-1]["step"] if log else None
    rows.append(("last step of the log", steps, last, last == steps))
    images = (entry["source_sha256"], entry["target_sha256"])
    recorded_images = (training["images"]["source"], training["images"]["target"])
    try:
        made = _image_hashes(
            entry["dataset"],
            entry["origin"],
            entry["images"],
            entry["domain"],
            entry.get("domain_seed"),
        )
    except FileNotFoundError:
        made = None
    short = "files are not here" if made is None else " ".join(h[:12] for h in made)
    good = recorded_images == images and (None if made is None else made == images)
    rows.append(("images", " ".join(h[:12] for h in images), short, good))
    for step, sample in entry["samples"].items():
        found = entropy(io.imread(paths.WEIGHTS / sample["file"]))
        good = abs(found - sample["entropy"]) < 1e-9
        rows.append((f"entropy of the sample key, step {step}", sample["entropy"], found, good))
    found = _key_entropy(name)
    good = abs(found - entry["key_entropy"]) <= ENTROPY_TOLERANCE
    rows.append(("entropy of a key made now", entry["key_entropy"], found, good))
    return rows


@cache
def _image_hashes(dataset, origin, images, domain, domain_seed) -> tuple[str, str]:
    """Hash the images of a recipe, once for all networks that share them."""
    entry = {"dataset": dataset, "origin": origin, "images": images, "domain": domain}
    if domain_seed is not None:
        entry["domain_seed"] = domain_seed
    source, target, _ = load_images(entry)
    return sha256(source.tobytes()).hexdigest(), sha256(target.tobytes()).hexdigest()


def _key_entropy(path_or_name: str | os.PathLike) -> float:
    return entropy(KeyGenerator.load(path_or_name, device="cpu").generate(chest_xray(1)[0]))


def _differences(entry: dict[str, Any], training: dict[str, Any]) -> str:
    """Say where a run differs from the recipe; steps still to train are no difference."""
    wanted = {**entry["recipe"], "images": entry["images"]}
    found = {**recipe(training["config"]), "images": training["n_source"]}
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


def _manifest_text(manifest: dict[str, dict[str, Any]]) -> str:
    """Write the manifest as TOML; JSON's strings, numbers and booleans are TOML's too."""
    lines = [
        "# Every network that comes with the package, and its recipe; the first is the default.",
        "# Written by dkg/zoo.py; an entry without a file is still to be trained: dkg train --zoo",
    ]
    for name, entry in manifest.items():
        lines += ["", f"[networks.{name}]"]
        lines += [
            f"{key} = {json.dumps(value)}"
            for key, value in entry.items()
            if not isinstance(value, dict)
        ]
        lines += [f"[networks.{name}.recipe]  # Settings of dkg.training.TrainConfig."]
        lines += [f"{key} = {json.dumps(value)}" for key, value in sorted(entry["recipe"].items())]
        if "samples" in entry:
            lines += [f"[networks.{name}.samples]  # The first source image's key, by step."]
            lines += [
                f"{step} = {{ {', '.join(f'{k} = {json.dumps(v)}' for k, v in sample.items())} }}"
                for step, sample in entry["samples"].items()
            ]
    return "\n".join(lines) + "\n"
