"""The registry of used keys: one ciphertext for each key, whichever process writes."""

import os
import sqlite3
import stat
import threading

import pytest

from dkg.storage import registry


def test_a_key_and_its_parts_make_one_ciphertext(tmp_path):
    path = tmp_path / "registry.sqlite"
    assert registry.uses(path, ["a"]) == set() and not path.exists()
    assert registry.claim(path, ["a", "b"], "first") == set()
    assert registry.claim(path, ["a", "b"], "first") == set(), "the same image again"
    assert registry.claim(path, ["b", "c"], "second") == {"first"}
    assert registry.uses(path, ["c"]) == set(), "a refusal is no use"
    assert registry.claim(path, ["b", "c"], "second", allow_reuse=True) == {"first"}
    assert registry.uses(path, ["b"]) == {"first", "second"}
    assert registry.claim(path, ["d"], "third") == set()


def test_only_the_owner_can_read_it(tmp_path):
    registry.claim(tmp_path / "registry.sqlite", ["a"], "first")
    assert stat.S_IMODE((tmp_path / "registry.sqlite").stat().st_mode) == 0o600


def test_one_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "registry.sqlite"
    registry.claim(path, ["a"], "first")
    path.chmod(0o640)
    for call in (registry.uses, lambda *some: registry.claim(*some, "tag")):
        with pytest.raises(PermissionError, match=r"registry\.sqlite: others may .*mode 640"):
            call(path, ["a"])


def test_a_name_that_sqlite_keeps_in_memory_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry.claim(":memory:", ["a"], "first")
    assert registry.uses(":memory:", ["a"]) == {"first"}
    assert registry.uses(tmp_path / ":memory:", ["a"]) == {"first"}


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + bytes(2000)])
def test_another_file_is_no_registry(tmp_path, content):
    path = tmp_path / "registry.sqlite"
    path.write_bytes(content)
    path.chmod(0o600)
    for call in (registry.uses, lambda *some: registry.claim(*some, "tag")):
        with pytest.raises(OSError, match=r"registry\.sqlite: the registry of used keys failed"):
            call(path, ["a"])
    assert path.read_bytes() == content
    with pytest.raises(FileNotFoundError, match="missing"):
        registry.claim(tmp_path / "missing" / "registry.sqlite", ["a"], "tag")


def test_what_is_no_file_is_no_registry(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path, pipe):
        for call in (registry.uses, lambda *some: registry.claim(*some, "tag")):
            with pytest.raises(OSError, match="no file, as the registry of used keys must be"):
                call(path, ["a"])


def test_a_file_that_its_maker_left_empty_is_used(tmp_path):
    path = tmp_path / "registry.sqlite"
    path.touch(mode=0o600)
    assert registry.uses(path, ["a"]) == set()
    assert registry.claim(path, ["a"], "first") == set()
    assert registry.uses(path, ["a"]) == {"first"}


def test_another_process_that_writes_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "registry.sqlite"
    registry.claim(path, ["a"], "first")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO uses VALUES ('b', 'second', 'now')")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    assert registry.claim(path, ["b"], "third") == {"second"}
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(registry, "WAIT", 0.1)
    with pytest.raises(OSError, match="database is locked"):
        registry.claim(path, ["c"], "fourth")
    other.close()
