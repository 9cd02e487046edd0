"""TLS connections of the hospital's parts: each end proves its role with a certificate.

There are two sides, each with an authority of its own: ``keys`` around the key server, and
``dicom`` around the archive. A certificate of one side means nothing on the other, also to archives
that cannot look at roles. The role of a part is in its certificate as a URI of the subject
alternative name, and both ends of a connection check it.
"""

import datetime
import functools
import hashlib
import logging
import os
import re
import socket
import ssl
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from dkg.storage.files import check_private

PARTS = ("key-server", "pacs", "modality", "workstation")
"""The parts of Fig. 1, by the roles in their certificates."""

Side = Literal["keys", "dicom"]

SERVERS: dict[Side, str] = {"keys": "key-server", "dicom": "pacs"}
"""The two sides, and the part that is connected to on each."""

CLIENTS = ("modality", "workstation")
"""The parts that connect; each has a certificate of both sides."""

HOST = "127.0.0.1"
"""The only address that anything here connects to: this machine's own."""

TIMEOUT = 10.0
"""Seconds after which a silent other end is given up."""

ROLE = "dkg-role:"
"""What a role starts with in a certificate."""

RENEW = "make_certificates(folder, renew=True) makes a new set in its place"
"""What the messages about unusable certificates end with."""

REVOKED = "revoked.txt"
"""The list of revoked certificates, in the folder of the certificates."""

_FINGERPRINT = re.compile("[0-9a-f]{64}")

_WARN = datetime.timedelta(days=7)

# What a certificate is refused for: OpenSSL's codes of a failed verification, and TLS's alerts by
# which the other end says that it refused ours.
_REFUSALS = {
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by another authority",
    19: "is signed by another authority",
    20: "is signed by another authority",
    21: "is signed by another authority",
    26: "has the wrong role",
    62: "is for another address",
    64: "is for another address",
}
_ALERTS = {
    "TLSV1_ALERT_UNKNOWN_CA": "is signed by another authority",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "is not valid yet, or damaged",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "has the wrong role",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "is missing",
}
_logger = logging.getLogger(__name__)


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


