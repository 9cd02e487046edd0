"""What a reproduction runs: the grid of notebooks, data sets, random seeds and networks.

`dkg.reproduction.profiles` says what a profile is. ``notebooks/records.yaml`` says which records
each notebook leaves.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from dkg import data, paths
from dkg.reproduction import profiles, yaml_files
from dkg.reproduction.profiles import (
    Profile,
    Training,
    default_of,
    list_notebooks,
    list_profiles,
    meant,
    short,
    wrong_value,
)
from dkg.reproduction.runs import Plan, Run
from dkg.storage.weights import list_weights

__all__ = ["Plan", "Run", "Training", "list_notebooks", "list_profiles", "make"]

_Grid = dict[str, list[Any]]
_GRID = ("dataset", "seed", "weights")


def make(
    notebooks: Iterable[str] | None = None,
    profile: str = "default",
    *,
    datasets: Sequence[str] = (),
    seeds: int | None = None,
    weights: Sequence[str] = (),
    parameters: Mapping[str, Sequence[Any]] | None = None,
) -> Plan:
    """Return what is to be run, checked against the notebooks' own parameters.

    Without data sets, seeds, weights or parameters these are the runs of the profile, with
    `dkg.paths.output` as their folder. With any of them it is a grid: each notebook runs once for
    each data set, seed, network and value that it has a parameter for (``dataset``, ``seed``,
    ``weights``, or one by its name), and for each that decides which networks are trained for it.
    Such a run has a folder of its own, ``grid/NAME``, laid out as the output folder is; a notebook
    that has none of them runs as without a grid.

    Parameters
    ----------
    notebooks : iterable of str, optional
        Names as in `list_notebooks`, or their beginnings such as ``'04'``; default all of them.
    profile : str, default 'default'
        One of `list_profiles`, or the path of a file of the same form.
    datasets : sequence of str, optional
        Names of `dkg.data.NAMES` or `dkg.data.ALTERNATIVES`.
    seeds : int, optional
        Number of random seeds, from 0 on.
    weights : sequence of str, optional
        Names as in `dkg.keys.list_weights`, or paths.
    parameters : mapping of str to sequence, optional
        Values for any parameters of the notebooks, by name.

    Returns
    -------
    Plan
        In reading order.

    Raises
    ------
    ValueError
        If a name is unknown, the profile does not fit a notebook, two runs would write the same
        record, or there are no real images where the profile asks for them.
    """
    known = list_notebooks()
    if not known:
        raise ValueError(
            f"{paths.notebooks()}: no notebooks here, and an installed package has none; run this "
            "in the folder of the project's source, which has notebooks/"
        )
    chosen = [_notebook(name, known) for name in notebooks or known]
    values = profiles.read(profile)
    given = {name: list(those) for name, those in (parameters or {}).items()}
    for name, axis in (("dataset", datasets), ("seed", seeds), ("weights", weights)):
        if axis and name in given:
            raise ValueError(f"{name} is given twice: as a parameter, and for the grid")
    sets, networks = (
        [str(value) for value in given.pop(name, axis)]
        for name, axis in (("dataset", datasets), ("weights", weights))
    )
    grid = _check_grid(sets, seeds, networks) | given
    values.check_images()
    plan = Plan()
    used = {axis for name in sorted(set(chosen)) for axis in _add_runs(plan, name, values, grid)}
    idle = sorted(name for name, those in grid.items() if those and name not in used)
    if idle:
        there = {name: None for notebook in chosen for name in _parameters(notebook)}
        raise ValueError(
            f"none of these notebooks has a parameter {' or '.join(idle)}: {', '.join(chosen)}"
            f"{meant(idle, there)}"
        )
    _check_records(plan.runs)
    return plan


def _notebook(name: str, known: Sequence[str]) -> str:
    """Return the notebook of this name, or whose name begins so."""
    found = [name] if name in known else [other for other in known if other.startswith(name)]
    if len(found) > 1:
        raise ValueError(f"several notebooks begin with {name!r}: {', '.join(found)}")
    if not found or not name:
        raise ValueError(
            f"no notebook {name!r}; there are: {', '.join(known)}{meant([name], known)}"
        )
    return found[0]


def _parameters(notebook: str) -> dict[str, Any]:
    """Return a notebook's parameters with their defaults, in its order."""
    import papermill

    found: dict[str, Any] = papermill.inspect_notebook(str(paths.notebooks() / f"{notebook}.ipynb"))
    return found


