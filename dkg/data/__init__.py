"""Image sets, and readers that turn one file of any supported format into the paper's input.

Alg. 1 of the paper converts its images "into 256 x 256 x 3 matrices" without saying how. Here every
reader ends in the same two steps: the image becomes 8 bits per channel by the rule of its format,
then a named filter stretches it to ``size`` x ``size``; the aspect ratio is not kept. A gray image
gets three equal channels. `docs/data.md` holds the measurements behind the defaults.

The readers of NIfTI and DICOM import their libraries themselves, so that others start fast.
"""

import gzip
import hashlib
import io
import operator
import os
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageOps

from dkg import paths
from dkg.data import phantoms
from dkg.storage import limits

if TYPE_CHECKING:
    from pydicom import Dataset

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# The paper trains on 138 images (section IV).
PHANTOMS = 138

# Six volumes or more then give at least the paper's 138 images.
SLICES_PER_VOLUME = 23

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
    """

    name: str
    images: np.ndarray
    origin: str
    files: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the shape and the bytes of the images, in hexadecimal."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images))
        return digest.hexdigest()


@dataclass(frozen=True)
class _Source:
    """How one set is read: its phantoms, its filter, and the names that are not its images."""

    phantoms: Callable[[int], np.ndarray]
    resample: str
    skip: str = r"(?!)"


_SOURCES = {
    "montgomery": _Source(lambda n: phantoms.chest_xray(n), "lanczos"),
    # Far from the first set's phantoms, so that the two never share an image.
    "shenzhen": _Source(lambda n: phantoms.chest_xray(n, start=1000), "lanczos"),
    "ultrasound": _Source(lambda n: phantoms.nerve_ultrasound(n), "nearest", r".*_mask\.tif"),
    # The other sequences and the segmentation of a BraTS subject, by the old and the new names.
    "brats18": _Source(
        lambda n: phantoms.brain_mri(n),
        "nearest",
        r".*[_-](t1|t1c|t1ce|t1n|t2|t2w|seg)\.nii(\.gz)?",
    ),
}

NAMES = tuple(_SOURCES)


def synthetic(name: str, n: int | None = None) -> ImageSet:
    """Make the phantoms of an image set, whether or not its files are there.

    Parameters
    ----------
    name : {'montgomery', 'shenzhen', 'ultrasound', 'brats18'}
        The set.
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
    if name not in _SOURCES:
        raise ValueError(f"unknown image set {name!r}; known are {', '.join(NAMES)}")
    if n is not None and operator.index(n) < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    return ImageSet(name, _SOURCES[name].phantoms(PHANTOMS if n is None else n), "synthetic")


