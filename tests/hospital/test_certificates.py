"""The certificates of the hospital's parts: made, kept, renewed and mended."""

import os
import shutil
import stat
import threading

import pytest

from dkg import hospital
from dkg.hospital import HospitalError
from dkg.hospital.connections import SERVERS, tls_context

from .parts import image_of, modality, noise, opened, random_keys, send, talk

FILES = {
    f"{side}/{name}"
    for side, server in SERVERS.items()
    for part in (server, "modality", "workstation")
    for name in (f"{part}.key", f"{part}.pem", "authority.pem")
}


def made(folder):
    return {str(path.relative_to(folder)) for path in folder.glob("*/*")}


def whole(folder):
    """Tell whether every part can show its certificate, and the other end accepts it."""
    for side, server in SERVERS.items():
        for client in ("modality", "workstation"):
            ends = tls_context(folder, server, server=True, side=side)
            if talk(ends, tls_context(folder, client, server=False, side=side)):
                return False
    return True


def test_each_part_has_its_own_files_and_its_private_key_alone(certificates):
    assert made(certificates) == FILES
    assert whole(certificates)
    for folder in (certificates, certificates / "keys", certificates / "dicom"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    private = sorted(certificates.glob("*/*.key"))
    assert [f"{path.parent.name} {path.stem}" for path in private] == [
        *("dicom modality", "dicom pacs", "dicom workstation"),
        *("keys key-server", "keys modality", "keys workstation"),
    ]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)
    assert not list(certificates.rglob("authority.key")), "nobody can add a part later"
    contents = {path.read_bytes() for path in certificates.glob("*/*")}
    assert len(contents) == len(FILES), "no certificate or key is there twice"


def test_private_keys_are_private_from_creation_on(tmp_path, monkeypatch):
    """Nobody can open one in the moment between its creation and a change of its mode."""
    from dkg.hospital import certificates as module

    seen = []
    write = module.atomic

    def watched(path, **options):
        manager = write(path, **options)
        temporary = manager.__enter__()
        if path.suffix == ".key":
            seen.append(stat.S_IMODE(temporary.stat().st_mode))

        class Same:
            def __enter__(self):
                return temporary

            def __exit__(self, *error):
                return manager.__exit__(*error)

        return Same()

    monkeypatch.setattr(module, "atomic", watched)
    hospital.make_certificates(tmp_path / "new")
    assert seen == [0o600] * 6


def test_the_umask_lets_nobody_change_a_certificate(tmp_path):
    before = os.umask(0)
    try:
        folder = hospital.make_certificates(tmp_path / "new")
    finally:
        os.umask(before)
    hospital.KeyClient(1, folder, "modality")


def test_a_folder_that_others_may_write_to_gets_no_certificates(tmp_path):
    tmp_path.chmod(0o770)
    with pytest.raises(PermissionError, match="others may change it"):
        hospital.make_certificates(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_certificates_in_use_are_not_replaced(certificates):
    before = {path: path.read_bytes() for path in certificates.glob("*/*")}
    with pytest.raises(FileExistsError, match=r"renew=True.*authority\.pem"):
        hospital.make_certificates(certificates)
    assert {path: path.read_bytes() for path in certificates.glob("*/*")} == before


@pytest.mark.parametrize("days", [0, -1])
def test_certificates_for_no_time_are_refused(tmp_path, days):
    with pytest.raises(ValueError, match=f"1 day or more, not {days}"):
        hospital.make_certificates(tmp_path / "new", days=days)
    assert not (tmp_path / "new").exists()


def test_renewal_replaces_all(tmp_path):
    folder = hospital.make_certificates(tmp_path / "new")
    before = {path: path.read_bytes() for path in folder.glob("*/*")}
    assert hospital.make_certificates(folder, renew=True) == folder
    after = {path: path.read_bytes() for path in folder.glob("*/*")}
    assert before.keys() == after.keys()
    assert all(before[path] != after[path] for path in before)
    assert whole(folder)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.glob("*/*.key"))


