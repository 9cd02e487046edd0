"""Parsing of DICOM files within limits of what they may unpack to and of how many parts they have.

pydicom inflates whatever a file says is deflated, makes an object of every element, item and value,
and returns an empty data set where pixel data end too early. Here the file is read through an
object that counts, and what pydicom would parse later is counted before.
"""

import io
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pydicom
from pydicom import DataElement, Dataset, FileDataset
from pydicom.dataelem import RawDataElement
from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble, read_sequence
from pydicom.hooks import raw_element_vr
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dkg.storage import limits

# An item of a sequence takes three reads and 1.3 KB of memory.
_READS = 2**19

# Sequences within sequences. Python allows about a thousand calls within each other, and a copy of
# a data set takes ten for a sequence.
_DEPTH = 50
_TOO_DEEP = f"its sequences are nested more than {_DEPTH} deep"

# Bytes of numbers for which Python's objects take as much memory as for an element. A value of text
# takes about as much whatever its length.
_VALUE_BYTES = 16
_NUMBERS = {"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"}

# VRs whose values stay bytes, or are one text.
_WHOLE = {"OB", "OD", "OF", "OL", "OV", "OW", "OB or OW", "UN", "LT", "ST", "UR", "UT"}

_PIXEL_DATA = 0x7FE00010
_BYTES = ("OB", "OW", "OB or OW", "UN")
_VIEWED = (_PIXEL_DATA, 0x04000520)  # The second is Encrypted Content.


# Values above this size are not copied where a view of the file is enough.
_LARGE = 2**16


class ViewReader(io.BufferedIOBase):
    """A file object over bytes that are not copied, as `io.BytesIO` copies all but ``bytes``."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = memoryview(data).toreadonly()
        self._position = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, as many as there are at most."""
        return bytes(self._view(size))

    def _view(self, size: int | None) -> memoryview:
        end = len(self.data) if size is None or size < 0 else self._position + size
        view = self.data[self._position : end]
        self._position += len(view)
        return view

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position, which may be beyond the end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self.data)}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any position can be moved to."""
        return True


class _Counted(ViewReader):
    """Bytes of a file or sequence, whose reads are counted together with others'.

    With `views`, large values are not copied: what is read is a memoryview then, as which pydicom
    passes a value on.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview,
        reads: "Counter[str]",
        views: bool = False,
    ) -> None:
        super().__init__(data)
        self.reads, self.views = reads, views

    def read(self, size: int | None = -1, /) -> bytes:
        self.add(1)
        view = self._view(size)
        return cast(bytes, view) if self.views and len(view) > _LARGE else bytes(view)

    def add(self, reads: int) -> None:
        """Count what is read, or will be, and refuse what is too much."""
        self.reads["reads"] += reads
        if self.reads["reads"] > _READS:
            raise ValueError("it has too many elements, items or values")


@contextmanager
def _within_depth() -> Iterator[None]:
    try:
        yield
    except (RecursionError, OSError) as error:  # Sequences of unstated length are parsed at once.
        # Where pydicom reads the tag of an item, it makes an OSError of any error.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, RecursionError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise ValueError(_TOO_DEEP) from None


@_within_depth()
def parse(
    raw: bytes | bytearray | memoryview, *, force: bool = False, view_pixels: bool = False
) -> Dataset:
    """Parse the bytes of a DICOM file.

    Parameters
    ----------
    raw : bytes
        The file.
    force : bool
        Parse even a file without a header, of which pydicom has to guess the transfer syntax.
    view_pixels : bool
        Do not copy large pixel data and encrypted content: the value is a memoryview of the file.

    Returns
    -------
    pydicom.Dataset
        The data set with its file meta information.

    Raises
    ------
    ValueError
        If it is cut off, unpacks to more than `limits.MAX_BYTES`, has more than half a million
        elements, items and values, each counted by the reads that it takes, or sequences that are
        nested more than 50 deep.
    pydicom.errors.InvalidDicomError
        If it has no header.
    """
    file = _Counted(raw, Counter(), view_pixels)
    # pydicom asks for a binary file; what it uses of one is here.
    preamble = read_preamble(cast(BinaryIO, file), force)
    meta = _read_file_meta_info(cast(BinaryIO, file))
    start = file.tell()
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflated = limits.inflate(file.data[start:], -zlib.MAX_WBITS, "the deflated data set")
        file = _Counted(inflated, file.reads, view_pixels)
        content = read_dataset(cast(BinaryIO, file), False, True)
        dataset = FileDataset(cast(BinaryIO, file), content, preamble, meta, False, True)
        dataset.set_original_encoding(False, True, content.original_character_set)
    else:
        file.seek(0)
        dataset = pydicom.dcmread(cast(BinaryIO, file), force=force)
    if view_pixels:
        _copy_values(dataset, file)
    dataset.buffer = None  # Copies of the data set would copy the file.
    if not len(dataset) and start < len(raw):
        raise ValueError("a part of it does not end, as if it were cut off")
    _count(dataset, file)
    return dataset


