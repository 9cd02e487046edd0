"""Images that the modality makes, takes and refuses."""

import copy
import io
import stat

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage

from dkg import cipher
from dkg.hospital import HospitalError

from .parts import encoded, image_of, modality, noise


def test_outbox_takes_only_what_can_be_encrypted(tmp_path, server, certificates):
    sender = modality(tmp_path / "outbox", certificates, server.port, 1)
    report = image_of(noise(16, 16))
    del report.PixelData
    with pytest.raises(cipher.CipherError, match="Pixel Data"):
        sender.take(report)
    assert sender.waiting() == []
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_image_without_a_valid_identifier_is_refused(tmp_path, server, certificates):
    sender = modality(tmp_path / "outbox", certificates, server.port, 1)
    for identifier in ("", "../outside", "1.2.x"):
        image = image_of(noise(16, 16))
        image.SOPInstanceUID = identifier
        with pytest.raises(HospitalError, match=r"SOP Instance UID .* is not valid"):
            sender.take(image)
    assert sender.waiting() == [] and not (tmp_path / "outside.dcm").exists()


def test_taking_an_image_does_not_change_it(tmp_path, server, certificates):
    image = image_of(noise(16, 16))
    before = copy.deepcopy(image)
    modality(tmp_path / "outbox", certificates, server.port, 1).take(image)
    assert image == before and image.file_meta == before.file_meta


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (np.zeros((4, 4)), {}),
        (np.zeros((4, 4, 2), np.uint8), {}),
        (np.zeros(4, np.uint8), {}),
        (np.full((4, 4), 256, np.uint16), {"bits_stored": 8}),
    ],
)
def test_pixels_that_are_no_image_are_refused(pixels, options):
    with pytest.raises(ValueError, match=r"pixels|arr"):
        image_of(pixels, **options)


def test_a_new_image_is_valid_and_holds_the_pixels():
    pixels = noise(20, 30, bits=12)
    image = pydicom.dcmread(io.BytesIO(encoded(image_of(pixels, bits_stored=12))))
    np.testing.assert_array_equal(image.pixel_array, pixels)
    assert (image.BitsStored, image.HighBit) == (12, 11)
    assert image.SOPClassUID != CTImageStorage
    assert image_of(pixels).SOPInstanceUID != image_of(pixels).SOPInstanceUID
