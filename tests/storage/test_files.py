"""Nothing is ever half-written under its final name."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dkg.storage import files
from dkg.storage.files import atomic


def test_a_whole_file_gets_its_name(tmp_path):
    with atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OSError, match="full"), atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("ha")
        raise OSError("disk full")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_no_file_is_replaced_unless_asked_to(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    with atomic(tmp_path / "a.txt", overwrite=False) as temporary:
        temporary.write_text("first")
        temporary.chmod(0o600)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600
    with (
        pytest.raises(FileExistsError) as caught,
        atomic(tmp_path / "a.txt", overwrite=False) as temporary,
    ):
        temporary.write_text("second")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_names_the_file_and_not_its_temporary_name(tmp_path):
    with pytest.raises(OSError) as caught, atomic(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "none" / "a.txt") as file:
        file.write_text("a")
    assert caught.value.filename == str(tmp_path / "none" / "a.txt")
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "a.txt"):
        (tmp_path / "other.txt").read_text()
    assert caught.value.filename == str(tmp_path / "other.txt")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot flush a folder")
@pytest.mark.parametrize("overwrite", [True, False])
def test_the_folder_is_flushed_after_the_file_and_its_new_name(tmp_path, monkeypatch, overwrite):
    done, target = [], tmp_path / "a.txt"
    fsync = os.fsync

    def note_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        done.append((kind, target.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note_fsync)
    with atomic(target, overwrite=overwrite) as temporary:
        temporary.write_text("whole")
    assert done == [("file", False), ("folder", True)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path, monkeypatch):
    real = os.fsync

    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    with atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_private_file_is_private_from_its_first_byte_on(tmp_path):
    with atomic(tmp_path / "key", private=True) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        assert temporary.stat().st_size == 0
        temporary.write_bytes(b"secret")
    files.check_private(tmp_path / "key")
    with pytest.raises(FileExistsError):
        files.create_private(tmp_path / "key")
    for mode in (0o601, 0o610, 0o640, 0o604, 0o666):
        (tmp_path / "key").chmod(mode)
        with pytest.raises(PermissionError, match=rf"key: others .*mode {mode:o}.*chmod 600"):
            files.check_private(tmp_path / "key")
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError, match="chmod 700"):
        files.check_private(tmp_path)


@pytest.mark.parametrize("length", [1, 241, 242, 255])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, length):
    path = tmp_path / ("a" * length)
    for overwrite in (False, True):
        with atomic(path, overwrite=overwrite) as temporary:
            temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_a_sweep_removes_what_killed_programs_left_and_nothing_else(tmp_path):
    kill = "import os, sys; from dkg.storage.files import atomic\n"
    kill += "with atomic(sys.argv[1], private=True) as file:\n"
    kill += "    file.write_text('half'); os._exit(9)"
    subprocess.run([sys.executable, "-c", kill, tmp_path / "a.txt"], check=False)
    (left,) = tmp_path.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o600 or os.name == "nt"
    kept = [tmp_path / name for name in (".dkg.tmp", "a.tmp", ".dkg-settings", "a.txt")]
    for path in kept:
        path.write_text("kept")
    assert files.sweep(tmp_path) == [left]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert files.sweep(tmp_path) == []
