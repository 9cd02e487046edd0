"""Transformation domains: the chaotic cipher, the row shuffle and the AES reference."""

import math
from collections import Counter

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image

from dkg import domains


def plain_keystream(start, n_bytes):
    """The definition, as a plain loop over Python's own floats."""
    x, result = start, []
    for _ in range(n_bytes):
        x = 4.0 * x * (1.0 - x)
        result.append(math.floor(math.asin(math.sqrt(x)) / math.pi * 1e15) % 256)
    return np.array(result, np.uint8)


def random_images(n=3, height=8, width=16):
    return np.random.default_rng(1).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def test_keystreams_equal_a_plain_loop_bit_for_bit():
    starts = (0.2 + np.array([0, 1, 76, 128, 255]) / 255) / 2
    keystreams = domains.logistic_keystreams(starts, 20_000)
    for start, keystream in zip(starts, keystreams, strict=True):
        np.testing.assert_array_equal(keystream, plain_keystream(float(start), 20_000))


def test_orbits_equal_a_plain_loop_bit_for_bit():
    values = domains.logistic_orbits([0.1234], 50_000)
    x = 0.1234
    for value in values[:, 0].tolist():
        x = 4.0 * x * (1.0 - x)
        assert value == x


@pytest.mark.parametrize("start", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("n_bytes", [100, 4096, 10_000])
def test_fixed_points_are_left(start, n_bytes):
    assert len(set(plain_keystream(start, n_bytes)[1:].tolist())) <= 2
    (keystream,) = domains.logistic_keystreams([start], n_bytes)
    moved = start + (2.0**-20 if start < 0.5 else -(2.0**-20))
    np.testing.assert_array_equal(keystream, plain_keystream(moved, n_bytes))
    assert len(set(keystream[-100:].tolist())) > 50


@pytest.mark.slow
def test_every_start_that_an_image_can_lead_to_gives_a_keystream_without_a_cycle():
    starts = (0.2 + np.arange(256) / 255) / 2
    assert starts[204] == 0.5  # It goes to 1 and stays at 0.
    for n_bytes in (65_536, 196_608):
        ends = domains.logistic_keystreams(starts, n_bytes)[:, -4096:]
        # A byte is expected 16 times in 4,096; a cycle of a few hundred steps repeats more often.
        assert max(max(Counter(end.tolist()).values()) for end in ends) < 64


def test_chaotic_rgb_is_its_own_inverse_where_the_start_is_known():
    images = random_images()
    encrypted = domains.chaotic(images)
    for image, target in zip(images, encrypted, strict=True):
        k0 = int(domains.gray(image).sum(dtype=int)) % 256 / 255
        keystream = plain_keystream((0.2 + k0) / 2, image.size)
        np.testing.assert_array_equal(
            target ^ keystream.reshape(3, *image.shape[:2]).transpose(1, 2, 0), image
        )


def test_gray_is_the_luma_of_colour_and_the_plane_of_gray_images():
    colour = random_images()[0]
    luma = colour @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601.
    assert np.abs(domains.gray(colour) - luma).max() <= 0.51
    plane = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(domains.gray(plane[..., None].repeat(3, axis=2)), plane)
    np.testing.assert_array_equal(domains.gray(plane), plane)


def test_gray_is_what_pillow_makes_of_every_color():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, len(levels), 3)
    np.testing.assert_array_equal(domains.gray(colors), Image.fromarray(colors).convert("L"))


def test_chaotic_gray_repeats_one_plane():
    gray = random_images()[..., :1].repeat(3, axis=3)
    encrypted = domains.chaotic(gray, "gray")
    assert (encrypted[..., 0] == encrypted[..., 1]).all()
    assert (encrypted[..., 0] == encrypted[..., 2]).all()
    first = domains.chaotic(gray, "rgb")[..., 0]
    np.testing.assert_array_equal(encrypted[..., 0], first)


def test_only_256_different_keystreams_exist():
    images = np.random.default_rng(2).integers(0, 256, (600, 4, 4, 1), dtype=np.uint8)
    images = images.repeat(3, axis=3)
    masks = {m.tobytes() for m in domains.chaotic(images) ^ images}
    assert len(masks) <= 256 < len(images)


def test_more_images_than_a_group_are_all_encrypted():
    images = random_images(n=37)
    whole = domains.chaotic(images)
    np.testing.assert_array_equal(whole[35:], domains.chaotic(images[35:]))


def test_row_shuffle_permutes_whole_rows_and_depends_on_the_seed():
    images = random_images()
    shuffled = domains.row_shuffle(images, seed=7)
    for image, other in zip(images, shuffled, strict=True):
        assert Counter(row.tobytes() for row in image) == Counter(row.tobytes() for row in other)
    np.testing.assert_array_equal(shuffled, domains.row_shuffle(images, seed=7))
    assert (shuffled != domains.row_shuffle(images, seed=8)).any()


def test_aes_ctr_decrypts_with_the_library():
    images = random_images()
    encrypted = domains.aes_ctr(images, seed=5)
    cipher = Cipher(algorithms.AES(bytes(31) + b"\x05"), modes.CTR(bytes(16)))
    assert cipher.decryptor().update(encrypted.tobytes()) == images.tobytes()


@pytest.mark.parametrize("name", domains.DOMAINS)
def test_every_named_domain_keeps_shape_and_type(name):
    images = random_images()
    target = domains.DOMAINS[name](images, 3)
    assert target.shape == images.shape and target.dtype == np.uint8
    assert (target != images).any()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 8, 8), np.uint8), "shape"),
        (np.zeros((2, 8, 8, 3)), "float64"),
        (np.zeros((0, 8, 8, 3), np.uint8), "n >= 1"),
    ],
)
def test_bad_images_are_refused(images, words):
    for make in domains.DOMAINS.values():
        with pytest.raises(ValueError, match=words):
            make(images, 0)


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="'cmyk'"):
        domains.chaotic(random_images(), "cmyk")
    with pytest.raises(ValueError, match=r"1\.5"):
        domains.logistic_keystreams([1.5], 10)
    with pytest.raises(ValueError, match="-1"):
        domains.logistic_orbits([0.3], -1)
