"""Readers of PNG, JPEG and TIFF files."""

import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dkg.data.pixels import check_frame, in_blocks, to_bytes
from dkg.storage import limits


def read_png(path: Path, frame: int | None) -> NDArray[np.uint8]:
    """Read a PNG file as uint8 (h, w) or (h, w, 3)."""
    check_frame(frame, 1)
    raw = limits.read(path)
    limits.check_png(raw)
    # Byte 24 is the bit depth. Pillow drops the low byte of 16-bit color, so it gets the others.
    return _flatten(imagecodecs.png_decode(raw), path) if raw[24] == 16 else _read_pillow(path)


def read_jpeg(path: Path, frame: int | None) -> NDArray[np.uint8]:
    """Read a JPEG file as uint8 (h, w) or (h, w, 3)."""
    check_frame(frame, 1)
    limits.check_jpeg(limits.read(path))
    return _read_pillow(path)


def read_tiff(path: Path, frame: int | None) -> NDArray[np.uint8]:
    """Read a page of a TIFF file as uint8 (h, w) or (h, w, 3)."""
    with tifffile.TiffFile(path) as tiff:
        frame = check_frame(frame, len(tiff.pages))
        page = tiff.pages[frame]
        assert isinstance(page, tifffile.TiffPage)  # Frames are made only if asked for.
        limits.check_tiff(page)
        if page.bitspersample <= 8:
            return _read_pillow(path, frame)
        limits.check_compression(page)
        if page.dtype != np.uint16:
            raise ValueError(f"samples of type {page.dtype} have no stated range of brightness")
        kinds = tifffile.PHOTOMETRIC
        if page.photometric not in (kinds.MINISBLACK, kinds.MINISWHITE, kinds.RGB):
            raise ValueError(f"16-bit samples of photometric interpretation {page.photometric}")
        pixels = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        return _flatten(65535 - pixels if page.photometric == kinds.MINISWHITE else pixels, path)


READERS = {"PNG": read_png, "JPEG": read_jpeg, "TIFF": read_tiff}


def _read_pillow(path: Path, frame: int = 0) -> NDArray[np.uint8]:
    with Image.open(path, formats=["PNG", "JPEG", "TIFF"]) as opened:
        opened.seek(frame)
        limits.check_pillow(opened)
        image = ImageOps.exif_transpose(opened)
        opaque = "L" if image.mode in ("1", "L") else "RGB"
        image = image.convert("RGBA" if image.has_transparency_data else opaque)
        return _flatten(np.asarray(image), path)


def _flatten(pixels: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Turn 8- or 16-bit samples (h, w) or (h, w, channels) into uint8 without transparency."""
    if pixels.dtype == np.uint16:
        if 0 < pixels.max() < 4096:
            warnings.warn(
                f"{path}: 16 bits per sample, but none above {pixels.max()}; full scale is 65535, "
                "so the image becomes dark. Rescale the file if it holds 12-bit data",
                stacklevel=2,
            )
        table = to_bytes(np.arange(65536), 0, 65535)
        pixels = in_blocks(lambda block: table[block], pixels, pixels.shape[2:])
    if pixels.ndim == 2 or pixels.shape[-1] == 3:
        return pixels
    if pixels.shape[-1] not in (2, 4):
        raise ValueError(f"{pixels.shape[-1]} channels are neither gray nor RGB")

    def over_black(block: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.rint(block[:, :-1] * (block[:, -1:] / 255.0))

    color = in_blocks(over_black, pixels, (pixels.shape[-1] - 1,))
    return color if color.shape[-1] == 3 else color[..., 0]
