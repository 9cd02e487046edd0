"""Connections of the small archive: silent clients, and certificates that end meanwhile."""

import contextlib
import datetime
import socket
import tempfile
import time

import pytest
from pynetdicom import AE, build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from dkg import hospital
from dkg.hospital import HospitalError, connections, pacs, queries
from dkg.hospital.connections import HOST, tls_context

from .parts import copied, image_of, noise
from .test_audit import fingerprint, messages, summary


@pytest.fixture
def archive(tmp_path, certificates):
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        yield archive


@pytest.fixture
def revoked(certificates):
    """Return the list of revoked certificates, which is removed in the end."""
    path = certificates / "revoked.txt"
    path.touch(mode=0o600)
    yield path
    path.unlink()


def last_event(tmp_path):
    return summary(messages(tmp_path / "pacs.audit")[-1])


@contextlib.contextmanager
def association(archive, certificates):
    """Open an association of the workstation that may stay idle."""
    entity = AE("WORKSTATION")
    contexts = [
        build_context(each) for each in (Verification, StudyRootQueryRetrieveInformationModelFind)
    ]
    tls = tls_context(certificates, "workstation", server=False, side="dicom"), HOST
    opened = entity.associate(HOST, archive.port, contexts, ae_title="PACS", tls_args=tls)
    assert opened.is_established
    yield opened
    if opened.is_established:
        opened.abort()


def until_cut(opened):
    """Wait until an association has ended; return how long that took."""
    start = time.monotonic()
    while opened.is_established:
        assert time.monotonic() < start + 20, "it is still open"
        time.sleep(0.02)
    return time.monotonic() - start


@pytest.mark.slow
def test_silent_clients_keep_nobody_waiting(archive, certificates):
    client = hospital.PacsClient(archive.port, certificates, "workstation")
    with contextlib.ExitStack() as stack:
        for _ in range(20):  # One after the other they would be silent for 200 s.
            silent = stack.enter_context(socket.create_connection((HOST, archive.port)))
        silent.sendall(b"\x16\x03\x01")  # The beginning of a handshake.
        start = time.monotonic()
        client.echo()
        assert time.monotonic() - start < connections.TIMEOUT


@pytest.mark.slow
def test_a_silent_client_is_given_up(archive, monkeypatch):
    monkeypatch.setattr(connections, "TIMEOUT", 0.2)
    with socket.create_connection((HOST, archive.port), 10) as silent:
        assert silent.recv(1) == b""


@pytest.mark.slow
def test_a_revoked_certificate_is_refused(tmp_path, archive, certificates, revoked):
    client = hospital.PacsClient(archive.port, certificates, "workstation")
    client.echo()
    name = fingerprint(certificates, "workstation", "dicom")
    revoked.write_text(f"{name}  # stolen\n")
    with pytest.raises(HospitalError, match="refused the association of WORKSTATION"):
        client.find(PatientID="")
    found = last_event(tmp_path)
    assert found["types"] == ["Node Authentication"]
    assert found["words"] == "this certificate is revoked"
    assert found["who"] == [("workstation", name)]
    hospital.PacsClient(archive.port, certificates, "modality").echo()
    revoked.write_text("no fingerprint\n")  # Nobody knows which one was meant.
    elsewhere = copied(certificates, tmp_path)  # Other parts have lists of their own.
    for part in ("workstation", "modality"):
        with pytest.raises(HospitalError, match="refused the association"):
            hospital.PacsClient(archive.port, elsewhere, part).echo()
    with pytest.raises(HospitalError, match=r"revoked\.txt: expected SHA-256"):
        hospital.SmallPacs(tmp_path / "second", certificates)
    revoked.write_text("")
    client.echo()


@pytest.mark.slow
def test_an_open_association_is_cut_when_its_certificate_is_revoked(
    tmp_path, archive, certificates, revoked
):
    name = fingerprint(certificates, "workstation", "dicom")
    with association(archive, certificates) as opened:
        time.sleep(2 * pacs._WATCH)
        assert opened.send_c_echo().Status == 0
        revoked.write_text(f"{name}\n")
        assert until_cut(opened) < 10 * pacs._WATCH
    found = last_event(tmp_path)
    assert (found["event"], found["outcome"], found["who"]) == (
        "Security Alert",
        "8",
        [("workstation", name)],
    )


@pytest.mark.slow
def test_no_request_is_answered_between_revocation_and_the_cut(
    tmp_path, certificates, revoked, monkeypatch
):
    monkeypatch.setattr(hospital.SmallPacs, "_watch", lambda self: None)
    with (
        hospital.SmallPacs(tmp_path / "unwatched", certificates) as unwatched,
        association(unwatched, certificates) as opened,
    ):
        revoked.write_text(fingerprint(certificates, "workstation", "dicom"))
        asked = queries.make({"PatientID": ""})
        [(status, _)] = opened.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind)
        assert (status.Status, status.ErrorComment) == (0x0124, "this certificate is revoked")


@pytest.mark.slow
def test_associations_that_end_do_not_end_the_watch(tmp_path, certificates, revoked, monkeypatch):
    monkeypatch.setattr(pacs, "_WATCH", 0.0005)
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        client = hospital.PacsClient(archive.port, certificates, "modality")
        for _ in range(30):
            client.echo()
        with association(archive, certificates) as opened:
            revoked.write_text(fingerprint(certificates, "workstation", "dicom"))
            until_cut(opened)


@pytest.mark.slow
def test_a_list_that_cannot_be_read_refuses_everybody(tmp_path, archive, certificates):
    elsewhere = copied(certificates, tmp_path)
    client = hospital.PacsClient(archive.port, elsewhere, "workstation")
    client.echo()
    listed = certificates / "revoked.txt"
    with association(archive, certificates) as opened:
        listed.mkdir(mode=0o700)
        try:
            until_cut(opened)
            with pytest.raises(HospitalError, match="refused the association"):
                client.echo()
        finally:
            listed.rmdir()
    client.echo()


@pytest.mark.slow
def test_an_open_association_is_cut_when_its_certificate_expires(
    tmp_path, archive, certificates, monkeypatch
):
    with association(archive, certificates) as opened:
        later = connections.now() + datetime.timedelta(days=31)
        monkeypatch.setattr(connections, "now", lambda: later)
        until_cut(opened)
    assert last_event(tmp_path)["words"] == "this certificate has expired"


@pytest.mark.slow
def test_an_image_whose_connection_is_lost_when_it_has_arrived_leaves_no_file(
    tmp_path, archive, certificates, monkeypatch
):
    (tmp_path / "files").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "files"))

    def lost(self, *_):
        raise ValueError("handshake not done yet")  # As the ssl module says it.

    monkeypatch.setattr(hospital.SmallPacs, "_refusal", lost)
    with pytest.raises(HospitalError, match="the connection was lost: handshake"):
        hospital.PacsClient(archive.port, certificates, "modality").store(image_of(noise(8, 8)))
    assert list((tmp_path / "files").iterdir()) == []
