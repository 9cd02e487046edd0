"""Keys, images and parts of a hospital, and a relay that cuts connections."""

import hashlib
import io
import socket
import threading
import time

import numpy as np
import pydicom

from dkg import cipher, hospital
from dkg.hospital.connections import HOST


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
