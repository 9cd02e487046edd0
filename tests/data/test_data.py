import dataclasses
import gzip
import hashlib
import warnings

import imagecodecs
import nibabel
import numpy as np
import pydicom
import pytest
import skimage.transform
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from dkg import data

SIZE = 32


def gray8(seed=0, shape=(SIZE, SIZE)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def deep(seed=0, shape=(SIZE, SIZE)):
    return np.random.default_rng(seed).integers(0, 65536, shape, np.uint16)


def read(path, **options):
    """Read without resizing: the test images have the size that is asked for."""
    return data.read_image(path, SIZE, "nearest", **options)


def rgb(pixels):
    return np.repeat(pixels[..., np.newaxis], 3, axis=-1) if pixels.ndim == 2 else pixels


def png_rescaled(samples):
    """PNG specification, 13.12, in whole numbers: floor(sample * 255 / 65535 + 1/2)."""
    return ((2 * 255 * samples.astype(np.int64) + 65535) // (2 * 65535)).astype(np.uint8)


# --- PNG and JPEG ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (SIZE, SIZE, 3)])
def test_png_of_8_bits_is_kept(tmp_path, shape):
    pixels = gray8(shape=shape)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), rgb(pixels))


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (SIZE, SIZE, 3)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_follow_the_png_specification(tmp_path, suffix, shape):
    pixels = deep(shape=shape)
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        path.write_bytes(imagecodecs.png_encode(pixels))
    else:
        tifffile.imwrite(path, pixels, compression="lzw")
    np.testing.assert_array_equal(read(path), rgb(png_rescaled(pixels)))


def test_12_bit_data_in_16_bits_warn(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(deep() // 16))
    with pytest.warns(UserWarning, match=r"a\.png: 16 bits per sample, but none above 40\d\d"):
        read(path)


def test_png_palette_and_bilevel(tmp_path):
    indices, palette = gray8() % 4, gray8(1, (4, 3))
    image = Image.fromarray(indices)
    image.putpalette(palette.tobytes())
    image.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(read(tmp_path / "palette.png"), palette[indices])

    Image.fromarray(indices > 1).save(tmp_path / "bilevel.png")
    np.testing.assert_array_equal(read(tmp_path / "bilevel.png"), rgb(255 * (indices > 1)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_transparency_is_laid_over_black(tmp_path, bits, channels):
    pixels = (gray8 if bits == 8 else deep)(shape=(SIZE, SIZE, channels))
    pixels[0, 0, -1], pixels[0, 1, -1] = 0, np.iinfo(pixels.dtype).max
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    pixels = pixels if bits == 8 else png_rescaled(pixels)
    expected = np.rint(pixels[..., :-1] * (pixels[..., -1:] / 255.0))
    expected = np.broadcast_to(expected, (SIZE, SIZE, 3))
    got = read(tmp_path / "a.png")
    np.testing.assert_array_equal(got, expected)
    assert (got[0, 0] == 0).all()
    np.testing.assert_array_equal(got[0, 1], np.broadcast_to(pixels[0, 1, :-1], 3))


def test_jpeg_and_its_orientation(tmp_path):
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[: SIZE // 2] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # The camera was upside down.
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg"), rgb(pixels[::-1]))


# --- TIFF -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits"])
@pytest.mark.parametrize("shape", [(SIZE, SIZE), (SIZE, SIZE, 3)])
def test_tiff_of_8_bits_is_kept(tmp_path, compression, shape):
    pixels = gray8(shape=shape)
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), rgb(pixels))


@pytest.mark.parametrize("make", [gray8, deep])
def test_tiff_where_zero_is_white(tmp_path, make):
    pixels = make()
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    inverted = np.iinfo(pixels.dtype).max - pixels
    expected = inverted if make is gray8 else png_rescaled(inverted)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), rgb(expected))


@pytest.mark.parametrize("make", [gray8, deep])
def test_tiff_with_separate_planes(tmp_path, make):
    pixels = make(shape=(3, SIZE, SIZE))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate")
    expected = np.moveaxis(pixels, 0, -1)
    expected = expected if make is gray8 else png_rescaled(expected)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("make", [gray8, deep])
def test_tiff_pages(tmp_path, make):
    pages = make(shape=(3, SIZE, SIZE))
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    for i, page in enumerate(pages):
        expected = rgb(page if make is gray8 else png_rescaled(page))
        np.testing.assert_array_equal(read(tmp_path / "a.tif", frame=i), expected)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), read(tmp_path / "a.tif", frame=0))
    with pytest.raises(ValueError, match=r"a\.tif.*frame 3 was asked for, there are 3 \(0 to 2\)"):
        read(tmp_path / "a.tif", frame=3)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint32])
