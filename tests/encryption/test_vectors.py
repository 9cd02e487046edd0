"""The published test vectors, and the independent decoder of the document that decrypts them."""

import re
import runpy
import sys

import numpy as np
import pytest

from dkg import dicom, encryption, paths

ROOT = paths.root()
VECTORS = ROOT / "docs" / "vectors"
if not VECTORS.is_dir():
    pytest.skip("the package is installed without its documentation", allow_module_level=True)

IMAGES = ("rgb8", "gray16")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make the vectors again."""
    folder = tmp_path_factory.mktemp("vectors")
    arguments, sys.argv = sys.argv, ["make_test_vectors.py", str(folder)]
    try:
        runpy.run_path(str(ROOT / "tools" / "make_test_vectors.py"))
    finally:
        sys.argv = arguments
    return folder


@pytest.fixture
def decoder(monkeypatch):
    """Run the program of the document on the published key file."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "formats.md").read_text(), re.S)
    (code,) = (block for block in blocks if "def decrypt_png" in block)
    assert "dkg" not in re.findall(r"(?:import|from) +(\w+)", code)
    monkeypatch.setattr(sys, "argv", ["decode.py", str(VECTORS / "key.png")])
    names = {}
    exec(compile(code, "docs/formats.md", "exec"), names)
    return names


def test_the_vectors_are_what_this_version_writes(made):
    names = sorted(path.name for path in VECTORS.iterdir())
    assert names == sorted(path.name for path in made.iterdir())
    for name in names:
        if name.endswith("-plain.png"):  # Compressed, and so as zlib likes it.
            again, published = (encryption.read_samples(f / name) for f in (made, VECTORS))
            assert np.array_equal(again, published)
        elif name != "image.dcm":  # Its encrypted part holds the file as zlib compresses it.
            assert (made / name).read_bytes() == (VECTORS / name).read_bytes(), name


def test_this_package_decrypts_them(made, tmp_path):
    # The key file made again, as a checkout does not keep the mode of the published one.
    for name in IMAGES:
        encryption.decrypt_file(VECTORS / f"{name}.png", made / "key.png", tmp_path / f"{name}.png")
        plain = encryption.read_samples(VECTORS / f"{name}-plain.png")
        assert np.array_equal(encryption.read_samples(tmp_path / f"{name}.png"), plain)
    dicom.decrypt_file(VECTORS / "image.dcm", made / "key.png", tmp_path / "image.dcm")
    assert (tmp_path / "image.dcm").read_bytes() == (VECTORS / "image-plain.dcm").read_bytes()


def test_the_independent_decoder_decrypts_them(decoder):
    key, secret = decoder["key"], decoder["secret"]
    for name in IMAGES:
        plain = encryption.read_samples(VECTORS / f"{name}-plain.png")
        found = decoder["decrypt_png"](VECTORS / f"{name}.png", key, secret)
        assert np.array_equal(found, plain)
    found = decoder["decrypt_dicom"](VECTORS / "image.dcm", key, secret)
    assert found == (VECTORS / "image-plain.dcm").read_bytes()


@pytest.mark.parametrize("wrong", ["key", "secret"])
def test_the_independent_decoder_refuses_another_key_or_secret(decoder, wrong):
    others = {"key": decoder["key"], "secret": decoder["secret"]}
    others[wrong] = bytes(len(others[wrong]))
    for decrypt, name in (("decrypt_png", "rgb8.png"), ("decrypt_dicom", "image.dcm")):
        with pytest.raises(AssertionError):
            decoder[decrypt](VECTORS / name, **others)
