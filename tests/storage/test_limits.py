"""Files that would unpack to more than is read, refused by what their headers say."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dkg import data, dicom, encryption
from dkg.cipher import CipherError
from dkg.storage import codestreams

LARGE = "larger than 201,326,592 bytes, the most that is read"
MEGABYTE = bytes(2**20)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, bits=8, colour=0, text=b""):
    """Make a PNG of zeros; their compressed form is short, as it is made of equal blocks."""
    row = 1 + (width * bits * {0: 1, 2: 3, 3: 1, 6: 4}[colour] + 7) // 8
    size = row * height
    samples = repeated(size // 2**20, bytes(size % 2**20), zlib.MAX_WBITS)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tEXt", text), (b"IDAT", samples), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def repeated(megabytes, rest, wbits):
    """Compress megabytes of zeros and a rest without going through all of them."""
    compress = zlib.compressobj(9, wbits=wbits)
    start = compress.compress(rest) + compress.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush does not refer to what was before it, so it can be repeated.
    block = compress.compress(MEGABYTE) + compress.flush(zlib.Z_FULL_FLUSH)
    end = compress.compress(b"") + compress.flush()
    if wbits == zlib.MAX_WBITS:  # zlib ends with a checksum, of zeros here.
        adler = zlib.adler32(rest)
        for _ in range(megabytes):
            adler = zlib.adler32(MEGABYTE, adler)
        end = end[:-4] + struct.pack(">I", adler)
    return start + megabytes * block + end


def nifti(shape, dtype=np.uint8):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return header.binaryblock + bytes(4)


def gzipped(megabytes, start):
    """Make a gzip file of several members, which unpack to one after another."""
    members = []
    for content in (start, MEGABYTE):
        compress = zlib.compressobj(9, wbits=31)
        members.append(compress.compress(content) + compress.flush())
    return members[0] + megabytes * members[1]


def tiff(**tags):
    """Make a TIFF file of 64 x 64 samples, and change what its tags say."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((64, 64), np.uint16), tile=(64, 64), compression="zlib")
    raw = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(raw))) as file:
        for name, value in tags.items():
            tag = file.pages[0].tags[name]
            struct.pack_into({3: "<H", 4: "<I"}[tag.dtype.value], raw, tag.valueoffset, value)
    return bytes(raw)


def dicom_file(syntax, pixel_data, rows=64, columns=64, dtype=np.uint8, frames=1):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = rows, columns, frames
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * np.dtype(dtype).itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PixelData = pixel_data
    dataset["PixelData"].VR = "OB"
    if syntax.is_encapsulated:
        dataset.PixelData = pydicom.encaps.encapsulate([pixel_data])
        dataset["PixelData"].is_undefined_length = True
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def rle(size):
    """Return a frame of zeros of 8 bits, in one segment of runs of 128."""
    return struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * -(-size // 128)


def deflated(megabytes):
    """Make a deflated DICOM file that ends in megabytes of padding."""
    raw = dicom_file(DeflatedExplicitVRLittleEndian, bytes(64 * 64))
    start = 144 + int.from_bytes(raw[140:144], "little")
    inside = zlib.decompress(raw[start:], -zlib.MAX_WBITS)
    inside += struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, megabytes * 2**20)
    return raw[:start] + repeated(megabytes, inside, -zlib.MAX_WBITS)


@pytest.mark.parametrize("args", [(30_000, 30_000), (6000, 6000, 16, 2), (2**31 - 1, 2**31 - 1)])
def test_png(tmp_path, args):
    path = tmp_path / "a.png"
    # What is compressed does not matter, as it is not looked at.
    small = png(8, 8, *args[2:])
    header = struct.pack(">II", *args[:2]) + small[24:29]
    path.write_bytes(small[:8] + chunk(b"IHDR", header) + small[33:])
    with pytest.raises(ValueError, match=rf"a\.png: cannot be read as PNG: the image is {LARGE}"):
        data.read_image(path)
    with pytest.raises(CipherError, match=rf"a\.png: .*the image is {LARGE}"):
        encryption.read_samples(path)
    path.write_bytes(small[:20])
    with pytest.raises(ValueError, match=r"a\.png: .*cut off: a part of it ends beyond"):
        data.read_image(path)
    path.write_bytes(small[:8] + small[33:])
    with pytest.raises(ValueError, match=r"a\.png: .*it does not start with a header"):
        data.read_image(path)


