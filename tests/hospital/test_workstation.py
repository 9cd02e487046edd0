"""The workstation shows the image that was requested, or none."""

import copy
import shutil

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from dkg import cipher, dicom, hospital
from dkg.hospital import HospitalError
from dkg.hospital.headers import read_header

from .parts import encoded, noise, send

# What a patient, a study and an image are known by.
OF_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
OF_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyID")
OF_IMAGE = ("SOPInstanceUID", "SeriesInstanceUID", "InstanceNumber", "Laterality")


class Hospital:
    """Two patients with two studies each; the archive is in the attacker's hands."""

    def __init__(self, folder, certificates, server, archive, attributes):
        self.folder, self.archive = folder, archive
        sender = hospital.Modality(
            folder.parent / "outbox",
            hospital.KeyClient(server.port, certificates, "modality"),
            hospital.PacsClient(archive.port, certificates, "modality"),
            attributes=attributes,
        )
        self.workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        self.originals, self.uids = {}, {}
        for name, patient, study in (
            ("Alpha^Anna", "A", 1),
            ("Alpha^Anna", "A", 2),
            ("Beta^Bert", "B", 1),
        ):
            image = hospital.new_image(noise(3 * 8, 12), patient_name=name, patient_id=patient)
            image.NumberOfFrames, image.Rows = 3, 8
            image.PatientBirthDate = {"A": "19700101", "B": "19800202"}[patient]
            image.PatientSex = {"A": "F", "B": "M"}[patient]
            image.StudyDate, image.AccessionNumber = f"2024010{study}", f"{patient}{study}"
            image.StudyID, image.Laterality = f"{study}", "LR"[study - 1]
            self.originals[patient, study] = image
            self.uids[patient, study] = send(sender, image).sop_instance_uid

    def find(self, *which, **query):
        [found] = self.workstation.find(SOPInstanceUID=self.uids[which], **query)
        return found

    def stored(self, *which):
        return pydicom.dcmread(self.folder / f"{self.uids[which]}.dcm")

    def replace(self, image, *which, tell=True):
        """Put another image into the place of one, and into what the archive finds."""
        uid = self.uids[which]
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        path = self.folder / f"{uid}.dcm"
        image.save_as(path, enforce_file_format=True)
        if tell:
            self.archive._index[uid] = read_header(path)

    def claim(self, *which, **attributes):
        """Let the archive find an image under other attributes than it has."""
        header = copy.deepcopy(self.archive._index[self.uids[which]])
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
        self.archive._index[self.uids[which]] = header


@pytest.fixture(params=["keep"])
def ours(request, tmp_path, certificates, server):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        yield Hospital(tmp_path / "pacs", certificates, server, archive, request.param)


both = pytest.mark.parametrize("ours", dicom.ATTRIBUTES, indirect=True)
profile = pytest.mark.parametrize("ours", ["basic-profile"], indirect=True)


def refused(ours, found, *reasons):
    with pytest.raises(HospitalError, match="not what the archive says that it is") as caught:
        ours.workstation.open(found)
    for reason in reasons:
        assert reason in str(caught.value), caught.value
    return str(caught.value)


@pytest.mark.slow
@both
def test_what_was_asked_for_is_opened(ours):
    for which, original in ours.originals.items():
        for more in ({}, dict.fromkeys((*OF_PATIENT, *OF_STUDY, *OF_IMAGE, "Rows"), "")):
            more.pop("SOPInstanceUID", None)
            image = ours.workstation.open(ours.find(*which, **more)).image
            assert encoded(image) == encoded(original)


@pytest.mark.slow
@both
@pytest.mark.parametrize("other", [("B", 1), ("A", 2)])
def test_another_image_under_the_names_and_identifiers_of_this_one(ours, other):
    """Noise and encrypted part of another patient, or of another study of the same one."""
    this, image = ours.stored("A", 1), ours.stored(*other)
    for keyword in (*OF_PATIENT, *OF_STUDY, *OF_IMAGE):
        if keyword in this:
            image[keyword] = this[keyword]
    ours.replace(image, "A", 1)
    message = refused(ours, ours.find("A", 1), f"SOPInstanceUID is {ours.uids['A', 1]!r} as found")
    assert repr(ours.uids[other]) in message


