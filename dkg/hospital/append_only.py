"""Private files of the key server, and those that grow by whole lines only."""

import os
import threading
from pathlib import Path

from dkg.hospital.connections import HospitalError
from dkg.storage.files import check_private, sync_folder

_appending = threading.Lock()


def create_or_check(path: Path) -> None:
    """Create a file for its owner only, or refuse one that others may read or write.

    Raises
    ------
    HospitalError
        If others may read or write it.
    """
    # Created with its final mode, so that nobody else can open it first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    sync_folder(path.parent)
    try:
        check_private(path)
    except PermissionError as error:
        raise HospitalError(str(error)) from error


def append(path: Path, lines: bytes) -> None:
    """Append whole lines to a file, on the disk when this returns.

    The file is created for its owner only. If a killed process left a part of a line at the end,
    the new lines start below it.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder must exist.
    lines : bytes
        One or more lines, each with its newline.

    Raises
    ------
    OSError
        If they cannot be written whole, for example because the disk is full.
    """
    with _appending:
        new = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            written = os.write(file, lines)
            os.fsync(file)
        finally:
            os.close(file)
        if new:
            sync_folder(path.parent)
    if written < len(lines):
        raise OSError(f"{path}: {written} of {len(lines)} bytes were written: the disk is full")
