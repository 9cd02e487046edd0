"""Modality and workstation refuse servers whose certificate is in their list of revoked ones.

That servers refuse clients is in ``test_audit.py`` and ``test_pacs_connections.py``.
"""

import pytest

from dkg import hospital
from dkg.hospital import HospitalError
from dkg.hospital.connections import CLIENTS

from .parts import copied, image_of, name_of, noise
from .test_audit import fingerprint


@pytest.fixture
def own(tmp_path, certificates):
    """Certificates as on the machine of a client, whose list the servers do not read."""
    folder = copied(certificates, tmp_path)
    (folder / "revoked.txt").touch(mode=0o600)
    return folder


@pytest.mark.parametrize("part", CLIENTS)
def test_a_revoked_key_server_is_refused(server, certificates, own, part):
    client = hospital.KeyClient(server.port, own, part)
    use = {
        "modality": lambda: client.make(name_of("image"), 1),
        "workstation": lambda: client.get("0" * 64),
    }[part]
    name = fingerprint(certificates, "key-server")
    for line in (name, f"# stolen\n{name.upper()}  # on Monday"):
        (own / "revoked.txt").write_text(f"{line}\n")
        with pytest.raises(HospitalError, match=r"\(key-server\) is revoked: .*revoked\.txt"):
            use()
    assert len(server.store) == 0  # Nothing was asked.
    # Only the list's own lines count, and at each connection.
    (own / "revoked.txt").write_text(fingerprint(certificates, "pacs", "dicom") + "\n")
    hospital.KeyClient(server.port, own, "modality").make(name_of("image"), 1)


@pytest.mark.slow
@pytest.mark.parametrize("part", CLIENTS)
def test_a_revoked_archive_is_refused(archive, certificates, own, part):
    client = hospital.PacsClient(archive.port, own, part)
    client.echo()
    (own / "revoked.txt").write_text(fingerprint(certificates, "pacs", "dicom") + "\n")
    asks = {
        "modality": lambda: client.store(image_of(noise(8, 8))),
        "workstation": lambda: client.find(PatientID="17"),
    }
    for ask in (client.echo, asks[part]):
        with pytest.raises(HospitalError, match=r"\(pacs\) is revoked: .*revoked\.txt"):
            ask()
    assert archive.files() == []
    (own / "revoked.txt").write_text("")
    client.echo()


def test_a_damaged_list_refuses_every_server(server, own):
    client = hospital.KeyClient(server.port, own, "modality")
    (own / "revoked.txt").write_text("no fingerprint\n")
    with pytest.raises(HospitalError, match=r"revoked\.txt: expected SHA-256"):
        client.make(name_of("image"), 1)
    for part in CLIENTS:
        for new in (hospital.KeyClient, hospital.PacsClient):
            with pytest.raises(HospitalError, match=r"revoked\.txt: expected SHA-256"):
                new(server.port, own, part)
    (own / "revoked.txt").write_text("")
    (own / "revoked.txt").chmod(0o666)
    with pytest.raises(HospitalError, match="others may change it"):
        client.make(name_of("image"), 1)
    assert len(server.store) == 0
