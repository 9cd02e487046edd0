"""The hospital of Fig. 1, with the small archive and with real Orthanc, on this machine only.

The tests with Orthanc are skipped where it is not installed; where ``DKG_ORTHANC_TESTS=required``
is set, as in continuous integration, they fail instead. The images are made here; where the data
folder has a folder ``dicom``, its files are sent, too.
"""

import base64
import copy
import hashlib
import http.client
import io
import json
import logging
import os
import re
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, RLELossless, generate_uid
from pynetdicom import AE, build_context
from pynetdicom.sop_class import Verification

from dkg import cipher, dicom, hospital, paths
from dkg.hospital import HospitalError, KeyReuseError, connections, key_server, pacs
from dkg.hospital.connections import HOST, tls_context

ORTHANC_REQUIRED = os.environ.get("DKG_ORTHANC_TESTS") == "required"
REAL_FILES = sorted((paths.data() / "dicom").glob("*.dcm"))


def random_keys():
    """Return an endless source of keys, different in every test run."""
    random = np.random.default_rng()
    while True:
        yield random.integers(0, 256, cipher.KEY_SHAPE, dtype=np.uint8)


def some_keys(n=1):
    source = random_keys()
    return np.stack([next(source) for _ in range(n)])


def image_of(pixels, patient_id="17", **options):
    return hospital.new_image(pixels, patient_name="Doe^Jane", patient_id=patient_id, **options)


def noise(*shape, bits=8):
    """Return pixels that no file holds by chance."""
    dtype = np.uint8 if bits <= 8 else np.uint16
    return np.random.default_rng().integers(0, 1 << bits, shape, dtype=dtype)


def encoded(image):
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def name_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return hospital.make_certificates(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Certificates of another hospital."""
    return hospital.make_certificates(tmp_path_factory.mktemp("certificates") / "theirs")


@pytest.fixture
def server(tmp_path, certificates):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with hospital.KeyServer(store, random_keys(), certificates) as server:
        yield server


@pytest.fixture(params=["small", pytest.param("orthanc", marks=pytest.mark.orthanc)])
def start(request, tmp_path, certificates):
    """Return a function that starts an archive, always on the same folder."""
    if request.param == "orthanc" and hospital.find_orthanc() is None:
        reason = "Orthanc is not installed; on Debian: apt-get install orthanc"
        if ORTHANC_REQUIRED:
            pytest.fail(f"DKG_ORTHANC_TESTS=required, but {reason}")
        pytest.skip(reason)
    started = []

    def start(port=0):
        if request.param == "small":
            archive = hospital.SmallPacs(tmp_path / "pacs", certificates, port)
            archive.kill = archive.stop
        else:
            archive = hospital.Orthanc(tmp_path / "pacs", certificates, port, seconds=300)
        started.append(archive)
        return archive

    yield start
    for archive in started:
        archive.kill()


@pytest.fixture
def archive(start):
    return start()


@pytest.fixture
def ward(tmp_path, certificates, server, archive):
    """Put the four places of Fig. 1 together."""
    return SimpleNamespace(
        archive=archive,
        server=server,
        modality=modality(tmp_path / "outbox", certificates, server.port, archive.port),
        workstation=hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        ),
    )


def modality(outbox, certificates, key_port, pacs_port, **options):
    return hospital.Modality(
        outbox,
        hospital.KeyClient(key_port, certificates, "modality"),
        hospital.PacsClient(pacs_port, certificates, "modality", **options),
    )


def send(modality, image):
    return modality.deliver(modality.take(image))


def opened(workstation, delivery):
    [found] = workstation.find(SOPInstanceUID=delivery.sop_instance_uid)
    return workstation.open(found).image


class Relay:
    """Pass bytes on to a server, until the client has sent ``limit`` of them.

    Then ``then`` is called, of the server's answers only three more bytes are passed on, and once
    ``done`` says so both connections are closed.
    """

    def __init__(self, port, limit, then=lambda: None, done=lambda: True):
        self._target, self._limit, self._then, self._done = port, limit, then, done
        self._cut = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def wait(self):
        """Wait until both connections are closed."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _accept(self):
        with self._listener:
            client, _ = self._listener.accept()
        with client, socket.create_connection((HOST, self._target)) as server:
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            sent = 0
            while sent < self._limit:
                data = client.recv(1000)
                sent += len(data)
                if sent >= self._limit:
                    self._cut.set()
                server.sendall(data)
            self._then()
            client.settimeout(0.05)
            deadline = time.monotonic() + 10
            while not self._done() and time.monotonic() < deadline:
                try:
                    server.sendall(client.recv(1000))
                except OSError:
                    continue

    def _back(self, server, client):
        try:
            while data := server.recv(1000):
                cut = self._cut.is_set()
                client.sendall(data[:3] if cut else data)
                if cut:
                    return
        except OSError:
            return


# Certificates.


def test_private_keys_are_for_their_owner_only(certificates):
    assert stat.S_IMODE(certificates.stat().st_mode) == 0o700
    private = sorted(certificates.glob("*.key"))
    assert [path.stem for path in private] == ["key-server", "modality", "pacs", "workstation"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)
    assert not (certificates / "authority.key").exists(), "nobody can add a part later"


def test_certificates_in_use_are_not_replaced(certificates):
    before = (certificates / "authority.pem").read_bytes()
    with pytest.raises(FileExistsError, match=r"authority\.pem"):
        hospital.make_certificates(certificates)
    assert (certificates / "authority.pem").read_bytes() == before


def test_a_missing_certificate_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"authority\.pem"):
        tls_context(tmp_path, "modality", server=False)


