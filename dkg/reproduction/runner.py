"""Batch reproduction: the notebooks of a plan through papermill, several at once.

Each notebook runs in a process of its own, so that one that dies takes no other with it, and has
its own IPython folder, runtime folder and share of the threads (`dkg.reproduction.execution`). A
run counts as finished when its
notebook came to its end and every record that it must leave is there and new; a stamp beside the
executed copy then says what it was made from.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import filelock
from tqdm import tqdm

from dkg import cores
from dkg.reproduction import execution
from dkg.reproduction.plan import Plan, Run, Training
from dkg.reproduction.staleness import finished, inputs
from dkg.storage.files import atomic

TIME_LIMIT = 3600
"""Seconds that one cell of a notebook may take, unless another limit is given."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run of a notebook, or of a training.

    Attributes
    ----------
    name : str
        The run's name.
    executed : pathlib.Path
        The executed copy. A failed one is named ``NAME.failed.ipynb``.
    seconds : float
        How long it ran.
    error : str or None
        The traceback of a failure, or what is missing.
    was_finished : bool
        Whether an earlier run had finished it and nothing was run now.
    """

    name: str
    executed: Path
    seconds: float
    error: str | None
    was_finished: bool = False


def reproduce(
    plan: Plan,
    *,
    jobs: int = 1,
    threads: int | None = None,
    resume: bool = False,
    time_limit: float | None = TIME_LIMIT,
) -> list[Outcome]:
    """Run a plan: first its trainings, then its notebooks.

    What fails is named with its traceback on standard error, and the rest still runs. There is a
    progress bar in a terminal, and a line for each start and end.

    Parameters
    ----------
    plan : Plan
        From `dkg.reproduction.plan.make`.
    jobs : int, default 1
        Trainings at once, and notebooks at once.
    threads : int, optional
        Threads of each training and each notebook. Default: an equal share of the processor's cores
        where several run at once; for a single one whatever the libraries take.
    resume : bool, default False
        Leave out what an earlier run finished and is `finished` still.
    time_limit : float, optional
        Seconds that one cell of a notebook may take; None for no limit.

    Returns
    -------
    list of Outcome
        One for each training and each run, in the plan's order.

    Raises
    ------
    ValueError
        If `jobs` or `threads` is below 1, or the time limit is not above 0.
    """
    for name, number in (("jobs", jobs), ("threads", threads)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be above 0, or None for no limit, not {time_limit}")
    if threads is None and jobs > 1:
        threads = max(1, cores.usable() // jobs)
    trained = train(plan.trainings, jobs=jobs, threads=threads)
    outcomes: dict[str, Outcome] = {}
    bar = tqdm(total=len(plan.runs), unit="notebook", disable=not sys.stderr.isatty())
    numbers = {run.name: f"[{i}/{len(plan.runs)}]" for i, run in enumerate(plan.runs, 1)}

    def run_one(run: Run) -> Outcome:
        if resume and finished(run):
            return Outcome(run.name, run.executed, 0, None, was_finished=True)
        _say(f"{numbers[run.name]} {run.name} ({run.profile})")
        return run_notebook(run, threads=threads, time_limit=time_limit)

    pool = ThreadPoolExecutor(jobs)
    try:
        for future in as_completed([pool.submit(run_one, run) for run in plan.runs]):
            outcome = future.result()
            outcomes[outcome.name] = outcome
            bar.update()
            word = "FAILED" if outcome.error else "done"
            how = f"{word} in {outcome.seconds:.0f} s: {outcome.executed}"
            if outcome.was_finished:
                how = f"was finished before: {outcome.executed}"
            _say(f"{numbers[outcome.name]} {outcome.name} {how}")
            if outcome.error:
                _say(outcome.error)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown()
        bar.close()
    return [*trained, *(outcomes[run.name] for run in plan.runs)]


def train(
    trainings: Sequence[Training], *, jobs: int = 1, threads: int | None = None
) -> list[Outcome]:
    """Train networks, each in a process of its own; each goes on where an earlier run was stopped.

    Parameters
    ----------
    trainings : sequence of dkg.reproduction.plan.Training
        Those of a plan.
    jobs : int, default 1
        Trainings at once.
    threads : int, optional
        Of each training that begins; one that goes on keeps its own. Default what torch takes.

    Returns
    -------
    list of Outcome
        In the order of the trainings; ``executed`` is the network's file.
    """
    if not trainings:
        return []
    from dkg import zoo

    outcomes, runs, began = {}, {}, time.perf_counter()
    for training in trainings:
        _say(f"{training.name}: dkg {' '.join(training.arguments)}")
        try:
            runs[training.name] = (training.recipe(threads=threads), training.network.parent)
        except ValueError as wrong:
            _say(f"{training.name}: {wrong}")
            outcomes[training.name] = Outcome(training.name, training.network, 0, str(wrong))
    networks = {training.name: training.network for training in trainings}
    for name, error in zoo.train_each(runs, jobs, _say):
        seconds = round(time.perf_counter() - began, 1)
        outcomes[name] = Outcome(name, networks[name], seconds, str(error) if error else None)
    return [outcomes[training.name] for training in trainings]


def run_notebook(
    run: Run, *, threads: int | None = None, time_limit: float | None = TIME_LIMIT
) -> Outcome:
    """Run one notebook, see that its records are there, and stamp it as finished.

    Parameters
    ----------
    run : Run
        One of a plan's.
    threads : int, optional
        Of the notebook; default what the libraries take.
    time_limit : float, optional
        Seconds that one cell may take; None for no limit.

    Returns
    -------
    Outcome
        An error in a cell, a kernel that died and a record that is missing are in ``error``; the
        copy is then ``NAME.failed.ipynb``.
    """
    began = time.perf_counter()
    try:
        run.executed.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(run.executed.with_name(f".{run.name}.lock"), blocking=False):
            error = _run_locked(run, threads, time_limit)
    except filelock.Timeout:
        error = f"another process is running {run.name} into {run.output}"
    except Exception:
        error = traceback.format_exc()
    seconds = round(time.perf_counter() - began, 1)
    return Outcome(run.name, run.failed if error else run.executed, seconds, error)


def prepare(run: Run, folder: str | os.PathLike[str]) -> Path:
    """Put a run's parameters into a copy of its notebook, for a checker that runs it.

    Parameters
    ----------
    run : Run
        One of a plan's.
    folder : path-like
        Where the copy goes, under the run's name; made if it is not there.

    Returns
    -------
    pathlib.Path
        The copy.
    """
    copy = Path(folder) / f"{run.name}.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    execution.papermill(run, copy, prepare_only=True)
    return copy


def _run_locked(run: Run, threads: int | None, time_limit: float | None) -> str | None:
    """Run a notebook, and return what went wrong."""
    run.stamp.unlink(missing_ok=True)
    stamp: dict[str, Any] = {"inputs": inputs(run)}
    before = {id: _version(run.record_path(id)) for id in run.records}
    running = run.executed.with_name(f".{run.name}.running.ipynb")
    began = time.perf_counter()
    error, usage = execution.in_a_process(run, running, threads, time_limit)
    if error is None:
        error = _missing_records(run, before)
    if error and not _is_whole(running):
        running.unlink(missing_ok=True)
    else:
        running.replace(run.failed if error else run.executed)
    (run.executed if error else run.failed).unlink(missing_ok=True)
    if error is None:
        stamp |= {
            "seconds": round(time.perf_counter() - began, 1),
            **usage,
            "threads": threads,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with atomic(run.stamp) as temporary:
            temporary.write_text(json.dumps(stamp, indent=1) + "\n")
    return error


def _missing_records(run: Run, before: dict[str, Any]) -> str | None:
    """Say which records, or their pictures, a notebook did not write anew."""
    missing = []
    for id, version_before in before.items():
        path = run.record_path(id)
        if _version(path) in (None, version_before):
            missing.append(str(path))
            continue
        picture = json.loads(path.read_text())["figure"]
        if picture and not (run.output / picture).is_file():
            missing.append(str(run.output / picture))
    if not missing:
        return None
    return f"{run.name} ran to its end and did not write {', '.join(missing)}"


def _is_whole(copy: Path) -> bool:
    """Tell whether papermill wrote an executed copy to its end, as it cannot on a full disk."""
    try:
        json.loads(copy.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return True


def _version(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that replaced it."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()
