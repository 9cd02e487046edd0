"""DICOM images encrypted as DICOM images, and brought back byte for byte.

The samples become noise by the paper's cipher, ciphertext = image XOR key (section IV), in a DICOM
image that any viewer opens. What the noise cannot give back travels inside the same image, in the
place that the standard has for it: the Encrypted Attributes Sequence (0400,0500). That is the
original file with zeros in place of its samples. Where the samples were compressed, the compressed
ones stay in it, since no encoder would make the same bytes again: every image that can be decoded
comes back byte for byte, and a compressed one has grown by the noise.

``docs/formats.md`` describes the encrypted image and says what the guarantees are worth.

References
----------
DICOM PS3.3 C.7.6.3 (Image Pixel Module) and C.12.1.1.4 (Encrypted Attributes Sequence), PS3.5
section 8 (pixel data) and B.2 (UIDs), PS3.15 E (Attribute Confidentiality Profiles); RFC 5652
(Cryptographic Message Syntax, CMS), RFC 3565 (AES in CMS), RFC 5869 (HKDF).
"""

import copy
import csv
import hashlib
import hmac
import io
import os
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pydicom
from cryptography.hazmat.primitives import hashes, keywrap, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixels import get_decoder
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dkg import cipher, paths
from dkg.cipher import KEY_BYTES, CipherError, check_output, read_key, record_use, xor
from dkg.data import decoders
from dkg.storage import limits
from dkg.storage.files import atomic
from dkg.storage.limits import MAX_BYTES

decoders.register()

PROFILE_EDITION = "2026c"
"""Edition of DICOM PS3.15 whose Table E.1-1 is in ``confidentiality_profile.csv``."""

ATTRIBUTES = ("keep", "basic-profile")
"""What can be done with the patient's attributes; `encrypt_dataset` says what it means."""

_PIXEL_DATA = 0x7FE00010

_PHOTOMETRIC_INTERPRETATIONS = (
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
)

# First and last tag of what shows the image, is computed from it, or would distort the noise.
_OF_THE_IMAGE = (
    (0x00280104, 0x00280125),  # Extreme and padding values.
    (0x00280304, 0x00280304),  # Reference to a palette.
    (0x00281055, 0x00281056),  # Window's explanation and function.
    (0x00281100, 0x00281232),  # Palettes.
    (0x00281401, 0x00281410),  # Blending and enhanced palettes.
    (0x00283000, 0x00283110),  # Modality and VOI lookup tables.
    (0x00289422, 0x00289422),  # Pixel Intensity Relationship LUT Sequence.
    (0x00409096, 0x00409096),  # Real World Value Mapping Sequence.
    (0x00480120, 0x00480120),  # Palette Color Lookup Table Sequence.
    (0x00603000, 0x00603000),  # Histogram Sequence.
    (0x00880200, 0x00880200),  # Icon Image Sequence.
    (0x04000500, 0x04000500),  # Another program's Encrypted Attributes Sequence.
    (0x4FFE0001, 0x4FFE0001),  # Parameters of digital signatures.
    (0x7FE00000, 0x7FE0000F),  # Offsets into compressed pixel data.
    (0x7FE00011, 0x7FE0FFFF),
    (0xFFFAFFFA, 0xFFFAFFFA),  # Digital signatures.
    (0xFFFCFFFC, 0xFFFCFFFC),  # Padding at the end.
)

# Context group 7203, Image Derivation, is extensible and has no code for encryption.
_ENCRYPTED = ("ENCRYPTED", "99DKG", "Pixel data encrypted")
_SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")
_BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")

_DUMMIES = {
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "PN": "REMOVED^",
    "TM": "000000",
}

# The private element of the encrypted content that holds the file.
_PRIVATE_GROUP, _PRIVATE_CREATOR, _FILE = 0x0401, "DKG CIPHERTEXT 1", 0x01


class _Layout(NamedTuple):
    """The numbers that say how samples are stored."""

    frames: int
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: int


class _Envelope(NamedTuple):
    """What is needed of the CMS message in the Encrypted Attributes Sequence."""

    recipient: bytes
    encrypted: bytes
    key_identifier: bytes
    tag: bytes


