"""DICOM images encrypted as DICOM images, and brought back byte for byte.

The pixel data become noise by the paper's cipher, ciphertext = image XOR key (section IV), in a
DICOM file that any viewer opens. What the noise cannot give back travels inside the file, too,
encrypted in the place that the standard has for it: the Encrypted Attributes Sequence (0400,0500).
``docs/formats.md`` describes the file and says what the guarantees are worth.

References
----------
DICOM PS3.3 (C.7.6.3 Image Pixel, C.12.1.1.4 Encrypted Attributes), PS3.5 (8 Pixel Data), PS3.15
(E Attribute Confidentiality Profiles), https://www.dicomstandard.org/current
RFC 5652, Cryptographic Message Syntax, and RFC 3394, AES Key Wrap.
"""

import copy
import hashlib
import hmac
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
from cryptography.hazmat.primitives import hashes, keywrap, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dkg import __version__, cipher
from dkg.cipher import KEY_BYTES, CipherError, check_output, read_key, record_use, xor
from dkg.files import atomic

PRIVATE_CREATOR = "DKG CIPHERTEXT 1"
"""Private creator of the elements that an encrypted image and its encrypted content carry."""

_GROUP = 0x0401
_KEY_IDENTIFIER, _TAG = 0x01, 0x02  # In the encrypted image.
_REMAINDER = 0x03  # In its encrypted content.

pydicom.datadict.add_private_dict_entries(
    PRIVATE_CREATOR,
    {
        (_GROUP << 16) + 0x1000 + _KEY_IDENTIFIER: ("LO", "1", "Key Identifier"),
        (_GROUP << 16) + 0x1000 + _TAG: ("OB", "1", "Authentication Tag"),
    },
)

_PIXEL_DATA = 0x7FE00010