# The key store.


def test_store_is_for_its_owner_only_and_keeps_keys(tmp_path):
    path = tmp_path / "keys.sqlite"
    keys = some_keys(3)
    identifier = hospital.KeyStore(path).add(name_of("an image"), keys)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identifier == cipher.key_identifier(keys)
    again = hospital.KeyStore(path)
    np.testing.assert_array_equal(again.get(identifier), keys)
    np.testing.assert_array_equal(again.of_image(name_of("an image")), keys)
    assert again.get(name_of("another")) is None and again.of_image(name_of("another")) is None
    assert len(again) == 3


def test_store_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "keys.sqlite"
    hospital.KeyStore(path)
    path.chmod(0o640)
    with pytest.raises(HospitalError, match=r"keys\.sqlite.*mode 640"):
        hospital.KeyStore(path)


def test_another_file_is_no_store(tmp_path):
    path = tmp_path / "keys.sqlite"
    path.write_bytes(b"not a database, but long enough to have a header of one" * 10)
    path.chmod(0o600)
    with pytest.raises(HospitalError, match=r"keys\.sqlite: not a key store"):
        hospital.KeyStore(path)


def test_a_key_is_used_for_one_image_only(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    first, second, third = some_keys(3)
    store.add(name_of("first"), np.stack([first, second]))
    for image, keys in (
        ("another", [first, second]),  # The same key.
        ("another", [second]),  # A part of it, as a key.
        ("another", [third, first]),  # A part of it, within another key.
        ("first", [third]),  # A second key for the same image.
    ):
        with pytest.raises(KeyReuseError, match="one image only"):
            store.add(name_of(image), np.stack(keys))
        assert len(store) == 2
    store.add(name_of("another"), third[None])
    assert len(store) == 3


# The key server.


def test_server_listens_on_this_machine_only(server):
    assert server._server.socket.getsockname()[0] == HOST == "127.0.0.1"


def test_key_is_made_stored_and_fetched(server, certificates):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 2)
    np.testing.assert_array_equal(server.store.of_image(name_of("image")), made)
    fetched = hospital.KeyClient(server.port, certificates, "workstation").get(
        cipher.key_identifier(made)
    )
    np.testing.assert_array_equal(fetched, made)


def test_an_image_asked_for_again_and_at_once_has_one_key(server, certificates):
    client = hospital.KeyClient(server.port, certificates, "modality")
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: client.make(name_of("image"), 1).tobytes(), range(16)))
    assert len(set(keys)) == 1 and len(server.store) == 1
    assert client.make(name_of("another"), 1).tobytes() != keys[0]
    with pytest.raises(HospitalError, match="has 1 keys, not 2"):
        client.make(name_of("image"), 2)


