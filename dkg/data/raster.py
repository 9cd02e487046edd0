"""Readers of PNG, JPEG and TIFF files."""

import io
import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from dkg.data.pixels import check_frame, in_blocks, to_bytes
from dkg.storage import limits

_ORIENTATION = 0x0112
_XMP = b"XML:com.adobe.xmp\0"
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")

# Kinds of extra samples of a TIFF file: alpha that colors are to be multiplied with. Those with
# associated alpha are multiplied already, and others are no alpha.
_UNASSOCIATED = tifffile.EXTRASAMPLE.UNASSALPHA
_COREL = 999

# From the image as it is stored to the one that is meant: Exif 2.32, 4.6.4, Orientation.
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


def read_png(raw: bytes, frame: int | None, path: Path, background: int = 0) -> NDArray[np.uint8]:
    """Read a picture of a PNG file as uint8 (h, w) or (h, w, 3)."""
    chunks = limits.check_png(raw)
    frame = check_frame(frame, limits.count_png(chunks))
    if frame:
        animation = limits.bare_png(raw, chunks, (b"acTL", b"fcTL", b"fdAT"))
        pixels = _read_pillow(animation, "PNG", frame, background)
    else:
        pixels = imagecodecs.png_decode(limits.bare_png(raw, chunks))
        pixels = _flatten(_to_8_bits(pixels, 8 * pixels.itemsize, path), background)
    return _turn(pixels, _png_orientation(chunks))


def read_jpeg(raw: bytes, frame: int | None, path: Path, background: int = 0) -> NDArray[np.uint8]:
    """Read a picture of a JPEG file as uint8 (h, w) or (h, w, 3)."""
    limits.check_jpeg(raw)
    with _open_pillow(raw, "JPEG") as opened:
        frame = check_frame(frame, getattr(opened, "n_frames", 1))
        opened.seek(frame)
        # Each picture of a Multi-Picture file (CIPA DC-007) is a JPEG file.
        start = opened.offset if frame else 0  # type: ignore[attr-defined]  # Of these files only.
    return read_jpeg(raw[start:], None, path) if start else _read_pillow(raw, "JPEG", 0, background)


def read_tiff(raw: bytes, frame: int | None, path: Path, background: int = 0) -> NDArray[np.uint8]:
    """Read a page of a TIFF file as uint8 (h, w) or (h, w, 3)."""
    limits.check_tiff_file(raw)
    with tifffile.TiffFile(io.BytesIO(raw)) as tiff:
        frame = check_frame(frame, len(tiff.pages))
        page = tiff.pages[frame]
        assert isinstance(page, tifffile.TiffPage)  # Frames are made only if asked for.
        limits.check_tiff(page)
        formats, kinds = tifffile.SAMPLEFORMAT, tifffile.PHOTOMETRIC
        if page.sampleformat not in (formats.UINT, formats.VOID) or page.bitspersample > 16:
            raise ValueError(f"samples of type {page.dtype} have no stated range of brightness")
        known = (kinds.MINISBLACK, kinds.MINISWHITE, kinds.RGB, kinds.PALETTE)
        if page.bitspersample <= 8 and (
            page.photometric not in known or limits.compression(page) not in limits.COMPRESSIONS
        ):
            return _read_pillow(raw, "TIFF", frame, background)
        limits.check_compression(page)
        if page.photometric not in known:
            raise ValueError(f"16-bit samples of photometric interpretation {page.photometric}")
        pixels = page.asarray()
        if pixels.dtype == bool:  # Of one bit, which would be a mask where it is an index.
            pixels = pixels.view(np.uint8)
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        return _turn(
            _tiff_colors(page, pixels, path, background), page.tags.valueof(_ORIENTATION, 1)
        )


READERS = {"PNG": read_png, "JPEG": read_jpeg, "TIFF": read_tiff}


def _open_pillow(raw: bytes, kind: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(raw), formats=[kind])
    except UnidentifiedImageError:  # Its message is about the object that was opened.
        raise ValueError("damaged: its header is not that of an image") from None


def _read_pillow(raw: bytes, kind: str, frame: int, background: int) -> NDArray[np.uint8]:
    with _open_pillow(raw, kind) as opened:
        opened.seek(frame)
        limits.check_pillow(opened)
        opened.load()
        orientation = opened.getexif().get(_ORIENTATION)  # Pillow itself turned pages of TIFF.
        mode = "L" if opened.mode in ("1", "L") else "RGB"
        mode = "RGBA" if opened.has_transparency_data else mode
        # Copies are avoided, as images of Pillow take 4 bytes for a pixel.
        image = opened if opened.mode == mode else opened.convert(mode)
        pixels = np.asarray(image)
        image.close()
        opened.close()
    return _turn(_flatten(pixels, background), orientation)


