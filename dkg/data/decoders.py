"""Decoders of compressed DICOM images for pydicom that write no more than a frame.

pydicom tries every package for decoding that is installed, one after another, so that what comes
out could depend on them. These functions are what pydicom asks of a plugin, for all transfer
syntaxes, and the package names it wherever it decodes:
https://pydicom.github.io/pydicom/stable/guides/decoding/decoder_plugins.html

Each frame is checked just before it is decoded: a compressed frame has a size of its own, and
places of frames in a file can be given in several ways that need not agree.
"""

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from dkg.storage import codestreams, limits

PLUGIN = "imagecodecs"
"""The name that these decoders have in pydicom."""

_JPEG_2000: dict[uid.UID, Callable[[bytes], NDArray[Any]]] = {
    uid.JPEG2000Lossless: imagecodecs.jpeg2k_decode,
    uid.JPEG2000: imagecodecs.jpeg2k_decode,
    uid.HTJ2KLossless: imagecodecs.htj2k_decode,
    uid.HTJ2KLosslessRPCL: imagecodecs.htj2k_decode,
    uid.HTJ2K: imagecodecs.htj2k_decode,
}

_CODECS: dict[uid.UID, Callable[[bytes], NDArray[Any]]] = {
    **_JPEG_2000,
    uid.JPEGBaseline8Bit: imagecodecs.jpeg8_decode,
    uid.JPEGExtended12Bit: imagecodecs.jpeg8_decode,
    uid.JPEGLossless: imagecodecs.jpeg8_decode,
    uid.JPEGLosslessSV1: imagecodecs.jpeg8_decode,
    uid.JPEGLSLossless: imagecodecs.jpegls_decode,
    uid.JPEGLSNearLossless: imagecodecs.jpegls_decode,
}

DECODER_DEPENDENCIES = dict.fromkeys((*_CODECS, uid.RLELossless), ("imagecodecs",))
"""What pydicom names where a plugin is not available."""

# Programs pad a segment of RLE with a few bytes.
_PADDING = 1024


def is_available(syntax: str) -> bool:
    """Tell pydicom whether the transfer syntax of a UID can be decoded."""
    return syntax in DECODER_DEPENDENCIES


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytearray:
    """Decode one compressed frame for pydicom, and tell it how the samples are laid out.

    The samples are returned color by pixel, in as many bytes as the codec takes for them; those of
    RLE by plane, in as many bytes as the data set says.

    Raises
    ------
    ValueError
        If the frame is not of the size that the data set says, or has more bits per sample than it
        allocates.
    """
    syntax = runner.transfer_syntax
    said = runner.rows, runner.columns, runner.samples_per_pixel
    if syntax == uid.RLELossless:
        return _decode_rle(frame, runner)
    if syntax in _JPEG_2000:
        frame = codestreams.bare_jpeg2000(frame)
        # OpenJPEG computes with 4 bytes for a sample, and copies them.
        limits.check(8 * runner.rows * runner.columns * runner.samples_per_pixel, "a frame")
    found = codestreams.shape(frame)
    if found != said:
        raise ValueError(
            "a compressed frame has {} rows, {} columns and {} samples per pixel, the data set "
            "says {}, {} and {}".format(*found, *said)
        )
    bits = codestreams.precision(frame)
    # Then the size that the data set says, which is bounded, is that of what is decoded.
    if runner.bits_allocated < max(8, bits):
        raise ValueError(
            f"a compressed frame has {bits} bits per sample and needs at least {max(8, bits)} bits "
            f"allocated, the data set allocates {runner.bits_allocated}"
        )
    if syntax == uid.JPEGBaseline8Bit or (
        syntax == uid.JPEGExtended12Bit and runner.bits_stored == 8
    ):
        return _decode_jpeg(frame, runner)
    samples = _CODECS[syntax](frame)
    if samples.size != runner.rows * runner.columns * runner.samples_per_pixel:
        raise ValueError(f"a compressed frame was decoded to shape {samples.shape}")
    runner.set_option("bits_allocated", 8 * samples.itemsize)
    runner.set_option("planar_configuration", 0)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    # pydicom makes an array of it; a large frame is not to be copied before.
    return cast(bytearray, np.ascontiguousarray(samples).data.cast("B"))


def _decode_jpeg(frame: bytes, runner: DecodeRunner) -> bytearray:
    """Decode JPEG of 8 bits with Pillow, without a change of color unless Adobe's marker says so.

    The data set says which colors they are, and pydicom converts them.
    """
    try:
        image = Image.open(io.BytesIO(frame), formats=["JPEG"])
    except UnidentifiedImageError:  # Its message is about the object that was opened.
        raise ValueError(
            "a compressed frame is damaged, or is not the JPEG of 8 bits that the data set says: "
            f"it has {codestreams.precision(frame)} bits per sample"
        ) from None
    runner.set_option("bits_allocated", 8)
    with image:
        if runner.samples_per_pixel != 1 and "adobe_transform" not in image.info:
            image.draft("YCbCr", image.size)
        return bytearray(image.tobytes())


def _decode_rle(frame: bytes, runner: DecodeRunner) -> bytearray:
    """Decode RLE (PS3.5 annex G): a segment for each byte of a sample, the high byte first."""
    size, width = runner.rows * runner.columns, runner.bits_allocated // 8
    if runner.bits_allocated % 8 or len(frame) < 64:
        raise ValueError(f"{runner.bits_allocated} bits allocated, or cut off within its header")
    n, *starts = struct.unpack_from("<16I", frame)
    if n != runner.samples_per_pixel * width or n > 15:
        raise ValueError(
            f"a compressed frame has {n} RLE segments, and needs {runner.samples_per_pixel * width}"
        )
    ends = [*starts[1:n], len(frame)]
    decoded = np.empty((runner.samples_per_pixel, size, width), np.uint8)
    for i, (start, end) in enumerate(zip(starts, ends, strict=False)):
        try:
            segment = imagecodecs.packbits_decode(frame[start:end], out=size + _PADDING)
        except RuntimeError:  # The decoder's, where the output is too small.
            raise ValueError(
                f"an RLE segment has more than the {size:,} bytes of a frame"
            ) from None
        if len(segment) < size:
            raise ValueError(f"an RLE segment has {len(segment):,} of {size:,} bytes")
        decoded[i // width, :, width - 1 - i % width] = np.frombuffer(segment, np.uint8, size)
    runner.set_option("planar_configuration", 1)
    return bytearray(decoded.tobytes())


@contextmanager
def explaining(syntax: uid.UID) -> Iterator[None]:
    """Turn an error of decoding compressed frames into a ValueError that says what is wrong."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # Every decoder has its own; pydicom lists plugins before it.
        if not syntax.is_encapsulated:
            raise
        reason = str(error).rpartition(f"{PLUGIN}: ")[2]
        raise ValueError(
            f"its transfer syntax, {syntax.name}, cannot be decoded: {reason}"
        ) from error


def register() -> None:
    """Let pydicom know these decoders."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, "decode_frame"))
