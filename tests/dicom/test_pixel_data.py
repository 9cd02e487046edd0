"""Samples of every layout, compared with a plain XOR; what comes back is compared byte for byte."""

import copy

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from dkg import dicom
from dkg.cipher import CipherError
from dkg.dicom import pixel_data

from .parts import (
    FILES,
    KEYS,
    compressed,
    make_image,
    random_bytes,
    read,
    there_and_back,
    transcoded,
    without,
    write,
)


@st.composite
def layouts(draw):
    allocated = draw(st.sampled_from([1, 8, 16, 32]))
    if allocated == 1:
        layout = {"allocated": 1, "stored": 1, "samples": 1}
    else:
        stored = draw(st.integers(1, allocated))
        layout = {
            "allocated": allocated,
            "stored": stored,
            "high_bit": draw(st.integers(stored - 1, allocated - 1)),
            "signed": draw(st.integers(0, 1)),
            "samples": draw(st.sampled_from([1, 3])),
            "planar": draw(st.integers(0, 1)),
        }
    layout["rows"] = draw(st.integers(1, 20))
    layout["columns"] = draw(st.integers(1, 20))
    layout["frames"] = draw(st.sampled_from([None, 1, 3]))
    return layout


@pytest.mark.slow
@given(
    layout=layouts(),
    syntax=st.sampled_from(
        [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
    ),
    attributes=st.sampled_from(dicom.ATTRIBUTES),
)
@settings(max_examples=100, deadline=None)
def test_any_layout(layout, syntax, attributes):
    image = make_image(**layout, syntax=syntax)
    original = write(image)
    encrypted = dicom.encrypt_dataset(read(original), KEYS[:1], attributes=attributes)
    assert write(dicom.decrypt_dataset(read(write(encrypted)), KEYS[:1])) == original
    assert encrypted.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert read(write(encrypted)).pixel_array.size == image.pixel_array.size
    check_noise(image, encrypted)


def check_noise(image, encrypted):
    """Compare the noise with a XOR of each stored bit, computed in another way."""

    def numbers(dataset):
        dtype = {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}[image.BitsAllocated]
        length = -(-values * image.BitsAllocated // 8)
        return np.frombuffer(dataset.PixelData[:length], dtype)

    frames = image.get("NumberOfFrames") or 1
    values = image.Rows * image.Columns * image.SamplesPerPixel * frames
    plain, noise = numbers(image), numbers(encrypted)
    if image.SamplesPerPixel > 1 and image.PlanarConfiguration:
        plain = plain.reshape(frames, 3, image.Rows, image.Columns)
        plain = np.moveaxis(plain, 1, -1).ravel()
    key = KEYS.ravel()[: plain.nbytes].view(plain.dtype.newbyteorder(">"))
    lowest, highest = image.HighBit + 1 - image.BitsStored, image.HighBit
    for bit in range(image.BitsAllocated if image.BitsAllocated > 1 else 8):
        found = noise >> bit & 1
        if image.BitsAllocated == 1 or lowest <= bit <= highest:
            expected = (plain ^ key) >> bit & 1
        elif bit > highest and image.PixelRepresentation:
            expected = noise >> highest & 1
        else:
            expected = np.zeros_like(noise)
        assert np.array_equal(found, expected), bit


def big_endian(image):
    """Return the file of an image in the retired transfer syntax."""
    big = Dataset()
    big.update(copy.deepcopy(image))
    big.file_meta = copy.deepcopy(image.file_meta)
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    if (size := image.BitsAllocated // 8) > 1:
        samples = np.frombuffer(image.PixelData, f"<u{size}")
        big.PixelData = samples.astype(f">u{size}").tobytes()
    return write(big)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"samples": 3, "allocated": 8, "stored": 8},
        {"allocated": 32, "stored": 32},
        {"allocated": 8, "stored": 8, "rows": 3, "columns": 3},
    ],
)
def test_big_endian(layout):
    image = make_image(**layout)
    encoded = big_endian(image)
    encrypted = dicom.encrypt_dataset(read(encoded), KEYS)
    assert encrypted.PixelData == dicom.encrypt_dataset(image, KEYS).PixelData
    assert write(dicom.decrypt_dataset(encrypted, KEYS)) == encoded


