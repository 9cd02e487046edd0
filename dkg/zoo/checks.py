"""Checks of the manifest: everything that it says of a network is derived again."""

import os
from functools import cache
from hashlib import sha256
from typing import Any

import pandas as pd
from skimage import io

from dkg import paths
from dkg.metrics import entropy
from dkg.storage.checkpoints import read_metadata
from dkg.storage.runs import read_log
from dkg.zoo.manifest import differences, entries, key_entropy
from dkg.zoo.recipe import SEEDED_DOMAINS, Recipe, settings

ENTROPY_TOLERANCE = 0.01
"""Bits by which a key's entropy may differ on another machine, where rounding moves some bytes."""

_Row = tuple[str, Any, Any, bool | None]


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


def _check_entry(name: str, entry: dict[str, Any]) -> list[_Row]:
    wanted, steps = entry["recipe"]["steps"], entry.get("steps", 0)
    rows: list[_Row] = [("steps of the recipe", wanted, steps, True if steps == wanted else None)]
    if "file" not in entry:
        return rows
    file = paths.WEIGHTS / entry["file"]
    digest = sha256(file.read_bytes()).hexdigest()
    rows.append(("SHA-256", entry["sha256"][:12], digest[:12], digest == entry["sha256"]))
    if digest != entry["sha256"]:
        return rows
    training = read_metadata(file)["training"]
    differing = differences(entry, training)
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
        made = _image_hashes(Recipe.of_entry(entry))
    except FileNotFoundError:
        made = None
    short = "files are not here" if made is None else " ".join(h[:12] for h in made)
    good = False if recorded_images != images else None if made is None else made == images
    rows.append(("images", " ".join(h[:12] for h in images), short, good))
    for step, sample in entry["samples"].items():
        found = entropy(io.imread(paths.WEIGHTS / sample["file"]))
        good = abs(found - sample["entropy"]) < 1e-9
        rows.append((f"entropy of the sample key, step {step}", sample["entropy"], found, good))
    found = key_entropy(name)
    good = abs(found - entry["key_entropy"]) <= ENTROPY_TOLERANCE
    rows.append(("entropy of a key made now", entry["key_entropy"], found, good))
    return rows


def differences_from(network: str | os.PathLike[str], recipe: Recipe) -> str:
    """List where a trained network differs from a recipe: settings, steps, images.

    Parameters
    ----------
    network : str or path-like
        A shipped network's name, or the path of a generator's file.
    recipe : Recipe
        What it should be a training of.

    Returns
    -------
    str
        Empty if it is a training of this recipe to its end, on the same images to the last byte;
        the random seed and the machine may differ.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such network, it cannot be read, or the images are not there.
    """
    from dkg.keys import KeyGenerator

    training = KeyGenerator.load(network).metadata["training"]
    wanted = {
        "recipe": settings(recipe.config),
        # Where the recipe leaves these open, the images themselves decide.
        "images": recipe.n_images or training["n_source"],
        "origin": recipe.origin or training["description"].get("origin"),
        "dataset": recipe.dataset,
        "domain": recipe.domain,
        "domain_seed": recipe.domain_seed if recipe.domain in SEEDED_DOMAINS else None,
    }
    found = differences(wanted, training)
    if training["step"] != recipe.config.steps:
        return f"{training['step']:,} steps are done, not {recipe.config.steps:,}"
    if not found and _image_hashes(recipe) != tuple(training["images"].values()):
        return "it was trained on other images"
    return found


@cache
def _image_hashes(recipe: Recipe) -> tuple[str, str]:
    """Hash the images of a recipe, once for all networks that share it."""
    source, target = recipe.load()
    return sha256(source.images.tobytes()).hexdigest(), sha256(target.tobytes()).hexdigest()
