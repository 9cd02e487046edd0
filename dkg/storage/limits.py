"""Decompression limits, checked before decoding.

A file of a kilobyte can say that it holds a gigabyte of zeros. Everything that this package reads
is small: an image that 1,024 keys encrypt has 201 million bytes, which is `MAX_BYTES`. A file that
would need more is refused by what its headers say, or where its decompression exceeds that, so that
no file takes more than a gigabyte of memory. So is a file of so many parts that they take more than
its samples. `docs/formats.md` lists the limits that a user may meet.
"""

import math
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from dkg.storage import codestreams

MAX_BYTES = 1024 * 256 * 256 * 3
"""Bytes of the samples of one image or volume, as they are computed with."""

REST = 2**20
"""Bytes that a file may have beside its samples, such as headers."""

FILE_BYTES = 2 * (MAX_BYTES + REST)
"""Bytes of a file: an encrypted DICOM image holds the original file beside the noise."""

COMPRESSIONS = {"NONE", "LZW", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS", "ZSTD", "LZMA"}
"""Of TIFF images: those that unpack to what the file says, and cannot to more."""

# Chunks of a PNG file and members of a gzip file; pages of a TIFF file, which take longer.
_PARTS, _PAGES = 100_000, 10_000

# Scanners give 1,024 at most. The values on the faces of a volume are sorted.
_SIDE = 2048

# What is fed to a decompressor at a time, and what it may give at a time.
_PIECE, _MOST_AT_ONCE = 2**16, 2**20

_UNPACKED = "the unpacked file"

# They may follow the last member of a gzip file.
_ZEROS = re.compile(rb"\0*")

# Values of the tags of a TIFF file that are numbers, of which decoders make objects. The places and
# sizes of tiles of 16 x 16 are 1.6 million.
_VALUES = 2**22
_BYTES_OF_TIFF = (1, 2, 6, 7)  # Types whose values stay bytes.
_IFD_POINTERS = (34665, 34853, 40965)  # Exif, GPS and interoperability.


def check(n_bytes: int, what: str = "the image") -> None:
    """Refuse a size in bytes above `MAX_BYTES` with a ValueError that says what is too large."""
    if n_bytes > MAX_BYTES:
        raise ValueError(f"{what} is larger than {MAX_BYTES:,} bytes, the most that is read")


def read(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, or refuse (ValueError) one of more than `FILE_BYTES`."""
    with Path(path).open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise ValueError(f"the file is larger than {FILE_BYTES:,} bytes, the most that is read")
    return data


def check_png(data: bytes) -> list[tuple[bytes, memoryview]]:
    """Refuse (ValueError) a PNG file with too many samples, or with a damaged or missing part.

    Decoders do not agree on what to do with a part whose checksum does not fit. Returned are name
    and content of each chunk, from IHDR to IEND; what follows is left alone.
    """
    view = memoryview(data)
    chunks: list[tuple[bytes, memoryview]] = []
    position = 8
    while not chunks or chunks[-1][0] != b"IEND":
        end = position + 12 + int.from_bytes(view[position : position + 4])
        if end > len(view):
            raise ValueError("damaged or cut off: a part of it ends beyond its last byte")
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise ValueError(f"damaged: the checksum at byte {end - 4} does not fit")
        name = bytes(view[position + 4 : position + 8])
        if not name.isalpha():
            raise ValueError(f"damaged: the part at byte {position} has no name")
        chunks.append((name, view[position + 8 : end - 4]))
        if len(chunks) > _PARTS:
            raise ValueError(f"it has more than {_PARTS:,} parts")
        position = end
    name, header = chunks[0]
    if name != b"IHDR" or len(header) != 13:
        raise ValueError("damaged: it does not start with a header")
    width, height, depth, kind = struct.unpack_from(">IIBB", header)
    # Fewer bits are expanded to 8, a palette to 3 channels and transparency.
    channels = {0: 2, 2: 4, 3: 4, 4: 2}.get(kind, 4)
    if kind in (0, 2) and all(name != b"tRNS" for name, _ in chunks):
        channels -= 1  # No color is transparent.
    check(width * height * channels * (2 if depth == 16 else 1))
    return chunks


def bare_png(
    data: bytes, chunks: list[tuple[bytes, memoryview]], more: tuple[bytes, ...] = ()
) -> bytes:
    """Return what a decoder needs of a PNG file with the chunks that `check_png` returned.

    That is header, palette, transparent color and samples, and ``more`` kinds of chunks. Texts and
    profiles, which decoders would unpack, and other pictures of an animation are left out.

    Raises
    ------
    ValueError
        If the samples unpack to more than the header says: decoders would go on to their end.
    """
    width, height, depth, kind = struct.unpack_from(">IIBB", chunks[0][1])
    row = 1 + -(-width * depth * {2: 3, 4: 2, 6: 4}.get(kind, 1) // 8)
    _check_samples((body for name, body in chunks if name == b"IDAT"), row * height + REST)
    view = memoryview(data)
    parts, position = [view[:8]], 8
    for name, body in chunks:
        end = position + 12 + len(body)
        # Names of what must be understood begin with a capital letter.
        if name[:1].isupper() or name in (b"tRNS", *more):
            parts.append(view[position:end])
        position = end
    return b"".join(parts) if len(parts) <= len(chunks) else data[:position]


def _check_samples(pieces: Iterable[memoryview], most: int) -> None:
    """Refuse (ValueError) a zlib stream in pieces that unpacks to more than a limit in bytes."""
    inflater, made = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            left: bytes | memoryview = piece
            while left and not inflater.eof:
                made += len(inflater.decompress(left, _MOST_AT_ONCE))
                left = inflater.unconsumed_tail
                if made > most:
                    raise ValueError("damaged: its samples unpack to more than its size")
    except zlib.error as error:
        raise ValueError(f"damaged: its samples cannot be unpacked: {error}") from error


def count_png(chunks: list[tuple[bytes, memoryview]]) -> int:
    """Return how many pictures a PNG file of these chunks holds: an animation has several."""
    for name, body in chunks:
        if name == b"acTL" and len(body) >= 4:
            return max(1, int.from_bytes(body[:4]))
        if name == b"IDAT":  # What announces an animation stands before its first picture.
            break
    return 1


def check_one_picture(count: int) -> None:
    """Refuse (ValueError) a file of several pictures or pages, of which others would be lost."""
    if count != 1:
        raise ValueError(f"it has {count} pages; save the one to encrypt on its own")


def check_pillow(image: Image.Image) -> None:
    """Refuse (ValueError) an opened image, not loaded yet, whose samples are too many."""
    check(image.width * image.height * max(3, len(image.getbands())))


def check_jpeg(data: bytes) -> None:
    """Refuse (ValueError) a JPEG file with too many scans or parts, which would take minutes."""
    for _ in codestreams.jpeg_segments(data):
        pass


def check_tiff_file(data: bytes) -> None:
    """Refuse (ValueError) a TIFF file of too many pages or tags, before they are parsed."""
    order = "<" if data.startswith(b"I") else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    width, n_width = (8, 8) if big else (4, 2)
    number = f"{order}u{width}"
    entry = np.dtype(
        [("tag", f"{order}u2"), ("type", f"{order}u2"), ("count", number), ("value", number)]
    )
    at, seen, entries, values = [width], set[int](), 0, 0
    while at:
        place = at.pop()
        offset = int.from_bytes(data[place : place + width], "little" if order == "<" else "big")
        if offset == 0 or offset in seen or offset + n_width > len(data):
            continue  # The last page, or what the decoder finds wrong.
        seen.add(offset)
        n = int.from_bytes(data[offset : offset + n_width], "little" if order == "<" else "big")
        n = min(n, (len(data) - offset - n_width) // entry.itemsize)
        tags = np.frombuffer(data, entry, n, offset + n_width)
        entries += n
        kinds, counts = np.unique(tags["tag"], return_counts=True)
        if (counts > 1).any():
            raise ValueError(
                f"damaged: tag {kinds[counts.argmax()]} occurs several times in a page"
            )
        numbers = tags["count"][~np.isin(tags["type"], _BYTES_OF_TIFF)]
        values += int(np.minimum(numbers, _VALUES + 1).sum(dtype=np.uint64))
        if values > _VALUES:
            raise ValueError(f"its tags have more than {_VALUES:,} values")
        if len(seen) > _PAGES or entries > 100 * _PAGES:
            raise ValueError(f"it has more than {_PAGES:,} pages, or too many tags")
        start = offset + n_width
        at.append(start + n * entry.itemsize)
        for i in np.flatnonzero(np.isin(tags["tag"], _IFD_POINTERS)):
            at.append(start + int(i) * entry.itemsize + entry.itemsize - width)


def check_tiff(page: tifffile.TiffPage) -> None:
    """Refuse (ValueError) a page of a TIFF file that is too large, cut off, or of unknown type."""
    # Decoders read as many bytes as a strip is said to have, or up to the next one.
    ends = [
        offset + (count or 1)
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    if max([*page.dataoffsets, *ends], default=0) > page.parent.filehandle.size:
        raise ValueError("damaged or cut off: a part of it is beyond its last byte")
    if page.dtype is None:
        raise ValueError("the type of its samples is unknown")
    check(page.nbytes)
    check(math.prod(page.chunks) * page.dtype.itemsize, "one of its tiles")


def check_compression(page: tifffile.TiffPage) -> None:
    """Refuse (ValueError) a page of a TIFF file that could unpack to more than it says.

    Compressed data of some methods, such as JPEG 2000, have a size of their own.
    """
    name = compression(page)
    if name not in COMPRESSIONS:
        raise ValueError(f"its compression is {name}; known are {', '.join(sorted(COMPRESSIONS))}")


def compression(page: tifffile.TiffPage) -> str:
    """Return the name of a page's compression, or its number if it has none."""
    return str(getattr(page.compression, "name", page.compression))


def check_volume(shape: tuple[int, ...], width: int) -> None:
    """Refuse (ValueError) a volume with too many bytes, or more than 2,048 voxels along a side.

    ``shape`` is its shape in voxels, ``width`` the bytes of a voxel, as it is computed with.
    """
    if max(shape, default=0) > _SIDE:
        raise ValueError(f"the volume has shape {shape}; at most {_SIDE:,} voxels a side are read")
    check(math.prod(shape) * width, "the volume")


def gunzip(data: bytes) -> bytes:
    """Decompress the bytes of a gzip file, or refuse (ValueError) those with too large a content.

    A file that is damaged or cut off also raises a ValueError.
    """
    content, position = bytearray(), 0
    for _ in range(_PARTS):
        inflater, start = zlib.decompressobj(zlib.MAX_WBITS | 16), position
        for piece, read in _inflated(inflater, [memoryview(data)[start:]], _UNPACKED):
            content += piece
            check(len(content) - REST, _UNPACKED)
            position = start + read - len(inflater.unused_data)
        position = _ZEROS.match(data, position).end()  # type: ignore[union-attr]  # Any fits.
        if position == len(data):
            return bytes(content)
    raise ValueError(f"it has more than {_PARTS:,} parts")


def inflated(pieces: Iterable[bytes | memoryview], wbits: int, what: str) -> Iterator[bytes]:
    """Decompress a deflated stream piece by piece; what follows it is left alone.

    Parameters
    ----------
    pieces : iterable of bytes or memoryview
        The compressed data, cut anywhere.
    wbits : int
        As for `zlib.decompressobj`.
    what : str
        What the errors call it.

    Yields
    ------
    bytes
        The next part, of 1 MiB at most.

    Raises
    ------
    ValueError
        If it is too large, damaged or cut off.
    """
    size = 0
    for piece, _ in _inflated(zlib.decompressobj(wbits), pieces, what):
        size += len(piece)
        check(size - REST, what)
        yield piece


def inflate(data: bytes | memoryview, wbits: int, what: str) -> bytearray:
    """Decompress a whole deflated stream as `inflated` does."""
    content = bytearray()
    for piece in inflated([data], wbits, what):
        content += piece
    return content


def _inflated(
    inflater: "zlib._Decompress", pieces: Iterable[bytes | memoryview], what: str
) -> Iterator[tuple[bytes, int]]:
    """Yield parts of a stream, and how many bytes were read by then, up to its end."""
    read = 0
    try:
        for piece in pieces:
            view = memoryview(piece)
            for start in range(0, len(view), _PIECE):
                left: bytes | memoryview = view[start : start + _PIECE]
                read += len(left)
                made = b" "
                while left or made:
                    made = inflater.decompress(left, _MOST_AT_ONCE)
                    yield made, read
                    if inflater.eof:
                        return
                    left = inflater.unconsumed_tail
    except zlib.error as error:
        raise ValueError(f"{what} is damaged: {error}") from error
    raise ValueError(f"{what} is cut off: its compressed data do not end")
