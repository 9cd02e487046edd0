"""Encryption and decryption of DICOM data sets and files."""

import copy
import hashlib
import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from dkg import encryption
from dkg.cipher import CipherError
from dkg.dicom.agreement import make_readable
from dkg.dicom.confidentiality import make_uid
from dkg.dicom.envelope import (
    derive_keys,
    encode_content,
    even,
    open_envelope,
    read_envelope,
    seal,
)
from dkg.dicom.parsing import file_meta, parse, serialize
from dkg.dicom.pixel_data import (
    PIXEL_DATA,
    read_layout,
    read_samples,
    without_samples,
    xor_stored,
)
from dkg.encryption import check_output, check_secret, read_key, record_use
from dkg.storage import limits
from dkg.storage.files import atomic

ATTRIBUTES = ("keep", "basic-profile")
"""What can be done with the patient's attributes; `encrypt_dataset` says what it means."""

_CHANGED = (
    "the pixel data or the encrypted attributes were changed after encryption, for example by "
    "lossy compression: the authentication tag does not fit"
)


def is_encrypted(dataset: Dataset) -> bool:
    """Tell whether a data set was made by `encrypt_dataset`.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Any data set.

    Returns
    -------
    bool
        Whether its Encrypted Attributes Sequence (0400,0500) is one of this package.
    """
    try:
        read_envelope(dataset)
    except CipherError:
        return False
    return True


def key_identifier(dataset: Dataset) -> str:
    """Return the identifier of the keys that an image was encrypted with.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The encrypted image.

    Returns
    -------
    str
        As `dkg.encryption.key_identifier` gives it: 64 hexadecimal digits.

    Raises
    ------
    CipherError
        If the data set is not one that `encrypt_dataset` made.
    """
    return read_envelope(dataset).key_identifier


def encrypt_dataset(
    dataset: Dataset,
    keys: NDArray[np.uint8],
    *,
    secret: bytes | None = None,
    attributes: Literal["keep", "basic-profile"] = "keep",
) -> Dataset:
    """Encrypt a DICOM image into a new one that shows noise.

    The bytes of the keys are laid over the samples in the order frame, row, column, sample, the
    first byte of a sample being its high byte. Only the stored bits are encrypted: those above stay
    zero or copies of the sign, as viewers expect.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image, with its file meta information. It is not changed.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        At least `keys_needed` keys; what the image leaves over is not used.
    secret : bytes, optional
        The tag secret of the keys, 32 bytes. Without one an attacker who knows the image knows the
        keys, and can forge encrypted images and open the encrypted attributes.
    attributes : {'keep', 'basic-profile'}
        ``'keep'`` leaves the patient's attributes readable (`identifying_attributes` lists them).
        ``'basic-profile'`` removes or replaces them as the Basic Application Level Confidentiality
        Profile says (PS3.15, Table E.1-1). Either way, everything that shows the image or is
        computed from it is withdrawn, such as thumbnails, overlays and lookup tables, and so are
        all private elements, as nobody knows what they hold. All comes back with decryption.

    Returns
    -------
    pydicom.Dataset
        The encrypted image with file meta information, in Explicit VR Little Endian, with the SOP
        Class of the original. It has a SOP Instance UID of its own, and a Series Instance UID
        that all encrypted images of one series share, so that no series mixes images and noise. The
        same image and keys give the same data set. It was decrypted and compared with the image.

    Raises
    ------
    CipherError
        If the image cannot be encrypted or is encrypted already, the keys have another type or
        shape, the same key is there twice, or there are too few keys.
    """
    meta = copy.deepcopy(file_meta(dataset))
    # Writing fills in the file meta information, which must not change the argument.
    dataset = copy.copy(dataset)
    dataset.file_meta = meta
    return _encrypt(serialize(dataset, enforce_file_format=True), keys, secret, attributes)


def decrypt_dataset(
    dataset: Dataset, keys: NDArray[np.uint8], *, secret: bytes | None = None
) -> Dataset:
    """Undo `encrypt_dataset`, or refuse.

    What others did to the readable attributes of the encrypted image does not matter, as all
    attributes come from its encrypted part. An archive may also store it in another transfer
    syntax, as long as that loses nothing.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The encrypted image, with its file meta information. It is not changed.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys it was made with, all of them and in the same order.
    secret : bytes, optional
        The tag secret it was made with.

    Returns
    -------
    pydicom.Dataset
        The original with its preamble and file meta information, as pydicom writes and reads it,
        which drops group lengths. `decrypt_file` gives the bytes of the original file.

    Raises
    ------
    CipherError
        If the keys or the secret are not those, or the noise or the encrypted part are not as
        `encrypt_dataset` made them.
    """
    return parse(_decrypt(dataset, keys, secret))


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
        encrypted = _encrypt(content, read.keys, read.secret, attributes)
        encoded = serialize(encrypted, enforce_file_format=True)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    metadata = {"tag": read_envelope(encrypted).tag.hex()}
    others = record_use(key, read.keys, metadata, allow_key_reuse, registry)
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(encoded)
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
        original = _decrypt(parse(limits.read(source)), read.keys, read.secret, accept_version_1)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(original)


