"""The key store, and the record of uses by which an old copy of it is recognized."""

import hashlib
import shutil
import sqlite3
import stat

import numpy as np
import pytest

from dkg import cipher, hospital
from dkg.hospital import HospitalError, KeyReuseError, LostKeysError, append_only

from .parts import name_of, random_keys, some_keys


def test_store_is_for_its_owner_only_and_keeps_keys(tmp_path):
    path = tmp_path / "keys.sqlite"
    keys = some_keys(3)
    identifier = hospital.KeyStore(path).add(name_of("an image"), keys)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identifier == cipher.key_identifier(keys)
    again = hospital.KeyStore(path)
    np.testing.assert_array_equal(again.get(identifier), keys)
    np.testing.assert_array_equal(again.of_image(name_of("an image")), keys)
    assert again.get(name_of("another")) is None and again.of_image(name_of("another")) is None
    assert len(again) == 3


def test_store_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "keys.sqlite"
    hospital.KeyStore(path)
    path.chmod(0o640)
    with pytest.raises(HospitalError, match=r"keys\.sqlite.*mode 640"):
        hospital.KeyStore(path)


def test_another_file_is_no_store(tmp_path):
    path = tmp_path / "keys.sqlite"
    path.write_bytes(b"not a database, but long enough to have a header of one" * 10)
    path.chmod(0o600)
    with pytest.raises(HospitalError, match=r"keys\.sqlite: not a key store"):
        hospital.KeyStore(path)