def test_each_part_may_do_its_own_work_only(server, certificates):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    identifier = cipher.key_identifier(made)
    for part in ("modality", "pacs", "key-server"):
        with pytest.raises(HospitalError, match="only the workstation may do this"):
            hospital.KeyClient(server.port, certificates, part).get(identifier)
    for part in ("workstation", "pacs", "key-server"):
        with pytest.raises(HospitalError, match="only the modality may do this"):
            hospital.KeyClient(server.port, certificates, part).make(name_of("another"), 1)
    assert len(server.store) == 1


def test_without_a_certificate_of_this_hospital_there_is_nothing(
    server, certificates, strangers, tmp_path
):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    path = f"/keys/{cipher.key_identifier(made)}"

    # Another hospital's workstation: neither end accepts the other.
    with pytest.raises(HospitalError, match="does not accept the certificate"):
        hospital.KeyClient(server.port, strangers, "workstation").get(path.split("/")[-1])

    def ask(context):
        connection = http.client.HTTPSConnection(HOST, server.port, timeout=10, context=context)
        connection.request("GET", path)
        return connection.getresponse().read()

    # Somebody who trusts this server: with no certificate, and with a foreign one.
    none = ssl.create_default_context(cafile=certificates / "authority.pem")
    foreign = ssl.create_default_context(cafile=certificates / "authority.pem")
    foreign.load_cert_chain(strangers / "workstation.pem", strangers / "workstation.key")
    for context in (none, foreign):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(context)
    assert ask(tls_context(certificates, "workstation", server=False)) == made.tobytes()

    # Without TLS.
    plain = http.client.HTTPConnection(HOST, server.port, timeout=10)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.request("GET", path)
        plain.getresponse()


def test_client_refuses_a_server_of_another_hospital(tmp_path, certificates, strangers):
    store = hospital.KeyStore(tmp_path / "theirs.sqlite")
    with hospital.KeyServer(store, random_keys(), strangers) as theirs:
        client = hospital.KeyClient(theirs.port, certificates, "modality")
        with pytest.raises(HospitalError, match="certificate verify failed"):
            client.make(name_of("image"), 1)
    assert len(store) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"image": "00", "n": 1}',
        json.dumps({"image": name_of("image"), "n": 0}).encode(),
        json.dumps({"image": name_of("image"), "n": key_server.MAX_KEYS + 1}).encode(),
        json.dumps({"image": name_of("image"), "n": True}).encode(),
        json.dumps({"image": name_of("image"), "n": "1"}).encode(),
        json.dumps({"image": None, "n": 1}).encode(),
    ],
)
def test_requests_that_make_no_sense_are_refused(server, certificates, body):
    connection = http.client.HTTPSConnection(
        HOST, server.port, timeout=10, context=tls_context(certificates, "modality", server=False)
    )
    connection.request("POST", "/keys", body)
    assert connection.getresponse().status == 400
    assert len(server.store) == 0


def test_a_request_that_is_too_long_gets_no_answer(server, certificates):
    context = tls_context(certificates, "modality", server=False)
    connection = http.client.HTTPSConnection(HOST, server.port, timeout=10, context=context)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        connection.request("POST", "/keys", b" " * 100_000)
        connection.getresponse()


def test_an_unknown_key_is_not_found(server, certificates):
    client = hospital.KeyClient(server.port, certificates, "workstation")
    for identifier in (name_of("never made"), "../keys", "%00"):
        with pytest.raises(HospitalError, match="no key of this identifier"):
            client.get(identifier)


def test_a_key_made_before_is_refused_and_the_next_one_taken(tmp_path, certificates):
    first, second = some_keys(2)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with hospital.KeyServer(store, iter([first, first, second]), certificates) as server:
        client = hospital.KeyClient(server.port, certificates, "modality")
        client.make(name_of("image 1"), 1)
        with pytest.raises(HospitalError, match="one image only"):
            client.make(name_of("image 2"), 1)
        np.testing.assert_array_equal(client.make(name_of("image 2"), 1), second[None])
        with pytest.raises(HospitalError, match="no seed image left"):
            client.make(name_of("image 3"), 1)
    assert len(store) == 2


