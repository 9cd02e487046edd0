"""The layers of `dkg.acceleration.fixed_point`, compiled for the CPU: the same integers.

Libraries have slow matrix products for few channels, and need copies of the image in another order.
Here a convolution is one loop over the image as it is. On a processor with AVX-512 it also has the
wide vectors, which not every library uses in double precision.
"""

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dkg.acceleration import fixed_point
from dkg.acceleration.fixed_point import STRIPS
from dkg.acceleration.process import threads
from dkg.compiled import compiled

_TOGETHER = 4  # Channels and outputs in the inner loop: their weights stay in registers.
_COLUMNS = 256  # At least this many in the inner loop, where rows can be joined.

_threads: ContextVar[int] = ContextVar("threads", default=1)


# Fused multiply-add is exact here, as each product and each sum is.
@functools.partial(compiled, fastmath={"contract"})
def _add_products(
    x: NDArray[np.float64],
    kernel: NDArray[np.float64],
    places: NDArray[np.int64],
    step: int,
    out: NDArray[np.float64],
    first: int,
    last: int,
) -> None:
    """Write rows `first` to `last` of `out` (O, rows, n).

    ``out[o, row, i]`` is the sum over c and t of ``kernel[t, c, o] * x[c, places[t] + step * row +
    i]``; the kernel is (T, C, O), and x (C, pixels).
    """
    n = out.shape[2]
    for row in range(first, last):
        for o in range(0, out.shape[0], _TOGETHER):
            out0, out1, out2, out3 = out[o, row], out[o + 1, row], out[o + 2, row], out[o + 3, row]
            for i in range(n):
                out0[i] = out1[i] = out2[i] = out3[i] = 0.0
            for t in range(len(places)):
                start = places[t] + step * row
                for c in range(0, x.shape[0], _TOGETHER):
                    k = kernel[t, c : c + _TOGETHER, o : o + _TOGETHER]
                    k00, k01, k02, k03 = k[0, 0], k[0, 1], k[0, 2], k[0, 3]
                    k10, k11, k12, k13 = k[1, 0], k[1, 1], k[1, 2], k[1, 3]
                    k20, k21, k22, k23 = k[2, 0], k[2, 1], k[2, 2], k[2, 3]
                    k30, k31, k32, k33 = k[3, 0], k[3, 1], k[3, 2], k[3, 3]
                    x0, x1 = x[c, start : start + n], x[c + 1, start : start + n]
                    x2, x3 = x[c + 2, start : start + n], x[c + 3, start : start + n]
                    for i in range(n):
                        a, b, d, e = x0[i], x1[i], x2[i], x3[i]
                        out0[i] += k00 * a + k10 * b + k20 * d + k30 * e
                        out1[i] += k01 * a + k11 * b + k21 * d + k31 * e
                        out2[i] += k02 * a + k12 * b + k22 * d + k32 * e
                        out3[i] += k03 * a + k13 * b + k23 * d + k33 * e


@compiled
def _sum(x: NDArray[np.float64]) -> float:
    """Sum a power of two of numbers by adding the halves, and overwrite them."""
    n = len(x)
    while n > 1:
        n //= 2
        for i in range(n):
            x[i] += x[n + i]
    return float(x[0])


@compiled
def _normalise_channels(
    x: NDArray[np.float64],
    scale: NDArray[np.float64],
    offset: NDArray[np.float64],
    epsilon: float,
    first: int,
    last: int,
) -> None:
    """Normalise channels `first` to `last` of (C, n), with the additions in the defined order."""
    n = x.shape[1]
    total = np.empty(n // STRIPS)
    for c in range(first, last):
        strips = x[c].reshape(STRIPS, -1)
        total[:] = 0.0
        for s in range(STRIPS):
            total += strips[s]
        mean = _sum(total) / n
        total[:] = 0.0
        for s in range(STRIPS):
            for i in range(len(total)):
                strips[s, i] -= mean
                total[i] += strips[s, i] * strips[s, i]
        factor = scale[c, 0] / math.sqrt(_sum(total) / n + epsilon)
        for i in range(n):
            x[c, i] = np.rint(x[c, i] * factor + offset[c, 0])


def convolve(x: Tensor, kernel: Tensor, step: int) -> Tensor:
    """Convolve without padding, (C, H, W) with (O, C, h, w)."""
    outputs, channels, height, width = kernel.shape
    rows, columns = (x.shape[1] - height) // step + 1, (x.shape[2] - width) // step + 1
    more = (0, -x.shape[2] % step, 0, -x.shape[1] % step, 0, -channels % _TOGETHER)
    if any(more):
        x = F.pad(x, more)
    if step > 1:  # Every step-th row and column beside each other.
        x = x.unflatten(2, (-1, step)).unflatten(1, (-1, step)).permute(0, 2, 4, 1, 3)
    wide = x.shape[-1]
    planes = x.reshape(len(x), -1, x.shape[-2] * wide).contiguous()
    places = [
        (row % step * step + column % step) * planes.shape[2] + row // step * wide + column // step
        for row, column in itertools.product(range(height), range(width))
    ]
    together = 1  # Rows of the image that are one row of the inner loop.
    while columns == wide and columns * together < _COLUMNS and rows % (2 * together) == 0:
        together *= 2
    kernel = F.pad(kernel, (0, 0, 0, 0, 0, -channels % _TOGETHER, 0, -outputs % _TOGETHER))
    out = x.new_empty(len(kernel), rows // together, columns * together)
    _in_parallel(
        functools.partial(
            _add_products,
            planes.flatten(1).numpy(),
            kernel.permute(2, 3, 1, 0).flatten(0, 1).contiguous().numpy(),
            np.array(places),
            wide * together,
            out.numpy(),
        ),
        rows // together,
    )
    return out[:outputs].view(outputs, rows, columns)


def convolve_few(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve with few outputs."""
    return convolve(x, kernel, 1)


# With narrow vectors the library's matrix products of these sizes are faster.
_columns = (
    convolve
    if torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    else fixed_point.convolve_columns
)
convolve_pairs = functools.partial(fixed_point.convolve_pairs, columns=_columns)
upsample = functools.partial(fixed_point.upsample, form=convolve)


def normalise(x: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> Tensor:
    """Normalise each channel of integers (C, H, W) in place, and round to activations."""
    arrays = (x.view(len(x), -1).numpy(), scale.numpy(), offset.numpy())
    _in_parallel(functools.partial(_normalise_channels, *arrays, epsilon), len(x))
    return x


@contextmanager
def own_threads() -> Iterator[None]:
    """Let the loops use as many threads as torch may, and torch one: its threads wait busily."""
    token = _threads.set(torch.get_num_threads())
    try:
        with threads(1):
            yield
    finally:
        _threads.reset(token)


def _in_parallel(function: Callable[[int, int], None], n: int) -> None:
    """Share out ``range(n)`` to the threads."""
    number = _threads.get()
    edges = [n * i // number for i in range(number + 1)]
    if number == 1:
        function(0, n)
    else:
        list(_pool(number).map(function, edges[:-1], edges[1:]))


@functools.cache
def _pool(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number)


if hasattr(os, "register_at_fork"):  # A forked process has none of the threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)