@pytest.mark.slow
def test_each_difference_is_named(ours):
    this, image = ours.stored("A", 1), ours.stored("B", 1)
    for keyword in (*OF_PATIENT, *OF_STUDY, *OF_IMAGE):
        image[keyword] = this[keyword]
    ours.replace(image, "A", 1)
    message = refused(ours, ours.find("A", 1))
    for keyword, found, right in (
        ("PatientName", "Alpha^Anna", "Beta^Bert"),
        ("PatientID", "A", "B"),
        ("PatientBirthDate", "19700101", "19800202"),
    ):
        for kind in ("found", "sent"):
            assert f"{keyword} is {found!r} as {kind}, and {right!r} in the image" in message
    for keyword in ("PatientSex", "AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID"):
        assert f"{keyword} is " in message


WRONG = {
    "PatientName": "Alpha^Anna",
    "PatientID": "A",
    "PatientBirthDate": "19700101",
    "PatientSex": "O",
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3",
    "StudyDate": "20240102",
    "StudyTime": "0101",
    "AccessionNumber": "A1",
    "StudyID": "7",
    "InstanceNumber": "77",
    "Laterality": "R",
    "PhotometricInterpretation": "MONOCHROME1",
    "Modality": "CT",
    # These the original does not have.
    "BodyPartExamined": "KNEE",
    "OtherPatientIDs": "A",
    "IssuerOfPatientID": "elsewhere",
}


@pytest.mark.slow  # It opens a hundred images.
@both
def test_one_wrong_attribute_is_enough(ours):
    right = ours.stored("B", 1)
    for keyword, value in WRONG.items():
        image = copy.deepcopy(right)
        setattr(image, keyword, value)
        for where in ("found", "sent", "both"):
            ours.replace(right, "B", 1)
            if where == "found":
                ours.claim("B", 1, **{keyword: value})
            else:
                ours.replace(image, "B", 1, tell=where == "both")
            found = ours.find("B", 1, **{keyword: ""})
            message = refused(ours, found, f"{keyword} is {value!r} as ")
            assert message.count(" in the image") == (2 if where == "both" else 1)
    ours.replace(right, "B", 1)
    ours.workstation.open(ours.find("B", 1))


@pytest.mark.slow
def test_an_attribute_that_was_found_and_is_no_identifier(ours):
    ours.claim("B", 1, StudyDescription="found as this")
    ours.workstation.open(ours.find("B", 1))
    found = ours.find("B", 1, StudyDescription="found*")
    refused(ours, found, "StudyDescription is 'found as this' as found, and '' in the image")


@pytest.mark.slow
def test_another_layout_of_the_samples(ours):
    right = ours.stored("A", 1)
    for change in (
        {"Rows": 12, "Columns": 8},
        {"NumberOfFrames": 1, "Rows": 24},
        {"BitsStored": 7, "HighBit": 6},
        {"PixelRepresentation": 1},
    ):
        image = copy.deepcopy(right)
        for keyword, value in change.items():
            setattr(image, keyword, value)
        ours.replace(image, "A", 1)
        with pytest.raises(cipher.CipherError, match="changed after encryption"):
            ours.workstation.open(ours.find("A", 1))


@pytest.mark.slow
def test_swapped_frames_and_mixed_parts(ours):
    this, other = ours.stored("A", 1), ours.stored("A", 2)
    frames = np.frombuffer(this.PixelData, np.uint8).reshape(3, -1)
    for pixels in (frames[[1, 0, 2]], frames[::-1], frames[[0, 0, 0]]):
        this.PixelData = pixels.tobytes()
        ours.replace(this, "A", 1)
        with pytest.raises(cipher.CipherError, match="changed after encryption"):
            ours.workstation.open(ours.find("A", 1))
    # The noise of one image, and the encrypted part of another one.
    this = ours.stored("A", 1)
    this.PixelData = other.PixelData
    ours.replace(this, "A", 1)
    with pytest.raises(cipher.CipherError, match="changed after encryption"):
        ours.workstation.open(ours.find("A", 1))


