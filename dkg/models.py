"""The two networks of DeepKeyGen: the generator (Table I) and the discriminator (Table II).

The tables count convolution weights only. No convolution has a bias, and the scale and offset of
the instance normalisation are not counted; :func:`convolution_table` counts the same way, so that
the paper's rows can be held against the live modules.

What the paper leaves open is filled from the same group's later code (a CycleGAN port): ReLU in
the generator, LeakyReLU 0.2 in the discriminator, reflection padding for the 7x7 and the residual
convolutions, zero padding for the strided ones, instance normalisation with scale and offset and
epsilon 1e-5 everywhere but in the discriminator's first layer and in both last layers, weights
from N(0, 0.02), scales from N(1, 0.02).
"""

import copy
import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

RESIDUAL_BLOCKS = {"A": 3, "B": 6, "C": 9, "D": 12}
"""Residual blocks of the networks A to D in Table XVI; B is the network of Table I."""


CONVOLUTIONS = ("standard", "mobilenet", "xception")
"""Kinds of convolution that a `Generator` can be made of; the first is the paper's."""

PADDINGS = {"reflection": nn.ReflectionPad2d, "zero": nn.ZeroPad2d}
"""What a `Generator` puts around what it convolves; the paper does not say."""


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # Of glibc's malloc.h.


def keep_freed_memory() -> None:
    """Have the process keep freed memory for its next tensors, where the C library can (glibc).

    It would give the few MiB of each layer back to the system and ask for them again page by page,
    which takes a quarter of the time of a key. At most 256 MiB are kept.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, as threads of a small network wait longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class ConvolutionRow(NamedTuple):
    """One row of Table I or Table II, counted on a live module."""

    layer: str
    number: int
    size: str
    input_channels: int
    output_channels: int
    parameters: int
    total_parameters: int


class _Normalised(torch.autograd.Function):
    """Instance normalisation of (N, C, H, W) whose channels lie side by side in memory.

    torch's own goes through the other layout, in which convolutions are slower. Its batch
    normalisation of one image is the same function and keeps the layout, but adds so many numbers
    one after another that keys would differ in more bytes; its gradient serves.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        rows, channels = _rows(x), x.shape[1]
        n = x.shape[2] * x.shape[3]
        mean = _channel_sums(rows, channels) / n  # (N, 1, C)
        centred = rows - _wide(mean, rows)
        variance = _channel_sums(centred * centred, channels) / n  # (N, 1, C)
        rstd = torch.rsqrt(variance + eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.eps = eps
        y = torch.addcmul(_wide(bias, rows), centred, _wide(weight * rstd, rows))
        return _image(y, x.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor):
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


def _rows(x: Tensor) -> Tensor:
    """View (N, C, H, W) as (N, H, W C), copying only if its channels do not lie side by side."""
    return x.permute(0, 2, 3, 1).contiguous().flatten(2)


def _image(rows: Tensor, shape: torch.Size) -> Tensor:
    """View what `_rows` returned as (N, C, H, W) again."""
    n, channels, height, width = shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)


def _channel_sums(rows: Tensor, channels: int) -> Tensor:
    """Sum (N, H, W C) over pixels, (N, 1, C)."""
    return rows.sum(dim=1, keepdim=True).unflatten(2, (-1, channels)).sum(dim=2)