def test_subsampled_chroma_that_is_not_compressed():
    image = make_image(
        4, 6, samples=3, allocated=8, stored=8, photometric="YBR_FULL_422", pixels=random_bytes(48)
    )
    encrypted = dicom.encrypt_dataset(image, KEYS)
    expected = np.frombuffer(image.PixelData, np.uint8) ^ KEYS.ravel()[:48]
    assert encrypted.PixelData == expected.tobytes()
    assert dicom.decrypt_dataset(encrypted, KEYS).PixelData == image.PixelData


def test_colors_are_converted_by_rows_as_at_once():
    random = np.random.default_rng(0)
    frame = random.integers(0, 256, (700, 2000, 3), np.uint8)  # More than one block of rows.
    expected = convert_color_space(frame, "YBR_FULL", "RGB")
    pixel_data._to_rgb(frame)
    assert np.array_equal(frame, expected)


def test_subsampled_chroma_in_big_endian_comes_back(tmp_path, key):
    image = make_image(
        4, 6, samples=3, allocated=8, stored=8, photometric="YBR_FULL_422", pixels=random_bytes(48)
    )
    encrypted, back = there_and_back(tmp_path, key, big_endian(image))
    assert back == big_endian(image)
    assert len(encrypted.PixelData) == 48


def test_what_would_not_come_back_is_refused(monkeypatch):
    encode = dicom.encryption.encode_content

    def lossy(original, image, pieces):
        return encode(original, image, (piece[:-1] for piece in pieces))

    monkeypatch.setattr(dicom.encryption, "encode_content", lossy)
    with pytest.raises(CipherError, match="would not come back as it is"):
        dicom.encrypt_dataset(make_image(), KEYS)


@pytest.mark.parametrize("layout", [{"stored": 16}, {"samples": 3, "allocated": 8, "stored": 8}])
def test_compressed_images(tmp_path, key, layout):
    image = make_image(24, 16, **layout)
    noise = dicom.encrypt_dataset(image, KEYS).PixelData
    for version in compressed(image):
        encoded = write(version)
        encrypted, back = there_and_back(tmp_path, key, encoded)
        assert back == encoded
        assert encrypted.PixelData == noise


@pytest.mark.parametrize("layout", [{"stored": 16}, {"samples": 3, "allocated": 8, "stored": 8}])
def test_an_archive_may_store_the_noise_in_another_lossless_way(layout):
    original = write(make_image(24, 16, **layout))
    encrypted = read(write(dicom.encrypt_dataset(read(original), KEYS)))
    implicit = copy.deepcopy(encrypted)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    for version in (implicit, *compressed(encrypted)):
        assert write(dicom.decrypt_dataset(read(write(version)), KEYS)) == original


def test_lossy_compression_of_the_noise_is_noticed():
    image = make_image(24, 16, allocated=8, stored=8)
    encrypted = read(write(dicom.encrypt_dataset(image, KEYS)))
    lossy = transcoded(encrypted, JPEGBaseline8Bit, imagecodecs.jpeg8_encode)
    with pytest.raises(CipherError, match="lossy compression"):
        dicom.decrypt_dataset(lossy, KEYS)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [("MR_small_jpeg_ls_lossless.dcm", "4.80"), ("MR_small_jp2klossless.dcm", "4.90")],
)
def test_the_noise_of_a_compressed_file_is_that_of_the_plain_one(name, syntax):
    assert read((FILES / name).read_bytes()).file_meta.TransferSyntaxUID.endswith(syntax)
    noise = [
        dicom.encrypt_dataset(pydicom.dcmread(FILES / each), KEYS).PixelData
        for each in (name, "MR_small.dcm")
    ]
    assert noise[0] == noise[1]


def test_keys_needed():
    assert dicom.keys_needed(make_image(256, 384)) == 1
    assert dicom.keys_needed(make_image(257, 384)) == 2
    assert dicom.keys_needed(make_image(256, 256, samples=3, allocated=8, stored=8)) == 1
    assert dicom.keys_needed(make_image(64, 64, frames=25, allocated=32, stored=20)) == 3
    assert dicom.keys_needed(pydicom.dcmread(FILES / "examples_ybr_color.dcm")) == 36


