"""The Basic Application Level Confidentiality Profile of DICOM PS3.15, Table E.1-1."""

import csv
import hmac
from functools import cache

from pydicom.dataset import Dataset
from pydicom.uid import UID

from dkg import paths
from dkg.dicom.attributes import code

PROFILE_EDITION = "2026c"
"""Edition of DICOM PS3.15 whose Table E.1-1 is in ``confidentiality_profile.csv``."""

_BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")

_DUMMIES = {
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "PN": "REMOVED^",
    "TM": "000000",
}


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
    found = (each for each in dataset.iterall() if each.tag in _profile() and not each.is_empty)
    return sorted({element.keyword or str(element.tag) for element in found})


@cache
def _profile() -> dict[int, str]:
    """Read Table E.1-1: what the basic profile does to each attribute."""
    with (paths.PACKAGE / "dicom" / "confidentiality_profile.csv").open(newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}


def deidentify(image: Dataset, uid_key: bytes) -> None:
    """Apply the Basic Application Level Confidentiality Profile, without any of its options."""
    _replace_identifying(image, uid_key)
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = f"DICOM PS3.15 {PROFILE_EDITION} basic profile, by dkg"
    image.DeidentificationMethodCodeSequence = [code(_BASIC_PROFILE)]
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
            element.value = [make_uid(hmac.digest(uid_key, uid.encode(), "sha256")) for uid in uids]
        elif "D" in action:
            # The most that the action asks for fits an attribute of any type, 1, 2 or 3.
            binary = element.VR in ("OB", "OW", "UN")
            element.value = b"\0\0" if binary else _DUMMIES.get(element.VR, "REMOVED")
        elif action:
            element.clear()


def make_uid(digest: bytes) -> UID:
    """Make a UID of 128 bits, in the way of PS3.5 B.2."""
    return UID(f"2.25.{int.from_bytes(digest[:16])}")