def test_png_of_which_a_part_is_damaged(tmp_path):
    """Libpng leaves a damaged palette of transparency out, and reads on."""
    path = tmp_path / "a.png"
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).quantize(9)
    image.save(path, transparency=bytes([0, 128, 255]))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"tRNS") + 5] = 0
    path.write_bytes(raw)
    for read in (data.read_image, encryption.read_samples):
        with pytest.raises(ValueError, match=r"a\.png: .*damaged: the checksum at byte"):
            read(path)


def test_key(tmp_path):
    path = tmp_path / "key.png"
    about = b'dkg\0{"format":"dkg key","key_id":"0","keys":3906,"version":1}'
    path.write_bytes(png(256, 256 * 3906, 8, 2, about))
    with pytest.raises(CipherError, match=rf"key\.png: the image is {LARGE}"):
        encryption.read_key(path)


def test_jpeg(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path, progressive=True)
    raw = path.read_bytes()
    last = raw[raw.rindex(b"\xff\xda") : -2]
    assert encryption.read_samples(path).shape == (64, 64)
    path.write_bytes(raw[:-2] + 100 * last + raw[-2:])
    for read in (data.read_image, encryption.read_samples):
        with pytest.raises(ValueError, match=r"a\.jpg: .*it has more than 100 scans"):
            read(path)
    # The size is in the start of frame, C2 for progressive images.
    at = raw.index(b"\xff\xc2") + 5
    path.write_bytes(raw[:at] + struct.pack(">HH", 65_000, 4000) + raw[at + 4 :])
    for read in (data.read_image, encryption.read_samples):
        with pytest.raises(ValueError, match=r"a\.jpg: .*(decompression bomb|is larger than)"):
            read(path)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"ImageWidth": 40_000, "ImageLength": 40_000}, f"the image is {LARGE}"),
        ({"TileWidth": 16_384, "TileLength": 16_384}, f"one of its tiles is {LARGE}"),
        ({"Compression": 33_005}, "its compression is APERIO_JP2000_RGB; known are ADOBE_DEFLATE"),
    ],
)
def test_tiff(tmp_path, tags, message):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff())
    assert encryption.read_samples(path).shape == (64, 64)
    path.write_bytes(tiff(**tags))
    for read in (data.read_image, encryption.read_samples):
        with pytest.raises(ValueError, match=rf"a\.tif: .*{message}"):
            read(path)


def test_tiff_with_many_values_in_one_place(tmp_path):
    """Each value takes 36 bytes of memory, and none of the file where tags share them."""
    path = tmp_path / "a.tif"
    values = np.zeros(2**20, np.uint16)
    for first, step, message in (
        (40_000, 1, "its tags have more than 4,194,304 values"),
        (273, 0, "damaged: tag 273 occurs several times in a page"),
    ):
        tags = [struct.pack("<HHII", first + step * i, 3, 2**20, 8) for i in range(5)]
        content = struct.pack("<H", 5) + b"".join(tags) + bytes(4)
        path.write_bytes(b"II*\0" + struct.pack("<I", 8) + content + values.tobytes())
        for read in (data.read_image, encryption.read_samples):
            with pytest.raises(ValueError, match=rf"a\.tif: .*{message}"):
                read(path)


def test_tiff_with_a_part_beyond_its_end(tmp_path):
    """Pillow reads up to where the next part is said to be, which may be gigabytes away."""
    path = tmp_path / "a.tif"
    planes = np.zeros((3, 8, 8), np.uint8)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags["StripOffsets"].valueoffset
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, at + 4, 3_000_000_000)
    path.write_bytes(raw)
    for read in (data.read_image, encryption.read_samples):
        with pytest.raises(ValueError, match=r"a\.tif: .*a part of it is beyond its last byte"):
            read(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "megabytes", "message"),
    [
        ((1300, 1300, 1300), 0, f"the volume is {LARGE}"),
        ((4, 5, 6), 300, f"the unpacked file is {LARGE}"),
        ((3000, 5, 6), 1, r"the volume has shape \(3000, 5, 6\); at most 2,048 voxels a side"),
    ],
)
def test_nifti(tmp_path, shape, megabytes, message):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzipped(megabytes, nifti(shape)))
    for read in (data.read_image, data.read_slices):
        with pytest.raises(ValueError, match=rf"a\.nii\.gz: cannot be read as NIfTI: {message}"):
            read(path)


