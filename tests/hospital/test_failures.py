"""Parts that cannot be reached, stop in the middle, or are flooded: nothing is lost."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest

from dkg import cipher, hospital
from dkg.hospital import HospitalError, pacs_client

from .parts import Relay, encoded, image_of, modality, name_of, noise, opened, random_keys, send

pytestmark = pytest.mark.slow  # Its programs wait for each other.


def test_key_server_unreachable_nothing_is_sent_and_nothing_lost(ward, certificates):
    images = [image_of(noise(64, 64)) for _ in range(3)]
    for image in images:
        ward.modality.take(image)
    store, port = ward.server.store, ward.server.port
    ward.server.stop()
    for uid in ward.modality.waiting():
        with pytest.raises(HospitalError, match=r"key server .*cannot be reached"):
            ward.modality.deliver(uid)
    assert ward.archive.files() == [], "an image was sent without a key"
    assert ward.modality.waiting() == [image.SOPInstanceUID for image in images]
    with hospital.KeyServer(store, random_keys(), certificates, port):
        for image in images:
            delivery = ward.modality.deliver(image.SOPInstanceUID)
            assert encoded(opened(ward.workstation, delivery)) == encoded(image)
    assert ward.modality.waiting() == []


def test_archive_unreachable_nothing_is_lost(ward, start, tmp_path, certificates):
    image = image_of(noise(64, 64))
    uid = ward.modality.take(image)
    ward.archive.kill()
    for _ in range(2):
        with pytest.raises(HospitalError, match=r"PACS .*cannot be reached"):
            ward.modality.deliver(uid)
    assert ward.modality.waiting() == [uid]
    assert len(ward.server.store) == 1, "the key was stored before the image was sent, and once"
    start(ward.archive.port)
    delivery = ward.modality.deliver(uid)
    assert encoded(opened(ward.workstation, delivery)) == encoded(image)


def test_archive_stopped_in_the_middle_of_an_image(ward, start, tmp_path, certificates):
    before = image_of(noise(256, 256))
    sent = send(ward.modality, before)
    images = [image_of(noise(256, 256)) for _ in range(2)]
    relay = Relay(ward.archive.port, 40_000, then=ward.archive.kill)
    through = modality(tmp_path / "through", certificates, ward.server.port, relay.port)
    for image in images:
        through.take(image)
    for uid in through.waiting():
        with pytest.raises(HospitalError, match=r"connection was lost|cannot be reached"):
            through.deliver(uid)
    relay.wait()
    assert len(through.waiting()) == 2

    again = start(ward.archive.port)
    assert len(again.files()) == 1, "half an image was stored"
    retried = modality(tmp_path / "through", certificates, ward.server.port, again.port)
    deliveries = [sent, *(retried.deliver(uid) for uid in retried.waiting())]
    assert retried.waiting() == [] and len(again.files()) == 3
    for image, delivery in zip([before, *images], deliveries, strict=True):
        assert encoded(opened(ward.workstation, delivery)) == encoded(image)
    assert len(ward.server.store) == 3


def test_confirmation_that_is_lost_does_not_make_a_second_image(ward, tmp_path, certificates):
    image = image_of(noise(256, 256))
    relay = Relay(ward.archive.port, 40_000, done=lambda: len(ward.archive.files()) == 1)
    through = modality(tmp_path / "through", certificates, ward.server.port, relay.port)
    uid = through.take(image)
    with pytest.raises(HospitalError, match="connection was lost"):
        through.deliver(uid)
    assert through.waiting() == [uid]
    assert len(ward.archive.files()) == 1, "the archive has it, and the modality does not know"
    retried = modality(tmp_path / "through", certificates, ward.server.port, ward.archive.port)
    delivery = retried.deliver(uid)
    assert retried.waiting() == []
    assert len(ward.archive.files()) == len(ward.server.store) == 1
    assert encoded(opened(ward.workstation, delivery)) == encoded(image)


def test_archive_that_falls_silent_in_the_middle_of_its_answer(
    ward, tmp_path, certificates, monkeypatch
):
    # Less than the relay waits, and enough to connect on a busy machine.
    monkeypatch.setattr(pacs_client, "TIMEOUT", 8.0)
    silent = threading.Event()
    relay = Relay(ward.archive.port, 40_000, done=silent.is_set)
    through = modality(tmp_path / "through", certificates, ward.server.port, relay.port)
    uid = through.take(image_of(noise(256, 256)))
    with pytest.raises(HospitalError, match="connection was lost"):
        through.deliver(uid)
    silent.set()
    relay.wait()
    assert through.waiting() == [uid]


def test_answer_of_the_key_server_that_is_lost_does_not_make_a_second_key(
    server, tmp_path, certificates
):
    body = json.dumps({"image": name_of("image"), "n": 1})
    # Every request takes more bytes than its body, so the server has it whole.
    relay = Relay(server.port, 1000 + len(body), done=lambda: len(server.store) == 1)
    with pytest.raises(HospitalError, match="cannot be reached"):
        hospital.KeyClient(relay.port, certificates, "modality").make(name_of("image"), 1)
    assert len(server.store) == 1
    hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    assert len(server.store) == 1


def test_image_changed_in_the_archive_is_refused(tmp_path, server, certificates):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        delivery = send(sender, image_of(noise(16, 16)))
        [path] = archive.files()
        stored = pydicom.dcmread(path)
        stored.PixelData = bytes([stored.PixelData[0] ^ 1]) + stored.PixelData[1:]
        stored.save_as(path)
        with pytest.raises(cipher.CipherError, match="changed"):
            opened(workstation, delivery)


@pytest.mark.slow
def test_two_hundred_images_from_eight_senders_at_once(ward, tmp_path, certificates):
    senders, each = 8, 25

    def work(number):
        sender = modality(
            tmp_path / f"outbox-{number}", certificates, ward.server.port, ward.archive.port
        )
        images = [image_of(noise(24, 24), f"{number}-{i}") for i in range(each)]
        deliveries = [send(sender, image) for image in images]
        assert sender.waiting() == []
        return [
            (d.sop_instance_uid, d.key_identifier, encoded(i))
            for i, d in zip(images, deliveries, strict=True)
        ]

    with ThreadPoolExecutor(senders) as pool:
        sent = [one for some in pool.map(work, range(senders)) for one in some]
    assert len(sent) == len(ward.archive.files()) == len(ward.server.store) == senders * each
    assert max(Counter(key for _, key, _ in sent).values()) == 1
    originals = {uid: original for uid, _, original in sent}
    found = ward.workstation.find()
    assert {answer.SOPInstanceUID for answer in found} == set(originals)
    for answer in found:
        image = ward.workstation.open(answer).image
        assert encoded(image) == originals[answer.SOPInstanceUID]
        assert image.PatientID == answer.PatientID
