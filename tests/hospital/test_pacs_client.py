"""What the workstation asks the archives, and which answers it takes."""

import functools
import logging
import tempfile
import time

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.uid import generate_uid

from dkg import cipher, hospital
from dkg.hospital import HospitalError, pacs_client
from dkg.storage import limits

from .parts import image_of, noise, send

pytestmark = pytest.mark.slow  # Each test starts the parts of a hospital.


def test_find_by_attribute_and_wildcard(ward):
    for patient, name in (("17", "Doe^Jane"), ("18", "Doe^John"), ("19[a]", "Roe^Jane")):
        image = hospital.new_image(noise(16, 16), patient_name=name, patient_id=patient)
        send(ward.modality, image)

    def found(**query):
        return sorted(str(answer.PatientID) for answer in ward.workstation.find(**query))

    assert found(PatientID="18") == ["18"]
    assert found(PatientName="Doe*") == ["17", "18"]
    assert found(PatientID="1?") == ["17", "18"]
    assert found(PatientID="19[a]") == ["19[a]"]
    assert found(PatientID="20") == []
    [answer] = ward.workstation.find(PatientID="17", ConversionType="")
    assert answer.ConversionType == "SYN"


NAMES = ["Lee", "Doe^Jane", "홍길동", "山田^太郎", "Иванов^Иван", "Müller^Jürgen", "Ελένη^Α"]


def send_all(sender, names):
    for number, name in enumerate(names):
        image = hospital.new_image(noise(8, 8), patient_name=name, patient_id=f"id {number}")
        send(sender, image)


def test_names_of_all_scripts_are_found_and_no_others(ward):
    send_all(ward.modality, NAMES)
    for number, name in enumerate(NAMES):
        # Orthanc takes each byte of UTF-8 for a character, of which a ? stands for one.
        one = "?" if isinstance(ward.archive, hospital.SmallPacs) else "*"
        for asked in (name, name.split("^")[0] + "*", name[:-1] + one):
            found = ward.workstation.find(PatientName=asked)
            assert [(f.PatientID, str(f.PatientName)) for f in found] == [(f"id {number}", name)]
            assert found[0].SpecificCharacterSet == "ISO_IR 192"
        assert ward.workstation.find(PatientName=name + "x") == []
    assert ward.workstation.find(PatientName="???", PatientID="id 0")[0].PatientName == "Lee"


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Иванов^Иван"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)
def test_images_in_other_character_sets_are_found(ward, character_set, name):
    image = image_of(noise(8, 8))
    image.SpecificCharacterSet = character_set
    image.PatientName = name
    send(ward.modality, image)
    send_all(ward.modality, ["Lee"])
    [found] = ward.workstation.find(PatientName=name)
    assert str(found.PatientName) == name
    assert str(ward.workstation.open(found).image.PatientName) == name


def test_an_unknown_attribute_is_refused_and_nothing_found(ward):
    send_all(ward.modality, NAMES[:2])
    for query in ({"PatientNam": "Lee"}, {"PatientName": "Lee", "nonsense": ""}):
        with pytest.raises(ValueError, match="is not the keyword of a DICOM attribute"):
            ward.workstation.find(**query)


def test_what_is_typed_in_may_be_literal(ward):
    send_all(ward.modality, ["Lee", "Le?"])
    assert len(ward.workstation.find(PatientName="Le?")) == 2
    assert len(ward.workstation.find(PatientName="Lee", literal=True)) == 1
    for typed in ("Le?", "*", ""):
        with pytest.raises(ValueError, match="is to be literal"):
            ward.workstation.find(PatientName=typed, literal=True)


def test_dates_are_found_by_range(ward):
    for date in ("20230101", "20240229", "20241231"):
        image = image_of(noise(8, 8))
        image.StudyDate = date
        send(ward.modality, image)
    find = ward.workstation.find
    for asked, n in (
        *(("20240229", 1), ("20240101-", 2), ("-20240229", 2), ("20240101-20241230", 1)),
        *(("20250101-", 0), ("20230101-20241231", 3)),
    ):
        assert len(find(StudyDate=asked)) == n, asked


# --- An archive that answers something else

PIECES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


