"""Profiles: values of the notebooks' parameters, and the networks that are trained for them.

A profile is a YAML file, of ``notebooks/profiles/`` or given by its path, that maps a notebook's
name to values of its parameters, or to a list of such values for a notebook that is run several
times. It never changes code, and a name or a value that does not fit the notebook is an error.
Four entries are not notebooks: ``train`` names networks that are trained from scratch or taken over
from an equal training, ``also`` has further runs, each into a folder of its own, ``images: files``
refuses to run on phantoms, and ``keys: hidden`` makes all pictures too coarse to read a key off
them.
"""

import ast
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dkg import data, paths
from dkg.reproduction import yaml_files
from dkg.storage.weights import list_weights

if TYPE_CHECKING:
    from dkg.zoo import Recipe

_OTHER_ENTRIES = {"also", "images", "keys", "train"}
_TRAIN = {"dataset": str, "images": int, "domain": str, "domain_seed": int, "settings": dict,
          "from": str}  # fmt: skip


@dataclass(frozen=True)
class Training:
    """A network that is trained from scratch, or taken over from an equal training.

    Attributes
    ----------
    name : str
        The network's name.
    network : pathlib.Path
        The file that it ends with.
    options : dict
        ``dataset``, and where the profile has them ``images``, ``domain`` and ``domain_seed``.
    settings : dict
        Of `dkg.training.TrainConfig`, where they differ from the defaults.
    taken_from : str or None
        The shipped network, or the file, that is used in place of a training.
    why_not : str or None
        Why the profile's network was not taken over.
    """

    name: str
    network: Path
    options: dict[str, Any]
    settings: dict[str, Any]
    taken_from: str | None = None
    why_not: str | None = None

    @property
    def weights(self) -> str:
        """The network's name or path, as a notebook takes it."""
        return self.taken_from or str(self.network)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of the command ``dkg``, which trains the network or goes on with it."""
        arguments = ["train", "--out", short(self.network.parent)]
        for option, value in self.options.items():
            arguments += [f"--{option.replace('_', '-')}", str(value)]
        for setting, value in self.settings.items():
            arguments += ["--set", f"{setting}={json.dumps(value)}"]
        return tuple(arguments)

    def recipe(self, **settings: Any) -> "Recipe":
        """Return the recipe, with further settings such as the number of threads.

        Raises
        ------
        ValueError
            If there is no such setting or domain, or a value is out of its range.
        """
        from dkg.training import TrainConfig
        from dkg.zoo import Recipe

        options = dict(self.options)
        return Recipe(
            config=TrainConfig.from_mapping(self.settings | settings),
            n_images=options.pop("images", None),
            **options,
        )


@dataclass(frozen=True)
class Profile:
    """A profile as its file has it: ``values`` by the names of notebooks and of other entries."""

    name: str
    path: Path
    values: dict[str, Any] = field(hash=False)

    @property
    def option(self) -> str:
        """What finds this profile again: its name, or its path where the project has it not."""
        return self.name if self.path == _path(self.name) else short(self.path)

    @property
    def trained(self) -> dict[str, dict[str, Any]]:
        """The networks that are trained: what differs from the default, by name."""
        return {name: entry or {} for name, entry in (self.values.get("train") or {}).items()}

    @property
    def hides_keys(self) -> bool:
        """Whether pictures are too coarse to read a key off them."""
        return self.values.get("keys") == "hidden"

    def parameters(self, notebook: str, known: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the values for a notebook that has such parameters, one dict for each run."""
        chosen = self.values.get(notebook) or {}
        listed = chosen if isinstance(chosen, list) else [chosen]
        for parameters in listed:
            self._check(notebook, parameters, known)
        if len({repr(parameters) for parameters in listed}) < len(listed):
            raise ValueError(f"{self.path}: {notebook} has the same values twice")
        return listed

    def also(self, notebook: str, known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the values of a notebook's further runs, by their names."""
        runs: dict[str, dict[str, Any]] = (self.values.get("also") or {}).get(notebook) or {}
        for parameters in runs.values():
            self._check(notebook, parameters, known)
        return runs

    def _check(self, notebook: str, parameters: dict[str, Any], known: Mapping[str, Any]) -> None:
        if unknown := [str(name) for name in parameters if name not in known]:
            raise ValueError(
                f"{self.path}: {notebook} has no parameter {', '.join(unknown)}; "
                f"it has: {', '.join(known)}{meant(unknown, known)}"
            )
        for name, value in parameters.items():
            if wrong := wrong_value(value, default_of(name, known), self.trained):
                raise ValueError(f"{self.path}: {notebook}, {name}: {wrong}")

    def trainings(self, parameters: Any, at: dict[str, Any]) -> dict[str, Training]:
        """Return the trainings of the networks that parameters name, at a point of a grid."""
        return {
            network: self._training(place, network, at)
            for place, network in enumerate(self.trained)
            if _names(parameters, network)
        }

    def _training(self, place: int, network: str, at: dict[str, Any]) -> Training:
        """Return how a network is trained; each has a random seed of its own."""
        entry, seed = dict(self.trained[network]), at.get("seed", 0)
        existing = entry.pop("from", None)
        options = entry | {"dataset": at.get("dataset", entry.get("dataset", "montgomery"))}
        own = options.pop("settings", None) or {}
        folder = paths.runs() / self.name / f"{options['dataset']}-seed-{seed}" / network
        training = Training(
            name=f"{folder.parent.name}-{network}",
            network=folder / "generator.safetensors",
            options=options,
            settings={"seed": 100 * seed + place} | own,
        )
        if existing is None or seed:
            return training
        why_not = _differences(_existing(existing), training)
        if why_not:
            return replace(training, why_not=f"{existing} is not taken over: {why_not}")
        return replace(training, taken_from=_existing(existing))

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
    """List the profiles of the project."""
    return sorted(p.stem for p in (paths.notebooks() / "profiles").glob("*.yaml"))


def read(name_or_path: str) -> Profile:
    """Return a profile, with every name in it checked that does not belong to a notebook.

    Parameters
    ----------
    name_or_path : str
        One of `list_profiles`, or the path of a file ``NAME.yaml``.

    Raises
    ------
    ValueError
        If there is no such profile, the file is no YAML of this form, or an entry is not known.
    """
    path, known = _path(name_or_path), list_profiles()
    if name_or_path not in known:
        path = Path(name_or_path).resolve()
        if not path.is_file():
            raise ValueError(
                f"no profile {name_or_path!r}; there are: {', '.join(known)}"
                f"{meant([name_or_path], known)} A profile of your own is given by its path"
            )
        if path.stem in known and path != _path(path.stem):
            raise ValueError(
                f"{path}: the project has a profile {path.stem}; give yours another name, since "
                "records say with which profile they were made"
            )
    values = yaml_files.read(path)
    notebooks = list_notebooks()
    if unknown := sorted(str(name) for name in set(values) - set(notebooks) - _OTHER_ENTRIES):
        raise ValueError(
            f"{path}: names notebooks that do not exist: {', '.join(unknown)}"
            f"{meant(unknown, notebooks)}"
        )
    for entry, only in (("images", "files"), ("keys", "hidden")):
        if values.get(entry, only) != only:
            raise ValueError(f"{path}: {entry} can only be {only!r}, not {values[entry]!r}")
    _check_form(path, values, notebooks)
    return Profile(path.stem, path, values)


def _check_form(path: Path, values: dict[str, Any], notebooks: list[str]) -> None:
    """Check that each entry is made of mappings where it must be, and what ``train`` names."""
    for name in set(values) & set(notebooks):
        listed = values[name] if isinstance(values[name], list) else [values[name] or {}]
        if not all(isinstance(parameters, dict) for parameters in listed):
            raise ValueError(
                f"{path}: {name} needs parameters with their values, such as n_images: 8, or a "
                f"list of such; it has {values[name]!r}"
            )
    for name, runs in _mapping(path, "also", values.get("also")).items():
        if name not in notebooks:
            raise ValueError(f"{path}: also names no notebook: {name}{meant([name], notebooks)}")
        for run, parameters in _mapping(path, f"{name} in also", runs).items():
            _mapping(path, f"{run} of {name}", parameters)
    for network, entry in _mapping(path, "train", values.get("train")).items():
        options = _mapping(path, f"{network} in train", entry)
        if unknown := sorted(str(name) for name in set(options) - set(_TRAIN)):
            raise ValueError(
                f"{path}: {network} in train has no {', '.join(unknown)}; "
                f"it can have: {', '.join(_TRAIN)}"
            )
        for name, value in options.items():
            if type(value) is not _TRAIN[name]:
                kind = {str: "a name", int: "an integer", dict: "names with values"}
                raise ValueError(
                    f"{path}: {name} of {network} in train must be {kind[_TRAIN[name]]}, "
                    f"not {value!r}"
                )


def _mapping(path: Path, what: str, value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict | None):
        raise ValueError(f"{path}: {what} needs names with values, it has {value!r}")
    return value or {}


def meant(words: Iterable[str], known: Iterable[str]) -> str:
    """Return a question after known names that look like misspelled ones; empty without any."""
    known = [str(name) for name in known]
    close = [match for word in words for match in get_close_matches(str(word), known, 1)]
    close += [name for word in words if len(word) > 1 for name in known if name.startswith(word)]
    names = " or ".join(dict.fromkeys(close))
    return f"; did you mean {names}?" if names else ""


def default_of(name: str, known: Mapping[str, Any]) -> Any:
    """Return the default value of a notebook's parameter, as papermill inspects it."""
    try:
        default = ast.literal_eval(known[name]["default"])
    except (ValueError, SyntaxError):
        return None
    if default or name not in ("weights", "trainings"):
        return default
    # What is empty stands for shipped networks.
    first = list_weights()[:1]
    return first[0] if name == "weights" else first


def wrong_value(value: Any, default: Any, networks: Iterable[str] = ()) -> str | None:
    """Say why a value does not fit a parameter, judged by the parameter's default; None if it does.

    An integer is given for an integer, a text for a text, the name of an image set for
    another, a network's name for another or for a file.
    """
    if isinstance(default, list | dict) and default and type(value) is type(default):
        inner = value.values() if isinstance(value, dict) else value
        example = next(iter(default.values() if isinstance(default, dict) else default))
        return next((w for v in inner if (w := wrong_value(v, example, networks))), None)
    kinds = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
    kinds |= {list: "a list", dict: "names with values"}
    kind = type(default)
    fits = type(value) is kind or (kind is float and type(value) is int)
    if kind in kinds and not fits:
        return f"must be {kinds[kind]}, such as {default!r}, not {value!r}"
    if kind is not str:
        return None
    sets = data.NAMES + data.ALTERNATIVES
    if default in sets and value not in sets:
        return f"no image set named {value!r}; there are: {', '.join(sets)}{meant([value], sets)}"
    shipped = [*networks, *list_weights()]
    if default in shipped and value not in ("", *shipped) and not Path(value).is_file():
        return f"no network named {value!r}, nor such a file{meant([value], shipped)}"
    return None


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


def _differences(network: str, training: Training) -> str:
    """Say how a network that could be taken over differs; empty if it does not."""
    from dkg.zoo import differences_from

    try:
        return differences_from(network, training.recipe())
    except (OSError, ValueError) as error:
        return str(error)


def _existing(network: str) -> str:
    """Return a network's name, or its path from the root of the project."""
    if network in list_weights():
        return network
    path = paths.root() / network
    return str(path / "generator.safetensors" if path.is_dir() else path)


def _path(profile: str) -> Path:
    return paths.notebooks() / "profiles" / f"{profile}.yaml"
