"""Decoders of compressed DICOM images, on files of other encoders and beside other decoders."""

import hashlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from dkg.data import decoders

decoders.register()

# Files of pydicom's own tests, as they come with it.
FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.mark.parametrize(
    ("compressed", "syntax", "reference"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", uid.JPEGLSLossless, "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", uid.JPEG2000Lossless, "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", uid.JPEGLosslessSV1, "SC_rgb_rle.dcm"),
    ],
)
def test_lossless_files(compressed, syntax, reference):
    image = pydicom.dcmread(FILES / compressed)
    assert image.file_meta.TransferSyntaxUID == syntax
    image.pixel_array_options(decoding_plugin="imagecodecs")
    expected = pydicom.dcmread(FILES / reference).pixel_array
    assert image.pixel_array.dtype == expected.dtype
    assert np.array_equal(image.pixel_array, expected)


def test_twelve_bits_of_a_lossy_file():
    """As DCMTK 3.6.7 decodes it: SHA-256 of the samples that its dcmdjpeg writes."""
    image = pydicom.dcmread(FILES / "JPEG-lossy.dcm")
    assert image.file_meta.TransferSyntaxUID == uid.JPEGExtended12Bit
    assert image.BitsStored == 12
    assert hashlib.sha256(image.pixel_array.astype("<u2").tobytes()).hexdigest() == (
        "d30242775a414c01d616447854ebe3f2b20259822894bcd6891f879bcdcbf313"
    )


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
@pytest.mark.parametrize("shape", [(24, 16), (24, 16, 3)])
def test_high_throughput_jpeg_2000(syntax, shape):
    """What OpenJPH encodes and decodes, OpenJPEG decodes alike."""
    dtype = np.uint16 if len(shape) == 2 else np.uint8
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype)
    frame = imagecodecs.htj2k_encode(pixels, reversible=True)
    assert np.array_equal(imagecodecs.jpeg2k_decode(frame), pixels)
    image = pydicom.Dataset()
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.Rows, image.Columns = shape[:2]
    image.SamplesPerPixel = 1 if len(shape) == 2 else 3
    image.PhotometricInterpretation = "MONOCHROME2" if len(shape) == 2 else "YBR_RCT"
    image.BitsAllocated = image.BitsStored = 8 * pixels.itemsize
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = 0
    if len(shape) == 3:
        image.PlanarConfiguration = 0
    image.PixelData = encapsulate([frame])
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    assert np.array_equal(image.pixel_array, pixels)


def test_registering_twice():
    decoders.register()
    assert get_decoder(uid.JPEGLossless).available_plugins == ("imagecodecs",)
    assert not decoders.is_available(uid.MPEG2MPML)
    assert decoders.is_available(uid.JPEGLossless)
