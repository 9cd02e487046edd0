"""Which key has encrypted which image, in one SQLite file, so that no key encrypts a second one.

What counts is a key's bytes, not its file: a key that was copied, renamed or made again is the same
key. A use is on the disk before the ciphertext is. Of two processes one waits for the other, and
what a killed one had not finished is undone when the file is opened next.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

BESIDE_KEY = "used-keys.sqlite"
"""Name of the registry in a key file's folder, which is used where no other is named."""

WAIT = 10.0
"""Seconds to wait for another process that writes."""


def uses(path: str | os.PathLike[str], parts: Iterable[str]) -> set[str]:
    """Return the ciphertexts that a key, or a part of it, has made.

    Parameters
    ----------
    path : path-like
        The registry. None has been used where there is none.
    parts : iterable of str
        `dkg.cipher.key_identifier` of each 256 x 256 x 3 part of the key.

    Returns
    -------
    set of str
        The ciphertexts' authentication tags.

    Raises
    ------
    OSError
        If the file cannot be read or is no registry.
    """
    if not Path(path).exists():
        return set()
    with _open(path) as database:
        return _uses(database, parts)


def claim(
    path: str | os.PathLike[str], parts: Iterable[str], tag: str, *, allow_reuse: bool = False
) -> set[str]:
    """Record that a key is about to make a ciphertext, unless it has made another one.

    Parameters
    ----------
    path : path-like
        The registry; made, for its owner only, if it is not there.
    parts : iterable of str
        `dkg.cipher.key_identifier` of each 256 x 256 x 3 part of the key.
    tag : str
        The ciphertext's authentication tag. The same image and key have the same one.
    allow_reuse : bool
        Record it although there are others.

    Returns
    -------
    set of str
        The tags of the other ciphertexts that the key, or a part of it, has made. Unless it is
        empty or reuse is allowed, nothing was recorded.

    Raises
    ------
    OSError
        If the file cannot be read or written, is no registry, or another process holds it for
        longer than `WAIT`.
    """
    parts = list(parts)
    # Made with its final mode, so that nobody else can open it first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with _open(path) as database:
        # Nobody else writes between the question and the answer.
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


def _uses(database: sqlite3.Connection, parts: Iterable[str]) -> set[str]:
    if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'uses'").fetchone():
        return set()  # Its maker was killed before the first use.
    return {
        tag
        for part in parts
        for (tag,) in database.execute("SELECT tag FROM uses WHERE part = ?", (part,))
    }


@contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """Open the file; transactions are begun and ended by hand."""
    try:
        with closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as database:
            # With EXTRA what was committed survives a power cut.
            database.execute("PRAGMA synchronous = EXTRA")
            yield database
    except sqlite3.Error as error:
        raise OSError(f"{path}: the registry of used keys failed: {error}") from error
