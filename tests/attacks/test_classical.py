"""Changed pixels, a reused key, and bits flipped in a ciphertext."""

import numpy as np
import pytest
from PIL import Image

from dkg import attacks, cipher, encryption, metrics

from .helpers import ideal_keys


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (5, [205, 255, 5]),
        (200, [255, 255, 200]),
        (-300, [0, 0, 0]),
        (0, [200, 255, 0]),
        ("one gray level", [201, 254, 1]),
        ("inverted", [55, 0, 255]),
    ],
)
def test_one_pixel_changes_and_stays_in_range(change, expected):
    images = np.full((2, 8, 9, 3), (200, 255, 0), np.uint8)
    of_one = attacks.change_pixel(images[0], (7, 8), change)
    of_all = attacks.change_pixel(images, (np.arange(2), [7, 0], [8, 1]), change)
    assert of_one[7, 8].tolist() == of_all[0, 7, 8].tolist() == of_all[1, 0, 1].tolist() == expected
    of_one[7, 8] = of_all[[0, 1], [7, 0], [8, 1]] = (200, 255, 0)
    assert (of_one == images[0]).all() and (of_all == images).all()
    assert (images == (200, 255, 0)).all()


@pytest.mark.parametrize("pixel", [(8, 0), (0, 9), (-1, 0), (0,), (0, 0, 0), ([0, 8], [0, 0])])
def test_a_pixel_outside_and_an_unknown_change_are_refused(pixel):
    image = np.zeros((8, 9, 3), np.uint8)
    with pytest.raises(ValueError, match=r"does not lie in images of shape \(8, 9, 3\)"):
        attacks.change_pixel(image, pixel, 1)
    with pytest.raises(ValueError, match="'one gray level' or 'inverted', not 'mirrored'"):
        attacks.change_pixel(image, (0, 0), "mirrored")


@pytest.mark.parametrize(("share", "rows"), [(0, 0), (50, 128), (100, 256)])
def test_a_known_part_gives_the_other_image_and_no_more(share, rows, rng):
    first, second, key, another_key = ideal_keys(rng, 4)
    found = attacks.partial_known_plaintext(first, first ^ key, second ^ key, share)
    np.testing.assert_array_equal(found[:rows], second[:rows])
    np.testing.assert_array_equal(found[rows:], (second ^ key)[rows:])
    # The defence: a key for each image.
    found = attacks.partial_known_plaintext(first, first ^ key, second ^ another_key, share)
    assert abs(metrics.equal_bits(found, second) - 50) < 5 * 50 / (8 * second.size) ** 0.5
    with pytest.raises(ValueError, match="share must be 0 to 100 percent, not 101"):
        attacks.partial_known_plaintext(first, first, second, 101)


def test_flipped_bits_arrive_in_the_plaintext_and_the_tag_notices(rng):
    plain, key = ideal_keys(rng, 2)
    ciphertext, metadata = encryption.encrypt(plain, key[np.newaxis])
    changed = attacks.flip_square(ciphertext, 10, 96, 64, 0b1010_0000)
    difference = changed ^ key ^ plain
    assert set(np.unique(difference)) == {0, 0b1010_0000}
    assert np.count_nonzero(difference) == 64 * 64 * 3
    assert difference[10:74, 96:160].all()
    assert (encryption.decrypt(ciphertext, metadata, key[np.newaxis]) == plain).all()
    with pytest.raises(cipher.CipherError, match="the ciphertext"):
        encryption.decrypt(changed, metadata, key[np.newaxis])
    for square in ((193, 0, 64), (0, -1, 64), (0, 0, 257), (0, 0, -1)):
        with pytest.raises(ValueError, match="does not lie in an image of 256 x 256 pixels"):
            attacks.flip_square(ciphertext, *square, 128)
    with pytest.raises(ValueError, match="bits must be 0 to 255, not 256"):
        attacks.flip_square(ciphertext, 0, 0, 64, 256)


def test_npcr_and_uaci_of_stacks_are_those_of_their_pairs():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 256, (2, 3, 8, 8, 3), np.uint8)
    measured = attacks.npcr_and_uaci(first, second)
    for column, measure in (("npcr", metrics.npcr), ("uaci", metrics.uaci)):
        assert measured[column] == [measure(*pair) for pair in zip(first, second, strict=True)]


class Inverter:
    """The key of an image is its negative."""

    def generate(self, seed_image):
        return 255 - seed_image


def test_keys_are_compared_by_the_size_of_the_change():
    image = np.zeros((2, 2, 3), np.uint8)
    copies = [(n, attacks.change_pixel(image, (0, 0), n)) for n in (0, 51)]
    table = attacks.changed_keys(Inverter(), image, copies)
    assert table["size"].tolist() == [0, 51]
    np.testing.assert_allclose(table["npcr"], [0, 25])
    np.testing.assert_allclose(table["uaci"], [0, 5])


def test_pixels_are_replaced_beside_the_metadata(tmp_path):
    image = np.arange(256 * 256 * 3, dtype=np.uint32).astype(np.uint8).reshape(256, 256, 3)
    encryption.write_samples(tmp_path / "image.png", image)
    keys, about = ideal_keys(np.random.default_rng(), 1), {"weights_sha256": "0" * 64}
    encryption.write_key(tmp_path / "key.png", keys, weights_public=False, **about)
    paths = [tmp_path / name for name in ("image.png", "key.png", "hidden.png")]
    encryption.encrypt_file(*paths)
    attacks.replace_pixels(tmp_path / "hidden.png", image, tmp_path / "forged.png")
    with Image.open(tmp_path / "hidden.png") as real, Image.open(tmp_path / "forged.png") as forged:
        assert forged.text["dkg"] == real.text["dkg"]
        np.testing.assert_array_equal(forged, image)
    with pytest.raises(cipher.CipherError):
        encryption.decrypt_file(tmp_path / "forged.png", tmp_path / "key.png", tmp_path / "out.png")
