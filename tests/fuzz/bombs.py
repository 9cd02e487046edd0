"""Small files that would take gigabytes or minutes, one for each way that was found.

Each function takes a random number generator and returns the bytes of a file. Files of this folder
are made here, and none is kept: what is large in them is one short part, repeated.
"""

import gzip
import io
import random
import struct
import zlib
from unittest import mock

import imagecodecs
import inputs
import numpy as np
import pydicom
import tifffile
from changes import png_chunks, png_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from dkg import dicom
from dkg.dicom import envelope, pixel_data

MEGABYTE = bytes(2**20)


def repeated(megabytes: int, start: bytes, wbits: int) -> bytes:
    """Compress a start and megabytes of zeros without going through all of them."""
    compress = zlib.compressobj(9, wbits=wbits)
    first = compress.compress(start) + compress.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush does not refer to what was before it, so it can be repeated.
    block = compress.compress(MEGABYTE) + compress.flush(zlib.Z_FULL_FLUSH)
    end = compress.compress(b"") + compress.flush()
    if wbits == zlib.MAX_WBITS:  # zlib ends with a checksum.
        adler = zlib.adler32(start)
        for _ in range(megabytes):
            adler = zlib.adler32(MEGABYTE, adler)
        end = end[:-4] + struct.pack(">I", adler)
    return first + megabytes * block + end


def many(rng: random.Random) -> int:
    """Return how many megabytes a bomb unpacks to."""
    return rng.randrange(1500, 3000)


# --- Raster images and volumes


def png_of_empty_chunks(rng):
    chunks = png_chunks(inputs.png()["text.png"])
    empty = png_file([(rng.choice([b"teSt", b"IDAT", b"tEXt"]), b"")])[8:]
    return png_file(chunks[:1]) + rng.randrange(10, 13) * 2**20 * empty + png_file(chunks[1:])[8:]


def png_of_texts(rng):
    """Texts and profiles of a few kilobytes that unpack to megabytes each."""
    chunks = png_chunks(inputs.png()["text.png"])
    packed = zlib.compress(bytes(7_000_000), 9)
    kinds = {
        b"zTXt": b"Comment\0\0" + packed,
        b"iTXt": b"Comment\0\1\0\0\0" + packed,
        b"iCCP": b"profile\0\0" + packed,
        b"iTXt ": b"XML:com.adobe.xmp\0\1\0\0\0" + repeated(many(rng), b"", zlib.MAX_WBITS),
    }
    name = rng.choice(list(kinds))
    texts = [(name[:4], kinds[name])] * (1 if name[4:] else 900)
    return png_file([chunks[0], *texts, *chunks[1:]])


def png_of_other_size(rng):
    """More compressed samples than the header says, or a header that says too much."""
    chunks = dict(png_chunks(inputs.png()["text.png"]))
    if rng.random() < 0.5:
        chunks[b"IDAT"] = repeated(many(rng), b"", zlib.MAX_WBITS)
    else:
        sides = struct.pack(">II", rng.randrange(2**15, 2**31), rng.randrange(2**15, 2**31))
        chunks[b"IHDR"] = sides + chunks[b"IHDR"][8:]
    return png_file(list(chunks.items()))


def jpeg_of_segments(rng):
    whole = inputs.jpeg()["gray.jpg"]
    segment = rng.choice([b"\xff\xe5\0\2", b"\xff\xfe\0\2", b"\xff", b"\xff\xd0"])
    return whole[:2] + segment * rng.randrange(10**7, 2 * 10**7) + whole[2:]


def jpeg_of_scans(rng):
    whole = inputs.jpeg()["progressive.jpg"]
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * rng.randrange(10**4, 10**5) + whole[-2:]


