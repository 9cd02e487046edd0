"""Headers of the images in the small archive: a file is checked, its short attributes are kept."""

import os
from pathlib import Path

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator, read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import VR

LONGEST = 1024
"""Bytes of the longest value that is kept in memory, and can be searched by."""

# Bytes before the file meta information: preamble, prefix, and the element of its length.
_META_START = 144

_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_VRS = {each.value for each in VR}


def read_header(path: str | os.PathLike[str]) -> pydicom.Dataset:
    """Check that a file is a whole image of this archive, and return its short attributes.

    Values above `LONGEST` bytes are passed over and never in memory, and so are sequences unless
    they are of undefined length.

    Parameters
    ----------
    path : path-like
        A DICOM file in Explicit VR Little Endian.

    Returns
    -------
    pydicom.Dataset
        Its attributes that can be searched by, decoded.

    Raises
    ------
    ValueError
        If it is damaged, cut or of another encoding, or its identifiers are missing, are not valid
        or differ from those of its file meta information.
    """
    try:
        header, meta = _read(Path(path))
    except Exception as error:  # pydicom lets pass whatever its parser stumbles on.
        raise ValueError(f"damaged, or not a DICOM data set: {error}") from error
    for keyword, of_meta in (
        ("SOPClassUID", "MediaStorageSOPClassUID"),
        ("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
    ):
        uid, announced = header.get(keyword), meta.get(of_meta)
        if not isinstance(uid, UID) or not uid.is_valid:  # One becomes the name of a file.
            raise ValueError(f"its {keyword} is {uid!r}")
        if uid != announced:
            raise ValueError(f"its {keyword} is {uid}, announced was {announced}")
    return header


def _read(path: Path) -> tuple[pydicom.Dataset, pydicom.Dataset]:
    """Return the short attributes and the file meta information of a whole file."""
    meta = read_file_meta_info(path)
    if meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        raise ValueError(f"its transfer syntax is {meta.TransferSyntaxUID.name}")
    header = pydicom.Dataset()
    last, has_pixels = -1, False
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = file.seek(_META_START + meta.FileMetaInformationGroupLength)
        for element in data_element_generator(file, False, True, defer_size=LONGEST):
            end = file.tell()
            if element.VR not in _VRS or element.tag <= last or element.tag >> 16 < 8:
                raise ValueError(f"{element.tag} is not an element that may follow")
            last = element.tag
            has_pixels |= element.tag in _PIXELS
            if not isinstance(element, RawDataElement) or element.VR == "SQ":
                continue
            if element.value is not None:
                if len(element.value) != element.length:
                    raise ValueError(f"{element.tag} is cut")
                header[element.tag] = element
        if end != size:
            raise ValueError(f"it has {size:,} bytes, and its elements {end:,}")
        if not has_pixels:
            raise ValueError("it has no pixel data")
    encodings = convert_encodings(header.get("SpecificCharacterSet"))
    header.set_original_encoding(False, True, encodings)
    for tag in list(header.keys()):
        try:
            header[tag]  # Decodes the value.
        except Exception:
            del header[tag]  # It is stored all the same, and cannot be searched by.
    return header, meta