class Evil(hospital.SmallPacs):
    """An archive in the attacker's hands: it finds everything, and sends what it likes."""

    found = None  # Attributes to answer with.
    sent = None  # The identifiers of what to send.
    exchanged = ()  # Elements to send in the place of an image's own.

    def _find(self, event):
        for image in self._index.values():
            answer = pydicom.Dataset()
            answer.SpecificCharacterSet = "ISO_IR 192"
            answer.update(
                {each.tag: image[each.tag] for each in event.identifier if each.tag in image}
            )
            answer.QueryRetrieveLevel = "IMAGE"
            for keyword, value in (self.found or {}).items():
                if isinstance(value, pydicom.DataElement):
                    answer[keyword] = value
                else:
                    setattr(answer, keyword, value)
            yield 0xFF00, answer

    def _get(self, event):
        asked = event.identifier.SOPInstanceUID
        sent = [asked] if self.sent is None else self.sent
        yield len(sent)
        for uid in sent:
            image = pydicom.dcmread(self._folder / f"{uid}.dcm")
            for element in self.exchanged:
                image[element.tag] = element
            yield 0xFF00, image


@pytest.fixture
def evil(tmp_path, certificates):
    with Evil(tmp_path / "evil", certificates) as archive:
        yield archive


def filled(evil, server, certificates, tmp_path, n=2):
    sender = hospital.Modality(
        tmp_path / "outbox",
        hospital.KeyClient(server.port, certificates, "modality"),
        hospital.PacsClient(evil.port, certificates, "modality"),
    )
    sent = [send(sender, image_of(noise(8, 8), patient_id=f"{i}")) for i in range(n)]
    return [delivery.sop_instance_uid for delivery in sent]


def test_answers_that_do_not_match_are_left_out_and_said(
    evil, server, certificates, tmp_path, caplog
):
    filled(evil, server, certificates, tmp_path)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    caplog.set_level(logging.WARNING)
    assert [f.PatientID for f in client.find(PatientID="1")] == ["1"]
    assert "1 answers do not match the query" in caplog.text
    assert client.find(PatientID="2") == [] and client.find(AccessionNumber="3") == []
    evil.found = {"PatientID": ""}
    assert client.find(PatientID="1") == []


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientName", "SQ", [pydicom.Dataset()]),
        ("PatientName", "LO", "Doe^Jane"),
        ("PatientID", "OB", b"0 "),
        ("PatientID", "US", 0),
        ("SOPInstanceUID", "OB", b"1.2.3\0"),
        ("SOPClassUID", "SH", "1.2.3"),
        ("StudyInstanceUID", "SQ", []),
        ("InstanceNumber", "FD", 1.0),
        ("InstanceNumber", "PN", "1"),
    ],
)
def test_answers_with_a_wrong_value_representation_are_left_out_and_said(
    evil, server, certificates, tmp_path, caplog, monkeypatch, keyword, vr, value
):
    # An archive may choose the transfer syntax in which an answer says its representations.
    explicit = functools.partial(
        pacs_client.build_context, transfer_syntax=pydicom.uid.ExplicitVRLittleEndian
    )
    filled(evil, server, certificates, tmp_path, n=1)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    element = pydicom.DataElement(pydicom.datadict.tag_for_keyword(keyword), vr, value)
    evil.found = {keyword: element}
    monkeypatch.setattr(pacs_client, "build_context", explicit)
    assert client.find(InstanceNumber="") == []
    expected = pydicom.datadict.dictionary_VR(element.tag)
    assert f"sent {keyword} with the value representation {vr}, not {expected}" in caplog.text


@pytest.mark.parametrize(
    ("keyword", "content"),
    [("Rows", b"abc"), ("InstanceNumber", b"one "), ("StudyDate", b"\xff" * 8)],
)
def test_values_that_cannot_be_decoded_are_an_error_of_the_archive(
    evil, server, certificates, tmp_path, keyword, content
):
    """What can be decoded, whatever it is, is refused or compared later."""
    filled(evil, server, certificates, tmp_path, n=1)
    keys = hospital.KeyClient(server.port, certificates, "workstation")
    workstation = hospital.Workstation(
        keys, hospital.PacsClient(evil.port, certificates, "workstation")
    )
    [found] = workstation.find()
    tag = pydicom.datadict.tag_for_keyword(keyword)
    vr = pydicom.datadict.dictionary_VR(tag)
    evil.exchanged = [RawDataElement(tag, vr, len(content), content, 0, False, True)]
    with pytest.raises((HospitalError, cipher.CipherError)):
        workstation.open(found)


