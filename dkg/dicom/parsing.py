"""Reading and writing of whole DICOM data sets, with errors that say what is wrong."""

import io
import os
import struct

import numpy as np
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_dataset, write_file_meta_info
from pydicom.uid import UID

from dkg.cipher import CipherError
from dkg.data import dicom_files
from dkg.storage import limits

Buffer = bytes | bytearray | memoryview
"""Bytes that may be large, and are not copied."""


def read(
    path: str | os.PathLike[str], content: bytes | None = None, *, view_pixels: bool = False
) -> Dataset:
    """Read a whole DICOM file.

    Parameters
    ----------
    path : path-like
        A file with a header, as DICOM PS3.10 has it.
    content : bytes, optional
        Its bytes, if they have been read already: a pipe can be read once.
    view_pixels : bool
        Do not copy large pixel data and encrypted content: the value is a memoryview of the file.

    Returns
    -------
    pydicom.Dataset
        The data set with its file meta information.

    Raises
    ------
    OSError
        If the file cannot be read.
    CipherError
        If it is not a DICOM file, is damaged, or does not name its transfer syntax.
    """
    try:
        content = limits.read(path) if content is None else content
        return parse(content, view_pixels=view_pixels)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error


def parse(encoded: bytes | bytearray, *, view_pixels: bool = False) -> Dataset:
    """Read a data set from the bytes of a whole file; `dkg.data.dicom_files.parse` has options."""
    try:
        dataset = dicom_files.parse(encoded, view_pixels=view_pixels)
        # Sequences are parsed lazily, and may be broken.
        dataset.walk(lambda *_: None)
    except MemoryError:
        raise
    except pydicom.errors.InvalidDicomError:
        raise CipherError("not a DICOM file: DICM does not stand at its byte 128") from None
    except Exception as error:  # pydicom lets pass whatever its parser stumbles on.
        raise CipherError(f"damaged, or not a DICOM file: {error}") from error
    file_meta(dataset)
    return dataset


def serialize(dataset: Dataset, **options: bool) -> bytes:
    """Write a data set to bytes, with the options of pydicom."""
    buffer = io.BytesIO()
    try:
        pydicom.dcmwrite(buffer, dataset, **options)
    except Exception as error:  # As in reading.
        raise CipherError(f"its attributes cannot be written: {error}") from error
    return buffer.getvalue()


def large_element(tag: int, vr: str, value: memoryview) -> DataElement:
    """Return an element with a value that is not copied, which pydicom would warn of."""
    return DataElement(tag, vr, value, already_converted=True)


def pieces(dataset: Dataset, charset: str | list[str] = "iso8859") -> list[Buffer]:
    """Write a data set in Explicit VR Little Endian; large values are not copied.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Values of the type memoryview, on the top level or in a sequence of the top level, are given
        back as they are.
    charset : str or list of str
        The character set if the data set does not say one.

    Returns
    -------
    list of bytes or memoryview
        To be written one after another. Large values alternate with what is between them.
    """
    charset = dataset.get("SpecificCharacterSet") or charset
    parts, small = list[Buffer](), Dataset()
    try:
        for element in correct_ambiguous_vr(dataset, True):
            inner = _large_value(element, charset)
            if inner is None:
                small.add(element)
                continue
            length = sum(map(len, inner))
            header = struct.pack(
                "<HH2s2xI", element.tag.group, element.tag.elem, element.VR.encode(), length
            )
            parts += [_written(small, charset) + header, *inner]
            small = Dataset()
        return [*parts, _written(small, charset)]
    except CipherError:
        raise
    except Exception as error:  # As in reading.
        raise CipherError(f"its attributes cannot be written: {error}") from error


def file_pieces(dataset: Dataset) -> list[Buffer]:
    """Write a data set with its preamble and file meta information as `pieces` does."""
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, dataset.file_meta, enforce_standard=True)
    return [(dataset.preamble or b"") + b"DICM" + buffer.getvalue(), *pieces(dataset)]


def _large_value(element: DataElement, charset: str | list[str]) -> list[Buffer] | None:
    """Return the value of an element in pieces if it is large or holds what is."""
    if isinstance(element.value, memoryview):
        return [element.value, b"\0"] if len(element.value) % 2 else [element.value]
    if element.VR != "SQ" or not any(
        isinstance(each.value, memoryview) for item in element.value for each in item.elements()
    ):
        return None
    items = list[Buffer]()
    for item in element.value:
        inner = pieces(item, charset)
        items += [struct.pack("<HHI", 0xFFFE, 0xE000, sum(map(len, inner))), *inner]
    return items


def _written(dataset: Dataset, charset: str | list[str]) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, dataset, charset)
    return buffer.getvalue()


def equal_bytes(first: Dataset, second: Dataset) -> float:
    """Return the share of bytes at which the files of two data sets agree.

    Returns
    -------
    float
        In percent; 0 if their lengths differ.
    """
    files = [serialize(dataset, enforce_file_format=True) for dataset in (first, second)]
    a, b = (np.frombuffer(content, np.uint8) for content in files)
    return 100 * float(np.mean(a == b)) if a.size == b.size else 0.0


def file_meta(dataset: Dataset) -> FileMetaDataset:
    """Return the file meta information, or refuse one that names no transfer syntax."""
    meta: FileMetaDataset | None = getattr(dataset, "file_meta", None)
    if meta is None or not meta.get("TransferSyntaxUID"):
        raise CipherError(
            "it names no transfer syntax: the file meta information (0002,0010) is missing"
        )
    syntax = meta.TransferSyntaxUID
    if not isinstance(syntax, UID) or not syntax.is_transfer_syntax:
        raise CipherError(f"its transfer syntax, {syntax}, is not one of DICOM's")
    return meta
