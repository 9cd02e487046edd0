"""What a reproduction runs: the grid of notebooks, data sets, random seeds and networks.

`dkg.reproduction.profiles` says what a profile is. ``notebooks/records.yaml`` says which records
each notebook leaves.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from dkg import data, paths
from dkg.reproduction import profiles
from dkg.reproduction.profiles import Profile, Training, list_notebooks, list_profiles, short
from dkg.reproduction.provenance import images_sha256, package_files
from dkg.storage.weights import list_weights

__all__ = ["Plan", "Run", "Training", "list_notebooks", "list_profiles", "make"]

_Grid = dict[str, list[Any]]


@dataclass(frozen=True)
class Run:
    """One notebook with values of its parameters.

    Attributes
    ----------
    name : str
        The notebook's name, and the values where it is run several times.
    notebook : str
        The notebook's name, without the ending.
    path : pathlib.Path
        The notebook's file.
    profile : str
        The profile's name, for the records.
    parameters : dict
        Names and values; empty where the notebook's own values are left.
    output : pathlib.Path
        The folder that its records, pictures and executed copy go to.
    records : tuple of str
        Ids of the records that it must leave.
    networks : tuple of pathlib.Path
        Files of the networks that it uses, other than shipped ones.
    arguments : tuple of str
        Of the command ``dkg``, which run this and nothing else.
    hides_keys : bool
        Whether its pictures are too coarse to read a key off them.
    """

    name: str
    notebook: str
    path: Path
    profile: str
    parameters: dict[str, Any]
    output: Path
    records: tuple[str, ...] = ()
    networks: tuple[Path, ...] = ()
    arguments: tuple[str, ...] = ()
    hides_keys: bool = False

    @property
    def executed(self) -> Path:
        """The executed copy."""
        return self.output / "executed" / f"{self.name}.ipynb"

    @property
    def failed(self) -> Path:
        """The executed copy of a run that failed; it ends at the cell that failed."""
        return self.executed.with_suffix(".failed.ipynb")

    @property
    def stamp(self) -> Path:
        """The file that says what a finished run was made from, and what it took."""
        return self.executed.with_suffix(".json")

    def record_path(self, id: str) -> Path:
        """Return the file of one of its records."""
        return self.output / "results" / f"{id}.json"


@dataclass(frozen=True)
class Plan:
    """Everything that is to be run, checked.

    Attributes
    ----------
    runs : list of Run
        In reading order of the notebooks.
    trainings : list of Training
        What the runs need first.
    left_out : list of str
        Which runs of the grid there are not, and why.
    """

    runs: list[Run] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def only(self, names: Iterable[str]) -> "Plan":
        """Return the plan of some runs, without trainings.

        Raises
        ------
        ValueError
            If a name is not that of a run.
        """
        names = list(names)
        unknown = sorted(set(names) - {run.name for run in self.runs})
        if unknown:
            raise ValueError(
                f"no run {', '.join(unknown)} in this plan; "
                f"there are: {', '.join(run.name for run in self.runs)}"
            )
        return Plan([run for run in self.runs if run.name in names])

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as other programs read it, as strings, lists and dicts.

        Paths are relative to `dkg.paths.root` where they lie in it. ``arguments`` are those of the
        command ``dkg``, given from there. ``package`` has the files that every run depends on.
        """
        images = images_sha256()
        return {
            "output": short(paths.output()),
            "package": [short(path) for path in package_files()],
            "trainings": [
                {"name": t.name, "arguments": list(t.arguments), "network": short(t.network)}
                for t in self.trainings
            ],
            "runs": [
                {
                    "name": run.name,
                    "notebook": short(run.path),
                    "networks": [short(path) for path in run.networks],
                    "images": images,
                    "parameters": run.parameters,
                    "arguments": list(run.arguments),
                    "records": [short(run.record_path(id)) for id in run.records],
                    "executed": short(run.executed),
                    "failed": short(run.failed),
                    "stamp": short(run.stamp),
                }
                for run in self.runs
            ],
        }


