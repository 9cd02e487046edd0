"""No two images are encrypted with one key, whatever the modality is given to send."""

import copy

import numpy as np
import pydicom
import pytest

from dkg import cipher, dicom, hospital

from .parts import image_of, noise, send


@pytest.fixture
def place(tmp_path, certificates, server):
    """Return an archive, and a function that makes modalities."""
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:

        def modality(name, **options):
            return hospital.Modality(
                tmp_path / name,
                hospital.KeyClient(server.port, certificates, "modality"),
                hospital.PacsClient(archive.port, certificates, "modality"),
                **options,
            )

        yield archive, modality


def stored(archive):
    images = [pydicom.dcmread(path) for path in archive.files()]
    return {image.SOPInstanceUID: np.frombuffer(image.PixelData, np.uint8) for image in images}


def variants(image):
    """Yield images that differ in the least, under the same identifiers."""
    for keyword, value in (
        ("PatientName", "Roe^Jane"),
        ("PatientID", "18"),
        ("StudyTime", "000000"),
        ("WindowCenter", "128"),
    ):
        other = copy.deepcopy(image)
        setattr(other, keyword, value)
        yield other
    other = copy.deepcopy(image)
    other.PixelData = bytes([other.PixelData[0] ^ 1]) + other.PixelData[1:]
    yield other
    other = copy.deepcopy(image)
    other.preamble = b"x" * 128
    yield other


@pytest.mark.slow
def test_an_image_that_differs_in_the_least_has_another_key(place):
    archive, modality = place
    sender = modality("outbox")
    image = image_of(noise(64, 64))
    images = [image, *variants(image)]
    deliveries = [send(sender, each) for each in images]
    assert len({delivery.key_identifier for delivery in deliveries}) == len(images)
    encrypted = stored(archive)
    noises = [encrypted[delivery.sop_instance_uid] for delivery in deliveries]
    for i, one in enumerate(noises):
        for j, other in enumerate(noises[:i]):
            plain = np.frombuffer(images[i].PixelData, np.uint8) ^ np.frombuffer(
                images[j].PixelData, np.uint8
            )
            # Of 4,096 bytes, 16 +- 4 agree by chance.
            assert np.count_nonzero((one ^ other) == plain) < 60, "the keys are the same"


@pytest.mark.slow
def test_an_image_sent_by_two_ways_shows_no_difference(place):
    """The same file has the same key, and the same noise: nothing is laid over anything else."""
    archive, modality = place
    image = image_of(noise(64, 64))
    deliveries = [
        send(modality("first"), image),
        send(modality("second"), image),
        send(modality("third", attributes="basic-profile"), image),
    ]
    assert len({delivery.key_identifier for delivery in deliveries}) == 1
    assert deliveries[0].sop_instance_uid == deliveries[1].sop_instance_uid
    first, third = (stored(archive)[deliveries[i].sop_instance_uid] for i in (0, 2))
    np.testing.assert_array_equal(first, third)


@pytest.mark.slow
def test_an_encrypted_image_is_not_encrypted_once_more(place):
    archive, modality = place
    sender = modality("outbox")
    delivery = send(sender, image_of(noise(64, 64)))
    [encrypted] = [pydicom.dcmread(path) for path in archive.files()]
    uid = sender.take(encrypted)
    with pytest.raises(cipher.CipherError, match="encrypted by dkg already"):
        sender.deliver(uid)
    # Without its encrypted part it is an image like any other, of which the key is another one.
    del encrypted.EncryptedAttributesSequence
    encrypted.SOPInstanceUID = encrypted.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    again = send(sender, encrypted)
    assert again.key_identifier != delivery.key_identifier
    both = stored(archive)
    back = both[again.sop_instance_uid] ^ both[delivery.sop_instance_uid]
    assert not dicom.is_encrypted(encrypted)
    assert np.count_nonzero(back == np.frombuffer(encrypted.PixelData, np.uint8)) < 60
