"""A process that has everything imported, and runs what it is told in a fork of itself.

A start of Python with torch takes seconds, and a fork of it milliseconds, so that something can be
started and killed many times. Faults are put on the fork: the signal that kills it, the largest
file that it may write, the memory that it may take, another user.

It is told by JSON, one line each: what to run, and `Warm` in this module is the other end.
"""

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

IMPORTED = [
    "encodings.unicode_escape",
    "torch",
    "papermill",
    "matplotlib.pyplot",
    "dkg.cli",
    "dkg.data",
    "dkg.dicom",
    "dkg.domains",
    "dkg.keys",
    "dkg.plots",
    "dkg.reproduction.runner",
    "dkg.reproduction.records",
    "dkg.training",
    "dkg.zoo",
]


@dataclass
class Ended:
    """How a run ended."""

    status: int
    output: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Warm:
    """Starts the process, and tells it what to run."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.readline() == "ready\n"

    def stop(self):
        self._process.stdin.close()
        self._process.wait()

    def run(
        self,
        *arguments: object,
        code: str | None = None,
        kill_after: float | None = None,
        file_limit: int | None = None,
        memory: int | None = None,
        as_nobody: bool = False,
        **environment: object,
    ) -> Ended:
        """Run the command ``dkg`` with arguments, or code that finds them in ``arguments``.

        Parameters
        ----------
        *arguments : object
            Made to strings.
        code : str, optional
            Python source; default is the command.
        kill_after : float, optional
            Seconds after which it gets SIGKILL, if it has not ended.
        file_limit : int, optional
            Bytes of the largest file that it may write.
        memory : int, optional
            Bytes that it may take beyond what it has.
        as_nobody : bool
            Without the rights of the superuser, if this process has them.
        **environment : object
            Variables.
        """
        request = {
            "arguments": [str(argument) for argument in arguments],
            "code": code,
            "kill_after": kill_after,
            "file_limit": file_limit,
            "memory": memory,
            "as_nobody": as_nobody,
            "environment": {name: str(value) for name, value in environment.items()},
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._process.stdout.readline()))


def play(request: dict) -> int:
    """Put the faults on this process, run what was requested, and return the exit status."""
    os.environ |= request["environment"]
    if request["file_limit"] is not None:
        # Python ignores the signal, so that writing more fails with an error, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"],) * 2)
    if request["memory"] is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + request["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if request["as_nobody"] and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        if request["code"] is None:
            from dkg.cli import app

            app(request["arguments"])
        else:
            exec(request["code"], {"arguments": request["arguments"], "__name__": "run"})
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 99
    return 0


def supervise(pid: int, pipe: int, kill_after: float | None) -> dict:
    """Wait for a fork, read what it prints, and kill it in time."""
    began, output, status = time.monotonic(), b"", None
    while status is None:
        left = 0.05
        if kill_after is not None:
            left = min(left, max(0.0, began + kill_after - time.monotonic()))
            if left == 0:
                os.kill(pid, signal.SIGKILL)
                kill_after = None
        if select.select([pipe], [], [], left)[0]:
            output += os.read(pipe, 65536)
        ended, waited = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(waited)
    seconds = time.monotonic() - began
    # What it started may still hold the other end, so there need not be an end of it.
    while select.select([pipe], [], [], 0)[0]:
        data = os.read(pipe, 65536)
        if not data:
            break
        output += data
    return {"status": status, "output": output.decode(errors="replace"), "seconds": seconds}


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MPLBACKEND"] = "agg"
    for module in IMPORTED:
        importlib.import_module(module)
    # What is only done at the first use, and fails in a fork without memory or a disk to write to:
    # a folder for temporary files is found by writing there, numba has modules for each call, and
    # torch's first optimiser imports its compiler, where the interpreter can run out of memory
    # without saying so.
    tempfile.gettempdir()
    torch = sys.modules["torch"]
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    sys.modules["dkg.domains"].chaotic(np.zeros((1, 8, 8, 3), np.uint8), "rgb")
    answers = os.fdopen(os.dup(1), "w")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        ours, its = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(its, 1)
            os.dup2(its, 2)
            os.close(ours)
            os.close(answers.fileno())
            status = 99
            try:
                status = play(request)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        os.close(its)
        print(json.dumps(supervise(pid, ours, request["kill_after"])), file=answers, flush=True)
        os.close(ours)


if __name__ == "__main__":
    main()