def keys_needed(dataset: pydicom.Dataset) -> int:
    """Return how many keys of 196,608 bytes it takes to cover an image once.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image.

    Returns
    -------
    int
        At least 1. A sample takes as many key bytes as are allocated for it.

    Raises
    ------
    CipherError
        If the data set holds no image that can be encrypted.
    """
    _check_image(dataset)
    return -(-_expected_length(dataset) // KEY_BYTES)


def is_encrypted(dataset: pydicom.Dataset) -> bool:
    """Tell whether a data set was made by `encrypt_dataset`.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Any data set.

    Returns
    -------
    bool
        Whether it carries this package's private elements.
    """
    try:
        dataset.private_block(_GROUP, PRIVATE_CREATOR)
    except KeyError:
        return False
    return True


def key_identifier(dataset: pydicom.Dataset) -> str:
    """Return the identifier of the key that an encrypted image was made with.

    Parameters
    ----------
    dataset : pydicom.Dataset
        An encrypted image.

    Returns
    -------
    str
        As `dkg.cipher.key_identifier` gives it, 64 hexadecimal digits.

    Raises
    ------
    CipherError
        If the data set is not an encrypted image.
    """
    return _block(dataset)[_KEY_IDENTIFIER].value


def encrypt_dataset(
    dataset: pydicom.Dataset,
    keys: np.ndarray,
    *,
    attributes: Literal["keep", "basic-profile"] = "keep",
) -> pydicom.Dataset:
    """Encrypt an image into a new DICOM image of noise.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image, with its file meta information; it is not changed.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        At least `keys_needed` keys; what the image leaves over is not used.
    attributes : {'keep', 'basic-profile'}
        Whether patient attributes stay readable.

    Returns
    -------
    pydicom.Dataset
        The encrypted image, with file meta information. The same input gives the same output.

    Raises
    ------
    CipherError
        If the image or the keys are refused.
    """
    encoded = _encode(dataset)
    return _encrypt(encoded, keys, attributes)


def decrypt_dataset(dataset: pydicom.Dataset, keys: np.ndarray) -> pydicom.Dataset:
    """Undo `encrypt_dataset`, or refuse.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The encrypted image.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys it was made with, all of them and in the same order.

    Returns
    -------
    pydicom.Dataset
        The original, with its preamble and file meta information.

    Raises
    ------
    CipherError
        If the keys are not those, or the image is not as `encrypt_dataset` made it.
    """
    return pydicom.dcmread(io.BytesIO(_decrypt(dataset, keys)))


def encrypt_file(
    source: str | os.PathLike,
    key: str | os.PathLike,
    target: str | os.PathLike,
    *,
    attributes: Literal["keep", "basic-profile"] = "keep",
    allow_key_reuse: bool = False,
    overwrite: bool = False,
) -> int:
    """Encrypt a DICOM file, and record the use of the key beside the key file.

    Parameters
    ----------
    source, key, target : path-like
        The image, the key file, and the encrypted image.
    attributes : {'keep', 'basic-profile'}
        As in `encrypt_dataset`.
    allow_key_reuse : bool
        Encrypt a second image with a used key. Unsafe.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    int
        How many other images the key, or a part of it, has encrypted.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    CipherError
        If a file is refused.
    """
    source, key, target = Path(source), Path(key), Path(target)
    check_output(target, (".dcm",), overwrite, inputs=(source, key))
    keys = read_key(key).keys
    try:
        encrypted = _encrypt(source.read_bytes(), keys, attributes)
    except CipherError as error:
        raise CipherError(f"{source}: {error}") from error
    block = _block(encrypted)
    metadata = {"key_id": block[_KEY_IDENTIFIER].value, "tag": block[_TAG].value.hex()}
    others = record_use(key, keys, metadata, allow_key_reuse)
    with atomic(target) as temporary:
        pydicom.dcmwrite(temporary, encrypted, enforce_file_format=True)
    return others


def decrypt_file(
    source: str | os.PathLike,
    key: str | os.PathLike,
    target: str | os.PathLike,
    *,
    overwrite: bool = False,
) -> None:
    """Decrypt a file that `encrypt_file` made, to the very bytes of the original file.

    Parameters
    ----------
    source, key, target : path-like
        The encrypted image, the key file, and the original.
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
    keys = read_key(key).keys
    try:
        original = _decrypt(_read(source.read_bytes()), keys)
    except CipherError as error:
        raise CipherError(f"{source}: {error}") from error
    with atomic(target) as temporary:
        temporary.write_bytes(original)


def _encode(dataset: pydicom.Dataset) -> bytes:
    """Write a data set as a DICOM file."""
    dataset = copy.copy(dataset)
    dataset.file_meta = copy.deepcopy(getattr(dataset, "file_meta", None))
    buffer = io.BytesIO()
    try:
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    except Exception as error:
        raise CipherError(f"the data set cannot be written as a DICOM file: {error}") from error
    return buffer.getvalue()


def _read(encoded: bytes) -> pydicom.Dataset:
    try:
        return pydicom.dcmread(io.BytesIO(encoded))
    except Exception as error:  # pydicom lets through whatever its parser stumbles on.
        raise CipherError(f"not a readable DICOM file: {error}") from error


def _check_image(dataset: pydicom.Dataset) -> None:
    if _PIXEL_DATA not in dataset:
        raise CipherError("it holds no Pixel Data (7FE0,0010), so there is no image to encrypt")
    if dataset.BitsAllocated not in (1, 8, 16, 32):
        raise CipherError(f"Bits Allocated is {dataset.BitsAllocated}, not 1, 8, 16 or 32")


def _expected_length(dataset: pydicom.Dataset) -> int:
    return get_expected_length(dataset)


def _span(encoded: bytes) -> slice:
    """Locate the pixel data in a file; empty if they are not plain little-endian samples."""
    dataset = _read(encoded)
    if dataset.file_meta.TransferSyntaxUID not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return slice(0, 0)
    start = dataset.get_item(_PIXEL_DATA).value_tell
    return slice(start, start + _expected_length(dataset))


def _native(dataset: pydicom.Dataset) -> np.ndarray:
    """Return the samples of an uncompressed image as they are stored, as unsigned integers."""
    dtype = {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}[dataset.BitsAllocated]
    length = _expected_length(dataset)
    if len(dataset.PixelData) < length:
        raise CipherError(f"the Pixel Data are cut: {len(dataset.PixelData)} of {length} bytes")
    return np.frombuffer(dataset.PixelData[:length], dtype)


def _only_stored(samples: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """Set the bits outside Bits Stored to what they are in a valid file: zero, or the sign."""
    if dataset.BitsAllocated == 1:
        return samples
    low = dataset.HighBit - dataset.BitsStored + 1
    mask = samples.dtype.type(((1 << dataset.BitsStored) - 1) << low)
    stored = samples & mask
    if dataset.PixelRepresentation:
        above = samples.dtype.type(
            ((1 << dataset.BitsAllocated) - 1) & ~((2 << dataset.HighBit) - 1)
        )
        sign = (stored >> dataset.HighBit) & 1
        stored = stored | sign * above
    return stored


def _key_samples(keys: np.ndarray, samples: np.ndarray) -> np.ndarray:
    needed = -(-samples.nbytes // KEY_BYTES)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"the image of {samples.nbytes:,} bytes needs {needed} keys, and there are "
            f"{len(keys)}: make the key from {missing} more seed image{'s'[: missing > 1]}"
        )
    stream = np.ascontiguousarray(keys).ravel()[: samples.nbytes]
    return stream.view(samples.dtype.newbyteorder(">")).astype(samples.dtype)


def _derive(keys: np.ndarray) -> tuple[bytes, bytes, bytes]:
    """Derive three keys from all key bytes: to wrap with, to encrypt with, to authenticate with."""
    material = np.ascontiguousarray(keys)
    derived = HKDF(hashes.SHA256(), 96, salt=None, info=b"dkg DICOM 1").derive(material.data)
    return derived[:32], derived[32:64], derived[64:]


def _encrypt(encoded: bytes, keys: np.ndarray, attributes: str) -> pydicom.Dataset:
    dataset = _read(encoded)
    if is_encrypted(dataset):
        raise CipherError("it is already encrypted by dkg")
    identifier = cipher.key_identifier(keys)
    _check_image(dataset)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset.decompress(generate_instance_uid=False)
    samples = _native(dataset)
    noise = _only_stored(xor(samples, _key_samples(keys, samples)), dataset)

    remainder = np.frombuffer(encoded, np.uint8).copy()
    span = _span(encoded)
    if span.stop:
        plain = _only_stored(xor(noise, _key_samples(keys, noise)), dataset)
        remainder[span] ^= plain.view(np.uint8)
    content = pydicom.Dataset()
    block = content.private_block(_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(_REMAINDER, "OB", _even(zlib.compress(remainder.tobytes())))
    buffer = io.BytesIO()
    pydicom.filewriter.dcmwrite(buffer, content, implicit_vr=False, little_endian=True)
    wrapping, encrypting, authenticating = _derive(keys)
    envelope = _seal(buffer.getvalue(), identifier, wrapping, encrypting)

    original_uid = dataset.SOPInstanceUID
    _derive_attributes(dataset, attributes)
    dataset.PixelData = _even(noise.tobytes())
    item = pydicom.Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    item.EncryptedContent = _even(envelope)
    dataset.EncryptedAttributesSequence = [item]
    block = dataset.private_block(_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(_KEY_IDENTIFIER, "LO", identifier)
    tag = _tag(dataset, authenticating)
    block.add_new(_TAG, "OB", tag)
    dataset.SOPInstanceUID = _uid(tag)
    dataset.DerivationDescription = f"Pixel data encrypted by dkg {__version__}"
    source = pydicom.Dataset()
    source.ReferencedSOPClassUID = dataset.SOPClassUID
    source.ReferencedSOPInstanceUID = original_uid
    dataset.SourceImageSequence = [source]
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _derive_attributes(dataset: pydicom.Dataset, attributes: str) -> None:
    """Replace the attributes that no longer hold of noise."""
    for element in list(dataset):
        if element.tag.is_private or element.tag.group >> 8 in (0x50, 0x60):
            del dataset[element.tag]
    for keyword in ("IconImageSequence", "ModalityLUTSequence", "VOILUTSequence"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.ImageType = ["DERIVED", *dataset.get("ImageType", ["", "SECONDARY"])[1:]]
    dataset.SeriesInstanceUID = _uid(hashlib.sha256(dataset.SeriesInstanceUID.encode()).digest())


def _decrypt(dataset: pydicom.Dataset, keys: np.ndarray) -> bytes:
    block = _block(dataset)
    identifier = cipher.key_identifier(keys)
    if block[_KEY_IDENTIFIER].value != identifier:
        raise CipherError(
            f"wrong key: the image was made with key {block[_KEY_IDENTIFIER].value[:16]}, "
            f"this is key {identifier[:16]}"
        )
    wrapping, _, authenticating = _derive(keys)
    if not hmac.compare_digest(bytes(block[_TAG].value), _tag(dataset, authenticating)):
        raise CipherError(
            "the image was changed after encryption: the authentication tag does not fit"
        )
    content = _open(dataset.EncryptedAttributesSequence[0].EncryptedContent, wrapping)
    inner = pydicom.filereader.read_dataset(io.BytesIO(content), False, True)
    remainder = zlib.decompressobj().decompress(
        inner.private_block(_GROUP, PRIVATE_CREATOR)[_REMAINDER].value
    )
    original = np.frombuffer(remainder, np.uint8).copy()
    span = _span(remainder)
    if span.stop:
        noise = _native(dataset)
        plain = _only_stored(xor(noise, _key_samples(keys, noise)), dataset)
        original[span] ^= plain.view(np.uint8)
    return original.tobytes()


def _block(dataset: pydicom.Dataset) -> pydicom.dataset.PrivateBlock:
    if not is_encrypted(dataset):
        raise CipherError("not encrypted by dkg: it carries no dkg elements")
    return dataset.private_block(_GROUP, PRIVATE_CREATOR)


def _tag(dataset: pydicom.Dataset, key: bytes) -> bytes:
    mac = hmac.new(key, digestmod="sha256")
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"):
        mac.update(struct.pack(">Q", dataset[keyword].value))
    for data in (
        dataset.EncryptedAttributesSequence[0].EncryptedContent,
        _native(dataset).tobytes(),
    ):
        mac.update(struct.pack(">Q", len(data)) + data)
    return mac.digest()


def _uid(digest: bytes) -> UID:
    """Make a UID from 128 bits, as PS3.5 B.2 makes one from a UUID."""
    return UID(f"2.25.{int.from_bytes(digest[:16])}")


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


_OID_DATA = bytes.fromhex("06092a864886f70d010701")
_OID_ENVELOPED = bytes.fromhex("06092a864886f70d010703")
_OID_AES256_WRAP = bytes.fromhex("060960864801650304012d")
_OID_AES256_CBC = bytes.fromhex("060960864801650304012a")


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1)
    if len(body) >= 128:
        size = bytes([128 + len(size)]) + size
    return bytes([tag]) + size + body


def _der_parts(body: bytes) -> list[bytes]:
    parts, position = [], 0
    while position < len(body):
        size, start = body[position + 1], position + 2
        if size >= 128:
            start += size - 128
            size = int.from_bytes(body[position + 2 : start])
        parts.append(body[start : start + size])
        position = start + size
    return parts


def _seal(content: bytes, identifier: str, wrapping: bytes, encrypting: bytes) -> bytes:
    """Encrypt content into a CMS enveloped-data message (RFC 5652, section 6)."""
    # Key and vector depend on the content, so that no two contents share them.
    own = HKDF(hashes.SHA256(), 48, salt=None, info=hashlib.sha256(content).digest())
    material = own.derive(encrypting)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(material[:32]), modes.CBC(material[32:])).encryptor()
    sealed = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    recipient = _der(
        0xA2,
        _der(0x02, b"\4"),
        _der(0x30, _der(0x04, bytes.fromhex(identifier))),
        _der(0x30, _OID_AES256_WRAP),
        _der(0x04, keywrap.aes_key_wrap(wrapping, material[:32])),
    )
    algorithm = _der(0x30, _OID_AES256_CBC, _der(0x04, material[32:]))
    enveloped = _der(
        0x30,
        _der(0x02, b"\2"),
        _der(0x31, recipient),
        _der(0x30, _OID_DATA, algorithm, _der(0x80, sealed)),
    )
    return _der(0x30, _OID_ENVELOPED, _der(0xA0, enveloped))


def _open(envelope: bytes, wrapping: bytes) -> bytes:
    _, explicit = _der_parts(_der_parts(envelope)[0])
    _, recipients, encrypted = _der_parts(_der_parts(explicit)[0])
    wrapped = _der_parts(_der_parts(recipients)[0])[3]
    _, algorithm, sealed = _der_parts(encrypted)
    key = keywrap.aes_key_unwrap(wrapping, wrapped)
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(_der_parts(algorithm)[1])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()
