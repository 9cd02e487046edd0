"""The logistic map: orbits, and the keystreams that the chaotic cipher of `dkg.domains` takes."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.compiled import compiled

_PERTURBATION = 2.0**-20
_PART = 4096  # Steps of an orbit at a time, and the longest cycle (and one) that is noticed.


@compiled
def _iterate(starts: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Fill `values` (steps, lanes) with orbits.

    One orbit is a chain of dependent multiplications. Several side by side keep the processor's
    vector units busy, with the same rounding in each.
    """
    current = starts.copy()
    for i in range(values.shape[0]):
        for lane in range(starts.size):
            x = current[lane]
            x = 4.0 * x * (1.0 - x)
            current[lane] = x
            values[i, lane] = x


@compiled
def _to_bytes(values: NDArray[np.float64], keystreams: NDArray[np.uint8]) -> None:
    """Map orbits (steps, lanes) to bytes (lanes, steps)."""
    for lane in range(values.shape[1]):
        for i in range(values.shape[0]):
            y = math.asin(math.sqrt(values[i, lane])) / math.pi
            keystreams[lane, i] = np.int64(math.floor(y * 1e15)) & 255


def _check_starts(starts: ArrayLike, length: int) -> NDArray[np.float64]:
    starts = np.array(starts, np.float64)
    if starts.ndim != 1 or not ((starts > 0.0) & (starts < 1.0)).all():
        raise ValueError(f"starts must be a list of numbers in (0, 1), not {starts}")
    if length < 0:
        raise ValueError(f"the length must not be negative, not {length}")
    return starts


def logistic_orbits(starts: ArrayLike, n_steps: int) -> NDArray[np.float64]:
    """Iterate the logistic map ``x <- 4 x (1 - x)`` from several starts.

    Parameters
    ----------
    starts : numpy.ndarray
        float64 (n,), each in (0, 1).
    n_steps : int
        Steps to take; the start itself is not part of the orbit.

    Returns
    -------
    numpy.ndarray
        float64 (n_steps, n), in IEEE 754 double precision with one rounding per operation, so
        equal bit for bit to a plain loop.

    Raises
    ------
    ValueError
        If a start is outside (0, 1) or `n_steps` is negative.
    """
    starts = _check_starts(starts, n_steps)
    values = np.empty((n_steps, starts.size))
    _iterate(starts, values)
    return values


def _keystreams_and_cycles(
    starts: NDArray[np.float64], n_bytes: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Make keystreams, and say which of their orbits ended in a cycle."""
    keystreams = np.empty((starts.size, n_bytes), np.uint8)
    periodic = np.zeros(starts.size, bool)
    values = np.empty((0, starts.size))
    # In parts that stay in the cache; the last part is whole where the orbit is long enough.
    ends = range(n_bytes % _PART or _PART, n_bytes + 1, _PART) if n_bytes >= _PART else [n_bytes]
    done = 0
    for end in ends:
        start_here = values[-1].copy() if done else starts
        values = np.empty((end - done, starts.size))
        _iterate(start_here, values)
        _to_bytes(values, keystreams[:, done:end])
        done = end
    if len(values):
        # An orbit stays in a cycle that it has met, so the end of the orbit tells.
        periodic = (values[:-1] == values[-1]).any(axis=0)
    return keystreams, periodic


def logistic_keystreams(starts: ArrayLike, n_bytes: int) -> NDArray[np.uint8]:
    """Make keystreams from orbits of the logistic map.

    Every value of an orbit is mapped by ``y = asin(sqrt(x)) / pi``; the byte is
    ``floor(y * 1e15) mod 256``.

    Parameters
    ----------
    starts : numpy.ndarray
        float64 (n,), starts of the orbits, in (0, 1).
    n_bytes : int
        Length of each keystream.

    Returns
    -------
    numpy.ndarray
        uint8 (n, n_bytes).

    Raises
    ------
    ValueError
        If a start is outside (0, 1) or `n_bytes` is negative.

    Notes
    -----
    In exact arithmetic some starts end at a fixed point (1/2 -> 1 -> 0, 3/4 -> 3/4), and in
    floating point others fall into a short cycle: such a keystream would repeat. A start whose
    orbit has met a fixed point or a cycle of fewer than 4,096 steps by the end is moved by 2**-20
    (up below 1/2, else down; as often as needed), and the keystream is made from there. ``asin``
    is the platform's; its last bit, and with it a few bytes, may differ from one C library to
    another.
    """
    starts = _check_starts(starts, n_bytes)
    towards_half = np.where(starts < 0.5, _PERTURBATION, -_PERTURBATION)
    keystreams = np.empty((starts.size, n_bytes), np.uint8)
    to_do = np.arange(starts.size)
    while to_do.size:
        keystreams[to_do], periodic = _keystreams_and_cycles(starts[to_do], n_bytes)
        to_do = to_do[periodic]
        starts[to_do] += towards_half[to_do]
    return keystreams
