"""File formats told by their first bytes."""

from typing import Literal

SIGNATURES: dict[bytes, Literal["PNG", "JPEG", "TIFF"]] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF, whose offsets have 64 bits.
    b"MM\0+": "TIFF",
}

HEAD = 352
"""The number of bytes that `image_format` looks at."""


def raster_format(data: bytes) -> Literal["PNG", "JPEG", "TIFF"] | None:
    """Tell PNG, JPEG and TIFF by the first bytes of a file; None if it is none of them."""
    return next((name for magic, name in SIGNATURES.items() if data.startswith(magic)), None)


def image_format(data: bytes) -> Literal["PNG", "JPEG", "TIFF", "NIfTI", "DICOM"] | None:
    """Tell the format of an image or volume by the first `HEAD` bytes; None if it is unknown.

    What is compressed with gzip must be unpacked first. A DICOM file without a preamble is unknown.
    """
    # A DICOM file may at the same time be a TIFF file: its first 128 bytes are free.
    if data[128:132] == b"DICM":
        return "DICOM"
    if (name := raster_format(data)) is not None:
        return name
    return "NIfTI" if data[344:348] == b"n+1\0" or data[4:8] == b"n+2\0" else None
