"""Key files: the keys one below the other in a PNG image that only its owner can read."""

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from dkg.cipher import KEY_SHAPE, CipherError
from dkg.encryption.arrays import key_identifier
from dkg.encryption.authenticated import FORMAT_VERSION, SECRET_BYTES
from dkg.encryption.png_files import check_output, encode_noise, read_noise
from dkg.storage.files import atomic, check_private


@dataclass(frozen=True, eq=False)
class ImageKey:
    """The content of a key file.

    Attributes
    ----------
    keys : ndarray
        The keys. ``repr`` leaves them and the secret out, so that logs and notebooks do not show
        them by accident.
    weights_sha256 : str
        SHA-256 of the weights that made them, in hexadecimal.
    weights_public : bool
        Whether these weights are public; such keys are for study only.
    output : str or None
        How the keys were read from the network's output, ``'paper'`` or ``'low-order'``; None if
        the file does not say.
    exact : bool or None
        Whether the same seed images and weights give these keys on every machine; None if the
        file does not say.
    secret : bytes or None
        The tag secret, 32 bytes; None in a file of version 1.
    """

    keys: NDArray[np.uint8] = field(repr=False)
    weights_sha256: str
    weights_public: bool
    output: str | None = None
    exact: bool | None = None
    secret: bytes | None = field(default=None, repr=False)


def tag_secret(seeds: NDArray[np.uint8], weights_sha256: str) -> bytes:
    """Derive the tag secret of a key from what the key was made of.

    The same seed images and weights give the same key, and so the same secret. The key itself does
    not reveal the secret: an attacker who computes the key from a known plain image must still
    guess the seed images.

    Parameters
    ----------
    seeds : ndarray
        The seed images, uint8 (n, 256, 256, 3), in the order of the keys.
    weights_sha256 : str
        SHA-256 of the weights, in hexadecimal.

    Returns
    -------
    bytes
        32 bytes: HKDF-SHA-256 (RFC 5869) of the seed images' bytes.
    """
    salt, info = bytes.fromhex(weights_sha256), b"dkg tag secret 2"
    hkdf = HKDF(hashes.SHA256(), length=SECRET_BYTES, salt=salt, info=info)
    return hkdf.derive(np.ascontiguousarray(seeds).data)


def write_key(
    path: str | os.PathLike[str],
    keys: NDArray[np.uint8],
    *,
    weights_sha256: str,
    weights_public: bool,
    output: str | None = None,
    exact: bool | None = None,
    secret: bytes | None = None,
    overwrite: bool = False,
) -> None:
    """Write keys to one PNG file that only its owner can read.

    Parameters
    ----------
    path : path-like
        Ends in .png.
    keys, weights_sha256, weights_public, output, exact
        As in `ImageKey`.
    secret : bytes, optional
        The tag secret. Default: 32 random bytes from the system.
    """
    path = Path(path)
    check_output(path, (".png",), overwrite)
    secret = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
    if len(secret) != SECRET_BYTES:
        raise CipherError(f"a tag secret has {SECRET_BYTES} bytes, not {len(secret)}")
    metadata = {
        "format": "dkg key",
        "version": FORMAT_VERSION,
        "keys": len(keys),
        "key_id": key_identifier(keys),
        "weights_sha256": weights_sha256,
        "weights_public": weights_public,
        "tag_secret": secret.hex(),
    }
    optional = {"output": output, "exact": exact}
    metadata |= {name: value for name, value in optional.items() if value is not None}
    data = encode_noise(keys.reshape(-1, *KEY_SHAPE[1:]), metadata)
    with atomic(path, overwrite=overwrite, private=True) as temporary, temporary.open("wb") as file:
        file.writelines(data)


def read_key(path: str | os.PathLike[str]) -> ImageKey:
    """Read a key file that `write_key` made, and refuse one that other users may read."""
    path = Path(path)
    pixels, metadata = read_noise(path, "key")
    check_private(path)
    if pixels.dtype != np.uint8 or pixels.shape[1:] != KEY_SHAPE[1:] or len(pixels) % KEY_SHAPE[0]:
        raise CipherError(
            f"{path}: was resized or converted: a key file is uint8 of shape (256 n, 256, 3), "
            f"this is {pixels.dtype} of shape {pixels.shape}"
        )
    keys = pixels.reshape(-1, *KEY_SHAPE)
    try:
        identifier = key_identifier(keys)
    except CipherError as error:
        raise CipherError(f"{path}: {error}") from error
    if (metadata.get("key_id"), metadata.get("keys")) != (identifier, len(keys)):
        raise CipherError(f"{path}: the key was changed after it was made")
    secret = metadata.get("tag_secret")
    expected = metadata["version"] == FORMAT_VERSION
    if (secret is not None) != expected or (
        expected and not re.fullmatch(f"[0-9a-f]{{{2 * SECRET_BYTES}}}", str(secret))
    ):
        raise CipherError(
            f"{path}: a key file of version {FORMAT_VERSION}, and no other, has a tag_secret of "
            f"{2 * SECRET_BYTES} hexadecimal digits"
        )
    return ImageKey(
        keys,
        str(metadata.get("weights_sha256")),
        bool(metadata.get("weights_public")),
        metadata.get("output"),
        metadata.get("exact"),
        bytes.fromhex(secret) if secret else None,
    )