def make(
    notebooks: Iterable[str] | None = None,
    profile: str = "default",
    *,
    datasets: Sequence[str] = (),
    seeds: int | None = None,
    weights: Sequence[str] = (),
) -> Plan:
    """Return what is to be run, checked against the notebooks' own parameters.

    Without data sets, seeds or weights these are the runs of the profile, with `dkg.paths.output`
    as their folder. With any of them it is a grid: each notebook runs once for each data set, seed
    and network that it has a parameter for (``dataset``, ``seed``, ``weights``), and for each that
    decides which networks are trained for it. Such a run has a folder of its own, ``grid/NAME``,
    laid out as the output folder is; a notebook that has none of them runs as without a grid.

    Parameters
    ----------
    notebooks : iterable of str, optional
        Names as in `list_notebooks`; default all of them.
    profile : str, default 'default'
        One of `list_profiles`.
    datasets : sequence of str, optional
        Names as in `dkg.data.NAMES`.
    seeds : int, optional
        Number of random seeds, from 0 on.
    weights : sequence of str, optional
        Names as in `dkg.keys.list_weights`, or paths.

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
    chosen = list(notebooks or known)
    if not chosen:
        raise ValueError(f"{paths.notebooks()}: no notebooks here; run from a copy of the project")
    for notebook in chosen:
        if notebook not in known:
            raise ValueError(f"no notebook {notebook!r}; there are: {', '.join(known)}")
    values = profiles.read(profile)
    grid = _check_grid(datasets, seeds, weights)
    values.check_images()
    plan = Plan()
    used = {axis for name in sorted(set(chosen)) for axis in _add_runs(plan, name, values, grid)}
    idle = sorted(name for name, given in grid.items() if given and name not in used)
    if idle:
        raise ValueError(
            f"none of these notebooks has a parameter {' or '.join(idle)}: {', '.join(chosen)}"
        )
    _check_records(plan.runs)
    return plan


def _check_grid(datasets: Sequence[str], seeds: int | None, weights: Sequence[str]) -> _Grid:
    """Return the values of each parameter that the grid goes through."""
    for name in datasets:
        if name not in data.NAMES:
            raise ValueError(f"no data set {name!r}; there are: {', '.join(data.NAMES)}")
    if seeds is not None and seeds < 1:
        raise ValueError(f"the number of seeds must be at least 1, not {seeds}")
    networks = []
    for name in weights:
        if name not in list_weights() and not Path(name).is_file():
            raise ValueError(
                f"{name}: neither a file nor a shipped network; "
                f"there are: {', '.join(list_weights())}"
            )
        networks.append(name if name in list_weights() else str(Path(name).resolve()))
    for given in (datasets, networks):
        if len(set(given)) < len(given):
            raise ValueError(f"the same value twice: {', '.join(given)}")
    return {"dataset": list(datasets), "seed": list(range(seeds or 0)), "weights": networks}


def _arguments(notebook: str, profile: str, at: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the arguments that run one point of a grid, whatever else the grid has."""
    arguments = ["reproduce", notebook, "--profile", profile]
    if "dataset" in at:
        arguments += ["--dataset", at["dataset"]]
    if "seed" in at:
        arguments += ["--seeds", str(at["seed"] + 1)]
    if "weights" in at:
        network = Path(at["weights"])
        arguments += ["--weights", short(network) if network.is_absolute() else at["weights"]]
    return (*arguments, "--only", name)


def _add_runs(plan: Plan, notebook: str, profile: Profile, grid: _Grid) -> list[str]:
    """Add the runs of a notebook, and their trainings; return what of the grid it goes through."""
    import papermill

    source = paths.notebooks() / f"{notebook}.ipynb"
    known = papermill.inspect_notebook(str(source))
    listed = profile.parameters(notebook, known)
    # Data set and seed also decide which networks are trained, for a notebook that uses some.
    trains = any(profile.trainings(parameters, {}) for parameters in listed)
    through = [
        name
        for name, given in grid.items()
        if given and (name in known or (trains and name != "weights"))
    ]
    points = [dict(zip(through, p, strict=True)) for p in product(*(grid[n] for n in through))]
    for name, parameters, at in _named(notebook, listed, points, profile, known):
        records = _records(notebook, parameters, known)
        if records is None:
            plan.left_out.append(f"{name}: {notebook} has no records for this data set")
            continue
        trainings = profile.trainings(parameters, at)
        plan.trainings.extend(t for t in trainings.values() if t not in plan.trainings)
        networks = [training.network for training in trainings.values()]
        if Path(at.get("weights", "")).is_absolute():
            networks.append(Path(at["weights"]))
        plan.runs.append(
            Run(
                name=name,
                notebook=notebook,
                path=source,
                profile=profile.name,
                parameters={n: _with_paths(v, trainings) for n, v in parameters.items()},
                output=paths.output() / "grid" / name if through else paths.output(),
                records=records,
                networks=tuple(networks),
                arguments=_arguments(notebook, profile.name, at, name),
                hides_keys=profile.hides_keys,
            )
        )
    return through


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
    seen: dict[str, dict[str, Any]] = {}
    for listing, at in product(listed, points):
        labels = [str(listing[name]) for name in varied if name in listing]
        labels += [f"seed-{v}" if name == "seed" else str(v) for name, v in at.items()]
        name = re.sub(r"[^\w.-]", "_", "-".join([notebook, *labels]))
        parameters = listing | {axis: value for axis, value in at.items() if axis in known}
        if seen.setdefault(name, parameters) != parameters:
            raise ValueError(f"profile {profile.name}: two different runs are called {name}")
        # Otherwise the profile's values differ only in what the grid decides.
        if seen[name] is parameters:
            yield name, parameters, at


def _with_paths(value: Any, trainings: dict[str, Training]) -> Any:
    """Return a parameter's value with the path of each network that it names."""
    if isinstance(value, list):
        return [_with_paths(inner, trainings) for inner in value]
    if isinstance(value, str) and value in trainings:
        return str(trainings[value].network)
    return value


def _records(notebook: str, parameters: dict[str, Any], known: Any) -> tuple[str, ...] | None:
    """Return the records that a notebook must leave; None if it has none for its data set."""
    path = paths.notebooks() / "records.yaml"
    listed = yaml.safe_load(path.read_text()) or {}
    if notebook not in listed:
        raise ValueError(
            f"{path}: does not list {notebook}; say which records it leaves, [] for none"
        )
    records = listed[notebook]
    if isinstance(records, dict):
        dataset = parameters.get("dataset", ast.literal_eval(known["dataset"]["default"]))
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
