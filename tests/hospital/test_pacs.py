"""The archives: who may ask, and what the small one stores and serves."""

import copy
import io
import shutil
import socket
import ssl
import stat
import tempfile
import time

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification

from dkg import dicom, hospital
from dkg.hospital import HospitalError, connections, pacs
from dkg.hospital.connections import HOST, tls_context

from .parts import Relay, encoded, image_of, modality, noise, opened, send, some_keys

pytestmark = pytest.mark.slow  # Each test starts the parts of a hospital.


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


def test_archive_answers_no_other_certificate(archive, certificates, foreign):
    hospital.PacsClient(archive.port, certificates, "workstation").echo()
    with pytest.raises(HospitalError, match="does not accept the certificate"):
        hospital.PacsClient(archive.port, foreign, "workstation").echo()
    none = ssl.create_default_context(cafile=certificates / "dicom" / "authority.pem")
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
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        with monkeypatch.context() as patched:
            patched.setattr(connections, "TIMEOUT", 0.5)
            with socket.create_connection((HOST, archive.port), 60) as silent:
                assert silent.recv(1) == b""
        # With the usual limit, as half a second may be too little on a busy machine.
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

        def full(path, **options):
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


# --- Roles


@pytest.fixture
def small(tmp_path, certificates):
    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        yield archive


def client_of(archive, certificates, part, **options):
    return hospital.PacsClient(archive.port, certificates, part, **options)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("part", "title"), [("modality", "WORKSTATION"), ("workstation", "MODALITY")]
)
def test_a_title_without_its_certificate_is_refused(small, certificates, part, title):
    client = client_of(small, certificates, part, title=title)
    for ask in (client.echo, client.find, lambda: client.store(encrypted())):
        with pytest.raises(HospitalError, match=rf"refused .*{title}: Calling AE title"):
            ask()
    assert small.files() == []


def test_each_part_may_do_its_own_work_only(archive, certificates):
    """Orthanc, too, which knows the parts by their titles and says no reason."""
    sender = client_of(archive, certificates, "modality")
    physician = client_of(archive, certificates, "workstation")
    image = encrypted()
    reason = "only the {} may do this|connection was lost"
    with pytest.raises(HospitalError, match=reason.format("modality")):
        physician.store(image)
    assert archive.files() == []
    sender.store(image)
    [found] = physician.find()
    with pytest.raises(HospitalError, match=reason.format("workstation")):
        sender.find()
    with pytest.raises(HospitalError, match=reason.format("workstation")):
        sender.get(found)
    assert physician.get(found).SOPInstanceUID == image.SOPInstanceUID
    for client in (sender, physician):
        client.echo()


@pytest.mark.parametrize("part", ["key-server", "modality", "workstation"])
def test_certificates_of_the_other_side_open_no_archive(archive, certificates, part):
    client = client_of(archive, certificates, "workstation")
    client._context = tls_context(certificates, part, server=False, side="keys")
    # The attacker does not mind whom it talks to.
    client._context.load_verify_locations(certificates / "dicom" / "authority.pem")
    client._context.others = ("pacs",)
    with pytest.raises(HospitalError, match=r"certificate of this end .*another authority"):
        client.find()


# --- What the small archive stores


def encrypted(**options):
    return dicom.encrypt_dataset(image_of(noise(16, 16), **options), some_keys())


def body(image):
    """Return the bytes of a data set without its file meta information."""
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR = image.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    buffer.is_little_endian = True
    pydicom.filewriter.write_dataset(buffer, image)
    return buffer.parent.getvalue()


