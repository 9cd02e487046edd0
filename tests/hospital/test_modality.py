"""Images that the modality makes, takes and refuses."""

import copy
import io
import os
import stat
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage

from dkg import cipher, dicom, hospital
from dkg.hospital import HospitalError

from .parts import encoded, image_of, modality, noise, send


class Archive:
    """Stands in for the archive's client: it fails, or keeps what is sent."""

    def __init__(self, fails=0):
        self.fails, self.stored = fails, []

    def store(self, image):
        if self.fails:
            self.fails -= 1
            raise HospitalError("PACS: no answer")
        self.stored.append(image.read_bytes())


class Keys:
    """Counts how often the key server is asked."""

    def __init__(self, server, certificates):
        self.client = hospital.KeyClient(server.port, certificates, "modality")
        self.asked = []

    def make(self, *arguments):
        self.asked.append(arguments)
        return self.client.make(*arguments)


def files(outbox):
    return sorted(path.name for path in outbox.iterdir() if path.name != ".lock")


def test_outbox_takes_only_what_can_be_encrypted(tmp_path, server, certificates):
    sender = modality(tmp_path / "outbox", certificates, server.port, 1)
    report = image_of(noise(16, 16))
    del report.PixelData
    with pytest.raises(cipher.CipherError, match="Pixel Data"):
        sender.take(report)
    assert sender.waiting() == []
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_image_with_a_damaged_study_identifier_is_delivered(tmp_path, server, certificates):
    image, keys = image_of(noise(16, 16)), Keys(server, certificates)
    image.StudyInstanceUID = ["1.2", "1.3"]
    send(hospital.Modality(tmp_path / "outbox", keys, Archive()), image)
    assert set(keys.asked[0][2]) == {"SOPClassUID", "SOPInstanceUID"}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_image_without_a_valid_identifier_is_refused(tmp_path, server, certificates):
    sender = modality(tmp_path / "outbox", certificates, server.port, 1)
    for identifier in ("", None, "../outside", "1.2.x", ["1.2", "1.3"]):
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


def test_what_waits_is_for_its_owner_only(tmp_path, server, certificates):
    outbox = tmp_path / "outbox"
    sender = hospital.Modality(outbox, Keys(server, certificates), Archive(fails=1))
    uid = sender.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match="no answer"):
        sender.deliver(uid)
    assert len(files(outbox)) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in outbox.iterdir()} == {0o600}
    outbox.chmod(0o750)
    with pytest.raises(PermissionError, match=r"outbox.*mode 750"):
        hospital.Modality(outbox, None, None)


def test_files_are_private_from_their_creation_on(tmp_path, server, certificates, monkeypatch):
    """Whatever is in the outbox at any moment: a killed program leaves nothing readable."""
    outbox, modes = tmp_path / "outbox", set()
    request_mask = os.umask(0)  # With which a new file would be open to everybody.
    fsync = os.fsync

    def look(file):
        modes.update(stat.S_IMODE(path.stat().st_mode) for path in outbox.glob("*"))
        modes.update(stat.S_IMODE(path.stat().st_mode) for path in outbox.glob(".*.tmp"))
        fsync(file)

    monkeypatch.setattr(os, "fsync", look)
    sender = hospital.Modality(outbox, Keys(server, certificates), Archive())
    try:
        send(sender, image_of(noise(16, 16)))
    finally:
        os.umask(request_mask)
    assert modes == {0o600}


def test_a_retry_sends_the_same_bytes_and_asks_for_no_key(
    tmp_path, server, certificates, monkeypatch
):
    """Also after an update of the compression, whose bytes nothing may depend on."""
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive(fails=2)
    image = image_of(np.zeros((64, 64), np.uint8))
    sent = []
    compress = zlib.compress
    for level in (9, 1, 0):
        monkeypatch.setattr(zlib, "compress", lambda data, level=level: compress(data, level))
        sender = hospital.Modality(outbox, keys, archive)
        uid = sender.take(image)
        waiting = [path.read_bytes() for path in outbox.glob("*.encrypted")]
        sent += waiting
        if archive.fails:
            with pytest.raises(HospitalError, match="no answer"):
                sender.deliver(uid)
        else:
            delivery = sender.deliver(uid)
    assert len(keys.asked) == 1 and len(server.store) == 1
    assert len(sent) == 2 and set(sent) == set(archive.stored)
    assert files(outbox) == [] and sender.waiting() == []
    assert pydicom.dcmread(io.BytesIO(archive.stored[0])).SOPInstanceUID == (
        delivery.sop_instance_uid
    )


def test_the_key_server_is_told_which_image_it_is(tmp_path, server, certificates):
    keys, image = Keys(server, certificates), image_of(noise(16, 16))
    send(hospital.Modality(tmp_path / "outbox", keys, Archive()), image)
    [(_, n, about)] = keys.asked
    assert n == 1 and about == {
        "StudyInstanceUID": image.StudyInstanceUID,
        "SOPClassUID": image.SOPClassUID,
        "SOPInstanceUID": image.SOPInstanceUID,
    }