@_within_depth()
def find_private(
    raw: bytes | bytearray | memoryview, group: int, creator: str, element: int
) -> slice | None:
    """Find the value of a private element in a data set, without reading what follows.

    Parameters
    ----------
    raw : bytes
        The beginning of a data set in Explicit VR Little Endian that has no header.
    group, creator, element : int, str, int
        As for `pydicom.Dataset.private_block`; the value representation is one with a length of 32
        bits.

    Returns
    -------
    slice or None
        Where the value begins and ends, which may be beyond the end of `raw`; None if the element
        is not there, or not yet.

    Raises
    ------
    ValueError
        As in `parse`.
    """
    file, found = _Counted(raw, Counter(), views=True), Dataset()

    def read_before(tag: int) -> None:
        part = read_dataset(
            *(cast(BinaryIO, file), False, True),
            stop_when=lambda found, vr, length: found >= tag,
        )
        found.update(part)

    read_before(group << 16 | 0x1000)  # Elements of private blocks begin here.
    try:
        wanted = found.private_block(group, creator).get_tag(element)
    except KeyError:
        return None
    read_before(wanted)
    start = file.tell() + 12
    header = struct.unpack("<HH4xI", file.read(12)) if start <= len(raw) else (0, 0, 0)
    return slice(start, start + header[2]) if header[0] << 16 | header[1] == wanted else None


def _copy_values(dataset: Dataset, file: _Counted) -> None:
    """Leave views of the file only where they are wanted."""
    for element in list(dataset.values()):
        value: object = element.value
        items = list[Dataset]()
        if isinstance(element, DataElement) and element.VR == "SQ":
            items = list(element.value)
        elif isinstance(element, RawDataElement) and isinstance(value, memoryview):
            vr = _vr(element, dataset)
            if vr == "SQ":
                items = list(_items(element, dataset, file))
                dataset[element.tag] = DataElement(element.tag, "SQ", items)
            elif element.tag not in _VIEWED or vr not in _BYTES:
                dataset[element.tag] = element._replace(value=bytes(value))
        for item in items:
            _copy_values(item, file)


def _vr(element: RawDataElement, dataset: Dataset) -> str:
    """Return the value representation that pydicom will take an element for."""
    found: dict[str, str] = {}
    raw_element_vr(element, found, ds=dataset)
    return found["VR"]


def _items(element: RawDataElement, dataset: Dataset, file: _Counted) -> Sequence:
    """Parse a sequence that pydicom would parse later."""
    value = element.value or b""
    return read_sequence(
        cast(BinaryIO, _Counted(value, file.reads, file.views)),
        element.is_implicit_VR,
        element.is_little_endian,
        len(value),
        dataset.original_character_set,
    )


def _count(dataset: Dataset, file: _Counted, depth: int = 0) -> None:
    """Count what is parsed lazily: values, and sequences of stated length."""
    if depth > _DEPTH:
        raise ValueError(_TOO_DEEP)
    for element in dataset.elements():
        if isinstance(element, RawDataElement):
            value = element.value or b""
            if len(value) < element.length != 0xFFFFFFFF and element.tag != _PIXEL_DATA:
                raise ValueError(f"element {element.tag} is cut off: it ends beyond the last byte")
            vr = _vr(element, dataset)
            if vr == "SQ":
                for item in _items(element, dataset, file):
                    _count(item, file, depth + 1)
            elif vr not in _WHOLE:
                is_numbers = vr in _NUMBERS
                file.add(len(value) // _VALUE_BYTES if is_numbers else value.count(b"\\"))
        elif isinstance(element, DataElement) and element.VR == "SQ":
            for item in element.value:
                _count(item, file, depth + 1)
