"""The basic profile, beside rows of the table in the standard."""

import copy
import csv

import pydicom
import pytest
from pydicom.dataset import Dataset

from dkg import dicom, paths

from .parts import (
    KEYS,
    OTHER_KEYS,
    make_image,
    read,
    telling_image,
    write,
)


def profile():
    with (paths.PACKAGE / "dicom" / "confidentiality_profile.csv").open(newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}


def test_rows_of_the_profile():
    """Rows as printed in PS3.15 2026c, Table E.1-1."""
    table = profile()
    assert table[0x00100010] == "Z"  # Patient's Name
    assert table[0x00101010] == "X"  # Patient's Age
    assert table[0x0020000D] == "U"  # Study Instance UID
    assert table[0x00080080] == "X/Z/D"  # Institution Name
    assert table[0x00080022] == "X/Z"  # Acquisition Date
    assert table[0x00081140] == "X/Z/U*"  # Referenced Image Sequence
    assert set(table.values()) == {"X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}


def identifying_image():
    """Make an image with every attribute of the profile that a data set can hold."""
    image = make_image()
    texts = {"DA": "20240229", "TM": "123456", "DT": "20240229123456", "AS": "042Y"}
    for tag in profile():
        known = pydicom.datadict.dictionary_has_tag(tag)
        if tag >> 16 < 8 or tag in image:
            continue
        vr = pydicom.datadict.dictionary_VR(tag) if known else "LO"
        if vr == "SQ":
            item = Dataset()
            item.PatientName = "Nested^Secret"
            item.ReferencedSOPInstanceUID = image.SOPInstanceUID
            image.add_new(tag, vr, [item])
        elif vr == "UI":
            image.add_new(tag, vr, f"1.2.999.{tag}")
        elif vr in ("OB", "OW", "UN"):
            image.add_new(tag, vr, b"binary secret ")
        elif vr in ("DS", "IS", "US", "FD", "FL", "SL", "SS", "UL"):
            image.add_new(tag, vr, "42" if vr in ("DS", "IS") else 42)
        else:
            image.add_new(tag, vr, texts.get(vr, "SECRET"))
    return image


@pytest.mark.slow
def test_basic_profile():
    image = identifying_image()
    table = profile()
    assert len(dicom.identifying_attributes(image)) > 550
    encrypted = dicom.encrypt_dataset(image, KEYS, attributes="basic-profile")
    for element in encrypted:
        action = table.get(element.tag)
        if action is None or element.keyword == "DerivationDescription":
            continue
        assert action != "X", element
        if action in ("Z", "X/Z"):
            assert element.is_empty, element
        elif element.tag in image and action != "X/Z/U*":
            assert element != image[element.tag], element
    encoded = write(encrypted)
    for secret in (b"SECRET", b"Secret", b"secret", b"20240229", b"123456", b"1.2.999", b"042Y"):
        assert secret in write(image)
        assert secret not in encoded
    assert image.SOPInstanceUID.encode() not in encoded
    # The same UID is replaced by the same one, wherever it stands.
    (reference,) = encrypted.ReferencedImageSequence
    assert reference.PatientName == ""
    assert reference.ReferencedSOPInstanceUID.startswith("2.25.")
    assert encrypted.PatientIdentityRemoved == "YES"
    assert encrypted.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert "SourceImageSequence" not in encrypted
    assert dicom.decrypt_dataset(read(encoded), KEYS) == read(write(image))


def test_uids_are_replaced_consistently_within_an_image():
    image = make_image()
    image.FrameOfReferenceUID = "1.2.3.9"
    item = Dataset()
    item.ReferencedFrameOfReferenceUID = "1.2.3.9"
    image.SourceImageSequence = [item]
    image.OtherPatientIDsSequence = [copy.deepcopy(item)]
    reference = Dataset()
    reference.ReferencedFrameOfReferenceUID = "1.2.3.9"
    image.ReferencedImageSequence = [reference]
    first = dicom.encrypt_dataset(image, KEYS, attributes="basic-profile")
    replaced = first.ReferencedImageSequence[0].ReferencedFrameOfReferenceUID
    assert replaced == first.FrameOfReferenceUID != "1.2.3.9"
    # Nobody without the key can tell that two images are of one study.
    second = dicom.encrypt_dataset(image, OTHER_KEYS, attributes="basic-profile")
    assert first.StudyInstanceUID != second.StudyInstanceUID
    assert first.SeriesInstanceUID != second.SeriesInstanceUID


def test_identifying_attributes():
    image = telling_image()
    found = dicom.identifying_attributes(image)
    assert {"PatientName", "PatientID", "InstitutionName", "StudyDescription"} <= set(found)
    assert "Modality" not in found
