"""The two networks of DeepKeyGen: the generator (Table I) and the discriminator (Table II).

The paper leaves open what the same group's later code (a CycleGAN port) has: ReLU in the generator,
LeakyReLU 0.2 in the discriminator, reflection padding for the 7x7 and the residual convolutions,
zero padding for the strided ones, instance normalisation with scale and offset and epsilon 1e-5
everywhere but in the discriminator's first layer and in both last layers, weights from N(0, 0.02)
and scales from N(1, 0.02). No convolution has a bias.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


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
        Kind of every convolution but the first. The other two make the lightweight generators of
        section VI: depthwise and then 1x1 convolutions, with normalisation and ReLU between them
        as in MobileNet [1]_ or with nothing between as in Xception [2]_.
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
        kinds = (("padding", padding, PADDINGS), ("convolution", convolution, CONVOLUTIONS))
        for name, kind, known in kinds:
            if kind not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {kind!r}")
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
            PADDINGS[padding](3), nn.Conv2d(3, width, 7, bias=False), _normalise(width), nn.ReLU()
        )
        self.down2 = self._down(convolution, width, 2 * width)
        self.down3 = self._down(convolution, 2 * width, 4 * width)
        block = (4 * width, convs_per_block, convolution, padding)
        self.residual = nn.Sequential(*(ResidualBlock(*block) for _ in range(residual_blocks)))
        self.up1 = self._up(convolution, 4 * width, 2 * width)
        self.up2 = self._up(convolution, 2 * width, width)
        self.up3 = nn.Sequential(
            PADDINGS[padding](3), *_convolution(convolution, nn.Conv2d, width, 3, 7)
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
        x = self.state4(self.state3(self.state2(self.state1(x))))  # (N, 8 width, H/16, W/16)
        scores: Tensor = self.state5(x)  # (N, 8 width, H/16, W/16)
        return scores.mean(dim=1)  # (N, H/16, W/16)


RESIDUAL_BLOCKS = {"A": 3, "B": 6, "C": 9, "D": 12}
"""Residual blocks of the networks A to D in Table XVI; B is the network of Table I."""

CONVOLUTIONS = ("standard", "mobilenet", "xception")
"""Kinds of convolution in a `Generator`; the first is the paper's."""

PADDINGS = {"reflection": nn.ReflectionPad2d, "zero": nn.ZeroPad2d}
"""Kinds of padding in a `Generator`; the paper does not name one."""


def _normalise(channels: int) -> nn.InstanceNorm2d:
    return nn.InstanceNorm2d(channels, eps=1e-5, affine=True)


def _convolution(
    kind: str,
    convolution: Callable[..., nn.Module],
    inputs: int,
    outputs: int,
    size: int,
    **options: int,
) -> list[nn.Module]:
    """Return one convolution, or a depthwise-separable one (`CONVOLUTIONS`)."""
    if kind == "standard":
        return [convolution(inputs, outputs, size, bias=False, **options)]
    between = [_normalise(inputs), nn.ReLU()] if kind == "mobilenet" else []
    return [
        convolution(inputs, inputs, size, groups=inputs, bias=False, **options),
        *between,
        nn.Conv2d(inputs, outputs, 1, bias=False),
    ]


class ResidualBlock(nn.Module):
    """A residual block of the generator (Table I, "Residual block"; Fig. 3).

    A ReLU follows the first convolution, so that a block of one is not linear; none follows the
    addition. The parameters are those of `Generator`.
    """

    def __init__(
        self, channels: int, convolutions: int, kind: str = "standard", padding: str = "reflection"
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
        change: Tensor = self.body(x)
        return x + change


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


def images_to_tensor(images: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
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


def tensor_to_images(tensor: Tensor) -> NDArray[np.uint8]:
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


def __getattr__(name: str) -> Any:
    """Find the counts of the networks, which older notebooks know as a part of this module."""
    if name in ("ConvolutionRow", "convolution_table", "multiplications"):
        return getattr(importlib.import_module("dkg.counts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
