"""Batch reproduction: run the notebooks with a profile's parameters through papermill.

A profile is a YAML file in ``notebooks/profiles/`` that maps a notebook's name to values of its
parameters. It never changes code, and a name that is not a parameter of the notebook is an error.
"""

import os
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dkg import paths

# Kernels talk over files of their owner where the system has such sockets, not over TCP ports,
# which every user of the machine could listen to.
_TRANSPORT = "ipc" if os.name == "posix" else "tcp"


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook.

    Attributes
    ----------
    notebook : str
        Its name, without the ending.
    executed : pathlib.Path
        The executed copy. A failed one is named ``NAME.failed.ipynb``.
    seconds : float
        How long it ran.
    error : str or None
        The traceback of a failure.
    """

    notebook: str
    executed: Path
    seconds: float
    error: str | None


def list_notebooks() -> list[str]:
    """List the notebooks in reading order, without the ending."""
    return sorted(p.stem for p in paths.notebooks().glob("*.ipynb"))


def list_profiles() -> list[str]:
    """List the profiles."""
    return sorted(p.stem for p in (paths.notebooks() / "profiles").glob("*.yaml"))


def parameters(notebook: str, profile: str) -> dict[str, Any]:
    """Return the parameters that a profile gives a notebook, checked against the notebook's own.

    Parameters
    ----------
    notebook : str
        One of `list_notebooks`.
    profile : str
        One of `list_profiles`.

    Returns
    -------
    dict
        Names and values; empty if the profile leaves the notebook's own values.

    Raises
    ------
    ValueError
        If there is no such notebook or profile, if the profile names a notebook that does not
        exist, or a parameter that its notebook does not have.
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
    unknown = set(chosen) - set(known)
    if unknown:
        raise ValueError(
            f"{path}: {notebook} has no parameter {', '.join(sorted(unknown))}; "
            f"it has: {', '.join(known)}"
        )
    return chosen


def run_notebook(
    notebook: str, profile: str, folder: str | os.PathLike, *, execute: bool = True
) -> Outcome:
    """Run one notebook with a profile's parameters.

    Parameters
    ----------
    notebook : str
        One of `list_notebooks`.
    profile : str
        One of `list_profiles`.
    folder : path-like
        Where the executed copy goes, under the notebook's name; made if it is not there.
    execute : bool, default True
        With False the parameters are put in and nothing is run, for a checker that runs it.

    Returns
    -------
    Outcome
        An error in a cell is in ``error``, and the copy, up to that cell, is
        ``NAME.failed.ipynb``.

    Raises
    ------
    ValueError
        As `parameters` does.
    """
    import papermill
    from traitlets.config import Config

    values = parameters(notebook, profile)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / f"{notebook}.ipynb"
    failed = folder / f"{notebook}.failed.ipynb"
    running = folder / f".{notebook}.running.ipynb"
    error = None
    began = time.perf_counter()
    try:
        papermill.execute_notebook(
            str(paths.notebooks() / f"{notebook}.ipynb"),
            str(running),
            parameters=values,
            kernel_name="python3",
            prepare_only=not execute,
            progress_bar=execute and sys.stderr.isatty(),
            cwd=str(paths.notebooks()),
            config=Config(KernelManager={"transport": _TRANSPORT}),
        )
    except Exception:
        error = traceback.format_exc()
    if running.exists():
        running.replace(failed if error else executed)
    (executed if error else failed).unlink(missing_ok=True)
    return Outcome(
        notebook, failed if error else executed, round(time.perf_counter() - began, 1), error
    )


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
        One per notebook.

    Raises
    ------
    ValueError
        If a name is unknown or the profile does not fit a notebook; nothing is run then.
    """
    chosen = list(notebooks or list_notebooks())
    if not chosen:
        raise ValueError(f"{paths.notebooks()}: no notebooks here; run from a copy of the project")
    for notebook in chosen:
        parameters(notebook, profile)
    outcomes = []
    for number, notebook in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {notebook} ({profile})", file=sys.stderr, flush=True)
        outcome = run_notebook(notebook, profile, paths.output() / "executed")
        word = "FAILED" if outcome.error else "done"
        print(
            f"[{number}/{len(chosen)}] {notebook} {word} in {outcome.seconds:.0f} s: "
            f"{outcome.executed}",
            file=sys.stderr,
            flush=True,
        )
        if outcome.error:
            print(outcome.error, file=sys.stderr, flush=True)
        outcomes.append(outcome)
    return outcomes
