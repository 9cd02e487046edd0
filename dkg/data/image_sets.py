"""Image sets, read from the files in a folder or made of phantoms."""

import hashlib
import operator
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dkg import paths
from dkg.data import phantoms
from dkg.data.choices import CHOICES, halving
from dkg.data.readers import SLICES_PER_VOLUME, check_filter, file_format, read_image, read_slices

# The paper trains on 138 images (section IV).
PHANTOMS = 138

# What lies beside the images of data sets, Windows' Thumbs.db too; never taken for images.
_DOCUMENTS = {".csv", ".db", ".docx", ".htm", ".html", ".json", ".md", ".pdf", ".txt", ".xlsx"}


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A set of images and where they come from.

    Attributes
    ----------
    name : str
        Name of the set, as given to `load`.
    images : ndarray of uint8, shape (n, 256, 256, 3)
        The images.
    origin : {'synthetic', 'files'}
        Whether the images are phantoms or were read from files.
    files : tuple of str
        For each image the name of its file; a slice of a volume is written ``name#slice``.
        Empty for phantoms.
    reading : dict
        How the files were read, as the arguments of `load`: ``resample``, ``crop`` and ``choice``,
        and ``tuned``, the names of those that were chosen after the paper's numbers were seen.
        Empty for phantoms.
    """

    name: str
    images: NDArray[np.uint8]
    origin: str
    files: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the shape and the bytes of the images, in hexadecimal."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class _Source:
    """How one set is read: its phantoms, its filter and crop, and names that are not its images.

    ``channel`` is the sequence of a volume with four dimensions that is used.

    Filters, and the crop of the brains, bring the set's mean entropy nearest to what the paper
    prints (docs/data.md). They are tuned to that result, and records say so.
    """

    phantoms: Callable[[int], NDArray[np.uint8]]
    resample: str
    crop: bool = False
    skip: str = r"(?!)"
    channel: int | None = None


_SOURCES = {
    "montgomery": _Source(lambda n: phantoms.chest_xray(n), "lanczos"),
    # Far from the first set's phantoms, so that the two never share an image.
    "shenzhen": _Source(lambda n: phantoms.chest_xray(n, start=1000), "lanczos"),
    "ultrasound": _Source(lambda n: phantoms.nerve_ultrasound(n), "nearest", skip=r".*_mask\.tif"),
    # The other sequences and the segmentation of a BraTS subject, by the old and the new names.
    "brats18": _Source(
        lambda n: phantoms.brain_mri(n),
        "nearest",
        crop=True,
        skip=r".*[_-](t1(c|ce|n)?|t2w?|seg)\.nii(\.gz)?",
        channel=0,  # FLAIR, in the volumes of the Medical Segmentation Decathlon.
    ),
    "medmnist-chest": _Source(lambda n: phantoms.chest_xray(n, start=2000), "lanczos"),
    "medmnist-ultrasound": _Source(lambda n: phantoms.nerve_ultrasound(n, start=1000), "lanczos"),
}

NAMES = ("montgomery", "shenzhen", "ultrasound", "brats18")
"""The paper's sets, and the sister set of the first."""

ALTERNATIVES = tuple(name for name in _SOURCES if name not in NAMES)
"""Sets that anyone can download without an account, of the same modalities."""


def synthetic(name: str, n: int | None = None) -> ImageSet:
    """Make the phantoms of an image set, whether or not its files are there.

    Parameters
    ----------
    name : str
        The set: one of `NAMES` or `ALTERNATIVES`.
    n : int, optional
        How many. By default the paper's 138.

    Returns
    -------
    ImageSet
        With images of shape (n, 256, 256, 3) and the origin ``'synthetic'``.

    Raises
    ------
    ValueError
        If the name is unknown or n is below 1.
    """
    source = _source(name)
    _check_count(n)
    return ImageSet(name, source.phantoms(PHANTOMS if n is None else n), "synthetic")