def _check_grid(datasets: Sequence[str], seeds: int | None, weights: Sequence[str]) -> _Grid:
    """Return the values of each parameter that the grid goes through."""
    sets = data.NAMES + data.ALTERNATIVES
    for name in datasets:
        if name not in sets:
            raise ValueError(
                f"no data set {name!r}; there are: {', '.join(sets)}{meant([name], sets)}"
            )
    if seeds is not None and seeds < 1:
        raise ValueError(f"the number of seeds must be at least 1, not {seeds}")
    networks = []
    for name in weights:
        if name not in list_weights() and not Path(name).is_file():
            raise ValueError(
                f"{name}: neither a file nor a shipped network; "
                f"there are: {', '.join(list_weights())}{meant([name], list_weights())}"
            )
        networks.append(name if name in list_weights() else str(Path(name).resolve()))
    for given in (datasets, networks):
        if len(set(given)) < len(given):
            raise ValueError(f"the same value twice: {', '.join(given)}")
    return {"dataset": list(datasets), "seed": list(range(seeds or 0)), "weights": networks}


def _arguments(notebook: str, profile: str, at: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the arguments that run one point of a grid, whatever else the grid has."""
    arguments = ["reproduce", notebook, "--profile", profile]
    for axis, value in at.items():
        if axis == "dataset":
            arguments += ["--dataset", value]
        elif axis == "seed":
            arguments += ["--seeds", str(value + 1)]
        elif axis == "weights":
            network = Path(value)
            arguments += ["--weights", short(network) if network.is_absolute() else value]
        else:
            arguments += ["-p", f"{axis}={json.dumps(value)}"]
    return (*arguments, "--only", name)


def _add_runs(plan: Plan, notebook: str, profile: Profile, grid: _Grid) -> list[str]:
    """Add the runs of a notebook, and their trainings; return what of the grid it goes through."""
    known = _parameters(notebook)
    listed = profile.parameters(notebook, known)
    # Data set and seed also decide which networks are trained, for a notebook that uses some.
    trains = any(profile.trainings(parameters, {}) for parameters in listed)
    through = [
        name
        for name, given in grid.items()
        if given and (name in known or (trains and name in ("dataset", "seed")))
    ]
    for name in set(through) & set(known):
        for value in grid[name]:
            if wrong := wrong_value(value, default_of(name, known)):
                raise ValueError(f"{notebook}, {name}: {wrong}")
    points = [dict(zip(through, p, strict=True)) for p in product(*(grid[n] for n in through))]
    for name, parameters, at in _named(notebook, listed, points, profile, known):
        _add_run(plan, notebook, profile, name, parameters, at, own_folder=bool(through))
    if not any(grid.values()):
        for label, parameters in profile.also(notebook, known).items():
            name = _safe(f"{notebook}-{label}")
            _add_run(plan, notebook, profile, name, parameters, {}, own_folder=True)
    return through


def _add_run(
    plan: Plan,
    notebook: str,
    profile: Profile,
    name: str,
    parameters: dict[str, Any],
    at: dict[str, Any],
    *,
    own_folder: bool,
) -> None:
    """Add one run, and the networks that it needs."""
    records = _records(notebook, parameters)
    if records is None:
        plan.left_out.append(f"{name}: {notebook} has no records for this data set")
        return
    trainings = profile.trainings(parameters, at)
    for network, training in trainings.items():
        said = f"{network}: {training.taken_from} is taken over, a training of the same recipe"
        if training.taken_from and said not in plan.taken_over:
            plan.taken_over.append(said)
        if not training.taken_from and training not in plan.trainings:
            plan.trainings.append(training)
            if training.why_not:
                plan.left_out.append(f"{network}: {training.why_not}")
    networks = [Path(t.weights) for t in trainings.values() if t.weights not in list_weights()]
    if Path(at.get("weights", "")).is_absolute():
        networks.append(Path(at["weights"]))
    own = [f"{axis}={value}" for axis, value in at.items() if axis not in _GRID]
    plan.runs.append(
        Run(
            name=name,
            notebook=notebook,
            path=paths.notebooks() / f"{notebook}.ipynb",
            # Records of other values are not those of the profile.
            profile=f"{profile.name} with {', '.join(own)}" if own else profile.name,
            parameters={n: _with_paths(v, trainings) for n, v in parameters.items()},
            output=paths.output() / "grid" / name if own_folder else paths.output(),
            records=records,
            networks=tuple(networks),
            arguments=_arguments(notebook, profile.option, at, name),
            hides_keys=profile.hides_keys,
        )
    )


def _named(
    notebook: str,
    listed: list[dict[str, Any]],
    points: list[dict[str, Any]],
    profile: Profile,
    known: Iterable[str],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each run of a notebook: its name, parameters and point of the grid."""
    varied = [
        name
        for name in known
        if name not in points[0] and len({repr(parameters.get(name)) for parameters in listed}) > 1
    ]
    # The first of them that tell the runs apart make their names.
    while varied and _different(listed, varied[:-1]) == _different(listed, varied):
        varied.pop()
    seen: dict[str, dict[str, Any]] = {}
    for listing, at in product(listed, points):
        labels = [str(listing[name]) for name in varied if name in listing]
        labels += [str(v) if n in ("dataset", "weights") else f"{n}-{v}" for n, v in at.items()]
        name = _safe("-".join([notebook, *labels]))
        parameters = listing | {axis: value for axis, value in at.items() if axis in known}
        if seen.setdefault(name, parameters) != parameters:
            raise ValueError(f"profile {profile.name}: two different runs are called {name}")
        # Otherwise the profile's values differ only in what the grid decides.
        if seen[name] is parameters:
            yield name, parameters, at


def _different(listed: list[dict[str, Any]], names: list[str]) -> int:
    return len({repr([parameters.get(name) for name in names]) for parameters in listed})


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)


