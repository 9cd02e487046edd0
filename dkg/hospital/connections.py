"""The parts of the hospital, and the certificates by which they know each other.

A small authority signs one certificate for each part. Its private key is thrown away, so that
nobody can add a part later: another hospital is another call, and trusts none of the first.
"""

import datetime
import ipaddress
import os
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PARTS = ("key-server", "pacs", "modality", "workstation")
"""The parts of Fig. 1, by the names in their certificates."""

HOST = "127.0.0.1"
"""The only address that anything here connects to: this machine's own."""

TIMEOUT = 10.0
"""Seconds after which a silent other end is given up."""


class HospitalError(RuntimeError):
    """A part of the hospital could not do its work; the message says which one, and why."""


class Server(ABC):
    """A part that runs until `stop` or the end of its ``with`` block."""

    @abstractmethod
    def stop(self) -> None:
        """Stop; what is stored stays."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def make_certificates(folder: str | os.PathLike[str], *, days: int = 30) -> Path:
    """Make an authority, and a certificate and private key for each part of the hospital.

    Parameters
    ----------
    folder : path-like
        Where they go. ``authority.pem`` is what all parts trust; each part has ``NAME.pem`` and
        ``NAME.key``. A part needs its own two files and the authority's, and no others.
    days : int, default 30
        How long they are valid.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder has certificates already: they may be in use.
    """
    folder = Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    end = start + datetime.timedelta(days=days)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("dkg hospital")

    def signed(
        name: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> bytes:
        builder = x509.CertificateBuilder(
            authority_name, name, public_key, x509.random_serial_number(), start, end
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(authority_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    authority_public = authority_key.public_key()
    subject = x509.SubjectKeyIdentifier.from_public_key(authority_public)
    authority = signed(
        authority_name,
        authority_public,
        [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage("key_cert_sign"), True),
            (subject, False),
        ],
    )
    _write(folder / "authority.pem", authority, 0o644)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)
    for part in PARTS:
        private = ec.generate_private_key(ec.SECP256R1())
        certificate = signed(
            _name(part),
            private.public_key(),
            [
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (_usage("digital_signature"), True),
                (both, False),
                (address, False),
                (issuer, False),
            ],
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(folder / f"{part}.key", pem, 0o600)
        _write(folder / f"{part}.pem", certificate, 0o644)
    return folder


def tls_context(folder: str | os.PathLike[str], part: str, *, server: bool) -> ssl.SSLContext:
    """Return settings of TLS 1.3 by which one of `PARTS` and the other end prove who they are.

    The other end must have a certificate of the same authority, and a client also checks that it is
    for the address that it connects to. With `server` they are for the end that is connected to.
    """
    folder = Path(folder)
    for path in (folder / "authority.pem", folder / f"{part}.pem", folder / f"{part}.key"):
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such certificate; see make_certificates")
    protocol = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    context = _Context(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "authority.pem")
    context.load_cert_chain(folder / f"{part}.pem", folder / f"{part}.key")
    return context


class _Context(ssl.SSLContext):
    """Gives up a silent other end while shaking hands, and as long as nobody sets another limit."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        sock.settimeout(TIMEOUT)
        return super().wrap_socket(sock, *args, **options)


def part_of(certificate: Mapping[str, Any] | None) -> str | None:
    """Return the part that a certificate is for, as `ssl.SSLSocket.getpeercert` describes it."""
    for (name, value), *_ in (certificate or {}).get("subject", ()):
        if name == "commonName":
            return str(value)
    return None


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(allowed: str) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name == allowed for name in names})


def _write(path: Path, content: bytes, mode: int) -> None:
    # Never readable by others, not even for a moment, and never in the place of another.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "wb") as stream:
        stream.write(content)