def tls_context(
    folder: str | os.PathLike[str], part: str, *, server: bool, side: Side | None = None
) -> "Context":
    """Return settings of TLS 1.3 by which one of `PARTS` and the other end prove who they are.

    The other end must have a certificate of the same side's authority with a role that it may have:
    to a client the server of the side, for the address that the client connects to; to a server one
    of `CLIENTS`. A client refuses a certificate that is in the list `REVOKED` at the moment of a
    connection; a server refuses it in its answer. After `make_certificates` has renewed the
    certificates, the next connection uses the new ones.

    Parameters
    ----------
    folder : path-like
        The folder that `make_certificates` made.
    part : str
        The part whose certificate is shown.
    server : bool
        Whether the settings are for the end that is connected to.
    side : {'keys', 'dicom'}, optional
        The side; default ``'dicom'`` for the archive, and ``'keys'`` for all others.

    Raises
    ------
    FileNotFoundError, PermissionError
        If a file is missing, other users may read the private key, or they may change a certificate
        or a folder that it is in.
    HospitalError
        If the part's own certificate has expired or is not valid yet, is of another authority or
        another role, or does not belong to the private key; or if the list of revoked certificates
        is damaged or others may change it.
    """
    side = side or ("dicom" if part == "pacs" else "keys")
    context = Context(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session would show the certificate of its first handshake, not one of now.
    context.options |= ssl.OP_NO_TICKET
    if server:
        context.num_tickets = 0
    context.part, context.others = part, CLIENTS if server else (SERVERS[side],)
    context.folder = Path(folder)
    authority, own, key = (
        Path(folder) / side / name for name in ("authority.pem", f"{part}.pem", f"{part}.key")
    )
    context.files = (authority, own, key)
    context.stamps = context.read_stamps()
    context.again = functools.partial(tls_context, folder, part, server=server, side=side)
    for path in context.files:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such certificate; {RENEW}")
    check_private(key)
    for path in (Path(folder), authority.parent, authority, own):
        check_not_writable(path)
    is_revoked(Path(folder), "")  # Not only the first connection finds a damaged list.
    _check_own(authority, own, part)
    context.load_verify_locations(authority)
    try:
        context.load_cert_chain(own, key)
    except ssl.SSLError as error:
        raise HospitalError(
            f"{key}: not the private key of {own.name} ({error}); {RENEW}"
        ) from error
    return context


class _Socket(ssl.SSLSocket):
    """Checks the other end's role and time once both ends have proved who they are."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        others = cast(Context, self.context).others
        certificate = self.getpeercert() or {}
        # OpenSSL compares the time in full handshakes only, not where a session is resumed.
        if has_expired(certificate):
            raise ssl.SSLCertVerificationError(
                f"the certificate of the other end ({' or '.join(others)}) has expired"
            )
        part = part_of(certificate)
        if part not in others:
            raise ssl.SSLCertVerificationError(
                f"the other end has the certificate of {part or 'no part'}, not of "
                f"{' or '.join(others)}: wrong role"
            )
        if not self.server_side:  # Servers say to the other end, and to their audit trails, why.
            self._refuse_revoked(part)

    def _refuse_revoked(self, part: str) -> None:
        digest = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        try:
            revoked = is_revoked(cast(Context, self.context).folder, digest)
        except HospitalError as error:
            raise ssl.SSLCertVerificationError(str(error)) from error
        if revoked:
            raise ssl.SSLCertVerificationError(
                f"the certificate of the other end ({part}) is revoked: it is in {REVOKED}"
            )


class Context(ssl.SSLContext):
    """Settings of TLS for one part; `tls_context` makes them."""

    sslsocket_class = _Socket
    part: str
    folder: Path
    others: tuple[str, ...]
    files: tuple[Path, ...]
    stamps: tuple[object, ...]
    again: Any
    latest: "Context | None" = None

    def read_stamps(self) -> tuple[object, ...]:
        """Return what changes with the files of the certificates."""
        status = (path.stat() if path.exists() else None for path in self.files)
        return tuple(each and (each.st_mtime_ns, each.st_ino) for each in status)

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Shake hands, with a limit of time, by the certificates that are there now."""
        sock.settimeout(TIMEOUT)  # Lasts until somebody sets another limit.
        stamps = self.read_stamps()
        if stamps != self.stamps:
            self.stamps = stamps
            try:
                self.latest = self.again()
            except (HospitalError, OSError) as error:
                _logger.warning("%s: changed certificates are not used: %s", self.part, error)
        try:
            return ssl.SSLContext.wrap_socket(self.latest or self, sock, *args, **options)
        except OSError as error:
            _logger.info("%s: a connection failed: %s", self.part, self.explain(error))
            raise

    def explain(self, error: BaseException) -> str:
        """Say of a failed connection whose certificate was refused, and why."""
        reason = None
        if isinstance(error, ssl.SSLCertVerificationError):
            code = getattr(error, "verify_code", None)
            whose, reason = f"the other end ({' or '.join(self.others)})", _REFUSALS.get(code or 0)
        elif isinstance(error, ssl.SSLError):
            whose, reason = f"this end ({self.part})", _ALERTS.get(error.reason or "")
        return f"the certificate of {whose} {reason} ({error})" if reason else str(error)

    def diagnose(self, port: int) -> str | None:
        """Connect once more, and say why the connection fails; None if it does not."""
        try:
            with (
                socket.create_connection((HOST, port), TIMEOUT) as plain,
                self.wrap_socket(plain, server_hostname=HOST) as secured,
            ):
                secured.settimeout(1)
                secured.recv(1)  # A refusal comes when the handshake is over for this end.
        except TimeoutError:
            return None
        except OSError as error:
            return self.explain(error)
        return None


def check_not_writable(path: Path) -> None:
    """Refuse a file or folder of certificates that other users may change.

    Parameters
    ----------
    path : pathlib.Path
        An existing file or folder. On Windows, where there is no such mode, nothing is checked.

    Raises
    ------
    PermissionError
        If its mode lets its group or others write.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & 0o022:
        raise PermissionError(
            f"{path}: others may change it (mode {mode:o}), and with it whose certificates are "
            "accepted: run chmod go-w on it"
        )


def part_of(certificate: Mapping[str, Any] | None) -> str | None:
    """Return the role in a certificate, as `ssl.SSLSocket.getpeercert` describes it.

    Returns
    -------
    str or None
        One of `PARTS`; None if there is no certificate, no role, or more than one.
    """
    names = (certificate or {}).get("subjectAltName", ())
    return _role([str(value) for kind, value in names if kind == "URI"])


def has_expired(certificate: Mapping[str, Any] | None) -> bool:
    """Tell whether a certificate, as `ssl.SSLSocket.getpeercert` describes it, has expired."""
    end = (certificate or {}).get("notAfter")
    return end is None or ssl.cert_time_to_seconds(str(end)) < now().timestamp()


def is_revoked(folder: Path, certificate: str) -> bool:
    """Tell whether a certificate is in the list `REVOKED`, which is read again each time.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the certificates, with or without a list. A line of it is the SHA-256 of a
        certificate in hexadecimal, as OpenSSL prints it or without colons; ``#`` begins a comment.
    certificate : str
        SHA-256 of the certificate in hexadecimal.

    Raises
    ------
    HospitalError
        If others may change the list, or a line of it is no SHA-256: nobody knows whose it is.
    OSError
        If the list cannot be read.
    """
    path = folder / REVOKED
    try:
        check_not_writable(path)
        lines = path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise HospitalError(str(error)) from error
    # The form that OpenSSL prints may be copied: sha256 Fingerprint=AB:CD:...
    without_comments = (line.split("#")[0].split("=")[-1].strip() for line in lines)
    listed = {line.replace(":", "").lower() for line in without_comments if line}
    for line in listed:
        if not _FINGERPRINT.fullmatch(line):
            raise HospitalError(f"{path}: expected SHA-256 in hexadecimal: {line!r}")
    return certificate in listed


def _role(uris: list[str]) -> str | None:
    if len(uris) != 1 or not uris[0].startswith(ROLE):
        return None
    part = uris[0].removeprefix(ROLE)
    return part if part in PARTS else None


def _check_own(authority: Path, own: Path, part: str) -> None:
    """Refuse certificates that the other end would refuse, and say which one it is."""
    certificates = []
    for path in (authority, own):
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except ValueError as error:
            raise HospitalError(f"{path}: not a certificate ({error}); {RENEW}") from error
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now() > end:
            raise HospitalError(f"{path}: this certificate has expired on {_minute(end)}; {RENEW}")
        if now() < start:
            raise HospitalError(
                f"{path}: this certificate is not valid yet, but from {_minute(start)} on; is the "
                "clock right?"
            )
        if end - now() < _WARN:
            _logger.warning("%s: %s expires on %s; %s", part, path, _minute(end), RENEW)
        certificates.append(certificate)
    try:
        certificates[1].verify_directly_issued_by(certificates[0])
    except (ValueError, TypeError, InvalidSignature) as error:
        raise HospitalError(
            f"{own}: this certificate is signed by another authority than {authority}; {RENEW}"
        ) from error
    try:
        names = certificates[1].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        role = _role(names.value.get_values_for_type(x509.UniformResourceIdentifier))
    except (ValueError, x509.ExtensionNotFound):
        role = None
    if role != part:
        raise HospitalError(
            f"{own}: this certificate has the wrong role, {role or 'none'}, not {part}"
        )


def _minute(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def now() -> datetime.datetime:
    """Return the time at which certificates are judged."""
    return datetime.datetime.now(datetime.UTC)
