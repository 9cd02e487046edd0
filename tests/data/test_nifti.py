"""NIfTI volumes: orientation, scaling, the choice of slices."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from dkg import data

from .parts import SIZE, brain, gray8, read, save_nifti


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
    with pytest.raises(ValueError, match=r"a\.nii.*25 slices were requested, 24 show"):
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
    with pytest.raises(ValueError, match="23 slices were requested, 1 show"):
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
    with pytest.raises(ValueError, match=r"frame 36 was requested, there are 36 \(0 to 35\)"):
        data.read_image(tmp_path / "a.nii", frame=36)
