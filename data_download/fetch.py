"""Download an archive of images, check it and unpack it; every script of this folder describes one.

Nothing half-done is left behind. A transfer that is cut off is thrown away by pooch, and the next
run starts it from the beginning. Images are unpacked into ``<set>.part`` and get their final name
only when count, names and dimensions are right.
"""

import argparse
import errno
import re
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import nibabel
import numpy as np
import pooch
import requests
from PIL import Image
from tqdm import tqdm

from dkg import paths
from dkg.storage import files


class FetchError(Exception):
    """Something that the user has to know, in words."""


@dataclass(frozen=True)
class Archive:
    """An archive of images and what must be in it.

    Attributes
    ----------
    name : str
        The image set, as `dkg.data.load` knows it; the name of its folder.
    file_name : str
        The archive's file name.
    access : str
        How to get the archive, in words.
    folder : str
        Regular expression for the folder inside the archive that the images lie in.
    images : dict of str to int
        Regular expression for file names, and how many files have such a name.
    size_is_right : callable
        Whether a size is right: (width, height) in pixels, or a volume's shape in voxels.
    size : str
        The right sizes, in words.
    url : str, optional
        Address, if the archive can be downloaded without an account.
    sha256, md5 : str, optional
        SHA-256 or MD5 in hexadecimal, if one is known. MD5 finds damage, not forgery.
    splits : tuple of str
        Only of an .npz file: the names of its arrays of images, uint8 (n, height, width). Each
        image becomes a PNG file.
    """

    name: str
    file_name: str
    access: str
    folder: str
    images: dict[str, int]
    size_is_right: Callable[[tuple[int, ...]], bool]
    size: str
    url: str | None = None
    sha256: str | None = None
    md5: str | None = None
    splits: tuple[str, ...] = ()

    @property
    def checksum(self) -> str | None:
        """The known checksum as ``algorithm:hexadecimal``."""
        known = (("sha256", self.sha256), ("md5", self.md5))
        return next((f"{algorithm}:{value}" for algorithm, value in known if value), None)


