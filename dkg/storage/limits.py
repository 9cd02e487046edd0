"""Decompression limits, checked before decoding.

A file of a kilobyte can say that it holds a gigabyte of zeros. Everything that this package reads
is small: an image that 1,024 keys encrypt has 201 million bytes, which is `MAX_BYTES`. A file that
would need more is refused by what its headers say, so that no file takes more than a gigabyte of
memory. `docs/formats.md` lists what is refused. The functions for DICOM import pydicom themselves,
so that the other formats do without it.
"""

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import tifffile
from PIL import Image

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_BYTES = 1024 * 256 * 256 * 3
"""Bytes of the samples of one image or volume, as they are computed with."""

# Of a TIFF image: those that unpack to what the file says, and cannot to more.
_COMPRESSIONS = {"NONE", "LZW", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS", "ZSTD", "LZMA"}

# Beside the samples, such as headers.
_REST = 2**20

_SCANS = 100

# Scanners give 1,024 at most. The values on the faces of a volume are sorted.
_SIDE = 2048

_STARTS_OF_FRAME = {bytes([b]) for b in (*range(0xC0, 0xD0), 0xF7) if b not in (0xC4, 0xC8, 0xCC)}


def check(n_bytes: int, what: str = "the image") -> None:
    """Refuse a size in bytes above `MAX_BYTES` with a ValueError that says what is too large."""
    if n_bytes > MAX_BYTES:
        raise ValueError(f"{what} is larger than {MAX_BYTES:,} bytes, the most that is read")


def read(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, or refuse (ValueError) one more than twice as large as an image may be.

    Twice, because an encrypted DICOM image holds the original beside the noise.
    """
    with Path(path).open("rb") as file:
        data = file.read(2 * MAX_BYTES + 1)
    if len(data) > 2 * MAX_BYTES:
        raise ValueError(f"the file is larger than {2 * MAX_BYTES:,} bytes, the most that is read")
    return data


def check_png(data: bytes) -> list[tuple[bytes, bytes]]:
    """Refuse (ValueError) a PNG file with too many samples, or with a damaged or missing part.

    Decoders do not agree on what to do with a part whose checksum does not fit. Returned are name
    and content of each chunk, from IHDR to IEND; what follows is left alone.
    """
    chunks: list[tuple[bytes, bytes]] = []
    position = 8
    while not chunks or chunks[-1][0] != b"IEND":
        body = data[position + 4 : position + 8 + int.from_bytes(data[position : position + 4])]
        end = position + 12 + int.from_bytes(data[position : position + 4])
        if end > len(data):
            raise ValueError("damaged or cut off: a part of it ends beyond its last byte")
        if zlib.crc32(body) != int.from_bytes(data[end - 4 : end]):
            raise ValueError(f"damaged: the checksum at byte {end - 4} does not fit")
        chunks.append((body[:4], body[4:]))
        position = end
    name, header = chunks[0]
    if name != b"IHDR" or len(header) != 13:
        raise ValueError("damaged: it does not start with a header")
    width, height, depth, kind = struct.unpack_from(">IIBB", header)
    # Fewer bits are expanded to 8, a palette to 3 channels and transparency.
    channels = {0: 1, 2: 3, 3: 4, 4: 2}.get(kind, 4)
    check(width * height * channels * (2 if depth == 16 else 1))
    return chunks


def check_pillow(image: Image.Image) -> None:
    """Refuse (ValueError) an opened image, not loaded yet, whose samples are too many."""
    check(image.width * image.height * max(3, len(image.getbands())))


def check_jpeg(data: bytes) -> None:
    """Refuse (ValueError) a JPEG file of so many scans that decoding would take minutes.

    A progressive image has about ten scans.
    """
    if data.count(b"\xff\xda") > _SCANS:
        raise ValueError(f"it has more than {_SCANS} scans")


def check_tiff(page: tifffile.TiffPage) -> None:
    """Refuse (ValueError) a page of a TIFF file that is too large, cut off, or of unknown type."""
    # Pillow reads up to the next part, wherever that is.
    if max(page.dataoffsets, default=0) > page.parent.filehandle.size:
        raise ValueError("damaged or cut off: a part of it is beyond its last byte")
    if page.dtype is None:
        raise ValueError("the type of its samples is unknown")
    check(page.nbytes)
    check(math.prod(page.chunks) * page.dtype.itemsize, "one of its tiles")


def check_compression(page: tifffile.TiffPage) -> None:
    """Refuse (ValueError) a page of a TIFF file that could unpack to more than it says.

    Compressed data of some methods, such as JPEG 2000, have a size of their own.
    """
    name = getattr(page.compression, "name", str(page.compression))
    if name not in _COMPRESSIONS:
        raise ValueError(f"its compression is {name}; known are {', '.join(sorted(_COMPRESSIONS))}")


def check_volume(shape: tuple[int, ...], width: int) -> None:
    """Refuse (ValueError) a volume with too many bytes, or more than 2,048 voxels along a side.

    ``shape`` is its shape in voxels, ``width`` the bytes of a voxel, as it is computed with.
    """
    if max(shape, default=0) > _SIDE:
        raise ValueError(f"the volume has shape {shape}; at most {_SIDE:,} voxels a side are read")
    check(math.prod(shape) * width, "the volume")


def gunzip(data: bytes) -> bytes:
    """Decompress the bytes of a gzip file, or refuse (ValueError) those with too large a content.

    A file that is damaged or cut off raises an OSError, EOFError or zlib.error.
    """
    with gzip.open(io.BytesIO(data)) as file:
        content = file.read(MAX_BYTES + _REST + 1)
    # The checksum is behind the last byte, so that all of a file that is read whole was checked.
    check(len(content) - _REST, "the unpacked file")
    return content


def check_dicom_file(data: bytes) -> None:
    """Refuse (ValueError) a deflated DICOM file that would inflate to too much, or is damaged.

    Files of other transfer syntaxes pass. It is checked before pydicom inflates the file.
    """
    from pydicom.filereader import read_dataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    if DeflatedExplicitVRLittleEndian.encode() not in data[:_REST]:
        return
    file = io.BytesIO(data)
    file.seek(132 if data[128:132] == b"DICM" else 0)
    read_dataset(file, False, True, stop_when=lambda tag, *_: tag >> 16 != 2)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(file.read(), MAX_BYTES + _REST + 1)
    except zlib.error as error:
        raise ValueError(f"the deflated data set is damaged: {error}") from error
    check(len(content) - _REST, "the inflated data set")


def check_dicom_frames(dataset: "Dataset", frame: int | None = None) -> None:
    """Refuse (ValueError) a DICOM image whose compressed frames are larger than it says.

    Only one frame, counted from 0, is checked if it is given.
    """
    from pydicom.encaps import generate_frames, get_frame
    from pydicom.uid import RLELossless

    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated or syntax == RLELossless:
        return
    count = int(dataset.get("NumberOfFrames") or 1)
    frames: Iterable[bytes]
    if frame is None:
        frames = generate_frames(dataset.PixelData, number_of_frames=count)
    else:
        frames = [get_frame(dataset.PixelData, frame, number_of_frames=count)]
    said = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    for data in frames:
        found = codestream_shape(data)
        if found != said:
            raise ValueError(
                "a compressed frame has {} rows, {} columns and {} samples per pixel, the data set "
                "says {}, {} and {}".format(*found, *said)
            )


def codestream_shape(data: bytes) -> tuple[int, int, int]:
    """Return rows, columns and samples per pixel of a compressed image from its header.

    It is a codestream of JPEG, lossless JPEG, JPEG-LS, JPEG 2000 or High-Throughput JPEG 2000;
    anything else, or one that is cut off, raises a ValueError.
    """
    if not data.startswith(b"\xff\xd8"):
        # Start of codestream and size, ISO/IEC 15444-1 A.4 and A.5; there may be boxes before them.
        start = data.find(b"\xff\x4f\xff\x51")
        if start >= 0 and len(data) >= start + 42:
            right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
            samples = int.from_bytes(data[start + 40 : start + 42])
            return bottom - top, right - left, samples
    position = 2
    while data.startswith(b"\xff\xd8") and data[position : position + 1] == b"\xff":
        marker = data[position + 1 : position + 2]
        # Start of frame, ISO/IEC 10918-1 B.2.2 and 14495-1 C.2.2.
        if marker in _STARTS_OF_FRAME and len(data) >= position + 10:
            return struct.unpack_from(">HHB", data, position + 5)
        if marker == b"\xff":  # Filling.
            position += 1
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    raise ValueError("a compressed frame is no JPEG, JPEG-LS or JPEG 2000 codestream, or cut off")