def _encrypt(
    encoded: bytes, keys: NDArray[np.uint8], secret: bytes | None, attributes: str
) -> Dataset:
    """Encrypt the bytes of a DICOM file into a data set."""
    if attributes not in ATTRIBUTES:
        raise CipherError(f"attributes must be one of {ATTRIBUTES}, not {attributes!r}")
    identifier = encryption.key_identifier(keys)
    image = parse(encoded)
    if is_encrypted(image):
        raise CipherError("it is encrypted by dkg already")
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not image.get(keyword):
            raise CipherError(f"it has no {keyword}, which every DICOM image must have")
    samples, layout = read_samples(image)
    noise = xor_stored(samples, keys, layout)
    # Large images are in memory as few times as possible.
    del samples, image[PIXEL_DATA]
    derived = derive_keys(keys, secret)
    remainder = without_samples(encoded, noise, keys, layout)
    original = parse(encoded)
    del original[PIXEL_DATA]

    deidentified = attributes == "basic-profile"
    make_readable(image, original, layout, derived.uid if deidentified else None)

    content = encode_content(original, image, remainder)
    del remainder
    vr = "OW" if layout.bits_allocated > 8 else "OB"
    image.add_new(PIXEL_DATA, vr, even(noise.tobytes()))
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    version = 1 if secret is None else 2
    item.EncryptedContent, tag = seal(content, identifier, derived, noise, layout, version)
    image.EncryptedAttributesSequence = [item]
    image.SOPInstanceUID = make_uid(tag)

    # A new data set, which has forgotten how the file was encoded.
    encrypted = Dataset()
    encrypted.update(image)
    encrypted.preamble = bytes(128)
    encrypted.file_meta = FileMetaDataset()
    encrypted.file_meta.MediaStorageSOPClassUID = encrypted.SOPClassUID
    encrypted.file_meta.MediaStorageSOPInstanceUID = encrypted.SOPInstanceUID
    encrypted.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Whoever deletes the original must be able to rely on the encrypted image.
    try:
        comes_back = _decrypt(encrypted, keys, secret) == encoded
    except CipherError:
        comes_back = False
    if not comes_back:
        raise CipherError("it is not as DICOM images should be, and would not come back as it is")
    return encrypted


def _decrypt(
    dataset: Dataset,
    keys: NDArray[np.uint8],
    secret: bytes | None,
    accept_version_1: bool = False,
) -> bytes | bytearray:
    """Decrypt a data set to the bytes of the original file."""
    envelope = read_envelope(dataset)
    identifier = encryption.key_identifier(keys)
    if envelope.key_identifier != identifier:
        raise CipherError(
            f"wrong key: the image was made with key {envelope.key_identifier[:16]}, this is key "
            f"{identifier[:16]}"
        )
    digest = envelope.noise_digest
    if digest is None and secret is not None and not accept_version_1:
        # A key that was made again has a secret; what it encrypted in version 1 was made without.
        raise CipherError(
            "the image was encrypted in format version 1, and the key has a tag secret, which "
            "protects version 2: an attacker who knows the plain image could have forged it. To "
            "decrypt it all the same, see accept_version_1=True"
        )
    if digest is not None and secret is None:
        raise CipherError("the image was encrypted with a tag secret, and the key has none")
    derived = derive_keys(keys, None if digest is None else secret)
    # Before an archive's compression of the noise is decoded, which may take long.
    if digest is not None and not envelope.fits(derived.tag, read_layout(dataset), digest):
        raise CipherError(_CHANGED)
    samples, layout = read_samples(copy.deepcopy(dataset))
    if digest is None:
        is_same = envelope.fits(derived.tag, layout, samples.tobytes())
    else:
        is_same = hashlib.sha256(samples.data).digest() == digest
    if not is_same:
        raise CipherError(_CHANGED)
    return without_samples(open_envelope(envelope, derived), samples, keys, layout)
