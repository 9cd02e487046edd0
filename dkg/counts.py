"""Parameters and multiplications of a network, counted as Tables I and II of the paper do."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dkg.models import Discriminator, Generator


class ConvolutionRow(NamedTuple):
    """One row of Table I or Table II, counted on a live module."""

    layer: str
    number: int
    size: str
    input_channels: int
    output_channels: int
    parameters: int
    total_parameters: int


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
    counted: list[int] = []

    def count(module: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        # Each input of a transposed convolution, and each output of another, sees all its weights.
        pixels = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        counted.append(pixels.shape[2] * pixels.shape[3] * module.weight.numel())

    shadow = copy.deepcopy(generator).to("meta")  # Shapes without numbers.
    for module in shadow.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    shadow(torch.empty(1, 3, size, size, device="meta"))
    return sum(counted)
