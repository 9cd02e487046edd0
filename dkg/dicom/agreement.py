"""The readable attributes of an encrypted image: how they are made, and what they should be.

They are not covered by the authentication tag, so that an archive may complete them. Whoever shows
a decrypted image under readable attributes compares them with `expected_attributes`.
"""

import copy
import hashlib

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.uid import UID

from dkg.dicom.attributes import describe, withdraw
from dkg.dicom.confidentiality import deidentify, make_uid
from dkg.dicom.envelope import derive_keys, read_envelope
from dkg.dicom.pixel_data import PIXEL_DATA, Layout, read_samples


def sop_instance_uid(encrypted: Dataset) -> UID:
    """Return the SOP Instance UID that an encrypted image must have: it is made from the tag.

    Parameters
    ----------
    encrypted : pydicom.Dataset
        The encrypted image.

    Returns
    -------
    pydicom.uid.UID
        The UID. It is authentic once the image has been decrypted.

    Raises
    ------
    CipherError
        If the data set is not one that `encrypt_dataset` made.
    """
    return make_uid(read_envelope(encrypted).tag)


def expected_attributes(
    encrypted: Dataset,
    original: Dataset,
    keys: NDArray[np.uint8],
    *,
    secret: bytes | None = None,
    uid: UID | None = None,
) -> Dataset:
    """Return the readable attributes that an encrypted image had when it was made.

    Parameters
    ----------
    encrypted, original : pydicom.Dataset
        Argument and result of `decrypt_dataset`. Of the first only the tag is used, and whether it
        was de-identified.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys it was decrypted with.
    secret : bytes, optional
        The tag secret it was decrypted with.
    uid : pydicom.uid.UID, optional
        `sop_instance_uid` of the encrypted image, if its encrypted part is not in it any more.

    Returns
    -------
    pydicom.Dataset
        The attributes on the top level and in sequences, without pixel data and encrypted part.
    """
    original, image = copy.deepcopy(original), copy.deepcopy(original)
    _, layout = read_samples(image)
    method = encrypted.get("DeidentificationMethod")
    changed = method and method != original.get("DeidentificationMethod")
    make_readable(image, original, layout, derive_keys(keys, secret).uid if changed else None)
    image.pop(PIXEL_DATA, None)
    image.SOPInstanceUID = uid or sop_instance_uid(encrypted)
    return image


def make_readable(image: Dataset, original: Dataset, layout: Layout, uid_key: bytes | None) -> None:
    """Turn the attributes of an original into the readable ones of its encrypted image.

    Parameters
    ----------
    image, original : pydicom.Dataset
        The same image twice, `image` after `read_samples`. It loses its SOP Instance UID.
    layout : Layout
        The layout of the samples.
    uid_key : bytes, optional
        De-identify it, and make new UIDs with this key.
    """
    for each in (original, image):
        correct_ambiguous_vr(each, bool(original.original_encoding[1]))
    withdraw(image, layout)
    if uid_key is not None:
        deidentify(image, uid_key)
    elif image.get("SeriesInstanceUID"):
        digest = hashlib.sha256(b"dkg series 1\0" + image.SeriesInstanceUID.encode()).digest()
        image.SeriesInstanceUID = make_uid(digest)
    describe(image, layout, original if uid_key is None else None)
    del image.SOPInstanceUID
