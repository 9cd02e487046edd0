"""The compiler of the inner loops: numba, with its compiled code kept on disk where that works."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """Compile a function of NumPy arrays to machine code at its first call.

    The compiled code is cached beside the source file, or in the user's cache folder (or
    ``NUMBA_CACHE_DIR``) where the package is installed read-only. The function runs without
    Python's global lock, so that threads share the work of `dkg.randomness.run_battery`, of
    `dkg.domains` and of exact keys.

    Parameters
    ----------
    function : callable
        A function within numba's subset of Python.
    **options
        More options of `numba.njit`.

    Returns
    -------
    callable
        The compiled function, with the same arguments.
    """
    result: Callable[P, R]
    try:
        result = numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        # No cache folder can be written at all: each process compiles for itself.
        result = numba.njit(nogil=True, **options)(function)
    return result
