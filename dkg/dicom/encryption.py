"""Encryption and decryption of DICOM data sets."""

import copy
import hashlib
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from dkg import encryption
from dkg.cipher import CipherError
from dkg.dicom.agreement import make_readable
from dkg.dicom.confidentiality import make_uid
from dkg.dicom.envelope import (
    ENCRYPTED_CONTENT,
    derive_keys,
    encode_content,
    open_envelope,
    read_envelope,
    seal,
)
from dkg.dicom.parsing import file_meta, large_element, parse, serialize
from dkg.dicom.pixel_data import (
    PIXEL_DATA,
    Layout,
    StoredSamples,
    noise_of,
    read_layout,
    read_samples,
    xor_stored,
)
from dkg.storage import limits

ATTRIBUTES = ("keep", "basic-profile")
"""What can be done with the patient's attributes; `encrypt_dataset` says what it means."""

# Bytes of a file that are worked on at a time.
_PIECE = 2**20

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
    encoded = serialize(dataset, enforce_file_format=True)
    encrypted = encrypt_encoded(encoded, keys, secret, attributes)
    # Data sets of other programs have values of the type bytes.
    del encoded
    pixels, item = encrypted[PIXEL_DATA], encrypted.EncryptedAttributesSequence[0]
    pixels.value = bytes(pixels.value) + bytes(len(pixels.value) % 2)
    item.EncryptedContent = bytes(item.EncryptedContent)
    return encrypted


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
    return parse(decrypt_encoded(dataset, keys, secret))


def encrypt_encoded(
    encoded: bytes, keys: NDArray[np.uint8], secret: bytes | None, attributes: str
) -> Dataset:
    """Encrypt the bytes of a DICOM file into a data set."""
    if attributes not in ATTRIBUTES:
        raise CipherError(f"attributes must be one of {ATTRIBUTES}, not {attributes!r}")
    identifier = encryption.key_identifier(keys)
    if len(encoded) > limits.MAX_BYTES + limits.REST:  # More is not decrypted.
        raise CipherError(
            f"the file has {len(encoded):,} bytes; at most {limits.MAX_BYTES:,} and headers of "
            f"{limits.REST:,} can be encrypted"
        )
    # Large images are in memory as few times as possible: views, pieces, and changes in place.
    image = parse(encoded, view_pixels=True)
    if is_encrypted(image):
        raise CipherError("it is encrypted by dkg already")
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not image.get(keyword):
            raise CipherError(f"it has no {keyword}, which every DICOM image must have")
    samples, layout = read_samples(image)
    noise = xor_stored(samples, keys, layout)
    del samples, image[PIXEL_DATA]
    derived = derive_keys(keys, secret)
    original = parse(encoded, view_pixels=True)
    stored = StoredSamples(original, noise, keys, layout)
    del original[PIXEL_DATA]

    deidentified = attributes == "basic-profile"
    make_readable(image, original, layout, derived.uid if deidentified else None)

    content = encode_content(original, image, _without_samples(encoded, stored))
    vr = "OW" if layout.bits_allocated > 8 else "OB"
    image.add(large_element(PIXEL_DATA, vr, noise.data.cast("B")))
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    version = 1 if secret is None else 2
    message, tag = seal(content, identifier, derived, noise, layout, version)
    item.add(large_element(ENCRYPTED_CONTENT, "OB", message))
    if (size := noise.nbytes + len(message)) > limits.FILE_BYTES - limits.REST:
        raise CipherError(
            f"the encrypted image would have {size:,} bytes and its headers; at most "
            f"{limits.FILE_BYTES:,} are read"
        )
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
    if not _comes_back(encrypted, encoded, keys, secret):
        raise CipherError("it is not as DICOM images should be, and would not come back as it is")
    return encrypted


def _without_samples(encoded: bytes, stored: StoredSamples) -> Iterator[bytearray]:
    """Yield a file in pieces, with zeros in the place of its samples."""
    for position in range(0, len(encoded), _PIECE):
        piece = bytearray(encoded[position : position + _PIECE])
        stored.xor(piece, position)
        yield piece


def _comes_back(
    encrypted: Dataset, encoded: bytes, keys: NDArray[np.uint8], secret: bytes | None
) -> bool:
    """Decrypt an image, and tell whether it is a file; nothing of its size is kept."""
    whole, position = memoryview(encoded), 0
    try:
        pieces, noise, layout = _authentic(encrypted, keys, secret)
        stored = StoredSamples(parse(encoded, view_pixels=True), noise, keys, layout)
        for part in pieces:
            piece = bytearray(part)
            stored.xor(piece, position)
            if piece != whole[position : position + len(piece)]:
                return False
            position += len(piece)
    except CipherError:
        return False
    return position == len(whole)


def decrypt_encoded(
    dataset: Dataset,
    keys: NDArray[np.uint8],
    secret: bytes | None,
    accept_version_1: bool = False,
) -> bytearray:
    """Decrypt a data set to the bytes of the original file."""
    pieces, noise, layout = _authentic(dataset, keys, secret, accept_version_1)
    file = bytearray()
    for piece in pieces:
        file += piece
    StoredSamples(parse(file, view_pixels=True), noise, keys, layout).xor(file, 0)
    return file


def _authentic(
    dataset: Dataset,
    keys: NDArray[np.uint8],
    secret: bytes | None,
    accept_version_1: bool = False,
) -> tuple[Iterator[bytes], NDArray[Any], Layout]:
    """Check an encrypted image; return the file in it, in pieces, and the noise with its layout."""
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
    # The tag of version 1 covers the noise as it is, so that noise which an archive has compressed
    # has to be decoded before the tag can be checked; no more is decoded than the data set says.
    samples, layout = noise_of(dataset)
    if digest is None:
        is_same = envelope.fits(derived.tag, layout, samples.data.cast("B"))
    else:
        is_same = hashlib.sha256(samples.data).digest() == digest
    if not is_same:
        raise CipherError(_CHANGED)
    return open_envelope(envelope, derived), samples, layout
