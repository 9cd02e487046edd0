"""The networks' layers with channels last in memory: the same functions, faster on a CPU.

The plain reference is torch's own layers in `dkg.models`; `accelerate` swaps the class of layers
that have a faster form.
"""

import functools
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from dkg.acceleration import nnpack
from dkg.models import Generator

_Network = TypeVar("_Network", bound=nn.Module)

_SIDE = 2
_OFFSETS = [(row, column) for row in range(_SIDE) for column in range(_SIDE)]


def accelerate(network: _Network) -> _Network:
    """Make a network compute with channels last in memory, in place.

    Parameters
    ----------
    network : dkg.models.Generator or dkg.models.Discriminator
        The network. Its weights, their names and their order stay as they are.

    Returns
    -------
    dkg.models.Generator or dkg.models.Discriminator
        The same object. Accelerating it again changes nothing.
    """
    for module in network.modules():
        if type(module) is nn.InstanceNorm2d:
            module.__class__ = ChannelsLastInstanceNorm2d
    if isinstance(network, Generator):
        for part, kind in ((network.residual, ResidualConv2d), (network.up3, FewOutputsConv2d)):
            for layer in part.modules():
                if type(layer) is nn.Conv2d and layer.groups == 1 and layer.kernel_size != (1, 1):
                    layer.__class__ = kind
    if not network._forward_pre_hooks:
        network.register_forward_pre_hook(_channels_last)
    return network


def _channels_last(network: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0].contiguous(memory_format=torch.channels_last),)


class ChannelsLastInstanceNorm2d(nn.InstanceNorm2d):
    """Instance normalisation that keeps channels last in memory."""

    def forward(self, input: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H, W)
        """Normalise each channel of each image on its own."""
        y: Tensor = _Normalise.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        return y


class ResidualConv2d(nn.Conv2d):
    """A convolution of a residual block; in training NNPACK's where that is faster."""

    def forward(self, input: Tensor) -> Tensor:  # (N, C, H + 2, W + 2) -> (N, C, H, W)
        """Convolve, as `torch.nn.Conv2d` with stride 1 and no padding."""
        if nnpack.is_faster(input):
            return nnpack.convolve(input, self.weight)
        return super().forward(input)


class FewOutputsConv2d(nn.Conv2d):
    """A convolution with few output channels, laid out so that the CPU's vector units are full."""

    def forward(self, input: Tensor) -> Tensor:  # (N, C, H + 6, W + 6) -> (N, 3, H, W)
        """Convolve, as `torch.nn.Conv2d` with stride 1 and no padding."""
        sizes = [
            size - kernel + 1
            for size, kernel in zip(input.shape[2:], self.kernel_size, strict=True)
        ]
        if input.device.type != "cpu" or any(size % _SIDE for size in sizes):
            return super().forward(input)
        if nnpack.is_faster(input):
            return nnpack.convolve(input, self.weight, _weight_gradient)
        y: Tensor = _Convolve.apply(input, self.weight)  # type: ignore[no-untyped-call]
        return y


class _Normalise(torch.autograd.Function):
    """Instance normalisation of (N, C, H, W) with channels last in memory.

    torch's own converts to channels first, in which convolutions are slower. Its batch
    normalisation of one image is the same function and keeps the layout, but adds that many numbers
    one after another that keys would differ in more bytes; only its gradient is used.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        rows, channels = _rows(x), x.shape[1]
        n = x.shape[2] * x.shape[3]
        mean = _channel_sums(rows, channels) / n  # (N, 1, C)
        centred = rows - _tile_channels(mean, rows)
        variance = _channel_sums(centred * centred, channels) / n  # (N, 1, C)
        rstd = torch.rsqrt(variance + eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.eps = eps
        scale = _tile_channels(weight * rstd, rows)
        y = torch.addcmul(_tile_channels(bias, rows), centred, scale)
        return _image(y, x.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        statistics = zip(mean.flatten(1), rstd.flatten(1), strict=True)
        grads = [
            torch.ops.aten.native_batch_norm_backward(
                *(grad_i, x_i, weight, None, None, *of_i, True, ctx.eps, (True, True, True))
            )
            for grad_i, x_i, of_i in zip(grad.split(1), x.split(1), statistics, strict=True)
        ]
        grad_x, grad_weight, grad_bias = zip(*grads, strict=True)
        whole = torch.cat(grad_x) if len(grad_x) > 1 else grad_x[0]
        return whole, sum(grad_weight), sum(grad_bias), None


class _Convolve(torch.autograd.Function):
    """A convolution of stride 1 that computes neighbouring outputs as channels.

    Vector units compute 8 or 16 output channels at once, and the generator's last layer has three.
    With the kernel at 2 x 2 offsets, a convolution of stride 2 computes the same sums as twelve
    channels, and a pixel shuffle puts them into their places. The gradient of the weights is
    computed in the same way. The gradient of the input has as many channels as the layer before;
    with a stride it takes far longer on two threads.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        room = _SIDE - 1
        shifted = [F.pad(weight, (c, room - c, r, room - r)) for r, c in _OFFSETS]
        kernels = torch.stack(shifted, dim=1).flatten(0, 1)  # (3 * 4, C, 8, 8)
        return F.pixel_shuffle(F.conv2d(x, kernels, stride=_SIDE), _SIDE)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = F.conv_transpose2d(grad.contiguous(memory_format=torch.channels_last), weight)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(x, weight.shape, grad)
        return grad_x, grad_weight


def _weight_gradient(x: Tensor, shape: torch.Size, grad: Tensor) -> Tensor:
    """Return the gradient of the weights of few output channels; H and W of outputs are even."""
    outputs, channels, height, width = shape
    wide = (outputs * len(_OFFSETS), channels, height + _SIDE - 1, width + _SIDE - 1)
    kernels = conv2d_weight(x, wide, F.pixel_unshuffle(grad, _SIDE), stride=_SIDE)
    shifted = kernels.unflatten(0, (outputs, -1)).unbind(1)
    gradients = (
        kernel[..., r : r + height, c : c + width]
        for kernel, (r, c) in zip(shifted, _OFFSETS, strict=True)
    )
    gradient: Tensor = functools.reduce(torch.add, gradients)
    return gradient


def _rows(x: Tensor) -> Tensor:
    """View (N, C, H, W) as (N, H, W C); a copy only if channels are not last in memory."""
    return x.permute(0, 2, 3, 1).contiguous().flatten(2)


def _image(rows: Tensor, shape: torch.Size) -> Tensor:
    """View what `_rows` returned as (N, C, H, W) again."""
    n, channels, height, width = shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)


def _channel_sums(rows: Tensor, channels: int) -> Tensor:
    """Sum (N, H, W C) over pixels, (N, 1, C)."""
    sums: Tensor = rows.sum(dim=1, keepdim=True).unflatten(2, (-1, channels)).sum(dim=2)
    return sums


def _tile_channels(values: Tensor, rows: Tensor) -> Tensor:
    """Repeat channels (..., C) to the width of (N, H, W C), so that vector units are full."""
    return values.repeat(*(1,) * (values.ndim - 1), rows.shape[2] // values.shape[-1])
