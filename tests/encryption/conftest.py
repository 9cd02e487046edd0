"""Random images and keys, the same in every run of a test, and a ciphertext made with them."""

import hashlib
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dkg import encryption
from dkg.cipher import CipherError

SHA = hashlib.sha256(b"no weights, random bytes").hexdigest()
SECRET = hashlib.sha256(b"no secret").digest()
random = np.random.default_rng(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let a test draw the same alone and among others."""
    global random
    random = np.random.default_rng(zlib.crc32(item.name.encode()))


def random_keys(n=1):
    return random.integers(0, 256, (n, 256, 256, 3), np.uint8)


def random_image(*shape, dtype=np.uint8):
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def write_key(path, keys):
    encryption.write_key(path, keys, weights_sha256=SHA, weights_public=False, secret=SECRET)
    return path


@pytest.fixture(scope="module")
def keys():
    return np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, keys):
    """Make a folder with the key, for properties: hypothesis shares it between its examples."""
    folder = tmp_path_factory.mktemp("cipher")
    write_key(folder / "key.png", keys)
    return folder


@pytest.fixture
def key(tmp_path, keys):
    return write_key(tmp_path / "key.png", keys)


@pytest.fixture
def encrypted(tmp_path, key):
    """Encrypt a 5 x 7 gray image: (the image, the ciphertext's path)."""
    image = random_image(5, 7)
    encryption.write_samples(tmp_path / "image.png", image)
    out = tmp_path / "out.png"
    encryption.encrypt_file(tmp_path / "image.png", key, out)
    return image, out


def refused(out, key, match):
    """Assert that decrypting is refused, and leaves nothing behind."""
    back = out.with_name("refused.png")
    with pytest.raises(CipherError, match=match) as caught:
        encryption.decrypt_file(out, key, back)
    assert not back.exists()
    assert not list(out.parent.glob(".*"))
    return str(caught.value)


def forge(path, pixels, text):
    """Write pixels and metadata text as a whole and valid PNG file."""
    info = PngImagePlugin.PngInfo()
    info.add_text("dkg", text)
    Image.fromarray(pixels).save(path, pnginfo=info)


def metadata_text(path):
    with Image.open(path) as image:
        return image.text["dkg"]
