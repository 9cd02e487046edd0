"""Fig. 3: both networks layer by layer, drawn from the networks themselves."""

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from dkg.plots.sheet import WIDTH, arrow, canvas, picture, text
from dkg.plots.style import BLUE, GRAY, RED

if TYPE_CHECKING:
    from dkg.counts import ConvolutionRow
    from dkg.models import Discriminator, Generator

    Layers = list[tuple[ConvolutionRow, tuple[int, ...]]]


def architecture(
    generator: "Generator",
    discriminator: "Discriminator",
    seed_image: np.ndarray,
    key: np.ndarray,
    target: np.ndarray,
) -> Figure:
    """Show both networks layer by layer, as counted on the live modules (Fig. 3).

    A bar per layer: its length is the side of the layer's output, its height grows with the
    logarithm of the number of channels.

    Parameters
    ----------
    generator : dkg.models.Generator
        The generator. The shapes are those that its layers make of the seed image's.
    discriminator : dkg.models.Discriminator
        The discriminator.
    seed_image, key, target : numpy.ndarray
        A seed image, a key and an image of the transformation domain, uint8 (256, 256, 3).
    """
    columns = []
    networks = (generator, "Generator", BLUE), (discriminator, "Discriminator", RED)
    for network, name, color in networks:
        layers, result = _layers(network, seed_image)
        columns.append((f"{name}: {layers[-1][0].total_parameters:,} weights", color, layers))

    side, row = 0.95, 0.66
    first = max(len(layers) for _, _, layers in columns) * row + side + 0.75
    figure, ax = canvas(first + side + 0.95)
    inch = 1.4 / seed_image.shape[1]  # The drawn length of a pixel.
    left, right = 0.2, 3.4
    for (title, color, layers), x in zip(columns, (left, right), strict=True):
        text(ax, x, first + side + 0.72, title, 10.5, color, weight="bold", ha="left")
        _draw_layers(ax, layers, x + 0.7, first, row, inch, color)

    top, bottom = first + 0.45, first - len(columns[0][2]) * row - side - 0.25
    centre = left + 0.7
    picture(ax, seed_image, centre - side / 2, top, side, "seed image $x$")
    picture(ax, key, centre - side / 2, bottom, side, "key $G(x)$")
    for x in (centre, right + 0.7):
        arrow(ax, (x, top - 0.28), (x, first - row / 2 + 0.12))
    arrow(ax, (centre, bottom + side + 0.5), (centre, bottom + side))
    picture(ax, key, right + 0.7 - side / 2, top, side, "key $G(x)$")
    picture(ax, target, WIDTH - 0.25 - side, top, side, "target $y$")
    text(ax, (right + 0.7 + side / 2 + WIDTH - 0.25 - side) / 2, top + side / 2, "or")
    between = right - 0.25
    key_level, top_level = bottom + side / 2, top + side / 2
    start, end = (centre + side / 2, key_level), (right + 0.7 - side / 2, top_level)
    arrow(ax, start, (between, key_level), (between, top_level), end, dashed=True)
    last = first - len(columns[1][2]) * row
    arrow(ax, (right + 0.7, last + 0.12), (right + 0.7, last - 0.28))
    channels = columns[1][2][-1][1][0]
    scores = " × ".join(str(length) for length in result)
    answer = f"mean of the {channels} maps: {scores} scores\nkey or target?"
    lines: dict[str, Any] = {"ha": "left", "linespacing": 1.3}
    text(ax, right + 0.05, last - 0.36, answer, va="top", **lines)
    legend = "length of a bar: side of the output\nheight: channels, on a logarithmic scale"
    text(ax, right + 0.05, key_level, legend, 9, GRAY, **lines)
    return figure


def _draw_layers(
    ax: Axes, layers: "Layers", centre: float, first: float, row: float, inch: float, color: str
) -> None:
    """Draw one bar per layer from the height `first` downwards, with its words to the right."""
    bars = []
    for index, (layer, (channels, height, width)) in enumerate(layers):
        length, thickness = inch * width, 0.045 * np.log2(channels) + 0.02
        middle = first - (index + 0.5) * row
        bars.append((length / 2, middle - thickness / 2, middle + thickness / 2))
        corner = (centre - length / 2, middle - thickness / 2)
        ax.add_patch(Rectangle(corner, length, thickness, facecolor=color, zorder=3))
        times = f" × {layer.number}" if layer.number > 1 else ""
        text(ax, centre + 0.8, middle + 0.2, layer.layer + times, 9, ha="left", weight="bold")
        words = (
            f"{layer.size.replace('*', '×')}, {layer.input_channels} → {layer.output_channels}\n"
            f"{layer.parameters:,} weights\n"
            f"output {channels} × {height} × {width}"
        )
        text(ax, centre + 0.8, middle - 0.09, words, 9, ha="left", linespacing=1.08)
    for (above, low, _), (below, _, high) in pairwise(bars):
        corners = [
            (centre - above, low),
            (centre + above, low),
            (centre + below, high),
            (centre - below, high),
        ]
        ax.add_patch(Polygon(corners, facecolor="#e4e4e4", linewidth=0, zorder=1))


def _layers(
    network: "Generator | Discriminator", image: np.ndarray
) -> tuple["Layers", tuple[int, ...]]:
    """Return a network's rows as (ConvolutionRow, shape of the output), and its result's shape."""
    # Drawing images needs no torch, so it is loaded here only.
    from dkg.counts import convolution_table
    from dkg.models import images_to_tensor

    # The device "meta" follows the shapes and computes no values.
    copy = deepcopy(network).to("meta")
    shapes: list[tuple[int, ...]] = []
    for layer in copy.children():
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    result = copy(images_to_tensor(image[None], "meta"))
    return list(zip(convolution_table(network), shapes, strict=True)), tuple(result.shape[1:])