def main(archive: Archive, argv: Sequence[str] | None = None) -> int:
    """Run a script's command line and return its exit status."""
    parser = argparse.ArgumentParser(
        description=archive.access, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, help="an archive that is already downloaded")
    parser.add_argument("--url", default=archive.url, help="another address (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        default=paths.data() / archive.name,
        help="folder for the images (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    try:
        install(archive, arguments.output.resolve(), arguments.archive, arguments.url)
    except FetchError as error:
        print(f"\n{error}", file=sys.stderr)  # Below a progress bar that stopped halfway.
        return 1
    return 0


def install(archive: Archive, output: Path, file: Path | None, url: str | None) -> None:
    """Put the images of an archive into a folder, from a file or else from an address.

    Parameters
    ----------
    archive : Archive
        The archive.
    output : pathlib.Path
        Folder for the images. Archives and their checksums are kept beside it, in ``archives``.
    file : pathlib.Path, optional
        The archive, already downloaded.
    url : str, optional
        Where to download it from if no file is given.

    Raises
    ------
    FetchError
        If there is neither file nor address, the transfer, a check or the disk fails, or the
        folder holds something else.
    """
    if output.is_dir() and any(output.iterdir()):
        try:
            check(archive, output)
        except FetchError as error:
            raise FetchError(
                f"{error}\n{output} is in the way: move it or remove it, then run this again."
            ) from error
        print(f"{output} already holds the whole set, nothing to do.")
        return

    archives = output.parent / "archives"
    record = archives / "checksums.txt"
    recorded = read_checksums(record).get(archive.file_name)
    expected = f"sha256:{recorded}" if recorded else archive.checksum
    if file is None and url is None:
        raise FetchError(archive.access)
    path = download(archive, url, archives, expected) if file is None else file
    if not path.is_file():
        raise FetchError(f"there is no file {path}")
    is_whole = tarfile.is_tarfile if archive.file_name.endswith(".tar") else zipfile.is_zipfile
    if not is_whole(path):
        start = path.open("rb").read(16)
        if file is None:
            path.unlink()
        kind = Path(archive.file_name).suffix[1:]  # An .npz file is a zip archive.
        raise FetchError(
            f"{path} is no whole {kind} archive; it starts with {start!r}. A web page in its place "
            "means that the address has changed or asks for a login; a transfer cut off means "
            f"that you should run this again.\n\n{archive.access}"
        )
    # Pooch has checked what it downloaded.
    algorithm = expected.partition(":")[0] if expected else "sha256"
    given = file is None and expected
    actual = expected if given else f"{algorithm}:{pooch.file_hash(str(path), algorithm)}"
    if expected is not None and actual != expected:
        raise FetchError(wrong_checksum(path, f"expected {expected}, got {actual}", record))

    part = output.with_name(output.name + ".part")
    try:
        # A run that was killed may have left one.
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        unpack(archive, path, part)
        check(archive, part)
        if output.is_dir():
            output.rmdir()
        part.rename(output)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise FetchError(disk_is_full(output, error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(f"{output}: {sum(archive.images.values())} files, names and sizes are right.")
    if expected is None:
        actual = actual.removeprefix("sha256:")
        write_checksum(record, archive.file_name, actual)
        print(
            f"No checksum of {archive.file_name} is known beforehand. This one was taken on trust "
            f"and recorded in {record}; another file will be refused from now on:\n{actual}"
        )


def download(archive: Archive, url: str, archives: Path, expected: str | None) -> Path:
    """Download the archive with a progress bar, unless it is there already."""
    if not url.startswith(("https://", "http://")):
        raise FetchError(f"an address starts with https:// or http://, not {url!r}")
    path = archives / archive.file_name
    try:
        pooch.retrieve(
            url,
            known_hash=expected,
            fname=archive.file_name,
            path=archives,
            progressbar=True,
        )
    except requests.exceptions.RequestException as error:
        raise FetchError(
            f"the transfer from {url} failed or was cut off: {error}\nNothing of it was kept; run "
            "this again to start it from the beginning, or download the file in a browser and "
            f"give it with --archive.\n\n{archive.access}"
        ) from error
    except ValueError as error:  # Pooch's word for a wrong checksum.
        raise FetchError(wrong_checksum(path, str(error), archives / "checksums.txt")) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise FetchError(disk_is_full(archives, error)) from error
    return path


def unpack(archive: Archive, path: Path, folder: Path) -> None:
    """Unpack the images of an archive into one flat folder."""
    try:
        if archive.splits:
            unpack_arrays(archive, path, folder)
        elif archive.file_name.endswith(".tar"):
            with tarfile.open(path) as opened:
                members = {m.name: m for m in opened.getmembers()}
                files = [name for name, member in members.items() if member.isfile()]
                unpack_files(archive, path, folder, files, lambda n: opened.extractfile(members[n]))
        else:
            with zipfile.ZipFile(path) as zipped:
                unpack_files(archive, path, folder, zipped.namelist(), zipped.open)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError) as error:
        raise FetchError(f"{path}: cannot be unpacked: {error}") from error


def unpack_files(
    archive: Archive,
    path: Path,
    folder: Path,
    members: Sequence[str],
    open_member: Callable[[str], Any],
) -> None:
    """Copy those members of an archive that are images of the set."""
    for name in members:
        inside = not PurePosixPath(name).is_absolute() and not PureWindowsPath(name).drive
        if not inside or ".." in re.split(r"[/\\]", name):
            raise FetchError(f"{path}: refused, its member {name!r} points out of the folder")
    chosen = [name for name in members if is_image(archive, PurePosixPath(name))]
    for name in tqdm(chosen, desc="unpacking", unit="file"):
        target = folder / PurePosixPath(name).name
        if target.exists():
            raise FetchError(f"{path}: holds two files named {target.name}")
        with open_member(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)


def unpack_arrays(archive: Archive, path: Path, folder: Path) -> None:
    """Write each image of the arrays of an .npz file as a PNG file; pickled arrays are refused."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for split in archive.splits:
                images = arrays[split]
                if images.dtype != np.uint8 or images.ndim != 3:
                    found = f"{images.dtype} {images.shape}"
                    raise FetchError(
                        f"{path}: {split} is {found}, expected uint8 (n, height, width)"
                    )
                for i, image in enumerate(tqdm(images, desc=split, unit="image")):
                    name = f"{split.removesuffix('_images')}_{i:04}.png"
                    Image.fromarray(image).save(folder / name)
    except (KeyError, ValueError) as error:
        raise FetchError(f"{path}: cannot be unpacked: {error}") from error


def is_image(archive: Archive, member: PurePosixPath) -> bool:
    """Tell whether a member of the archive is one of the set's images."""
    return bool(re.fullmatch(archive.folder, member.parent.name)) and any(
        re.fullmatch(pattern, member.name) for pattern in archive.images
    )


def check(archive: Archive, folder: Path) -> None:
    """Check count, names and dimensions of the images in a folder."""
    names = sorted(path.name for path in folder.iterdir())
    for pattern, count in archive.images.items():
        found = sum(re.fullmatch(pattern, name) is not None for name in names)
        if found != count:
            raise FetchError(
                f"{folder}: {found} files are named like {pattern}, there should be {count}"
            )
    unknown = [n for n in names if not any(re.fullmatch(p, n) for p in archive.images)]
    if unknown:
        raise FetchError(f"{folder}: files of other names: {', '.join(unknown[:5])}")
    for name in tqdm(names, desc="checking", unit="file"):
        try:
            size = image_size(folder / name)
        except Exception as error:  # Pillow and nibabel raise many kinds; the user needs the name.
            raise FetchError(f"{folder / name}: not an image: {error}") from error
        if not archive.size_is_right(size):
            given = " x ".join(map(str, size))
            raise FetchError(f"{folder / name}: its size is {given}, expected {archive.size}")


def image_size(path: Path) -> tuple[int, ...]:
    """Return width and height of an image, or the shape of a volume, from the file's header."""
    if path.name.endswith(".nii.gz"):
        return nibabel.load(path).shape
    with Image.open(path) as image:
        return image.size


def read_checksums(record: Path) -> dict[str, str]:
    """Read recorded checksums, in the format of ``sha256sum``."""
    if not record.is_file():
        return {}
    lines = record.read_text().splitlines()
    return {name: checksum for checksum, name in (line.split(maxsplit=1) for line in lines)}


def write_checksum(record: Path, name: str, checksum: str) -> None:
    """Add one checksum to the recorded ones."""
    record.parent.mkdir(parents=True, exist_ok=True)
    checksums = read_checksums(record) | {name: checksum}
    with files.atomic(record) as temporary:
        temporary.write_text("".join(f"{c}  {n}\n" for n, c in sorted(checksums.items())))


def wrong_checksum(path: Path, detail: str, record: Path) -> str:
    """Say that a file is not the one that was expected, and what to do."""
    return (
        f"{path}: wrong checksum: {detail}\nThe file is damaged, or it is another one. If its "
        "publisher has replaced it and you trust the new one, put its SHA-256 and the name "
        f"{path.name} as a line into {record}, in place of any other line with that name."
    )


def disk_is_full(folder: Path, error: OSError) -> str:
    """Say that the disk is full."""
    return (
        f"the disk of {folder} is full ({error.strerror}). Nothing half-written was kept; make "
        "room, or choose another disk with --output or DKG_DATA."
    )
