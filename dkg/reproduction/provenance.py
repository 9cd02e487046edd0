"""Provenance: the images, networks, files, versions and time that a record is made with."""

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

import dkg
from dkg import paths

ROOMS = {
    "numbers": "__init__.py acceleration attacks baselines.py callbacks.py checkpoints.py "
    "cipher.py compiled.py cores.py counts.py data dicom domains.py encryption evaluation "
    "hardened.py hospital keys.py logistic.py metrics models.py paper paths.py py.typed randomness "
    "reproduction results.py settings.py storage training.py weights zoo",
    "pictures": "plots widgets",
    "neither": "__main__.py cli exercises reproduction/report",
}
"""What a file or folder of the package can change: the numbers of a record, only the pictures in
an executed notebook, or neither. A file that is not listed counts as one of ``"numbers"``."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

_STRICT = ConfigDict(extra="forbid", strict=True)

_last = time.perf_counter()


@with_config(_STRICT)
class Reading(TypedDict):
    """How image files were read, and which of it was tuned to the paper's numbers."""

    resample: str
    crop: bool
    choice: str
    tuned: list[str]


@with_config(_STRICT)
class Images(TypedDict):
    """An image set that was measured on; phantoms have no ``reading``."""

    name: str
    origin: Literal["synthetic", "files"]
    n: Annotated[int, Field(ge=1)]
    fingerprint: Sha256
    reading: NotRequired[Reading]


@with_config(_STRICT)
class Network(TypedDict):
    """A network that took part."""

    name: str
    sha256: Sha256
    steps: Annotated[int, Field(ge=0)]
    trained_on: Literal["synthetic", "files", None]


@with_config(_STRICT)
class Provenance(TypedDict):
    """What made a record; ``seconds`` run from the record before it in the same process."""

    dkg: str
    commit: str | None
    code_sha256: Sha256
    notebook_sha256: Sha256 | None
    python: str
    torch: str
    numpy: str
    device: str
    threads: Annotated[int, Field(ge=1)]
    written: str
    seconds: Annotated[float, Field(ge=0)]


def provenance() -> Provenance:
    """Return what makes a record now."""
    import torch

    global _last
    now = time.perf_counter()
    seconds, _last = now - _last, now
    commit = _git("rev-parse", "HEAD")
    return {
        "dkg": dkg.__version__,
        "commit": commit and commit + ("" if _git("status", "--porcelain") == "" else ", changed"),
        "code_sha256": code_sha256(),
        "notebook_sha256": notebook_sha256(os.environ.get("DKG_NOTEBOOK")),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }


def code_sha256() -> str:
    """Return the SHA-256 over every source file that numbers can depend on, in hexadecimal."""
    return package_sha256(path for path in files("numbers") if path.suffix == ".py")


def notebook_sha256(notebook: str | None) -> str | None:
    """Return the SHA-256 of a notebook's file, or None if there is none of this name."""
    path = paths.notebooks() / f"{notebook}.ipynb"
    return file_sha256(path) if path.is_file() else None


def files(*kinds: str) -> list[Path]:
    """Return the files of the package of some kinds of `ROOMS`, without hidden files and caches."""
    return [
        path
        for path in sorted(paths.PACKAGE.rglob("*"))
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.name.startswith(".")
        and _kind(path.relative_to(paths.PACKAGE)) in kinds
    ]


def package_files() -> list[Path]:
    """Return the files of the package that an executed notebook can depend on."""
    return files("numbers", "pictures")


def package_sha256(chosen: Iterable[Path]) -> str:
    """Return the SHA-256 over names and contents of files of the package, in hexadecimal."""
    digest = hashlib.sha256()
    for path in chosen:
        digest.update(path.relative_to(paths.PACKAGE).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def images_sha256() -> str:
    """Return the SHA-256 over names, sizes and times of all files of the image sets.

    Records hold what the images show; this notices a change without reading gigabytes.
    """
    digest, folder = hashlib.sha256(), paths.data()
    # Not rglob, which does not go into a folder of images that is a link.
    for path in sorted(path for path in folder.glob("*/*") if path.is_file()):
        about = path.stat()
        name = path.relative_to(folder)
        digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _kind(path: Path) -> str:
    """Return the kind of a file, given relative to the package; the longest name decides."""
    for name in (path, *path.parents):
        for kind, rooms in ROOMS.items():
            if name.as_posix() in rooms.split():
                return kind
    return "numbers"


def _git(*arguments: str) -> str | None:
    """Return what git says about the checkout, or None where there is none."""
    if not (paths.PACKAGE.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=paths.PACKAGE.parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
