"""Samples of a DICOM image: their layout, and the XOR of their stored bits with the key."""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dkg.cipher import KEY_BYTES, CipherError, xor
from dkg.data import decoders
from dkg.dicom.parsing import file_meta, parse
from dkg.storage.limits import MAX_BYTES

decoders.register()

PIXEL_DATA = 0x7FE00010
"""Tag of the Pixel Data element."""

# fmt: off
_PHOTOMETRIC_INTERPRETATIONS = (
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422",
)
_NUMBERS = (
    "Rows", "Columns", "SamplesPerPixel",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)
# fmt: on


class Layout(NamedTuple):
    """The numbers that say how samples are stored, in the order of `_NUMBERS`."""

    frames: int
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: int


def keys_needed(dataset: Dataset) -> int:
    """Return how many keys of 196,608 bytes it takes to cover an image once.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image, with its file meta information.

    Returns
    -------
    int
        At least 1. A sample takes as many key bytes as are allocated for it, so a sample of 12
        bits takes two.

    Raises
    ------
    CipherError
        If the data set holds no image that can be encrypted.
    """
    return -(-_length(dataset) // KEY_BYTES)


def _length(dataset: Dataset) -> int:
    """Check that a data set holds an image that can be encrypted; return its size in bytes."""
    syntax = file_meta(dataset).TransferSyntaxUID
    for keyword, name in (
        ("FloatPixelData", "Float Pixel Data (7FE0,0008)"),
        ("DoubleFloatPixelData", "Double Float Pixel Data (7FE0,0009)"),
    ):
        if keyword in dataset:
            raise CipherError(f"it holds {name}: noise would not be valid numbers")
    if PIXEL_DATA not in dataset or dataset[PIXEL_DATA].is_empty:
        raise CipherError("it holds no Pixel Data (7FE0,0010), so there is no image")
    for keyword in (*_NUMBERS[:3], "PhotometricInterpretation", *_NUMBERS[3:]):
        if dataset.get(keyword) is None:
            raise CipherError(f"it has pixel data, but no {keyword}")
        if keyword in _NUMBERS and not isinstance(dataset[keyword].value, int):
            raise CipherError(f"its {keyword} is {dataset[keyword].value!r}, not a number")
    bits = dataset.BitsAllocated
    if bits not in (1, 8, 16, 32):
        raise CipherError(f"BitsAllocated is {bits}; 1, 8, 16 and 32 can be encrypted")
    if not 0 < dataset.BitsStored <= dataset.HighBit + 1 <= bits:
        raise CipherError(
            f"BitsStored {dataset.BitsStored} and HighBit {dataset.HighBit} do not fit "
            f"BitsAllocated {bits}"
        )
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        raise CipherError(
            f"its NumberOfFrames is {dataset.NumberOfFrames!r}, not a number"
        ) from None
    if frames < 1:
        raise CipherError(f"its NumberOfFrames is {frames}")
    length = get_expected_length(dataset)
    if syntax.is_encapsulated:
        # Decoding undoes the subsampling that the expected length allows for.
        pixels = frames * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel
        length = -(-pixels * bits // 8)
    elif dataset.PhotometricInterpretation not in _PHOTOMETRIC_INTERPRETATIONS:
        raise CipherError(
            f"its photometric interpretation is {dataset.PhotometricInterpretation}; can be "
            f"encrypted: {', '.join(_PHOTOMETRIC_INTERPRETATIONS)}"
        )
    elif len(dataset.PixelData) < length:
        raise CipherError(f"its pixel data are cut: {len(dataset.PixelData):,} of {length:,} bytes")
    if length == 0:
        raise CipherError(f"it is empty: {dataset.Rows} rows, {dataset.Columns} columns")
    if length > MAX_BYTES:
        raise CipherError(f"an image has at most {MAX_BYTES:,} bytes, not {length:,}")
    return length


def read_layout(dataset: Dataset) -> Layout:
    """Return the layout that the attributes say the samples have; nothing is decoded."""
    _length(dataset)
    frames = int(dataset.get("NumberOfFrames") or 1)
    return Layout(frames, *(dataset[keyword].value for keyword in _NUMBERS))


def read_samples(dataset: Dataset) -> tuple[NDArray[Any], Layout]:
    """Return the samples as unsigned integers in the order frame, row, column, sample.

    The attributes are changed to what holds of these samples.
    """
    length = _length(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        try:
            _decompress(dataset)
        except ValueError as error:
            raise CipherError(str(error)) from error
        length = _length(dataset)
    if syntax == ExplicitVRBigEndian:
        array = get_decoder(syntax).as_array(dataset, raw=True)[0]
        if dataset.BitsAllocated == 1:
            array = np.packbits(array, bitorder="little")
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        dataset.PlanarConfiguration = 0
    else:
        data = dataset.PixelData[:length]
    layout = read_layout(dataset)
    samples = np.frombuffer(data, {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}[layout.bits_allocated])
    if layout.samples_per_pixel == 1:
        return samples, layout
    if _is_by_plane(dataset):
        planes = samples.reshape(layout.frames, layout.samples_per_pixel, -1)
        samples = planes.swapaxes(1, 2).ravel()
    dataset.PlanarConfiguration = 0
    return samples, layout


def _decompress(dataset: Dataset) -> None:
    """Replace compressed pixel data by their samples, of no more frames than the data set says."""
    syntax, count = dataset.file_meta.TransferSyntaxUID, int(dataset.get("NumberOfFrames") or 1)
    frames, description = [], dict[str, str | int]()
    with decoders.explaining(syntax):
        decoded = get_decoder(syntax).iter_array(
            dataset, decoding_plugin=decoders.PLUGIN, as_rgb=False
        )
        for array, description in islice(decoded, count):
            if description["photometric_interpretation"] in ("YBR_FULL", "YBR_FULL_422"):
                _to_rgb(array)
                description["photometric_interpretation"] = "RGB"
            # A frame may have fewer bits per sample than are allocated, and samples of fewer bytes.
            width = max(array.itemsize, dataset.BitsAllocated // 8)
            frames.append(array.astype(f"<{array.dtype.kind}{width}", copy=False).tobytes())
    if len(frames) < count:
        raise CipherError(f"it has {len(frames)} of {count} compressed frames")
    dataset.PixelData = b"".join(frames)
    dataset["PixelData"].is_undefined_length = False
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PhotometricInterpretation = description["photometric_interpretation"]
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = description["planar_configuration"]


def _to_rgb(frame: NDArray[np.uint8]) -> None:
    """Change the colors of a frame (h, w, 3) in place, by rows: pydicom computes with 4 bytes."""
    rows = max(1, 2**20 // frame.shape[1])
    for start in range(0, len(frame), rows):
        block = frame[start : start + rows]
        block[:] = convert_color_space(block, "YBR_FULL", "RGB")


def _is_by_plane(dataset: Dataset) -> bool:
    # Where the chroma is subsampled, there are no planes (PS3.3 C.7.6.3.1.2).
    has_planes = dataset.SamplesPerPixel > 1 and dataset.PhotometricInterpretation != "YBR_FULL_422"
    return bool(has_planes and dataset.get("PlanarConfiguration") == 1)


def without_samples(
    file: bytes, noise: NDArray[Any], keys: NDArray[np.uint8], layout: Layout
) -> bytes | bytearray:
    """XOR the samples of a file with those that decryption of the noise gives; its own inverse.

    What remains is zero but for bits that are not stored, such as overlays in them. Samples that
    are not in the file as they are, as they are compressed or big-endian, are left alone.
    """
    original = parse(file)
    if original.file_meta.TransferSyntaxUID not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return file
    start, is_by_plane = original[PIXEL_DATA].file_tell, _is_by_plane(original)
    del original  # It has a copy of the samples.
    samples = xor_stored(noise, keys, layout)
    if is_by_plane:
        pixels = samples.reshape(layout.frames, -1, layout.samples_per_pixel)
        samples = np.ascontiguousarray(pixels.swapaxes(1, 2)).ravel()
    result = bytearray(file)
    assert start is not None  # It was read from a file.
    np.frombuffer(result, np.uint8)[start : start + samples.nbytes] ^= samples.view(np.uint8)
    return result


def xor_stored(samples: NDArray[Any], keys: NDArray[np.uint8], layout: Layout) -> NDArray[Any]:
    """XOR with the key, and set the bits that are not stored to zero or to the sign."""
    needed = -(-samples.nbytes // KEY_BYTES)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of {samples.nbytes:,} bytes needs {needed} keys, and there are {len(keys)}: "
            f"make the key from {missing} more seed image{'s'[: missing > 1]}"
        )
    stream = np.ascontiguousarray(keys).ravel()[: samples.nbytes]
    stream = stream.view(samples.dtype.newbyteorder(">")).astype(samples.dtype, copy=False)
    result = xor(samples, stream)
    if layout.bits_allocated == 1:
        return result
    # Shifting out what is above and then what is below leaves the stored bits, or their sign.
    above = layout.bits_allocated - 1 - layout.high_bit
    below = layout.high_bit + 1 - layout.bits_stored
    number = result.view(result.dtype.str.replace("u", "i")) if layout.signed else result
    number <<= above
    number >>= above + below
    number <<= below
    return result