def tiff_of_strips(rng):
    """A strip that is said to be enormous, or one that unpacks to more than it is said to."""
    buffer = io.BytesIO()
    compression = rng.choice(["zlib", "zstd", "lzma", "packbits"])
    tifffile.imwrite(buffer, inputs.pixels(dtype=np.uint16), compression=compression)
    whole = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(whole))) as file:
        tags = file.pages[0].tags
        offset, count = (tags[name].valueoffset for name in ("StripOffsets", "StripByteCounts"))
        kind = {3: "<H", 4: "<I"}[tags["StripByteCounts"].dtype.value]
        wide = {3: "<H", 4: "<I"}[tags["StripOffsets"].dtype.value]
    bomb = {
        "zlib": lambda: repeated(many(rng), b"", zlib.MAX_WBITS),
        "zstd": lambda: imagecodecs.zstd_encode(bytes(300 * 2**20)) * 5,
        "lzma": lambda: imagecodecs.lzma_encode(bytes(100 * 2**20)),
        "packbits": lambda: b"\x81\0" * 2**23,
    }[compression]()
    if rng.random() < 0.5 or kind == "<H":
        struct.pack_into(kind, whole, count, 2**16 - 1 if kind == "<H" else 2**32 - 1)
        return bytes(whole)
    struct.pack_into(wide, whole, offset, len(whole))
    struct.pack_into(kind, whole, count, len(bomb))
    return bytes(whole) + bomb


def tiff_of_pages(rng):
    """Directories without tags, one after another, or tags of very many values."""
    kind = rng.random()
    if kind < 0.3:  # The values of all tags are in one place, and a tag may be there many times.
        first, step = rng.choice([(273, 0), (40_000, 1)])
        tags = [struct.pack("<HHII", first + i * step, 3, 2**20, 8) for i in range(300)]
        return b"II*\0\x08\0\0\0" + struct.pack("<H", 300) + b"".join(tags) + bytes(2**21)
    if kind < 0.65:
        n = rng.randrange(2 * 10**6, 4 * 10**6)
        places = np.arange(n, dtype=np.uint32) * 6 + 8
        pages = np.zeros(n, np.dtype([("tags", "<u2"), ("next", "<u4")]))
        pages["next"] = np.append(places[1:], 0)
        return b"II*\0\x08\0\0\0" + pages.tobytes()
    n = rng.randrange(2 * 10**7, 3 * 10**7)
    tag = struct.pack("<HHHII", 1, 273, 4, n, 26) + bytes(4)
    return b"II*\0\x08\0\0\0" + tag + bytes(4 * n)


def nifti_of_zeros(rng):
    start = inputs.nifti()["float.nii"]
    return repeated(many(rng), start, zlib.MAX_WBITS | 16)


