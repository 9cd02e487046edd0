"""Orthanc itself."""

import pytest
from pynetdicom import AE, build_context
from pynetdicom.sop_class import Verification

from dkg import hospital
from dkg.hospital import HospitalError
from dkg.hospital.connections import HOST, tls_context


@pytest.mark.slow
def test_orthanc_answers_this_machine_only(start, certificates):
    """It listens on every address, so it must refuse other machines' associations itself."""
    archive = start()
    if isinstance(archive, hospital.SmallPacs):
        assert archive._server.socket.getsockname()[0] == HOST
        return
    for source, expected in ((HOST, True), ("127.0.0.2", False)):
        association = AE("MODALITY").associate(
            HOST,
            archive.port,
            [build_context(Verification)],
            ae_title="PACS",
            tls_args=(tls_context(certificates, "modality", server=False, side="dicom"), HOST),
            bind_address=(source, 0),
        )
        assert association.is_established == expected
        if expected:
            association.release()


def test_orthanc_that_is_not_installed_is_said(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *args, **options: None)
    with pytest.raises(HospitalError, match="apt-get install orthanc"):
        hospital.Orthanc(tmp_path / "pacs", certificates)


def test_orthanc_that_does_not_start_is_said(tmp_path, certificates, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *args, **options: "/bin/false")
    with pytest.raises(HospitalError, match=r"did not start.*orthanc\.log"):
        hospital.Orthanc(tmp_path / "pacs", certificates)


@pytest.mark.orthanc
def test_orthanc_stops_by_itself(tmp_path, certificates):
    if hospital.find_orthanc() is None:
        pytest.skip("Orthanc is not installed; on Debian: apt-get install orthanc")
    archive = hospital.Orthanc(tmp_path / "pacs", certificates, seconds=10)
    client = hospital.PacsClient(archive.port, certificates, "workstation")
    archive._process.wait(60)
    with pytest.raises(HospitalError, match="cannot be reached"):
        client.echo()
