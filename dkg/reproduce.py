"""Batch reproduction: run the notebooks with a profile's parameters through papermill.

A profile is a YAML file in ``notebooks/profiles/`` that maps a notebook's name to values of its
parameters, or to a list of such values for a notebook that is run several times. It never changes
code, and a name that is not a parameter of the notebook is an error.
"""

import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dkg import paths


@dataclass(frozen=True)
class Run:
    """One notebook with the values that a profile gives its parameters.

    Attributes
    ----------
    name : str
        The notebook's name, with the values if the profile runs it several times.
    notebook : str
        The notebook's name, without the ending.
    parameters : dict
        Names and values; empty where the notebook's own values are left.
    """

    name: str
    notebook: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one run of a notebook.

    Attributes
    ----------
    name : str
        The run's name.
    executed : pathlib.Path
        The executed copy. A failed one is named ``NAME.failed.ipynb``.
    seconds : float
        How long it ran.
    error : str or None
        The traceback of a failure.
    """

    name: str
    executed: Path
    seconds: float
    error: str | None


def list_notebooks() -> list[str]:
    """List the notebooks in reading order, without the ending."""
    return sorted(p.stem for p in paths.notebooks().glob("*.ipynb"))


def list_profiles() -> list[str]:
    """List the profiles."""
    return sorted(p.stem for p in (paths.notebooks() / "profiles").glob("*.yaml"))


def plan(notebook: str, profile: str) -> list[Run]:
    """Return the runs of a notebook in a profile, checked against the notebook's own parameters.

    Parameters
    ----------
    notebook : str
        One of `list_notebooks`.
    profile : str
        One of `list_profiles`.

    Returns
    -------
    list of Run
        One, or one for each set of values that the profile lists.

    Raises
    ------
    ValueError
        If there is no such notebook or profile, if the profile names a notebook that does not
        exist, a parameter that its notebook does not have, or the same values twice.
    """
    import papermill

    if notebook not in list_notebooks():
        raise ValueError(f"no notebook {notebook!r}; there are: {', '.join(list_notebooks())}")
    path = paths.notebooks() / "profiles" / f"{profile}.yaml"
    if not path.is_file():
        raise ValueError(f"no profile {profile!r}; there are: {', '.join(list_profiles())}")
    values = yaml.safe_load(path.read_text()) or {}
    unknown = set(values) - set(list_notebooks())
    if unknown:
        raise ValueError(f"{path}: names notebooks that do not exist: {', '.join(sorted(unknown))}")
    chosen = values.get(notebook) or {}
    known = papermill.inspect_notebook(str(paths.notebooks() / f"{notebook}.ipynb"))
    several = isinstance(chosen, list)
    for parameters in chosen if several else [chosen]:
        unknown = set(parameters) - set(known)
        if unknown:
            raise ValueError(
                f"{path}: {notebook} has no parameter {', '.join(sorted(unknown))}; "
                f"it has: {', '.join(known)}"
            )
    if not several:
        return [Run(notebook, notebook, chosen)]
    varied = [
        name for name in known if len({repr(parameters.get(name)) for parameters in chosen}) > 1
    ]
    runs = [
        Run(
            re.sub(r"[^\w.-]", "_", "-".join([notebook, *(str(p[n]) for n in varied if n in p)])),
            notebook,
            p,
        )
        for p in chosen
    ]
    if len({run.name for run in runs}) < len(runs):
        raise ValueError(f"{path}: {notebook} has the same values twice")
    return runs


def run_notebook(
    run: Run, profile: str, folder: str | os.PathLike, *, execute: bool = True
) -> Outcome:
    """Run one notebook with a profile's parameters.

    Parameters
    ----------
    run : Run
        One of `plan`.
    profile : str
        Name of the profile, for the records.
    folder : path-like
        Where the executed copy goes, under the run's name; made if it is not there.
    execute : bool, default True
        With False the parameters are put in and nothing is run, for a checker that runs it.

    Returns
    -------
    Outcome
        An error in a cell is in ``error``, and the copy, up to that cell, is
        ``NAME.failed.ipynb``.
    """
    import papermill
    from traitlets.config import Config

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / f"{run.name}.ipynb"
    failed = folder / f"{run.name}.failed.ipynb"
    running = folder / f".{run.name}.running.ipynb"
    error = None
    began = time.perf_counter()
    try:
        # The kernel inherits these; they say in each record what ran.
        with (
            _environment(DKG_PROFILE=profile, DKG_NOTEBOOK=run.notebook),
            tempfile.TemporaryDirectory(prefix="dkg-") as sockets,
        ):
            papermill.execute_notebook(
                str(paths.notebooks() / f"{run.notebook}.ipynb"),
                str(running),
                parameters=run.parameters,
                kernel_name="python3",
                prepare_only=not execute,
                progress_bar=execute and sys.stderr.isatty(),
                cwd=str(paths.notebooks()),
                config=Config(KernelManager=_connection(Path(sockets))),
            )
    except Exception:
        error = traceback.format_exc()
    if running.exists():
        running.replace(failed if error else executed)
    (executed if error else failed).unlink(missing_ok=True)
    return Outcome(
        run.name, failed if error else executed, round(time.perf_counter() - began, 1), error
    )


def _connection(folder: Path) -> dict[str, str]:
    """Return how to talk to a kernel: over files of their owner where the system has such sockets.

    Every user of the machine could listen to TCP ports. The files lie in a folder of this run,
    since two runs that share them would mix their messages.
    """
    if os.name != "posix":
        return {"transport": "tcp"}
    return {"transport": "ipc", "ip": str(folder / "kernel")}


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def reproduce(notebooks: Iterable[str] | None = None, profile: str = "default") -> list[Outcome]:
    """Run notebooks one after another into ``figures/executed/``, and say how each went.

    A failing notebook is named with its traceback on standard error, and the rest still run.

    Parameters
    ----------
    notebooks : iterable of str, optional
        Names as in `list_notebooks`; default all of them, in reading order.
    profile : str, default 'default'
        One of `list_profiles`.

    Returns
    -------
    list of Outcome
        One per run.

    Raises
    ------
    ValueError
        If a name is unknown or the profile does not fit a notebook; nothing is run then.
    """
    chosen = list(notebooks or list_notebooks())
    if not chosen:
        raise ValueError(f"{paths.notebooks()}: no notebooks here; run from a copy of the project")
    runs = [run for notebook in chosen for run in plan(notebook, profile)]
    outcomes = []
    for number, run in enumerate(runs, 1):
        print(f"[{number}/{len(runs)}] {run.name} ({profile})", file=sys.stderr, flush=True)
        outcome = run_notebook(run, profile, paths.output() / "executed")
        word = "FAILED" if outcome.error else "done"
        print(
            f"[{number}/{len(runs)}] {run.name} {word} in {outcome.seconds:.0f} s: "
            f"{outcome.executed}",
            file=sys.stderr,
            flush=True,
        )
        if outcome.error:
            print(outcome.error, file=sys.stderr, flush=True)
        outcomes.append(outcome)
    return outcomes