def test_tiff_samples_without_a_range_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", gray8().astype(dtype))
    with pytest.raises(ValueError, match=rf"a\.tif.*{np.dtype(dtype)}"):
        read(tmp_path / "a.tif")


def test_tiff_with_many_channels_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", deep(shape=(SIZE, SIZE, 7)), photometric="minisblack",
                     planarconfig="contig")  # fmt: skip
    with pytest.raises(ValueError, match=r"a\.tif.*7 channels"):
        read(tmp_path / "a.tif")


# --- resizing -------------------------------------------------------------------------------------


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


# --- NIfTI ----------------------------------------------------------------------------------------


def brain(background=0.0, low=1.0, high=255.0):
    """Make a volume in the axes right, front, top: a box, bright at the patient's right front."""
    volume = np.full((40, 48, 36), background, np.float32)
    volume[10:30, 8:40, 6:30] = low
    volume[20:30, 30:40, 6:30] = high
    volume[12:28, 12:36, 30:34] = low  # The top is narrower: below half of the fullest slice.
    return volume


def save_nifti(path, volume, codes="RAS", image_class=nibabel.Nifti1Image):
    """Save a volume that is given in the axes right, front, top, stored in other axes."""
    orientation = nibabel.orientations.axcodes2ornt(codes)
    image = image_class(volume, np.eye(4))
    nibabel.save(image.as_reoriented(nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), orientation)), path)  # fmt: skip
    assert "".join(nibabel.aff2axcodes(nibabel.load(path).affine)) == codes


@pytest.mark.parametrize("codes", ["RAS", "LPS", "LPI", "SAR", "PIL"])
@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_nifti_is_shown_as_a_radiologist_sees_it(tmp_path, codes, image_class, suffix):
    path = tmp_path / f"a.{suffix}"
    save_nifti(path, brain(), codes, image_class)
    got = data.read_image(path, 64, "nearest", frame=10)[..., 0]
    assert (got[:15, :31] == 255).all(), "front is up, the patient's right is on the left"
    assert (got[32:] == 1).all() and (got[:, 33:] == 1).all()


@pytest.mark.parametrize("shift", [0.0, -3.5])
def test_nifti_background_and_scaling(tmp_path, shift):
    # 0 as in BraTS 2018, or the minimum of z-scores as in BraTS 2015.
    save_nifti(tmp_path / "a.nii", brain(0.0 + shift, 5.0 + shift, 10.0 + shift))
    got = data.read_image(tmp_path / "a.nii", 48, "nearest", frame=10, crop=False)[..., 0]
    values = np.unique(got)
    assert values.tolist() == [0, 128, 255], "linear from the minimum to the maximum, rounded"
    assert got[0, 0] == 0
    cropped = data.read_image(tmp_path / "a.nii", 48, "nearest", frame=10)
    assert set(np.unique(cropped)) == {128, 255}, "only the bounding box of the brain is left"


def test_nifti_background_inside_the_range_becomes_black(tmp_path):
    # z-scored within the brain, the background left at 0.
    save_nifti(tmp_path / "a.nii", brain(0.0, -2.0, 2.0))
    got = data.read_image(tmp_path / "a.nii", 48, "nearest", frame=10, crop=False)[..., 0]
    assert got[0, 0] == 0 and got[24, 24] == 0 and got.max() == 255
    volume = brain(0.0, -2.0, 2.0)
    volume[15, 20, 10] = 1.0
    save_nifti(tmp_path / "b.nii", volume)
    assert 191 in data.read_image(tmp_path / "b.nii", 48, "nearest", frame=10, crop=False)


def test_nifti_default_slice_is_the_fullest(tmp_path):
    volume = brain()
    volume[5:35, 5:43, 17] = 9.0
    save_nifti(tmp_path / "a.nii", volume)
    default, fullest = (data.read_image(tmp_path / "a.nii", frame=f) for f in (None, 17))
    np.testing.assert_array_equal(default, fullest)
    assert (default == 9).all()