def test_another_profile_does_not_send_what_was_encrypted_under_the_first(
    tmp_path, server, certificates
):
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive(fails=1)
    first = hospital.Modality(outbox, keys, archive)
    uid = first.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match="no answer"):
        first.deliver(uid)
    careful = hospital.Modality(outbox, keys, archive, attributes="basic-profile")
    careful.deliver(uid)
    [stored] = archive.stored
    # Three bytes are found in 1,000 bytes of ciphertext with a chance of 6e-5, eight with 5e-17.
    assert b"Doe^Jane" not in stored and files(outbox) == [] and len(server.store) == 1


def test_an_encrypted_image_that_was_damaged_in_the_outbox_is_not_sent(
    tmp_path, server, certificates
):
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive(fails=1)
    sender = hospital.Modality(outbox, keys, archive)
    image = image_of(noise(16, 16))
    uid = sender.take(image)
    with pytest.raises(HospitalError, match="no answer"):
        sender.deliver(uid)
    [ready] = outbox.glob("*.encrypted")
    content = bytearray(ready.read_bytes())
    content[-20] ^= 1
    ready.write_bytes(content)
    delivery = sender.deliver(uid)
    stored = pydicom.dcmread(io.BytesIO(archive.stored[0]))
    keys = hospital.KeyClient(server.port, certificates, "workstation").get(delivery.key_identifier)
    assert dicom.decrypt_dataset(stored, keys.keys, secret=keys.secret) == image
    assert files(outbox) == []


def test_an_encrypted_image_is_never_sent_for_another_one(tmp_path, server, certificates):
    """What is left of one image lies there when another one of the same identifier is taken."""
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive(fails=1)
    sender = hospital.Modality(outbox, keys, archive)
    first, second = image_of(noise(16, 16)), image_of(noise(16, 16))
    second.SOPInstanceUID = first.SOPInstanceUID
    second.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    uid = sender.take(first)
    with pytest.raises(HospitalError, match="no answer"):
        sender.deliver(uid)
    (outbox / f"{uid}.dcm").unlink()  # As if it was killed after the archive had confirmed.
    delivery = sender.deliver(sender.take(second))
    key = hospital.KeyClient(server.port, certificates, "workstation").get(delivery.key_identifier)
    stored = pydicom.dcmread(io.BytesIO(archive.stored[0]))
    assert dicom.decrypt_dataset(stored, key.keys, secret=key.secret) == second
    assert files(outbox) == []


def test_the_encrypted_image_of_a_longer_identifier_stays(tmp_path, server, certificates):
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive(fails=1)
    sender = hospital.Modality(outbox, keys, archive)
    for uid in ("1.2.3", "1.2.3.4"):
        image = image_of(noise(16, 16))
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
        sender.take(image)
    with pytest.raises(HospitalError, match="no answer"):
        sender.deliver("1.2.3.4")
    [ready] = outbox.glob("*.encrypted")
    sender.deliver("1.2.3")
    assert files(outbox) == sorted(["1.2.3.4.dcm", ready.name])


def test_what_a_killed_program_left_is_swept_at_the_start_unless_another_one_runs(
    tmp_path, server, certificates
):
    outbox = tmp_path / "outbox"
    keys, archive = Keys(server, certificates), Archive(fails=1)
    running = hospital.Modality(outbox, keys, archive)
    uid = running.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match="no answer"):
        running.deliver(uid)
    orphan = outbox / f"1.2.3.{'0' * 16}.keep.{'0' * 16}.encrypted"
    for left in (outbox / ".dkg-0123abcd.tmp", orphan):
        left.touch(mode=0o600)
    hospital.Modality(outbox, keys, archive)
    assert len(files(outbox)) == 4, "it took away what another program was writing"
    del running
    again = hospital.Modality(outbox, keys, archive)
    assert len(files(outbox)) == 2 and again.waiting() == [uid]
    again.deliver(uid)
    assert files(outbox) == [] and len(keys.asked) == 1


def test_an_image_delivered_by_another_program_is_said(tmp_path, server, certificates):
    outbox, keys, archive = tmp_path / "outbox", Keys(server, certificates), Archive()
    senders = [hospital.Modality(outbox, keys, archive) for _ in range(2)]
    uid = senders[0].take(image_of(noise(16, 16)))
    senders[0].deliver(uid)
    with pytest.raises(FileNotFoundError, match=uid):
        senders[1].deliver(uid)


def test_an_image_is_taken_while_another_one_is_delivered(tmp_path, server, certificates):
    sender = None

    class Slow(Archive):
        def store(self, image):
            super().store(image)
            sender.take(image_of(noise(16, 16)))

    sender = hospital.Modality(tmp_path / "outbox", Keys(server, certificates), Slow())
    send(sender, image_of(noise(16, 16)))
    assert len(sender.waiting()) == 1


def test_a_new_image_is_valid_and_holds_the_pixels():
    pixels = noise(20, 30, bits=12)
    image = pydicom.dcmread(io.BytesIO(encoded(image_of(pixels, bits_stored=12))))
    np.testing.assert_array_equal(image.pixel_array, pixels)
    assert (image.BitsStored, image.HighBit) == (12, 11)
    assert image.SOPClassUID != CTImageStorage
    assert image_of(pixels).SOPInstanceUID != image_of(pixels).SOPInstanceUID
