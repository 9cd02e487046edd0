"""The key generation server: who gets which key."""

import http.client
import itertools
import json
import re
import socket
import sqlite3
import ssl
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dkg import cipher, hospital
from dkg.hospital import HospitalError, key_server
from dkg.hospital.connections import HOST, tls_context

from .parts import name_of, random_keys, some_keys


def test_server_listens_on_this_machine_only(server):
    assert server._server.socket.getsockname()[0] == HOST == "127.0.0.1"


def test_key_is_made_stored_and_fetched(server, certificates):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 2)
    np.testing.assert_array_equal(server.store.of_image(name_of("image")), made.keys)
    identifier = cipher.key_identifier(made.keys)
    fetched = hospital.KeyClient(server.port, certificates, "workstation").get(identifier)
    np.testing.assert_array_equal(fetched.keys, made.keys)
    assert fetched.secret == made.secret == server.store.record(identifier).tag_secret
    assert len(made.secret) == 32 and made.secret not in made.keys.tobytes()


def test_an_image_asked_for_again_and_at_once_has_one_key(server, certificates):
    client = hospital.KeyClient(server.port, certificates, "modality")
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: client.make(name_of("image"), 1).keys.tobytes(), range(16)))
    assert len(set(keys)) == 1 and len(server.store) == 1
    assert client.make(name_of("another"), 1).keys.tobytes() != keys[0]
    with pytest.raises(HospitalError, match="has 1 keys, not 2"):
        client.make(name_of("image"), 2)


def test_each_part_may_do_its_own_work_only(server, certificates):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    identifier = cipher.key_identifier(made.keys)
    with pytest.raises(HospitalError, match="only the workstation may do this"):
        hospital.KeyClient(server.port, certificates, "modality").get(identifier)
    with pytest.raises(HospitalError, match="only the modality may do this"):
        hospital.KeyClient(server.port, certificates, "workstation").make(name_of("another"), 1)
    for part in ("pacs", "key-server"):
        with pytest.raises(HospitalError, match="does not accept the certificate"):
            hospital.KeyClient(server.port, certificates, part).get(identifier)
        with pytest.raises(HospitalError, match="does not accept the certificate"):
            hospital.KeyClient(server.port, certificates, part).make(name_of("another"), 1)
    assert len(server.store) == 1


def test_without_a_certificate_of_this_hospital_there_is_nothing(
    server, certificates, foreign, tmp_path
):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    path = f"/keys/{cipher.key_identifier(made.keys)}"

    # Another hospital's workstation: neither end accepts the other.
    with pytest.raises(HospitalError, match="does not accept the certificate"):
        hospital.KeyClient(server.port, foreign, "workstation").get(path.split("/")[-1])

    def ask(context):
        connection = http.client.HTTPSConnection(HOST, server.port, timeout=10, context=context)
        connection.request("GET", path)
        return connection.getresponse().read()

    # Somebody who trusts this server: with no certificate, and with a foreign one.
    authority, theirs = certificates / "keys" / "authority.pem", foreign / "keys"
    none = ssl.create_default_context(cafile=authority)
    foreign = ssl.create_default_context(cafile=authority)
    foreign.load_cert_chain(theirs / "workstation.pem", theirs / "workstation.key")
    for context in (none, foreign):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(context)
    assert (
        ask(tls_context(certificates, "workstation", server=False))
        == made.secret + made.keys.tobytes()
    )

    # Without TLS.
    plain = http.client.HTTPConnection(HOST, server.port, timeout=10)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.request("GET", path)
        plain.getresponse()


def test_client_refuses_a_server_of_another_hospital(tmp_path, certificates, foreign):
    store = hospital.KeyStore(tmp_path / "theirs.sqlite")
    with hospital.KeyServer(store, random_keys(), foreign) as theirs:
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


def test_no_key_is_shown_by_chance(server, certificates, caplog):
    caplog.set_level("DEBUG")
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1)
    identifier = cipher.key_identifier(made.keys)
    hospital.KeyClient(server.port, certificates, "workstation").get(identifier)
    record = server.store.record(identifier)
    shown = "".join(map(repr, (made, record, server.store, server))) + caplog.text
    for secret in (made.secret, record.random, made.keys.tobytes()[:16]):
        assert repr(secret)[2:-1] not in shown and secret.hex() not in shown
    assert not re.search(r"\d+[ ,]+\d+[ ,]+\d+[ ,]+\d+", shown)
    assert "key-server: " in caplog.text and f"/keys/{identifier}" in caplog.text


def test_a_request_cannot_forge_a_line_of_the_log(server, certificates, caplog):
    caplog.set_level("INFO")
    context = tls_context(certificates, "workstation", server=False)
    with (
        socket.create_connection((HOST, server.port)) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        secured.sendall(b"GET /keys/\x1b[2J\rforged HTTP/1.0\r\n\r\n")
        while secured.recv(1000):
            pass
    assert "forged" in caplog.text and "\x1b" not in caplog.text and "\r" not in caplog.text


def test_an_unknown_key_is_not_found(server, certificates):
    client = hospital.KeyClient(server.port, certificates, "workstation")
    for identifier in (name_of("never made"), "../keys", "%00"):
        with pytest.raises(HospitalError, match="no key of this identifier"):
            client.get(identifier)


def test_images_with_the_same_network_key_have_different_keys(tmp_path, certificates):
    """Random bytes are mixed in, so a seed image may be used again."""
    [one] = some_keys(1)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with hospital.KeyServer(store, iter([one] * 5), certificates) as server:
        client = hospital.KeyClient(server.port, certificates, "modality")
        keys = [client.make(name_of(f"image {i}"), n).keys for i, n in ((1, 1), (2, 3), (3, 1))]
        with pytest.raises(HospitalError, match=r"no seed image left for 1 of the 1 keys"):
            client.make(name_of("image 4"), 1)
    keys = np.concatenate([*keys, one[None]]).reshape(6, -1)
    for i, j in itertools.combinations(range(6), 2):
        # By chance one byte in 256 agrees: 768 +- 28 of 196,608.
        assert np.count_nonzero(keys[i] == keys[j]) < 1000
    assert len(store) == 5


def test_two_key_servers_with_the_same_network_keys_make_different_keys(tmp_path, certificates):
    [one] = some_keys(1)
    keys = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        store = hospital.KeyStore(tmp_path / folder / "keys.sqlite")
        with hospital.KeyServer(store, iter([one]), certificates) as server:
            client = hospital.KeyClient(server.port, certificates, "modality")
            keys.append(client.make(name_of("image"), 1).keys)
    assert np.count_nonzero(keys[0] == keys[1]) < 1000


def test_a_key_can_be_made_again_from_its_record(server, certificates):
    made = hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 2)
    record = server.store.record(cipher.key_identifier(made.keys))
    assert record.image == name_of("image") and len(record.random) == 32
    # The keystream is its own inverse: what is left is the network's key.
    network = hospital.mix(made.keys, record.random, record.image)
    assert [cipher.key_identifier(one[None]) for one in network] == list(record.sources)
    np.testing.assert_array_equal(hospital.mix(network, record.random, record.image), made.keys)


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
