"""Parsing of DICOM files within limits of what they may unpack to and of how many parts they have.

pydicom inflates whatever a file says is deflated, makes an object of every element, item and value,
and returns an empty data set where pixel data end too early. Here the file is read through an
object that counts, and what pydicom would parse later is counted before.
"""

import io
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pydicom
from pydicom import DataElement, Dataset, FileDataset
from pydicom.dataelem import RawDataElement
from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble, read_sequence
from pydicom.hooks import raw_element_vr
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
_WHOLE = {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "LT", "ST", "UR", "UT"}

_PIXEL_DATA = 0x7FE00010


class _Counted(io.BytesIO):
    """Bytes of a file or sequence, whose reads are counted together with others'."""

    def __init__(self, data: bytes | bytearray, reads: "Counter[str]") -> None:
        super().__init__(data)
        self.reads = reads

    def read(self, size: int | None = -1) -> bytes:
        self.add(1)
        return super().read(size)

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
def parse(raw: bytes | bytearray, *, force: bool = False) -> Dataset:
    """Parse the bytes of a DICOM file.

    Parameters
    ----------
    raw : bytes
        The file.
    force : bool
        Parse even a file without a header, of which pydicom has to guess the transfer syntax.

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
    file = _Counted(raw, Counter())
    preamble = read_preamble(file, force)
    meta = _read_file_meta_info(file)
    start = file.tell()
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflated = limits.inflate(file.read(), -zlib.MAX_WBITS, "the deflated data set")
        file = _Counted(inflated, file.reads)
        content = read_dataset(file, False, True)
        dataset = FileDataset(file, content, preamble, meta, False, True)
        dataset.set_original_encoding(False, True, content.original_character_set)
    else:
        file.seek(0)
        dataset = pydicom.dcmread(file, force=force)
    dataset.buffer = None  # Copies of the data set would copy the file.
    if not len(dataset) and start < len(raw):
        raise ValueError("a part of it does not end, as if it were cut off")
    _count(dataset, file)
    return dataset


@_within_depth()
def parse_content(raw: bytes) -> Dataset:
    """Parse a data set in Explicit VR Little Endian that has no header, within the same limits."""
    file = _Counted(raw, Counter())
    dataset = read_dataset(file, False, True)
    _count(dataset, file)
    return dataset


def _count(dataset: Dataset, file: _Counted, depth: int = 0) -> None:
    """Count what is parsed lazily: values, and sequences of stated length."""
    if depth > _DEPTH:
        raise ValueError(_TOO_DEEP)
    for element in dataset.elements():
        if isinstance(element, RawDataElement):
            value = element.value or b""
            if len(value) < element.length != 0xFFFFFFFF and element.tag != _PIXEL_DATA:
                raise ValueError(f"element {element.tag} is cut off: it ends beyond the last byte")
            found: dict[str, str] = {}
            raw_element_vr(element, found, ds=dataset)
            if found["VR"] == "SQ":
                items = read_sequence(
                    _Counted(value, file.reads),
                    element.is_implicit_VR,
                    element.is_little_endian,
                    len(value),
                    dataset.original_character_set,
                )
                for item in items:
                    _count(item, file, depth + 1)
            elif found["VR"] not in _WHOLE:
                is_numbers = found["VR"] in _NUMBERS
                file.add(len(value) // _VALUE_BYTES if is_numbers else value.count(b"\\"))
        elif isinstance(element, DataElement) and element.VR == "SQ":
            for item in element.value:
                _count(item, file, depth + 1)
