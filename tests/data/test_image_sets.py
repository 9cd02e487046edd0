"""Image sets from files and from phantoms."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image

from dkg import data

from .parts import brain, gray8, save_nifti


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
    with pytest.raises(ValueError, match=r"ultrasound holds 5 images, 6 were requested"):
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


@pytest.mark.parametrize("name", data.NAMES + data.ALTERNATIVES)
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


def framed(path, value, shape=(40, 60), band=(5, 9)):
    """Save an image with black bands, as wide as `band` above and to the left."""
    pixels = np.zeros((shape[0] + band[0], shape[1] + band[1]), np.uint8)
    pixels[band[0] :, band[1] :] = gray8(shape=shape) // 2 + value
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_load_crops_constant_borders_where_it_is_asked_or_the_set_has_it(tmp_path):
    for name in ("montgomery", "brats18"):
        framed(tmp_path / name / "a.png", 40)
        framed(tmp_path / name / "b.png", 40, band=(0, 0))
    whole, bare = data.load("montgomery", tmp_path).images
    assert not whole[:10].any() and bare[:10].any()
    cropped, unchanged = data.load("montgomery", tmp_path, crop=True).images
    np.testing.assert_array_equal(cropped, bare)
    np.testing.assert_array_equal(unchanged, bare)
    nearest = data.load("montgomery", tmp_path, resample="nearest", crop=True).images
    np.testing.assert_array_equal(data.load("brats18", tmp_path).images, nearest)
    assert not data.load("brats18", tmp_path, crop=False).images[0, :10].any()


def test_the_spread_choice_goes_through_the_whole_set(tmp_path):
    for number in range(20):
        save_gray(tmp_path / "shenzhen" / f"{number}.png", number)
    every = data.load("shenzhen", tmp_path, choice="spread")
    assert sorted(every.files) == sorted(data.load("shenzhen", tmp_path).files)
    eight = data.load("shenzhen", tmp_path, n=8, choice="spread")
    assert eight.files == every.files[:8]
    places = sorted(int(name.removesuffix(".png")) for name in eight.files)
    assert places == [20 * i // 8 for i in range(8)], "evenly spaced over the sorted names"
    assert [int(name[:-4]) for name in eight.files] == eight.images[:, 0, 0, 0].tolist()
    with pytest.raises(ValueError, match="unknown choice 'best'; known are first, spread"):
        data.load("shenzhen", tmp_path, choice="best")


def test_the_spread_choice_of_slices(tmp_path):
    (tmp_path / "brats18").mkdir()
    for i in range(2):
        save_nifti(tmp_path / "brats18" / f"p{i}_flair.nii.gz", brain(high=200.0 + i))
    spread = data.load("brats18", tmp_path, choice="spread")
    first = data.load("brats18", tmp_path)
    by_name = dict(zip(first.files, first.images, strict=True))
    assert spread.files != first.files and sorted(spread.files) == sorted(first.files)
    for name, image in zip(spread.files, spread.images, strict=True):
        np.testing.assert_array_equal(image, by_name[name])


def test_how_files_were_read_is_kept_with_what_was_tuned(tmp_path):
    save_gray(tmp_path / "ultrasound" / "a.tif", 3)
    save_gray(tmp_path / "brats18" / "a.png", 3)
    assert data.load("ultrasound", tmp_path).reading == {
        "resample": "nearest",
        "crop": False,
        "choice": "first",
        "tuned": ["resample"],
    }
    assert data.load("ultrasound", tmp_path, resample="box").reading["tuned"] == []
    assert data.load("brats18", tmp_path, crop=True).reading["tuned"] == ["resample", "crop"]
    assert data.load("shenzhen", tmp_path, n=1, choice="spread").reading == {}, "phantoms"


def test_other_readings_are_of_the_same_images(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        framed(tmp_path / "ultrasound" / f"{name}.png", 40, shape=(300, 400))
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    own = data.load("ultrasound", n=2, choice="spread")
    others = data.other_readings(own)
    assert set(others) == {"nearest, cropped", "lanczos, whole", "lanczos, cropped"}
    for other in others.values():
        assert other.files == own.files and other.fingerprint != own.fingerprint
    assert data.other_readings(data.load("shenzhen", n=1)) == {}
