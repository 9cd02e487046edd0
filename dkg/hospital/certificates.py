"""The certificates by which the parts of the hospital know each other.

An authority on each of the two sides signs one certificate for each part. The private keys of the
authorities are thrown away, so that nobody can add a part later: another hospital is another call,
and trusts none of the first.
"""

import datetime
import errno
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from filelock import FileLock

from dkg.hospital.connections import (
    CLIENTS,
    HOST,
    RENEW,
    ROLE,
    SERVERS,
    Side,
    check_not_writable,
    now,
)
from dkg.storage.files import atomic


def make_certificates(
    folder: str | os.PathLike[str], *, days: int = 30, renew: bool = False
) -> Path:
    """Make the authorities, and a certificate and private key for each part of the hospital.

    Parameters
    ----------
    folder : path-like
        Where they go, into a folder ``keys`` and a folder ``dicom``. In each, ``authority.pem`` is
        what the parts of that side trust, and each part has ``NAME.pem`` and ``NAME.key``. A part
        needs its own files and the authority's, and no others.
    days : int, default 30
        How long they are valid.
    renew : bool
        Make a whole new set in the place of what is there, also where that is incomplete. Parts
        that run in this package use the new set from their next connection on; Orthanc has to be
        started again. Old certificates are worth nothing from then on.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder has certificates already, and they are not to be renewed.
    PermissionError
        If other users may write to the folder or one of its two.
    ValueError
        If `days` is less than 1.
    """
    if days < 1:
        raise ValueError(f"certificates are valid for 1 day or more, not {days}")
    folder = Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder, *(folder / side for side in SERVERS)):
        if each.exists():
            check_not_writable(each)
    with FileLock(folder / ".lock"):
        made = {f"{side}/{name}": pem for side in SERVERS for name, pem in _side(side, days)}
        present = [folder / name for name in made if (folder / name).exists()]
        if present and not renew:
            raise FileExistsError(
                errno.EEXIST, f"there are certificates already; {RENEW}", str(present[0])
            )
        for name, pem in made.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            # Also the certificates are private: by the umask, a group might change them.
            with atomic(path, private=True) as temporary:
                temporary.write_bytes(pem)
    return folder


def _side(side: Side, days: int) -> list[tuple[str, bytes]]:
    """Make the files of one side: names and contents."""
    start = now() - datetime.timedelta(minutes=5)
    end = start + datetime.timedelta(days=days)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_public = authority_key.public_key()
    authority_name = _name(f"dkg hospital, {side}")
    subject = x509.SubjectKeyIdentifier.from_public_key(authority_public)

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

    authority = signed(
        authority_name,
        authority_public,
        [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage("key_cert_sign"), True),
            (subject, False),
        ],
    )
    made = [("authority.pem", authority)]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)
    for part in (SERVERS[side], *CLIENTS):
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(ROLE + part)]
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
        if part not in CLIENTS:
            names.append(x509.IPAddress(ipaddress.ip_address(HOST)))
            purpose = ExtendedKeyUsageOID.SERVER_AUTH
        private = ec.generate_private_key(ec.SECP256R1())
        certificate = signed(
            _name(part),
            private.public_key(),
            [
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (_usage("digital_signature"), True),
                (x509.ExtendedKeyUsage([purpose]), True),
                (x509.SubjectAlternativeName(names), False),
                (issuer, False),
            ],
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        made += [(f"{part}.key", pem), (f"{part}.pem", certificate)]
    return made


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
