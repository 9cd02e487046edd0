"""Layers of integers in double precision, with torch on any device: sums without rounding.

`dkg.acceleration.fixed_point_compiled` has the same functions, faster on a CPU.
"""

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# Means and variances add up 32 strips, then halves of the sum. The number is part of the definition
# of a key. A strip is short enough that torch computes it on one thread: on a busy machine several
# threads wait for each other longer than they compute.
STRIPS = 32
# Numbers that a thread has at hand at a time in a convolution: they fit into a cache.
_BAND = 2**18
NEIGHBOURS = 4  # Columns of few outputs that become rows of one matrix.


def convolve(x: Tensor, kernel: Tensor, step: int, step_right: int | None = None) -> Tensor:
    """Convolve without padding, (C, H, W) with (O, C, h, w), as a sum of matrix products.

    The columns of the kernel are laid out beside each other in memory; its rows are views into
    that, one matrix product each.
    """
    outputs, channels, height, width = kernel.shape
    right = step if step_right is None else step_right
    rows, columns = (x.shape[1] - height) // step + 1, (x.shape[2] - width) // right + 1
    out = x.new_empty(outputs, rows, columns)
    matrices = kernel.permute(2, 0, 3, 1).flatten(2)  # (h, O, w C)
    reach = (height - 1) // step
    band = max(1, _BAND * torch.get_num_threads() // (width * channels * step * columns))
    for top in range(0, rows, band):
        n = min(band, rows - top)
        part = x[:, top * step : (top + n + reach) * step].unfold(2, width, right)
        part = part.unflatten(1, (-1, step)).permute(4, 0, 2, 1, 3)
        part = part.contiguous().flatten(0, 1)  # (w C, step, n + reach, columns)
        seen = [
            part[:, row % step, row // step : row // step + n].flatten(1) for row in range(height)
        ]  # (w C, n columns) each
        _sum_of_products(matrices, seen, out=out[:, top : top + n].view(outputs, -1))
    return out


def convolve_few(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve with few outputs: neighbouring columns become outputs, for larger matrices."""
    room = NEIGHBOURS - 1
    shifted = torch.stack([F.pad(kernel, (i, room - i)) for i in range(NEIGHBOURS)], dim=1)
    out = convolve(x, shifted.flatten(0, 1), 1, NEIGHBOURS)
    apart: Tensor = out.unflatten(0, (-1, NEIGHBOURS))
    return apart.permute(0, 2, 3, 1).flatten(2)


def convolve_columns(x: Tensor, kernel: Tensor, step: int = 1) -> Tensor:
    """Convolve without padding, (C, H, W) with (O, C, h, 1) and a step of 1."""
    outputs, _, height, _ = kernel.shape
    rows = x.shape[1] - height + 1
    out = x.new_empty(outputs, rows, x.shape[2])
    seen = [x[:, row : row + rows].flatten(1) for row in range(height)]
    matrices = kernel[..., 0].permute(2, 0, 1).contiguous()
    _sum_of_products(matrices, seen, out=out.view(outputs, -1))
    return out


def convolve_pairs(
    x: Tensor, kernel: Tensor, columns: Callable[[Tensor, Tensor, int], Tensor] = convolve_columns
) -> Tensor:
    """Convolve with 3 x 3, times 2: two neighbouring outputs of four products instead of six.

    Winograd's F(2, 3) along the rows [1]_. All numbers stay whole: the factors are at most twice as
    large as activations and weights, and three products are added up, so that nothing exceeds
    12 times the largest sum.

    .. [1] A. Lavin and S. Gray, Fast algorithms for convolutional neural networks, CVPR 2016.
    """
    first, second, third, fourth = (x[:, :, i : x.shape[2] - 3 + i : 2] for i in range(4))
    left, middle, right = kernel.unbind(3)  # (O, C, 3) each
    factors = (
        (first - third, 2 * left),
        (second + third, left + middle + right),
        (third - second, left - middle + right),
        (second - fourth, 2 * right),
    )
    a, b, c, d = (columns(numbers, weights[..., None], 1) for numbers, weights in factors)
    return torch.stack([a.add_(b).add_(c), b.sub_(c).sub_(d)], dim=3).flatten(2)


def _sum_of_products(matrices: Tensor, others: list[Tensor], out: Tensor) -> None:
    """Write the sum of matrix products to `out`, (O, n)."""
    torch.mm(matrices[0], others[0], out=out)
    for matrix, other in zip(matrices[1:], others[1:], strict=True):
        out.addmm_(matrix, other)


def upsample(
    x: Tensor, kernel: Tensor, form: Callable[[Tensor, Tensor, int], Tensor] = convolve
) -> Tensor:
    """Transposed convolution, 3x3 and stride 2: four convolutions, one for each parity.

    An even row of the output sees one row of the input through the kernel's middle row, an odd one
    two of them through the other rows; columns alike.
    """
    _, height, width = x.shape
    x = F.pad(x, (0, 1, 0, 1))
    out = x.new_empty(len(kernel), height, 2, width, 2)
    taps = ([1], [2, 0])
    for i, j in itertools.product((0, 1), repeat=2):
        part = kernel[:, :, taps[i]][..., taps[j]]
        out[:, :, i, :, j] = form(x[:, : height + i, : width + j], part, 1)
    return out.view(len(kernel), 2 * height, 2 * width)


def normalise(x: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> Tensor:
    """Normalise each channel of integers (C, H, W) in place, and round to activations."""
    flat = x.view(len(x), -1)
    n = flat.shape[1]
    strips = flat.unflatten(1, (STRIPS, -1)).unbind(1)
    total = torch.zeros_like(strips[0])
    for strip in strips:
        total += strip
    mean = _sum(total) / n
    total.zero_()
    for strip in strips:
        strip -= mean
        total += strip * strip
    scale = scale / torch.sqrt(_sum(total) / n + epsilon)
    for strip in strips:
        strip.mul_(scale).add_(offset).round_()
    return x


def _sum(x: Tensor) -> Tensor:  # (C, n) -> (C, 1)
    """Sum rows of a power of two of numbers by adding the halves, in this order everywhere."""
    while x.shape[1] > 1:
        left, right = x.chunk(2, dim=1)
        x = left + right
    return x