def test_slices_are_spread_over_the_brain_the_fullest_first(tmp_path):
    volume = brain()
    volume[5:35, 5:43, 17] = 9.0
    save_nifti(tmp_path / "a.nii", volume)
    # Slices 6 to 29 are candidates, the narrow top from 30 on is not.
    images, numbers = data.read_slices(tmp_path / "a.nii", 24, size=SIZE)
    assert images.shape == (24, SIZE, SIZE, 3) and images.dtype == np.uint8
    assert numbers.tolist() == [17, *range(6, 17), *range(18, 30)]
    for image, number in zip(images, numbers, strict=True):
        np.testing.assert_array_equal(image, read(tmp_path / "a.nii", frame=int(number)))
    assert sorted(data.read_slices(tmp_path / "a.nii", 3)[1].tolist()) == [6, 18, 29]
    with pytest.raises(ValueError, match=r"a\.nii.*25 slices were asked for, 24 show"):
        data.read_slices(tmp_path / "a.nii", 25)


def test_slices_need_a_volume(tmp_path):
    Image.fromarray(gray8()).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: slices are read from NIfTI volumes.*PNG"):
        data.read_slices(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (np.zeros((4, 5, 6, 2), np.uint8), "shape"),
        (np.full((4, 5, 6), 3, np.uint8), "every voxel is 3"),
        (np.full((4, 5, 6), np.nan, np.float32), "not finite"),
        (np.zeros((4, 5, 6), np.complex64), "complex64"),
    ],
)
def test_nifti_that_is_no_gray_volume(tmp_path, volume, message):
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(ValueError, match=rf"a\.nii.*{message}"):
        data.read_image(tmp_path / "a.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_voxel_that_is_no_number_is_refused(tmp_path, value):
    """Where it lies does not matter: in the background, in the brain, in another slice."""
    for place in ((0, 0, 0), (20, 20, 10), (20, 20, 35)):
        volume = brain()
        volume[place] = value
        save_nifti(tmp_path / "a.nii", volume)
        with pytest.raises(ValueError, match=r"a\.nii: .*values that are not finite"):
            data.read_image(tmp_path / "a.nii", frame=10)
        with pytest.raises(ValueError, match=r"a\.nii: .*values that are not finite"):
            data.read_slices(tmp_path / "a.nii", 1)


@pytest.mark.parametrize("shape", [(40, 48), (40, 48, 1), (40, 48, 1, 1)])
def test_a_volume_of_one_slice(tmp_path, shape):
    volume = brain()[:, :, 10].reshape(shape)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "a.nii")
    save_nifti(tmp_path / "whole.nii", brain())
    expected = data.read_image(tmp_path / "whole.nii", frame=10)
    np.testing.assert_array_equal(data.read_image(tmp_path / "a.nii"), expected)
    images, numbers = data.read_slices(tmp_path / "a.nii", 1, resample="lanczos")
    np.testing.assert_array_equal(images[0], expected)
    assert numbers.tolist() == [0]
    with pytest.raises(ValueError, match="23 slices were asked for, 1 show"):
        data.read_slices(tmp_path / "a.nii")


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR"])
@pytest.mark.parametrize("angle", [10, -30, 40])
def test_an_oblique_volume_is_shown_along_its_nearest_axes(tmp_path, codes, angle):
    """As long as each axis is nearest to its own of the patient, turning changes no sample."""
    save_nifti(tmp_path / "straight.nii", brain(), codes)
    straight = nibabel.load(tmp_path / "straight.nii")
    turn = np.eye(4)
    turn[:3, :3] = nibabel.eulerangles.euler2mat(*np.deg2rad([angle, angle / 2, angle / 3]))
    turned = nibabel.Nifti1Image(np.asarray(straight.dataobj), turn @ straight.affine)
    nibabel.save(turned, tmp_path / "turned.nii")
    assert nibabel.affines.obliquity(turned.affine).max() > 0.1
    expected = data.read_image(tmp_path / "straight.nii", frame=10)
    np.testing.assert_array_equal(data.read_image(tmp_path / "turned.nii", frame=10), expected)
    expected, numbers = data.read_slices(tmp_path / "straight.nii", 5)
    found = data.read_slices(tmp_path / "turned.nii", 5)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], numbers)


def test_nifti_frames_that_show_nothing(tmp_path):
    save_nifti(tmp_path / "a.nii", brain())
    with pytest.raises(ValueError, match="slice 0 shows no brain"):
        data.read_image(tmp_path / "a.nii", frame=0)
    with pytest.raises(ValueError, match=r"frame 36 was asked for, there are 36 \(0 to 35\)"):
        data.read_image(tmp_path / "a.nii", frame=36)


