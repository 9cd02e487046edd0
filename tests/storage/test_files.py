"""Nothing is ever half-written under its final name."""

import errno
from pathlib import Path

import pytest

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
