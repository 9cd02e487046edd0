"""Encryption and decryption of DICOM files."""

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dkg.cipher import CipherError
from dkg.dicom.encryption import decrypt_encoded, encrypt_encoded
from dkg.dicom.envelope import read_envelope
from dkg.dicom.parsing import Buffer, file_pieces, parse
from dkg.encryption import check_output, check_secret, read_key, record_use
from dkg.storage import limits
from dkg.storage.files import atomic


def encrypt_content(
    content: bytes,
    keys: NDArray[np.uint8],
    *,
    secret: bytes | None = None,
    attributes: Literal["keep", "basic-profile"] = "keep",
) -> list[Buffer]:
    """Encrypt the bytes of a DICOM file as `encrypt_dataset` does, with little memory.

    Beside the file and the keys, the noise is in memory and, of a compressed file, a copy.

    Returns
    -------
    list of bytes or memoryview
        The bytes of the encrypted file, to be written one after another.
    """
    return file_pieces(encrypt_encoded(content, keys, secret, attributes))


def decrypt_content(
    dataset: Dataset, keys: NDArray[np.uint8], *, secret: bytes | None = None
) -> bytearray:
    """Decrypt an image as `decrypt_dataset` does, to the bytes of the original file."""
    return decrypt_encoded(dataset, keys, secret)


def encrypt_file(
    source: str | os.PathLike[str],
    key: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    content: bytes | None = None,
    attributes: Literal["keep", "basic-profile"] = "keep",
    registry: str | os.PathLike[str] | None = None,
    allow_key_reuse: bool = False,
    overwrite: bool = False,
) -> int:
    """Encrypt a DICOM file, and record the use of the key in a registry.

    As with `dkg.encryption.encrypt_file`, that happens before the encrypted image is written, and a
    key encrypts one image.

    Parameters
    ----------
    source, key, target : path-like
        A DICOM file of an image, the key file, and the encrypted image, which ends in .dcm.
    content : bytes, optional
        The bytes of `source`, if they have been read already, as for `read`.
    attributes : {'keep', 'basic-profile'}
        What happens to the patient's attributes, as in `encrypt_dataset`.
    registry, allow_key_reuse, overwrite
        As for `dkg.encryption.encrypt_file`.

    Returns
    -------
    int
        How many other images this key, or a part of it, has encrypted; 0 is the safe answer.

    Raises
    ------
    OSError, CipherError
        As for `dkg.encryption.encrypt_file`.
    """
    source, key, target = Path(source), Path(key), Path(target)
    check_output(target, (".dcm",), overwrite, inputs=(source, key))
    read = read_key(key)
    check_secret(key, read)
    try:
        content = limits.read(source) if content is None else content
        encrypted = encrypt_encoded(content, read.keys, read.secret, attributes)
        encoded = file_pieces(encrypted)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    metadata = {"tag": read_envelope(encrypted).tag.hex()}
    others = record_use(key, read.keys, metadata, allow_key_reuse, registry)
    with atomic(target, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.writelines(encoded)
    return others


def decrypt_file(
    source: str | os.PathLike[str],
    key: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    accept_version_1: bool = False,
    overwrite: bool = False,
) -> None:
    """Decrypt a file that `encrypt_file` made to the bytes of the original file.

    Parameters
    ----------
    source, key, target : path-like
        The encrypted image, the key file it was made with, and the original, which ends in .dcm.
    accept_version_1 : bool
        As for `dkg.encryption.decrypt_file`.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    CipherError
        If a file is refused: not encrypted, the wrong key, cut or changed.
    """
    source, key, target = Path(source), Path(key), Path(target)
    check_output(target, (".dcm",), overwrite, inputs=(source, key))
    read = read_key(key)
    try:
        image = parse(limits.read(source), view_pixels=True)
        original = decrypt_encoded(image, read.keys, read.secret, accept_version_1)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(original)
