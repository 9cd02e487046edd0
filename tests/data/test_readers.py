"""Resizing, the choice of a format, and damaged files."""

import gzip
import warnings

import numpy as np
import pytest
import skimage.transform
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dkg import data

from .parts import SIZE, gray8, read, rgb

NAMES = ["a.png", "b.png", "a.jpg", "a.tif", "b.tif", "a.nii.gz", "a.nii", "a.dcm"]


def test_box_filter_is_the_area_average(tmp_path):
    pixels = gray8(shape=(96, 64))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = skimage.transform.downscale_local_mean(pixels, (3, 2))
    got = data.read_image(tmp_path / "a.png", 32, "box")
    # Half a level of rounding in each of the two passes that a separable filter takes.
    assert np.abs(got[..., 0] - expected).max() <= 1.0


def test_nearest_filter_invents_no_value(tmp_path):
    pixels = 10 * (gray8(shape=(41, 57)) % 9)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert set(np.unique(data.read_image(tmp_path / "a.png", 20, "nearest"))) <= set(
        range(0, 90, 10)
    )


@pytest.mark.parametrize("resample", data.FILTERS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (300, 300)])
def test_a_flat_image_stays_flat_at_any_size(tmp_path, resample, shape):
    Image.fromarray(np.full(shape, 77, np.uint8)).save(tmp_path / "a.png")
    got = data.read_image(tmp_path / "a.png", resample=resample)
    assert got.shape == (256, 256, 3) and got.dtype == np.uint8 and (got == 77).all()


def test_unknown_filter(tmp_path):
    with pytest.raises(ValueError, match="'cubic'; known are nearest, box, bilinear"):
        data.read_image(tmp_path / "a.png", resample="cubic")
    with pytest.raises(ValueError, match="'cubic'"):
        data.load("montgomery", tmp_path, resample="cubic")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        data.read_image(tmp_path / "a.png")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        data.read_image(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a.nii.gz", "a.dcm"])
def test_empty_file(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=rf"{name}: the file is empty"):
        data.read_image(tmp_path / name)


def test_text_under_the_name_of_an_image(tmp_path):
    for name in ("a.png", "a.tif", "a.nii"):
        (tmp_path / name).write_text("Not an image at all.\n")
        with pytest.raises(ValueError, match=rf"{name}: not a PNG, JPEG, TIFF, NIfTI or DICOM"):
            data.read_image(tmp_path / name)
    (tmp_path / "a.dcm").write_text("Not an image at all.\n")
    with pytest.raises(ValueError, match=r"a\.dcm"):
        data.read_image(tmp_path / "a.dcm")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"Not an image at all.\n"))
    with pytest.raises(ValueError, match=r"a\.gz: not a PNG"):
        data.read_image(tmp_path / "a.gz")


def test_format_is_told_by_content(tmp_path):
    Image.fromarray(gray8()).save(tmp_path / "a.png")
    for name in ("a.jpg", "a", "a.dcm"):
        (tmp_path / "a.png").rename(tmp_path / name)
        np.testing.assert_array_equal(read(tmp_path / name), rgb(gray8()))
        (tmp_path / name).rename(tmp_path / "a.png")


@pytest.mark.parametrize("name", NAMES)
def test_file_cut_in_the_middle(tmp_path, whole_files, name):
    raw = whole_files[name]
    (tmp_path / name).write_bytes(raw)
    assert read(tmp_path / name).any()
    (tmp_path / name).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ValueError, match=rf"{name}: "):
        read(tmp_path / name)


@pytest.mark.parametrize("position", range(10, 74))
def test_every_flipped_byte_at_the_start_of_a_gzip_stream(tmp_path, whole_files, position):
    raw = bytearray(whole_files["a.nii.gz"])
    raw[position] ^= 0x55
    path = tmp_path / "a.nii.gz"
    path.write_bytes(raw)
    try:
        assert read(path).shape == (SIZE, SIZE, 3)
    except ValueError as error:
        assert str(path) in str(error)


@pytest.mark.slow
@given(name=st.sampled_from(NAMES), share=st.floats(0, 1), flip=st.booleans())
def test_damage_anywhere_gives_an_image_or_a_clear_error(
    tmp_path_factory, whole_files, name, share, flip
):
    raw = bytearray(whole_files[name])
    position = min(int(share * len(raw)), len(raw) - 1)
    if flip:
        raw[position] ^= 0x55
    else:
        del raw[position:]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert read(path).shape == (SIZE, SIZE, 3)
        except ValueError as error:
            assert str(path) in str(error)
