"""Figs. 1, 2 and 4 as diagrams, drawn from the images that they speak of."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dkg.plots.sheet import INK, WIDTH, arrow, box, canvas, network, picture, text, xor
from dkg.plots.style import BLUE, GRAY, GREEN, RED

# Places of the hospital's boxes: their widths and height, where they begin, and their pictures.
_WIDE, _NARROW, _HEIGHT = 2.65, 1.6, 1.85
_LEFT, _MIDDLE, _RIGHT = 0.12, 3.82, WIDTH - 0.12 - _NARROW
_LOWER, _UPPER = 0.5, 3.25
_SIDE = 1.05
_FIRST, _SECOND = _LEFT + 0.15, _LEFT + _WIDE - 0.15 - _SIDE
_ALONE = _RIGHT + (_NARROW - _SIDE) / 2
_LEVEL = 0.42 + _SIDE / 2  # From the lower edge of a box to the middle of its pictures.
_TURN = (_UPPER + _LOWER + _HEIGHT) / 2  # Halfway between the rows of boxes.


def application_scenario(
    plain: np.ndarray,
    seed_image: np.ndarray,
    key: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show the four places of Fig. 1, and which image is where.

    Dashed arrows carry the key, solid ones an image.

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
    """
    figure, ax = _four_places(
        _WIDE,
        [(seed_image, _FIRST, "seed image"), (key, _SECOND, "key"), (plain, _ALONE, "plaintext")],
        [
            (key, _FIRST, "key"),
            (ciphertext, _SECOND, "ciphertext"),
            (decrypted, _ALONE, "decrypted"),
        ],
    )
    archive, column, level = _LEFT + _WIDE, _SECOND + _SIDE / 2, _LOWER + _LEVEL
    _store(ax, column)
    arrow(ax, (_FIRST + _SIDE / 2, _UPPER), (_FIRST + _SIDE / 2, _LOWER + _HEIGHT), dashed=True)
    arrow(ax, (archive, level + 0.1), (_MIDDLE - 0.23, level + 0.1))
    arrow(ax, (archive, level - 0.1), (_MIDDLE - 0.23, level - 0.1), dashed=True)
    return figure


