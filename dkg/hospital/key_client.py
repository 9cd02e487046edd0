"""How the modality and the workstation ask the key server."""

import http.client
import json
import os
import random
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from typing import NamedTuple

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from numpy.typing import NDArray

from dkg.cipher import KEY_BYTES, KEY_SHAPE
from dkg.encryption import MAX_KEYS, key_identifier
from dkg.encryption.authenticated import SECRET_BYTES
from dkg.hospital.connections import HOST, TIMEOUT, HospitalError, tls_context


class IssuedKey(NamedTuple):
    """The key of an image.

    Attributes
    ----------
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys of 196,608 bytes, in the order of use.
    secret : bytes or None
        The tag secret, as in `dkg.dicom.encrypt_dataset`; None for a key of version 0.2.
    """

    keys: NDArray[np.uint8]
    secret: bytes | None

    def __repr__(self) -> str:
        """Show no key."""
        return f"IssuedKey of {len(self.keys)} keys"


class KeyClient:
    """Asks the key server, showing the certificate of the modality or the workstation.

    Parameters
    ----------
    port, certificates : int, path-like
        The server's port, and the certificates as in `dkg.hospital`.
    part : {'modality', 'workstation'}
        The part that asks.
    patience : float
        Seconds for which `make` asks again while the key is being made.
    """

    def __init__(
        self,
        port: int,
        certificates: str | os.PathLike[str],
        part: str,
        *,
        patience: float = 60.0,
    ):
        self.port = port
        self._patience = patience
        self._context = tls_context(certificates, part, server=False)

    def make(self, image: str, n: int, about: Mapping[str, str] | None = None) -> IssuedKey:
        """Have the key of an image made and stored, or given again.

        Parameters
        ----------
        image : str
            SHA-256 of the image's file, in hexadecimal.
        n : int
            How many keys of 196,608 bytes it needs.
        about : mapping of str to str, optional
            The image's ``StudyInstanceUID``, ``SOPClassUID`` and ``SOPInstanceUID``, for the audit
            trail of the key server.

        Returns
        -------
        IssuedKey
            The key, which the server has stored.
        """
        body = json.dumps({"image": image, "n": n, **(about or {})}).encode()
        deadline, wait = time.monotonic() + self._patience, 0.05
        while (key := self._ask("POST", "/keys", body)) is None:
            if time.monotonic() > deadline:
                raise HospitalError(
                    f"{self._server}: the key is still being made after {self._patience:g} s; "
                    "ask again later"
                )
            # Not all at the same time again.
            time.sleep(wait * random.uniform(0.5, 1))
            wait = min(2 * wait, 1.0)
        if len(key.keys) != n:
            raise HospitalError(f"{self._server}: sent {len(key.keys)} keys, asked for {n}")
        return key

    def get(self, identifier: str) -> IssuedKey:
        """Fetch a key by its `dkg.encryption.key_identifier`, as the encrypted image names it."""
        key = self._ask("GET", f"/keys/{identifier}")
        if key is None or key_identifier(key.keys) != identifier:
            raise HospitalError(f"{self._server}: sent another key than {identifier[:16]}")
        return key

    @property
    def certificate(self) -> str:
        """SHA-256 of the certificate that is shown, in hexadecimal."""
        _, own, _ = self._context.files
        return x509.load_pem_x509_certificate(own.read_bytes()).fingerprint(hashes.SHA256()).hex()

    @property
    def _server(self) -> str:
        return f"key server at {HOST}:{self.port}"

    def _ask(self, method: str, path: str, body: bytes | None = None) -> IssuedKey | None:
        """Return the key of the answer, or None if it is being made."""
        connection = http.client.HTTPSConnection(
            HOST, self.port, timeout=TIMEOUT, context=self._context
        )
        try:
            with closing(connection):
                connection.request(method, path, body)
                answer = connection.getresponse()
                content = _read(answer)
        except (OSError, http.client.HTTPException) as error:
            lost = isinstance(error, ConnectionError | ssl.SSLError)
            reason = (lost and self._context.diagnose(self.port)) or self._context.explain(error)
            raise HospitalError(
                f"{self._server}: cannot be reached, or does not accept the certificate: {reason}"
            ) from error
        if answer.status != HTTPStatus.OK:
            if answer.headers["Retry-After"]:
                return None
            reason = bytes(content).decode(errors="replace")
            raise HospitalError(f"{self._server}: refused: {reason}")
        start = len(content) % KEY_BYTES
        if start not in (0, SECRET_BYTES) or len(content) < KEY_BYTES:
            raise HospitalError(f"{self._server}: sent {len(content):,} bytes, which are no key")
        keys = np.frombuffer(content, np.uint8, offset=start).reshape(-1, *KEY_SHAPE)
        return IssuedKey(keys, bytes(content[:start]) or None)


def _read(answer: http.client.HTTPResponse) -> memoryview:
    """Read an answer into one place, up to a byte more than a key may have."""
    most = SECRET_BYTES + MAX_KEYS * KEY_BYTES + 1
    content = memoryview(bytearray(min(answer.length or 0, most)))
    filled = 0
    while filled < len(content):
        n = answer.readinto(content[filled:])
        if not n:
            raise http.client.IncompleteRead(bytes(filled), len(content) - filled)
        filled += n
    return content.toreadonly()