def store_bytes(archive, certificates, data, uid, sop_class=SecondaryCaptureImageStorage):
    """Send any bytes as a data set; return the status and its comment."""
    association = AE("MODALITY").associate(
        HOST,
        archive.port,
        [build_context(SecondaryCaptureImageStorage, "1.2.840.10008.1.2.1")],
        ae_title="PACS",
        tls_args=(tls_context(certificates, "modality", server=False, side="dicom"), HOST),
    )
    assert association.is_established
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, uid
    request.DataSet = io.BytesIO(data)
    try:
        association._reactor_checkpoint.clear()
        association.dimse.send_msg(request, 1)
        _, answer = association.dimse.get_msg(block=True)
        association._reactor_checkpoint.set()
        return answer.Status, str(answer.ErrorComment or "")
    finally:
        association.release()


def cut(image):
    return body(image)[:-3]


def cut_before_the_pixels(image):
    return body(image)[: -len(image.PixelData) - 12]


def longer(image):
    return body(image) + b"\0\0\0\0"


def hiding_the_end(image):
    """An item delimiter, at which pydicom stops to read."""
    return body(image) + b"\xfe\xff\x0d\xe0\0\0\0\0" + bytes(100)


def twice_named(image):
    """The identifier is there twice, and a reader may take either."""
    data, uid = body(image), image.SOPInstanceUID.encode()
    at = data.index(b"\x08\0\x18\0UI")
    end = at + 8 + len(uid) + len(uid) % 2
    other = data[at:end].replace(uid[-8:], b"11111111")
    return data[:at] + other + data[at:]


def implicit(image):
    image = copy.deepcopy(image)
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return body(image)


def without(keyword):
    def remove(image):
        image = copy.deepcopy(image)
        del image[keyword]
        return body(image)

    return remove


BAD = {
    "two bytes": lambda image: b"\x08\0",
    "zeros": lambda image: bytes(5000),
    "random bytes": lambda image: np.random.default_rng().bytes(5000),
    "text": lambda image: b"<html>not found</html>" * 100,
    "a whole file": encoded,
    "zeros after the start": lambda image: body(image)[:200] + bytes(5000),
    "cut": cut,
    "cut before the pixels": cut_before_the_pixels,
    "longer": longer,
    "bytes after a delimiter": hiding_the_end,
    "two identifiers": twice_named,
    "implicit VR": implicit,
    "no SOP class": without("SOPClassUID"),
    "no identifier": without("SOPInstanceUID"),
}


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_whole_image_is_not_confirmed(tmp_path, certificates, kind):
    image = encrypted()
    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        data = BAD[kind](image)
        status, comment = store_bytes(archive, certificates, data, image.SOPInstanceUID)
        assert 0xA900 <= status <= 0xCFFF, (hex(status), comment)
        assert comment
        assert archive.files() == []
        # The right one is stored afterwards, under the same identifier.
        assert store_bytes(archive, certificates, body(image), image.SOPInstanceUID)[0] == 0
        # And the bad one is not confirmed because of it.
        assert store_bytes(archive, certificates, data, image.SOPInstanceUID)[0] >= 0xA900
    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        assert [path.stem for path in archive.files()] == [image.SOPInstanceUID]
        assert not (tmp_path / "small" / pacs.QUARANTINE).exists()


def test_an_image_that_is_not_the_announced_one_is_not_confirmed(small, certificates):
    image, other = encrypted(), encrypted()
    status, comment = store_bytes(small, certificates, body(image), other.SOPInstanceUID)
    assert status == 0xC000 and f"SOPInstanceUID is {image.SOPInstanceUID}"[:50] in comment
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    status, comment = store_bytes(small, certificates, body(image), image.SOPInstanceUID)
    assert status == 0xC000 and "SOPClassUID" in comment
    assert small.files() == []


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["../outside", "1.2.x", "1.2/3", "1..2"])
def test_an_identifier_that_is_no_uid_names_no_file(tmp_path, small, certificates, uid):
    image = encrypted()
    image.SOPInstanceUID = uid
    before = sorted(tmp_path.rglob("*"))
    assert store_bytes(small, certificates, body(image), uid)[0] >= 0xA900
    assert sorted(tmp_path.rglob("*")) == before