def load(
    name: str,
    root: str | os.PathLike[str] | None = None,
    n: int | None = None,
    *,
    resample: str | None = None,
    crop: bool | None = None,
    choice: str = "first",
) -> ImageSet:
    """Load an image set from files, or make its phantoms.

    The files are those directly in ``root/name``, in natural order (2 before 10). If that folder
    does not exist the set consists of phantoms, and its origin says so. Hidden files, documents
    (.txt, .csv, .pdf, ...), masks (``*_mask.tif``) of the ultrasound set and the other sequences
    (``*_t1``, ``*_t1ce``, ``*_t2``, ``*_seg`` and their newer names) of BraTS are skipped; any
    other file that is not an image is an error. A volume gives 23 slices, see `read_slices`; the
    first of every volume come first, then the second, so that the first n images show as many
    patients as possible.

    Parameters
    ----------
    name : str
        The set: one of `NAMES` or `ALTERNATIVES`.
    root : path-like, optional
        Folder of the sets, by default `dkg.paths.data`. It must exist if it is given here or by
        ``DKG_DATA``.
    n : int, optional
        Use only n images. By default all files, or the paper's 138 phantoms.
    resample : {'nearest', 'box', 'bilinear', 'bicubic', 'lanczos'}, optional
        Resizing filter for files. The default of a set is the filter that brings its mean entropy
        nearest to the paper's, so it is tuned to one of the paper's results; docs/data.md has the
        numbers of the other filters. Phantoms are made at 256 x 256 and never resized.
    crop : bool, optional
        Cut off what is no image: constant borders (`dkg.data.borders.trim`), and of a volume's
        slice all around the brain. By default only for 'brats18'. Phantoms are never cropped.
    choice : {'first', 'spread'}, default 'first'
        Order of the images, and so which n are used. 'spread' goes through the sorted names in
        steps that halve (the van der Corput sequence): the first 2**k images are evenly spaced, so
        that they stand for the whole set where neighbouring names are alike. Phantoms are
        independent of each other and keep their order.

    Returns
    -------
    ImageSet
        With images of shape (n, 256, 256, 3).

    Raises
    ------
    ValueError
        If the name, the filter or the choice is unknown, n is below 1 or more than there are, the
        folder holds no image, or a file in it cannot be read.
    FileNotFoundError
        If the given root does not exist.
    """
    source = _source(name)
    resample = source.resample if resample is None else resample
    crop = source.crop if crop is None else crop
    check_filter(resample)
    _check_count(n)
    if choice not in CHOICES:
        raise ValueError(f"unknown choice {choice!r}; known are {', '.join(CHOICES)}")

    given = root is not None or bool(os.environ.get("DKG_DATA"))
    root = paths.data() if root is None else Path(root).expanduser().resolve()
    if given and not root.is_dir():
        raise FileNotFoundError(f"the folder of the image sets does not exist: {root}")
    folder = root / name
    if not folder.exists():
        return synthetic(name, n)

    files = _image_files(folder, source.skip)
    per_file = [SLICES_PER_VOLUME if kind == "NIfTI" else 1 for kind in files.values()]
    order = [(i, rank) for i, count in enumerate(per_file) for rank in range(count)]
    if choice == "spread":
        order = [order[place] for place in halving(len(order))]
    else:
        order.sort(key=lambda image: (image[1], image[0]))
    if n is not None and n > len(order):
        raise ValueError(f"{folder} holds {len(order)} images, {n} were requested")
    order = order[:n]

    positions: dict[int, list[tuple[int, int]]] = {}
    for position, (i, rank) in enumerate(order):
        positions.setdefault(i, []).append((position, rank))
    images = np.empty((len(order), 256, 256, 3), np.uint8)
    names = [""] * len(order)
    # One file at a time: an original Montgomery radiograph has 20 million pixels.
    for i, (path, kind) in enumerate(files.items()):
        if i not in positions:
            continue
        if kind == "NIfTI":
            read, numbers = read_slices(
                path, SLICES_PER_VOLUME, resample=resample, crop=crop, channel=source.channel
            )
            labels = [f"{path.name}#{number}" for number in numbers]
        else:
            read, labels = read_image(path, resample=resample, trim=crop)[None], [path.name]
        for position, rank in positions[i]:
            images[position], names[position] = read[rank], labels[rank]
    tuned = ["resample"] if resample == source.resample else []
    tuned += ["crop"] if crop and source.crop else []
    reading = {"resample": resample, "crop": crop, "choice": choice, "tuned": tuned}
    return ImageSet(name, images, "files", tuple(names), reading)


def other_readings(image_set: ImageSet) -> dict[str, ImageSet]:
    """Read the images of a set again with the other filter and the other crop.

    Parameters
    ----------
    image_set : ImageSet
        As `load` returned it from the default folder.

    Returns
    -------
    dict of str to ImageSet
        By filter and crop: ``'lanczos, cropped'``, ``'nearest, whole'`` and so on, without the
        set's own. Empty for phantoms, which are neither resized nor cropped.
    """
    own = image_set.reading
    return {
        f"{resample}, {'cropped' if crop else 'whole'}": load(
            image_set.name,
            n=len(image_set.images),
            resample=resample,
            crop=crop,
            choice=own["choice"],
        )
        for resample in ("nearest", "lanczos")
        for crop in (False, True)
        if own and (resample, crop) != (own["resample"], own["crop"])
    }


def _source(name: str) -> _Source:
    if name not in _SOURCES:
        raise ValueError(f"unknown image set {name!r}; known are {', '.join(_SOURCES)}")
    return _SOURCES[name]


def _check_count(n: int | None) -> None:
    if n is not None and operator.index(n) < 1:
        raise ValueError(f"n must be at least 1, got {n}")


def _image_files(folder: Path, skip: str) -> dict[Path, str]:
    """Return the image files of a set in natural order, with their formats."""

    def natural(path: Path) -> tuple[list[int | str], str]:
        return [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", path.name)], path.name

    formats, unreadable = {}, []
    for path in sorted(folder.iterdir(), key=natural):
        skipped = path.name.startswith(".") or path.suffix.lower() in _DOCUMENTS
        if skipped or path.is_dir() or re.fullmatch(skip, path.name, re.IGNORECASE):
            continue
        try:
            formats[path] = file_format(path)
        except (ValueError, OSError) as error:
            unreadable.append(str(error))
    if unreadable:
        raise ValueError("files that are not images: " + "; ".join(unreadable))
    if not formats:
        subfolders = sorted(p.name for p in folder.iterdir() if p.is_dir())
        hint = f"; it has subfolders ({', '.join(subfolders)}), which are not read"
        raise ValueError(
            f"{folder} holds no images{hint if subfolders else ''}. Put the image files directly "
            "into it (data_download/ has a script per set), or remove it to use phantoms"
        )
    return formats