def nifti_of_members(rng):
    """Very many members of a gzip file, empty or not."""
    member = gzip.compress(rng.choice([b"", bytes(2**20)]), mtime=0)
    whole = inputs.gzipped(inputs.nifti()["float.nii"])
    return whole + member * (rng.randrange(3, 5) * 10**7 // len(member))


def nifti_of_extensions(rng):
    whole = inputs.nifti()["float.nii"]
    n = rng.randrange(3 * 10**6, 5 * 10**6)
    header = bytearray(whole[:352])
    struct.pack_into("<f", header, 108, 352 + 16 * n)
    header[348] = 1
    return bytes(header) + struct.pack("<ii", 16, 6).ljust(16, b"\0") * n + whole[352:]


# --- DICOM


def element(group, number, vr, value, length=None):
    """Return an element in Explicit VR Little Endian, also one of another length than it has."""
    size = len(value) if length is None else length
    if vr in (b"OB", b"SQ", b"UC"):
        return struct.pack("<HH2sHI", group, number, vr, 0, size) + value
    return struct.pack("<HH2sH", group, number, vr, size) + value


def with_meta(syntax, content, before=b""):
    """Return a file whose file meta information says a transfer syntax, after other elements."""
    uid = syntax.encode() + bytes(len(syntax) % 2)
    meta = before + element(2, 0x10, b"UI", uid)
    length = element(2, 0, b"UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + content


def deflated(rng):
    """The transfer syntax stands behind as much as a check may look at."""
    pixel_data = element(0x7FE0, 0x10, b"OB", b"", many(rng) * 2**20)
    before = element(2, 1, b"OB", bytes(rng.choice([2, 2**20 + 100])))
    start = element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0") + pixel_data
    content = repeated(many(rng), start, -zlib.MAX_WBITS)
    return with_meta(DeflatedExplicitVRLittleEndian, content, before)


def of_empty_parts(rng):
    """Elements, items, values or fragments, each of a few bytes, or sequences in sequences."""
    n = rng.randrange(4 * 10**6, 6 * 10**6)
    item = b"\xfe\xff\x00\xe0\0\0\0\0"
    start = inputs.dicom_files()["gray.dcm"]
    kind = rng.randrange(7)
    if kind == 0:
        return start + element(0x7FF1, 0x10, b"LO", b"") * n
    if kind == 1:  # A sequence of stated length is parsed on first use.
        return start + element(0x7FF1, 0x10, b"SQ", item * n)
    if kind == 2:
        return start + element(0x7FF1, 0x10, b"SQ", b"", 2**32 - 1) + item * n
    if kind == 3:  # Values of text.
        return start + element(0x7FF1, 0x10, b"UC", b"1\\" * n)
    dataset = inputs.dicom_dataset(inputs.pixels())
    if kind == 4:  # Numbers that are written as text, in an element longer than 64 KB.
        windows = struct.pack("<HHI", 0x28, 0x1050, 2 * n) + b"1\\" * n
        return inputs.dicom_bytes(dataset, ImplicitVRLittleEndian) + windows
    if kind == 5:
        return inputs.dicom_bytes(dataset, ImplicitVRLittleEndian) + nested(rng)
    whole = inputs.dicom_bytes(dataset, JPEGBaseline8Bit, [b"\xff\xd8\xff\xd9"])
    at = whole.index(b"\xff\xd8\xff\xd9") - 8
    return whole[:at] + item * n + whole[at:]


def nested(rng):
    """Sequences in sequences, of stated length or not."""
    n = rng.randrange(500, 5000)
    if rng.random() < 0.5:
        start = struct.pack("<HHIHHI", 0x40, 0xA730, 2**32 - 1, 0xFFFE, 0xE000, 2**32 - 1)
        return start * n + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0) * n
    inside = range(16 * (n - 1), -1, -16)
    starts = (struct.pack("<HHIHHI", 0x40, 0xA730, 8 + m, 0xFFFE, 0xE000, m) for m in inside)
    return b"".join(starts)


def rle(rng):
    """A segment that unpacks to 64 times its size."""
    dataset = inputs.dicom_dataset(inputs.pixels())
    segment = rng.choice([b"\x81\0", b"\x80\x81\xff"]) * (rng.randrange(15, 25) * 2**20)
    return inputs.dicom_bytes(
        dataset, RLELossless, [struct.pack("<16I", 1, 64, *[0] * 14) + segment]
    )


def more_frames_than_said(rng):
    """Very many frames, each as large as the data set says."""
    dataset = inputs.dicom_dataset(np.zeros((2048, 2048), np.uint8))
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 2**15
    return inputs.dicom_bytes(dataset, RLELossless, [frame] * rng.randrange(400, 600))


def size_of_jpeg_2000(width, height, tile=None, precincts=None, block=(4, 4), layers=1, n=1):
    """Return a JPEG 2000 codestream of no samples whose header says a size."""
    tile_width, tile_height = tile or (width, height)
    siz = struct.pack(">H8IH", 0, width, height, 0, 0, tile_width, tile_height, 0, 0, n)
    cod = struct.pack(">BBHB", precincts is not None, 0, layers, 0) + bytes([0, *block, 0, 1])
    cod += b"" if precincts is None else bytes([precincts])
    parts = [(b"\xff\x51", siz + n * b"\7\1\1"), (b"\xff\x52", cod), (b"\xff\x5c", b"\x40\x40")]
    header = b"".join(name + struct.pack(">H", len(body) + 2) + body for name, body in parts)
    tile_part = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 30, 0, 1) + b"\xff\x93" + bytes(16)
    return b"\xff\x4f" + header + tile_part + b"\xff\xd9"


def jpeg_2000(rng):
    """A small header before the real one, or one that is cut into very many pieces."""
    rows, columns = inputs.SHAPE
    sizes = [
        {"tile": (1, 1)},
        {"precincts": 0},
        {"precincts": 0x22},
        {"block": (0, 0)},
        {"precincts": 0, "layers": 65535},
    ]
    kind = rng.randrange(3 + len(sizes))
    if kind >= 3:
        rows, columns = 4500, 5000
        if sizes[kind - 3].get("tile"):
            rows, columns = 255, 256
        stream = size_of_jpeg_2000(columns, rows, **sizes[kind - 3])
    else:
        fake = size_of_jpeg_2000(columns, rows)
        real = size_of_jpeg_2000(30_000, 30_000)
        length = struct.pack(">I", 8 + len(fake))
        box = rng.choice([length + b"free", struct.pack(">I4sQ", 1, b"free", 16 + len(fake))])
        last = rng.choice([struct.pack(">I", 8 + len(real)), bytes(4)]) + b"jp2c"
        header = imagecodecs.jpeg2k_encode(inputs.pixels(), level=0, codecformat="jp2")
        header = header[: header.index(b"jp2c") - 4]
        stream = header + box + fake + last + real
    dataset = inputs.dicom_dataset(np.zeros((rows, columns), np.uint8))
    return inputs.dicom_bytes(dataset, JPEG2000Lossless, [stream])