def load(
    name: str,
    root: str | os.PathLike | None = None,
    n: int | None = None,
    *,
    resample: str | None = None,
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
    name : {'montgomery', 'shenzhen', 'ultrasound', 'brats18'}
        The set.
    root : path-like, optional
        Folder of the sets, by default `dkg.paths.data`. It must exist if it is given here or by
        ``DKG_DATA``.
    n : int, optional
        Take the first n images. By default all files, or the paper's 138 phantoms.
    resample : {'nearest', 'box', 'bilinear', 'bicubic', 'lanczos'}, optional
        Resizing filter for files. By default the one that brings the set's mean entropy nearest to
        the paper's (docs/data.md). Phantoms are made at 256 x 256 and never resized.

    Returns
    -------
    ImageSet
        With images of shape (n, 256, 256, 3).

    Raises
    ------
    ValueError
        If the name or the filter is unknown, n is below 1 or more than there are, the folder holds
        no image, or a file in it cannot be read.
    FileNotFoundError
        If the given root does not exist.
    """
    if name not in _SOURCES:
        raise ValueError(f"unknown image set {name!r}; known are {', '.join(NAMES)}")
    source = _SOURCES[name]
    resample = source.resample if resample is None else resample
    _check_filter(resample)
    if n is not None and operator.index(n) < 1:
        raise ValueError(f"n must be at least 1, got {n}")

    given = root is not None or bool(os.environ.get("DKG_DATA"))
    root = paths.data() if root is None else Path(root).expanduser().resolve()
    if given and not root.is_dir():
        raise FileNotFoundError(f"the folder of the image sets does not exist: {root}")
    folder = root / name
    if not folder.exists():
        return synthetic(name, n)

    files = _image_files(folder, source.skip)
    per_file = [SLICES_PER_VOLUME if kind == "NIfTI" else 1 for kind in files.values()]
    order = sorted((rank, i) for i, count in enumerate(per_file) for rank in range(count))
    if n is not None and n > len(order):
        raise ValueError(f"{folder} holds {len(order)} images, {n} were asked for")
    order = order[:n]

    positions: dict[int, list[int]] = {}
    for position, (_, i) in enumerate(order):
        positions.setdefault(i, []).append(position)
    images = np.empty((len(order), 256, 256, 3), np.uint8)
    names = [""] * len(order)
    # One file at a time: an original Montgomery radiograph has 20 million pixels.
    for i, (path, kind) in enumerate(files.items()):
        if i not in positions:
            continue
        if kind == "NIfTI":
            slices, numbers = read_slices(path, SLICES_PER_VOLUME, resample=resample)
            for position, image, number in zip(positions[i], slices, numbers, strict=False):
                images[position] = image
                names[position] = f"{path.name}#{number}"
        else:
            images[positions[i][0]] = read_image(path, resample=resample)
            names[positions[i][0]] = path.name
    return ImageSet(name, images, "files", tuple(names))


def read_image(
    path: str | os.PathLike,
    size: int = 256,
    resample: str = "lanczos",
    *,
    frame: int | None = None,
    crop: bool = True,
) -> np.ndarray:
    """Read one image from a PNG, JPEG, TIFF, NIfTI or DICOM file.

    The format is told by the file's first bytes, not by its name; only a DICOM file without a
    preamble needs the suffix .dcm. The way to 8 bits per channel depends on the format:

    - PNG, JPEG, TIFF: 8-bit samples are kept. 16-bit samples v become round(v * 255 / 65535), the
      PNG specification's rule [1]_; a 16-bit image that uses 12 bits or fewer gets dark by this
      and raises a warning. Bilevel and palette images are expanded, a JPEG is turned as its EXIF
      orientation says, and a transparent image is laid over black.
    - NIfTI: the volume's minimum becomes 0 and its maximum 255, linearly. The background, which is
      the most common value on the volume's six faces (0 in BraTS 2018, the minimum in the
      z-scored BraTS 2015), becomes 0 wherever it lies in the range. The slice is axial and in
      radiological display: front up, the patient's right on the left. An oblique volume is shown
      along its own axes, each taken for the nearest one of the patient; nothing is resampled.
    - DICOM: modality LUT or rescale, then the first VOI LUT or window onto its full output range
      (PS3.3 C.11). Without either, stored values of up to 8 bits keep the range of their bits, and
      others are stretched from the frame's minimum to its maximum, padding left out.
      MONOCHROME1 is inverted, padding becomes 0. Colour is converted to RGB and scaled by its bits.

    Parameters
    ----------
    path : path-like
        The file.
    size : int, default 256
        Height and width of the result in pixels.
    resample : {'nearest', 'box', 'bilinear', 'bicubic', 'lanczos'}, default 'lanczos'
        Resizing filter. All but 'nearest' average over the pixels that fall into one of the
        result; 'box' is the plain area average. The default is that of the chest X-ray sets, the
        paper's seed images.
    frame : int, optional
        Which image of a file with several, from 0: the frame of a DICOM file, the page of a TIFF
        file, the axial slice of a NIfTI volume, counted from the feet. By default the first frame
        or page, and the slice that shows most of the brain.
    crop : bool, default True
        Crop a NIfTI slice to the bounding box of the brain in it. Other formats are not cropped.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
        The image, RGB.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is empty, cut off, of an unsupported format or compression, larger than
        `dkg.storage.limits` allows, or has no such frame.

    References
    ----------
    .. [1] W3C, Portable Network Graphics (PNG) Specification (Third Edition), 13.12 "Sample depth
       rescaling".
    """
    _check_filter(resample)
    path = Path(path)
    kind = _file_format(path)
    try:
        if kind == "NIfTI":
            volume = _read_nifti(path)
            frame = int(volume.area().argmax()) if frame is None else frame
            pixels = volume.axial_slice(_check_frame(frame, len(volume.stack)), crop)
        else:
            pixels = _READERS[kind](path, frame)
    except MemoryError:
        raise
    except Exception as error:  # Every decoder has its own exceptions; the caller needs the name.
        raise ValueError(f"{path}: cannot be read as {kind}: {error}") from error
    return _resize(pixels, size, resample)


def read_slices(
    path: str | os.PathLike,
    n: int = SLICES_PER_VOLUME,
    size: int = 256,
    resample: str = "nearest",
    *,
    crop: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Read several axial slices of a NIfTI volume.

    They are spaced evenly through the part of the brain whose slices show at least half as much
    brain as the fullest one, and come in the order of how much they show, the fullest first.

    Parameters
    ----------
    path : path-like
        A NIfTI file, .nii or .nii.gz.
    n : int, default 23
        Number of slices.
    size, resample, crop
        As for `read_image`.

    Returns
    -------
    images : ndarray of uint8, shape (n, size, size, 3)
        The slices.
    numbers : ndarray of int, shape (n,)
        Their numbers in the volume, counted from the feet.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is no readable NIfTI volume or does not have so many such slices.
    """
    _check_filter(resample)
    path = Path(path)
    if (kind := _file_format(path)) != "NIfTI":
        raise ValueError(f"{path}: slices are read from NIfTI volumes, this is a {kind} file")
    try:
        volume = _read_nifti(path)
        area = volume.area()
        numbers = np.flatnonzero(area >= area.max() / 2)
        if not 1 <= n <= len(numbers):
            raise ValueError(
                f"{n} slices were asked for, {len(numbers)} show at least half as much brain as "
                "the fullest"
            )
        numbers = numbers[np.rint(np.linspace(0, len(numbers) - 1, n)).astype(int)]
        numbers = numbers[np.argsort(-area[numbers], kind="stable")]
        slices = [volume.axial_slice(number, crop) for number in numbers]
    except MemoryError:
        raise
    except Exception as error:  # As in `read_image`.
        raise ValueError(f"{path}: cannot be read as NIfTI: {error}") from error
    return np.stack([_resize(pixels, size, resample) for pixels in slices]), numbers


