"""Image files encrypted into PNG files, with a record of every use of a key."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import CipherError
from dkg.encryption.arrays import key_identifier
from dkg.encryption.authenticated import decrypt, encrypt
from dkg.encryption.key_files import ImageKey, read_key
from dkg.encryption.png_files import check_output, encode_noise, kind_of, read_noise
from dkg.encryption.png_files import read as read_file
from dkg.encryption.samples import decode_samples, write_samples
from dkg.storage.files import atomic
from dkg.storage.registry import BESIDE_KEY, claim, uses


def encrypt_file(
    image: str | os.PathLike[str],
    key: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    registry: str | os.PathLike[str] | None = None,
    allow_key_reuse: bool = False,
    overwrite: bool = False,
) -> int:
    """Encrypt an image file into a PNG file, and record the use of the key in a registry.

    The record is on the disk before the ciphertext is. Encrypting the same image again is no new
    use, because the ciphertext is the same.

    Parameters
    ----------
    image, key, out : path-like
        The image, as `read_samples` reads it, the key file, and the ciphertext, which ends in .png.
    registry : path-like, optional
        The registry of used keys, as in `record_use`.
    allow_key_reuse : bool
        Encrypt although the key has encrypted another image.

    Returns
    -------
    int
        How many other images this key, or a part of it, has encrypted: 0 unless
        `allow_key_reuse` is set.

    Raises
    ------
    CipherError
        If the key or a part of it has encrypted another image, there are too few keys, or the key
        file has version 1.
    """
    image, key, out = Path(image), Path(key), Path(out)
    check_output(out, (".png",), overwrite, inputs=(image, key))
    read = read_key(key)
    data = read_file(image)
    if (found := kind_of(data)) != "image":
        raise CipherError(
            f"{image}: is already a {found} of dkg; encrypting it would lose its metadata"
        )
    check_secret(key, read)
    samples = decode_samples(image, data)
    del data  # Large images are in memory as few times as possible.
    try:
        ciphertext, metadata = encrypt(samples, read.keys, read.secret)
    except CipherError as error:
        raise CipherError(f"{image}: {error}") from error
    del samples
    encoded = encode_noise(ciphertext, metadata)
    others = record_use(key, read.keys, metadata, allow_key_reuse, registry)
    with atomic(out, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.writelines(encoded)
    return others


def decrypt_file(
    ciphertext: str | os.PathLike[str],
    key: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    accept_version_1: bool = False,
    overwrite: bool = False,
) -> None:
    """Decrypt a file that `encrypt_file` made.

    Parameters
    ----------
    ciphertext, key, out : path-like
        The ciphertext, the key file it was made with, and the plain image, which ends in .png,
        .tif or .tiff.
    accept_version_1 : bool
        Decrypt a file of version 1 with a key of version 2, such as a key that was made again. An
        attacker who knows the plain image of such a file can forge it.

    Raises
    ------
    CipherError
        If it is the wrong key.
    """
    ciphertext, key, out = Path(ciphertext), Path(key), Path(out)
    check_output(out, (".png", ".tif", ".tiff"), overwrite, inputs=(ciphertext, key))
    pixels, metadata = read_noise(ciphertext, "ciphertext")
    read = read_key(key)
    secret = None if accept_version_1 and metadata.get("version") == 1 else read.secret
    try:
        image = decrypt(pixels, metadata, read.keys, secret)
    except CipherError as error:
        raise CipherError(f"{ciphertext}: {error}") from error
    del pixels
    write_samples(out, image, overwrite=overwrite)


def check_secret(path: str | os.PathLike[str], key: ImageKey) -> None:
    """Refuse to encrypt with a key that has no tag secret.

    Parameters
    ----------
    path : path-like
        The key file, for the message.
    key : ImageKey
        Its content.
    """
    if key.secret is None:
        raise CipherError(
            f"{path}: is a key file of version 1, which has no tag secret: an attacker who knows "
            "the plain image could forge the ciphertext. It decrypts what it has encrypted; make "
            "a new key with dkg keygen to encrypt"
        )


def record_use(
    key: str | os.PathLike[str],
    keys: NDArray[np.uint8],
    metadata: dict[str, Any],
    allow_reuse: bool,
    registry: str | os.PathLike[str] | None = None,
) -> int:
    """Record the use of a key before its ciphertext is written; see `dkg.storage.registry`.

    Parameters
    ----------
    key, keys : path-like, ndarray
        The key file, and the keys in it.
    metadata : dict
        ``tag`` of the ciphertext.
    allow_reuse : bool
        Whether the keys may have made other ciphertexts.
    registry : path-like, optional
        A registry that several folders share, in addition to ``used-keys.sqlite`` in the key
        file's folder, which is always kept.

    Returns
    -------
    int
        How many other ciphertexts any of the keys has made.

    Raises
    ------
    CipherError
        If any of the keys has made another ciphertext and `allow_reuse` is false.
    """
    if not Path(key).is_file():
        raise CipherError(
            f"{key}: no file, such as a pipe; the use of a key is recorded beside its file"
        )
    tag = metadata["tag"]
    parts = [key_identifier(one[None]) for one in keys]
    beside = Path(key).resolve().parent / BESIDE_KEY
    registries = [beside] if registry is None else [Path(registry), beside]
    others = {path: uses(path, parts) - {tag} for path in registries}
    if allow_reuse or not any(others.values()):
        # Again, because another process may have recorded a use in between.
        for path in registries:
            others[path] |= claim(path, parts, tag, allow_reuse=allow_reuse)
            if others[path] and not allow_reuse:
                break
    found = [path for path, tags in others.items() if tags]
    if found and not allow_reuse:
        raise CipherError(
            f"{key}: this key, or a part of it, has already encrypted another image, or this one "
            f"in another way (recorded in {found[0]}). Make a key from other seed images, "
            "or see allow_key_reuse=True"
        )
    return len(set().union(*others.values()))
