"""Images and ciphertexts from files: what a cipher that is not in Python can be measured by."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dkg.data.readers import read_pixels
from dkg.encryption.samples import read_samples
from dkg.evaluation.protocol import Image, Key

RAW = (".bin", ".raw")
"""Endings of files that hold the bytes of a ciphertext and nothing else."""


@dataclass
class CiphertextFiles:
    """A cipher of which only ciphertexts exist: each is looked up by its image.

    Attributes
    ----------
    images, ciphertexts : sequence of numpy.ndarray
        The plaintexts, and the ciphertext of each.
    name : str
        For tables.
    """

    images: Sequence[Image]
    ciphertexts: Sequence[Image]
    name: str = "ciphertext files"
    _found: dict[bytes, Image] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = zip(self.images, self.ciphertexts, strict=True)
        self._found = {image.tobytes(): ciphertext for image, ciphertext in pairs}

    def encrypt(self, image: Image, key: Key) -> Image:
        """Return the ciphertext of a known image, whatever the key."""
        return self._found[image.tobytes()].copy()

    def decrypt(self, ciphertext: Image, key: Key) -> Image:
        """Raise ValueError: nobody here has the key."""
        raise ValueError("ciphertext files cannot be decrypted")

    def random_key(self, rng: np.random.Generator) -> Key:
        """Return None: the keys are not known."""
        return None


def image_files(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the files of folders, in the order of their names, and the files given themselves.

    Raises
    ------
    FileNotFoundError
        If a path does not exist, or a folder has no file.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(f for f in path.iterdir() if f.is_file() and f.name[0] != ".")
            if not inside:
                raise FileNotFoundError(f"{path}: the folder has no files")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return found


def read_images(paths: Iterable[str | os.PathLike[str]], n: int | None = None) -> dict[str, Image]:
    """Read images in the size of their files, by their names without the ending.

    Parameters
    ----------
    paths : iterable of path-like
        Folders and files of the formats of `dkg.data.readers.read_pixels`.
    n : int, optional
        Use only the first `n` files.

    Returns
    -------
    dict of str to numpy.ndarray
        uint8 (height, width) or (height, width, 3).

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or is no image, or two files have one name.
    """
    images: dict[str, Image] = {}
    for file in image_files(paths)[:n]:
        if file.stem in images:
            raise ValueError(f"{file}: another image has the name {file.stem} too")
        images[file.stem] = read_pixels(file)
    return images


def read_ciphertexts(
    paths: Iterable[str | os.PathLike[str]], images: dict[str, Image] | None = None
) -> dict[str, Image]:
    """Read ciphertexts, by their names without the ending.

    Parameters
    ----------
    paths : iterable of path-like
        Folders and files: PNG or TIFF images of 8 bits, or with the ending ``.bin`` or ``.raw`` the
        bytes alone, in the order rows, columns, channels.
    images : dict of str to numpy.ndarray, optional
        The plaintexts. Each ciphertext then has the name and the shape of one, and raw bytes may be
        more than the image's: what follows is left out.

    Returns
    -------
    dict of str to numpy.ndarray
        uint8; raw bytes without a plaintext have the shape (1, n).

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing, is no lossless image, or does not fit to its plaintext.
    """
    found: dict[str, Image] = {}
    for file in image_files(paths):
        if file.stem in found:
            raise ValueError(f"{file}: another ciphertext has the name {file.stem} too")
        if images is not None and file.stem not in images:
            raise ValueError(
                f"{file}: no plaintext has the name {file.stem}; there are {_some(images)}"
            )
        image = None if images is None else images[file.stem]
        found[file.stem] = _read_ciphertext(file, image)
    if images is not None and (missing := [name for name in images if name not in found]):
        raise ValueError(f"no ciphertext has the name of the plaintext {missing[0]}")
    return found


def _read_ciphertext(file: Path, image: Image | None) -> Image:
    if file.suffix.lower() in RAW:
        data = np.frombuffer(file.read_bytes(), np.uint8)
        size = data.size if image is None else image.size
        if not size or data.size < size:
            raise ValueError(f"{file}: has {data.size:,} bytes, and its plaintext {size:,}")
        return data[:size].reshape((1, -1) if image is None else image.shape)
    if file.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(f"{file}: a JPEG does not hold a ciphertext's bytes; use PNG or TIFF")
    ciphertext = read_samples(file)
    if ciphertext.dtype != np.uint8:
        raise ValueError(f"{file}: expected 8 bits in a sample, found {ciphertext.dtype}")
    if image is not None and ciphertext.shape != image.shape:
        raise ValueError(
            f"{file}: has the shape {ciphertext.shape}, and its plaintext {image.shape}"
        )
    return ciphertext


def _some(names: Iterable[str]) -> str:
    first, *rest = sorted(names)
    return f"{first} and {len(rest)} more" if rest else first
