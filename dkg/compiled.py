"""The compiler of the inner loops: numba, with its compiled code kept on disk where that works."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of NumPy arrays to machine code at its first call.

    The compiled code is cached beside the source file, or in the user's cache folder (or
    ``NUMBA_CACHE_DIR``) where the package is installed read-only. The function runs without
    Python's global lock, so that threads share the work of `dkg.randomness.run_battery` and of
    `dkg.domains`.

    Parameters
    ----------
    function : callable
        A function within numba's subset of Python.

    Returns
    -------
    callable
        The compiled function, with the same arguments.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # No cache folder can be written at all: each process compiles for itself.
        return numba.njit(nogil=True)(function)