def test_a_volume_counts_as_it_is_computed_with(tmp_path):
    """Integers of two bytes with a scale become numbers of eight."""
    raw = bytearray(nifti((300, 300, 300), np.int16))
    struct.pack_into("<f", raw, 112, 2.0)
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(ValueError, match=f"the volume is {LARGE}"):
        data.read_image(tmp_path / "a.nii")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (deflated(300), f"the deflated data set is {LARGE}"),
        (dicom_file(RLELossless, rle(64), 65_535, 65_535), f"the image is {LARGE}"),
        (dicom_file(ExplicitVRLittleEndian, bytes(64), 65_535, 65_535), f"the image is {LARGE}"),
    ],
    ids=["deflated", "RLE", "not compressed"],
)
def test_dicom(tmp_path, raw, message):
    path = tmp_path / "a.dcm"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"a\.dcm: cannot be read as DICOM: {message}"):
        data.read_image(path)
    with pytest.raises(CipherError, match=r"larger than|at most 201,326,592 bytes|are cut"):
        dicom.keys_needed(dicom.read(path))


@pytest.mark.parametrize("allocated", [1, 8, 16])
@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("jpegls", 8),
        ("jpegls", 16),
        ("jpeg8", 8),
        ("jpeg8", 12),
        ("jpeg2k", 8),
        ("jpeg2k", 12),
        ("jpeg2k", 16),
    ],
)
def test_a_compressed_frame_has_no_more_bits_than_are_allocated(tmp_path, name, allocated, bits):
    """Its samples would take more memory than the data set says, and lose their upper bits."""
    syntax, encode = {
        "jpegls": (JPEGLSLossless, imagecodecs.jpegls_encode),
        "jpeg8": (JPEGExtended12Bit, lambda a: imagecodecs.jpeg8_encode(a, bitspersample=bits)),
        "jpeg2k": (
            JPEG2000Lossless,
            lambda a: imagecodecs.jpeg2k_encode(a, 0, codecformat="j2k", bitspersample=bits),
        ),
    }[name]
    pixels = np.full((64, 64), 2**bits - 1, np.uint8 if bits == 8 else np.uint16)
    codestream = bytes(encode(pixels))
    assert codestreams.precision(codestream) == bits
    whole = pydicom.dcmread(io.BytesIO(dicom_file(syntax, codestream)))
    whole.BitsAllocated = allocated
    whole.BitsStored = min(allocated, bits)
    whole.HighBit = whole.BitsStored - 1
    path = tmp_path / "a.dcm"
    whole.save_as(path)
    keys = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    if allocated >= bits:
        assert data.read_image(path).shape == (256, 256, 3)
        if bits > allocated - 8:
            assert dicom.encrypt_dataset(dicom.read(path), keys).BitsAllocated == allocated
        return
    message = f"{bits} bits per sample and needs at least {bits} bits allocated, the data set"
    for read in (data.read_image, lambda path: dicom.encrypt_dataset(dicom.read(path), keys)):
        with pytest.raises(ValueError, match=rf"{message} allocates {allocated}"):
            read(path)


def test_a_frame_that_is_not_the_jpeg_that_the_data_set_says(tmp_path):
    path = tmp_path / "a.dcm"
    codestream = imagecodecs.jpeg8_encode(np.zeros((64, 64), np.uint16), bitspersample=12)
    path.write_bytes(dicom_file(JPEGBaseline8Bit, codestream, dtype=np.uint16))
    with pytest.raises(ValueError, match=r"a\.dcm: .* not the JPEG of 8 bits .* 12 bits") as caught:
        data.read_image(path)
    assert "object at" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("of_stated_length", [True, False])