def _wide(values: Tensor, rows: Tensor) -> Tensor:
    """Repeat channels (..., C) to the width of (N, H, W C), so that vector units are full."""
    return values.repeat(*(1,) * (values.ndim - 1), rows.shape[2] // values.shape[-1])


class _InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation that keeps channels side by side in memory."""

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H, W)
        """Normalise each channel of each image alone."""
        return _Normalised.apply(x, self.weight, self.bias, self.eps)


def _normalise(channels: int) -> nn.InstanceNorm2d:
    return _InstanceNorm(channels, eps=1e-5, affine=True)


_SIDE = 2
_OFFSETS = [(row, column) for row in range(_SIDE) for column in range(_SIDE)]


class _Convolved(torch.autograd.Function):
    """A convolution of stride 1 whose neighbouring outputs are computed as channels.

    Vector units compute 8 or 16 output channels at once, and the generator's last layer has three.
    With the kernel at 2 x 2 offsets, a convolution of stride 2 computes the same sums for twelve,
    and a pixel shuffle puts them into their places. The gradient of the weights is computed in the
    same way; that of the input has as many channels as the layer before and needs no such help, and
    with a stride it takes far longer on two threads.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        room = _SIDE - 1
        shifted = [F.pad(weight, (c, room - c, r, room - r)) for r, c in _OFFSETS]
        kernels = torch.stack(shifted, dim=1).flatten(0, 1)  # (3 * 4, C, 8, 8)
        return F.pixel_shuffle(F.conv2d(x, kernels, stride=_SIDE), _SIDE)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = F.conv_transpose2d(grad.contiguous(memory_format=torch.channels_last), weight)
        if ctx.needs_input_grad[1]:
            outputs, channels, height, width = weight.shape
            shape = (outputs * len(_OFFSETS), channels, height + _SIDE - 1, width + _SIDE - 1)
            grads = F.pixel_unshuffle(grad, _SIDE)
            kernels = torch.nn.grad.conv2d_weight(x, shape, grads, stride=_SIDE)
            shifted = kernels.unflatten(0, (outputs, -1)).unbind(1)
            grad_weight = sum(
                kernel[..., r : r + height, c : c + width]
                for kernel, (r, c) in zip(shifted, _OFFSETS, strict=True)
            )
        return grad_x, grad_weight


class _FewOutputs(nn.Conv2d):
    """A convolution with few output channels, laid out so that the CPU's vector units are full."""

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H + 6, W + 6) -> (N, 3, H, W)
        """Convolve, as `torch.nn.Conv2d` with stride 1 and no padding."""
        sizes = [
            size - kernel + 1 for size, kernel in zip(x.shape[2:], self.kernel_size, strict=True)
        ]
        if x.device.type != "cpu" or any(size % _SIDE for size in sizes):
            return super().forward(x)
        return _Convolved.apply(x, self.weight)


def _convolution(
    kind: str, convolution: type[nn.Module], inputs: int, outputs: int, size: int, **options: int
) -> list[nn.Module]:
    """Return a convolution of one of `CONVOLUTIONS`: whole, or each channel alone and then 1x1."""
    if kind == "standard":
        return [convolution(inputs, outputs, size, bias=False, **options)]
    # The mixing of channels is a plain layer of one pixel, whatever the first one is.
    depthwise = nn.ConvTranspose2d if convolution is nn.ConvTranspose2d else nn.Conv2d
    between = [_normalise(inputs), nn.ReLU()] if kind == "mobilenet" else []
    return [
        depthwise(inputs, inputs, size, groups=inputs, bias=False, **options),
        *between,
        nn.Conv2d(inputs, outputs, 1, bias=False),
    ]


class ResidualBlock(nn.Module):
    """A residual block of the generator (Table I, "Residual block"; Fig. 3).

    Parameters
    ----------
    channels : int
        Channels of input and output.
    convolutions : int
        Convolutions in the block: 1 as Table I counts, 2 as in the cited ResNet. A ReLU follows
        the first convolution, so that a block of one is not linear; none follows the addition.
    kind : str, default 'standard'
        One of `CONVOLUTIONS`.
    padding : str, default 'reflection'
        One of `PADDINGS`.
    """

    def __init__(
        self,
        channels: int,
        convolutions: int,
        kind: str = "standard",
        padding: str = "reflection",
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(convolutions):
            layers += [
                PADDINGS[padding](1),
                *_convolution(kind, nn.Conv2d, channels, channels, 3),
                _normalise(channels),
            ]
            if index == 0:
                layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H, W)
        """Add the block's output to its input."""
        return x + self.body(x)