# --- DICOM ----------------------------------------------------------------------------------------


def save_dicom(path, pixels, photometric="MONOCHROME2", bits=None, syntax=None, **elements):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3"
    colour = pixels.shape[-1] == 3
    shape = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    dataset.Rows, dataset.Columns = shape
    if pixels.ndim > len(shape) + colour:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset.PixelData = pydicom.encaps.encapsulate([dataset.PixelData])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    return path


def linear_window(x, center, width):
    """DICOM PS3.3 C.11.2.1.2.1, onto 0..255."""
    y = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255.0
    y = np.where(x <= center - 0.5 - (width - 1) / 2, 0.0, y)
    y = np.where(x > center - 0.5 + (width - 1) / 2, 255.0, y)
    return np.rint(y).astype(np.uint8)


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


def lut_item(entries, first, bits, **more):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = np.asarray(entries, np.uint16).tobytes()
    item["LUTData"].VR = "OW"
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


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
    with pytest.raises(ValueError, match=r"a\.dcm.*frame 3 was asked for, there are 3"):
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


# --- what is not an image -------------------------------------------------------------------------


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


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    Image.fromarray(gray8()).save(folder / "a.png")
    (folder / "b.png").write_bytes(imagecodecs.png_encode(deep()))
    Image.fromarray(gray8()).save(folder / "a.jpg")
    tifffile.imwrite(folder / "a.tif", gray8(), compression="lzw")
    tifffile.imwrite(folder / "b.tif", deep(), compression="lzw")
    save_nifti(folder / "a.nii.gz", brain())
    save_nifti(folder / "a.nii", brain())
    save_dicom(folder / "a.dcm", gray8())
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


NAMES = ["a.png", "b.png", "a.jpg", "a.tif", "b.tif", "a.nii.gz", "a.nii", "a.dcm"]


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


# --- sets -----------------------------------------------------------------------------------------


def save_gray(path, value):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.full((20, 30), value, np.uint8)).save(path)


def test_load_files_in_natural_order(tmp_path):
    for value in (1, 2, 10, 9, 100):
        save_gray(tmp_path / "ultrasound" / f"1_{value}.tif", value)
        save_gray(tmp_path / "ultrasound" / f"1_{value}_mask.tif", 255)
    save_gray(tmp_path / "ultrasound" / ".hidden.tif", 255)
    (tmp_path / "ultrasound" / "README.txt").write_text("About these images.")
    (tmp_path / "ultrasound" / "Thumbs.db").write_bytes(b"?")
    (tmp_path / "ultrasound" / "subfolder").mkdir()
    image_set = data.load("ultrasound", tmp_path)
    assert (image_set.name, image_set.origin) == ("ultrasound", "files")
    assert image_set.files == ("1_1.tif", "1_2.tif", "1_9.tif", "1_10.tif", "1_100.tif")
    assert image_set.images.shape == (5, 256, 256, 3) and image_set.images.dtype == np.uint8
    assert image_set.images[:, 0, 0, 0].tolist() == [1, 2, 9, 10, 100]

    first = data.load("ultrasound", tmp_path, n=2)
    assert first.files == ("1_1.tif", "1_2.tif") and len(first.images) == 2
    with pytest.raises(ValueError, match=r"ultrasound holds 5 images, 6 were asked for"):
        data.load("ultrasound", tmp_path, n=6)
    for n in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            data.load("ultrasound", tmp_path, n=n)
    with pytest.raises(TypeError):
        data.load("ultrasound", tmp_path, n=1.5)


def test_load_uses_the_filter_of_the_set(tmp_path):
    pixels = 255 * (gray8(shape=(300, 280)) % 2)
    for name in ("montgomery", "ultrasound"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "a.png")
    nearest = data.load("ultrasound", tmp_path)
    assert set(np.unique(nearest.images)) == {0, 255}
    lanczos = data.load("montgomery", tmp_path)
    assert len(np.unique(lanczos.images)) > 2
    given = data.load("montgomery", tmp_path, resample="nearest")
    np.testing.assert_array_equal(given.images, nearest.images)


