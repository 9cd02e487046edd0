"""Every kind of damage to a ciphertext file, and names that are refused for an output."""

import json
import os
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from dkg import encryption
from dkg.cipher import CipherError
from dkg.encryption import png_files
from dkg.storage import registry

from .conftest import forge, metadata_text, random_image, random_keys, refused, write_key


def test_every_flipped_bit_is_refused(encrypted, key):
    _, out = encrypted
    whole = out.read_bytes()
    with out.open("r+b", buffering=0) as file:
        for position, byte in enumerate(whole):
            for bit in range(8):
                file.seek(position)
                file.write(bytes([byte ^ 1 << bit]))
                refused(out, key, "damaged|not a ciphertext: a ciphertext is a PNG")
            file.seek(position)
            file.write(bytes([byte]))
    encryption.decrypt_file(out, key, out.with_name("fine.png"))  # Only the changes are refused.


def test_a_file_cut_anywhere_is_refused(encrypted, key):
    _, out = encrypted
    whole = out.read_bytes()
    out.write_bytes(whole + b"\0")
    refused(out, key, "1 bytes were appended")
    for length in reversed(range(1, len(whole))):
        os.truncate(out, length)
        refused(out, key, "cut off" if length >= 8 else "not a ciphertext")


@pytest.mark.slow
def test_every_bit_of_a_forged_ciphertext_is_authenticated(encrypted, key):
    _, out = encrypted
    pixels, text = encryption.read_samples(out), metadata_text(out)
    for index in range(pixels.size):
        for bit in range(8):
            changed = pixels.copy()
            changed.flat[index] ^= 1 << bit
            forge(out, changed, text)
            refused(out, key, "tag does not fit")
    forge(out, pixels, text)
    encryption.decrypt_file(out, key, out.with_name("fine.png"))  # Only the changes are refused.


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changed_metadata_is_refused(keys, folder, data):
    ciphertext, metadata = encryption.encrypt(np.zeros((5, 7), np.uint8), keys)
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    index = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    insert = data.draw(st.booleans())
    changed = text[:index] + character + text[index + (not insert) :]
    if changed == text:
        return
    forge(folder / "changed.png", ciphertext, changed)
    refused(folder / "changed.png", folder / "key.png", r"changed\.png: ")


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [7, 5]},
        {"shape": [5, 7, 1]},
        {"shape": 35},
        {"dtype": "uint16"},
        {"key_id": "0" * 64},
        {"key_id": None},
        {"tag": "0" * 64},
        {"tag": "\u00e9"},
        {"tag": None},
        {"version": 1},
        {"version": 3},
        {"version": 2.0},
        {"version": True},
        {"format": "dkg key"},
        {"format": []},
        {"more": 1},
    ],
)
def test_changed_fields_are_refused(encrypted, key, change):
    _, out = encrypted
    metadata = json.loads(metadata_text(out)) | change
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    forge(out, encryption.read_samples(out), text)
    refused(out, key, "out.png: ")


@pytest.mark.parametrize(
    "shape", [(1, 1), (72, 1), (333, 1), (517, 3), (1000, 6), (333, 1, 3), (20_000, 7), (1, 5000)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_narrow_images_are_encoded(shape, dtype):
    pixels = random_image(*shape, dtype=dtype)
    for data in (b"".join(png_files.encode_noise(pixels, {})), png_files.encode(pixels)):
        assert np.array_equal(imagecodecs.png_decode(data), pixels)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, '{"format":"dkg key"}'])
def test_metadata_that_are_no_metadata_are_refused(encrypted, key, text):
    _, out = encrypted
    forge(out, encryption.read_samples(out), text)
    refused(out, key, "out.png: ")


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.replace(",", ", "),
        lambda text: text.replace('"version":2', '"version":2,"version":2'),
        lambda text: text.replace("version", "\\u0076ersion"),
        lambda text: "{" + ",".join(reversed(text.strip("{}").rsplit(",", 1))) + "}",
    ],
)
def test_the_same_metadata_in_another_form_are_refused(encrypted, key, rewrite):
    _, out = encrypted
    text = metadata_text(out)
    assert json.loads(rewrite(text)) == json.loads(text)
    forge(out, encryption.read_samples(out), rewrite(text))
    refused(out, key, "metadata was changed")


