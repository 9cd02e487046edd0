"""Figs. 1 to 4 as diagrams, drawn from the images and networks that they speak of."""

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from matplotlib.path import Path

from dkg.plots.style import BLUE, GRAY, GREEN, RED, as_shown, new_figure

if TYPE_CHECKING:
    from dkg.models import Discriminator, Generator

# All lengths are inches. At this width the text is readable on paper and on a phone held upright.
WIDTH = 6.5
INK = "#222222"


def application_scenario(
    plain: np.ndarray,
    seed_image: np.ndarray,
    key: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show the four places of Fig. 1, and which image is where.

    Parameters
    ----------
    plain : numpy.ndarray
        The image that the modality took. Each image is uint8, (height, width) or
        (height, width, 3).
    seed_image, key : numpy.ndarray
        What the key generation server turns into what.
    ciphertext : numpy.ndarray
        What the PACS keeps, together with the key.
    decrypted : numpy.ndarray
        What the workstation shows.

    Returns
    -------
    matplotlib.figure.Figure
        Dashed arrows carry the key, solid ones an image.
    """
    figure, ax = _canvas(5.3)
    wide, narrow, low, high = 2.65, 1.6, 1.85, 0.25
    left, middle, right = 0.12, 3.82, WIDTH - 0.12 - narrow
    upper, lower = 3.25, 0.5
    for x, y, width, title, color in (
        (left, upper, wide, "Key generation server", BLUE),
        (right, upper, narrow, "Modality", GREEN),
        (left, lower, wide, "PACS (archive)", INK),
        (right, lower, narrow, "Workstation", GREEN),
    ):
        _box(ax, x, y, width, low, title, color)
    side = 1.05
    first, second, alone = left + 0.15, left + wide - 0.15 - side, right + (narrow - side) / 2
    for image, x, y, caption in (
        (seed_image, first, upper, "seed image"),
        (key, second, upper, "key"),
        (plain, alone, upper, "plaintext"),
        (key, first, lower, "key"),
        (ciphertext, second, lower, "ciphertext"),
        (decrypted, alone, lower, "decrypted"),
    ):
        _picture(ax, image, x, y + 0.42, side, caption)
    level = 0.42 + side / 2
    _arrow(ax, (first + side, upper + level), (second, upper + level))
    for y, word in ((upper, "encrypt"), (lower, "decrypt")):
        _xor(ax, middle, y + level)
        _text(ax, middle, y + level + 0.42, word, weight="bold")
    edge = left + wide
    _arrow(ax, (edge, upper + level), (middle - 0.25, upper + level), dashed=True)
    _arrow(ax, (right, upper + level), (middle + 0.25, upper + level))
    turn = (upper + lower + low) / 2
    _arrow(
        ax,
        (middle, upper + level - 0.25),
        (middle, turn),
        (second + side / 2, turn),
        (second + side / 2, lower + low),
    )
    _arrow(ax, (first + side / 2, upper), (first + side / 2, lower + low), dashed=True)
    _arrow(ax, (edge, lower + level + 0.1), (middle - 0.23, lower + level + 0.1))
    _arrow(ax, (edge, lower + level - 0.1), (middle - 0.23, lower + level - 0.1), dashed=True)
    _arrow(ax, (middle + 0.25, lower + level), (right, lower + level))
    _text(ax, WIDTH / 2, high, "dashed: the key travels;  solid: an image travels", color=GRAY)
    return figure


def hospital_workflow(
    plain: np.ndarray,
    seed_image: np.ndarray,
    key: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show Fig. 1 as `dkg.hospital` runs it: the archive keeps no key.

    Parameters
    ----------
    plain : numpy.ndarray
        The image that the modality took. Each image is uint8, (height, width) or
        (height, width, 3).
    seed_image, key : numpy.ndarray
        What the key generation server turns into what, and keeps.
    ciphertext : numpy.ndarray
        What the archive keeps.
    decrypted : numpy.ndarray
        What the workstation shows.

    Returns
    -------
    matplotlib.figure.Figure
        Dashed arrows carry the key, solid ones an image; the numbers are those of the steps.
    """
    figure, ax = _canvas(5.3)
    wide, narrow, low, high = 2.65, 1.6, 1.85, 0.25
    left, middle, right = 0.12, 3.82, WIDTH - 0.12 - narrow
    upper, lower = 3.25, 0.5
    for x, y, width, title, color in (
        (left, upper, wide, "Key generation server", BLUE),
        (right, upper, narrow, "Modality", GREEN),
        (left, lower, narrow, "PACS (archive)", INK),
        (right, lower, narrow, "Workstation", GREEN),
    ):
        _box(ax, x, y, width, low, title, color)
    side = 1.05
    first, second, alone = left + 0.15, left + wide - 0.15 - side, right + (narrow - side) / 2
    stored = left + (narrow - side) / 2
    for image, x, y, caption in (
        (seed_image, first, upper, "seed image"),
        (key, second, upper, "key, stored"),
        (plain, alone, upper, "plaintext"),
        (ciphertext, stored, lower, "ciphertext"),
        (decrypted, alone, lower, "decrypted"),
    ):
        _picture(ax, image, x, y + 0.42, side, caption)
    level = 0.42 + side / 2
    _arrow(ax, (first + side, upper + level), (second, upper + level))
    for y, word in ((upper, "encrypt"), (lower, "decrypt")):
        _xor(ax, middle, y + level)
        _text(ax, middle, y + level + 0.42, word, weight="bold")
    edge, archive = left + wide, left + narrow
    _arrow(ax, (edge, upper + level), (middle - 0.25, upper + level), dashed=True)
    _arrow(ax, (right, upper + level), (middle + 0.25, upper + level))
    turn = (upper + lower + low) / 2
    _arrow(
        ax,
        (middle, upper + level - 0.25),
        (middle, turn),
        (left + narrow / 2, turn),
        (left + narrow / 2, lower + low),
    )
    _arrow(ax, (archive, lower + level - 0.1), (middle - 0.23, lower + level - 0.1))
    down = edge - 0.35
    _arrow(
        ax,
        (down, upper),
        (down, lower + level + 0.1),
        (middle - 0.23, lower + level + 0.1),
        dashed=True,
    )
    _arrow(ax, (middle + 0.25, lower + level), (right, lower + level))
    for x, y, words in (
        ((edge + middle) / 2 - 0.12, upper + level + 0.17, "1  TLS"),
        (middle - 0.55, turn - 0.17, "2  C-STORE"),
        ((archive + middle) / 2 + 0.1, lower + level - 0.28, "3  C-FIND, C-GET"),
        (down + 0.4, lower + level + 0.27, "4  TLS"),
    ):
        _text(ax, x, y, words, 9)
    _text(ax, WIDTH / 2, high, "dashed: the key travels;  solid: an image travels", color=GRAY)
    return figure


def encryption_system(
    seed_image: np.ndarray,
    target: np.ndarray,
    key: np.ndarray,
    plain: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show how a key is made, encrypts and decrypts (Fig. 2).

    Parameters
    ----------
    seed_image, key : numpy.ndarray
        What the generator turns into what. Each image is uint8, (height, width) or
        (height, width, 3).
    target : numpy.ndarray
        An image of the transformation domain, which the discriminator takes for its ground truth.
    plain, ciphertext, decrypted : numpy.ndarray
        What goes in, what is kept, and what comes back.

    Returns
    -------
    matplotlib.figure.Figure
        Dashed arrows carry the key; a dotted frame holds what training alone needs.
    """
    figure, ax = _canvas(6.0)
    side = 1.15
    left, middle, right = 0.25, (WIDTH - side) / 2, WIDTH - 0.25 - side
    top, upper, lower = 4.4, 2.35, 0.45
    frame = {"linestyle": ":", "linewidth": 1.4, "edgecolor": GRAY, "fill": False}
    ax.add_patch(Rectangle((middle + side + 0.12, top - 0.36), 2.43, 1.88, **frame))
    for image, x, y, caption in (
        (seed_image, left, top, "seed image $x$"),
        (key, middle, top, "key $G(x)$"),
        (target, right, top, "target $y$"),
        (plain, left, upper, "plaintext"),
        (ciphertext, right, (upper + lower) / 2, "ciphertext"),
        (decrypted, left, lower, "decrypted"),
    ):
        _picture(ax, image, x, y, side, caption)
    half = side / 2
    generator, discriminator = ((a + side + b) / 2 for a, b in ((left, middle), (middle, right)))
    for x, letter, color in ((generator, "G", BLUE), (discriminator, "D", RED)):
        _network(ax, x, top + half, letter, color)
    _text(ax, generator, top + half + 0.34, "generator", 9)
    _text(ax, discriminator, top + half + 0.34, "discriminator", 9)
    _text(ax, right + half, top + side + 0.18, "training only", 9, GRAY)
    level = top + half
    _arrow(ax, (left + side, level), (generator - 0.24, level))
    _arrow(ax, (generator + 0.24, level), (middle, level))
    _arrow(ax, (middle + side, level), (discriminator - 0.24, level))
    _arrow(ax, (right, level), (discriminator + 0.24, level))

    centre = WIDTH / 2
    encrypt, decrypt = upper + half, lower + half
    for y, word in ((encrypt, "encrypt"), (decrypt, "decrypt")):
        _xor(ax, centre, y)
        _text(ax, centre - 0.62, y + 0.18, word, weight="bold")
    _arrow(ax, (centre, top - 0.32), (centre, encrypt + 0.25), dashed=True)
    _arrow(ax, (centre, encrypt - 0.25), (centre, decrypt + 0.25), dashed=True)
    _text(ax, centre + 0.1, (encrypt + decrypt) / 2, "same key", 9, ha="left")
    _arrow(ax, (left + side, encrypt), (centre - 0.25, encrypt))
    column = right + half
    between = (upper + lower) / 2
    _arrow(ax, (centre + 0.25, encrypt), (column, encrypt), (column, between + side))
    _arrow(ax, (column, between - 0.3), (column, decrypt), (centre + 0.25, decrypt))
    _arrow(ax, (centre - 0.25, decrypt), (left + side, decrypt))
    return figure


def architecture(
    generator: "Generator",
    discriminator: "Discriminator",
    seed_image: np.ndarray,
    key: np.ndarray,
    target: np.ndarray,
) -> Figure:
    """Show both networks layer by layer, as counted on the live modules (Fig. 3).

    Parameters
    ----------
    generator : dkg.models.Generator
        The generator. The shapes are those that its layers make of the seed image's.
    discriminator : dkg.models.Discriminator
        The discriminator.
    seed_image, key, target : numpy.ndarray
        A seed image, a key and an image of the transformation domain, uint8 (256, 256, 3).

    Returns
    -------
    matplotlib.figure.Figure
        A bar per layer: its length is the side of the layer's output, its height grows with the
        logarithm of the number of channels.
    """
    columns = []
    for network, name, color in (
        (generator, "Generator", BLUE),
        (discriminator, "Discriminator", RED),
    ):
        layers, result = _layers(network, seed_image)
        columns.append((f"{name}: {layers[-1][0].total_parameters:,} weights", color, layers))

    side, row = 0.95, 0.66
    first = max(len(layers) for _, _, layers in columns) * row + side + 0.75
    figure, ax = _canvas(first + side + 0.95)
    inch = 1.4 / seed_image.shape[1]  # The drawn length of a pixel.
    left, right = 0.2, 3.55
    for (title, color, layers), x in zip(columns, (left, right), strict=True):
        _text(ax, x, first + side + 0.72, title, 10.5, color, weight="bold", ha="left")
        _draw_layers(ax, layers, x + 0.7, first, row, inch, color)

    top, bottom = first + 0.45, first - len(columns[0][2]) * row - side - 0.25
    centre = left + 0.7
    _picture(ax, seed_image, centre - side / 2, top, side, "seed image $x$")
    _picture(ax, key, centre - side / 2, bottom, side, "key $G(x)$")
    for x in (centre, right + 0.7):
        _arrow(ax, (x, top - 0.28), (x, first - row / 2 + 0.12))
    _arrow(ax, (centre, bottom + side + 0.5), (centre, bottom + side))
    _picture(ax, key, right + 0.7 - side / 2, top, side, "key $G(x)$")
    _picture(ax, target, WIDTH - 0.25 - side, top, side, "target $y$")
    _text(ax, (right + 0.7 + side / 2 + WIDTH - 0.25 - side) / 2, top + side / 2, "or")
    between = right - 0.25
    key_level, top_level = bottom + side / 2, top + side / 2
    _arrow(
        ax,
        (centre + side / 2, key_level),
        (between, key_level),
        (between, top_level),
        (right + 0.7 - side / 2, top_level),
        dashed=True,
    )
    last = first - len(columns[1][2]) * row
    _arrow(ax, (right + 0.7, last + 0.12), (right + 0.7, last - 0.28))
    channels = columns[1][2][-1][1][0]
    scores = " × ".join(str(length) for length in result)
    _text(
        ax,
        right + 0.05,
        last - 0.36,
        f"mean of the {channels} maps: {scores} scores\nkey or target?",
        ha="left",
        va="top",
        linespacing=1.3,
    )
    legend = "length of a bar: side of the output\nheight: channels, on a logarithmic scale"
    _text(ax, right + 0.05, key_level, legend, 8.5, GRAY, ha="left", linespacing=1.3)
    return figure


def _draw_layers(ax, layers, centre, first, row, inch, color):
    """Draw one bar per layer from the height `first` downwards, with its words to the right."""
    bars = []
    for index, (layer, (channels, height, width)) in enumerate(layers):
        length, thickness = inch * width, 0.045 * np.log2(channels) + 0.02
        middle = first - (index + 0.5) * row
        bars.append((length / 2, middle - thickness / 2, middle + thickness / 2))
        corner = (centre - length / 2, middle - thickness / 2)
        ax.add_patch(Rectangle(corner, length, thickness, facecolor=color, zorder=3))
        times = f" × {layer.number}" if layer.number > 1 else ""
        _text(ax, centre + 0.8, middle + 0.2, layer.layer + times, 9, ha="left", weight="bold")
        words = (
            f"{layer.size.replace('*', '×')}, {layer.input_channels} → {layer.output_channels}\n"
            f"{layer.parameters:,} weights\n"
            f"output {channels} × {height} × {width}"
        )
        _text(ax, centre + 0.8, middle - 0.09, words, 8.5, ha="left", linespacing=1.15)
    for (above, low, _), (below, _, high) in pairwise(bars):
        corners = [
            (centre - above, low),
            (centre + above, low),
            (centre + below, high),
            (centre - below, high),
        ]
        ax.add_patch(Polygon(corners, facecolor="#e4e4e4", linewidth=0, zorder=1))


def _layers(network, image):
    """Return a network's rows as (ConvolutionRow, shape of the output), and its result's shape."""
    # Drawing images needs no torch, so it is loaded here only.
    from dkg.models import convolution_table, images_to_tensor

    # The device "meta" follows the shapes and computes no values.
    copy = deepcopy(network).to("meta")
    shapes = []
    for layer in copy.children():
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    result = copy(images_to_tensor(image[None], "meta"))
    return list(zip(convolution_table(network), shapes, strict=True)), tuple(result.shape[1:])


def key_generation_steps(
    seed_image: np.ndarray, target: np.ndarray, key: np.ndarray, steps: int
) -> Figure:
    """Show the four steps that lead to a key (Fig. 4, Algorithm 1).

    Parameters
    ----------
    seed_image, key : numpy.ndarray
        What the generator turns into what. Each image is uint8, (height, width) or
        (height, width, 3).
    target : numpy.ndarray
        An image of the transformation domain.
    steps : int
        How often the steps 2 to 4 were run to train the network.

    Returns
    -------
    matplotlib.figure.Figure
        Four boxes, and the arrow that runs the last three again.
    """
    figure, ax = _canvas(5.2)
    wide, high = 3.0, 2.0
    left, right, lower, upper = 0.12, WIDTH - 0.12 - 3.0, 0.5, 3.1
    for x, y, title in (
        (left, upper, "1  Draw random weights"),
        (right, upper, "2  G makes a key"),
        (right, lower, "3  D judges"),
        (left, lower, "4  Both learn"),
    ):
        _box(ax, x, y, wide, high, title, INK)
    side, level = 0.95, 0.45
    first, second = right + 0.12, right + wide - 0.12 - side
    centre = right + wide / 2
    for image, x, y, caption in (
        (seed_image, first, upper, "seed image $x$"),
        (key, second, upper, "key $G(x)$"),
        (key, first, lower, "key $G(x)$"),
        (target, second, lower, "target $y$"),
    ):
        _picture(ax, image, x, y + level, side, caption)
    for y, letter, color in ((upper, "G", BLUE), (lower, "D", RED)):
        middle = y + level + side / 2
        _network(ax, centre, middle, letter, color)
        _arrow(ax, (first + side, middle), (centre - 0.24, middle))
        ends = [(centre + 0.24, middle), (second, middle)]
        _arrow(ax, *(ends if letter == "G" else reversed(ends)))
    _text(ax, centre, lower + level + side / 2 + 0.4, "which is\nwhich?", 9)
    for x, letter, name, color in (
        (left + 0.8, "G", "generator", BLUE),
        (left + wide - 0.8, "D", "discriminator", RED),
    ):
        _network(ax, x, upper + 1.15, letter, color)
        _text(ax, x, upper + 0.75, name)
        _network(ax, x, lower + 0.62, letter, color)
        _text(ax, x, lower + 1.38, f"loss $L_{letter}$")
        _text(ax, x, lower + 0.25, "new weights")
        _arrow(ax, (x, lower + 1.24), (x, lower + 0.82))
    _text(ax, left + wide / 2, upper + 0.3, "all weights $W$ at random (Eq. 6)", 9)
    _arrow(ax, (left + wide, upper + 0.5 * high), (right, upper + 0.5 * high))
    _arrow(ax, (second + side / 2, upper), (second + side / 2, lower + high))
    _arrow(ax, (right, lower + 0.3 * high), (left + wide, lower + 0.3 * high))
    turn, back = (upper + lower + high) / 2, first + side / 2
    start = left + wide / 2
    _arrow(ax, (start, lower + high), (start, turn), (back, turn), (back, upper))
    _text(ax, start - 0.1, turn, "again and again", ha="right")
    words = f"{steps:,} rounds of 2 to 4 trained this network; then step 2 alone makes a key"
    _text(ax, WIDTH / 2, 0.22, words, color=GRAY)
    return figure


def _canvas(height: float) -> tuple[Figure, Axes]:
    """Make an empty sheet whose coordinates are inches from the lower left corner."""
    figure, axes = new_figure(1, 1, figsize=(WIDTH, height))
    figure.set_layout_engine("none")
    ax = axes[0, 0]
    ax.set_position((0, 0, 1, 1))
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(0, height)
    ax.set_autoscale_on(False)
    ax.set_axis_off()
    return figure, ax


def _text(ax, x, y, words, size=9.5, color=INK, **options):
    options = {"ha": "center", "va": "center"} | options
    ax.text(x, y, words, fontsize=size, color=color, **options)


def _box(ax, x, y, width, height, title, color):
    shape = {"boxstyle": "round,pad=0,rounding_size=0.08", "linewidth": 1.6, "edgecolor": color}
    ax.add_patch(FancyBboxPatch((x, y), width, height, facecolor="#f6f6f6", **shape))
    _text(ax, x + width / 2, y + height - 0.19, title, 10.5, color, weight="bold")


def _network(ax, x, y, letter, color):
    _box(ax, x - 0.24, y - 0.19, 0.48, 0.38, letter, color)


def _picture(ax, image, x, y, side, caption):
    """Show an image with its lower left corner at (x, y), and its caption below."""
    ax.imshow(
        as_shown(image),
        extent=(x, x + side, y, y + side),
        # A thumbnail that leaves pixels out shows lines that are not there; this one averages.
        interpolation="antialiased",
        vmin=0,
        vmax=255,
        cmap="gray",
        aspect="auto",
        zorder=3,
    )
    ax.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor=INK, linewidth=0.8, zorder=4))
    _text(ax, x + side / 2, y - 0.17, caption)


def _arrow(ax, *points, dashed=False):
    style = {"linestyle": (0, (4, 2)), "color": RED} if dashed else {"color": INK}
    head = {"arrowstyle": "-|>", "mutation_scale": 13, "linewidth": 1.6, "joinstyle": "miter"}
    arrow = FancyArrowPatch(path=Path(points), zorder=2, **head, **style)
    ax.add_patch(arrow)


def _xor(ax, x, y):
    ax.add_patch(Circle((x, y), 0.25, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=3))
    _text(ax, x, y, "XOR", 9, weight="bold", zorder=4)