def test_load_volumes_one_slice_of_each_first(tmp_path):
    folder = tmp_path / "brats18"
    folder.mkdir()
    for i in (1, 2, 10):
        volume = brain(high=255.0 - i)
        volume[0, 0, 0] = 255.0
        save_nifti(folder / f"p{i}_flair.nii.gz", volume)
        save_nifti(folder / f"p{i}_seg.nii.gz", brain())
        save_nifti(folder / f"p{i}_t1ce.nii.gz", brain())
    image_set = data.load("brats18", tmp_path)
    assert len(image_set.images) == 3 * data.SLICES_PER_VOLUME
    patients = [name.split("_")[0] for name in image_set.files]
    assert patients == ["p1", "p2", "p10"] * data.SLICES_PER_VOLUME
    assert len(set(image_set.files)) == len(image_set.files)
    for name, image in zip(image_set.files[:6], image_set.images, strict=False):
        file, number = name.split("#")
        again = data.read_image(folder / file, resample="nearest", frame=int(number))
        np.testing.assert_array_equal(again, image)
    four = data.load("brats18", tmp_path, n=4)
    np.testing.assert_array_equal(four.images, image_set.images[:4])
    assert four.files == image_set.files[:4]


def test_load_names_every_file_that_is_no_image(tmp_path):
    save_gray(tmp_path / "shenzhen" / "a.png", 1)
    for name in ("b.png", "c.dat"):
        (tmp_path / "shenzhen" / name).write_text("Not an image.")
    with pytest.raises(ValueError, match=r"b\.png: not a PNG.*c\.dat: not a PNG"):
        data.load("shenzhen", tmp_path)


def test_load_names_a_file_that_is_cut_off(tmp_path, whole_files):
    save_gray(tmp_path / "shenzhen" / "a.png", 1)
    (tmp_path / "shenzhen" / "b.png").write_bytes(whole_files["a.png"][:200])
    with pytest.raises(ValueError, match=r"b\.png: cannot be read as PNG"):
        data.load("shenzhen", tmp_path)


def test_load_from_an_empty_folder_is_an_error(tmp_path):
    (tmp_path / "montgomery").mkdir()
    (tmp_path / "montgomery" / "README.txt").write_text("Put the images here.")
    with pytest.raises(ValueError, match=r"holds no images.*data_download"):
        data.load("montgomery", tmp_path)
    (tmp_path / "montgomery" / "MontgomerySet").mkdir()
    with pytest.raises(ValueError, match=r"subfolders \(MontgomerySet\), which are not read"):
        data.load("montgomery", tmp_path)


def test_load_from_a_root_that_does_not_exist(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.load("montgomery", tmp_path / "nowhere")
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        data.load("montgomery")


def test_load_follows_dkg_data(tmp_path, monkeypatch):
    save_gray(tmp_path / "montgomery" / "a.png", 7)
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    assert data.load("montgomery").origin == "files"
    assert data.load("shenzhen", n=1).origin == "synthetic"


def test_load_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="'brats'; known are montgomery, shenzhen, ultrasound"):
        data.load("brats", tmp_path)


@pytest.mark.parametrize("name", data.NAMES)
def test_load_phantoms(tmp_path, name):
    image_set = data.load(name, tmp_path, n=2)
    assert image_set.origin == "synthetic" and image_set.files == ()
    assert image_set.images.shape == (2, 256, 256, 3) and image_set.images.dtype == np.uint8
    np.testing.assert_array_equal(image_set.images, data.load(name, tmp_path, n=2).images)


def test_number_of_phantoms_and_no_image_in_two_sets(tmp_path, monkeypatch):
    def indices(n, start=0):
        # Stands in for the phantoms, whose image i depends on nothing but i.
        return np.arange(start, start + n)

    monkeypatch.setattr(data.phantoms, "chest_xray", indices)
    montgomery = data.load("montgomery", tmp_path).images
    shenzhen = data.load("shenzhen", tmp_path).images
    assert len(montgomery) == len(shenzhen) == 138
    assert not set(montgomery) & set(shenzhen)


def test_fingerprint():
    images = gray8(shape=(2, 4, 4, 3))
    one = data.ImageSet("a", images, "files")
    assert one.fingerprint == hashlib.sha256(b"(2, 4, 4, 3)" + images.tobytes()).hexdigest()
    assert data.ImageSet("b", images.copy(), "files").fingerprint == one.fingerprint
    changed = images.copy()
    changed[1, 2, 3, 0] ^= 1
    assert data.ImageSet("a", changed, "files").fingerprint != one.fingerprint
    folded = images.reshape(1, 8, 4, 3)
    assert data.ImageSet("a", folded, "files").fingerprint != one.fingerprint
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "c"
