"""Lossless reading and writing of image samples: PNG, JPEG (reading only) and TIFF."""

import io
import os
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from dkg.cipher import CipherError
from dkg.encryption import png_files
from dkg.encryption.arrays import check_plain_image
from dkg.storage import limits
from dkg.storage.files import atomic
from dkg.storage.formats import HEAD, image_format, raster_format


def read_samples(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an image with every sample as it is stored: not resized, rescaled or rotated.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG or TIFF file of one gray or RGB image, 8 or 16 bits per sample. PNG images of
        fewer bits and with a palette are expanded to 8 bits.

    Returns
    -------
    ndarray
        The samples. For a JPEG they are what its decoder gives.
    """
    return decode_samples(path, png_files.read(path))


def decode_samples(path: str | os.PathLike[str], data: bytes) -> NDArray[Any]:
    """Decode the bytes of an image file, as `read_samples` does; the path is for its errors."""
    if not data:
        raise CipherError(f"{path}: the file is empty")
    # A DICOM file may look like a TIFF file as well.
    if image_format(data[:HEAD]) == "DICOM":
        raise CipherError(f"{path}: a DICOM file; dkg dicom encrypt (dkg.dicom) is for these")
    name = raster_format(data)
    if name is None:
        raise CipherError(
            f"{path}: not a PNG, JPEG or TIFF file, it starts with {data[:8]!r}; convert it first"
        )
    try:
        image = _DECODERS[name](data)
        check_plain_image(image)
    except MemoryError:
        raise
    except UnidentifiedImageError:  # Its message is about the object that was opened.
        raise CipherError(f"{path}: damaged: its header is not that of an image") from None
    except Exception as error:  # Every decoder has its own exceptions.
        raise CipherError(f"{path}: cannot be used as a {name} image: {error}") from error
    return image


def write_samples(
    path: str | os.PathLike[str], image: NDArray[Any], *, overwrite: bool = False
) -> None:
    """Write an image losslessly, as PNG or TIFF as the name ends in .png, .tif or .tiff."""
    path = Path(path)
    check_plain_image(image)
    png_files.check_output(path, (".png", ".tif", ".tiff"), overwrite)
    if path.suffix.lower() == ".png":
        data = png_files.encode(image)
    else:
        buffer = io.BytesIO()
        photometric = "minisblack" if image.ndim == 2 else "rgb"
        tifffile.imwrite(buffer, image, photometric=photometric, compression="zlib", metadata=None)
        data = buffer.getbuffer()
    with atomic(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)


def _decode_png(data: bytes) -> NDArray[Any]:
    chunks = limits.check_png(data)
    limits.check_one_picture(limits.count_png(chunks))
    return imagecodecs.png_decode(limits.bare_png(data, chunks))


def _decode_jpeg(data: bytes) -> NDArray[Any]:
    limits.check_jpeg(data)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        limits.check_one_picture(getattr(image, "n_frames", 1))
        limits.check_pillow(image)
        return np.array(image)


def _decode_tiff(data: bytes) -> NDArray[Any]:
    limits.check_tiff_file(data)
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        limits.check_one_picture(len(tiff.pages))
        page = tiff.pages.first
        limits.check_tiff(page)
        limits.check_compression(page)
        # Inverted or indexed samples would come back exactly, but look like another image.
        photometric = getattr(page.photometric, "name", page.photometric)
        if photometric not in ("MINISBLACK", "RGB"):
            raise CipherError(f"its samples are {photometric}; convert to gray or RGB")
        image = page.asarray()
        if page.axes == "SYX":
            image = np.moveaxis(image, 0, -1)
        return np.ascontiguousarray(image, image.dtype.newbyteorder("="))


# Pillow keeps only the high byte of 16-bit RGB in PNG, hence imagecodecs for PNG.
_DECODERS = {"PNG": _decode_png, "JPEG": _decode_jpeg, "TIFF": _decode_tiff}
