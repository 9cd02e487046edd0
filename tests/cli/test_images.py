"""Images encrypted and decrypted, and a one-line message for everything that can go wrong."""

import os
import shutil

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dkg import encryption

from .conftest import error, make_folder, make_key, random_bytes, run, save


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (37, 21), (300, 260), (37, 21, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_encrypt_and_decrypt(tmp_path, dtype, shape, suffix):
    key = make_key(tmp_path / "key.png")
    image = random_bytes(*shape, dtype=dtype)
    save(tmp_path / "image.png", image)
    out, back = tmp_path / "out.png", tmp_path / f"back{suffix}"
    run("encrypt", tmp_path / "image.png", "--key", key, "-o", out)
    run("decrypt", out, "--key", key, "-o", back)
    restored = encryption.read_samples(back)
    assert restored.dtype == dtype
    assert np.array_equal(restored, image)


@pytest.mark.slow
def test_a_radiograph_of_the_original_size(tmp_path):
    image = random_bytes(4892, 4020)
    (tmp_path / "image.png").write_bytes(imagecodecs.png_encode(image, level=0))
    arguments = ("encrypt", tmp_path / "image.png", "-o", tmp_path / "out.png", "--key")
    short = make_key(tmp_path / "short.png", 99)
    assert "make the key from 2 more seed images" in error(*arguments, short)
    key = make_key(tmp_path / "key.png", 101)
    run(*arguments, key)
    run("decrypt", tmp_path / "out.png", "--key", key, "-o", tmp_path / "back.png")
    assert np.array_equal(encryption.read_samples(tmp_path / "back.png"), image)


def test_a_jpeg_comes_back_as_its_decoded_samples(tmp_path, key):
    Image.fromarray(random_bytes(20, 30, 3)).save(tmp_path / "image.jpg")
    run("encrypt", tmp_path / "image.jpg", "--key", key, "-o", tmp_path / "out.png")
    run("decrypt", tmp_path / "out.png", "--key", key, "-o", tmp_path / "back.png")
    with Image.open(tmp_path / "image.jpg") as image:
        assert np.array_equal(encryption.read_samples(tmp_path / "back.png"), np.asarray(image))


def test_wrong_key(tmp_path, encrypted):
    other = make_key(tmp_path / "other.png")
    message = error("decrypt", encrypted, "--key", other, "-o", tmp_path / "back.png")
    assert f"{encrypted}: wrong key" in message
    assert not (tmp_path / "back.png").exists()


def flip_a_pixel(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 4
    path.write_bytes(data)


def flip_metadata(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"key_id") + 12] ^= 1
    path.write_bytes(data)


def resize(path):
    """Enlarge a ciphertext and keep its metadata, as some image programs do."""
    with Image.open(path) as image:
        info = PngImagePlugin.PngInfo()
        info.add_text("dkg", image.text["dkg"])
        image.resize((20, 24)).save(path, pnginfo=info)


def save_again(path, image_format):
    """Save a ciphertext as most image programs do: without its metadata."""
    with Image.open(path) as image:
        image.copy().save(path, image_format)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_pixel, "damaged: the checksum"),
        (flip_metadata, "damaged: the checksum"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "cut off"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("some text, named .png"), "not a ciphertext"),
        (lambda path: save(path, random_bytes(5, 5)), "carries no dkg metadata"),
        (lambda path: save_again(path, "JPEG"), "JPEG is lossy"),
        (resize, "was resized"),
        (lambda path: save_again(path, "PNG"), "another program has saved again"),
        (lambda path: path.unlink(), "No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
    ],
)
def test_ciphertexts_that_are_refused(tmp_path, encrypted, key, damage, message):
    damage(encrypted)
    said = error("decrypt", encrypted, "--key", key, "-o", tmp_path / "back.png")
    assert said.startswith(f"Error: {encrypted}: ")
    assert message in said
    assert not (tmp_path / "back.png").exists()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: save(path, random_bytes(5, 5, 4)), "4 channels"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("text"), "not a PNG, JPEG or TIFF file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: None, "No such file or directory"),
        (lambda path: make_key(path), "already a key"),
        (
            lambda path: path.write_bytes(imagecodecs.png_encode(random_bytes(50, 50))[:900]),
            "cannot be used as a PNG image",
        ),
    ],
)
def test_images_that_are_refused(tmp_path, key, write, message):
    path = tmp_path / "image.png"
    write(path)
    said = error("encrypt", path, "--key", key, "-o", tmp_path / "out.png")
    assert said.startswith(f"Error: {path}: ")
    assert message in said
    assert not (tmp_path / "out.png").exists()
    assert not list(tmp_path.glob("*.sqlite"))


