"""Readers that turn one file of any supported format into images of the paper's shape.

Alg. 1 of the paper converts its images "into 256 x 256 x 3 matrices" without saying how. Here every
reader ends in the same two steps: the image becomes 8 bits per channel by the rule of its format,
then a named filter stretches it to ``size`` x ``size``; the aspect ratio is not kept. A gray image
gets three equal channels. `docs/data.md` holds the measurements behind the defaults.

The readers of NIfTI and DICOM are imported when they are needed, so that others start fast.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dkg.data import borders, raster
from dkg.data.pixels import check_frame
from dkg.storage import limits
from dkg.storage.formats import HEAD, image_format

FILTERS = {
    name: Image.Resampling[name.upper()]
    for name in ("nearest", "box", "bilinear", "bicubic", "lanczos")
}

# Even with all that a gzip file may say of itself, the volume's header ends within these bytes.
_HEAD_OF_GZIP = 2**18

# Six volumes or more then give at least the paper's 138 images.
SLICES_PER_VOLUME = 23


def read_image(
    path: str | os.PathLike[str],
    size: int = 256,
    resample: str = "lanczos",
    *,
    frame: int | None = None,
    crop: bool = True,
    trim: bool = False,
) -> NDArray[np.uint8]:
    """Read one image from a PNG, JPEG, TIFF, NIfTI or DICOM file.

    The format is told by the file's first bytes, not by its name; only a DICOM file without a
    preamble needs the suffix .dcm. The way to 8 bits per channel depends on the format:

    - PNG, JPEG, TIFF: 8-bit samples are kept. 16-bit samples v become round(v * 255 / 65535), the
      PNG specification's rule [1]_; a 16-bit image that uses 12 bits or fewer gets dark by this
      and raises a warning. TIFF samples of other depths below 16 bits are scaled by their bits.
      Bilevel and palette images are expanded, an image is turned as its orientation says (Exif,
      TIFF or XMP), and a transparent image is laid over black.
    - NIfTI: the volume's minimum becomes 0 and its maximum 255, linearly. The background, which is
      the most common value on the volume's six faces (0 in BraTS 2018, the minimum in the
      z-scored BraTS 2015), becomes 0 wherever it lies in the range. The slice is axial and in
      radiological display: front up, the patient's right on the left. An oblique volume is shown
      along its own axes, each taken for the nearest one of the patient; nothing is resampled.
    - DICOM: modality LUT or rescale, then the first VOI LUT or window onto its full output range
      (PS3.3 C.11). Without either, stored values of up to 8 bits keep the range of their bits, and
      others are stretched from the frame's minimum to its maximum, padding left out.
      MONOCHROME1 is inverted, padding becomes 0. Color is converted to RGB and scaled by its bits.

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
        file, the picture of an animated PNG or multi-picture JPEG, the axial slice of a NIfTI
        volume, counted from the feet. By default the first frame or page, and the slice that shows
        most of the brain.
    crop : bool, default True
        Crop a NIfTI slice to the bounding box of the brain in it. Other formats are not cropped.
    trim : bool, default False
        Cut off constant borders by the rule of `dkg.data.borders.trim`. A NIfTI slice has `crop`.

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
    check_filter(resample)
    return resize(read_pixels(path, frame, crop=crop, trim=trim), size, resample)


def read_pixels(
    path: str | os.PathLike[str],
    frame: int | None = None,
    *,
    crop: bool = True,
    trim: bool = False,
    background: int = 0,
) -> NDArray[np.uint8]:
    """Read one image in the size that it has in its file.

    Parameters
    ----------
    path, frame, crop, trim
        As for `read_image`.
    background : int, default 0
        The gray level, 0 to 255, over which a transparent image is laid.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        The image, gray or RGB.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As `read_image`.
    """
    path = Path(path)
    raw, kind = _read_file(path)
    with _naming(path, kind):
        if kind == "NIfTI":
            from dkg.data import nifti

            volume = nifti.read_volume(raw)
            frame = int(volume.area().argmax()) if frame is None else frame
            pixels = volume.axial_slice(check_frame(frame, len(volume.stack)), crop)
        elif kind == "DICOM":
            from dkg.data import dicom

            pixels = dicom.read_frame(raw, frame)
        else:
            pixels = raster.READERS[kind](raw, frame, path, background)
        if trim and kind != "NIfTI":
            pixels = borders.trim(pixels)
    return pixels


def read_slices(
    path: str | os.PathLike[str],
    n: int = SLICES_PER_VOLUME,
    size: int = 256,
    resample: str = "nearest",
    *,
    crop: bool = True,
    channel: int | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
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
    channel : int, optional
        Which volume of a file with four dimensions, from 0, such as the sequences of an MRI study.
        A file with three is read as it is.

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
        If the file is no readable NIfTI volume or has fewer such slices.
    """
    check_filter(resample)
    path = Path(path)
    raw, kind = _read_file(path)
    if kind != "NIfTI":
        raise ValueError(f"{path}: slices are read from NIfTI volumes, this is a {kind} file")
    with _naming(path, kind):
        from dkg.data import nifti

        volume = nifti.read_volume(raw, channel)
        area = volume.area()
        numbers = np.flatnonzero(area >= area.max() / 2)
        if not 1 <= n <= len(numbers):
            raise ValueError(
                f"{n} slices were requested, {len(numbers)} show at least half as much brain as "
                "the fullest"
            )
        numbers = numbers[np.rint(np.linspace(0, len(numbers) - 1, n)).astype(int)]
        numbers = numbers[np.argsort(-area[numbers], kind="stable")]
        slices = [volume.axial_slice(number, crop) for number in numbers]
    return np.stack([resize(pixels, size, resample) for pixels in slices]), numbers


@contextmanager
def _naming(path: Path, kind: str) -> Iterator[None]:
    """Turn every error of a decoder into one that names the file."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # Every decoder has its own exceptions.
        raise ValueError(f"{path}: cannot be read as {kind}: {error}") from error


def check_filter(resample: str) -> None:
    """Refuse an unknown resizing filter."""
    if resample not in FILTERS:
        raise ValueError(f"unknown resizing filter {resample!r}; known are {', '.join(FILTERS)}")


def resize(pixels: NDArray[np.uint8], size: int, resample: str) -> NDArray[np.uint8]:
    """Turn uint8 pixels (h, w) or (h, w, 3) into an image (size, size, 3)."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    resized = np.array(image.resize((size, size), FILTERS[resample]))
    return resized if resized.ndim == 3 else np.repeat(resized[..., np.newaxis], 3, axis=-1)


def file_format(path: Path) -> str:
    """Tell a file's format by its first bytes, or refuse it."""
    with path.open("rb") as file:
        return _format(path, file.read(_HEAD_OF_GZIP))


def _read_file(path: Path) -> tuple[bytes, str]:
    """Read a whole file, which may be a pipe, once, and tell its format, or refuse it."""
    try:
        raw = limits.read(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return raw, _format(path, raw)


def _format(path: Path, raw: bytes) -> str:
    if not raw:
        raise ValueError(f"{path}: the file is empty")
    kind = image_format(raw[:HEAD])
    if kind is None and raw.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(raw[:_HEAD_OF_GZIP])) as unpacked:
                kind = "NIfTI" if image_format(unpacked.read(HEAD)) == "NIfTI" else None
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: the gzip file is damaged or cut off: {error}") from error
    if kind is None and path.suffix.lower() == ".dcm":
        kind = "DICOM"
    if kind is None:
        raise ValueError(f"{path}: not a PNG, JPEG, TIFF, NIfTI or DICOM file, starts {raw[:8]!r}")
    return kind
