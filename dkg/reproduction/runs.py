"""What is to be run, as data: one run of a notebook, and a whole plan."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dkg import paths
from dkg.reproduction.profiles import Training, meant, short
from dkg.reproduction.provenance import images_sha256, package_files


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
        """The executed copy of a run that failed, run up to the failing cell."""
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
    taken_over : list of str
        Which networks are not trained, as an equal training of them is there, and which.
    left_out : list of str
        Which runs of the grid there are not, and which networks could not be taken over, and why.
    """

    runs: list[Run] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
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
                f"{meant(unknown, (run.name for run in self.runs))}"
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
            "taken_over": self.taken_over,
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
