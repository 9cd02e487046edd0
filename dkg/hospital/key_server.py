"""The key generation server of Fig. 1: it makes keys, keeps them, and hands them out over TLS.

The paper stores the key in the archive, beside the image. Here it stays with the server that made
it, so that a copy of the archive is not a copy of the keys. A key is on the disk before anybody
gets it, belongs to one image for good, and never appears in a log or in a file of the archive.
"""

import http.client
import itertools
import json
import logging
import os
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from dkg.cipher import KEY_BYTES, KEY_SHAPE, CipherError, key_identifier
from dkg.hospital.connections import HOST, TIMEOUT, HospitalError, Server, part_of, tls_context

MAX_KEYS = 1024
"""Keys of 196,608 bytes that one image may have: 201 million bytes of pixels."""

_LONGEST_REQUEST = 1000
_HEXADECIMAL = re.compile("[0-9a-f]{64}")
_logger = logging.getLogger(__name__)


class KeyReuseError(HospitalError):
    """A key, or a part of it, belongs to another image already."""


class KeyStore:
    """The keys of all images, in an SQLite file that only its owner may read.

    Parameters
    ----------
    path : path-like
        The file; made if it is not there. The system must keep its content: a lost key is a lost
        image.

    Raises
    ------
    HospitalError
        If the file is no key store, or if others than its owner may read or write it.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        # Made with its final mode, so that nobody else can open it first.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        status = self.path.stat()
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            raise HospitalError(
                f"{self.path}: others than its owner may read or write this key store (mode "
                f"{status.st_mode & 0o777:o}, expected 600)"
            )
        try:
            with closing(self._connect()) as database:
                database.executescript(
                    "CREATE TABLE IF NOT EXISTS keys (identifier TEXT PRIMARY KEY,"
                    " image TEXT NOT NULL UNIQUE, made TEXT NOT NULL, key BLOB NOT NULL);"
                    "CREATE TABLE IF NOT EXISTS parts (part TEXT PRIMARY KEY,"
                    " identifier TEXT NOT NULL REFERENCES keys);"
                )
        except sqlite3.DatabaseError as error:
            raise HospitalError(f"{self.path}: not a key store: {error}") from error

    def add(self, image: str, keys: np.ndarray) -> str:
        """Keep the key of an image, named by its SHA-256 in hexadecimal, for good.

        Returns
        -------
        str
            `dkg.cipher.key_identifier` of the key, which is on the disk by then.

        Raises
        ------
        KeyReuseError
            If the image has a key already, or any of the n parts belongs to another key.
        CipherError
            If `keys` has another type or shape, or holds the same part twice.
        """
        identifier = key_identifier(keys)
        parts = [(key_identifier(one[None]), identifier) for one in keys]
        made = datetime.now(UTC).isoformat(timespec="seconds")
        row = (identifier, image, made, np.ascontiguousarray(keys).data)
        with closing(self._connect()) as database:
            try:
                with database:
                    database.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", row)
                    database.executemany("INSERT INTO parts VALUES (?, ?)", parts)
            except sqlite3.IntegrityError as error:
                raise KeyReuseError(
                    f"key {identifier[:16]}: this key, or a part of it, belongs to an image "
                    "already, or the image has a key; a key is used for one image only"
                ) from error
        return identifier

    def get(self, identifier: str) -> np.ndarray | None:
        """Return the key of an identifier, or None if there is none."""
        return self._key("SELECT key FROM keys WHERE identifier = ?", identifier)

    def of_image(self, image: str) -> np.ndarray | None:
        """Return the key of an image, or None if it has none."""
        return self._key("SELECT key FROM keys WHERE image = ?", image)

    def __len__(self) -> int:
        """Return the number of keys of 196,608 bytes; a large image has several."""
        with closing(self._connect()) as database:
            return int(database.execute("SELECT count(*) FROM parts").fetchone()[0])

    def _key(self, query: str, name: str) -> np.ndarray | None:
        with closing(self._connect()) as database:
            row = database.execute(query, (name,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.uint8).reshape(-1, *KEY_SHAPE)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=TIMEOUT)
        # With EXTRA a committed key survives a power cut.
        database.execute("PRAGMA synchronous = EXTRA")
        return database


class KeyServer(Server):
    """Makes keys for the modality and hands them to the workstation, over mutual TLS.

    ``POST /keys`` with ``{"image": SHA-256, "n": number}`` makes the key of an image, keeps it and
    returns it; asked again for the same image, as after a lost answer, it returns the same key.
    Only the modality may ask. ``GET /keys/IDENTIFIER`` returns a key that was made; only the
    workstation may ask. A key travels as its 196,608 n bytes.

    Parameters
    ----------
    store : KeyStore
        Where the keys are kept.
    source : iterator of ndarray of uint8, shape (256, 256, 3)
        Makes the keys, such as ``map(generator.generate, seed_images)``. One that was used before
        is refused by the store, and the next request takes the next one.
    certificates, port : path-like, int
        As in `dkg.hospital`; it shows the certificate of ``key-server``.
    """

    def __init__(
        self,
        store: KeyStore,
        source: Iterator[np.ndarray],
        certificates: str | os.PathLike[str],
        port: int = 0,
    ):
        self.store = store
        self._source = source
        # One at a time: a network and an iterator serve one caller.
        self._making = threading.Lock()
        context = tls_context(certificates, "key-server", server=True)
        self._server = _HttpsServer((HOST, port), self._answer, context)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the keys stay in the store."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, part: str | None, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the content of the answer to a request."""
        allowed = {"POST": "modality", "GET": "workstation"}[method]
        if part != allowed:
            return HTTPStatus.FORBIDDEN, f"only the {allowed} may do this".encode()
        try:
            return self._make(body) if method == "POST" else self._find(path)
        except (KeyReuseError, CipherError) as error:
            return HTTPStatus.CONFLICT, str(error).encode()
        except sqlite3.Error as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"the key store failed: {error}".encode()

    def _make(self, body: bytes) -> tuple[int, bytes]:
        try:
            request = json.loads(body)
            image, n = request["image"], request["n"]
            if not _HEXADECIMAL.fullmatch(image) or type(n) is not int or not 1 <= n <= MAX_KEYS:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return HTTPStatus.BAD_REQUEST, (
                f"expected the image's SHA-256 and a number of keys, 1 to {MAX_KEYS}".encode()
            )
        with self._making:
            keys = self.store.of_image(image)
            if keys is None:
                made = list(itertools.islice(self._source, n))
                if len(made) < n:
                    return HTTPStatus.SERVICE_UNAVAILABLE, b"there is no seed image left"
                keys = np.stack(made)
                self.store.add(image, keys)
        if len(keys) != n:
            return HTTPStatus.CONFLICT, f"this image has {len(keys)} keys, not {n}".encode()
        return HTTPStatus.OK, keys.tobytes()

    def _find(self, path: str) -> tuple[int, bytes]:
        keys = self.store.get(path.removeprefix("/keys/"))
        if keys is None:
            return HTTPStatus.NOT_FOUND, b"there is no key of this identifier"
        return HTTPStatus.OK, keys.tobytes()


