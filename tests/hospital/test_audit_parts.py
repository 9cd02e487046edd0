"""The audit trails of the archive and the workstation, and lines of the log."""

import base64
import getpass
import io
import stat

import pydicom
import pytest
from pydicom.filereader import read_dataset

from dkg import hospital
from dkg.hospital import HospitalError
from dkg.hospital.connections import PARTS

from .parts import image_of, modality, noise, opened, send
from .test_audit import fingerprint, messages, summary


@pytest.mark.slow
def test_the_archive_and_the_workstation_say_who_saw_which_image(tmp_path, server, certificates):
    trails = {part: tmp_path / f"{part}.audit" for part in ("pacs", "workstation")}
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        image = image_of(noise(16, 16))
        delivery = send(sender, image)
        stored = pydicom.dcmread(archive.files()[0])
        hospital.PacsClient(archive.port, certificates, "modality").store(stored)  # Once more.
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
            audit_trail=trails["workstation"],
        )
        [found] = workstation.find(PatientName="Doe*")
        workstation.open(found)
        with pytest.raises(HospitalError, match="only the workstation"):
            hospital.PacsClient(archive.port, certificates, "modality").find(PatientID="")
        found.PatientName = "Roe^Richard"
        with pytest.raises(HospitalError, match=r"Roe\^Richard.*Doe\^Jane"):
            workstation.open(found)
    for path in trails.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    of_pacs = [summary(message) for message in messages(trails["pacs"])]
    assert [(s["event"], s["action"], s["outcome"]) for s in of_pacs[1:-1]] == [
        ("DICOM Instances Transferred", "C", "0"),
        ("DICOM Instances Transferred", "R", "0"),  # The archive had it.
        ("Query", "E", "0"),
        ("DICOM Instances Transferred", "R", "0"),
        ("Security Alert", "E", "8"),
        ("DICOM Instances Transferred", "R", "0"),
    ]
    assert [s["types"] for s in (of_pacs[0], of_pacs[5], of_pacs[-1])] == [
        ["Application Start"],
        ["Use of Restricted Function"],
        ["Application Stop"],
    ]
    names = [
        (part, fingerprint(certificates, part, "dicom")) for part in ("modality", "workstation")
    ]
    assert [s["who"] for s in of_pacs[1:-1]] == [[names[i]] for i in (0, 0, 1, 1, 0, 1)]
    for message in (of_pacs[1], of_pacs[2], of_pacs[4], of_pacs[6]):
        assert message["image"] == [delivery.sop_instance_uid]
        assert message["study"] == [image.StudyInstanceUID]
    query = messages(trails["pacs"])[3].find(".//ParticipantObjectQuery").text
    asked = read_dataset(io.BytesIO(base64.b64decode(query)), True, True)
    assert asked.PatientName == "Doe*"

    opened_it, refused_it = map(summary, messages(trails["workstation"]))
    user = [(getpass.getuser(), fingerprint(certificates, "workstation"))]
    assert opened_it == {
        "event": "DICOM Instances Accessed",
        "types": [],
        "action": "R",
        "outcome": "0",
        "words": "",
        "who": user,
        "image": [image.SOPInstanceUID],
        "study": [image.StudyInstanceUID],
        "key": [delivery.key_identifier],
    }
    assert (refused_it["outcome"], refused_it["who"]) == ("8", user)
    assert refused_it["image"] == [delivery.sop_instance_uid]
    assert refused_it["words"] == "is not what the archive says that it is"
    for trail in (trails["workstation"], server.store.path.with_name("keys.sqlite.audit")):
        assert "Doe" not in trail.read_text()


@pytest.mark.slow
def test_without_a_trail_the_archive_and_the_workstation_do_nothing(tmp_path, ward, certificates):
    if not isinstance(ward.archive, hospital.SmallPacs):
        pytest.skip("Orthanc writes a log of its own")
    delivery = send(ward.modality, image_of(noise(16, 16)))
    [found] = ward.workstation.find(SOPInstanceUID=delivery.sop_instance_uid)
    trail = tmp_path / "workstation.audit"
    own = hospital.Workstation(ward.workstation._keys, ward.workstation._pacs, audit_trail=trail)
    trail.unlink()
    trail.mkdir()
    with pytest.raises(IsADirectoryError):
        own.open(found)
    trail = tmp_path / "pacs.audit"
    trail.unlink()
    trail.mkdir()
    uid = ward.modality.take(image_of(noise(16, 16)))
    for call in (
        lambda: ward.modality.deliver(uid),
        lambda: ward.workstation.find(PatientID=""),
        lambda: ward.workstation.open(found),
    ):
        with pytest.raises(HospitalError, match="the audit trail cannot be written"):
            call()
    trail.rmdir()
    ward.modality.deliver(uid)
    assert len(ward.workstation.find(PatientID="")) == 2


@pytest.mark.slow
def test_every_line_of_the_log_names_its_part(tmp_path, ward, certificates, foreign, caplog):
    caplog.set_level("INFO", "dkg.hospital")
    delivery = send(ward.modality, image_of(noise(16, 16)))
    opened(ward.workstation, delivery)
    calls = [
        lambda: hospital.PacsClient(ward.archive.port, certificates, "modality").find(PatientID=""),
        lambda: hospital.PacsClient(ward.archive.port, foreign, "modality").echo(),
        lambda: hospital.KeyClient(ward.server.port, foreign, "modality").make("0" * 64, 1),
        lambda: hospital.KeyClient(ward.server.port, certificates, "modality").get("0" * 64),
    ]
    for call in calls:
        with pytest.raises(HospitalError):
            call()
    lines = [record.getMessage() for record in caplog.records if "hospital" in record.name]
    parts = [line.split(": ")[0] for line in lines]
    assert {"key-server", "modality", "workstation"} <= set(parts) <= set(PARTS)
    if isinstance(ward.archive, hospital.SmallPacs):
        assert "pacs" in parts
