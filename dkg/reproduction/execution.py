"""One notebook in a process of its own, with a kernel that nobody else can reach.

The command papermill can neither keep the kernel's sockets off TCP nor end with its parent, and
each start of it takes a second to import; a pool of processes breaks when one of them dies.
"""

import os
import signal
import sys
import tempfile
import traceback
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dkg.acceleration.process import end_with_parent
from dkg.reproduction.runs import Run

# What numpy, scipy, torch and numba read, each its own; and os.cpu_count from Python 3.13 on.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "PYTHON_CPU_COUNT",
)

# What glibc reads at the start of a kernel, as dkg.acceleration.process.keep_freed_memory sets it.
_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}

_GIVEN_UP = 10


def in_a_process(
    run: Run, running: Path, threads: int | None, time_limit: float | None
) -> tuple[str | None, dict[str, float]]:
    """Run a notebook in a new process, and return what went wrong and what it took."""
    # A forked process would take over locks that other threads hold; papermill is imported once.
    context: Any = get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        context.set_forkserver_preload(["papermill"])
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_execute, args=(its, run, running, threads, time_limit))
    process.start()
    its.close()
    try:
        outcome: tuple[str | None, dict[str, float]] = ours.recv()
        return outcome
    except EOFError:
        process.join()
        return f"the process of {run.name} ended with status {process.exitcode}", {}
    finally:
        process.join()


def _execute(
    pipe: Connection, run: Run, running: Path, threads: int | None, time_limit: float | None
) -> None:
    """Run a notebook in this process, which ends with its parent."""
    from traitlets.config import Config

    # On SIGTERM the folder below is removed; while a notebook runs, papermill also ends its kernel.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The process that started this one ends it.
    end_with_parent(_GIVEN_UP)
    error = None
    with tempfile.TemporaryDirectory(prefix="dkg-") as private:
        # The kernel inherits these; the first three say in each record what ran, and where it goes.
        os.environ |= {
            "DKG_PROFILE": run.profile,
            "DKG_NOTEBOOK": run.notebook,
            "DKG_OUTPUT": str(run.output),
            "IPYTHONDIR": str(Path(private) / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(Path(private) / "jupyter"),
            **_MEMORY,
            **({"DKG_HIDE_KEYS": "1"} if run.hides_keys else {}),
            **({name: str(threads) for name in _THREADS} if threads is not None else {}),
        }
        try:
            config = Config(KernelManager=_connection(Path(private)))
            cwd = str(run.path.parent)
            papermill(run, running, cwd=cwd, execution_timeout=time_limit, config=config)
        except Exception:
            error = traceback.format_exc()
    pipe.send((error, _usage()))


def papermill(run: Run, copy: Path, **options: Any) -> None:
    """Put a run's parameters into a copy of its notebook, and run it there."""
    import papermill

    # A kernel that is asked to end is interrupted first, and says so in lines with ERROR.
    about = {"kernel_name": "python3", "progress_bar": False, "shutdown_kernel": "immediate"}
    papermill.execute_notebook(
        str(run.path), str(copy), parameters=run.parameters, **about, **options
    )


def _connection(folder: Path) -> dict[str, str]:
    """Return how to talk to a kernel: over files of their owner where the system has such sockets.

    Every user of the machine could listen to TCP ports. The files lie in a folder of this run,
    since two runs that share them would mix their messages.
    """
    if os.name != "posix":
        return {"transport": "tcp"}
    return {"transport": "ipc", "ip": str(folder / "kernel")}


def _usage() -> dict[str, float]:
    """Return what the kernel took, which has ended: seconds of all cores, and most memory."""
    if os.name != "posix":
        return {}
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mib": round(used.ru_maxrss * unit / 2**20),
    }