class Generator(nn.Module):
    """The generator G, from a seed image to a key (Table I, Fig. 3).

    ==================  =============================================  ==================
    row of Table I      layer                                          output (N, C, H, W)
    ==================  =============================================  ==================
    Down Convolution1   7x7, stride 1, 3 -> width                      (N, 16, 256, 256)
    Down Convolution2   3x3, stride 2, width -> 2 width                (N, 32, 128, 128)
    Down Convolution3   3x3, stride 2, 2 width -> 4 width              (N, 64, 64, 64)
    Residual block      `residual_blocks` times 3x3, 4 width           (N, 64, 64, 64)
    Up Convolution1     3x3 transposed, stride 2, 4 width -> 2 width   (N, 32, 128, 128)
    Up Convolution2     3x3 transposed, stride 2, 2 width -> width     (N, 16, 256, 256)
    Up Convolution3     7x7, stride 1, width -> 3, then tanh           (N, 3, 256, 256)
    ==================  =============================================  ==================

    Parameters
    ----------
    residual_blocks : int, default 6
        3, 6, 9, 12 are the networks A, B, C, D of Table XVI.
    width : int, default 16
        Filters of the first layer; Table I has 16, the group's later code 32.
    convs_per_block : {1, 2}, default 1
        Convolutions in a residual block; Table I counts one, the cited ResNet has two.
    convolution : {'standard', 'mobilenet', 'xception'}, default 'standard'
        Kind of every convolution but the first layer's, which MobileNet and Xception keep whole
        too. The other two are the lightweight generators of the paper's future work (section VI):
        a convolution of each channel alone and then a 1x1 convolution across channels, with
        normalisation and ReLU between them as in MobileNet [1]_, or with nothing between as in
        Xception [2]_.
    padding : {'reflection', 'zero'}, default 'reflection'
        What surrounds the input of the 7x7 and the residual convolutions; the strided ones always
        have zeros.

    Attributes
    ----------
    architecture : dict
        The parameters; files of weights hold them.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Input and output are float tensors (N, 3, H, W) with values in [-1, 1]; H and W must be
    multiples of 4. :mod:`dkg.keys` converts from and to bytes.

    References
    ----------
    .. [1] A. G. Howard et al., MobileNets, arXiv:1704.04861, 2017.
    .. [2] F. Chollet, Xception, CVPR 2017.
    """

    def __init__(
        self,
        residual_blocks: int = 6,
        width: int = 16,
        convs_per_block: int = 1,
        convolution: str = "standard",
        padding: str = "reflection",
    ):
        super().__init__()
        if padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {padding!r}")
        if convolution not in CONVOLUTIONS:
            raise ValueError(
                f"convolution must be one of {', '.join(CONVOLUTIONS)}, not {convolution!r}"
            )
        if residual_blocks < 0 or width < 1:
            raise ValueError(
                f"residual_blocks must be >= 0 and width >= 1, not {residual_blocks} and {width}"
            )
        if convs_per_block not in (1, 2):
            raise ValueError(f"convs_per_block must be 1 or 2, not {convs_per_block}")
        self.architecture = {
            "residual_blocks": residual_blocks,
            "width": width,
            "convs_per_block": convs_per_block,
            "convolution": convolution,
            "padding": padding,
        }
        self.down1 = nn.Sequential(
            PADDINGS[padding](3),
            nn.Conv2d(3, width, 7, bias=False),
            _normalise(width),
            nn.ReLU(),
        )
        self.down2 = self._down(convolution, width, 2 * width)
        self.down3 = self._down(convolution, 2 * width, 4 * width)
        self.residual = nn.Sequential(
            *(
                ResidualBlock(4 * width, convs_per_block, convolution, padding)
                for _ in range(residual_blocks)
            )
        )
        self.up1 = self._up(convolution, 4 * width, 2 * width)
        self.up2 = self._up(convolution, 2 * width, width)
        self.up3 = nn.Sequential(
            PADDINGS[padding](3), *_convolution(convolution, _FewOutputs, width, 3, 7)
        )

    @staticmethod
    def _down(kind: str, inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            *_convolution(kind, nn.Conv2d, inputs, outputs, 3, stride=2, padding=1),
            _normalise(outputs),
            nn.ReLU(),
        )

    @staticmethod
    def _up(kind: str, inputs: int, outputs: int) -> nn.Sequential:
        options = {"stride": 2, "padding": 1, "output_padding": 1}
        return nn.Sequential(
            *_convolution(kind, nn.ConvTranspose2d, inputs, outputs, 3, **options),
            _normalise(outputs),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn seed images into keys, both (N, 3, H, W) with values in [-1, 1] (Eq. 8)."""
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.down3(self.down2(self.down1(x)))  # (N, 4 width, H/4, W/4)
        x = self.up2(self.up1(self.residual(x)))  # (N, width, H, W)
        return torch.tanh(self.up3(x))  # (N, 3, H, W)


class Discriminator(nn.Module):
    """The discriminator D, from an image to a map of scores (Table II, Fig. 3).

    ======  =============================================================  ==================
    row     layer                                                          output (N, C, H, W)
    ======  =============================================================  ==================
    State1  4x4, stride 2, 3 -> width, no normalisation                    (N, 16, 128, 128)
    State2  4x4, stride 2, width -> 2 width                                (N, 32, 64, 64)
    State3  4x4, stride 2, 2 width -> 4 width                              (N, 64, 32, 32)
    State4  4x4, stride 2, 4 width -> 8 width                              (N, 128, 16, 16)
    State5  4x4 and 1x1, stride 1, 8 width -> 8 width, no normalisation    (N, 128, 16, 16)
    ======  =============================================================  ==================

    "4*4+1" in the last row can only be a 4x4 and a 1x1 convolution, since
    278,528 = (4 * 4 + 1) * 128 * 128. How 128 maps become "a one-dimensional result" (section
    III-B2) is not said. Here the maps are averaged into one map of patch scores, which adds no
    parameter; the losses average over the patches, as the group's later patch discriminator does.

    Parameters
    ----------
    width : int, default 16
        Filters of the first layer.

    Attributes
    ----------
    architecture : dict
        The parameters; files of weights hold them.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be >= 1, not {width}")
        self.architecture = {"width": width}
        self.state1 = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2)
        )
        self.state2 = self._state(width, 2 * width)
        self.state3 = self._state(2 * width, 4 * width)
        self.state4 = self._state(4 * width, 8 * width)
        self.state5 = nn.Sequential(
            nn.ZeroPad2d((1, 2, 1, 2)),
            nn.Conv2d(8 * width, 8 * width, 4, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8 * width, 8 * width, 1, bias=False),
        )

    @staticmethod
    def _state(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
            _normalise(outputs),
            nn.LeakyReLU(0.2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Score images (N, 3, H, W) in [-1, 1]; returns patch scores (N, H/16, W/16).

        A score is a logit for the cross-entropy loss and a plain value for least squares.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.state4(self.state3(self.state2(self.state1(x))))  # (N, 8 width, H/16, W/16)
        return self.state5(x).mean(dim=1)  # (N, H/16, W/16)


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw a network's weights, in place (Eq. 6): N(0, 0.02), normalisation scales N(1, 0.02).

    Parameters
    ----------
    network : torch.nn.Module
        A `Generator` or `Discriminator`.
    generator : torch.Generator
        The CPU random stream to draw from.
    """
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.weight.normal_(0.0, 0.02, generator=generator)
            elif isinstance(module, nn.InstanceNorm2d):
                module.weight.normal_(1.0, 0.02, generator=generator)
                module.bias.zero_()


_ROWS = {
    Generator: {
        "down1": "Down Convolution1",
        "down2": "Down Convolution2",
        "down3": "Down Convolution3",
        "residual": "Residual block",
        "up1": "Up Convolution1",
        "up2": "Up Convolution2",
        "up3": "Up Convolution3",
    },
    Discriminator: {f"state{i}": f"State{i}" for i in range(1, 6)},
}


def convolution_table(network: Generator | Discriminator) -> list[ConvolutionRow]:
    """Count a live network's convolution weights row by row, as Tables I and II do.

    Parameters
    ----------
    network : Generator or Discriminator
        The network to count.

    Returns
    -------
    list of ConvolutionRow
        In the order of the table. ``number`` counts residual blocks, 1 for every other row.
    """
    rows: list[ConvolutionRow] = []
    total = 0
    for name, label in _ROWS[type(network)].items():
        part = getattr(network, name)
        convolutions = [m for m in part.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        parameters = sum(c.weight.numel() for c in convolutions)
        total += parameters
        sizes = dict.fromkeys(f"{c.kernel_size[0]}*{c.kernel_size[1]}" for c in convolutions)
        rows.append(
            ConvolutionRow(
                layer=label,
                number=len(part) if name == "residual" else 1,
                size="+".join(sizes),
                input_channels=convolutions[0].in_channels if convolutions else 0,
                output_channels=convolutions[-1].out_channels if convolutions else 0,
                parameters=parameters,
                total_parameters=total,
            )
        )
    return rows


def multiplications(generator: Generator, size: int = 256) -> int:
    """Count the multiplications of one key in the convolutions of a generator.

    Parameters
    ----------
    generator : Generator
        The network; it is not run.
    size : int, default 256
        Height and width of the seed image, a multiple of 4.

    Returns
    -------
    int
        Multiplications, each with an addition; those with padding are counted too.
    """
    counted = []

    def count(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        # Each input of a transposed convolution, and each output of another, sees all its weights.
        pixels = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        counted.append(pixels.shape[2] * pixels.shape[3] * module.weight.numel())

    shadow = copy.deepcopy(generator).to("meta")  # Shapes without numbers.
    for module in shadow.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    shadow(torch.empty(1, 3, size, size, device="meta"))
    return sum(counted)


def images_to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Turn bytes into network input.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3).
    device : torch.device or str
        Where the tensor is to live.

    Returns
    -------
    torch.Tensor
        float32 (n, 3, height, width) in [-1, 1]: ``byte / 127.5 - 1``.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return tensor.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0).contiguous()


def tensor_to_images(tensor: Tensor) -> np.ndarray:
    """Read the top eight bits of network output as bytes.

    Parameters
    ----------
    tensor : torch.Tensor
        float (n, 3, height, width) in [-1, 1].

    Returns
    -------
    numpy.ndarray
        uint8 (n, height, width, 3): ``min(floor(128 (y + 1)), 255)``.
    """
    scaled = tensor.detach().add(1.0).mul_(128.0).clamp_(0.0, 255.0)
    return np.ascontiguousarray(scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