def _with_paths(value: Any, trainings: dict[str, Training]) -> Any:
    """Return a parameter's value with the path of each network that it names."""
    if isinstance(value, list):
        return [_with_paths(inner, trainings) for inner in value]
    if isinstance(value, dict):
        return {name: _with_paths(inner, trainings) for name, inner in value.items()}
    if isinstance(value, str) and value in trainings:
        return trainings[value].weights
    return value


def _records(notebook: str, parameters: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the records that a notebook must leave; None if it has none for its data set."""
    path = paths.notebooks() / "records.yaml"
    listed = yaml_files.read(path)
    if notebook not in listed:
        raise ValueError(
            f"{path}: does not list {notebook}; say which records it leaves, [] for none"
        )
    records = listed[notebook]
    if isinstance(records, dict):
        dataset = parameters.get("dataset") or default_of("dataset", _parameters(notebook))
        if dataset not in records:
            return None
        records = records[dataset]
    return tuple(records)


def _check_records(runs: Iterable[Run]) -> None:
    written: dict[Path, Run] = {}
    for run in runs:
        for id in run.records:
            other = written.setdefault(run.record_path(id), run)
            if other is not run:
                raise ValueError(
                    f"{other.name} and {run.name} would write the same record, {id}; give the "
                    "values as a grid (datasets, seeds, weights), where each has its folder"
                )
