"""Files that are read wrongly where a reader takes a part for what it usually is."""

import gzip
import io
import os
import struct
import threading
import zlib

import imagecodecs
import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from pydicom.data import get_testdata_file
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from dkg import data

from .parts import SIZE, gray8, png_rescaled, read, rgb, save_dicom

# As the Exif standard has it, on arrays with their first row on top.
TURNED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.fliplr(np.rot90(a, -1)),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.flipud(np.rot90(a, -1)),
    8: lambda a: np.rot90(a, 1),
}


def corner(dtype=np.uint8):
    """Return an image of which no turn is like another."""
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[:20, :10], pixels[:10, 20:], pixels[25:, :] = 200, 100, 50
    return pixels.astype(dtype) * dtype(257 if dtype is np.uint16 else 1)


def save_turned(path, orientation, dtype, how):
    """Save an image with an orientation in the ways of its format."""
    pixels = corner(dtype)
    if path.suffix == ".tif":
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, pixels, photometric="minisblack", compression=how, extratags=[tag])
        return
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = imagecodecs.png_encode(pixels)
    xmp = f'<x tiff:Orientation="{orientation}"/>'.encode()
    parts = {
        "exif": b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0"),
        "xmp": b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + xmp,
        "packed xmp": b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp + bytes(2_000_000)),
    }
    body = parts[how]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(raw[:33] + chunk + raw[33:])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.tif", None),
        ("a.tif", "lzw"),
        ("a.png", "exif"),
        ("a.png", "xmp"),
        ("a.png", "packed xmp"),
    ],
)
def test_one_rule_of_orientation(tmp_path, name, how, dtype):
    for orientation, turned in TURNED.items():
        save_turned(tmp_path / name, orientation, dtype, how)
        np.testing.assert_array_equal(
            read(tmp_path / name), rgb(turned(corner())), str(orientation)
        )
    save_turned(tmp_path / name, 9, dtype, how)  # The standard has no such number.
    np.testing.assert_array_equal(read(tmp_path / name), rgb(corner()))


