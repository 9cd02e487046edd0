"""The process and its devices: memory, threads, the device, and an end with the parent."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # From glibc's malloc.h.


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensors, where the C library can (glibc).

    Otherwise the few MiB of each layer go back to the system and are requested again page by page,
    which takes a quarter of the time of a key. At most 256 MiB are kept. It is a setting of the
    whole process, so commands and notebooks make it, not the library.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)


def end_with_parent(seconds: float = 10) -> None:
    """End this process when the process that started it has ended, even if that was killed.

    Without this a worker of `multiprocessing` would compute on, and keep what it locked.

    Parameters
    ----------
    seconds : float, default 10
        Between SIGTERM, on which the process may clean up, and SIGKILL.
    """
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Compute on a number of threads, None for the number set before.

    Several threads of a small network may wait longer for each other than they compute.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resolve_device(device: str = "auto") -> torch.device:
    """Return the torch device that a name means; ``'auto'`` is CUDA where there is one.

    Raises
    ------
    ValueError
        If there is no such kind of device, or torch cannot compute on it here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be auto, cpu, cuda or another of torch's: {error}") from None
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} was requested, but torch sees no CUDA device")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device {device!r} was requested, but torch sees {torch.cuda.device_count()}, from "
            "cuda:0 on"
        )
    if resolved.type not in ("cpu", "cuda"):
        try:
            torch.zeros(1, device=resolved).cpu()
        except Exception as error:  # Each kind of device has one of its own.
            reason = str(error).partition("\n")[0]
            raise ValueError(
                f"device {device!r} was requested, but torch cannot compute on it here: {reason}"
            ) from None
    return resolved