def _png_orientation(chunks: list[tuple[bytes, memoryview]]) -> int:
    """Return the orientation that Exif data or, without them, XMP data of a PNG file say."""
    for name, body in chunks:
        if name == b"eXIf":
            exif = Image.Exif()
            exif.load(bytes(body))
            if _ORIENTATION in exif:
                return int(exif[_ORIENTATION])
    for name, body in chunks:
        if name == b"iTXt" and body[: len(_XMP)] == _XMP:
            compressed, text = body[len(_XMP)], bytes(body[len(_XMP) + 2 :])
            # The names of the language and of the keyword in it are before the text.
            text = text.split(b"\0", 2)[-1]
            if compressed:
                text = bytes(limits.inflate(text, zlib.MAX_WBITS, "its XMP text"))
            found = _XMP_ORIENTATION.search(text)
            return int(found[1]) if found else 1
    return 1


def _turn(pixels: NDArray[np.uint8], orientation: Any) -> NDArray[np.uint8]:
    """Turn an image as its file says; a number that the standard does not have says nothing."""
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _tiff_colors(
    page: tifffile.TiffPage, pixels: NDArray[Any], path: Path, background: int
) -> NDArray[np.uint8]:
    """Turn the samples of a page (h, w) or (h, w, samples) into uint8 (h, w) or (h, w, 3)."""
    kinds, bits = tifffile.PHOTOMETRIC, page.bitspersample
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    n = 3 if page.photometric == kinds.RGB else 1
    more = pixels.shape[-1] - n
    if not 0 <= more <= n:
        raise ValueError(f"{pixels.shape[-1]} channels are neither gray nor RGB")
    colors = pixels[..., :n]
    if page.photometric == kinds.PALETTE:
        assert page.colormap is not None
        palette = page.colormap.T
        # Entries have 16 bits; some programs write 8.
        palette = (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
        colors = in_blocks(lambda block: palette[block], colors[..., 0], (3,))
    else:
        inverted = page.photometric == kinds.MINISWHITE
        colors = _to_8_bits(2**bits - 1 - colors if inverted else colors, bits, path)
    # A page of more samples that says nothing of them has an alpha channel.
    extra = page.extrasamples or (_UNASSOCIATED,) * more
    for i, kind in enumerate(extra[:more]):
        if kind in (_UNASSOCIATED, _COREL):
            alpha = _to_8_bits(pixels[..., n + i, np.newaxis], bits, path)
            colors = np.concatenate([colors, alpha], axis=-1)
            break
    return _flatten(colors, background)


def _to_8_bits(pixels: NDArray[Any], bits: int, path: Path) -> NDArray[np.uint8]:
    """Scale samples (h, w) or (h, w, channels) of 1 to 16 bits to 8."""
    if bits == 16 and 0 < pixels.max() < 4096:
        warnings.warn(
            f"{path}: 16 bits per sample, but none above {pixels.max()}; full scale is 65535, "
            "so the image becomes dark. Rescale the file if it holds 12-bit data",
            stacklevel=2,
        )
    if bits == 8:
        return pixels
    table = to_bytes(np.arange(2**bits), 0, 2**bits - 1)
    return in_blocks(lambda block: table[block], pixels, pixels.shape[2:])


def _flatten(pixels: NDArray[np.uint8], background: int) -> NDArray[np.uint8]:
    """Turn 8-bit samples (h, w) or (h, w, channels) into gray or RGB, laid over a gray level."""
    if pixels.ndim == 2 or pixels.shape[-1] == 3:
        return pixels
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    if pixels.shape[-1] not in (2, 4):
        raise ValueError(f"{pixels.shape[-1]} channels are neither gray nor RGB")

    def laid_over(block: NDArray[np.uint8]) -> NDArray[np.float64]:
        opacity = block[:, -1:] / 255.0
        return np.rint(block[:, :-1] * opacity + background * (1 - opacity))

    color = in_blocks(laid_over, pixels, (pixels.shape[-1] - 1,))
    return color if color.shape[-1] == 3 else color[..., 0]