@pytest.mark.parametrize("high", [11, 13, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_that_are_not_stored_are_left_out(tmp_path, high, signed):
    stored = np.random.default_rng(0).integers(0, 4096, (SIZE, SIZE)).astype(np.uint16)
    stored[0, 0], stored[0, 1] = 0, 4095
    values = np.where(stored > 2047, stored.astype(int) - 4096, stored) if signed else stored
    values = values.astype(int)
    low, highest = values.min(), values.max()
    expected = np.rint((values - low) * (255 / (highest - low))).astype(np.uint8)
    below = high - 11
    junk = np.random.default_rng(1).integers(0, 65536, (SIZE, SIZE)).astype(np.uint16)
    kept = np.uint16(0xFFF << below)
    pixels = (stored << below).astype(np.uint16) & kept | junk & ~kept
    dtype = np.int16 if signed else np.uint16
    path = save_dicom(tmp_path / "a.dcm", pixels.view(dtype), bits=12, HighBit=high)
    np.testing.assert_array_equal(read(path), rgb(expected))
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    np.testing.assert_array_equal(read(path), rgb(expected))


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEG2000Lossless, lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k")),
        (JPEGLSLossless, imagecodecs.jpegls_encode),
    ],
)
def test_overlays_in_the_bits_of_compressed_images(tmp_path, syntax, encode):
    stored = (gray8().astype(np.uint16) * 16).astype(np.uint16)
    expected = read(save_dicom(tmp_path / "a.dcm", stored, bits=12))
    path = save_dicom(tmp_path / "b.dcm", stored, bits=12)
    dataset = pydicom.dcmread(path)
    with_overlay = stored | np.uint16(0xA000)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = pydicom.encaps.encapsulate([encode(with_overlay)])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("wide", "bits", "highest"),
    [(True, 16, 65535), (True, 16, 255), (True, 8, 255), (False, 8, 255)],
)
def test_palettes_in_either_byte_order_and_of_narrow_entries(tmp_path, syntax, wide, bits, highest):
    pixels = gray8() % 50
    palette = np.random.default_rng(1).integers(0, highest + 1, (3, 50))
    palette[:, 0] = highest
    order = "<" if syntax == ExplicitVRLittleEndian else ">"
    elements = {}
    for name, entries in zip(("Red", "Green", "Blue"), palette, strict=True):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [50, 0, bits]
        stored = entries.astype(f"{order}u2" if wide else np.uint8)
        elements[f"{name}PaletteColorLookupTableData"] = stored.tobytes()
    path = tmp_path / "a.dcm"
    save_dicom(path, pixels, "PALETTE COLOR", syntax=syntax, **elements)
    expected = palette.T[pixels]
    expected = expected.astype(np.uint8) if highest == 255 else png_rescaled(expected)
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_segmented_palette_is_expanded_as_pydicom_does(tmp_path, bits):
    # Discrete entries, a line to another value, a line that stays, discrete entries again.
    top = 2**bits - 1
    words = [0, 3, 5, top, 7, 1, 20, top // 2, 1, 10, top // 2, 0, 2, 1, 2]
    elements = {}
    for i, name in enumerate(("Red", "Green", "Blue")):
        segments = np.array([*words[:3], words[3] - i, *words[4:]], f"<u{bits // 8}").tobytes()
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [35, 2, bits]
        segments += bytes(len(segments) % 2)
        elements[f"Segmented{name}PaletteColorLookupTableData"] = segments
    pixels = gray8() % 45
    path = save_dicom(tmp_path / "a.dcm", pixels, "PALETTE COLOR", **elements)
    expected = pydicom.pixels.apply_color_lut(pixels, pydicom.dcmread(path))
    expected = expected if bits == 8 else png_rescaled(expected)
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize("highest", [255, 65535])
def test_tiff_palettes_of_narrow_entries(tmp_path, highest):
    pixels = gray8() % 50
    colors = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16)
    colors[:, 0] = 255
    stored = colors * np.uint16(257 if highest == 65535 else 1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="palette", colormap=stored)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), colors.T.astype(np.uint8)[pixels])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("kind", "factor"), [("unspecified", None), ("assocalpha", None), ("unassalpha", "alpha")]
)
@pytest.mark.parametrize("n", [1, 3])
def test_extra_samples_of_tiff(tmp_path, dtype, kind, factor, n):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, (SIZE, SIZE, n + 1)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, extrasamples=[kind], planarconfig="contig",
                     photometric="rgb" if n == 3 else "minisblack")  # fmt: skip
    pixels = pixels if dtype is np.uint8 else png_rescaled(pixels)
    colors, alpha = pixels[..., :n], pixels[..., n:]
    expected = np.rint(colors * (alpha / 255.0)).astype(np.uint8) if factor else colors
    np.testing.assert_array_equal(
        read(tmp_path / "a.tif"), np.broadcast_to(expected, (SIZE, SIZE, 3))
    )


def test_signed_samples_of_tiff_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((8, 8), -1, np.int8))
    with pytest.raises(ValueError, match=r"a\.tif: .*samples of type int8 have no stated range"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_samples_of_other_bits_than_8_and_16(tmp_path, bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (SIZE, SIZE))
    values[0, 0] = 2**bits - 1
    packed = imagecodecs.packints_encode(values.astype(np.uint16 if bits > 8 else np.uint8), bits)
    tags = [(256, 4, SIZE), (257, 4, SIZE), (258, 3, bits), (259, 3, 1), (262, 3, 1)]
    tags += [(273, 4, 8), (277, 3, 1), (278, 4, SIZE), (279, 4, len(packed))]
    raw = b"II*\0" + struct.pack("<I", 8 + len(packed) + len(packed) % 2)
    raw += packed + bytes(len(packed) % 2) + struct.pack("<H", len(tags))
    raw += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    (tmp_path / "a.tif").write_bytes(raw + bytes(4))
    expected = np.rint(values * (255 / (2**bits - 1))).astype(np.uint8)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), rgb(expected))


@pytest.mark.parametrize("undefined", [False, True])
def test_compressed_samples_under_the_name_of_plain_ones_are_refused(tmp_path, undefined):
    pixels = gray8(shape=(64, 64))
    stream = imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k") + bytes(5000)
    content = pydicom.encaps.encapsulate([stream]) if undefined else stream + bytes(len(stream) % 2)
    path = save_dicom(tmp_path / "a.dcm", pixels)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = content
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = undefined
    if not undefined:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    raw = buffer.getvalue()
    wrong, right = JPEG2000Lossless.encode(), ExplicitVRLittleEndian.encode()
    path.write_bytes(raw.replace(wrong, right.ljust(len(wrong), b"\0"), 1))
    with pytest.raises(ValueError, match=r"are compressed, but its transfer syntax is Explicit VR"):
        read(path)


