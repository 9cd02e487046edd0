"""Writing files so that nothing is ever half-written under its final name."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Write a file under a temporary name and give it its final name only when it is whole.

    Parameters
    ----------
    path : path-like
        The final name; its folder must exist. An existing file is replaced.

    Yields
    ------
    pathlib.Path
        A temporary name in the same folder to write to. It is flushed to the disk and renamed at
        the end of the ``with`` block, or removed if the block raises.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
