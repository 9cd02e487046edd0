"""How many processor cores this process may use."""

import os


def usable() -> int:
    """Return the number of cores; on Linux those that a cluster or a container gives the process.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
