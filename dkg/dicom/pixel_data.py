"""Samples of a DICOM image: their layout, and the XOR of their stored bits with the key."""

import copy
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
from dkg.data import decoders, dicom_files
from dkg.dicom.parsing import file_meta, large_element
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


# Samples that are computed with at a time.
_AT_ONCE = 2**20


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

    They are a view of the pixel data where these are stored in that order, else a new array. The
    attributes are changed to what holds of these samples.
    """
    length = _length(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        try:
            data = _decompress(dataset, length)
        except ValueError as error:
            raise CipherError(str(error)) from error
    else:
        data = np.frombuffer(dataset.PixelData, np.uint8)
        if syntax == ExplicitVRBigEndian:
            # The bytes of words are swapped, and so are pairs of bytes in words.
            width = 2 if dataset[PIXEL_DATA].VR == "OW" else 1
            width = max(width, dataset.BitsAllocated // 8)
            data = data[: len(data) // width * width].view(f">u{width}")
            data = data.astype(f"<u{width}").view(np.uint8)
    layout = read_layout(dataset)
    types = {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}
    samples = data[:length].view(types[layout.bits_allocated])
    if layout.samples_per_pixel == 1 and syntax != ExplicitVRBigEndian:
        return samples, layout
    if _is_by_plane(dataset):
        planes = samples.reshape(layout.frames, layout.samples_per_pixel, -1)
        samples = planes.swapaxes(1, 2).ravel()
    dataset.PlanarConfiguration = 0
    return samples, layout


def noise_of(encrypted: Dataset) -> tuple[NDArray[Any], Layout]:
    """Return the samples of an encrypted image as `read_samples` does, without changing it."""
    image = copy.deepcopy(encrypted.group_dataset(0x0028))
    image.file_meta = copy.deepcopy(encrypted.file_meta)
    for element in encrypted.group_dataset(0x7FE0):
        # The value of a copy is the same object, and not copied.
        image.add(copy.copy(element))
    return read_samples(image)


def _decompress(dataset: Dataset, length: int) -> NDArray[np.uint8]:
    """Decode compressed pixel data, of no more frames than the data set says; change it to them."""
    syntax, count = dataset.file_meta.TransferSyntaxUID, int(dataset.get("NumberOfFrames") or 1)
    samples, position, number = np.zeros(length + length % 2, np.uint8), 0, 0
    description = dict[str, str | int]()
    if isinstance(dataset.PixelData, memoryview):
        dataset.PixelData = dicom_files.ViewReader(dataset.PixelData)
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
            frame = np.ascontiguousarray(array, f"<{array.dtype.kind}{width}")
            frame = frame.reshape(-1).view(np.uint8)
            if frame.size == samples.size:
                samples = frame  # The only one, which need not be copied.
            else:
                samples[position : position + frame.size] = frame
            position, number = position + frame.size, number + 1
    if number < count:
        raise CipherError(f"it has {number} of {count} compressed frames")
    vr = "OB" if dataset.BitsAllocated <= 8 else "OW"
    dataset.add(large_element(PIXEL_DATA, vr, samples.data))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PhotometricInterpretation = description["photometric_interpretation"]
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = description["planar_configuration"]
    return samples


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


class StoredSamples:
    """The samples that decryption of the noise gives, where and as they are in the original file.

    Samples that are not in the file as they are, as they are compressed or big-endian, are left
    alone: then there are none here.

    Parameters
    ----------
    original : pydicom.Dataset
        The parsed file; its samples may be zeros. Its pixel data are not kept.
    noise, keys, layout : ndarray, ndarray, Layout
        As for `xor_stored`.
    """

    def __init__(
        self, original: Dataset, noise: NDArray[Any], keys: NDArray[np.uint8], layout: Layout
    ):
        self._layout, self._noise, self._stream = layout, noise, key_stream(keys, noise)
        self._start, self._length = original[PIXEL_DATA].file_tell or 0, noise.nbytes
        syntax = original.file_meta.TransferSyntaxUID
        if syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            self._length = 0
        elif _is_by_plane(original):
            shape = layout.frames, -1, layout.samples_per_pixel
            self._noise, self._stream = (
                each.reshape(shape).swapaxes(1, 2) for each in (self._noise, self._stream)
            )

    def xor(self, piece: bytearray, position: int) -> None:
        """XOR a piece of the file, which begins at a position of it, in place; its own inverse.

        What remains of the samples is zero but for bits that are not stored, such as overlays in
        them.
        """
        width, array = self._noise.itemsize, np.frombuffer(piece, np.uint8)
        begin = max(position - self._start, 0)
        end = min(position + len(piece) - self._start, self._length)
        for first in range(begin // width, -(-end // width), _AT_ONCE):
            last = min(first + _AT_ONCE, -(-end // width))
            samples = self._part(self._noise, first, last)
            samples = _xor_block(samples, self._part(self._stream, first, last), self._layout)
            # A piece may begin and end within a sample.
            cut = max(begin - first * width, 0)
            data = samples.view(np.uint8)[cut : end - first * width]
            at = first * width + cut + self._start - position
            array[at : at + len(data)] ^= data

    @staticmethod
    def _part(samples: NDArray[Any], first: int, last: int) -> NDArray[Any]:
        # Of transposed samples, `flat` copies only those asked for.
        return samples[first:last] if samples.ndim == 1 else samples.flat[first:last]


def key_stream(keys: NDArray[np.uint8], samples: NDArray[Any]) -> NDArray[Any]:
    """Return the key bytes that cover samples, as numbers of which the first byte is the high one.

    Nothing is copied. Raises CipherError if there are too few keys.
    """
    needed = -(-samples.nbytes // KEY_BYTES)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of {samples.nbytes:,} bytes needs {needed} keys, and there are {len(keys)}: "
            f"make the key from {missing} more seed image{'s'[: missing > 1]}"
        )
    stream = np.ascontiguousarray(keys).reshape(-1)[: samples.nbytes]
    return stream.view(samples.dtype.newbyteorder(">"))


def xor_stored(samples: NDArray[Any], keys: NDArray[np.uint8], layout: Layout) -> NDArray[Any]:
    """XOR with the key, and set the bits that are not stored to zero or to the sign.

    Done in place where the samples may be written to, and in blocks, so that large images are in
    memory as few times as possible.
    """
    stream = key_stream(keys, samples)
    result = samples if samples.flags.writeable else np.empty_like(samples)
    for first in range(0, samples.size, _AT_ONCE):
        block = slice(first, first + _AT_ONCE)
        result[block] = _xor_block(samples[block], stream[block], layout)
    return result


def _xor_block(samples: NDArray[Any], stream: NDArray[Any], layout: Layout) -> NDArray[Any]:
    result = xor(samples, stream.astype(samples.dtype, copy=False))
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