def test_dicom_with_many_values_or_deep_sequences(tmp_path, of_stated_length):
    whole = dicom_file(ImplicitVRLittleEndian, bytes(64 * 64))
    path = tmp_path / "a.dcm"

    def check(content, message):
        path.write_bytes(whole + content)
        if message is None:
            assert data.read_image(path).shape == (256, 256, 3)
            dicom.read(path)
            return
        for read in (data.read_image, dicom.read):
            with pytest.raises(ValueError, match=rf"a\.dcm: .*{message}"):
                read(path)

    def windows(n):  # An element that names no VR may be longer than 64 KB.
        return struct.pack("<HHI", 0x28, 0x1050, 2 * n) + b"1\\" * (n - 1) + b"1 "

    def nested(n):
        if of_stated_length:
            ends = range(16 * (n - 1), -1, -16)
            return b"".join(
                struct.pack("<HHIHHI", 0x40, 0xA730, 8 + end, 0xFFFE, 0xE000, end) for end in ends
            )
        start = struct.pack("<HHIHHI", 0x40, 0xA730, 2**32 - 1, 0xFFFE, 0xE000, 2**32 - 1)
        return start * n + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0) * n

    check(windows(100_000), None)
    check(windows(600_000), "it has too many elements, items or values")
    check(nested(40), None)
    for n in (60, 3000):
        check(nested(n), "its sequences are nested more than 50 deep")

    def called_from(depth, read):
        return called_from(depth - 1, read) if depth else read(path)

    # Wherever in pydicom Python's limit is reached.
    for depth in range(25):
        with pytest.raises(ValueError, match="its sequences are nested more than 50 deep"):
            called_from(depth, data.read_image)


def test_damaged_deflated_dicom(tmp_path):
    path = tmp_path / "a.dcm"
    whole = dicom_file(DeflatedExplicitVRLittleEndian, bytes(64 * 64))
    path.write_bytes(whole)
    assert data.read_image(path).shape == (256, 256, 3)
    path.write_bytes(whole[:-20] + b"?" * 20)
    for read in (data.read_image, dicom.read):
        with pytest.raises(ValueError, match=r"a\.dcm: "):
            read(path)


CODESTREAMS = {
    JPEGBaseline8Bit: imagecodecs.jpeg8_encode,
    JPEGLosslessSV1: imagecodecs.ljpeg_encode,
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k"),
}


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda syntax: syntax.keyword)
def test_a_compressed_frame_has_the_size_that_the_data_set_says(tmp_path, syntax):
    path = tmp_path / "a.dcm"
    codestream = CODESTREAMS[syntax](np.zeros((48, 80), np.uint8))
    assert codestreams.shape(codestream) == (48, 80, 1)
    path.write_bytes(dicom_file(syntax, codestream, 48, 80))
    assert data.read_image(path).shape == (256, 256, 3)
    path.write_bytes(dicom_file(syntax, codestream, 48, 79))
    message = (
        "a compressed frame has 48 rows, 80 columns and 1 samples per pixel, the data set says"
    )
    with pytest.raises(ValueError, match=rf"a\.dcm: .*{message} 48, 79 and 1"):
        data.read_image(path)
    keys = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    with pytest.raises(CipherError, match=message):
        dicom.encrypt_dataset(dicom.read(path), keys)
    for length in (0, 2, 5):
        with pytest.raises(ValueError, match="no JPEG, JPEG-LS or JPEG 2000 codestream"):
            codestreams.shape(codestream[:length])


@pytest.mark.slow
def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.write(png(8, 8))
        file.truncate(500_000_000)  # Without taking up the disk.
    for read in (data.read_image, encryption.read_samples, encryption.read_key):
        with pytest.raises(ValueError, match=r"a\.png: .*larger than 404,750,336 bytes"):
            read(path)


def turned_jpeg(side):
    """Make a progressive image, whose decoder keeps 2 bytes for each sample until its end."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (side, side))
    image.save(buffer, "JPEG", progressive=True, subsampling=0, exif=exif)
    return buffer.getvalue()


LARGEST = """
import resource, sys, warnings
from pathlib import Path
from dkg import data, encryption
warnings.simplefilter("ignore")
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**30, size + 2**30))
for path in sys.argv[1:]:
    print(data.read_image(path).shape)
print(encryption.read_samples(sys.argv[1]).nbytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_the_largest_that_is_read_takes_less_than_a_gigabyte(tmp_path):
    files = {
        "gray.png": png(10_000, 10_066, 16),
        "transparent.png": png(7000, 7190, 8, 6),
        "volume.nii.gz": gzipped(191, nifti((2048, 512, 192)) + b"\1" * 2**20),
        "frame.dcm": dicom_file(RLELossless, rle(5016 * 5016), 5016, 5016),
        "turned.jpg": turned_jpeg(8190),
    }
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-c", LARGEST, *(tmp_path / name for name in files)],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["(256, 256, 3)"] * 5 + ["201320000"], done.stderr
