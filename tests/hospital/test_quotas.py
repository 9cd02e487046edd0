"""Requests that cannot be fulfilled cost nobody anything, and large ones keep nobody waiting."""

import itertools
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from dkg import cipher, hospital
from dkg.hospital import HospitalError, key_server

from .parts import image_of, modality, name_of, random_keys, send


class Source:
    """A network that counts its keys, and may be slow or fail."""

    def __init__(self, n=None, seconds=0.0):
        self.made, self.seconds = 0, seconds
        self.goes_on = threading.Event()  # While it is not set, no key comes.
        self.goes_on.set()
        self._keys = itertools.islice(random_keys(), n)

    def __iter__(self):
        return self

    def __next__(self):
        self.goes_on.wait()
        key = next(self._keys)
        self.made += 1
        time.sleep(self.seconds)
        return key


@pytest.fixture
def start(tmp_path, certificates):
    """Return a function that starts a key server, and returns it and a modality's client."""
    servers = []

    def start(source, **options):
        store = hospital.KeyStore(tmp_path / "keys.sqlite")
        servers.append(hospital.KeyServer(store, source, certificates, **options))
        patience = {"patience": 20}
        return servers[-1], hospital.KeyClient(
            servers[-1].port, certificates, "modality", **patience
        )

    yield start
    for server in servers:
        server.stop()


def test_an_image_that_needs_more_seed_images_than_there_are_takes_none(start):
    source = Source(5)
    server, client = start(source)
    for n in (6, 1024):
        with pytest.raises(HospitalError, match=f"no seed image left for {n - 5} of the {n} keys"):
            client.make(name_of(f"large {n}"), n)
    assert len(server.store) == 0
    made = [client.make(name_of(f"small {i}"), n).keys for i, n in enumerate((1, 3, 1))]
    assert [len(keys) for keys in made] == [1, 3, 1] and source.made == 5
    with pytest.raises(HospitalError, match="no seed image left for 1 of the 1 keys"):
        client.make(name_of("one too many"), 1)


@pytest.mark.slow
def test_a_radiograph_of_46_keys_and_a_small_image(start, tmp_path, certificates):
    """The large one is refused, and the small one is sent."""
    server, _ = start(Source(32))
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        large = sender.take(image_of(np.zeros((3000, 3000), np.uint8)))
        with pytest.raises(HospitalError, match="no seed image left for 14 of the 46 keys"):
            sender.deliver(large)
        send(sender, image_of(np.zeros((64, 64), np.uint8)))
        assert len(server.store) == 1 and sender.waiting() == [large]


@pytest.mark.parametrize("fails", ["add", "of_image"])
def test_a_full_disk_takes_no_seed_image(start, monkeypatch, fails):
    source = Source(8)
    server, client = start(source)
    with monkeypatch.context() as context:

        def full(*arguments, **options):
            raise sqlite3.OperationalError("database or disk is full")

        context.setattr(server.store, fails, full)
        for _ in range(5):
            with pytest.raises(HospitalError, match=r"the key store failed: .*disk is full"):
                client.make(name_of("image"), 4)
    assert source.made <= 4 and len(server.store) == 0
    client.make(name_of("image"), 4)
    client.make(name_of("another"), 4)
    assert source.made == 8


def test_a_network_that_fails_is_said_and_gives_back_what_it_made(start):
    def source():
        yield from itertools.islice(random_keys(), 2)
        raise ValueError("out of memory")

    server, client = start(source())
    with pytest.raises(HospitalError, match="the network made no key: out of memory"):
        client.make(name_of("image"), 3)
    client.make(name_of("another"), 2)
    assert len(server.store) == 2


def test_a_network_key_of_another_shape_is_refused(start):
    _, client = start(iter([np.zeros((256, 256, 1), np.uint8)]))
    with pytest.raises(HospitalError, match=r"the network made no key: keys must be uint8"):
        client.make(name_of("image"), 1)


@pytest.mark.slow
def test_a_large_image_does_not_keep_a_small_one_waiting(start):
    source = Source(seconds=0.05)
    server, client = start(source)
    # Alone it would take 10 s, and the small one has that long also on a busy machine.
    large = threading.Thread(target=client.make, args=(name_of("large"), 200), daemon=True)
    large.start()
    while not server._making:
        time.sleep(0.01)
    client.make(name_of("small"), 1)
    assert server.store.of_image(name_of("large")) is None, "it was there before the small one"
    source.seconds = 0
    large.join(60)
    assert len(server.store) == 201