def test_a_silent_client_keeps_nobody_waiting(server, certificates):
    with socket.create_connection((HOST, server.port)):
        hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)


def test_a_store_that_fails_is_said(server, certificates):
    with sqlite3.connect(server.store.path) as database:
        database.execute("DROP TABLE parts")
    client = hospital.KeyClient(server.port, certificates, "modality")
    with pytest.raises(HospitalError, match="the key store failed"):
        client.make(name_of("image"), 1)
    assert server.store.of_image(name_of("image")) is None, "half a key was stored"


# Modality, archive and workstation.


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
        # Not as bytes: pydicom writes spaces at the end of a text only until it is looked at.
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


def test_find_by_attribute_and_wildcard(ward):
    for patient, name in (("17", "Doe^Jane"), ("18", "Doe^John"), ("19[a]", "Roe^Jane")):
        image = hospital.new_image(noise(16, 16), patient_name=name, patient_id=patient)
        send(ward.modality, image)

    def found(**query):
        return sorted(str(answer.PatientID) for answer in ward.workstation.find(**query))

    assert found(PatientID="18") == ["18"]
    assert found(PatientName="Doe*") == ["17", "18"]
    assert found(PatientID="1?") == ["17", "18"]
    assert found(PatientID="19[a]") == ["19[a]"]
    assert found(PatientID="20") == []
    [answer] = ward.workstation.find(PatientID="17", ConversionType="")
    assert answer.ConversionType == "SYN"


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


def test_archive_keeps_the_first_image_of_an_identifier(ward, certificates):
    first = send(ward.modality, image_of(noise(16, 16), description="first"))
    other = pydicom.dcmread(ward.archive.files()[0])
    other.StudyDescription = "second"
    hospital.PacsClient(ward.archive.port, certificates, "modality").store(other)
    [found] = ward.workstation.find(StudyDescription="")
    assert found.StudyDescription == "first"
    assert found.SOPInstanceUID == first.sop_instance_uid
    assert ward.workstation.open(found).image.StudyDescription == "first"


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


# What fails.


# A thread of pynetdicom's server may raise after a refusal, when it has nothing left to do.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_wrong_called_title_is_refused(ward, tmp_path, certificates):
    elsewhere = modality(
        tmp_path / "elsewhere", certificates, ward.server.port, ward.archive.port, called="OTHER"
    )
    uid = elsewhere.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match=r"PACS OTHER at .*Called AE title not recognised"):
        elsewhere.deliver(uid)
    assert elsewhere.waiting() == [uid] and ward.archive.files() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_unknown_calling_title_is_refused(ward, tmp_path, certificates):
    unknown = modality(
        tmp_path / "unknown", certificates, ward.server.port, ward.archive.port, title="STRANGER"
    )
    uid = unknown.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match=r"refused .*STRANGER.*Calling AE title not recognised"):
        unknown.deliver(uid)
    assert unknown.waiting() == [uid] and ward.archive.files() == []


def test_archive_answers_no_other_certificate(archive, certificates, strangers):
    hospital.PacsClient(archive.port, certificates, "workstation").echo()
    with pytest.raises(HospitalError, match="does not accept the certificate"):
        hospital.PacsClient(archive.port, strangers, "workstation").echo()
    none = ssl.create_default_context(cafile=certificates / "authority.pem")
    for tls in ((none, HOST), None):
        entity = AE("WORKSTATION")
        entity.acse_timeout = 5
        contexts = [build_context(Verification)]
        association = entity.associate(HOST, archive.port, contexts, ae_title="PACS", tls_args=tls)
        assert not association.is_established


def test_orthanc_answers_this_machine_only(start, certificates):
    """It listens on every address, so it must refuse other machines' associations itself."""
    archive = start()
    if isinstance(archive, hospital.SmallPacs):
        assert archive._server.socket.getsockname()[0] == HOST
        return
    for source, expected in ((HOST, True), ("127.0.0.2", False)):
        association = AE("MODALITY").associate(
            HOST,
            archive.port,
            [build_context(Verification)],
            ae_title="PACS",
            tls_args=(tls_context(certificates, "modality", server=False), HOST),
            bind_address=(source, 0),
        )
        assert association.is_established == expected
        if expected:
            association.release()


