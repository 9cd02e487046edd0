"""A registry of used keys in an SQLite file, so that no key encrypts two images.

A key is recognized by its bytes, so that a copied, renamed or regenerated key file is the same key.
A use is on the disk before the ciphertext is. A process waits while another one writes, and the
unfinished transaction of a killed process is rolled back when the file is next opened. A file that
is not a registry, that other users may read, or that another process locks for longer
than `WAIT`, raises an OSError.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dkg.storage.files import check_private

BESIDE_KEY = "used-keys.sqlite"
"""Name of the registry in a key file's folder."""

WAIT = 10.0
"""Seconds to wait while another process writes."""


def uses(path: str | os.PathLike[str], parts: Iterable[str]) -> set[str]:
    """Return the tags of the ciphertexts for which a key, or a part of it, was used.

    Parameters
    ----------
    path : path-like
        The registry. If it does not exist, no key has been used.
    parts : iterable of str
        `dkg.encryption.key_identifier` of each 256 x 256 x 3 part of the key.
    """
    if not Path(path).exists():
        return set()
    _check(path)
    with _open(path) as database:
        return _uses(database, parts)


def claim(
    path: str | os.PathLike[str], parts: Iterable[str], tag: str, *, allow_reuse: bool = False
) -> set[str]:
    """Record that a key is about to be used, unless it was used for another ciphertext.

    Parameters
    ----------
    path : path-like
        The registry; created, readable only by its owner, if it does not exist.
    parts : iterable of str
        As in `uses`.
    tag : str
        The ciphertext's authentication tag. The same image and key give the same tag.
    allow_reuse : bool
        Record the use even if the key was used for other ciphertexts.

    Returns
    -------
    set of str
        The tags of the other ciphertexts for which the key, or a part of it, was used. If there
        are any and reuse is not allowed, nothing was recorded.
    """
    parts = list(parts)
    # Created with its final mode, so that nobody else can open it first.
    if not Path(path).is_dir():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    _check(path)
    with _open(path) as database:
        # No other process writes between the query and the insertion.
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "CREATE TABLE IF NOT EXISTS uses (part TEXT, tag TEXT, time TEXT NOT NULL,"
            " PRIMARY KEY (part, tag)) WITHOUT ROWID"
        )
        others = _uses(database, parts) - {tag}
        if others and not allow_reuse:
            database.execute("ROLLBACK")
            return others
        time = datetime.now(UTC).isoformat(timespec="seconds")
        database.executemany(
            "INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", [(part, tag, time) for part in parts]
        )
        database.execute("COMMIT")
    return others


def _check(path: str | os.PathLike[str]) -> None:
    """Refuse a path that is not a file, or a file that others may read or change."""
    if not Path(path).is_file():
        raise OSError(f"{path}: no file, as the registry of used keys must be")
    check_private(path)


def _uses(database: sqlite3.Connection, parts: Iterable[str]) -> set[str]:
    if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'uses'").fetchone():
        return set()  # The process that created it was killed before the first use.
    return {
        tag
        for part in parts
        for (tag,) in database.execute("SELECT tag FROM uses WHERE part = ?", (part,))
    }


@contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """Open the file; transactions are begun and ended explicitly."""
    try:
        # An absolute path, as SQLite keeps ":memory:" in memory.
        name = Path(path).absolute()
        with closing(sqlite3.connect(name, timeout=WAIT, isolation_level=None)) as database:
            # With EXTRA, committed transactions survive a power cut.
            database.execute("PRAGMA synchronous = EXTRA")
            yield database
    except sqlite3.Error as error:
        raise OSError(f"{path}: the registry of used keys failed: {error}") from error