def _image_files(folder: Path, skip: str) -> dict[Path, str]:
    """Return the image files of a set in natural order, with their formats."""

    def natural(path):
        return [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", path.name)], path.name

    formats, unreadable = {}, []
    for path in sorted(folder.iterdir(), key=natural):
        skipped = path.name.startswith(".") or path.suffix.lower() in _DOCUMENTS
        if skipped or path.is_dir() or re.fullmatch(skip, path.name, re.IGNORECASE):
            continue
        try:
            formats[path] = _file_format(path)
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


def _check_filter(resample: str) -> None:
    if resample not in FILTERS:
        raise ValueError(f"unknown resizing filter {resample!r}; known are {', '.join(FILTERS)}")


def _check_frame(frame: int | None, count: int) -> int:
    frame = 0 if frame is None else operator.index(frame)
    if not 0 <= frame < count:
        raise ValueError(f"frame {frame} was asked for, there are {count} (0 to {count - 1})")
    return frame


def _resize(pixels: np.ndarray, size: int, resample: str) -> np.ndarray:
    """Turn uint8 pixels (h, w) or (h, w, 3) into an image (size, size, 3)."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    resized = np.array(image.resize((size, size), FILTERS[resample]))
    return resized if resized.ndim == 3 else np.repeat(resized[..., np.newaxis], 3, axis=-1)


def _to_bytes(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map [low, high] linearly to 0..255, rounding; a range without extent becomes 0."""
    if high == low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.asarray(values, np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(scaled, 0.0, 255.0)).astype(np.uint8)


def _file_format(path: Path) -> str:
    """Tell a file's format by its first bytes."""
    with path.open("rb") as file:
        head = file.read(352)
    if not head:
        raise ValueError(f"{path}: the file is empty")
    # A DICOM file may at the same time be a TIFF file: its first 128 bytes are free.
    if head[128:132] == b"DICM":
        return "DICOM"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    header = head
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                header = file.read(352)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: the gzip file is damaged or cut off: {error}") from error
    if header[344:348] == b"n+1\0" or header[4:8] == b"n+2\0":
        return "NIfTI"
    if path.suffix.lower() == ".dcm":
        return "DICOM"
    raise ValueError(f"{path}: not a PNG, JPEG, TIFF, NIfTI or DICOM file, starts {head[:8]!r}")


def _read_png(path: Path, frame: int | None) -> np.ndarray:
    _check_frame(frame, 1)
    raw = limits.read(path)
    limits.check_png(raw)
    # Byte 24 is the bit depth. Pillow drops the low byte of 16-bit colour, so it gets the others.
    return _flatten(imagecodecs.png_decode(raw), path) if raw[24] == 16 else _read_pillow(path)


def _read_jpeg(path: Path, frame: int | None) -> np.ndarray:
    _check_frame(frame, 1)
    limits.check_jpeg(limits.read(path))
    return _read_pillow(path)


def _read_tiff(path: Path, frame: int | None) -> np.ndarray:
    with tifffile.TiffFile(path) as tiff:
        frame = _check_frame(frame, len(tiff.pages))
        page = tiff.pages[frame]
        limits.check_tiff(page)
        if page.bitspersample <= 8:
            return _read_pillow(path, frame)
        limits.check_compression(page)
        if page.dtype != np.uint16:
            raise ValueError(f"samples of type {page.dtype} have no stated range of brightness")
        kinds = tifffile.PHOTOMETRIC
        if page.photometric not in (kinds.MINISBLACK, kinds.MINISWHITE, kinds.RGB):
            raise ValueError(f"16-bit samples of photometric interpretation {page.photometric}")
        pixels = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        return _flatten(65535 - pixels if page.photometric == kinds.MINISWHITE else pixels, path)


def _read_pillow(path: Path, frame: int = 0) -> np.ndarray:
    with Image.open(path, formats=["PNG", "JPEG", "TIFF"]) as image:
        image.seek(frame)
        limits.check_pillow(image)
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
        elif image.mode in ("1", "L"):
            image = image.convert("L")
        else:
            image = image.convert("RGB")
        return _flatten(np.asarray(image), path)


def _flatten(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Turn 8- or 16-bit samples (h, w) or (h, w, channels) into uint8 without transparency."""
    if pixels.dtype == np.uint16:
        if 0 < pixels.max() < 4096:
            warnings.warn(
                f"{path}: 16 bits per sample, but none above {pixels.max()}; full scale is 65535, "
                "so the image becomes dark. Rescale the file if it holds 12-bit data",
                stacklevel=2,
            )
        table = _to_bytes(np.arange(65536), 0, 65535)
        pixels = _in_blocks(lambda block: table[block], pixels, pixels.shape[2:])
    if pixels.ndim == 2 or pixels.shape[-1] == 3:
        return pixels
    if pixels.shape[-1] not in (2, 4):
        raise ValueError(f"{pixels.shape[-1]} channels are neither gray nor RGB")

    def over_black(block):
        return np.rint(block[:, :-1] * (block[:, -1:] / 255.0))

    colour = _in_blocks(over_black, pixels, (pixels.shape[-1] - 1,))
    return colour if colour.shape[-1] == 3 else colour[..., 0]


def _in_blocks(
    function: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, channels: tuple[int, ...] = ()
) -> np.ndarray:
    """Apply a function of the pixels (n, ...) in blocks, whose copies in wider types are small."""
    result = np.empty((*pixels.shape[:2], *channels), np.uint8)
    flat, done = pixels.reshape(-1, *pixels.shape[2:]), result.reshape(-1, *channels)
    for start in range(0, len(flat), 2**20):
        block = slice(start, start + 2**20)
        done[block] = function(flat[block])
    return result


@dataclass(frozen=True, eq=False)
class _Volume:
    """Axial slices (slices, h, w) in radiological display, and where they show the brain."""

    stack: np.ndarray
    brain: np.ndarray
    low: float
    high: float

    def area(self) -> np.ndarray:
        """Return how many pixels of each slice show the brain."""
        return np.array([np.count_nonzero(brain) for brain in self.brain])

    def axial_slice(self, number: int, crop: bool) -> np.ndarray:
        """Return one slice as uint8, cropped to the bounding box of the brain in it if told so."""
        brain = self.brain[number]
        pixels = np.where(brain, _to_bytes(self.stack[number], self.low, self.high), np.uint8(0))
        if not crop:
            return pixels
        rows, columns = (np.flatnonzero(brain.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            raise ValueError(f"axial slice {number} shows no brain to crop to")
        return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _read_nifti(path: Path) -> _Volume:
    import nibabel

    raw = limits.read(path)
    if raw.startswith(b"\x1f\x8b"):
        raw = limits.gunzip(raw)
    image_class = nibabel.Nifti2Image if raw[4:8] == b"n+2\0" else nibabel.Nifti1Image
    image = image_class.from_bytes(raw)
    del raw
    unscaled = (image.dataobj.slope, image.dataobj.inter) == (1.0, 0.0)
    width = image.get_data_dtype().itemsize if unscaled else 8
    limits.check_volume(image.shape, width)
    image = nibabel.as_closest_canonical(image)
    volume = np.asanyarray(image.dataobj)
    if volume.dtype.kind not in "uif":
        raise ValueError(f"voxels of type {volume.dtype} are not gray values")
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    if volume.ndim == 2:
        volume = volume[..., np.newaxis]
    if volume.ndim != 3:
        raise ValueError(f"a volume with three dimensions is needed, this has shape {volume.shape}")
    low, high = float(volume.min()), float(volume.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("the volume holds values that are not finite")

    # Of all voxels only those on the faces are counted, which takes a hundredth of the time.
    faces = [np.moveaxis(volume, axis, 0)[end].ravel() for axis in range(3) for end in (0, -1)]
    values, counts = np.unique(np.concatenate(faces), return_counts=True)
    # Nibabel's axes run to the right, the front and the top of the patient.
    stack = volume.T[:, ::-1, ::-1]
    brain = stack != values[counts.argmax()]
    if not brain.any():
        raise ValueError(f"the volume shows nothing, every voxel is {low}")
    return _Volume(stack, brain, low, high)


def _read_dicom(path: Path, frame: int | None) -> np.ndarray:
    import pydicom
    from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, get_decoder

    from dkg.data import decoders

    decoders.register()
    raw = limits.read(path)
    limits.check_dicom_file(raw)
    dataset = pydicom.dcmread(io.BytesIO(raw), force=True)
    if "PixelData" not in dataset or "Rows" not in dataset:
        raise ValueError("it holds no image")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise ValueError("it names no transfer syntax")
    if syntax.is_encapsulated:
        try:
            available = get_decoder(syntax).is_available
        except NotImplementedError:
            available = False
        if not available:
            raise ValueError(f"no installed decoder handles its transfer syntax, {syntax.name}")
    frame = _check_frame(frame, int(dataset.get("NumberOfFrames") or 1))
    # Values are computed with 8 bytes each.
    limits.check(8 * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel)
    limits.check_dicom_frames(dataset, frame)
    try:
        stored = pydicom.pixels.pixel_array(dataset, index=frame)
    except RuntimeError as error:
        raise ValueError(f"its transfer syntax, {syntax.name}, was not decoded: {error}") from error

    if dataset.PhotometricInterpretation == "PALETTE COLOR":

        def coloured(block):
            pixels = apply_color_lut(block, dataset)
            return _to_bytes(pixels, 0, np.iinfo(pixels.dtype).max)

        return _in_blocks(coloured, stored, (3,))
    brightest = 2**dataset.BitsStored - 1
    if stored.ndim == 3:
        return _in_blocks(lambda block: _to_bytes(block, 0, brightest), stored, stored.shape[2:])
    if dataset.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric interpretation {dataset.PhotometricInterpretation}")

    _lift_functional_groups(dataset, frame)
    values = apply_modality_lut(stored, dataset)
    padding = np.zeros(stored.shape, bool)
    if "PixelPaddingValue" in dataset:
        ends = dataset.PixelPaddingValue, dataset.get("PixelPaddingRangeLimit")
        low, high = sorted(ends[0] if end is None else end for end in ends)
        padding = (stored >= low) & (stored <= high)
    if dataset.get("VOILUTSequence"):
        # Its output range is that of its entries, PS3.3 C.11.2.1.1.
        high = 2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1

        def shown(block):
            return _to_bytes(apply_voi_lut(np.rint(block).astype(np.int64), dataset), 0, high)

    elif dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        # Values far outside the window tell the range that pydicom maps it onto.
        with np.errstate(over="ignore"):
            low, high = apply_voi_lut(np.array([-1e12, 1e12]), dataset)

        def shown(block):
            with np.errstate(over="ignore"):
                return _to_bytes(apply_voi_lut(block, dataset), low, high)

    else:
        if dataset.BitsStored <= 8 and stored.dtype.kind == "u" and np.array_equal(values, stored):
            low, high = 0, brightest
        else:
            valid = values if padding.all() else values[~padding]
            low, high = float(valid.min()), float(valid.max())
            del valid

        def shown(block):
            return _to_bytes(block, low, high)

    pixels = _in_blocks(shown, values)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = 255 - pixels
    return np.where(padding, 0, pixels).astype(np.uint8)


def _lift_functional_groups(dataset: "Dataset", frame: int) -> None:
    """Copy a frame's rescale and window to the top level, where pydicom's functions look.

    Enhanced multi-frame objects keep them in functional groups, PS3.3 C.7.6.16.
    """
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared, *per_frame[frame : frame + 1]]:
        for keyword in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(keyword) or []:
                dataset.update(item)


_READERS = {"PNG": _read_png, "JPEG": _read_jpeg, "TIFF": _read_tiff, "DICOM": _read_dicom}
