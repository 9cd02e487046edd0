"""Reading and writing of whole DICOM data sets, with errors that say what is wrong."""

import io
import os

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from dkg.cipher import CipherError
from dkg.data import dicom_files
from dkg.storage import limits


def read(path: str | os.PathLike[str], content: bytes | None = None) -> Dataset:
    """Read a whole DICOM file.

    Parameters
    ----------
    path : path-like
        A file with a header, as DICOM PS3.10 has it.
    content : bytes, optional
        Its bytes, if they have been read already: a pipe can be read once.

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
        return parse(limits.read(path) if content is None else content)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error


def parse(encoded: bytes | bytearray) -> Dataset:
    """Read a data set from the bytes of a whole file."""
    try:
        dataset = dicom_files.parse(encoded)
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
