"""The key generation server of Fig. 1: it makes keys, keeps them, and hands them out over TLS.

The paper stores the key in the archive, beside the image. Here it stays with the server that made
it, so that a copy of the archive is not a copy of the keys. A key is on the disk before anybody
gets it, belongs to one image for good, and never appears in a log or in a file of the archive.
"""

import json
import logging
import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from secrets import token_bytes
from threading import Lock, Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import KEY_SHAPE, CipherError
from dkg.encryption import MAX_KEYS, key_identifier
from dkg.hospital import audit
from dkg.hospital.audit import AuditTrail, Caller
from dkg.hospital.connections import (
    HOST,
    TIMEOUT,
    HospitalError,
    Server,
    is_revoked,
    tls_context,
)
from dkg.hospital.https import Answer, HttpsServer
from dkg.hospital.key_store import KeyReuseError, KeyStore
from dkg.hospital.mixing import RANDOM_BYTES, mix_in_place

QUOTA = 10_000
"""Keys of 196,608 bytes that one certificate may have made in `PERIOD`, by default."""

PERIOD = timedelta(days=1)
"""The time for which the quota is."""

# Keys in the making, which are in memory; one certificate may have `MAX_KEYS` of them.
_AT_ONCE = MAX_KEYS + 256
_WAIT = TIMEOUT / 2  # Seconds until the answer is that the key is still being made.
_HEXADECIMAL = re.compile("[0-9a-f]{64}")
_UID = re.compile(r"[0-9.]{1,64}")
_UIDS = ("StudyInstanceUID", "SOPClassUID", "SOPInstanceUID")
_logger = logging.getLogger(__name__)


class NoSeedError(HospitalError):
    """There are too few seed images left for an image."""


class _Request(NamedTuple):
    """The key that a modality asks for."""

    image: str
    n: int
    about: dict[str, str]


class _Busy(Exception):
    """Something is being made; the modality should ask again."""