def test_keys_that_are_refused(tmp_path, encrypted):
    image, back = tmp_path / "image.png", tmp_path / "back.png"
    for path, message in (
        (image, "not a key of dkg"),
        (encrypted, "is a 'dkg ciphertext' file, not a key"),
        (tmp_path / "missing.png", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        for command in (("encrypt", image), ("decrypt", encrypted)):
            said = error(*command, "--key", path, "-o", back)
            assert said.startswith(f"Error: {path}: ")
            assert message in said
    assert "is a 'dkg key' file, not a ciphertext" in error(
        "decrypt", tmp_path / "key.png", "--key", tmp_path / "key.png", "-o", back
    )


def test_outputs_that_are_refused(tmp_path, encrypted, key):
    for command in (("encrypt", tmp_path / "image.png"), ("decrypt", encrypted)):
        arguments = (*command, "--key", key, "-o")
        assert "does not exist" in error(*arguments, tmp_path / "no" / "new.png")
        assert "JPEG is lossy" in error(*arguments, tmp_path / "new.jpg")
        assert "is a folder" in error(*arguments, (make_folder(tmp_path / "folder.png")))
        existing = save(tmp_path / "existing.png", random_bytes(2, 2))
        assert error(*arguments, existing).endswith("unless asked to (--force)\n")
        run(*arguments, existing, "--force")
        assert "replace the input" in error(*arguments, key, "--force")


def test_a_read_only_folder(tmp_path, key, monkeypatch):
    # The superuser may write to any folder, so the system's answer is replaced, not the mode.
    image = save(tmp_path / "image.png", random_bytes(5, 5))
    out = tmp_path / "out.png"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    said = error("encrypt", image, "--key", key, "-o", out)
    assert said == f"Error: {out}: the folder {tmp_path} is read-only\n"


def test_key_reuse(tmp_path, encrypted, key, monkeypatch):
    second = save(tmp_path / "second.png", random_bytes(6, 6))
    arguments = ("encrypt", second, "--key", key, "-o", tmp_path / "b.png")
    refusal = error(*arguments)
    assert "already encrypted another image" in refusal
    assert refusal.endswith("from other seed images, or see --allow-key-reuse\n")
    warning = run(*arguments, "--allow-key-reuse").stderr
    assert "XOR of two ciphertexts under one key is the XOR of the two plain images" in warning
    # A key that was copied to another folder is found out by a registry of both.
    fresh, registry = make_key(tmp_path / "fresh.png"), tmp_path / "registry.sqlite"
    copy = make_folder(tmp_path / "copy") / "key.png"
    shutil.copy(fresh, copy)
    named = ("--registry", registry)
    run("encrypt", second, "--key", fresh, "-o", tmp_path / "d.png", *named)
    third = ("encrypt", tmp_path / "image.png", "--key", copy, "-o", tmp_path / "e.png")
    said = error(*third, *named)
    assert "already encrypted another image" in said and str(registry) in said
    monkeypatch.setenv("DKG_REGISTRY", str(registry))
    assert str(registry) in error(*third)
    monkeypatch.delenv("DKG_REGISTRY")
    assert run(*third).stderr == "", "without a registry a copy is another key"
    # The same image once more is no reuse.
    first = ("encrypt", tmp_path / "image.png", "--key", make_key(tmp_path / "new.png"))
    assert run(*first, "-o", tmp_path / "c.png").stderr == ""
    assert run(*first, "-o", tmp_path / "c.png", "--force").stderr == ""
