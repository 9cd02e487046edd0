"""The panel *Your own cipher*."""

import numpy as np
import pytest

from dkg.widgets import OwnCipherPanel, own_cipher, sources
from dkg.widgets.pictures import png

from .images import upload

CIPHER = b'''
import numpy as np


class Helper:
    pass


class Mine:
    """XOR with one byte."""

    def encrypt(self, image, key):
        return image ^ np.uint8(key)

    decrypt = encrypt

    def random_key(self, rng):
        return int(rng.integers(256))
'''


class Given:
    """A file upload, as `upload` takes an image choice."""

    def __init__(self, widget):
        self.upload = widget


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(own_cipher, "MEASURES", ("histogram", "texture"))
    monkeypatch.setattr(own_cipher, "_FIRST", "identity")
    own_cipher._built_in.cache_clear()
    yield OwnCipherPanel()
    own_cipher._built_in.cache_clear()


@pytest.mark.slow
def test_it_starts_with_a_built_in_cipher_and_shows_what_the_attacks_found(panel):
    plain = sources.image_of("ultrasound", 0)
    assert np.array_equal(panel.view.pictures["ciphertext"], plain)
    assert panel.view.table.loc["entropy", "outcome"] == "not as uniform bytes"
    assert panel.view.table.loc["attack: averaging", "outcome"] == "succeeds"
    assert "identity: " in panel.view.words and "and attacks succeed." in panel.view.words
    panel.cipher.value = "aes-256-gcm"
    assert "aes-256-gcm: " in panel.message.value
    assert panel.view.table.loc["attack: averaging", "outcome"] == "fails"
    assert "No attack tried here succeeded. That is no proof" in panel.view.words


@pytest.mark.slow
def test_a_class_in_a_file_until_another_cipher_is_chosen(panel):
    upload(Given(panel.file), "mine.py", CIPHER)
    assert "Mine: " in panel.view.words
    panel.cipher.value = "aes-256-ctr"
    assert "aes-256-ctr: " in panel.view.words
    upload(Given(panel.file), "mine.py", CIPHER)  # The same file once more.
    assert "Mine: " in panel.view.words


@pytest.mark.slow
def test_files_that_are_no_cipher(panel):
    shown = panel.view
    for content, words in (
        (b"x = ", "mine.py, line 1"),
        (b"class A:\n    pass\n", "no class in it has both encrypt and decrypt"),
        (b"\xff", "not a Python file"),
        (CIPHER.replace(b"image ^ np", b"image | np"), "not invertible"),
    ):
        upload(Given(panel.file), "mine.py", content)
        assert words in panel.message.value
        assert "That did not work" in panel.message.value
        assert panel.view is shown


@pytest.mark.slow
def test_a_pair_of_images(panel, rng):
    plain = sources.image_of("ultrasound", 1)
    hidden = plain ^ rng.integers(0, 256, plain.shape, np.uint8)
    before = panel.view
    upload(Given(panel.plain), "lung.png", png(plain))
    assert panel.view is before
    assert "lung.png is the plaintext; now upload its ciphertext" in panel.message.value
    upload(Given(panel.hidden), "hidden.png", png(hidden))
    assert np.array_equal(panel.view.pictures["ciphertext"], hidden)
    assert "Not measured: " in panel.view.words and "key reuse" in panel.view.words
    assert "attack: averaging" in panel.view.table.index
    panel.cipher.value = "aes-256-gcm"
    upload(Given(panel.hidden), "hidden.png", png(hidden))  # The same file once more.
    assert np.array_equal(panel.view.pictures["ciphertext"], hidden)
    upload(Given(panel.hidden), "hidden.png", png(hidden[:100]))
    assert "has the shape" in panel.message.value


@pytest.mark.slow
def test_a_page_without_a_kernel_shows_the_pictures(panel):
    assert len(panel.static_figure().axes) >= len(panel.view.pictures)