class KeyServer(Server):
    """Makes keys for the modality and hands them to the workstation, over mutual TLS.

    ``POST /keys`` with ``{"image": SHA-256, "n": number}``, and optionally the image's UIDs for the
    audit trail, makes the key of an image, keeps it and returns it; asked again for the same image,
    as after a lost answer, it returns the same key. Only the modality may ask. The status 503 with
    the header ``Retry-After`` says that the key is being made. ``GET /keys/IDENTIFIER`` returns a
    key that was made; only the workstation may ask. A key travels as its tag secret of 32 bytes,
    which keys of version 0.2 do not have, and its 196,608 n bytes.

    Each image's key is made in a thread of its own, and the threads take turns at the network, so
    that a small image does not wait for a large one. Keys of the network that an image could not
    use, because there were too few of them or the disk was full, go to the next image.

    Parameters
    ----------
    store : KeyStore
        Where the keys are kept.
    source : iterator of ndarray of uint8, shape (256, 256, 3)
        The network's keys, such as ``map(generator.generate, seed_images)``. Random bytes are mixed
        into each (`dkg.hospital.mix`), so it may return the same one again.
    certificates, port : path-like, int
        As in `dkg.hospital`; it shows the certificate of ``key-server``. A file ``revoked.txt``
        in this folder lists certificates that are refused, by their SHA-256 in hexadecimal, a line
        each. It is read at every request.
    quota : int
        Keys of 196,608 bytes that one certificate may have made in 24 hours.
    audit_trail : path-like, optional
        The file of the audit trail (`dkg.hospital.audit`); default the store's name and
        ``.audit``. Where it cannot be written, no key is given.
    """

    def __init__(
        self,
        store: KeyStore,
        source: Iterator[NDArray[np.uint8]],
        certificates: str | os.PathLike[str],
        port: int = 0,
        *,
        quota: int = QUOTA,
        audit_trail: str | os.PathLike[str] | None = None,
    ):
        self.store = store
        self._source = source
        self._quota = quota
        self._certificates = Path(certificates)
        path = audit_trail or store.path.with_name(f"{store.path.name}.audit")
        self._audit = AuditTrail(path, "key-server")
        self._lock = Lock()  # Guards the next two.
        self._making: dict[str, tuple[Caller, int, Future[NDArray[np.uint8]]]] = {}
        self._returned: deque[NDArray[np.uint8]] = deque()
        # A network and an iterator serve one caller at a time; the executor is fair, a lock is not.
        self._network = ThreadPoolExecutor(1, "network")
        context = tls_context(certificates, "key-server", server=True)
        self._audit.write("start")
        self._server = HttpsServer((HOST, port), self._answer, context)
        self.port = self._server.server_address[1]
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the keys stay in the store."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._network.shutdown(cancel_futures=True)
        with self._lock:
            unfinished = [future for _, _, future in self._making.values()]
        for future in unfinished:
            future.exception()
        try:
            self._audit.write("stop")
        except OSError as error:
            _logger.error("key-server: the audit trail cannot be written: %s", error)

    def _answer(self, caller: Caller, method: str, path: str, body: bytes) -> Answer:
        """Answer a request, and note it in the audit trail."""
        event: dict[str, Any] = {"caller": caller, "action": "C" if method == "POST" else "R"}
        allowed = {"POST": "modality", "GET": "workstation"}[method]
        kind: audit.Event = "access"
        try:
            if is_revoked(self._certificates, caller.certificate):
                kind = "revoked"
                answer = Answer(HTTPStatus.FORBIDDEN, b"this certificate is revoked")
            elif caller.part != allowed:
                kind = "restricted"
                answer = Answer(HTTPStatus.FORBIDDEN, f"only the {allowed} may do this".encode())
            elif method == "POST":
                answer = self._make(caller, body, event)
            else:
                answer = self._find(path.removeprefix("/keys/"), event)
        except _Busy as busy:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, str(busy).encode(), ask_again=True)
        except (KeyReuseError, CipherError) as error:
            answer = Answer(HTTPStatus.CONFLICT, str(error).encode())
        except HospitalError as error:
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error).encode())
        except (sqlite3.Error, OSError) as error:
            text = f"the key store failed: {error}"
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, text.encode())
        return self._noted(kind, event, answer)

    def _noted(self, kind: audit.Event, event: dict[str, Any], answer: Answer) -> Answer:
        """Write an answer's audit message, without which it is not given."""
        outcome, words = audit.SUCCESS, ""
        if answer.status != HTTPStatus.OK:
            words = answer.content.decode()
            serious = answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
            outcome = audit.SERIOUS_FAILURE if serious else audit.MINOR_FAILURE
            _logger.warning("key-server: refused %s: %s", event["caller"], words)
        try:
            self._audit.write(kind, outcome, words, **event)
        except OSError as error:
            _logger.error("key-server: the audit trail cannot be written: %s", error)
            text = f"the audit trail cannot be written: {error}"
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, text.encode())
        return answer

    def _make(self, caller: Caller, body: bytes, event: dict[str, Any]) -> Answer:
        request = _parse(body)
        if request is None:
            text = f"expected the image's SHA-256 and a number of keys, 1 to {MAX_KEYS}"
            return Answer(HTTPStatus.BAD_REQUEST, text.encode())
        event["image"] = request.about
        keys = self.store.of_image(request.image)
        if keys is None:
            future = self._begun(request, caller)
            if future is None:
                text = (
                    f"this certificate may have {self._quota:,} keys made in "
                    f"{PERIOD.total_seconds() / 3600:g} hours, and fewer than the {request.n:,} of "
                    "this image are left"
                )
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, text.encode())
            try:
                keys = future.result(_WAIT)
            except TimeoutError:
                raise _Busy("the key is being made; ask again") from None
        else:
            event["action"] = "R"
        if len(keys) != request.n:
            text = f"this image has {len(keys)} keys, not {request.n}"
            return Answer(HTTPStatus.CONFLICT, text.encode())
        return self._given(key_identifier(keys), keys, event)

    def _find(self, identifier: str, event: dict[str, Any]) -> Answer:
        keys = self.store.get(identifier) if _HEXADECIMAL.fullmatch(identifier) else None
        if keys is None:
            return Answer(HTTPStatus.NOT_FOUND, b"there is no key of this identifier")
        return self._given(identifier, keys, event)

    def _given(self, identifier: str, keys: NDArray[np.uint8], event: dict[str, Any]) -> Answer:
        record = self.store.record(identifier)
        assert record  # Keys are never removed.
        event |= {"image": record.about, "key": identifier}
        return Answer(HTTPStatus.OK, record.tag_secret or b"", keys.data.cast("B"))

    def _begun(self, request: _Request, caller: Caller) -> Future[NDArray[np.uint8]] | None:
        """Begin to make an image's key unless that has begun; None if it is beyond the quota."""
        with self._lock:
            if request.image in self._making:
                return self._making[request.image][2]
            own = sum(n for other, n, _ in self._making.values() if other == caller)
            made = self.store.made_for(caller.certificate, PERIOD)
            if made + own + request.n > self._quota:
                return None
            everybodys = sum(n for _, n, _ in self._making.values())
            if own + request.n > MAX_KEYS or everybodys + request.n > _AT_ONCE:
                raise _Busy("other keys are being made; ask again")
            future: Future[NDArray[np.uint8]] = Future()
            self._making[request.image] = caller, request.n, future
        Thread(target=self._work, args=(request, caller, future), daemon=True).start()
        return future

    def _work(self, request: _Request, caller: Caller, future: Future[NDArray[np.uint8]]) -> None:
        """Make the key of an image and keep it, or return what was taken from the network."""
        taken: list[NDArray[np.uint8]] = []
        keys, mixed_in = None, b""
        try:
            keys = self.store.of_image(request.image)  # It may have been made in the meantime.
            if keys is None:
                keys = np.empty((request.n, *KEY_SHAPE), np.uint8)
                self._take(keys, taken)
                sources = [key_identifier(one[None]) for one in keys]
                mixed_in = token_bytes(RANDOM_BYTES)
                mix_in_place(keys, mixed_in, request.image)
                self.store.add(
                    request.image,
                    keys,
                    random=mixed_in,
                    sources=sources,
                    caller=caller.certificate,
                    about=request.about,
                )
                taken.clear()
            result: NDArray[np.uint8] | Exception = keys
        except Exception as error:
            result = error
            if keys is not None and mixed_in:
                mix_in_place(keys, mixed_in, request.image)  # Undoes it.
            taken = [key.copy() for key in taken]
        with self._lock:
            self._returned.extendleft(reversed(taken))
            del self._making[request.image]
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _take(self, keys: NDArray[np.uint8], taken: list[NDArray[np.uint8]]) -> None:
        """Fill keys from the network, one at a time, as others take some in between.

        Those that are filled are added to a list.
        """
        while len(taken) < len(keys):
            try:
                key = self._network.submit(self._next).result()
            except StopIteration:
                with self._lock:
                    if self._returned:  # In between, by an image that did not get all it needs.
                        continue
                    if len(self._making) > 1:
                        raise _Busy("other images hold the seed images left; ask again") from None
                raise NoSeedError(
                    f"there is no seed image left for {len(keys) - len(taken)} of the {len(keys)} "
                    "keys that this image needs"
                ) from None
            except (CancelledError, RuntimeError) as error:
                if isinstance(error, HospitalError):
                    raise
                raise HospitalError("the key server is stopping") from error
            keys[len(taken)] = key
            taken.append(keys[len(taken)])

    def _next(self) -> NDArray[np.uint8]:
        if self._returned:
            return self._returned.popleft()
        try:
            key = next(self._source)
            key_identifier(key[None])  # Refuses another type or shape.
        except StopIteration:
            raise
        except Exception as error:
            _logger.error("key-server: the network made no key", exc_info=True)
            raise HospitalError(f"the network made no key: {error}") from error
        return key


def _parse(body: bytes) -> _Request | None:
    """Read what a modality asks for, or return None if it makes no sense."""
    try:
        request = json.loads(body)
        image, n = request.pop("image"), request.pop("n")
        valid = _HEXADECIMAL.fullmatch(image) and type(n) is int and 1 <= n <= MAX_KEYS
        valid = valid and all(name in _UIDS and _UID.fullmatch(request[name]) for name in request)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return _Request(image, n, request) if valid else None
