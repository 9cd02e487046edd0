"""The key store, and the key generation server in front of it."""

import http.client
import json
import socket
import sqlite3
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dkg import cipher, hospital
from dkg.hospital import HospitalError, KeyReuseError, key_server
from dkg.hospital.connections import HOST, tls_context

from .parts import name_of, random_keys, some_keys


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
