"""Reader of frames of DICOM files: lookup tables and windows as DICOM PS3.3 C.11 has them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from dkg.data import decoders
from dkg.data.pixels import check_frame, in_blocks, to_bytes
from dkg.storage import limits

decoders.register()


def read_frame(path: Path, frame: int | None) -> NDArray[np.uint8]:
    """Read a frame, the first by default, as uint8 (h, w) or (h, w, 3)."""
    dataset = _read_dataset(path)
    frame = check_frame(frame, int(dataset.get("NumberOfFrames") or 1))
    # Values are computed with 8 bytes each.
    limits.check(8 * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel)
    limits.check_dicom_frames(dataset, frame)
    try:
        stored = pixel_array(dataset, index=frame)
    except RuntimeError as error:
        name = dataset.file_meta.TransferSyntaxUID.name
        raise ValueError(f"its transfer syntax, {name}, was not decoded: {error}") from error
    interpretation = dataset.PhotometricInterpretation
    if interpretation == "PALETTE COLOR":

        def in_color(block: NDArray[Any]) -> NDArray[np.uint8]:
            pixels = apply_color_lut(block, dataset)
            return to_bytes(pixels, 0, np.iinfo(pixels.dtype).max)

        return in_blocks(in_color, stored, (3,))
    if stored.ndim == 3:
        brightest = 2**dataset.BitsStored - 1
        return in_blocks(lambda block: to_bytes(block, 0, brightest), stored, stored.shape[2:])
    if interpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric interpretation {interpretation}")

    _lift_functional_groups(dataset, frame)
    values = apply_modality_lut(stored, dataset)
    padding = _padding(dataset, stored)
    pixels = in_blocks(_presentation(dataset, stored, values, padding), values)
    if interpretation == "MONOCHROME1":
        pixels = 255 - pixels
    return np.where(padding, 0, pixels).astype(np.uint8)


def _read_dataset(path: Path) -> Dataset:
    """Read a data set that holds an image in a transfer syntax that can be decoded."""
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
    return dataset


def _padding(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where the stored values are padding around the image."""
    if "PixelPaddingValue" not in dataset:
        return np.zeros(stored.shape, bool)
    ends = dataset.PixelPaddingValue, dataset.get("PixelPaddingRangeLimit")
    low, high = sorted(ends[0] if end is None else end for end in ends)
    padding: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return padding


def _presentation(
    dataset: Dataset, stored: NDArray[Any], values: NDArray[Any], padding: NDArray[np.bool_]
) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """Return the function that maps values to 8 bits: VOI LUT, window, or the range of values."""
    if dataset.get("VOILUTSequence"):
        # Its output range is that of its entries, PS3.3 C.11.2.1.1.
        high = 2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1
        return lambda block: to_bytes(
            apply_voi_lut(np.rint(block).astype(np.int64), dataset), 0, high
        )
    if dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        # Values far outside the window tell the range that pydicom maps it onto.
        with np.errstate(over="ignore"):
            low, high = apply_voi_lut(np.array([-1e12, 1e12]), dataset)

        def in_window(block: NDArray[Any]) -> NDArray[np.uint8]:
            with np.errstate(over="ignore"):
                return to_bytes(apply_voi_lut(block, dataset), low, high)

        return in_window
    if dataset.BitsStored <= 8 and stored.dtype.kind == "u" and np.array_equal(values, stored):
        low, high = 0, 2**dataset.BitsStored - 1
    else:
        valid = values if padding.all() else values[~padding]
        low, high = float(valid.min()), float(valid.max())
    return lambda block: to_bytes(block, low, high)


def _lift_functional_groups(dataset: Dataset, frame: int) -> None:
    """Copy a frame's rescale and window to the top level, where pydicom's functions look.

    Enhanced multi-frame objects keep them in functional groups, PS3.3 C.7.6.16.
    """
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared, *per_frame[frame : frame + 1]]:
        for keyword in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(keyword) or []:
                dataset.update(item)