@pytest.mark.slow
def test_a_key_that_takes_long_is_asked_for_again_and_made_once(start, monkeypatch):
    monkeypatch.setattr(key_server, "_WAIT", 0.05)
    source = Source(seconds=0.1)
    server, client = start(source)
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: client.make(name_of("image"), 5).keys.tobytes(), range(4)))
    assert len(set(keys)) == 1 and source.made == len(server.store) == 5


@pytest.mark.slow
def test_a_client_without_patience_says_that_the_key_is_being_made(
    start, certificates, monkeypatch
):
    monkeypatch.setattr(key_server, "_WAIT", 0.05)
    source = Source()
    server, patient = start(source)
    client = hospital.KeyClient(server.port, certificates, "modality", patience=0)
    source.goes_on.clear()
    try:
        with pytest.raises(HospitalError, match="still being made after 0 s; ask again later"):
            client.make(name_of("image"), 3)
    finally:
        source.goes_on.set()
    assert len(patient.make(name_of("image"), 3).keys) == 3 == len(server.store)


def test_two_images_that_need_the_last_seed_images_do_not_refuse_each_other(start):
    """Neither is told that there is none left while the other holds some; one of them gets them."""
    _, client = start(Source(8, seconds=0.02))

    def ask(image):
        try:
            return len(client.make(name_of(image), 6).keys)
        except HospitalError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(ask, "ab"), key=str)
    assert answers[0] == 6 and "no seed image left for 4 of the 6 keys" in answers[1]


def test_each_certificate_has_a_quota_of_keys(start, tmp_path, certificates):
    source = Source()
    server, client = start(source, quota=5)
    client.make(name_of("image 1"), 2)
    client.make(name_of("image 2"), 2)
    for _ in range(3):
        with pytest.raises(
            HospitalError, match=r"5 keys made in 24 hours, and fewer than the 2 of"
        ):
            client.make(name_of("invented"), 2)
    client.make(name_of("image 2"), 2)  # What was made is given again.
    client.make(name_of("image 3"), 1)
    with pytest.raises(HospitalError, match="keys made in 24 hours"):
        client.make(name_of("image 4"), 1)
    assert source.made == len(server.store) == 5
    # The quota outlives the server, and passes with the day.
    server.stop()
    server, client = start(source, quota=5)
    with pytest.raises(HospitalError, match="keys made in 24 hours"):
        client.make(name_of("image 4"), 1)
    with sqlite3.connect(server.store.path) as database:
        database.execute("UPDATE keys SET made = '2026-01-01T00:00:00+00:00'")
    client.make(name_of("image 4"), 1)


def test_requests_at_once_do_not_exceed_the_quota(start):
    server, client = start(Source(seconds=0.02), quota=10)

    def ask(number):
        try:
            return len(client.make(name_of(f"image {number}"), 1).keys)
        except HospitalError:
            return 0

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(30))) == 10 == len(server.store)


def test_one_certificate_has_a_limited_number_of_keys_in_the_making(
    start, certificates, monkeypatch
):
    monkeypatch.setattr(key_server, "_WAIT", 0.05)
    server, _ = start(Source(seconds=0.05), quota=10**6)
    client = hospital.KeyClient(server.port, certificates, "modality", patience=0)
    for number in range(2):
        with pytest.raises(HospitalError, match="still being made"):
            client.make(name_of(f"invented {number}"), cipher.MAX_KEYS)
        assert sum(n for _, n, _ in server._making.values()) == cipher.MAX_KEYS


def test_a_server_stops_although_a_large_image_is_being_made(start):
    source = Source(seconds=0.05)
    server, client = start(source)

    def ask():
        with suppress(HospitalError):
            client.make(name_of("large"), 1000)

    threading.Thread(target=ask, daemon=True).start()
    while source.made < 3:
        time.sleep(0.01)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 20 and source.made < 500 and len(server.store) == 0


def test_a_waiting_image_gets_its_key_when_the_server_has_one_again(start):
    server, client = start(Source(0))
    with pytest.raises(HospitalError, match="no seed image left"):
        client.make(name_of("image"), 1)
    server.stop()
    _, client = start(Source(1))
    assert cipher.key_identifier(client.make(name_of("image"), 1).keys)
