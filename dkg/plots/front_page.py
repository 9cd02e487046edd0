"""The picture of the first page: what averaging a ciphertext shows, with AES as the control."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dkg.cipher import xor
from dkg.data import phantoms
from dkg.domains import aes_ctr
from dkg.metrics import block_correlation
from dkg.plots.style import new_figure, show_image
from dkg.storage import files

# Inches; the figure is as wide as a page, and has one dot per pixel of an image.
_WIDTH, _GAP, _TITLE = 7.5, 0.08, 0.42


def front_page(plain: np.ndarray, ciphertexts: Mapping[str, np.ndarray]) -> Figure:
    """Show a plaintext, its ciphertexts, and the local averages of the ciphertexts.

    Above each average stands the absolute correlation of plaintext and ciphertext, both
    averaged over blocks of 16 x 16 pixels. All averages are stretched in the same way.

    Parameters
    ----------
    plain : numpy.ndarray
        uint8 (height, width, 3), such as 256 by 256; both lengths multiples of 16.
    ciphertexts : mapping of str to numpy.ndarray
        Names of ciphers, and the ciphertexts of `plain`, of its shape and dtype.

    Raises
    ------
    ValueError
        If there is no ciphertext.
    """
    from dkg.attacks import denoise  # Loads torch, which no other figure needs.

    if not ciphertexts:
        raise ValueError("ciphertexts must hold at least one ciphertext")
    panels: list[tuple[str, str, np.ndarray]] = [("plaintext", "(phantom)", plain)]
    for name, ciphertext in ciphertexts.items():
        size = abs(block_correlation(plain, ciphertext))
        panels.append((name, "ciphertext", ciphertext))
        panels.append(("averaged", f"|r| = {size:.2f}", denoise(ciphertext)))
    side = (_WIDTH - _GAP) / len(panels) - _GAP
    height = side + _TITLE + _GAP
    figure, axes = new_figure(1, len(panels), figsize=(_WIDTH, height), dpi=plain.shape[1] / side)
    figure.set_layout_engine("none")
    for i, (ax, (title, below, image)) in enumerate(zip(axes[0], panels, strict=True)):
        show_image(ax, image, f"{title}\n{below}")
        left = _GAP + i * (side + _GAP)
        ax.set_position((left / _WIDTH, _GAP / height, side / _WIDTH, side / height))
    return figure


def write_front_page(path: Path) -> None:
    """Write the picture of the first page as a PNG file, from phantoms whatever images there are.

    The plaintext is the first phantom of the Shenzhen set, the seed image the first of the
    Montgomery set, as in the paper. The network is the default one.

    Parameters
    ----------
    path : pathlib.Path
        The file; it and its folder are made.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from dkg.keys import KeyGenerator  # Loads torch as well.

    seed, plain = phantoms.chest_xray(1)[0], phantoms.chest_xray(1, start=1000)[0]
    key = KeyGenerator.load().generate(seed)
    ciphertexts = {"DeepKeyGen": xor(plain, key), "AES": aes_ctr(plain[None], seed=0)[0]}
    drawn = BytesIO()
    front_page(plain, ciphertexts).savefig(drawn, format="png", dpi="figure")
    # A palette keeps the file small enough for a page; noise cannot be compressed.
    picture = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic(path) as temporary:
        picture.save(temporary, format="png", optimize=True)
