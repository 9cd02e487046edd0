"""The key store of the key server, and the record of uses by which an old copy of it is recognized.

Every key that leaves the store is first noted in the *record of uses*: a text file that grows by a
line per key, outside the key store. A key store that lacks a key of the record was restored from a
backup that is too old, and is refused.
"""

import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import KEY_BYTES, KEY_SHAPE
from dkg.encryption import key_identifier
from dkg.hospital.append_only import append, create_or_check
from dkg.hospital.connections import TIMEOUT, HospitalError
from dkg.hospital.mixing import tag_secret
from dkg.storage.files import sync_folder

_COLUMNS = ("random BLOB", "sources TEXT", "caller TEXT", "about TEXT")  # New in version 0.3.
_USE = re.compile(r"(\S{25}) (\d{4}) ([0-9a-f]{64})")
_USE_LENGTH = 25 + 1 + 4 + 1 + 64
_UNKNOWN = f"0000-00-00T00:00:00+00:00 0000 {'0' * 64}"  # What a line is completed with.


class KeyReuseError(HospitalError):
    """A key, or a part of it, belongs to another image already."""


class LostKeysError(HospitalError):
    """The key store is older than its record of uses, or a key was lost with a newer one."""


@dataclass(frozen=True)
class KeyRecord:
    """What the store knows of a key, without the key.

    Attributes
    ----------
    image : str
        SHA-256 of the image's file, in hexadecimal.
    made : str
        When it was made, ISO 8601 in UTC.
    random : bytes
        The 32 random bytes that were mixed in, or none for a key of version 0.2; ``repr`` leaves
        them out, since they are as secret as the key.
    sources : tuple of str
        `dkg.encryption.key_identifier` of each of the network's keys that went in.
    caller : str
        SHA-256 of the certificate that asked for it, in hexadecimal.
    about : dict of str to str
        UIDs of the image, by their DICOM keywords.
    """

    image: str
    made: str
    random: bytes = field(repr=False)
    sources: tuple[str, ...]
    caller: str
    about: dict[str, str]

    @property
    def tag_secret(self) -> bytes | None:
        """The tag secret as `dkg.hospital.mixing.tag_secret`, or None for a key of version 0.2."""
        return tag_secret(self.random, self.image) if self.random else None


