"""Headers of compressed frames, also such as only an attacker writes."""

import struct

import imagecodecs
import numpy as np
import pytest

from dkg.storage import codestreams

PIXELS = np.arange(48 * 80, dtype=np.uint8).reshape(48, 80)


def stream(width=80, height=48, tile=None, precincts=None, block=(4, 4), layers=1, levels=0, n=1):
    """Return a JPEG 2000 codestream of no samples, with the given structure."""
    tile = tile or (width, height)
    siz = struct.pack(">H8IH", 0, width, height, 0, 0, *tile, 0, 0, n) + n * b"\7\1\1"
    cod = struct.pack(">BBHB", precincts is not None, 0, layers, 0) + bytes([levels, *block, 0, 1])
    cod += b"" if precincts is None else bytes([precincts] * (levels + 1))
    segments = [(b"\xff\x51", siz), (b"\xff\x52", cod), (b"\xff\x5c", b"\x40" * 20)]
    header = b"".join(name + struct.pack(">H", len(body) + 2) + body for name, body in segments)
    part = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 30, 0, 1) + b"\xff\x93" + bytes(16)
    return b"\xff\x4f" + header + part + b"\xff\xd9"


def boxed(*codestreams_and_boxes):
    header = imagecodecs.jpeg2k_encode(PIXELS, level=0, codecformat="jp2")
    return header[: header.index(b"jp2c") - 4] + b"".join(codestreams_and_boxes)


def box(kind, content, how="short"):
    if how == "long":
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 0 if how == "last" else 8 + len(content), kind) + content


@pytest.mark.parametrize("how", ["short", "long", "last"])
def test_a_header_in_an_earlier_box_is_not_the_codestream(how):
    small, large = stream(8, 8), stream(30_000, 30_000)
    for kind in (b"free", b"uuid", b"jp2h"):
        for other in ("short", "long"):
            found = codestreams.bare_jpeg2000(
                boxed(box(kind, small, other), box(b"jp2c", large, how))
            )
            assert found == large
            assert codestreams.shape(found) == (30_000, 30_000, 1)


def test_the_codestream_of_an_encoder():
    for level in (0, 40):
        plain = imagecodecs.jpeg2k_encode(PIXELS, level=level, codecformat="j2k")
        whole = imagecodecs.jpeg2k_encode(PIXELS, level=level, codecformat="jp2")
        assert codestreams.bare_jpeg2000(whole) == plain == codestreams.bare_jpeg2000(plain)
        assert codestreams.shape(plain) == (48, 80, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:60],
        lambda whole: whole.replace(b"jp2c", b"jp2d"),
        lambda whole: whole.replace(b"jp2h", b"jp2h\xff"),
        lambda whole: whole[:12] + struct.pack(">I", 5) + whole[16:],
    ],
    ids=["cut", "no codestream", "shifted", "box shorter than its header"],
)
def test_damaged_boxes(damage):
    with pytest.raises(ValueError, match="damaged or cut off"):
        codestreams.shape(codestreams.bare_jpeg2000(damage(boxed(box(b"jp2c", stream())))))


@pytest.mark.parametrize(
    "structure",
    [
        {"width": 255, "height": 256, "tile": (1, 1)},
        {"width": 5000, "height": 5000, "precincts": 0},
        {"width": 5000, "height": 5000, "precincts": 0x22},
        {"width": 5000, "height": 5000, "block": (0, 0)},
        {"width": 5000, "height": 5000, "precincts": 0x44, "layers": 65_535},
        {"width": 5000, "height": 5000, "levels": 33},
    ],
)
def test_images_that_are_cut_into_too_many_pieces_are_refused(structure):
    with pytest.raises(ValueError, match=r"too small or too many|decomposition levels"):
        codestreams.shape(stream(**structure))


def test_pieces_in_the_header_of_a_tile_count_as_well():
    whole = stream(5000, 5000)
    cod = b"\xff\x52" + struct.pack(">HBBHB", 13, 1, 0, 1, 0) + bytes([0, 4, 4, 0, 1, 0x11])
    at = whole.index(b"\xff\x93")
    with pytest.raises(ValueError, match="too small or too many"):
        codestreams.shape(whole[:at] + cod + whole[at:])


@pytest.mark.parametrize("tile", [None, (1024, 1024)])
@pytest.mark.parametrize("levels", [0, 5, 8])
@pytest.mark.parametrize("n", [1, 3])
def test_large_images_as_encoders_make_them_are_read(tile, levels, n):
    side = 5000 if n == 1 else 2800
    made = stream(side, side, tile=tile, levels=levels, layers=12, n=n)
    assert codestreams.shape(made) == (side, side, n)


def test_jpeg_with_many_segments_or_scans():
    whole = imagecodecs.jpeg8_encode(PIXELS)
    assert codestreams.shape(whole) == (48, 80, 1)
    for segment in (b"\xff\xe5\0\2", b"\xff\xfe\0\2", b"\xff"):
        assert codestreams.shape(whole[:2] + segment * 100 + whole[2:]) == (48, 80, 1)
        with pytest.raises(ValueError, match="more than 10,000 parts"):
            codestreams.shape(whole[:2] + segment * 20_000 + whole[2:])
    # What stands behind the end, such as a film, is not looked at.
    assert codestreams.shape(whole + b"\xff\xda" * 1000) == (48, 80, 1)
