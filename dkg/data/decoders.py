"""Decoders of compressed DICOM images for pydicom, made of the codecs of imagecodecs.

pydicom decodes RLE by itself, and JPEG and most of JPEG 2000 with Pillow. Lossless JPEG, 12-bit
JPEG, JPEG-LS and High-Throughput JPEG 2000 need further packages; imagecodecs, which reads PNG and
TIFF here, has them all. The functions are what pydicom asks of a plugin:
https://pydicom.github.io/pydicom/stable/guides/decoding/decoder_plugins.html
"""

import imagecodecs
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

_CODECS = {
    uid.JPEGExtended12Bit: imagecodecs.jpeg8_decode,
    uid.JPEGLossless: imagecodecs.jpeg8_decode,
    uid.JPEGLosslessSV1: imagecodecs.jpeg8_decode,
    uid.JPEGLSLossless: imagecodecs.jpegls_decode,
    uid.JPEGLSNearLossless: imagecodecs.jpegls_decode,
    uid.JPEG2000Lossless: imagecodecs.jpeg2k_decode,
    uid.JPEG2000: imagecodecs.jpeg2k_decode,
    uid.HTJ2KLossless: imagecodecs.htj2k_decode,
    uid.HTJ2KLosslessRPCL: imagecodecs.htj2k_decode,
    uid.HTJ2K: imagecodecs.htj2k_decode,
}

DECODER_DEPENDENCIES = dict.fromkeys(_CODECS, ("imagecodecs",))
"""What pydicom names where a plugin is not available."""


def is_available(syntax: str) -> bool:
    """Tell pydicom whether the transfer syntax of a UID can be decoded."""
    return syntax in _CODECS


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytearray:
    """Decode one compressed frame for pydicom, and tell it how the samples are laid out.

    The samples are returned color by pixel, in as many bytes as the codec takes for them.
    """
    samples = _CODECS[runner.transfer_syntax](frame)
    runner.set_option("bits_allocated", 8 * samples.itemsize)
    runner.set_option("planar_configuration", 0)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    return bytearray(samples.tobytes())


def register() -> None:
    """Let pydicom use these decoders after its own."""
    for syntax in _CODECS:
        decoder = get_decoder(syntax)
        if "imagecodecs" not in decoder.available_plugins:
            decoder.add_plugin("imagecodecs", (__name__, "decode_frame"))
