"""XOR of images of any size, with an authentication tag that detects changes and wrong keys."""

import hmac
import json
from typing import Any

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from dkg.cipher import CipherError, key_identifier, keys_needed, xor

FORMAT_VERSION = 1
"""Version of the key and ciphertext files."""


def encrypt(image: NDArray[Any], keys: NDArray[np.uint8]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Encrypt an image of any size, and authenticate it.

    The key bytes, in order, are combined with the samples row by row, the three channels of a
    pixel in turn. A 16-bit sample takes two key bytes, the first one as its high byte.

    Parameters
    ----------
    image : ndarray
        The plain image.
    keys : ndarray
        At least `dkg.cipher.keys_needed` keys; further ones are not used.

    Returns
    -------
    ciphertext : ndarray
        Of the image's shape and type.
    metadata : dict
        ``format``, ``version``, ``shape``, ``dtype``, ``key_id`` and ``tag``, an HMAC-SHA-256 over
        the rest and the ciphertext, under a key derived from all keys by HKDF (RFC 5869). The
        same image and keys give the same metadata.

    Raises
    ------
    CipherError
        If there are too few keys.
    """
    needed, identifier = keys_needed(image), key_identifier(keys)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of shape {image.shape} and type {image.dtype} needs {needed} keys, and "
            f"there are {len(keys)}: make the key from {missing} more "
            f"seed image{'s'[: missing > 1]}"
        )
    ciphertext = xor(image, _key_samples(keys, image))
    metadata: dict[str, Any] = {
        "format": "dkg ciphertext",
        "version": FORMAT_VERSION,
        "shape": list(image.shape),
        "dtype": image.dtype.name,
        "key_id": identifier,
    }
    metadata["tag"] = _tag(ciphertext, metadata, keys)
    return ciphertext, metadata


def decrypt(
    ciphertext: NDArray[Any], metadata: dict[str, Any], keys: NDArray[np.uint8]
) -> NDArray[Any]:
    """Undo `encrypt`, or refuse.

    Parameters
    ----------
    ciphertext, metadata : ndarray, dict
        What `encrypt` returned.
    keys : ndarray
        The keys it was made with, all of them and in the same order.

    Returns
    -------
    ndarray
        The plain image, of the ciphertext's shape and type.

    Raises
    ------
    CipherError
        If the keys are not those, or the ciphertext or its metadata are not as `encrypt` made
        them.
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
    if not hmac.compare_digest(tag.encode(), _tag(ciphertext, metadata, keys).encode()):
        raise CipherError(
            "the ciphertext or its metadata were changed after encryption: the authentication "
            "tag does not fit"
        )
    return xor(ciphertext, _key_samples(keys, ciphertext))


def canonical(metadata: dict[str, Any]) -> bytes:
    """Serialize metadata in the only form that is accepted: ASCII, sorted, without spaces."""
    return json.dumps(metadata, sort_keys=True, separators=(",", ":")).encode("ascii")


def _key_samples(keys: NDArray[np.uint8], image: NDArray[Any]) -> NDArray[Any]:
    """Return the key bytes as samples of the image's shape and type."""
    samples = np.ascontiguousarray(keys).ravel().view(image.dtype.newbyteorder(">"))
    return samples[: image.size].reshape(image.shape).astype(image.dtype, copy=False)


def _tag(ciphertext: NDArray[Any], metadata: dict[str, Any], keys: NDArray[np.uint8]) -> str:
    material = np.ascontiguousarray(keys)
    info = b"dkg ciphertext tag 1"
    mac_key = HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(material.data)
    # The serialized metadata holds no zero byte, so the end of it is unambiguous.
    mac = hmac.new(mac_key, canonical(metadata) + b"\0", "sha256")
    mac.update(np.ascontiguousarray(ciphertext, ciphertext.dtype.newbyteorder(">")).data)
    return mac.hexdigest()
