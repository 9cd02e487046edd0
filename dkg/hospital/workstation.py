"""The workstation of Fig. 1: it finds an encrypted image, fetches its key, and shows the image.

What was requested, what the archive found, what it sent and what was decrypted must be one and the
same image of one and the same patient. Neither the key nor the decrypted image is written to a file
here.
"""

import getpass
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from pydicom.multival import MultiValue

from dkg import dicom
from dkg.cipher import CipherError
from dkg.dicom.parsing import parse
from dkg.hospital import audit
from dkg.hospital.audit import AuditTrail, Caller
from dkg.hospital.connections import HOST, HospitalError
from dkg.hospital.key_client import KeyClient
from dkg.hospital.pacs_client import PacsClient
from dkg.hospital.queries import DESCRIPTIVE, plain_text

# fmt: off
_IDENTITY = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "PatientName", "PatientID", "IssuerOfPatientID", "OtherPatientIDs", "PatientBirthDate",
    "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "SeriesDate",
    "AcquisitionDate", "ContentDate", "Modality", "BodyPartExamined", "Laterality",
    "ImageLaterality", "SeriesNumber", "AcquisitionNumber", "InstanceNumber",
    "PhotometricInterpretation", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)
# fmt: on

_WRONG = "is not what the archive says that it is"

_logger = logging.getLogger(__name__)


class _WrongImageError(HospitalError):
    """Names what differs, and so maybe patients, who are in no log and no audit trail."""


@dataclass(frozen=True)
class Opened:
    """A decrypted image.

    Attributes
    ----------
    image : pydicom.Dataset
        The original, as the modality took it.
    seconds : dict of str to float
        The times of ``"get"``, ``"key"`` and ``"decrypt"``.
    """

    image: pydicom.Dataset
    seconds: dict[str, float]


class Workstation:
    """Finds encrypted images in the archive, and opens them with keys from the key server.

    Parameters
    ----------
    keys, pacs : KeyClient, PacsClient
        Where keys and encrypted images come from.
    audit_trail : path-like, optional
        The file of the audit trail (`dkg.hospital.audit`): which user of this machine opened which
        image, or was refused. Where it cannot be written, no image is opened. Without one there is
        no trail but those of the key server and the archive, which do not know the user.
    """

    def __init__(
        self,
        keys: KeyClient,
        pacs: PacsClient,
        *,
        audit_trail: str | os.PathLike[str] | None = None,
    ):
        self._keys, self._pacs = keys, pacs
        self._audit = None if audit_trail is None else AuditTrail(audit_trail, "workstation")

    def find(self, **query: Any) -> list[pydicom.Dataset]:
        """Look for images in the archive, as `PacsClient.find` does."""
        return self._pacs.find(**query)

    def open(self, found: pydicom.Dataset) -> Opened:
        """Fetch an image that `find` returned and its key, and decrypt it.

        Raises
        ------
        CipherError
            If the image is not encrypted, or was changed in the archive.
        HospitalError
            Also if what `find` returned, or the readable attributes of the encrypted image, are not
            those of the image that was decrypted; the message names each difference.
        """
        about = {"SOPInstanceUID": str(found.get("SOPInstanceUID", ""))}
        try:
            opened, key = self._open(found)
        except (HospitalError, CipherError) as error:
            words = _WRONG if isinstance(error, _WrongImageError) else str(error)
            _logger.warning("workstation: refused image %s: %s", about["SOPInstanceUID"], words)
            self._note(audit.SERIOUS_FAILURE, about, words=words)
            raise
        for keyword in ("StudyInstanceUID", "SOPClassUID", "SOPInstanceUID"):
            about[keyword] = str(opened.image.get(keyword, ""))
        self._note(audit.SUCCESS, about, key=key)
        _logger.info("workstation: opened image %s", about["SOPInstanceUID"])
        return opened

    def _note(self, outcome: int, image: dict[str, str], *, key: str = "", words: str = "") -> None:
        """Write an audit message, if there is a trail."""
        if self._audit:
            user = Caller(_user(), self._keys.certificate, HOST)
            self._audit.write(
                "access", outcome, words, action="R", caller=user, image=image, key=key
            )

    def _open(self, found: pydicom.Dataset) -> tuple[Opened, str]:
        """Fetch, decrypt and compare an image; return it and its key's identifier."""
        times = [time.perf_counter()]
        encrypted = self._pacs.get(found)
        times.append(time.perf_counter())
        identifier = dicom.key_identifier(encrypted)
        key = self._keys.get(identifier)
        times.append(time.perf_counter())
        content = dicom.decrypt_content(encrypted, key.keys, secret=key.secret)
        # Large images are in memory as few times as possible.
        uid = dicom.sop_instance_uid(encrypted)
        for keyword in ("PixelData", "EncryptedAttributesSequence"):
            del encrypted[keyword]
        image = parse(content)
        del content
        expected = dicom.expected_attributes(encrypted, image, key.keys, secret=key.secret, uid=uid)
        answered = [each.keyword for each in found if each.keyword not in DESCRIPTIVE]
        different = [
            *_differences("found", found, expected, answered),
            *_differences("sent", encrypted, expected, _IDENTITY),
        ]
        if different:
            raise _WrongImageError(
                f"the image {found.SOPInstanceUID} {_WRONG}: {'; '.join(different)}"
            )
        times.append(time.perf_counter())
        steps = ("get", "key", "decrypt")
        seconds = dict(zip(steps, map(float, np.diff(times)), strict=True))
        return Opened(image, seconds), identifier


def _user() -> str:
    """Return the name of the user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # Where users have numbers only, as in some containers.
        return f"user {os.getuid()}"


def _differences(
    kind: str, claims: pydicom.Dataset, expected: pydicom.Dataset, keywords: Iterable[str]
) -> list[str]:
    """List the attributes with a value that is not the expected one."""
    different = []
    for keyword in keywords:
        claimed, right = _texts(claims, keyword), _texts(expected, keyword)
        if claimed and claimed != right:
            value, other = "\\".join(claimed), "\\".join(right)
            different.append(f"{keyword} is {value!r} as {kind}, and {other!r} in the image")
    return different


def _texts(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    """Return the values of an attribute as texts; none if it is empty or not there."""
    if keyword not in dataset or dataset[keyword].is_empty:
        return []
    element = dataset[keyword]
    values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return [plain_text(value, element.VR) for value in values]