def with_lying_offsets(rng):
    """Two frames, of which an offset table of the data set shows a larger one."""
    small = imagecodecs.jpeg2k_encode(inputs.pixels(), level=0, codecformat="j2k")
    large = size_of_jpeg_2000(30_000, 30_000)
    dataset = inputs.dicom_dataset(inputs.pixels())
    dataset.ExtendedOffsetTable = struct.pack("<Q", 8 + len(small) + len(small) % 2)
    dataset.ExtendedOffsetTableLengths = struct.pack("<Q", len(large) + len(large) % 2)
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([small, large], has_bot=False)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def authentic(rng, secret=None):
    """An encrypted image with a valid tag, whose original unpacks to gigabytes or never ends."""
    item = b"\xfe\xff\x00\xe0\0\0\0\0"
    many_items = inputs.dicom_files()["gray.dcm"] + element(0x7FF1, 0x10, b"SQ", item * 10**7)
    compressed = rng.choice(
        [repeated(many(rng), b"", zlib.MAX_WBITS), zlib.compress(many_items, 1)]
    )
    whole = inputs.dicom_files()["gray.dcm"]
    original = pydicom.dcmread(io.BytesIO(whole))
    image = dicom.encrypt_dataset(original, inputs.KEYS[:1], secret=secret)
    noise, layout = pixel_data.read_samples(pydicom.dcmread(io.BytesIO(_written(image))))
    derived = envelope.derive_keys(inputs.KEYS[:1], secret)
    compressor = mock.Mock(**{"flush.return_value": compressed})
    with mock.patch.object(envelope.zlib, "compressobj", return_value=compressor):
        content = envelope.encode_content(original, image, [])
    version = 1 if secret is None else 2
    identifier = dicom.key_identifier(image)
    message, _ = envelope.seal(content, identifier, derived, noise, layout, version)
    image.EncryptedAttributesSequence[0].EncryptedContent = bytes(message)
    return _written(image)


def foreign_noise(rng, secret=None):
    """An encrypted image whose noise is small in the file, and of another image and its size."""
    image = dicom.encrypt_dataset(
        pydicom.dcmread(io.BytesIO(inputs.dicom_files()["gray.dcm"])),
        inputs.KEYS[:1],
        secret=secret,
    )
    side = rng.randrange(4000, 5000)
    image.Rows = image.Columns = side
    if rng.random() < 0.5:
        image.NumberOfFrames = count = 8
        stream = imagecodecs.jpeg2k_encode(np.zeros((side, side), np.uint8), codecformat="j2k")
        syntax = JPEG2000Lossless
    else:
        image.NumberOfFrames = count = 10
        runs = b"\x81\0" * (side * side // 128 + 1)
        stream, syntax = struct.pack("<16I", 1, 64, *[0] * 14) + runs, RLELossless
    image.PixelData = encapsulate([stream] * count)
    image["PixelData"].VR, image["PixelData"].is_undefined_length = "OB", True
    return _written(image, syntax)


def _written(image, syntax=ExplicitVRLittleEndian):
    buffer = io.BytesIO()
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


_DICOM = (
    deflated,
    of_empty_parts,
    rle,
    jpeg_2000,
    more_frames_than_said,
    with_lying_offsets,
)

BOMBS = {
    "png": (png_of_empty_chunks, png_of_texts, png_of_other_size),
    "jpeg": (jpeg_of_segments, jpeg_of_scans),
    "tiff": (tiff_of_strips, tiff_of_pages),
    "nifti": (nifti_of_zeros, nifti_of_members, nifti_of_extensions),
    "dicom": _DICOM,
    "dicom-encryption": _DICOM,
    "dicom-decryption": (authentic, foreign_noise),
    "key": (png_of_empty_chunks,),
    "ciphertext": (png_of_empty_chunks,),
}
"""By the name of a reader, what it has to refuse, or to read within its limits."""

ENDINGS = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "nifti": ".nii.gz", "key": ".png"}
ENDINGS |= {"ciphertext": ".png"}  # Others are DICOM files.