@pytest.mark.slow
def test_a_whole_image_in_the_place_of_another_one(ours):
    """With its own identifier the archive sends another one than was requested."""
    shutil.copy(ours.folder / f"{ours.uids['B', 1]}.dcm", ours.folder / f"{ours.uids['A', 1]}.dcm")
    with pytest.raises(HospitalError, match=f"sent the image {ours.uids['B', 1]}, which was not"):
        ours.workstation.open(ours.find("A", 1))


@pytest.mark.slow
def test_an_image_that_is_found_under_another_patient(ours):
    """The file is right, and only the archive's answer is not."""
    ours.claim("B", 1, PatientName="Alpha^Anna", PatientID="A", PatientBirthDate="19700101")
    found = ours.workstation.find(PatientID="A", PatientName="Alpha*")
    assert len(found) == 3
    [wrong] = [each for each in found if each.SOPInstanceUID == ours.uids["B", 1]]
    refused(ours, wrong, "'Alpha^Anna' as found, and 'Beta^Bert' in the image", "PatientID")


@pytest.mark.slow
@profile
def test_a_deidentified_image_under_a_name(ours):
    for keyword, value in (
        ("PatientName", "Alpha^Anna"),
        ("PatientName", "Beta^Bert"),  # Its own, which it should not show.
        ("StudyInstanceUID", generate_uid()),
        ("StudyInstanceUID", ours.originals["A", 1].StudyInstanceUID),
    ):
        image = ours.stored("B", 1)
        setattr(image, keyword, value)
        ours.replace(image, "B", 1)
        refused(ours, ours.find("B", 1), f"{keyword} is {str(value)!r} as found")


@pytest.mark.slow
@profile
def test_a_deidentified_image_that_no_longer_says_so(ours):
    image = ours.stored("B", 1)
    del image.DeidentificationMethod, image.PatientIdentityRemoved
    ours.replace(image, "B", 1)
    refused(ours, ours.find("B", 1), "PatientID is 'REMOVED' as sent, and 'B' in the image")


@pytest.mark.slow
def test_an_image_that_says_to_be_deidentified_and_is_not(ours):
    image = ours.stored("B", 1)
    image.DeidentificationMethod, image.PatientIdentityRemoved = "by somebody", "YES"
    image.PatientName, image.PatientID = "REMOVED^", "REMOVED"
    ours.replace(image, "B", 1)
    refused(ours, ours.find("B", 1), "StudyInstanceUID is ")


@pytest.mark.slow
def test_a_forged_encrypted_part_is_refused_without_a_key_of_its_own(ours):
    """An image encrypted by the attacker, whose key the key server does not have."""
    mine = dicom.encrypt_dataset(
        ours.originals["B", 1], np.random.default_rng().integers(0, 256, (1, 256, 256, 3), np.uint8)
    )
    this = ours.stored("A", 1)
    for keyword in (*OF_PATIENT, *OF_STUDY, *OF_IMAGE):
        mine[keyword] = this[keyword]
    ours.replace(mine, "A", 1)
    with pytest.raises(HospitalError, match="no key of this identifier"):
        ours.workstation.open(ours.find("A", 1))


@pytest.mark.slow
def test_an_image_in_plain_is_refused(ours):
    plain = copy.deepcopy(ours.originals["B", 1])
    plain.SOPInstanceUID = ours.uids["A", 1]
    ours.replace(plain, "A", 1)
    with pytest.raises(cipher.CipherError, match="not an image that dkg encrypted"):
        ours.workstation.open(ours.find("A", 1))