def hospital_workflow(
    plain: np.ndarray,
    seed_image: np.ndarray,
    key: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show Fig. 1 as `dkg.hospital` runs it: the archive keeps no key.

    Dashed arrows carry the key, solid ones an image; the numbers are those of the steps.

    Parameters
    ----------
    plain, seed_image, key, ciphertext, decrypted : numpy.ndarray
        As for `application_scenario`, but it is the key generation server that keeps the key.
    """
    made, stored = (key, _SECOND, "key, stored"), _LEFT + (_NARROW - _SIDE) / 2
    figure, ax = _four_places(
        _NARROW,
        [(seed_image, _FIRST, "seed image"), made, (plain, _ALONE, "plaintext")],
        [(ciphertext, stored, "ciphertext"), (decrypted, _ALONE, "decrypted")],
    )
    server, archive, level = _LEFT + _WIDE, _LEFT + _NARROW, _LOWER + _LEVEL
    _store(ax, _LEFT + _NARROW / 2)
    arrow(ax, (archive, level - 0.1), (_MIDDLE - 0.23, level - 0.1))
    down = server - 0.35
    arrow(ax, (down, _UPPER), (down, level + 0.1), (_MIDDLE - 0.23, level + 0.1), dashed=True)
    for x, y, words in (
        ((server + _MIDDLE) / 2 - 0.12, _UPPER + _LEVEL + 0.17, "1  TLS"),
        (_MIDDLE - 0.55, _TURN - 0.17, "2  C-STORE"),
        ((archive + _MIDDLE) / 2 + 0.1, level - 0.28, "3  C-FIND, C-GET"),
        (down + 0.4, level + 0.27, "4  TLS"),
    ):
        text(ax, x, y, words, 9)
    return figure


def _four_places(
    archive_width: float,
    upper: list[tuple[np.ndarray, float, str]],
    lower: list[tuple[np.ndarray, float, str]],
) -> tuple[Figure, Axes]:
    """Draw what both figures have in common; images come with their place and caption."""
    figure, ax = canvas(5.3)
    for x, y, width, title, color in (
        (_LEFT, _UPPER, _WIDE, "Key generation server", BLUE),
        (_RIGHT, _UPPER, _NARROW, "Modality", GREEN),
        (_LEFT, _LOWER, archive_width, "PACS (archive)", INK),
        (_RIGHT, _LOWER, _NARROW, "Workstation", GREEN),
    ):
        box(ax, x, y, width, _HEIGHT, title, color)
    for y, row in ((_UPPER, upper), (_LOWER, lower)):
        for image, x, caption in row:
            picture(ax, image, x, y + 0.42, _SIDE, caption)
    encrypt, decrypt = _UPPER + _LEVEL, _LOWER + _LEVEL
    arrow(ax, (_FIRST + _SIDE, encrypt), (_SECOND, encrypt))
    for y, word in ((encrypt, "encrypt"), (decrypt, "decrypt")):
        xor(ax, _MIDDLE, y)
        text(ax, _MIDDLE, y + 0.42, word, weight="bold")
    arrow(ax, (_LEFT + _WIDE, encrypt), (_MIDDLE - 0.25, encrypt), dashed=True)
    arrow(ax, (_RIGHT, encrypt), (_MIDDLE + 0.25, encrypt))
    arrow(ax, (_MIDDLE + 0.25, decrypt), (_RIGHT, decrypt))
    text(ax, WIDTH / 2, 0.25, "dashed: the key travels;  solid: an image travels", color=GRAY)
    return figure, ax


def _store(ax: Axes, x: float) -> None:
    """Draw the ciphertext's way to the archive, whose box it enters at `x`."""
    start = (_MIDDLE, _UPPER + _LEVEL - 0.25)
    arrow(ax, start, (_MIDDLE, _TURN), (x, _TURN), (x, _LOWER + _HEIGHT))


def encryption_system(
    seed_image: np.ndarray,
    target: np.ndarray,
    key: np.ndarray,
    plain: np.ndarray,
    ciphertext: np.ndarray,
    decrypted: np.ndarray,
) -> Figure:
    """Show how a key is made, encrypts and decrypts (Fig. 2).

    Dashed arrows carry the key; a dotted frame holds what training alone needs.

    Parameters
    ----------
    seed_image, key : numpy.ndarray
        What the generator turns into what. Each image is uint8, (height, width) or
        (height, width, 3).
    target : numpy.ndarray
        An image of the transformation domain, which the discriminator takes for its ground truth.
    plain, ciphertext, decrypted : numpy.ndarray
        What goes in, what is kept, and what comes back.
    """
    figure, ax = canvas(6.0)
    side = 1.15
    left, middle, right = 0.25, (WIDTH - side) / 2, WIDTH - 0.25 - side
    top, upper, lower = 4.4, 2.35, 0.45
    frame: dict[str, Any] = {"linestyle": ":", "linewidth": 1.4, "edgecolor": GRAY, "fill": False}
    ax.add_patch(Rectangle((middle + side + 0.12, top - 0.36), 2.43, 1.88, **frame))
    for image, x, y, caption in (
        (seed_image, left, top, "seed image $x$"),
        (key, middle, top, "key $G(x)$"),
        (target, right, top, "target $y$"),
        (plain, left, upper, "plaintext"),
        (ciphertext, right, (upper + lower) / 2, "ciphertext"),
        (decrypted, left, lower, "decrypted"),
    ):
        picture(ax, image, x, y, side, caption)
    half = side / 2
    generator, discriminator = ((a + side + b) / 2 for a, b in ((left, middle), (middle, right)))
    for x, letter, color in ((generator, "G", BLUE), (discriminator, "D", RED)):
        network(ax, x, top + half, letter, color)
    text(ax, generator, top + half + 0.34, "generator", 9)
    text(ax, discriminator, top + half + 0.34, "discriminator", 9)
    text(ax, right + half, top + side + 0.18, "training only", 9, GRAY)
    level = top + half
    arrow(ax, (left + side, level), (generator - 0.24, level))
    arrow(ax, (generator + 0.24, level), (middle, level))
    arrow(ax, (middle + side, level), (discriminator - 0.24, level))
    arrow(ax, (right, level), (discriminator + 0.24, level))

    centre = WIDTH / 2
    encrypt, decrypt = upper + half, lower + half
    for y, word in ((encrypt, "encrypt"), (decrypt, "decrypt")):
        xor(ax, centre, y)
        text(ax, centre - 0.62, y + 0.18, word, weight="bold")
    arrow(ax, (centre, top - 0.32), (centre, encrypt + 0.25), dashed=True)
    arrow(ax, (centre, encrypt - 0.25), (centre, decrypt + 0.25), dashed=True)
    text(ax, centre + 0.1, (encrypt + decrypt) / 2, "same key", 9, ha="left")
    arrow(ax, (left + side, encrypt), (centre - 0.25, encrypt))
    column = right + half
    between = (upper + lower) / 2
    arrow(ax, (centre + 0.25, encrypt), (column, encrypt), (column, between + side))
    arrow(ax, (column, between - 0.3), (column, decrypt), (centre + 0.25, decrypt))
    arrow(ax, (centre - 0.25, decrypt), (left + side, decrypt))
    return figure


def key_generation_steps(
    seed_image: np.ndarray, target: np.ndarray, key: np.ndarray, steps: int
) -> Figure:
    """Show the four steps that lead to a key (Fig. 4, Algorithm 1).

    Four boxes, and the arrow that runs the last three again.

    Parameters
    ----------
    seed_image, key : numpy.ndarray
        What the generator turns into what. Each image is uint8, (height, width) or
        (height, width, 3).
    target : numpy.ndarray
        An image of the transformation domain.
    steps : int
        How often the steps 2 to 4 were run to train the network.
    """
    figure, ax = canvas(5.2)
    wide, high = 3.0, 2.0
    left, right, lower, upper = 0.12, WIDTH - 0.12 - 3.0, 0.5, 3.1
    for x, y, title in (
        (left, upper, "1  Draw random weights"),
        (right, upper, "2  G makes a key"),
        (right, lower, "3  D judges"),
        (left, lower, "4  Both learn"),
    ):
        box(ax, x, y, wide, high, title, INK)
    side, level = 0.95, 0.45
    first, second = right + 0.12, right + wide - 0.12 - side
    centre = right + wide / 2
    for image, x, y, caption in (
        (seed_image, first, upper, "seed image $x$"),
        (key, second, upper, "key $G(x)$"),
        (key, first, lower, "key $G(x)$"),
        (target, second, lower, "target $y$"),
    ):
        picture(ax, image, x, y + level, side, caption)
    for y, letter, color in ((upper, "G", BLUE), (lower, "D", RED)):
        middle = y + level + side / 2
        network(ax, centre, middle, letter, color)
        arrow(ax, (first + side, middle), (centre - 0.24, middle))
        ends = [(centre + 0.24, middle), (second, middle)]
        arrow(ax, *(ends if letter == "G" else reversed(ends)))
    text(ax, centre, lower + level + side / 2 + 0.4, "which is\nwhich?", 9)
    for x, letter, name, color in (
        (left + 0.8, "G", "generator", BLUE),
        (left + wide - 0.8, "D", "discriminator", RED),
    ):
        network(ax, x, upper + 1.15, letter, color)
        text(ax, x, upper + 0.75, name)
        network(ax, x, lower + 0.62, letter, color)
        text(ax, x, lower + 1.38, f"loss $L_{letter}$")
        text(ax, x, lower + 0.25, "new weights")
        arrow(ax, (x, lower + 1.24), (x, lower + 0.82))
    text(ax, left + wide / 2, upper + 0.3, "all weights $W$ at random (Eq. 6)", 9)
    arrow(ax, (left + wide, upper + 0.5 * high), (right, upper + 0.5 * high))
    arrow(ax, (second + side / 2, upper), (second + side / 2, lower + high))
    arrow(ax, (right, lower + 0.3 * high), (left + wide, lower + 0.3 * high))
    turn, back = (upper + lower + high) / 2, first + side / 2
    start = left + wide / 2
    arrow(ax, (start, lower + high), (start, turn), (back, turn), (back, upper))
    text(ax, start - 0.1, turn, "again and again", ha="right")
    words = f"{steps:,} rounds of 2 to 4 trained this network; then step 2 alone makes a key"
    text(ax, WIDTH / 2, 0.22, words, color=GRAY)
    return figure