@pytest.mark.parametrize("keyword", PIECES)
def test_several_identifiers_in_an_answer_are_refused(
    evil, server, certificates, tmp_path, keyword
):
    filled(evil, server, certificates, tmp_path, n=1)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    evil.found = {keyword: ["1.2.3", "1.2.4"]}
    [found] = client.find()
    with pytest.raises(HospitalError, match=f"found with more than one {keyword}"):
        client.get(found)


def test_more_images_than_asked_for_are_refused(evil, server, certificates, tmp_path):
    uids = filled(evil, server, certificates, tmp_path)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    [found] = client.find(SOPInstanceUID=uids[0])
    assert client.get(found).SOPInstanceUID == uids[0]
    for sent, reason in (
        (uids, f"sent the image {uids[1]}, which was not asked for"),
        (uids[::-1], f"sent the image {uids[1]}, which was not asked for"),
        (uids[1:], f"sent the image {uids[1]}, which was not asked for"),
        ([uids[0]] * 2, "or more than once"),
        ([], f"did not send the image {uids[0]}"),
    ):
        evil.sent = sent
        with pytest.raises(HospitalError, match=reason):
            client.get(found)


@pytest.mark.parametrize("keyword", PIECES)
def test_an_answer_that_lacks_an_identifier_is_named(evil, server, certificates, tmp_path, keyword):
    filled(evil, server, certificates, tmp_path, n=1)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    evil.found = {keyword: ""}
    [found] = client.find()
    with pytest.raises(HospitalError, match=f"found without its {keyword}"):
        client.get(found)


def test_an_image_under_another_announced_identifier_is_refused(
    evil, server, certificates, tmp_path, monkeypatch
):
    """The request says one identifier, and the data set has another one."""
    uids = filled(evil, server, certificates, tmp_path)
    client = hospital.PacsClient(evil.port, certificates, "workstation")
    [found] = client.find(SOPInstanceUID=uids[0])
    other = pydicom.dcmread(evil.files()[[p.stem for p in evil.files()].index(uids[1])])
    from pynetdicom.association import Association

    send_store = Association.send_c_store

    def lying(self, dataset, *args, **options):
        uid = dataset.SOPInstanceUID
        primitive_class = __import__("pynetdicom.dimse_primitives", fromlist=["C_STORE"]).C_STORE
        setter = primitive_class.AffectedSOPInstanceUID.fset
        monkeypatch.setattr(
            primitive_class,
            "AffectedSOPInstanceUID",
            primitive_class.AffectedSOPInstanceUID.setter(
                lambda request, value: setter(request, uids[0] if value == uid else value)
            ),
        )
        return send_store(self, dataset, *args, **options)

    assert other.SOPInstanceUID == uids[1]
    evil.sent = uids[1:]
    monkeypatch.setattr(Association, "send_c_store", lying)
    with pytest.raises(HospitalError, match=f"sent {uids[1]} as the image {uids[0]}"):
        client.get(found)


def test_an_image_that_is_not_there_is_said(ward):
    send_all(ward.modality, ["Lee"])
    [found] = ward.workstation.find()
    found.SOPInstanceUID = generate_uid()
    with pytest.raises(HospitalError, match=r"did not send|C-GET failed"):
        ward.workstation.open(found)


def test_an_image_that_does_not_end_is_cut(ward, tmp_path, certificates, monkeypatch):
    """What arrives goes to a file, and would fill the disk."""
    delivery = send(ward.modality, image_of(noise(512, 512)))
    client = hospital.PacsClient(ward.archive.port, certificates, "workstation")
    [found] = client.find(SOPInstanceUID=delivery.sop_instance_uid)
    large = image_of(noise(512, 512))
    (tmp_path / "files").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "files"))
    monkeypatch.setattr(limits, "FILE_BYTES", 100_000)
    monkeypatch.setattr(pacs_client, "MAX_PDU", 16_384)
    monkeypatch.setattr(pacs_client, "TIMEOUT", 1.0)
    with pytest.raises(HospitalError, match=r"lost|not send|cannot be reached"):
        client.get(found)
    if isinstance(ward.archive, hospital.SmallPacs):  # Orthanc has no such limit.
        with pytest.raises(HospitalError, match=r"lost|cannot be reached"):
            hospital.PacsClient(ward.archive.port, certificates, "modality").store(large)
        assert len(ward.archive.files()) == 1
    deadline = time.monotonic() + 10
    while list((tmp_path / "files").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list((tmp_path / "files").iterdir()) == []
    monkeypatch.undo()
    client.get(found)
