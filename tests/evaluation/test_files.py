"""Images and ciphertexts from files."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dkg.evaluation.files import CiphertextFiles, read_ciphertexts, read_images


def save(path, array):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(array)))
    return path


def test_images_have_their_own_size_and_the_order_of_their_names(tmp_path, images):
    save(tmp_path / "b.png", images[0])
    save(tmp_path / "a.png", images[1][:9, :, 0])
    (tmp_path / ".hidden").write_text("no image")
    found = read_images([tmp_path])
    assert list(found) == ["a", "b"]
    assert np.array_equal(found["a"], images[1][:9, :, 0])
    assert list(read_images([tmp_path], 1)) == ["a"]
    assert list(read_images([tmp_path / "b.png"])) == ["b"]


def test_bad_paths(tmp_path, images):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_images([tmp_path / "missing"])
    with pytest.raises(FileNotFoundError, match="the folder has no files"):
        read_images([tmp_path])
    save(tmp_path / "a.png", images[0])
    (tmp_path / "a.txt").write_text("no image")
    with pytest.raises(ValueError, match="another image has the name a"):
        read_images([tmp_path])


def test_ciphertexts_of_images_and_bytes(tmp_path, images):
    plain = dict(zip("abc", [*images, images[0][..., 0]], strict=True))
    save(tmp_path / "a.png", images[1])
    (tmp_path / "b.bin").write_bytes(images[0].tobytes() + b"tag")
    (tmp_path / "c.raw").write_bytes(images[0][..., 0].tobytes())
    found = read_ciphertexts([tmp_path], plain)
    assert np.array_equal(found["a"], images[1])
    assert np.array_equal(found["b"], images[0])
    assert found["c"].shape == images[0].shape[:2]
    alone = read_ciphertexts([tmp_path / "b.bin"])
    assert alone["b"].shape == (1, images[0].size + 3)


def test_ciphertexts_that_do_not_fit(tmp_path, images):
    plain = {"a": images[0]}
    with pytest.raises(ValueError, match="no plaintext has the name b; there are a"):
        read_ciphertexts([save(tmp_path / "1" / "b.png", images[0])], plain)
    with pytest.raises(ValueError, match=r"has the shape \(60, 64, 3\), and its plaintext"):
        read_ciphertexts([save(tmp_path / "2" / "a.png", images[0][4:])], plain)
    short = tmp_path / "a.bin"
    short.write_bytes(b"short")
    with pytest.raises(ValueError, match="has 5 bytes, and its plaintext 12,288"):
        read_ciphertexts([short], plain)
    with pytest.raises(ValueError, match="found uint16"):
        read_ciphertexts([save(tmp_path / "3" / "a.png", images[0].astype(np.uint16))], plain)
    Image.fromarray(images[0]).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="a JPEG does not hold"):
        read_ciphertexts([tmp_path / "a.jpg"], plain)
    both = plain | {"z": images[0]}
    with pytest.raises(ValueError, match="no ciphertext has the name of the plaintext z"):
        read_ciphertexts([save(tmp_path / "4" / "a.png", images[0])], both)


def test_a_cipher_of_files_knows_its_own_images(images, rng):
    hidden = [rng.integers(0, 256, image.shape, np.uint8) for image in images]
    files = CiphertextFiles(images, hidden)
    for image, ciphertext in zip(images, hidden, strict=True):
        assert np.array_equal(files.encrypt(image.copy(), files.random_key(rng)), ciphertext)
    with pytest.raises(ValueError, match="cannot be decrypted"):
        files.decrypt(hidden[0], None)
