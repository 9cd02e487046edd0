"""Atomic and durable writing, private files, and a sweep of what killed programs left."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX, _SUFFIX = ".dkg-", ".tmp"


@contextmanager
def atomic(
    path: str | os.PathLike[str], *, overwrite: bool = True, private: bool = False
) -> Iterator[Path]:
    """Write a file under a temporary name, and rename it when it is complete.

    Parameters
    ----------
    path : path-like
        The final name; its folder must exist.
    overwrite : bool
        Replace an existing file. If false, no file is ever replaced, not even one that another
        process creates in the meantime, provided that the file system supports hard links.
    private : bool
        Only the owner may read the file, from its creation under the temporary name on.

    Yields
    ------
    pathlib.Path
        A temporary name in the same folder to write to. At the end of the ``with`` block the file
        is flushed to the disk and renamed, and the folder is flushed, so that the new name
        survives a power cut. The file is removed if the block raises.

    Raises
    ------
    FileExistsError
        If the file exists and is not to be replaced.
    """
    path = Path(path)
    # The name is short whatever the final name is, which may be as long as the file system allows.
    temporary = path.with_name(f"{_PREFIX}{secrets.token_hex(4)}{_SUFFIX}")
    try:
        if private:
            create_private(temporary)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            _rename(temporary, path)
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        # The error of a full disk has no name, and the temporary name means nothing to users.
        if error.filename in (None, str(temporary)) and error.errno is not None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Flush a folder to the disk, so that new, renamed and removed names in it last.

    Parameters
    ----------
    folder : path-like
        The folder. Nothing happens on file systems that cannot do it, and on Windows.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse to flush folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def create_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only its owner may read and write.

    Parameters
    ----------
    path : path-like
        The name of the file.

    Raises
    ------
    FileExistsError
        If there is such a file already.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def check_private(path: str | os.PathLike[str]) -> None:
    """Refuse a secret file that others may read or that belongs to another user.

    Parameters
    ----------
    path : path-like
        An existing file or folder. On Windows, where there is no such mode, nothing is checked.

    Raises
    ------
    PermissionError
        If its mode gives anything to its group or to others, or another user owns it.
    """
    if os.name == "nt":
        return
    status = Path(path).stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        wanted = mode & 0o700
        raise PermissionError(
            f"{path}: others may read or change it (mode {mode:o}). It is secret: run "
            f"chmod {wanted:o} on it"
        )
    if os.geteuid() not in (status.st_uid, 0):
        raise PermissionError(f"{path}: it is secret and belongs to user {status.st_uid}")


def sweep(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove the temporary files that killed programs left in a folder.

    Parameters
    ----------
    folder : path-like
        A folder in which no other program writes at this moment.

    Returns
    -------
    list of pathlib.Path
        The files removed.
    """
    removed = []
    for path in sorted(Path(folder).glob(f"{_PREFIX}*{_SUFFIX}")):
        with suppress(FileNotFoundError):
            path.unlink()
            removed.append(path)
    return removed


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
