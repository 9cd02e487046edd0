"""From the modality through the archive to the workstation, with the small archive and Orthanc."""

import base64
import logging

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless, generate_uid

from dkg import dicom, hospital, paths
from dkg.hospital import HospitalError

from .parts import encoded, image_of, noise, opened, send

pytestmark = pytest.mark.slow  # Its programs wait for each other.

REAL_FILES = sorted((paths.data() / "dicom").glob("*.dcm"))


def generated():
    signed = image_of(noise(40, 50, bits=12), bits_stored=12)
    signed.PixelRepresentation = 1
    frames = image_of(noise(90, 20))
    frames.NumberOfFrames, frames.Rows = 3, 30
    compressed = image_of(noise(64, 64))
    compressed.compress(RLELossless, generate_instance_uid=False)
    large = image_of(noise(300, 300, 3))
    return {
        "8 bits": image_of(noise(64, 64)),
        "12 bits": image_of(noise(33, 35, bits=12), bits_stored=12),
        "signed": signed,
        "RGB, two keys": large,
        "frames": frames,
        "RLE": compressed,
    }


def test_generated_images_come_back_byte_for_byte(ward):
    for name, image in generated().items():
        delivery = send(ward.modality, image)
        assert encoded(opened(ward.workstation, delivery)) == encoded(image), name
        assert delivery.sop_instance_uid != image.SOPInstanceUID
        assert set(delivery.seconds) == {"key", "encrypt", "store"}
    assert ward.modality.waiting() == []
    assert len(ward.archive.files()) == len(ward.workstation.find()) == len(generated())


@pytest.mark.skipif(not REAL_FILES, reason="the data folder has no folder 'dicom' with files")
def test_real_files_come_back(ward, tmp_path):
    deliveries = {}
    for path in REAL_FILES:
        uid = ward.modality.take(pydicom.dcmread(path))
        taken = pydicom.dcmread(tmp_path / "outbox" / f"{uid}.dcm")
        delivery = ward.modality.deliver(uid)
        image = opened(ward.workstation, delivery)
        # Not as bytes: pydicom writes spaces at the end of a text only until it is read.
        assert image == taken and image.file_meta == taken.file_meta, path
        assert image.PixelData == pydicom.dcmread(path).PixelData, path
        deliveries[path] = delivery.sop_instance_uid
    assert len(set(deliveries.values())) == len(ward.archive.files()) == len(REAL_FILES)


def test_archive_holds_noise_and_no_key(ward, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    pixels = noise(200, 200)
    image = image_of(pixels)
    delivery = send(ward.modality, image)
    key = ward.server.store.get(delivery.key_identifier)
    opened(ward.workstation, delivery)

    [path] = ward.archive.files()
    stored = pydicom.dcmread(path)
    assert dicom.is_encrypted(stored)
    assert stored.pixel_array.shape == pixels.shape
    # Each byte agrees by chance with one in 256: 156 +- 12.5 of 40,000.
    assert np.count_nonzero(stored.pixel_array == pixels) < 400

    written = [p for p in tmp_path.rglob("*") if p.is_file() and p != ward.server.store.path]
    content = {p: p.read_bytes() for p in written}
    assert path in content
    logs = caplog.text.encode()
    for secret in (key.tobytes()[:24], key.tobytes()[-24:]):
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), repr(secret)[2:-1]):
            form = form if isinstance(form, bytes) else form.encode()
            assert form not in logs
            assert all(form not in data for data in content.values())
    plain = pixels.tobytes()[:64]
    assert all(plain not in data for data in content.values()), "the image is somewhere in plain"


def test_an_image_that_is_gone_is_said(ward):
    send(ward.modality, image_of(noise(16, 16)))
    [found] = ward.workstation.find()
    found.SOPInstanceUID = generate_uid()
    with pytest.raises(HospitalError, match=r"did not send|C-GET failed"):
        ward.workstation.open(found)


def test_sent_twice_is_stored_once(ward, certificates):
    image = image_of(noise(64, 64))
    first = send(ward.modality, image)
    again = send(ward.modality, image)
    assert (again.sop_instance_uid, again.key_identifier) == (
        first.sop_instance_uid,
        first.key_identifier,
    )
    assert len(ward.archive.files()) == len(ward.workstation.find()) == len(ward.server.store) == 1


def test_same_identifier_with_other_pixels_has_its_own_key(ward):
    """Two images may claim one SOP Instance UID; they must never share a key."""
    first, second = image_of(noise(16, 16)), image_of(noise(16, 16))
    second.SOPInstanceUID = first.SOPInstanceUID
    second.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    ward.modality.take(first)
    ward.modality.take(first)
    with pytest.raises(HospitalError, match="another image with this SOP Instance UID"):
        ward.modality.take(second)
    assert ward.modality.waiting() == [first.SOPInstanceUID]
    deliveries = [ward.modality.deliver(first.SOPInstanceUID), send(ward.modality, second)]
    assert len({d.key_identifier for d in deliveries}) == len(ward.server.store) == 2
    for image, delivery in zip((first, second), deliveries, strict=True):
        assert encoded(opened(ward.workstation, delivery)) == encoded(image)


def test_patient_attributes_are_kept_or_replaced_as_asked(ward, tmp_path, certificates):
    image = image_of(noise(16, 16), patient_id="secret-17")
    profile = hospital.Modality(
        tmp_path / "profile",
        hospital.KeyClient(ward.server.port, certificates, "modality"),
        hospital.PacsClient(ward.archive.port, certificates, "modality"),
        attributes="basic-profile",
    )
    delivery = send(profile, image)
    assert all(b"secret-17" not in path.read_bytes() for path in ward.archive.files())
    assert ward.workstation.find(PatientID="secret-17") == []
    assert opened(ward.workstation, delivery).PatientID == "secret-17"
    send(ward.modality, image_of(noise(16, 16), patient_id="open-18"))
    assert len(ward.workstation.find(PatientID="open-18")) == 1