class KeyClient:
    """Asks the key server, showing the certificate of the modality or the workstation.

    Parameters
    ----------
    port, certificates : int, path-like
        The server's port, and the certificates as in `dkg.hospital`.
    part : {'modality', 'workstation'}
        The part that asks.
    """

    def __init__(self, port: int, certificates: str | os.PathLike[str], part: str):
        self.port = port
        self._context = tls_context(certificates, part, server=False)

    def make(self, image: str, n: int) -> np.ndarray:
        """Have the n keys of an image, named by its SHA-256, made and stored, or given again."""
        keys = self._ask("POST", "/keys", json.dumps({"image": image, "n": n}).encode())
        if len(keys) != n:
            raise HospitalError(f"{self._server}: sent {len(keys)} keys, asked for {n}")
        return keys

    def get(self, identifier: str) -> np.ndarray:
        """Fetch a key by its `dkg.cipher.key_identifier`, as the encrypted image names it."""
        keys = self._ask("GET", f"/keys/{identifier}")
        if key_identifier(keys) != identifier:
            raise HospitalError(f"{self._server}: sent another key than {identifier[:16]}")
        return keys

    @property
    def _server(self) -> str:
        return f"key server at {HOST}:{self.port}"

    def _ask(self, method: str, path: str, body: bytes | None = None) -> np.ndarray:
        connection = http.client.HTTPSConnection(
            HOST, self.port, timeout=TIMEOUT, context=self._context
        )
        try:
            with closing(connection):
                connection.request(method, path, body)
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise HospitalError(
                f"{self._server}: cannot be reached, or does not accept the certificate: {error}"
            ) from error
        if answer.status != HTTPStatus.OK:
            raise HospitalError(f"{self._server}: refused: {content.decode(errors='replace')}")
        if not content or len(content) % KEY_BYTES:
            raise HospitalError(f"{self._server}: sent {len(content):,} bytes, which are no key")
        return np.frombuffer(content, np.uint8).reshape(-1, *KEY_SHAPE)


class _HttpsServer(ThreadingHTTPServer):
    """An HTTP server in which each connection shakes hands in its own thread."""

    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answer: Any, context: Any):
        self.answer = answer
        self._context = context
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the listening thread a silent client would keep all others waiting.
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, OSError):  # It was lost, or the other end has no certificate of ours.
            _logger.info("a connection failed: %s", error)
        else:
            _logger.error("a request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Passes a request to the key server's own method, and writes what it returns."""

    server: _HttpsServer

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LONGEST_REQUEST:
            self.close_connection = True  # The modality never sends that, and gets no answer.
            return
        self._reply(self.rfile.read(int(length)))

    def _reply(self, body: bytes) -> None:
        part = part_of(self.connection.getpeercert())
        status, content = self.server.answer(part, self.command, self.path, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        # Paths and statuses only: what is sent never comes here.
        _logger.info(format, *args)
