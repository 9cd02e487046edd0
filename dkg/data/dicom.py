"""Reader of frames of DICOM files: lookup tables and windows as DICOM PS3.3 C.11 has them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from dkg.data import decoders, dicom_files
from dkg.data.palettes import read_palette
from dkg.data.pixels import check_frame, in_blocks, to_bytes
from dkg.storage import limits

decoders.register()

_DESCRIPTION = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored")
_NUMBERS = ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept")

# How the items of encapsulated pixel data, and codestreams, begin.
_COMPRESSED = (b"\xfe\xff\x00\xe0", b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")


def read_frame(raw: bytes, frame: int | None) -> NDArray[np.uint8]:
    """Read a frame of the bytes of a file, the first by default, as uint8 (h, w) or (h, w, 3)."""
    dataset = _read_dataset(raw)
    frame = check_frame(frame, _count_frames(dataset))
    # Values are computed with 8 bytes each.
    limits.check(8 * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel)
    stored = _read_stored(dataset, frame)
    interpretation = dataset.PhotometricInterpretation
    if interpretation == "PALETTE COLOR":
        palette, first = read_palette(dataset)

        def in_color(block: NDArray[Any]) -> NDArray[np.uint8]:
            return palette[np.clip(block.astype(np.int64) - first, 0, len(palette) - 1)]

        return in_blocks(in_color, stored, (3,))
    if stored.ndim == 3:
        brightest = 2**dataset.BitsStored - 1
        return in_blocks(lambda block: to_bytes(block, 0, brightest), stored, stored.shape[2:])
    if interpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric interpretation {interpretation}")

    _lift_functional_groups(dataset, frame)
    _check_numbers(dataset)
    values = apply_modality_lut(stored, dataset)
    padding = _padding(dataset, stored)
    pixels = in_blocks(_presentation(dataset, stored, values, padding), values)
    if interpretation == "MONOCHROME1":
        pixels = 255 - pixels
    return np.where(padding, 0, pixels).astype(np.uint8)


def _read_dataset(raw: bytes) -> Dataset:
    """Read a data set that holds an image in a transfer syntax that can be decoded."""
    dataset = dicom_files.parse(raw, force=True)
    if "PixelData" not in dataset or "Rows" not in dataset:
        raise ValueError("it holds no image")
    for keyword in _DESCRIPTION:
        if not isinstance(dataset.get(keyword), int):
            raise ValueError(f"its {keyword} is {dataset.get(keyword)!r}, not a number")
    if dataset.get("PhotometricInterpretation") is None:
        raise ValueError("it has no PhotometricInterpretation")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise ValueError("it names no transfer syntax")
    if syntax.is_encapsulated:
        if not decoders.is_available(syntax):
            raise ValueError(f"no installed decoder handles its transfer syntax, {syntax.name}")
    elif dataset["PixelData"].is_undefined_length or dataset.PixelData.startswith(_COMPRESSED):
        raise ValueError(f"its pixel data are compressed, but its transfer syntax is {syntax.name}")
    return dataset


def _count_frames(dataset: Dataset) -> int:
    try:
        count = int(dataset.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise ValueError(f"its NumberOfFrames is {dataset.get('NumberOfFrames')}")
    return count


def _read_stored(dataset: Dataset, frame: int) -> NDArray[Any]:
    """Decode a frame to its stored values: without bits that are not stored, such as overlays."""
    syntax = dataset.file_meta.TransferSyntaxUID
    with decoders.explaining(syntax):
        stored: NDArray[Any] = pixel_array(
            dataset,
            index=frame,
            decoding_plugin=decoders.PLUGIN if syntax.is_encapsulated else "",
            correct_unused_bits=False,
        )
    allocated, bits = dataset.BitsAllocated, dataset.BitsStored
    high = dataset.get("HighBit", bits - 1)
    if not 0 < bits <= high + 1 <= allocated:
        raise ValueError(
            f"BitsStored {bits} and HighBit {high} do not fit BitsAllocated {allocated}"
        )
    if allocated == 1 or bits == allocated:
        return stored
    # Shifting out what is above, and then what is below, leaves the stored bits and their sign.
    above = 8 * stored.itemsize - 1 - high
    np.left_shift(stored, above, out=stored)
    np.right_shift(stored, above + high + 1 - bits, out=stored)
    return stored


def _check_numbers(dataset: Dataset) -> None:
    """Refuse a rescale or window that is no number, which pydicom would compute with."""
    for keyword in _NUMBERS:
        value = dataset.get(keyword)
        try:
            numbers = np.asarray([] if value is None else value, float)
        except (TypeError, ValueError):
            numbers = np.array(np.nan)
        if not np.isfinite(numbers).all():
            raise ValueError(f"its {keyword} is {value}, not a number")


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
