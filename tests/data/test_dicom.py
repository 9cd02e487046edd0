"""DICOM frames, with the values that PS3.3 C.11 gives."""

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEGLSLossless, RLELossless

from dkg import data

from .parts import SIZE, gray8, png_rescaled, read, rgb, save_dicom


def linear_window(x, center, width):
    """DICOM PS3.3 C.11.2.1.2.1, onto 0..255."""
    y = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255.0
    y = np.where(x <= center - 0.5 - (width - 1) / 2, 0.0, y)
    y = np.where(x > center - 0.5 + (width - 1) / 2, 255.0, y)
    return np.rint(y).astype(np.uint8)


def lut_item(entries, first, bits, **more):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = np.asarray(entries, np.uint16).tobytes()
    item["LUTData"].VR = "OW"
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_dicom_gray_of_8_bits_is_kept(tmp_path, photometric):
    pixels = gray8() // 2
    got = read(save_dicom(tmp_path / "a.dcm", pixels, photometric))
    np.testing.assert_array_equal(got, rgb(pixels if photometric[-1] == "2" else 255 - pixels))


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("window", [(40, 400), (300, 1), (-200.5, 3000)])
def test_dicom_rescale_and_window(tmp_path, dtype, bits, window):
    low = -(1 << bits - 1) if dtype is np.int16 else 0
    pixels = np.random.default_rng(0).integers(low, low + (1 << bits), (SIZE, SIZE)).astype(dtype)
    path = save_dicom(tmp_path / "a.dcm", pixels, bits=bits, RescaleSlope="2",
                      RescaleIntercept="-1024", WindowCenter=str(window[0]),
                      WindowWidth=str(window[1]))  # fmt: skip
    if window[1] == 1:  # The formula divides by width - 1; the standard's branches never reach it.
        expected = np.where(2.0 * pixels - 1024 <= window[0] - 0.5, 0, 255)
    else:
        expected = linear_window(2.0 * pixels - 1024, *window)
    np.testing.assert_array_equal(read(path), rgb(expected))


def test_dicom_first_of_several_windows_and_inversion(tmp_path):
    pixels = (gray8().astype(np.uint16) * 16).astype(np.uint16)
    path = save_dicom(tmp_path / "a.dcm", pixels, "MONOCHROME1", bits=12,
                      WindowCenter=["1000", "50"], WindowWidth=["500", "7"])  # fmt: skip
    np.testing.assert_array_equal(read(path), rgb(255 - linear_window(pixels, 1000, 500)))


def test_dicom_sigmoid_window(tmp_path):
    pixels = (gray8().astype(np.uint16) * 16).astype(np.uint16)
    path = save_dicom(tmp_path / "a.dcm", pixels, bits=12, WindowCenter="2000",
                      WindowWidth="1000", VOILUTFunction="SIGMOID")  # fmt: skip
    expected = 255 / (1 + np.exp(-4 * (pixels - 2000.0) / 1000))  # PS3.3 C.11.2.1.3.1
    np.testing.assert_array_equal(read(path), rgb(np.rint(expected)))


def test_dicom_voi_lut(tmp_path):
    pixels = gray8() % 10
    entries = [0, 1000, 4095, 2000, 3000]
    path = save_dicom(tmp_path / "a.dcm", pixels, VOILUTSequence=[lut_item(entries, 2, 12)])
    expected = np.array(entries)[np.clip(pixels.astype(int) - 2, 0, 4)] * 255 / 4095
    np.testing.assert_array_equal(read(path), rgb(np.rint(expected)))


def test_dicom_modality_lut(tmp_path):
    pixels = gray8() % 4
    pixels[0, :4] = range(4)
    item = lut_item([1000, 9000, 3000, 5000], 0, 16, ModalityLUTType="US")
    path = save_dicom(tmp_path / "a.dcm", pixels, ModalityLUTSequence=[item])
    # No window: the frame's minimum and maximum become 0 and 255.
    expected = np.array([0, 255, 64, 128])[pixels]
    np.testing.assert_array_equal(read(path), rgb(expected))


def test_dicom_without_a_window_is_stretched_and_padding_is_black(tmp_path):
    pixels = (1000 + gray8().astype(np.int16)).astype(np.int16)
    pixels[0, 0], pixels[0, 1] = 1000, 1255
    pixels[5:9] = -2000
    path = save_dicom(tmp_path / "a.dcm", pixels, PixelPaddingValue=-2000)
    expected = np.clip(pixels - 1000, 0, 255)
    np.testing.assert_array_equal(read(path), rgb(expected))
    path = save_dicom(tmp_path / "b.dcm", pixels, "MONOCHROME1", PixelPaddingValue=-2000)
    np.testing.assert_array_equal(read(path), rgb(np.where(pixels < 0, 0, 255 - expected)))