def test_a_whole_png_that_is_no_image_is_refused(encrypted, key):
    _, out = encrypted
    raw = out.read_bytes()
    start = raw.index(b"IDAT") - 4
    body = b"IDAT" + zlib.compress(b"too short")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    out.write_bytes(raw[:start] + chunk + raw[-12:])
    refused(out, key, "out.png: damaged")
    body = b"\xff\xff\xff\xff"  # No chunk that must be understood has such a name.
    chunk = struct.pack(">I", 0) + body + struct.pack(">I", zlib.crc32(body))
    out.write_bytes(raw[:start] + chunk + raw[start:])
    refused(out, key, "out.png: ")


def test_two_metadata_chunks_are_refused(encrypted, key):
    _, out = encrypted
    info = PngImagePlugin.PngInfo()
    info.add_text("dkg", metadata_text(out))
    info.add_text("dkg", metadata_text(out))
    Image.fromarray(encryption.read_samples(out)).save(out, pnginfo=info)
    refused(out, key, "metadata was changed")


def test_the_metadata_may_move_and_the_pixels_be_compressed_otherwise(encrypted, key):
    image, out = encrypted
    forge(out, encryption.read_samples(out), metadata_text(out))
    encryption.decrypt_file(out, key, out.with_name("back.png"))
    assert np.array_equal(encryption.read_samples(out.with_name("back.png")), image)


def test_outputs_that_are_refused(tmp_path, encrypted, key):
    _, out = encrypted
    image = tmp_path / "image.png"
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def assert_refused(match, name, **options):
        with pytest.raises(CipherError, match=match):
            encryption.encrypt_file(image, key, tmp_path / name, **options)
        with pytest.raises(CipherError, match=match):
            encryption.decrypt_file(out, key, tmp_path / name, **options)

    (tmp_path / "folder.png").mkdir()
    assert_refused("JPEG is lossy", "new.jpg")
    assert_refused(r"must end in \.png", "new.gif")
    assert_refused(r"must end in \.png", "new")
    assert_refused("the folder .* does not exist", "missing/new.png")
    assert_refused("is a folder", "folder.png")
    for name in ("out.png", "key.png", "image.png"):
        assert_refused("exists already|replace the input", name)
    assert_refused("replace the input", "key.png", overwrite=True)
    with pytest.raises(CipherError, match="replace the input"):
        encryption.encrypt_file(image, key, image, overwrite=True)
    with pytest.raises(CipherError, match="replace the input"):
        encryption.decrypt_file(out, key, out, overwrite=True)
    with pytest.raises(CipherError, match=r"must end in \.png"):
        write_key(tmp_path / "key.tif", random_keys())
    with pytest.raises(CipherError, match=r"exists already .* \(overwrite=True\)$"):
        write_key(key, random_keys())
    (tmp_path / "folder.png").rmdir()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("read_only", ["folder", "file"])
def test_a_read_only_output_is_refused(tmp_path, key, monkeypatch, read_only):
    # The superuser may write anywhere, so the system's answer is replaced, not the mode.
    out = tmp_path / "folder" / "out.png"
    out.parent.mkdir()
    out.write_text("old")
    encryption.write_samples(tmp_path / "image.png", random_image(5, 7))
    closed = out if read_only == "file" else out.parent
    monkeypatch.setattr(png_files.os, "access", lambda path, mode: Path(path) != closed)
    with pytest.raises(CipherError, match=rf"out\.png: .*{closed.name} is read-only|exists and is"):
        encryption.encrypt_file(tmp_path / "image.png", key, out, overwrite=True)
    assert out.read_text() == "old"
    assert not (tmp_path / registry.BESIDE_KEY).exists()