@pytest.mark.parametrize("lost", sorted(FILES))
def test_half_made_certificates_are_named_and_mended(tmp_path, lost):
    folder = hospital.make_certificates(tmp_path / "new")
    (folder / lost).unlink()
    with pytest.raises(FileExistsError, match="renew=True"):
        hospital.make_certificates(folder)
    with pytest.raises(FileNotFoundError, match=rf"{lost}: no such certificate.*renew=True"):
        whole(folder)
    hospital.make_certificates(folder, renew=True)
    assert whole(folder) and made(folder) == FILES


@pytest.mark.parametrize("cut", sorted(name for name in FILES if name.startswith("keys/")))
def test_cut_certificates_are_named_and_mended(tmp_path, cut):
    folder = hospital.make_certificates(tmp_path / "new")
    content = (folder / cut).read_bytes()
    (folder / cut).write_bytes(content[: len(content) // 2])
    with pytest.raises(HospitalError, match=rf"{cut}.*renew=True"):
        whole(folder)
    hospital.make_certificates(folder, renew=True)
    assert whole(folder)


def test_renewal_that_was_killed_in_the_middle_is_named_and_mended(tmp_path):
    """Old and new files lie side by side."""
    folder = hospital.make_certificates(tmp_path / "new")
    other = hospital.make_certificates(tmp_path / "other")
    shutil.copy(other / "keys" / "authority.pem", folder / "keys" / "authority.pem")
    with pytest.raises(HospitalError, match=r"keys/.*signed by another authority.*renew=True"):
        whole(folder)
    hospital.make_certificates(folder, renew=True)
    assert whole(folder)


def test_certificates_of_version_0_1_are_told_what_to_do(tmp_path):
    """They lay in the folder itself, and had no roles."""
    folder = hospital.make_certificates(tmp_path / "old")
    for path in (folder / "dicom").iterdir():
        shutil.move(path, folder)
    with pytest.raises(FileNotFoundError, match=r"no such certificate.*renew=True"):
        tls_context(folder, "pacs", server=True)
    hospital.make_certificates(folder, renew=True)
    assert whole(folder)


def test_two_programs_that_make_certificates_make_one_set(tmp_path):
    results = []

    def make():
        try:
            results.append(hospital.make_certificates(tmp_path / "new"))
        except FileExistsError as error:
            results.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(not isinstance(result, FileExistsError) for result in results) == 1
    assert whole(tmp_path / "new")


@pytest.mark.slow
def test_running_parts_go_on_after_renewal_and_old_certificates_are_worth_nothing(tmp_path):
    folder = hospital.make_certificates(tmp_path / "ours")
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with (
        hospital.KeyServer(store, random_keys(), folder) as server,
        hospital.SmallPacs(tmp_path / "pacs", folder) as archive,
    ):
        sender = modality(tmp_path / "outbox", folder, server.port, archive.port)
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, folder, "workstation"),
            hospital.PacsClient(archive.port, folder, "workstation"),
        )
        delivery = send(sender, image_of(noise(8, 8)))
        stolen = shutil.copytree(folder, tmp_path / "stolen")
        hospital.make_certificates(folder, renew=True)
        assert opened(workstation, delivery)
        send(sender, image_of(noise(8, 8)))
        with pytest.raises(HospitalError, match="signed by another authority"):
            hospital.KeyClient(server.port, stolen, "workstation").get(delivery.key_identifier)
        with pytest.raises(HospitalError, match="signed by another authority"):
            hospital.PacsClient(archive.port, stolen, "workstation").find()


def test_running_parts_go_on_during_a_renewal(tmp_path, caplog):
    """A set that is not whole yet is not used, and said."""
    folder = hospital.make_certificates(tmp_path / "ours")
    server = tls_context(folder, "key-server", server=True)
    client = tls_context(folder, "modality", server=False)
    other = hospital.make_certificates(tmp_path / "other")
    shutil.copy(other / "keys" / "authority.pem", folder / "keys" / "authority.pem")
    assert talk(server, client) == {}
    assert "changed certificates are not used" in caplog.text
    shutil.copytree(other, folder, dirs_exist_ok=True)
    assert talk(server, client) == {}
    assert talk(server, tls_context(other, "modality", server=False)) == {}