@dataclass(frozen=True, repr=False)
class _DerivedKeys:
    """Keys of 32 bytes each that HKDF makes from all bytes of the image keys."""

    wrapping: bytes
    content: bytes
    tag: bytes
    uid: bytes


def read(path: str | os.PathLike) -> Dataset:
    """Read a whole DICOM file.

    Parameters
    ----------
    path : path-like
        A file with a header, as DICOM PS3.10 has it.

    Returns
    -------
    pydicom.Dataset
        The data set with its file meta information.

    Raises
    ------
    OSError
        If the file cannot be read.
    CipherError
        If it is not a DICOM file, is damaged, or does not name its transfer syntax.
    """
    try:
        return _read(limits.read(path))
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error


def keys_needed(dataset: Dataset) -> int:
    """Return how many keys of 196,608 bytes it takes to cover an image once.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image, with its file meta information.

    Returns
    -------
    int
        At least 1. A sample takes as many key bytes as are allocated for it, so a sample of 12
        bits takes two.

    Raises
    ------
    CipherError
        If the data set holds no image that can be encrypted.
    """
    return -(-_length(dataset) // KEY_BYTES)


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
        _envelope(dataset)
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
        As `dkg.cipher.key_identifier` gives it: 64 hexadecimal digits.

    Raises
    ------
    CipherError
        If the data set is not one that `encrypt_dataset` made.
    """
    return _envelope(dataset).key_identifier.hex()


def identifying_attributes(dataset: Dataset) -> list[str]:
    """List the attributes that may tell who the patient is, and that hold a value.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Any data set.

    Returns
    -------
    list of str
        Keywords, sorted, of what the Basic Application Level Confidentiality Profile (PS3.15,
        Table E.1-1) removes or replaces, in the data set and in the items of its sequences. Private
        elements, curves and overlays are not in this list.
    """
    found = set()

    def note(_, element):
        if element.tag in _profile() and not element.is_empty:
            found.add(element.keyword or str(element.tag))

    dataset.walk(note)
    return sorted(found)


def withdrawn_attributes(original: Dataset, encrypted: Dataset) -> list[str]:
    """List what of an original cannot be read in its encrypted image.

    Parameters
    ----------
    original, encrypted : pydicom.Dataset
        Argument and result of `encrypt_dataset`.

    Returns
    -------
    list of str
        Keywords, names where there is no keyword, and tags of private elements: the attributes on
        the top level that are missing or empty in the encrypted image. They are in its encrypted
        part.
    """
    return [
        str(element.tag) if element.tag.is_private else element.keyword or element.name
        for element in original
        if not element.is_empty
        and (element.tag not in encrypted or encrypted[element.tag].is_empty)
    ]


def encrypt_dataset(
    dataset: Dataset,
    keys: np.ndarray,
    *,
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
    meta = copy.deepcopy(_file_meta(dataset))
    # Writing fills in the file meta information, which must not change the argument.
    dataset = copy.copy(dataset)
    dataset.file_meta = meta
    return _encrypt(_write(dataset, enforce_file_format=True), keys, attributes)


def decrypt_dataset(dataset: Dataset, keys: np.ndarray) -> Dataset:
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

    Returns
    -------
    pydicom.Dataset
        The original with its preamble and file meta information, as pydicom writes and reads it,
        which drops group lengths. `decrypt_file` gives the bytes of the original file.

    Raises
    ------
    CipherError
        If the keys are not those, or the noise or the encrypted part are not as `encrypt_dataset`
        made them.
    """
    return _read(_decrypt(dataset, keys))


def encrypt_file(
    source: str | os.PathLike,
    key: str | os.PathLike,
    target: str | os.PathLike,
    *,
    attributes: Literal["keep", "basic-profile"] = "keep",
    registry: str | os.PathLike | None = None,
    allow_key_reuse: bool = False,
    overwrite: bool = False,
) -> int:
    """Encrypt a DICOM file, and record the use of the key in a registry.

    As with `dkg.cipher.encrypt_file`, that happens before the encrypted image is written, and a key
    encrypts one image.

    Parameters
    ----------
    source : path-like
        A DICOM file of an image.
    key : path-like
        The key file.
    target : path-like
        The encrypted image, ends in .dcm.
    attributes : {'keep', 'basic-profile'}
        What happens to the patient's attributes, as in `encrypt_dataset`.
    registry : path-like, optional
        The registry of used keys, as in `dkg.cipher.record_use`.
    allow_key_reuse : bool
        Encrypt a further image with a used key. Unsafe.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    int
        How many other images this key, or a part of it, has encrypted; 0 is the safe answer.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    CipherError
        If a file is refused, or the key or a part of it has encrypted another image.
    """
    source, key, target = Path(source), Path(key), Path(target)
    check_output(target, (".dcm",), overwrite, inputs=(source, key))
    keys = read_key(key).keys
    try:
        encrypted = _encrypt(limits.read(source), keys, attributes)
        encoded = _write(encrypted, enforce_file_format=True)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    envelope = _envelope(encrypted)
    metadata = {"tag": envelope.tag.hex()}
    others = record_use(key, keys, metadata, allow_key_reuse, registry)
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(encoded)
    return others


def decrypt_file(
    source: str | os.PathLike,
    key: str | os.PathLike,
    target: str | os.PathLike,
    *,
    overwrite: bool = False,
) -> None:
    """Decrypt a file that `encrypt_file` made to the bytes of the original file.

    Parameters
    ----------
    source : path-like
        The encrypted image.
    key : path-like
        The key file it was made with.
    target : path-like
        The original, ends in .dcm.
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
        original = _decrypt(_read(limits.read(source)), keys)
    except ValueError as error:
        raise CipherError(f"{source}: {error}") from error
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(original)


def _encrypt(encoded: bytes, keys: np.ndarray, attributes: str) -> Dataset:
    """Encrypt the bytes of a DICOM file into a data set."""
    if attributes not in ATTRIBUTES:
        raise CipherError(f"attributes must be one of {ATTRIBUTES}, not {attributes!r}")
    identifier = cipher.key_identifier(keys)
    original, image = _read(encoded), _read(encoded)
    if is_encrypted(image):
        raise CipherError("it is encrypted by dkg already")
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not image.get(keyword):
            raise CipherError(f"it has no {keyword}, which every DICOM image must have")
    samples, layout = _samples(image)
    noise = _xor_stored(samples, keys, layout)
    derived = _derive_keys(keys)
    remainder = _without_samples(encoded, noise, keys, layout)

    correct_ambiguous_vr(original, original.original_encoding[1])
    correct_ambiguous_vr(image, original.original_encoding[1])
    _withdraw(image, layout)
    if attributes == "basic-profile":
        _deidentify(image, derived.uid)
    elif image.get("SeriesInstanceUID"):
        digest = hashlib.sha256(b"dkg series 1\0" + image.SeriesInstanceUID.encode()).digest()
        image.SeriesInstanceUID = _uid(digest)
    _describe(image, layout, original if attributes == "keep" else None)
    del image.SOPInstanceUID

    content = _encode_content(original, image, remainder)
    vr = "OW" if layout.bits_allocated > 8 else "OB"
    image.add_new(_PIXEL_DATA, vr, _even(noise.tobytes()))
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    item.EncryptedContent, tag = _seal(content, identifier, derived, noise, layout)
    image.EncryptedAttributesSequence = [item]
    image.SOPInstanceUID = _uid(tag)

    # A new data set, which has forgotten how the file was encoded.
    encrypted = Dataset()
    encrypted.update(image)
    encrypted.preamble = bytes(128)
    encrypted.file_meta = FileMetaDataset()
    encrypted.file_meta.MediaStorageSOPClassUID = encrypted.SOPClassUID
    encrypted.file_meta.MediaStorageSOPInstanceUID = encrypted.SOPInstanceUID
    encrypted.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Whoever deletes the original must be able to rely on the encrypted image.
    if not _gives_back(encrypted, keys, encoded):
        raise CipherError("it is not as DICOM images should be, and would not come back as it is")
    return encrypted


def _decrypt(dataset: Dataset, keys: np.ndarray) -> bytes:
    """Decrypt a data set to the bytes of the original file."""
    envelope = _envelope(dataset)
    identifier = cipher.key_identifier(keys)
    if envelope.key_identifier.hex() != identifier:
        raise CipherError(
            f"wrong key: the image was made with key {envelope.key_identifier.hex()[:16]}, this is "
            f"key {identifier[:16]}"
        )
    samples, layout = _samples(copy.deepcopy(dataset))
    derived = _derive_keys(keys)
    if not hmac.compare_digest(
        envelope.tag, _tag(derived, envelope.recipient, envelope.encrypted, samples, layout)
    ):
        raise CipherError(
            "the pixel data or the encrypted attributes were changed after encryption, for example "
            "by lossy compression: the authentication tag does not fit"
        )
    return _without_samples(_open(envelope, derived), samples, keys, layout)


def _gives_back(encrypted: Dataset, keys: np.ndarray, encoded: bytes) -> bool:
    try:
        return _decrypt(encrypted, keys) == encoded
    except CipherError:
        return False


# --- Samples


def _file_meta(dataset: Dataset) -> FileMetaDataset:
    meta = getattr(dataset, "file_meta", None)
    if meta is None or not meta.get("TransferSyntaxUID"):
        raise CipherError(
            "it names no transfer syntax: the file meta information (0002,0010) is missing"
        )
    syntax = meta.TransferSyntaxUID
    if not isinstance(syntax, UID) or not syntax.is_transfer_syntax:
        raise CipherError(f"its transfer syntax, {syntax}, is not one of DICOM's")
    return meta


def _read(encoded: bytes) -> Dataset:
    try:
        limits.check_dicom_file(encoded)
        dataset = pydicom.dcmread(io.BytesIO(encoded))
        # Sequences are parsed only when they are looked at, and may be broken, too.
        dataset.walk(lambda *_: None)
    except MemoryError:
        raise
    except pydicom.errors.InvalidDicomError:
        raise CipherError("not a DICOM file: DICM does not stand at its byte 128") from None
    except Exception as error:  # pydicom lets pass whatever its parser stumbles on.
        raise CipherError(f"damaged, or not a DICOM file: {error}") from error
    _file_meta(dataset)
    return dataset


def _write(dataset: Dataset, **options: bool) -> bytes:
    buffer = io.BytesIO()
    try:
        pydicom.dcmwrite(buffer, dataset, **options)
    except Exception as error:  # As in reading.
        raise CipherError(f"its attributes cannot be written: {error}") from error
    return buffer.getvalue()


def _length(dataset: Dataset) -> int:
    """Check that a data set holds an image that can be encrypted; return its size in bytes."""
    syntax = _file_meta(dataset).TransferSyntaxUID
    for keyword, name in (
        ("FloatPixelData", "Float Pixel Data (7FE0,0008)"),
        ("DoubleFloatPixelData", "Double Float Pixel Data (7FE0,0009)"),
    ):
        if keyword in dataset:
            raise CipherError(f"it holds {name}: noise would not be valid numbers")
    if _PIXEL_DATA not in dataset or dataset[_PIXEL_DATA].is_empty:
        raise CipherError("it holds no Pixel Data (7FE0,0010), so there is no image")
    for keyword in (
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ):
        if dataset.get(keyword) is None:
            raise CipherError(f"it has pixel data, but no {keyword}")
        if keyword != "PhotometricInterpretation" and not isinstance(dataset[keyword].value, int):
            raise CipherError(f"its {keyword} is {dataset[keyword].value!r}, not a number")
    bits = dataset.BitsAllocated
    if bits not in (1, 8, 16, 32):
        raise CipherError(f"BitsAllocated is {bits}; 1, 8, 16 and 32 can be encrypted")
    if not 0 < dataset.BitsStored <= dataset.HighBit + 1 <= bits:
        raise CipherError(
            f"BitsStored {dataset.BitsStored} and HighBit {dataset.HighBit} do not fit "
            f"BitsAllocated {bits}"
        )
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        raise CipherError(
            f"its NumberOfFrames is {dataset.NumberOfFrames!r}, not a number"
        ) from None
    length = get_expected_length(dataset)
    if syntax.is_encapsulated:
        # Decoding undoes the subsampling that the expected length allows for.
        pixels = frames * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel
        length = -(-pixels * bits // 8)
    elif dataset.PhotometricInterpretation not in _PHOTOMETRIC_INTERPRETATIONS:
        raise CipherError(
            f"its photometric interpretation is {dataset.PhotometricInterpretation}; can be "
            f"encrypted: {', '.join(_PHOTOMETRIC_INTERPRETATIONS)}"
        )
    elif len(dataset.PixelData) < length:
        raise CipherError(f"its pixel data are cut: {len(dataset.PixelData):,} of {length:,} bytes")
    if length == 0:
        raise CipherError(f"it is empty: {dataset.Rows} rows, {dataset.Columns} columns")
    if length > MAX_BYTES:
        raise CipherError(f"an image has at most {MAX_BYTES:,} bytes, not {length:,}")
    return length


def _samples(dataset: Dataset) -> tuple[np.ndarray, _Layout]:
    """Return the samples as unsigned integers in the order frame, row, column, sample.

    The attributes are changed to what holds of these samples.
    """
    length = _length(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        try:
            limits.check_dicom_frames(dataset)
            dataset.decompress(generate_instance_uid=False)
        except MemoryError:
            raise
        except Exception as error:  # Every decoder has its own exceptions.
            raise CipherError(
                f"its transfer syntax, {syntax.name}, cannot be decoded: {error}"
            ) from error
        length = _length(dataset)
        data = dataset.PixelData[:length]
    elif syntax == ExplicitVRBigEndian:
        array = get_decoder(syntax).as_array(dataset, raw=True)[0]
        if dataset.BitsAllocated == 1:
            array = np.packbits(array, bitorder="little")
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        dataset.PlanarConfiguration = 0
    else:
        data = dataset.PixelData[:length]
    layout = _Layout(
        int(dataset.get("NumberOfFrames") or 1),
        dataset.Rows,
        dataset.Columns,
        dataset.SamplesPerPixel,
        dataset.BitsAllocated,
        dataset.BitsStored,
        dataset.HighBit,
        dataset.PixelRepresentation,
    )
    samples = np.frombuffer(data, {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}[layout.bits_allocated])
    if layout.samples_per_pixel == 1:
        return samples, layout
    if _is_by_plane(dataset):
        planes = samples.reshape(layout.frames, layout.samples_per_pixel, -1)
        samples = planes.swapaxes(1, 2).ravel()
    dataset.PlanarConfiguration = 0
    return samples, layout


def _is_by_plane(dataset: Dataset) -> bool:
    return (
        dataset.SamplesPerPixel > 1
        and dataset.get("PlanarConfiguration") == 1
        # Where the chroma is subsampled, there are no planes (PS3.3 C.7.6.3.1.2).
        and dataset.PhotometricInterpretation != "YBR_FULL_422"
    )


def _without_samples(file: bytes, noise: np.ndarray, keys: np.ndarray, layout: _Layout) -> bytes:
    """XOR the samples of a file with those that decryption of the noise gives; its own inverse.

    What remains is zero but for bits that are not stored, such as overlays in them. Samples that
    are not in the file as they are, as they are compressed or big-endian, are left alone.
    """
    original = _read(file)
    if original.file_meta.TransferSyntaxUID not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return file
    samples = _xor_stored(noise, keys, layout)
    if _is_by_plane(original):
        pixels = samples.reshape(layout.frames, -1, layout.samples_per_pixel)
        samples = np.ascontiguousarray(pixels.swapaxes(1, 2)).ravel()
    result = np.frombuffer(file, np.uint8).copy()
    start = original[_PIXEL_DATA].file_tell
    result[start : start + samples.nbytes] ^= samples.view(np.uint8)
    return result.tobytes()


def _xor_stored(samples: np.ndarray, keys: np.ndarray, layout: _Layout) -> np.ndarray:
    """XOR with the key, and set the bits that are not stored to zero or to the sign."""
    needed = -(-samples.nbytes // KEY_BYTES)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of {samples.nbytes:,} bytes needs {needed} keys, and there are {len(keys)}: "
            f"make the key from {missing} more seed image{'s'[: missing > 1]}"
        )
    stream = np.ascontiguousarray(keys).ravel()[: samples.nbytes]
    result = xor(samples, stream.view(samples.dtype.newbyteorder(">")).astype(samples.dtype))
    if layout.bits_allocated == 1:
        return result
    # Shifting out what is above and then what is below leaves the stored bits, or their sign.
    above = layout.bits_allocated - 1 - layout.high_bit
    below = layout.high_bit + 1 - layout.bits_stored
    number = result.view(result.dtype.str.replace("u", "i")) if layout.signed else result
    return ((number << above) >> (above + below) << below).view(samples.dtype)


# --- Attributes


def _withdraw(dataset: Dataset, layout: _Layout) -> None:
    """Remove or replace, at any depth, what shows the image or does not hold of noise."""
    for element in list(dataset):
        tag, value = element.tag, element.value
        if (
            tag.is_private
            or tag.group >> 8 in (0x50, 0x60)  # Curves and overlays.
            or any(first <= tag <= last for first, last in _OF_THE_IMAGE)
        ):
            del dataset[tag]
        elif element.VR == "SQ":
            for item in value:
                _withdraw(item, layout)
        elif element.keyword in ("ImageType", "FrameType") and value:
            element.value = ["DERIVED", *list(value)[1:]] if element.VM > 1 else ["DERIVED"]
        elif element.keyword == "PixelPresentation" and value in ("COLOR", "MIXED"):
            element.value = "MONOCHROME"  # The palette that gave the colour is gone.
        elif element.keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
            element.value = "NO"
    if dataset.get("RescaleSlope") is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        if "RescaleType" in dataset:
            dataset.RescaleType = "US"  # Unspecified: the numbers measure nothing any more.
    if dataset.get("WindowWidth") is not None:
        _set_window(dataset, layout)


def _set_window(dataset: Dataset, layout: _Layout) -> None:
    """Show all values that the stored bits can have (PS3.3 C.11.2.1.2.1)."""
    dataset.WindowWidth = str(2**layout.bits_stored)
    dataset.WindowCenter = "0" if layout.signed else str(2 ** (layout.bits_stored - 1))


def _describe(image: Dataset, layout: _Layout, source: Dataset | None) -> None:
    """Say that an image is derived and shows noise; name its source unless that is secret."""
    functional_groups = image.get("SharedFunctionalGroupsSequence")
    if not image.get("ImageType"):
        image.ImageType = ["DERIVED", "SECONDARY"]
    if image.PhotometricInterpretation == "PALETTE COLOR":
        image.PhotometricInterpretation = "MONOCHROME2"
    if (
        image.PhotometricInterpretation.startswith("MONOCHROME")
        and layout.bits_stored > 1
        and not functional_groups
    ):
        _set_window(image, layout)

    # How the original was derived no longer holds.
    groups = [*(functional_groups or []), *image.get("PerFrameFunctionalGroupsSequence", [])]
    for group in groups:
        group.pop("DerivationImageSequence", None)
    for keyword in ("SourceImageSequence", "SourceImageEvidenceSequence"):
        image.pop(keyword, None)
    derivation = Dataset()
    derivation.DerivationDescription = "Pixel data encrypted; see Encrypted Attributes Sequence"
    derivation.DerivationCodeSequence = [_code(_ENCRYPTED)]
    if source is None:
        # In functional groups, a derivation names its source or is left out.
        if not functional_groups:
            image.update(derivation)
        return
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    derivation.SourceImageSequence = [copy.deepcopy(item)]
    derivation.SourceImageSequence[0].PurposeOfReferenceCodeSequence = [_code(_SOURCE_IMAGE)]
    if not functional_groups:
        image.update(derivation)
        return
    functional_groups[0].DerivationImageSequence = [derivation]
    series, study = Dataset(), Dataset()
    series.SeriesInstanceUID = source.get("SeriesInstanceUID")
    series.ReferencedSOPSequence = [item]
    study.StudyInstanceUID = source.get("StudyInstanceUID")
    study.ReferencedSeriesSequence = [series]
    image.SourceImageEvidenceSequence = [study]


def _code(code: tuple[str, str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


@cache
def _profile() -> dict[int, str]:
    """Read Table E.1-1: what the basic profile does to each attribute."""
    with (paths.PACKAGE / "dicom" / "confidentiality_profile.csv").open(newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}


def _deidentify(image: Dataset, uid_key: bytes) -> None:
    """Apply the Basic Application Level Confidentiality Profile, without any of its options."""
    _replace_identifying(image, uid_key)
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = f"DICOM PS3.15 {PROFILE_EDITION} basic profile, by dkg"
    image.DeidentificationMethodCodeSequence = [_code(_BASIC_PROFILE)]
    image.LongitudinalTemporalInformationModified = "REMOVED"


def _replace_identifying(dataset: Dataset, uid_key: bytes) -> None:
    for element in list(dataset):
        action = _profile().get(element.tag, "")
        if action == "X":
            del dataset[element.tag]
        elif element.VR == "SQ":
            # A sequence that is only to be cleaned of UIDs stays; others are emptied.
            if action and "U" not in action:
                element.value = []
            for item in element.value:
                _replace_identifying(item, uid_key)
        elif "U" in action or ("D" in action and element.VR == "UI"):
            uids = [element.value] if isinstance(element.value, str) else element.value or []
            element.value = [_uid(hmac.digest(uid_key, uid.encode(), "sha256")) for uid in uids]
        elif "D" in action:
            # The most that the action asks for fits an attribute of any type, 1, 2 or 3.
            binary = element.VR in ("OB", "OW", "UN")
            element.value = b"\0\0" if binary else _DUMMIES.get(element.VR, "REMOVED")
        elif action:
            element.clear()


def _uid(digest: bytes) -> UID:
    """Make a UID of 128 bits, in the way of PS3.5 B.2."""
    return UID(f"2.25.{int.from_bytes(digest[:16])}")


# --- The encrypted part


def _encode_content(original: Dataset, image: Dataset, file: bytes) -> bytes:
    """Encode an Encrypted Attributes Data Set (PS3.3 C.12.1.1.4): changed attributes, and the file.

    Other programs can bring back the attributes with it. This one needs only the file, which is in
    a private element.
    """
    item = Dataset()
    for element in original:
        unchanged = element.tag in image and image[element.tag] == element
        if element.keyword == "SpecificCharacterSet" or not (
            unchanged or element.tag == _PIXEL_DATA or element.tag.element == 0
        ):
            item.add(element)
    block = item.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
    block.add_new(_FILE, "OB", _even(zlib.compress(file)))
    content = Dataset()
    content.ModifiedAttributesSequence = [item]
    return _write(content, implicit_vr=False, little_endian=True)


def _even(data: bytes) -> bytes:
    return data + bytes(len(data) % 2)


def _derive_keys(keys: np.ndarray) -> _DerivedKeys:
    material = np.ascontiguousarray(keys).data
    derived = HKDF(hashes.SHA256(), length=128, salt=None, info=b"dkg DICOM 1").derive(material)
    return _DerivedKeys(*(derived[start : start + 32] for start in range(0, 128, 32)))


_INTEGER, _OCTETS, _SEQUENCE, _SET = 0x02, 0x04, 0x30, 0x31

# Object identifiers in DER: data, enveloped data, AES-256 key wrap, AES-256-CBC, and one under
# 2.25 for this package's authentication tag.
_DATA = bytes.fromhex("06092a864886f70d010701")
_ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
_AES256_WRAP = bytes.fromhex("060960864801650304012d")
_AES256_CBC = bytes.fromhex("060960864801650304012a")
_DKG_TAG = bytes.fromhex("061369bdc5c6be86a7c2f8f597d0d4cf94dcc4e66a")


def _seal(
    content: bytes, identifier: str, derived: _DerivedKeys, noise: np.ndarray, layout: _Layout
) -> tuple[bytes, bytes]:
    """Encrypt and authenticate content as CMS enveloped data; return the message and its tag."""
    # Key and vector are made from the content, so that no other content has the same.
    secret = hmac.digest(derived.content, b"key" + content, "sha256")
    vector = hmac.digest(derived.content, b"vector" + content, "sha256")[:16]
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).encryptor()
    ciphertext = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    wrapped = keywrap.aes_key_wrap(derived.wrapping, secret)
    # KEKRecipientInfo: the recipient has the key that the content's key is wrapped with.
    recipient = b"".join(
        (
            _der(_INTEGER, b"\4"),
            _der(_SEQUENCE, _der(_OCTETS, bytes.fromhex(identifier))),
            _der(_SEQUENCE, _AES256_WRAP),
            _der(_OCTETS, wrapped),
        )
    )
    # EncryptedContentInfo.
    encrypted = b"".join(
        (
            _DATA,
            _der(_SEQUENCE, _AES256_CBC, _der(_OCTETS, vector)),
            _der(0x80, ciphertext),
        )
    )
    tag = _tag(derived, recipient, encrypted, noise, layout)
    return _message(recipient, encrypted, tag), tag


def _message(recipient: bytes, encrypted: bytes, tag: bytes) -> bytes:
    """Put a CMS message together, with a last byte that makes its length even."""
    enveloped = _der(
        _SEQUENCE,
        _der(_INTEGER, b"\2"),
        _der(_SET, _der(0xA2, recipient)),
        _der(_SEQUENCE, encrypted),
        _der(0xA1, _der(_SEQUENCE, _DKG_TAG, _der(_SET, _der(_OCTETS, tag)))),
    )
    message = _der(_SEQUENCE, _ENVELOPED_DATA, _der(0xA0, enveloped))
    return message + bytes(len(message) % 2)


def _tag(
    derived: _DerivedKeys, recipient: bytes, encrypted: bytes, noise: np.ndarray, layout: _Layout
) -> bytes:
    mac = hmac.new(derived.tag, struct.pack(">8Q", *layout), "sha256")
    for data in (recipient, encrypted, noise.tobytes()):
        mac.update(struct.pack(">Q", len(data)))
        mac.update(data)
    return mac.digest()


def _envelope(dataset: Dataset) -> _Envelope:
    """Take the CMS message apart as far as it can be without a key."""
    try:
        message = dataset.EncryptedAttributesSequence[0].EncryptedContent
        _, explicit = _der_values(_der_values(message)[0])
        _, recipients, encrypted, attributes = _der_values(_der_values(explicit)[0])
        recipient = _der_values(recipients)[0]
        key_identifier = _der_values(_der_values(recipient)[1])[0]
        tag = _der_values(_der_values(_der_values(attributes)[0])[1])[0]
        if _message(recipient, encrypted, tag) != message:
            raise ValueError("a message of another program, or a changed one")
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise CipherError(
            "not an image that dkg encrypted, or one that lost its Encrypted Attributes Sequence "
            "(0400,0500)"
        ) from error
    return _Envelope(recipient, encrypted, key_identifier, tag)


def _open(envelope: _Envelope, derived: _DerivedKeys) -> bytes:
    """Decrypt an authentic message, and return the file in it."""
    secret = keywrap.aes_key_unwrap(derived.wrapping, _der_values(envelope.recipient)[3])
    _, algorithm, ciphertext = _der_values(envelope.encrypted)
    vector = _der_values(algorithm)[1]
    decryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    content = io.BytesIO(unpadder.update(padded) + unpadder.finalize())
    item = read_dataset(content, False, True).ModifiedAttributesSequence[0]
    block = item.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR)
    # What follows the compressed data is a byte that makes the length even.
    return zlib.decompressobj().decompress(block[_FILE].value)


def _der(tag: int, *contents: bytes) -> bytes:
    """Encode contents under a tag (X.690, DER)."""
    value = b"".join(contents)
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8 or 1)
    if len(value) >= 128:
        length = bytes([128 + len(length)]) + length
    return bytes([tag]) + length + value


def _der_values(data: bytes) -> list[bytes]:
    """Split a concatenation of encodings into their contents; a last single byte is padding."""
    values, position = [], 0
    while position + 1 < len(data):
        length, start = data[position + 1], position + 2
        if length >= 128:
            start += length - 128
            length = int.from_bytes(data[position + 2 : start])
        if start + length > len(data):
            raise ValueError("cut off")
        values.append(data[start : start + length])
        position = start + length
    return values
