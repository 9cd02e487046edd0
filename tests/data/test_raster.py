"""PNG, JPEG and TIFF files, with the values that their specifications give."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from .parts import SIZE, deep, gray8, png_rescaled, read, rgb


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


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_tiff_of_packed_bits(tmp_path, bits, photometric):
    values = np.random.default_rng(0).integers(0, 2**bits, (SIZE, SIZE))
    dtype = bool if bits == 1 else np.uint8 if bits < 8 else np.uint16
    path = tmp_path / "a.tif"
    options = {} if bits == 1 else {"bitspersample": bits}
    tifffile.imwrite(path, values.astype(dtype), photometric=photometric, **options)
    shown = values if photometric == "minisblack" else 2**bits - 1 - values
    expected = np.rint(shown * (255 / (2**bits - 1)))
    np.testing.assert_array_equal(read(path), rgb(expected))


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
    with pytest.raises(ValueError, match=r"a\.tif.*frame 3 was requested, there are 3 \(0 to 2\)"):
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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_what_pillow_reads_is_turned_as_pillow_turns_it(tmp_path, mode, suffix, orientation):
    samples = np.random.default_rng(0).bytes(SIZE * SIZE * len(mode))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    image = Image.frombytes(mode, (SIZE, SIZE), samples)
    image.save(path, exif=exif, **({"compression": "jpeg"} if suffix == "tif" else {}))
    with Image.open(path) as opened:
        turned = ImageOps.exif_transpose(opened).convert("RGB")
    assert np.array_equal(read(path), np.asarray(turned))
