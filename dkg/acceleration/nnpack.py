"""Convolutions of training by NNPACK: Winograd's and Fourier transforms in place of direct sums.

On processors without AVX-512 torch's direct convolutions already run near the peak of the vector
units. A 3 x 3 convolution by Winograd's F(6 x 6, 3 x 3) [1]_ takes a fifth of the multiplications.
Keys never come from here, as the transforms round differently: only networks in training use them.

.. [1] A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.grad import conv2d_weight

_WeightGradient = Callable[[Tensor, torch.Size, Tensor], Tensor]


def is_faster(x: Tensor) -> bool:
    """Return whether `convolve` is used for this input.

    It is for float32 on a CPU whose widest vector units are AVX2's, while gradients are recorded.
    """
    return (
        torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
        and torch.backends.nnpack.is_available()
    )


def convolve(x: Tensor, weight: Tensor, weight_gradient: _WeightGradient = conv2d_weight) -> Tensor:
    """Convolve with stride 1 and no padding.

    Parameters
    ----------
    x : torch.Tensor
        float32 (N, C, H, W), channels last in memory or first.
    weight : torch.Tensor
        float32 (K, C, h, w).
    weight_gradient : callable, optional
        Function of the input, the shape of the weights and the gradient of the output. Default:
        torch's.

    Returns
    -------
    torch.Tensor
        float32 (N, K, H - h + 1, W - w + 1), channels last in memory.
    """
    y: Tensor = _Convolve.apply(x, weight, weight_gradient)  # type: ignore[no-untyped-call]
    return y


class _Convolve(torch.autograd.Function):
    """The gradient of the input is a convolution too; the weights' gradient is not."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, weight_gradient: _WeightGradient) -> Tensor:
        x = x.contiguous()  # NNPACK computes with channels first.
        ctx.save_for_backward(x, weight)
        ctx.weight_gradient = weight_gradient
        return _convolve(x, weight, (0, 0))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            height, width = weight.shape[2:]
            turned = weight.flip(2, 3).transpose(0, 1)
            grad_x = _convolve(grad, turned, (height - 1, width - 1))
        if ctx.needs_input_grad[1]:
            grad_weight = ctx.weight_gradient(x, weight.shape, grad)
        return grad_x, grad_weight, None


def _convolve(x: Tensor, weight: Tensor, padding: tuple[int, int]) -> Tensor:
    y: Tensor = torch._nnpack_spatial_convolution(x, weight.contiguous(), None, padding)
    return y.contiguous(memory_format=torch.channels_last)