def test_dicom_rgb_and_ybr(tmp_path):
    pixels = gray8(shape=(SIZE, SIZE, 3))
    np.testing.assert_array_equal(read(save_dicom(tmp_path / "a.dcm", pixels, "RGB")), pixels)
    ybr = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    got = read(save_dicom(tmp_path / "b.dcm", ybr, "YBR_FULL"))
    # Pillow converts by the same matrix (JFIF); each of the two may round the other way.
    expected = np.asarray(Image.fromarray(ybr, "YCbCr").convert("RGB"))
    assert np.abs(got.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_dicom_palette(tmp_path, bits):
    pixels = gray8() % 4
    palette = np.random.default_rng(1).integers(0, 1 << bits, (3, 4)).astype(f"u{bits // 8}")
    elements = {}
    for name, entries in zip(("Red", "Green", "Blue"), palette, strict=True):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, bits]
        elements[f"{name}PaletteColorLookupTableData"] = entries.tobytes()
    path = save_dicom(tmp_path / "a.dcm", pixels, "PALETTE COLOR", **elements)
    expected = palette.T[pixels]
    expected = expected if bits == 8 else png_rescaled(expected)
    np.testing.assert_array_equal(read(path), expected)


def test_dicom_frames(tmp_path):
    frames = gray8(shape=(3, SIZE, SIZE))
    path = save_dicom(tmp_path / "a.dcm", frames)
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(read(path, frame=i), rgb(frame))
    np.testing.assert_array_equal(read(path), rgb(frames[0]))
    with pytest.raises(ValueError, match=r"a\.dcm.*frame 3 was requested, there are 3"):
        read(path, frame=3)


def test_dicom_window_of_each_frame(tmp_path):
    frames = (gray8(shape=(2, SIZE, SIZE)).astype(np.uint16) * 16).astype(np.uint16)

    def group(center, width):
        window, item = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, width
        item.FrameVOILUTSequence = [window]
        return item

    rescale, shared = Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = "1", "-100"
    shared.PixelValueTransformationSequence = [rescale]
    path = save_dicom(tmp_path / "a.dcm", frames, bits=12,
                      SharedFunctionalGroupsSequence=[shared],
                      PerFrameFunctionalGroupsSequence=[group("900", "700"), group("2000", "90")],
                      )  # fmt: skip
    np.testing.assert_array_equal(read(path), rgb(linear_window(frames[0] - 100.0, 900, 700)))
    np.testing.assert_array_equal(
        read(path, frame=1), rgb(linear_window(frames[1] - 100.0, 2000, 90))
    )


def test_dicom_that_is_also_tiff(tmp_path):
    path = save_dicom(tmp_path / "a.dcm", gray8())
    path.write_bytes(b"II*\0" + path.read_bytes()[4:])
    np.testing.assert_array_equal(read(path), rgb(gray8()))


def test_dicom_compressed(tmp_path):
    pixels = gray8()
    path = save_dicom(tmp_path / "a.dcm", pixels)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    np.testing.assert_array_equal(read(path), rgb(pixels))

    dataset = pydicom.dcmread(save_dicom(path, pixels))
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.PixelData = pydicom.encaps.encapsulate([imagecodecs.jpegls_encode(pixels)])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    np.testing.assert_array_equal(read(path), rgb(pixels))

    save_dicom(path, pixels, syntax=UID("1.2.840.10008.1.2.4.100"))
    with pytest.raises(ValueError, match=r"a\.dcm.*transfer syntax, MPEG2 Main Profile"):
        read(path)


# Files that come with pydicom, from real scanners.
@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "examples_palette.dcm",
     "examples_rgb_color.dcm", "examples_ybr_color.dcm", "SC_rgb_rle_16bit.dcm", "rtdose.dcm"],
)  # fmt: skip
def test_dicom_files_of_pydicom(name):
    got = data.read_image(get_testdata_file(name, download=False))
    assert got.shape == (256, 256, 3) and got.dtype == np.uint8
    assert len(np.unique(got)) > 8


def test_dicom_default_is_the_first_frame_in_colour():
    one, two = (
        get_testdata_file(f"SC_rgb_rle{end}.dcm", download=False) for end in ("", "_2frame")
    )
    np.testing.assert_array_equal(data.read_image(one), data.read_image(two))


@pytest.mark.parametrize("name", ["rtplan.dcm", "MR_truncated.dcm", "waveform_ecg.dcm"])
def test_dicom_without_a_whole_image(name):
    with pytest.raises(ValueError, match=rf"{name}: cannot be read as DICOM"):
        data.read_image(get_testdata_file(name, download=False))
