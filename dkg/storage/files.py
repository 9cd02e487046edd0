"""Atomic writing: no file is ever half-written under its final name."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Write a file under a temporary name, and rename it when it is complete.

    Parameters
    ----------
    path : path-like
        The final name; its folder must exist.
    overwrite : bool
        Replace an existing file. If false, no file is ever replaced, not even one that another
        process creates in the meantime, provided that the file system supports hard links.

    Yields
    ------
    pathlib.Path
        A temporary name in the same folder to write to. The file is flushed to the disk and
        renamed at the end of the ``with`` block, or removed if the block raises.

    Raises
    ------
    FileExistsError
        If the file exists and is not to be replaced.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            _rename(temporary, path)
    except OSError as error:
        # The error of a full disk has no name, and the temporary name means nothing to users.
        if error.filename in (None, str(temporary)) and error.errno is not None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    """Give a file its final name unless there is such a file already."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
    except OSError as error:
        # FAT and some network drives do not support links.
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)
