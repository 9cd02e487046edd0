"""Images read and written without a change of any sample."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from dkg import encryption
from dkg.cipher import CipherError

from .conftest import random_image


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)


def test_what_a_png_decodes_to(tmp_path):
    path = tmp_path / "image.png"
    rgb = random_image(9, 8, 3)
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(path)
    assert np.array_equal(encryption.read_samples(path), np.asarray(palette.convert("RGB")))
    save(path, random_image(9, 8), "1")
    assert set(np.unique(encryption.read_samples(path))) <= {0, 255}


def test_what_a_jpeg_decodes_to(tmp_path):
    path = tmp_path / "image.jpg"
    for image, exif in ((random_image(9, 8, 3), b""), (random_image(9, 8), turned_exif())):
        save(path, image, quality=80, exif=exif)
        with Image.open(path) as decoded:
            assert np.array_equal(encryption.read_samples(path), np.asarray(decoded))


def turned_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees for display.
    return exif.tobytes()


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_what_a_tiff_decodes_to(tmp_path, compression, byteorder):
    path = tmp_path / "image.tif"
    gray = random_image(9, 8, dtype=np.uint16)
    options = {"compression": compression, "byteorder": byteorder}
    tifffile.imwrite(path, gray, photometric="minisblack", **options)
    assert np.array_equal(encryption.read_samples(path), gray)
    assert encryption.read_samples(path).dtype.isnative
    rgb = random_image(9, 8, 3)
    planes = np.moveaxis(rgb, 2, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", **options)
    assert np.array_equal(encryption.read_samples(path), rgb)


def test_images_that_are_refused(tmp_path):
    def assert_refused(match):
        with pytest.raises(CipherError, match=match) as caught:
            encryption.read_samples(path)
        assert str(caught.value).startswith(f"{path}: ")

    path = tmp_path / "image"
    save(path, random_image(5, 5, 4), format="PNG")
    assert_refused("4 channels.*remove the transparency")
    save(path, random_image(5, 5, 3), "CMYK", format="JPEG")
    assert_refused("4 channels.*convert CMYK")
    save(path, random_image(5, 5), "LA", format="PNG")
    assert_refused("2 channels")
    save(path, random_image(5, 5), format="BMP")
    assert_refused("not a PNG, JPEG or TIFF file, it starts with b'BM")
    tifffile.imwrite(path, random_image(3, 5, 5), photometric="minisblack")
    assert_refused("3 pages")
    tifffile.imwrite(path, random_image(5, 5), photometric="miniswhite")
    assert_refused("MINISWHITE")
    tifffile.imwrite(path, np.zeros((5, 5), np.float32), photometric="minisblack")
    assert_refused("float32")
    path.write_bytes(b"")
    assert_refused("empty")
    for write in (
        lambda: path.write_bytes(imagecodecs.png_encode(random_image(50, 50))),
        lambda: save(path, random_image(50, 50), format="JPEG"),
        lambda: tifffile.imwrite(path, random_image(50, 50), photometric="minisblack"),
    ):
        write()
        path.write_bytes(path.read_bytes()[:-500])
        assert_refused("cannot be used as a (PNG|JPEG|TIFF) image")


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (1, 1, 3), (5, 4, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_what_is_written_is_what_others_read(tmp_path, shape, suffix):
    path = tmp_path / f"image{suffix}"
    image = random_image(*shape)
    encryption.write_samples(path, image)
    with Image.open(path) as read:
        assert np.array_equal(np.asarray(read), image)
