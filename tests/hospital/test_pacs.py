"""The archives: who may ask, and what the small one does."""

import socket
import ssl

import pydicom
import pytest
from pynetdicom import AE, build_context
from pynetdicom.sop_class import Verification

from dkg import hospital
from dkg.hospital import HospitalError, connections, pacs
from dkg.hospital.connections import HOST

from .parts import Relay, encoded, image_of, modality, noise, opened, send


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


def test_archive_keeps_the_first_image_of_an_identifier(ward, certificates):
    first = send(ward.modality, image_of(noise(16, 16), description="first"))
    other = pydicom.dcmread(ward.archive.files()[0])
    other.StudyDescription = "second"
    hospital.PacsClient(ward.archive.port, certificates, "modality").store(other)
    [found] = ward.workstation.find(StudyDescription="")
    assert found.StudyDescription == "first"
    assert found.SOPInstanceUID == first.sop_instance_uid
    assert ward.workstation.open(found).image.StudyDescription == "first"


# A thread of pynetdicom's server may raise after a refusal, when it has nothing left to do.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_wrong_called_title_is_refused(ward, tmp_path, certificates):
    elsewhere = modality(
        tmp_path / "elsewhere", certificates, ward.server.port, ward.archive.port, called="OTHER"
    )
    uid = elsewhere.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match=r"PACS OTHER at .*Called AE title not recognised"):
        elsewhere.deliver(uid)
    assert elsewhere.waiting() == [uid] and ward.archive.files() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_unknown_calling_title_is_refused(ward, tmp_path, certificates):
    unknown = modality(
        tmp_path / "unknown", certificates, ward.server.port, ward.archive.port, title="STRANGER"
    )
    uid = unknown.take(image_of(noise(16, 16)))
    with pytest.raises(HospitalError, match=r"refused .*STRANGER.*Calling AE title not recognised"):
        unknown.deliver(uid)
    assert unknown.waiting() == [uid] and ward.archive.files() == []


def test_archive_answers_no_other_certificate(archive, certificates, strangers):
    hospital.PacsClient(archive.port, certificates, "workstation").echo()
    with pytest.raises(HospitalError, match="does not accept the certificate"):
        hospital.PacsClient(archive.port, strangers, "workstation").echo()
    none = ssl.create_default_context(cafile=certificates / "authority.pem")
    for tls in ((none, HOST), None):
        entity = AE("WORKSTATION")
        entity.acse_timeout = 5
        contexts = [build_context(Verification)]
        association = entity.associate(HOST, archive.port, contexts, ae_title="PACS", tls_args=tls)
        assert not association.is_established


def test_unknown_kind_of_image_is_refused(ward, certificates):
    image = image_of(noise(16, 16))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.3.4"
    with pytest.raises(HospitalError, match=r"does not offer 1\.2\.3\.4"):
        hospital.PacsClient(ward.archive.port, certificates, "modality").store(image)
    assert ward.archive.files() == []


def test_small_archive_gives_up_a_client_that_says_nothing(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr(connections, "TIMEOUT", 0.5)
    with (
        hospital.SmallPacs(tmp_path / "pacs", certificates) as archive,
        socket.create_connection((HOST, archive.port)),
    ):
        hospital.PacsClient(archive.port, certificates, "workstation").echo()


def test_small_archive_stops_while_a_client_is_silent(tmp_path, server, certificates):
    archive = hospital.SmallPacs(tmp_path / "pacs", certificates)
    relay = Relay(archive.port, 40_000, then=archive.stop)
    through = modality(tmp_path / "through", certificates, server.port, relay.port)
    uid = through.take(image_of(noise(256, 256)))
    with pytest.raises(HospitalError, match="connection was lost"):
        through.deliver(uid)
    relay.wait()
    assert archive.files() == []


def test_full_disk_of_the_small_archive_is_said(tmp_path, server, certificates, monkeypatch):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        uid = sender.take(image_of(noise(16, 16)))

        def full(path):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(pacs, "atomic", full)
            with pytest.raises(HospitalError, match="C-STORE failed with status 0xa700"):
                sender.deliver(uid)
        assert sender.waiting() == [uid] and archive.files() == []
        sender.deliver(uid)
        assert sender.waiting() == [] and len(archive.files()) == 1


def test_small_archive_serves_what_its_folder_holds(tmp_path, server, certificates):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        image = image_of(noise(16, 16))
        delivery = send(sender, image)
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        assert encoded(opened(workstation, delivery)) == encoded(image)