def test_unknown_kind_of_image_is_refused(ward, certificates):
    image = image_of(noise(16, 16))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.3.4"
    with pytest.raises(HospitalError, match=r"does not offer 1\.2\.3\.4"):
        hospital.PacsClient(ward.archive.port, certificates, "modality").store(image)
    assert ward.archive.files() == []


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
    monkeypatch.setattr(pacs, "TIMEOUT", 1.0)
    silent = threading.Event()
    relay = Relay(ward.archive.port, 40_000, done=silent.is_set)
    through = modality(tmp_path / "through", certificates, ward.server.port, relay.port)
    uid = through.take(image_of(noise(256, 256)))
    with pytest.raises(HospitalError, match="connection was lost"):
        through.deliver(uid)
    silent.set()
    relay.wait()
    assert through.waiting() == [uid]


def test_small_archive_gives_up_a_client_that_says_nothing(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr(connections, "TIMEOUT", 0.5)
    with (
        hospital.SmallPacs(tmp_path / "pacs", certificates) as archive,
        socket.create_connection((HOST, archive.port)),
    ):
        hospital.PacsClient(archive.port, certificates, "workstation").echo()


def test_small_archive_stops_while_a_client_is_silent(tmp_path, server, certificates):
    archive = hospital.SmallPacs(tmp_path / "pacs", certificates)
    relay = Relay(archive.port, 40_000, then=archive.stop)
    through = modality(tmp_path / "through", certificates, server.port, relay.port)
    uid = through.take(image_of(noise(256, 256)))
    with pytest.raises(HospitalError, match="connection was lost"):
        through.deliver(uid)
    relay.wait()
    assert archive.files() == []


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


def test_full_disk_of_the_small_archive_is_said(tmp_path, server, certificates, monkeypatch):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        uid = sender.take(image_of(noise(16, 16)))

        def full(path):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(pacs, "atomic", full)
            with pytest.raises(HospitalError, match="C-STORE failed with status 0xa700"):
                sender.deliver(uid)
        assert sender.waiting() == [uid] and archive.files() == []
        sender.deliver(uid)
        assert sender.waiting() == [] and len(archive.files()) == 1


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


def test_small_archive_serves_what_its_folder_holds(tmp_path, server, certificates):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        image = image_of(noise(16, 16))
        delivery = send(sender, image)
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        assert encoded(opened(workstation, delivery)) == encoded(image)


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


def test_tool_starts_an_archive_and_a_key_server(tmp_path):
    folder = tmp_path / "hospital"
    command = [sys.executable, paths.root() / "tools" / "hospital.py", folder]
    options = "--minutes", "2", "--key-port", "0", "--pacs-port", "0", "--n-seeds", "2"
    for images in (1, 2):
        with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline()
                pacs_port, key_port = map(int, re.findall(r"port (\d+)", line))
                sender = modality(tmp_path / "outbox", folder / "certificates", key_port, pacs_port)
                send(sender, image_of(noise(16, 16)))
            finally:
                process.terminate()
            assert process.stdout.read() == "stopping\n" and process.wait(20) == 0
        assert len(hospital.KeyStore(folder / "keys.sqlite")) == images


# Images made here, and Orthanc itself.


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


def test_orthanc_that_is_not_installed_is_said(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *args, **options: None)
    with pytest.raises(HospitalError, match="apt-get install orthanc"):
        hospital.Orthanc(tmp_path / "pacs", certificates)


def test_orthanc_that_does_not_start_is_said(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *args, **options: "/bin/false")
    with pytest.raises(HospitalError, match=r"did not start.*orthanc\.log"):
        hospital.Orthanc(tmp_path / "pacs", certificates)


@pytest.mark.orthanc
def test_orthanc_stops_by_itself(tmp_path, certificates):
    if hospital.find_orthanc() is None:
        pytest.skip("Orthanc is not installed; on Debian: apt-get install orthanc")
    archive = hospital.Orthanc(tmp_path / "pacs", certificates, seconds=2)
    client = hospital.PacsClient(archive.port, certificates, "workstation")
    archive._process.wait(20)
    with pytest.raises(HospitalError, match="cannot be reached"):
        client.echo()