def test_stored_files_are_private_and_nothing_temporary_is_left(
    tmp_path, certificates, monkeypatch
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        client_of(archive, certificates, "modality").store(encrypted())
        store_bytes(archive, certificates, bytes(5000), generate_uid())
        [path] = archive.files()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(temporary.iterdir()) == []
        assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_an_image_of_which_only_a_part_came_leaves_nothing(tmp_path, certificates, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    image = dicom.encrypt_dataset(image_of(noise(256, 256)), some_keys())

    def is_there(expected):
        for _ in range(200):
            if bool(list(temporary.iterdir())) == expected:
                return True
            time.sleep(0.05)
        return False

    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        came = []
        relay = Relay(archive.port, 40_000, then=lambda: came.append(is_there(True)))
        with pytest.raises(HospitalError, match="connection was lost"):
            client_of(relay, certificates, "modality").store(image)
        relay.wait()
        assert came == [True], "it was not written as it came"
        assert is_there(False) and archive.files() == []


def test_memory_holds_short_attributes_only(tmp_path, certificates):
    image = dicom.encrypt_dataset(image_of(noise(256, 256)), some_keys())
    with hospital.SmallPacs(tmp_path / "small", certificates) as archive:
        client_of(archive, certificates, "modality").store(image)
        for archive_ in (archive, None):
            if archive_ is None:  # As read from the folder, not as it came.
                archive.stop()
                archive_ = hospital.SmallPacs(tmp_path / "small", certificates)
            with archive_:
                [kept] = archive_._index.values()
                assert "EncryptedAttributesSequence" not in kept and "PixelData" not in kept
                kept.file_meta = image.file_meta
                assert len(body(kept)) < 5000 < len(body(image))


# --- Starting on a folder that holds something else


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_bad_files_are_put_aside_and_the_others_served(tmp_path, certificates, caplog):
    folder = tmp_path / "small"
    image = encrypted()
    with hospital.SmallPacs(folder, certificates) as archive:
        client_of(archive, certificates, "modality").store(image)
    whole = (folder / f"{image.SOPInstanceUID}.dcm").read_bytes()
    head = whole[: -len(body(image))]
    contents = {f"bad {kind}.dcm": head + make(image) for kind, make in BAD.items()}
    contents |= {
        "empty.dcm": b"",
        "zeros.dcm": bytes(3000),
        "random.dcm": np.random.default_rng().bytes(3000),
        "half.dcm": whole[: len(whole) // 2],
        "preamble.dcm": whole[:132],
        "renamed.dcm": whole,
        "1.2.3.dcm": whole,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / ".dkg-0123abcd.tmp").write_bytes(b"of a killed program")
    with hospital.SmallPacs(folder, certificates) as archive:
        assert [path.stem for path in archive.files()] == [image.SOPInstanceUID]
        [found] = client_of(archive, certificates, "workstation").find()
        assert found.SOPInstanceUID == image.SOPInstanceUID
    aside = folder / pacs.QUARANTINE
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == contents
    for name in contents:
        assert f"{folder / name}: no image of this archive, moved to" in caplog.text
    assert not (folder / ".dkg-0123abcd.tmp").exists()
    # The same name again does not replace what is there.
    shutil.copy(aside / "zeros.dcm", folder / "1.2.3.dcm")
    with hospital.SmallPacs(folder, certificates) as archive:
        assert len(archive.files()) == 1
    assert (aside / "1.2.3.dcm").read_bytes() == whole
    assert (aside / "1.2.3.dcm.1").read_bytes() == bytes(3000)


def test_an_attribute_that_cannot_be_decoded_does_no_harm(small, certificates):
    image = encrypted()
    image.add_new("PatientWeight", "DS", "70")
    data = body(image).replace(b"DS\x02\x0070", b"DS\x02\x00xx")
    assert store_bytes(small, certificates, data, image.SOPInstanceUID)[0] == 0
    client = client_of(small, certificates, "workstation")
    assert len(client.find()) == 1
    assert client.find(PatientWeight="70") == []