class KeyStore:
    """The keys of all images, in an SQLite file that only its owner may read.

    Parameters
    ----------
    path : path-like
        The file; made if it is not there. The system must keep its content: a lost key is a lost
        image.
    uses : path-like, optional
        The record of uses; default the store's name and ``.uses``. It holds identifiers of keys,
        and no key. Put it on another disk than the store, or at least out of the store's backup: a
        record that is restored together with the store does not show that both are old.
    accept_lost : bool, default False
        Open a store that lacks keys of the record. They are marked as lost: images that they
        encrypted cannot be opened.

    Raises
    ------
    LostKeysError
        If the store is older than the record of uses.
    HospitalError
        If a file is no key store or no record of uses, or if other users may read or
        write it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        uses: str | os.PathLike[str] | None = None,
        accept_lost: bool = False,
    ):
        self.path = Path(path)
        self.uses = Path(uses) if uses else self.path.with_name(f"{self.path.name}.uses")
        # SQLite's own lock makes threads sleep and try again, and is not fair.
        self._writing = threading.Lock()
        for file in (self.path, self.uses):
            create_or_check(file)
        try:
            with closing(self._connect()) as database:
                _make_tables(database)
                self._reconcile(database, accept_lost)
        except sqlite3.DatabaseError as error:
            raise HospitalError(f"{self.path}: not a key store: {error}") from error

    def add(
        self,
        image: str,
        keys: NDArray[np.uint8],
        *,
        random: bytes = b"",
        sources: Sequence[str] = (),
        caller: str = "",
        about: Mapping[str, str] | None = None,
    ) -> str:
        """Keep the key of an image, named by its SHA-256 in hexadecimal, for good.

        Parameters
        ----------
        image : str
            SHA-256 of the image's file, in hexadecimal.
        keys : ndarray of uint8, shape (n, 256, 256, 3)
            The key.
        random, sources, caller, about
            As in `KeyRecord`.

        Returns
        -------
        str
            `dkg.encryption.key_identifier` of the key. The key and its use are on the disk by then.

        Raises
        ------
        KeyReuseError
            If the image has a key already, or any of the n parts belongs to another key.
        CipherError
            If `keys` has another type or shape, or holds the same part twice.
        LostKeysError
            If the store is older than the record of uses.
        """
        identifier = key_identifier(keys)
        parts = [(key_identifier(one[None]), identifier) for one in keys]
        row = (identifier, image, _now(), np.ascontiguousarray(keys).data)
        more = (random, json.dumps(list(sources)), caller, json.dumps(dict(about or {})))
        with closing(self._connect()) as database:
            self._check_last(database)
            try:
                with self._writing, database:
                    database.execute("INSERT INTO keys VALUES (?,?,?,?,?,?,?,?)", row + more)
                    database.executemany("INSERT INTO parts VALUES (?, ?)", parts)
            except sqlite3.IntegrityError as error:
                raise KeyReuseError(
                    f"key {identifier[:16]}: this key, or a part of it, belongs to an image "
                    "already, or the image has a key; a key is used for one image only"
                ) from error
            self._note_uses(database)
        return identifier

    def get(self, identifier: str) -> NDArray[np.uint8] | None:
        """Return the key of an identifier, or None if there is none.

        Raises
        ------
        LostKeysError
            If there was one, and it was lost with a newer key store.
        """
        return self._key("identifier", identifier)

    def of_image(self, image: str) -> NDArray[np.uint8] | None:
        """Return the key of an image, or None if it has none; its use is on the disk by then."""
        return self._key("image", image)

    def record(self, identifier: str) -> KeyRecord | None:
        """Return what is known of a key, or None if there is none of this identifier."""
        columns = "image, made, random, sources, caller, about"
        with closing(self._connect()) as database:
            row = database.execute(
                f"SELECT {columns} FROM keys WHERE identifier = ?", (identifier,)
            ).fetchone()
        if row is None:
            return None
        image, made, random, sources, caller, about = row
        names = tuple(json.loads(sources or "[]"))
        return KeyRecord(image, made, random or b"", names, caller or "", json.loads(about or "{}"))

    def made_for(self, caller: str, period: timedelta) -> int:
        """Return how many keys of 196,608 bytes a certificate had made in the last period."""
        since = (datetime.now(UTC) - period).isoformat(timespec="seconds")
        with closing(self._connect()) as database:
            return _count(database, "WHERE caller = ? AND made >= ?", caller, since)

    def backup(self, target: str | os.PathLike[str]) -> None:
        """Copy the store while it is in use, to a new file that only its owner may read.

        Raises
        ------
        FileExistsError
            If the file exists.
        """
        target = Path(target)
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(self._connect()) as database, closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA synchronous = EXTRA")
            database.backup(copy)
        sync_folder(target.parent)

    def __len__(self) -> int:
        """Return the number of keys of 196,608 bytes; a large image has several."""
        with closing(self._connect()) as database:
            return _count(database)

    def _key(self, column: str, name: str) -> NDArray[np.uint8] | None:
        with closing(self._connect()) as database:
            query = f"SELECT rowid, length(key) FROM keys WHERE {column} = ?"
            row = database.execute(query, (name,)).fetchone()
            if row is None:
                return None
            self._note_uses(database)
            if not row[1]:
                raise LostKeysError(
                    f"key {name[:16]} was lost: the key store was restored from an older backup"
                )
            keys = np.empty((row[1] // KEY_BYTES, *KEY_SHAPE), np.uint8)
            # Key by key: SQLite would have a copy of them all.
            with database.blobopen("keys", "key", row[0], readonly=True) as blob:
                for key in keys:
                    key[:] = np.frombuffer(blob.read(KEY_BYTES), np.uint8).reshape(KEY_SHAPE)
        return keys

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=TIMEOUT)
        # With EXTRA a committed key survives a power cut. A journal that is kept saves two flushes.
        database.execute("PRAGMA synchronous = EXTRA")
        database.execute("PRAGMA journal_mode = TRUNCATE")
        return database

    def _note_uses(self, database: sqlite3.Connection) -> None:
        """Append every key to the record of uses that it lacks."""
        newest = database.execute("SELECT identifier FROM keys ORDER BY rowid DESC LIMIT 1")
        if newest.fetchone()[0] == self._last_use():
            return
        # Keys of others that wait here are noted along with the own.
        with self._writing, _locked(database):
            row = self._check_last(database)
            new = database.execute(
                "SELECT made, length(key) / ?, identifier FROM keys WHERE rowid > ? ORDER BY rowid",
                (KEY_BYTES, row),
            )
            if lines := "".join(f"{made} {n:04} {name}\n" for made, n, name in new):
                append(self.uses, lines.encode())

    def _check_last(self, database: sqlite3.Connection) -> int:
        """Refuse a store that lacks the last key of the record; return that key's row."""
        last = self._last_use()
        if last is None:
            return 0
        row = database.execute("SELECT rowid FROM keys WHERE identifier = ?", (last,)).fetchone()
        if row is None:
            raise LostKeysError(self._older(1, last))
        return int(row[0])

    def _last_use(self) -> str | None:
        whole = [line for line in self._tail() if len(line) == _USE_LENGTH]
        return whole[-1][-64:] if whole else None

    def _tail(self) -> list[str]:
        """Return the last lines of the record of uses."""
        with self.uses.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 16 * _USE_LENGTH))
            return file.read().decode("ascii", "replace").split("\n")

    def _all_uses(self) -> Iterator[tuple[str, str]]:
        """Yield the time and the identifier of every key of the record of uses."""
        cut = ""
        with self.uses.open(encoding="ascii", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                line = line.rstrip("\n")
                # A line that was cut by a kill is the last one, or is there again, below.
                if not line.startswith(cut):
                    raise HospitalError(f"{self.uses}: line {number - 1} is damaged")
                cut = ""
                if use := _USE.fullmatch(line):
                    yield use[1], use[3]
                elif 0 < len(line) < _USE_LENGTH:
                    cut = line
                else:
                    raise HospitalError(f"{self.uses}: line {number} is damaged")

    def _cut_use(self) -> str:
        """Return the last line of the record of uses if it was cut, else an empty text."""
        last = next((line for line in reversed(self._tail()) if line), "")
        return last if len(last) < _USE_LENGTH else ""

    def _reconcile(self, database: sqlite3.Connection, accept_lost: bool) -> None:
        """Compare the store with the record of uses, and bring the record up to date."""
        with _locked(database):
            database.execute("CREATE TEMP TABLE seen (identifier TEXT PRIMARY KEY, made TEXT)")
            database.executemany(
                "INSERT OR IGNORE INTO seen (made, identifier) VALUES (?, ?)", self._all_uses()
            )
            lines = self._new_uses(database)
            # The key of a line that was cut is in the store before, and is the first to be noted.
            cut = self._cut_use()
            if not "".join(lines).startswith(cut):
                use = _USE.fullmatch(cut + _UNKNOWN[len(cut) :])
                if use is None:
                    raise HospitalError(f"{self.uses}: the last line is damaged")
                database.execute(
                    "INSERT INTO seen (made, identifier) VALUES (?, ?)", use.group(1, 3)
                )
                lines.insert(0, f"{use[0]}\n")
            missing = "FROM seen WHERE identifier NOT IN (SELECT identifier FROM keys)"
            [number] = database.execute(f"SELECT count(*) {missing}").fetchone()
            if number and not accept_lost:
                [first] = database.execute(f"SELECT identifier {missing} ORDER BY made").fetchone()
                raise LostKeysError(self._older(number, first))
            # An empty key stands for a lost one, so that its identifier is never used again.
            database.execute(
                "INSERT INTO keys (identifier, image, made, key)"
                f" SELECT identifier, 'lost ' || identifier, made, x'' {missing}"
            )
            if lines:
                append(self.uses, "".join(lines).encode())

    def _new_uses(self, database: sqlite3.Connection) -> list[str]:
        """Return the lines of the keys that are not in the table ``seen``."""
        new = database.execute(
            "SELECT made, length(key) / ?, identifier FROM keys"
            " WHERE identifier NOT IN (SELECT identifier FROM seen) ORDER BY rowid",
            (KEY_BYTES,),
        )
        return [f"{made} {n:04} {name}\n" for made, n, name in new]

    def _older(self, number: int, first: str) -> str:
        return (
            f"{self.path}: the key store is older than its record of uses, {self.uses}: it lacks "
            f"{number:,} key{'s'[: number > 1]}, the first of them {first[:16]}. Images encrypted "
            "with a lost key cannot be opened. Restore the newest backup of the key store; if "
            "there is none, accept the loss"
        )


def _make_tables(database: sqlite3.Connection) -> None:
    with _locked(database):
        database.execute(
            "CREATE TABLE IF NOT EXISTS keys (identifier TEXT PRIMARY KEY,"
            " image TEXT NOT NULL UNIQUE, made TEXT NOT NULL, key BLOB NOT NULL)"
        )
        database.execute(
            "CREATE TABLE IF NOT EXISTS parts (part TEXT PRIMARY KEY,"
            " identifier TEXT NOT NULL REFERENCES keys)"
        )
        present = {row[1] for row in database.execute("PRAGMA table_info(keys)")}
        for column in _COLUMNS:
            if column.split()[0] not in present:
                database.execute(f"ALTER TABLE keys ADD COLUMN {column}")
        database.execute("CREATE INDEX IF NOT EXISTS callers ON keys (caller, made)")


@contextmanager
def _locked(database: sqlite3.Connection) -> Iterator[None]:
    """Keep other processes from writing to the store."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        yield


def _count(database: sqlite3.Connection, where: str = "", *values: str) -> int:
    query = f"SELECT coalesce(sum(length(key)), 0) FROM keys {where}"
    return int(database.execute(query, values).fetchone()[0]) // KEY_BYTES


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
