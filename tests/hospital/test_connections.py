"""The certificates of the hospital's parts."""

import stat

import pytest

from dkg import hospital
from dkg.hospital.connections import tls_context


def test_private_keys_are_for_their_owner_only(certificates):
    assert stat.S_IMODE(certificates.stat().st_mode) == 0o700
    private = sorted(certificates.glob("*.key"))
    assert [path.stem for path in private] == ["key-server", "modality", "pacs", "workstation"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)
    assert not (certificates / "authority.key").exists(), "nobody can add a part later"


def test_certificates_in_use_are_not_replaced(certificates):
    before = (certificates / "authority.pem").read_bytes()
    with pytest.raises(FileExistsError, match=r"authority\.pem"):
        hospital.make_certificates(certificates)
    assert (certificates / "authority.pem").read_bytes() == before


def test_a_missing_certificate_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"authority\.pem"):
        tls_context(tmp_path, "modality", server=False)
