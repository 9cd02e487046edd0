"""Formats told by first bytes, of files of other encoders and of no format at all."""

import numpy as np
import pytest

from dkg.storage.formats import image_format, raster_format


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"\x89PNG\r\n", None),
        (b"II\0*", None),
        (b"", None),
    ],
)
def test_rasters(head, name):
    assert raster_format(head) == image_format(head) == name
    assert raster_format(head + bytes(400)) == name


def test_volumes_and_dicom():
    assert image_format(bytes(344) + b"n+1\0") == "NIfTI"
    assert image_format(bytes(4) + b"n+2\0" + bytes(400)) == "NIfTI"
    assert image_format(bytes(128) + b"DICM") == "DICOM"
    assert image_format(bytes(127) + b"DICM") is None
    assert raster_format(bytes(128) + b"DICM") is None


def test_a_dicom_file_may_be_a_tiff_file_at_the_same_time():
    both = b"II*\0" + bytes(124) + b"DICM"
    assert (image_format(both), raster_format(both)) == ("DICOM", "TIFF")


def test_noise_has_no_format():
    assert image_format(np.random.default_rng(0).bytes(400)) is None
