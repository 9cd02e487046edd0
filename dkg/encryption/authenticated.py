"""XOR of images of any size, with an authentication tag that detects changes and wrong keys."""

import hmac
import json
from typing import Any

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from dkg.cipher import CipherError
from dkg.encryption.arrays import key_identifier, keys_needed, xor_in_place

FORMAT_VERSION = 2
"""Version of the key and ciphertext files that are written; version 1 is still read."""

SECRET_BYTES = 32
"""Length of a tag secret."""


def encrypt(
    image: NDArray[Any], keys: NDArray[np.uint8], secret: bytes | None = None
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Encrypt an image of any size, and authenticate it.

    The key bytes, in order, are combined with the samples row by row, the three channels of a
    pixel in turn. A 16-bit sample takes two key bytes, the first one as its high byte.

    Parameters
    ----------
    image : ndarray
        The plain image.
    keys : ndarray
        At least `keys_needed` keys; further ones are not used.
    secret : bytes, optional
        A tag secret of 32 bytes, which the keys do not reveal. Without one the tag depends on the
        keys alone, as in version 1 of the files: an attacker who knows the plain image knows the
        keys, and can forge a ciphertext.

    Returns
    -------
    ciphertext : ndarray
        Of the image's shape and type.
    metadata : dict
        ``format``, ``version``, ``shape``, ``dtype``, ``key_id`` and ``tag``, an HMAC-SHA-256 over
        the rest and the ciphertext, under a key derived from all keys and the secret by HKDF
        (RFC 5869). The same arguments give the same metadata.

    Raises
    ------
    CipherError
        If there are too few keys, or the secret has another length.
    """
    needed, identifier = keys_needed(image), key_identifier(keys)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of shape {image.shape} and type {image.dtype} needs {needed} keys, and "
            f"there are {len(keys)}: make the key from {missing} more "
            f"seed image{'s'[: missing > 1]}"
        )
    ciphertext = image.copy()
    xor_in_place(ciphertext, keys)
    metadata: dict[str, Any] = {
        "format": "dkg ciphertext",
        "version": 1 if secret is None else FORMAT_VERSION,
        "shape": list(image.shape),
        "dtype": image.dtype.name,
        "key_id": identifier,
    }
    metadata["tag"] = _tag(ciphertext, metadata, keys, secret)
    return ciphertext, metadata


def decrypt(
    ciphertext: NDArray[Any],
    metadata: dict[str, Any],
    keys: NDArray[np.uint8],
    secret: bytes | None = None,
) -> NDArray[Any]:
    """Undo `encrypt`, or refuse.

    Parameters
    ----------
    ciphertext, metadata : ndarray, dict
        What `encrypt` returned.
    keys : ndarray
        The keys it was made with, all of them and in the same order.
    secret : bytes, optional
        The tag secret it was made with.

    Returns
    -------
    ndarray
        The plain image, of the ciphertext's shape and type.

    Raises
    ------
    CipherError
        If the keys or the secret are not those, or the ciphertext or its metadata are not as
        `encrypt` made them.
    """
    metadata = dict(metadata)
    tag = str(metadata.pop("tag", ""))
    stated = f"{metadata.get('dtype')} of shape {metadata.get('shape')}"
    found = f"{ciphertext.dtype.name} of shape {list(ciphertext.shape)}"
    if stated != found:
        raise CipherError(
            f"the ciphertext was made as {stated}, but is now {found}: it was resized or "
            "converted, and cannot be decrypted any more"
        )
    identifier = key_identifier(keys)
    if metadata.get("key_id") != identifier:
        raise CipherError(
            f"wrong key: the ciphertext was made with key {str(metadata.get('key_id'))[:16]}, "
            f"this is key {identifier[:16]}"
        )
    version = metadata.get("version")
    if version not in (1, FORMAT_VERSION) or isinstance(version, bool):
        raise CipherError(f"unknown format version {version!r}")
    if version == 1 and secret is not None:
        raise CipherError(
            "the ciphertext has format version 1, and the key has a tag secret, which protects "
            "version 2: an attacker who knows the plain image could have forged it. To decrypt it "
            "all the same, see accept_version_1=True"
        )
    if version == FORMAT_VERSION and secret is None:
        raise CipherError("the ciphertext was made with a tag secret, and the key has none")
    expected = _tag(ciphertext, metadata, keys, secret)
    if not hmac.compare_digest(tag.encode(), expected.encode()):
        raise CipherError(
            "the ciphertext or its metadata were changed after encryption: the authentication "
            "tag does not fit"
        )
    image = ciphertext.copy()
    xor_in_place(image, keys)
    return image


def canonical(metadata: dict[str, Any]) -> bytes:
    """Serialize metadata in the only form that is accepted: ASCII, sorted, without spaces."""
    return json.dumps(metadata, sort_keys=True, separators=(",", ":")).encode("ascii")


def derive(keys: NDArray[np.uint8], secret: bytes | None, info: str, length: int) -> bytes:
    """Derive key material from image keys and a tag secret: HKDF-SHA-256 (RFC 5869).

    The secret is the salt. HKDF then begins with HMAC under the secret, so that knowing the keys is
    no help without it.

    Parameters
    ----------
    keys : ndarray
        All keys, uint8 (n, 256, 256, 3).
    secret : bytes, optional
        The tag secret; None in version 1.
    info : str
        What it is derived for; the version is appended.
    length : int
        Number of bytes.
    """
    if secret is not None and len(secret) != SECRET_BYTES:
        raise CipherError(f"a tag secret has {SECRET_BYTES} bytes, not {len(secret)}")
    purpose = f"{info} {1 if secret is None else FORMAT_VERSION}".encode()
    hkdf = HKDF(hashes.SHA256(), length=length, salt=secret, info=purpose)
    return hkdf.derive(np.ascontiguousarray(keys).data)


def _tag(
    ciphertext: NDArray[Any],
    metadata: dict[str, Any],
    keys: NDArray[np.uint8],
    secret: bytes | None,
) -> str:
    mac_key = derive(keys, secret, "dkg ciphertext tag", 32)
    # The serialized metadata holds no zero byte, so the end of it is unambiguous.
    mac = hmac.new(mac_key, canonical(metadata) + b"\0", "sha256")
    rows = max(1, 2**20 // ciphertext[0].nbytes)
    for start in range(0, len(ciphertext), rows):
        block = ciphertext[start : start + rows]
        mac.update(np.ascontiguousarray(block, block.dtype.newbyteorder(">")).data)
    return mac.hexdigest()
