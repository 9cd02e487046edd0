"""Keys, images and parts of a hospital, a relay that cuts connections, and attackers' tools."""

import contextlib
import datetime
import hashlib
import io
import ipaddress
import shutil
import socket
import ssl
import threading
import time

import numpy as np
import pydicom
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dkg import cipher, hospital
from dkg.hospital.connections import HOST, ROLE


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


def copied(certificates, folder):
    """Copy the certificates without a list of revoked ones, as another machine may have them."""
    ignored = shutil.ignore_patterns("revoked.txt")
    return shutil.copytree(certificates, folder / "elsewhere", ignore=ignored)


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
            # The other thread may still wait for the server, and a close alone would wait for it.
            for each in (client, server):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _back(self, server, client):
        try:
            while data := server.recv(1000):
                cut = self._cut.is_set()
                client.sendall(data[:3] if cut else data)
                if cut:
                    return
        except OSError:
            return


class Authority:
    """An authority that signs whatever a test asks for, in the place of a hospital's own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dkg test")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._write("authority.pem", self._name, self._key, [(constraints, True)], -1, 9)

    def sign(self, part, *, roles=None, server=None, start=-1, days=2):
        """Write certificate and key of a part; it is valid for some days from a day on."""
        server = part in ("key-server", "pacs") if server is None else server
        names = [x509.UniformResourceIdentifier(role) for role in roles or ()]
        if roles is None:
            names = [x509.UniformResourceIdentifier(ROLE + part)]
        names.append(x509.IPAddress(ipaddress.ip_address(HOST)))
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        extensions = [
            (x509.SubjectAlternativeName(names), False),
            (x509.ExtendedKeyUsage([usage]), True),
        ]
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, part)])
        self._write(f"{part}.pem", name, key, extensions, start, days)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self.folder / f"{part}.key"
        path.write_bytes(private)
        path.chmod(0o600)

    def _write(self, file, name, key, extensions, start, days):
        first = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=start)
        last = first + datetime.timedelta(days=days)
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(self._name, name, key.public_key(), serial, first, last)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (self.folder / file).write_bytes(pem)
        (self.folder / file).chmod(0o644)


def attacker(folder, part, *, server=False):
    """Return settings of TLS that show a certificate and check nothing of the other end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(folder / f"{part}.pem", folder / f"{part}.key")
    return context


def talk(server, client, sessions=None):
    """Connect two ends, and let each say a word; return what went wrong at each.

    With a list of `sessions` the client asks to resume the last one, and adds the new one and
    whether it was resumed.
    """
    errors = {}
    listener = socket.create_server((HOST, 0))

    def serve():
        with listener, listener.accept()[0] as plain:
            plain.settimeout(10)
            try:
                with server.wrap_socket(plain, server_side=True) as secured:
                    secured.sendall(b"word")
                    assert secured.recv(4) == b"word"
            except (OSError, AssertionError) as error:
                errors["server"] = error

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(listener.getsockname(), 10) as plain:
        try:
            session = sessions[-1][0] if sessions else None
            with client.wrap_socket(plain, server_hostname=HOST, session=session) as secured:
                assert secured.recv(4) == b"word"
                if sessions is not None:
                    sessions.append((secured.session, secured.session_reused))
                secured.sendall(b"word")
        except (OSError, AssertionError) as error:
            errors["client"] = error
    thread.join(20)
    assert not thread.is_alive()
    return errors
