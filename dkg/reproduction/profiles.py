"""Profiles: values of the notebooks' parameters, and the networks that are trained for them.

A profile is a YAML file in ``notebooks/profiles/`` that maps a notebook's name to values of its
parameters, or to a list of such values for a notebook that is run several times. It never changes
code, and a name that is not a parameter of the notebook is an error. Three entries are not
notebooks: ``train`` names networks that are trained from scratch, ``images: files`` refuses to run
on phantoms, and ``keys: hidden`` makes all pictures too coarse to read a key off them.
"""

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dkg import data, paths


@dataclass(frozen=True)
class Training:
    """A network that is trained from scratch.

    Attributes
    ----------
    name : str
        The network's name.
    arguments : tuple of str
        Of the command ``dkg``.
    network : pathlib.Path
        The file that it ends with.
    """

    name: str
    arguments: tuple[str, ...]
    network: Path


@dataclass(frozen=True)
class Profile:
    """A profile as its file has it: ``values`` by the names of notebooks and of other entries."""

    name: str
    values: dict[str, Any]

    @property
    def trained(self) -> dict[str, dict[str, Any]]:
        """The networks that are trained: what differs from the default, by name."""
        return {name: entry or {} for name, entry in (self.values.get("train") or {}).items()}

    @property
    def hides_keys(self) -> bool:
        """Whether pictures are too coarse to read a key off them."""
        return self.values.get("keys") == "hidden"

    def parameters(self, notebook: str, known: Collection[str]) -> list[dict[str, Any]]:
        """Return the values for a notebook that has such parameters, one dict for each run."""
        chosen = self.values.get(notebook) or {}
        listed = chosen if isinstance(chosen, list) else [chosen]
        for parameters in listed:
            unknown = sorted(name for name in parameters if name not in known)
            if unknown:
                raise ValueError(
                    f"{_path(self.name)}: {notebook} has no parameter {', '.join(unknown)}; "
                    f"it has: {', '.join(known)}"
                )
        if len({repr(parameters) for parameters in listed}) < len(listed):
            raise ValueError(f"{_path(self.name)}: {notebook} has the same values twice")
        return listed

    def trainings(self, parameters: Any, at: dict[str, Any]) -> dict[str, Training]:
        """Return the trainings of the networks that parameters name, at a point of a grid."""
        return {
            network: self._training(place, network, at)
            for place, network in enumerate(self.trained)
            if _names(parameters, network)
        }

    def _training(self, place: int, network: str, at: dict[str, Any]) -> Training:
        """Return how a network is trained; each has a random seed of its own."""
        entry, seed = self.trained[network], at.get("seed", 0)
        options = entry | {"dataset": at.get("dataset", entry.get("dataset", "montgomery"))}
        settings = {"seed": 100 * seed + place} | (options.pop("settings", None) or {})
        folder = paths.runs() / self.name / f"{options['dataset']}-seed-{seed}" / network
        arguments = ["train", "--out", short(folder)]
        for option, value in options.items():
            arguments += [f"--{option.replace('_', '-')}", str(value)]
        for setting, value in settings.items():
            arguments += ["--set", f"{setting}={json.dumps(value)}"]
        return Training(
            name=f"{folder.parent.name}-{network}",
            arguments=tuple(arguments),
            network=folder / "generator.safetensors",
        )

    def check_images(self) -> None:
        """Raise an error if the profile asks for real images and there are none."""
        missing = [name for name in data.NAMES if not (paths.data() / name).is_dir()]
        if self.values.get("images") == "files" and missing:
            where = "DKG_DATA" if os.environ.get("DKG_DATA") else "DKG_DATA is not set, and"
            raise ValueError(
                f"profile {self.name} runs on real images only: {where} {paths.data()} has no "
                f"folder {', '.join(missing)}. data_download/README.md says how to get them"
            )


def list_notebooks() -> list[str]:
    """List the notebooks in reading order, without the ending."""
    return sorted(p.stem for p in paths.notebooks().glob("*.ipynb"))


def list_profiles() -> list[str]:
    """List the profiles."""
    return sorted(p.stem for p in (paths.notebooks() / "profiles").glob("*.yaml"))


def read(name: str) -> Profile:
    """Return a profile, with every name in it checked that does not belong to a notebook.

    Raises
    ------
    ValueError
        If there is no such profile, or an entry is not known.
    """
    path = _path(name)
    if not path.is_file():
        raise ValueError(f"no profile {name!r}; there are: {', '.join(list_profiles())}")
    values = yaml.safe_load(path.read_text()) or {}
    unknown = set(values) - set(list_notebooks()) - {"images", "keys", "train"}
    if unknown:
        raise ValueError(f"{path}: names notebooks that do not exist: {', '.join(sorted(unknown))}")
    for entry, only in (("images", "files"), ("keys", "hidden")):
        if values.get(entry, only) != only:
            raise ValueError(f"{path}: {entry} can only be {only!r}, not {values[entry]!r}")
    profile = Profile(name, values)
    for network, options in profile.trained.items():
        unknown = set(options) - {"dataset", "images", "domain", "domain_seed", "settings"}
        if unknown:
            raise ValueError(f"{path}: {network} in train has no {', '.join(sorted(unknown))}")
    return profile


def short(path: Path) -> str:
    """Return a path relative to `dkg.paths.root` where it lies in it."""
    root = paths.root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _names(value: Any, network: str) -> bool:
    """Return whether a value of a parameter, or one in it, names a network."""
    if isinstance(value, dict):
        return any(_names(inner, network) for inner in value.values())
    if isinstance(value, list):
        return any(_names(inner, network) for inner in value)
    return bool(value == network)


def _path(profile: str) -> Path:
    return paths.notebooks() / "profiles" / f"{profile}.yaml"