def test_a_sign_that_the_codestream_and_the_data_set_do_not_share():
    path = get_testdata_file("J2K_pixelrep_mismatch.dcm", download=False)
    assert len(np.unique(data.read_image(path))) > 8


def test_pictures_of_an_animation_and_of_a_multi_picture_jpeg(tmp_path):
    frames = [gray8(i) for i in range(3)]
    images = [Image.fromarray(np.full((SIZE, SIZE), 60 * i, np.uint8)) for i in range(3)]
    flat = [np.asarray(image) for image in images]
    Image.fromarray(frames[0]).save(
        tmp_path / "a.png", save_all=True, append_images=[Image.fromarray(f) for f in frames[1:]]
    )
    images[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=images[1:])
    for name, expected in (("a.png", frames), ("a.jpg", flat)):
        np.testing.assert_array_equal(read(tmp_path / name), rgb(expected[0]))
        for i, pixels in enumerate(expected):
            np.testing.assert_array_equal(read(tmp_path / name, frame=i), rgb(pixels))
        with pytest.raises(ValueError, match="frame 3 was requested, there are 3"):
            read(tmp_path / name, frame=3)


def test_png_with_much_text(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000)
    info.add_text("Comment", "y" * 3_000_000, zip=True)
    Image.fromarray(gray8()).save(tmp_path / "a.png", pnginfo=info)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), rgb(gray8()))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_read_once(tmp_path, whole_files):
    for name, raw in whole_files.items():
        pipe = tmp_path / name
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(raw,))
        writer.start()
        image = read(pipe)
        writer.join()
        pipe.unlink()
        (tmp_path / "file").mkdir(exist_ok=True)
        (tmp_path / "file" / name).write_bytes(raw)
        np.testing.assert_array_equal(image, read(tmp_path / "file" / name))


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"NumberOfFrames": -1}, "its NumberOfFrames is -1"),
        ({"WindowCenter": "nan", "WindowWidth": "5"}, "its WindowCenter is nan, not a number"),
        ({"RescaleSlope": "inf", "RescaleIntercept": "0"}, "its RescaleSlope is inf, not"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value")
def test_dicom_numbers_that_are_none(tmp_path, elements, message):
    path = save_dicom(tmp_path / "a.dcm", gray8(), **elements)
    with pytest.raises(ValueError, match=rf"a\.dcm: cannot be read as DICOM: {message}"):
        read(path)


@pytest.mark.filterwarnings("ignore:Invalid value")
def test_a_decimal_comma(tmp_path):
    path = save_dicom(tmp_path / "a.dcm", gray8(), WindowCenter="40.5", WindowWidth="80.5")
    path.write_bytes(path.read_bytes().replace(b"40.5", b"40,5"))
    with pytest.raises(ValueError, match="its WindowCenter is 40,5, not a number"):
        read(path)


def test_compressed_dicom_that_is_cut_off(tmp_path):
    path = save_dicom(tmp_path / "a.dcm", gray8(), syntax=JPEGLSLossless)
    raw = path.read_bytes()
    for cut in (8, 50, 500):
        path.write_bytes(raw[:-cut])
        with pytest.raises(ValueError, match=r"a\.dcm: .*cut off"):
            read(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_damaged_affines(tmp_path, bad):
    volume = np.random.default_rng(0).integers(0, 9, (5, 6, 7)).astype(np.int16)
    image = nibabel.Nifti1Image(volume, np.eye(4))
    raw = bytearray(image.to_bytes())
    struct.pack_into("<h", raw, 254, 1)  # The sform is used.
    struct.pack_into("<4f", raw, 280, *[bad] * 4)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(ValueError, match=r"a\.nii\.gz: .*damaged: its affine"):
        data.read_image(tmp_path / "a.nii.gz")


@pytest.mark.filterwarnings("ignore")
def test_no_message_shows_an_address(tmp_path, whole_files):
    for name, raw in whole_files.items():
        for change in (raw[:100], raw[:10] + bytes(90) + raw[100:], raw[:30] + b"\xff" * 300):
            (tmp_path / name).write_bytes(change)
            try:
                read(tmp_path / name)
            except ValueError as error:
                assert name in str(error) and " at 0x" not in str(error)