def test_a_key_is_used_for_one_image_only(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    first, second, third = some_keys(3)
    store.add(name_of("first"), np.stack([first, second]))
    for image, keys in (
        ("another", [first, second]),  # The same key.
        ("another", [second]),  # A part of it, as a key.
        ("another", [third, first]),  # A part of it, within another key.
        ("first", [third]),  # A second key for the same image.
    ):
        with pytest.raises(KeyReuseError, match="one image only"):
            store.add(name_of(image), np.stack(keys))
        assert len(store) == 2
    store.add(name_of("another"), third[None])
    assert len(store) == 3


# --- Mixing in random bytes


def test_mix_is_shake_256_of_the_random_bytes_the_image_and_the_number():
    keys, random, image = some_keys(3), bytes(range(32)), name_of("image")
    mixed = hospital.mix(keys, random, image)
    for number in range(3):
        data = b"dkg hospital key 1\0" + random + bytes.fromhex(image) + bytes(7) + bytes([number])
        stream = hashlib.shake_256(data).digest(cipher.KEY_BYTES)
        expected = bytes(a ^ b for a, b in zip(keys[number].tobytes(), stream, strict=True))
        assert mixed[number].tobytes() == expected
    np.testing.assert_array_equal(hospital.mix(mixed, random, image), keys)


def test_mix_differs_for_two_images_although_the_random_generator_repeats_itself():
    keys, random = some_keys(1), bytes(32)
    first, second = (hospital.mix(keys, random, name_of(text)) for text in "ab")
    assert np.count_nonzero(first == second) < 1000  # By chance 768 +- 28.


def test_tag_secret_is_shake_256_of_the_random_bytes_and_the_image(tmp_path):
    store, random, image = hospital.KeyStore(tmp_path / "keys.sqlite"), bytes(32), name_of("image")
    record = store.record(store.add(image, some_keys(), random=random))
    data = b"dkg hospital tag secret 1\0" + random + bytes.fromhex(image)
    assert record.tag_secret == hashlib.shake_256(data).digest(32)
    assert repr(random)[2:-1] not in repr(record), "it is as secret as the key"


@pytest.mark.parametrize(
    ("random", "image"), [(bytes(31), "0" * 64), (b"", "0" * 64), (bytes(32), "0" * 63)]
)
def test_mix_refuses_too_few_random_bytes_and_what_is_no_hash(random, image):
    with pytest.raises(ValueError, match=r"expected"):
        hospital.mix(some_keys(1), random, image)


# --- The record of uses


def made(store, count, start=0):
    """Make keys of images, and return their identifiers."""
    return [store.add(name_of(f"image {i}"), some_keys()) for i in range(start, start + count)]


def test_every_use_is_a_line_of_the_record_and_the_record_is_private(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    identifiers = [*made(store, 2), store.add(name_of("large"), some_keys(3))]
    assert store.uses == tmp_path / "keys.sqlite.uses"
    assert stat.S_IMODE(store.uses.stat().st_mode) == 0o600
    lines = [line.split() for line in store.uses.read_text().splitlines()]
    assert [line[-1] for line in lines] == identifiers
    assert [line[1] for line in lines] == ["0001", "0001", "0003"]
    text = store.uses.read_text()
    assert name_of("large") not in text, "a modality could ask for the key with it"
    store.uses.chmod(0o644)
    with pytest.raises(HospitalError, match=r"uses.*mode 644"):
        hospital.KeyStore(store.path)


def test_a_store_restored_from_an_older_backup_is_refused_until_the_loss_is_accepted(tmp_path):
    path, backup = tmp_path / "keys.sqlite", tmp_path / "backup.sqlite"
    store = hospital.KeyStore(path)
    [kept] = made(store, 1)
    store.backup(backup)
    lost = made(store, 2, start=1)
    shutil.copy(backup, path)
    with pytest.raises(LostKeysError, match=r"older than its record.*lacks 2 keys.*newest backup"):
        hospital.KeyStore(path)

    restored = hospital.KeyStore(path, accept_lost=True)
    assert len(restored) == 1 and restored.get(kept) is not None
    for identifier in lost:
        with pytest.raises(LostKeysError, match=f"{identifier[:16]} was lost"):
            restored.get(identifier)
    assert restored.of_image(name_of("image 1")) is None, "it gets a new key"
    more = made(restored, 2, start=1)
    again = hospital.KeyStore(path)  # No loss is left to accept.
    assert len(again) == 3 and all(again.get(identifier) is not None for identifier in more)


@pytest.mark.parametrize("gone", [False, True])
def test_a_store_that_is_swapped_while_the_server_runs_gives_no_key(tmp_path, certificates, gone):
    path, backup = tmp_path / "keys.sqlite", tmp_path / "backup.sqlite"
    store = hospital.KeyStore(path)
    store.backup(backup)
    with hospital.KeyServer(store, random_keys(), certificates) as server:
        client = hospital.KeyClient(server.port, certificates, "modality")
        client.make(name_of("image 1"), 1)
        path.unlink() if gone else shutil.copy(backup, path)
        with pytest.raises(HospitalError, match=r"the key store failed|older than its record"):
            client.make(name_of("image 2"), 1)


def test_removed_store_is_refused_and_removed_record_is_made_again(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    identifiers = made(store, 2)
    store.uses.unlink()
    hospital.KeyStore(store.path)
    assert [line.split()[-1] for line in store.uses.read_text().splitlines()] == identifiers
    store.path.unlink()
    with pytest.raises(LostKeysError, match="lacks 2 keys"):
        hospital.KeyStore(store.path)


def test_record_on_another_disk(tmp_path):
    (tmp_path / "other").mkdir()
    uses = tmp_path / "other" / "uses"
    [identifier] = made(hospital.KeyStore(tmp_path / "keys.sqlite", uses=uses), 1)
    assert identifier in uses.read_text() and not (tmp_path / "keys.sqlite.uses").exists()


def test_a_line_cut_by_a_kill_is_left_and_its_key_noted_again(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    first, second = made(store, 2)
    whole = store.uses.read_bytes()
    for cut in (1, 40, 94):
        store.uses.write_bytes(whole[:-cut])
        again = hospital.KeyStore(store.path)
        third = made(again, 1, start=10 + cut)[0]
        names = [line.split()[-1] for line in store.uses.read_text().splitlines()]
        assert {first, second, third} <= set(names), cut
        hospital.KeyStore(store.path)


def test_lines_that_were_shortened_do_not_hide_that_a_store_is_old(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    made(store, 1)
    store.backup(tmp_path / "old")
    made(store, 3, start=1)
    lines = store.uses.read_text().splitlines()
    shutil.copy(tmp_path / "old", store.path)
    for shortened in (
        [lines[0], lines[1][:50], lines[2][:50], lines[3][:50]],
        [lines[0], lines[1][:50], lines[3]],
        [lines[0], "", lines[3]],
    ):
        store.uses.write_text("".join(f"{line}\n" for line in shortened))
        with pytest.raises(HospitalError, match="line 2 is damaged"):
            hospital.KeyStore(store.path)
    for end in ("", "\n"):
        store.uses.write_text(f"{lines[0]}\n{lines[1][:50]}{end}")
        with pytest.raises(LostKeysError, match="lacks 1 key, "):
            hospital.KeyStore(store.path)
        hospital.KeyStore(store.path, accept_lost=True)
        again = hospital.KeyStore(store.path)  # It is said once, and no line is taken away.
        assert store.uses.read_text().startswith(f"{lines[0]}\n{lines[1][:50]}\n{lines[1][:50]}0")
        made(again, 1, start=10)
        hospital.KeyStore(store.path)
        shutil.copy(tmp_path / "old", store.path)


def test_a_damaged_line_of_the_record_is_refused(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    made(store, 2)
    content = bytearray(store.uses.read_bytes())
    content[60] = ord("x")
    store.uses.write_bytes(content)
    with pytest.raises(HospitalError, match="line 1 is damaged"):
        hospital.KeyStore(store.path)


def test_a_key_whose_use_could_not_be_noted_is_not_given_out_before_it_is(tmp_path, monkeypatch):
    """The disk of the record is full; the key is in the store by then."""
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    made(store, 1)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("dkg.hospital.key_store.append", full)
        for call in (lambda: store.add(name_of("next"), some_keys()),
                     lambda: store.of_image(name_of("next"))):  # fmt: skip
            with pytest.raises(OSError, match="No space left"):
                call()
    key = store.of_image(name_of("next"))
    assert cipher.key_identifier(key) in store.uses.read_text()
    assert len(store.uses.read_text().splitlines()) == 2


def test_a_write_that_falls_short_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(append_only.os, "write", lambda file, data: len(data) - 1)
    with pytest.raises(OSError, match=r"log: 4 of 5 bytes were written"):
        append_only.append(tmp_path / "log", b"line\n")


def test_two_processes_on_one_store_note_every_use_once(tmp_path):
    first = hospital.KeyStore(tmp_path / "keys.sqlite")
    second = hospital.KeyStore(tmp_path / "keys.sqlite")
    identifiers = [made(store, 1, start=i)[0] for i, store in enumerate([first, second] * 3)]
    names = [line.split()[-1] for line in first.uses.read_text().splitlines()]
    assert names == identifiers


def test_a_store_of_version_0_2_is_read(tmp_path):
    path, key = tmp_path / "keys.sqlite", some_keys(1)
    identifier = cipher.key_identifier(key)
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE keys (identifier TEXT PRIMARY KEY,"
            " image TEXT NOT NULL UNIQUE, made TEXT NOT NULL, key BLOB NOT NULL);"
            "CREATE TABLE parts (part TEXT PRIMARY KEY,"
            " identifier TEXT NOT NULL REFERENCES keys);"
        )
        row = (identifier, name_of("old"), "2026-11-23T18:09:29+00:00", key.tobytes())
        database.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", row)
        database.execute("INSERT INTO parts VALUES (?, ?)", (identifier, identifier))
    path.chmod(0o600)
    store = hospital.KeyStore(path)
    np.testing.assert_array_equal(store.get(identifier), key)
    assert store.record(identifier).random == b"" and store.record(identifier).tag_secret is None
    assert identifier in store.uses.read_text()
    made(store, 1)
    assert len(hospital.KeyStore(path)) == 2


def test_a_backup_is_whole_private_and_replaces_nothing(tmp_path):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    identifiers = made(store, 2)
    store.backup(tmp_path / "copy.sqlite")
    assert stat.S_IMODE((tmp_path / "copy.sqlite").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        store.backup(tmp_path / "copy.sqlite")
    copy = hospital.KeyStore(tmp_path / "copy.sqlite", uses=store.uses)
    for identifier in identifiers:
        np.testing.assert_array_equal(copy.get(identifier), store.get(identifier))