def test_keys_that_do_not_fit():
    image = make_image(256, 384, frames=2)
    with pytest.raises(
        CipherError, match="needs 2 keys, and there are 1: make the key from 1 more"
    ):
        dicom.encrypt_dataset(image, KEYS[:1])
    with pytest.raises(CipherError, match="keys 1 and 2 are the same"):
        dicom.encrypt_dataset(image, np.concatenate([KEYS[:1], KEYS[:1]]))
    with pytest.raises(CipherError, match="keys must be uint8"):
        dicom.encrypt_dataset(image, KEYS.astype(np.uint16))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (without(make_image(), "PixelData"), r"no Pixel Data \(7FE0,0010\)"),
        (make_image(pixels=b""), r"no Pixel Data \(7FE0,0010\)"),
        (make_image(pixels=bytes(60)), "its pixel data are cut: 60 of 70 bytes"),
        (without(make_image(), "Rows"), "no Rows"),
        (without(make_image(), "SOPInstanceUID"), "no SOPInstanceUID"),
        (make_image(allocated=64, stored=64), "BitsAllocated is 64; 1, 8, 16 and 32"),
        (make_image(allocated=8, stored=12), "BitsStored 12 and HighBit 11 do not fit"),
        (make_image(photometric="YBR_PARTIAL_422"), "photometric interpretation is YBR_PARTIAL"),
        (make_image(rows=0), "no Pixel Data"),
        (make_image(frames=-1, pixels=bytes(70)), "NumberOfFrames is -1"),
        (without(make_image(), "file_meta"), "names no transfer syntax"),
    ],
)
def test_images_that_are_refused(image, message):
    if "SOPInstanceUID" in message:
        image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    with pytest.raises(CipherError, match=message):
        dicom.encrypt_dataset(image, KEYS)


def test_float_pixel_data_are_refused():
    image = without(make_image(allocated=32, stored=32), "PixelData")
    image.FloatPixelData = bytes(140)
    with pytest.raises(CipherError, match=r"Float Pixel Data \(7FE0,0008\)"):
        dicom.encrypt_dataset(image, KEYS)


def test_a_syntax_without_a_decoder_is_refused_by_name():
    image = make_image(syntax=MPEG2MPML)
    image.PixelData = encapsulate([b"video"])
    image["PixelData"].is_undefined_length = True
    with pytest.raises(CipherError, match="MPEG2 Main Profile"):
        dicom.encrypt_dataset(image, KEYS)


def test_no_more_frames_are_decoded_than_the_data_set_says():
    image = make_image(8, 8, frames=3, allocated=8, stored=8)
    lossless = copy.deepcopy(image)
    lossless.compress(RLELossless, generate_instance_uid=False)
    first = dicom.encrypt_dataset(image, KEYS).PixelData[:64]
    lossless.NumberOfFrames = 1
    encoded = write(lossless)
    encrypted = dicom.encrypt_dataset(read(encoded), KEYS)
    assert encrypted.PixelData == first
    assert write(dicom.decrypt_dataset(encrypted, KEYS)) == encoded
    lossless.NumberOfFrames = 4
    with pytest.raises(CipherError, match="frames"):
        dicom.encrypt_dataset(lossless, KEYS)


def test_a_sign_that_codestream_and_data_set_do_not_share():
    encoded = (FILES / "J2K_pixelrep_mismatch.dcm").read_bytes()
    assert write(dicom.decrypt_dataset(dicom.encrypt_dataset(read(encoded), KEYS), KEYS))


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("allocated", [16, 32])
def test_codestreams_of_fewer_bytes_than_are_allocated(tmp_path, key, allocated, signed):
    values = np.arange(256).astype(np.uint8).reshape(8, 32).view(np.int8 if signed else np.uint8)
    image = make_image(8, 32, allocated=allocated, stored=8, signed=signed)
    image.PixelData = encapsulate([imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k")])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = JPEG2000Lossless
    samples, _ = pixel_data.read_samples(copy.deepcopy(image))
    wide = samples.view(samples.dtype.str.replace("u", "i")) if signed else samples
    assert np.array_equal(wide.reshape(8, 32), values)
    assert there_and_back(tmp_path, key, write(image))[1] == write(image)
