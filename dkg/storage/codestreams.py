"""Headers of compressed images: their size, and what their decoders would allocate for it.

JPEG, lossless JPEG and JPEG-LS (ISO/IEC 10918-1 and 14495-1) are read segment by segment, JPEG 2000
(ISO/IEC 15444-1, annexes A and I) box by box and marker by marker, so that nothing but the marker
that a decoder uses is taken for one.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

_SEGMENTS = 10_000
_SCANS = 100

# Start of frame: all of C0 to CF but the Huffman tables, the extension and the arithmetic coding
# conditioning; and that of JPEG-LS.
_STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}

# What ends entropy-coded data: a marker that does not restart it.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")

_DAMAGED = (
    "a compressed frame is no JPEG, JPEG-LS or JPEG 2000 codestream, or is damaged or cut off"
)

_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
_SIZ, _COD, _COC, _SOT, _SOD = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93

# OpenJPEG takes up to 0.6 KB of memory for a precinct or code block of a tile, 10 KB for a tile and
# 2 KB for each component of it, and two bytes for a precinct of a layer. A million blocks take it a
# second.
_BLOCKS_AT_ONCE = 2**18
_BLOCKS = 2**21
_BLOCKS_OF_A_TILE = 16
_PACKETS = 2**25


class Segment(NamedTuple):
    """A marker segment of a JPEG codestream, and where what follows its length begins."""

    marker: int
    start: int
    end: int


def jpeg_segments(data: bytes) -> Iterator[Segment]:
    """Yield the marker segments of a JPEG, lossless JPEG or JPEG-LS codestream up to its end.

    Raises
    ------
    ValueError
        If it is not such a codestream, or has more segments or scans than an image has: a
        progressive image has about ten scans.
    """
    position, scans = 2, 0
    for _ in range(_SEGMENTS):
        if data[position : position + 1] != b"\xff" or not data.startswith(b"\xff\xd8"):
            return
        marker = int.from_bytes(data[position + 1 : position + 2])
        position += 1 if marker == 0xFF else 2  # Bytes FF before a marker are filling.
        if marker == _END:
            return
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            continue
        end = position + int.from_bytes(data[position : position + 2])
        yield Segment(marker, position + 2, end)
        position = end
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > _SCANS:
                raise ValueError(f"it has more than {_SCANS} scans")
            found = _MARKER.search(data, position)
            if found is None:
                return
            position = found.start()
    raise ValueError(f"it has more than {_SEGMENTS:,} parts")


def shape(data: bytes) -> tuple[int, int, int]:
    """Return rows, columns and samples per pixel of a compressed image from its header.

    Parameters
    ----------
    data : bytes
        A codestream of JPEG, lossless JPEG, JPEG-LS, JPEG 2000 or High-Throughput JPEG 2000, of the
        latter two without boxes (see `bare_jpeg2000`).

    Raises
    ------
    ValueError
        If it is anything else, is cut off, or needs much more memory than its samples.
    """
    if data.startswith(b"\xff\x4f"):
        return _jpeg2000_shape(data)
    found = None
    for marker, start, _ in jpeg_segments(data):
        if marker in _STARTS_OF_FRAME and found is None and len(data) >= start + 6:
            found = struct.unpack_from(">HHB", data, start + 1)
    if found is None:
        raise ValueError(_DAMAGED)
    return found


def precision(data: bytes) -> int:
    """Return the bits of a sample of a compressed image whose `shape` was read from its header.

    Decoders take 2 bytes for a sample of more than 8 bits, whatever a file around it says.
    """
    if data.startswith(b"\xff\x4f"):
        n = int.from_bytes(data[40:42])
        return max((bits & 127) + 1 for bits in data[42 : 42 + 3 * n : 3] or b"\0")
    starts = (one.start for one in jpeg_segments(data) if one.marker in _STARTS_OF_FRAME)
    return data[next(starts)]


def bare_jpeg2000(data: bytes) -> bytes:
    """Return the codestream of a JPEG 2000 file without the boxes around it, or what has none.

    DICOM (PS3.5 8.2.4) wants no boxes, and what they say about color is not to be used.
    """
    if not data.startswith(_JP2):
        return data
    position = 0
    for _ in range(_SEGMENTS):
        if len(data) < position + 8:
            break
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1 and len(data) >= position + 16:  # The length has 64 bits.
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        elif length == 0:  # The last box.
            length = len(data) - position
        if length < header or position + length > len(data):
            break
        if kind == b"jp2c":
            return data[position + header : position + length]
        position += length
    raise ValueError(_DAMAGED)


def _jpeg2000_shape(data: bytes) -> tuple[int, int, int]:
    """Read the main header and those of tiles of a codestream: A.4 to A.6."""
    if len(data) < 42 or data[2:4] != b"\xff\x51":
        raise ValueError(_DAMAGED)
    right, bottom, left, top, *tile, n = struct.unpack_from(">8IH", data, 8)
    rows, columns = bottom - top, right - left
    tile_width, tile_height, tile_left, tile_top = tile
    if min(rows, columns, tile_width, tile_height, n) < 1 or tile_left > left or tile_top > top:
        raise ValueError(_DAMAGED)
    across = -(-(right - tile_left) // tile_width)
    down = -(-(bottom - tile_top) // tile_height)
    size = min(columns, tile_width), min(rows, tile_height)
    position, layers, start, part_length = 2, 1, 0, 0
    for _ in range(_SEGMENTS):
        if len(data) < position + 4:
            break  # The end, or what the decoder says is cut off.
        marker, length = struct.unpack_from(">HH", data, position)
        body = data[position + 4 : position + 2 + length]
        if marker == _SOT and len(body) == 8:
            start, part_length = position, int.from_bytes(body[2:6])
        elif marker == _SOD:
            if part_length == 0:  # The last part of a tile goes on to the end.
                break
            if part_length < 14:
                raise ValueError(_DAMAGED)
            position = start + part_length
            continue
        elif marker == _COD and len(body) >= 10:
            layers = max(layers, int.from_bytes(body[2:4]))
            _check_blocks(body[5:], bool(body[0] & 1), size, across * down, n, layers)
        elif marker == _COC and len(body) >= (7 if n < 257 else 8):
            style = body[1 if n < 257 else 2 :]
            _check_blocks(style[1:], bool(style[0] & 1), size, across * down, n, layers)
        elif marker < 0xFF00 or length < 2:
            break
        position += 2 + length
    else:
        raise ValueError(f"a compressed frame has more than {_SEGMENTS:,} parts")
    return rows, columns, n


def _check_blocks(
    style: bytes, has_precincts: bool, size: tuple[int, int], tiles: int, n: int, layers: int
) -> None:
    """Refuse a codestream whose pieces take more memory than its samples.

    ``style`` is SPcod (Table A.15) from the number of decomposition levels on, ``size`` width and
    height of a tile, ``n`` the number of components.
    """
    levels = style[0]
    if levels > 32:
        raise ValueError(f"a compressed frame has {levels} decomposition levels; 32 are allowed")
    blocks, precincts = 0, 0
    for resolution in range(levels + 1):
        sides = [-(-side >> (levels - resolution)) + 1 for side in size]
        spec = style[5 + resolution] if has_precincts and len(style) > 5 + resolution else 0xFF
        across_precincts, in_precinct = 1, 1
        for side, exponent, block in zip(sides, (spec & 15, spec >> 4), style[1:3], strict=True):
            across_precincts *= (side >> exponent) + 2
            # A subband has half the resolution's side, and a block stays within a precinct.
            smaller = max(0, min((block & 15) + 2, exponent - (resolution > 0)))
            in_precinct *= ((side >> (resolution > 0)) >> smaller) + 2
        precincts = max(precincts, across_precincts)
        blocks += in_precinct * (3 if resolution else 1)
    if (
        blocks * n * tiles > _BLOCKS
        or blocks * n + _BLOCKS_OF_A_TILE * (n + 1) * tiles > _BLOCKS_AT_ONCE
        or precincts * (levels + 1) * n * (layers + 1) > _PACKETS
    ):
        raise ValueError(
            "a compressed frame is cut into tiles, precincts, code blocks or layers that are too "
            "small or too many"
        )
