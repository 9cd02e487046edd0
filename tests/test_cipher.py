"""XOR, the shape of keys and images, and the identifier of a key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dkg import cipher, encryption
from dkg.cipher import CipherError


def test_xor_is_bitwise_xor_and_its_own_inverse():
    image, key = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    expected = [a ^ b for a, b in zip(image.tobytes(), key.tobytes(), strict=True)]
    assert list(cipher.xor(image, key).tobytes()) == expected
    assert np.array_equal(cipher.xor(cipher.xor(image, key), key), image)


@given(
    dtype=hnp.unsigned_integer_dtypes(),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
    data=st.data(),
)
def test_xor_is_its_own_inverse_for_every_shape_and_type(dtype, shape, data):
    image, key = (data.draw(hnp.arrays(dtype, shape)) for _ in range(2))
    hidden = cipher.xor(image, key)
    assert (hidden.shape, hidden.dtype) == (image.shape, image.dtype)
    np.testing.assert_array_equal(cipher.xor(hidden, key), image)
    np.testing.assert_array_equal(cipher.xor(hidden, image), key)
    assert not cipher.xor(image, image).any()


@pytest.mark.parametrize(
    ("image", "key"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 1), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint8)),
        (np.zeros((4, 4)), np.zeros((4, 4))),
        (np.zeros((4, 4), np.int8), np.zeros((4, 4), np.int8)),
    ],
)
def test_xor_never_fits_a_key_to_an_image(image, key):
    with pytest.raises(CipherError, match="same shape and unsigned"):
        cipher.xor(image, key)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((1, 1), np.uint8, 1),
        ((256, 256, 3), np.uint8, 1),
        ((1, 196_608), np.uint8, 1),
        ((1, 196_609), np.uint8, 2),
        ((256, 256, 3), np.uint16, 2),
        ((4892, 4020), np.uint8, 101),  # 19,665,840 / 196,608 = 100.03
    ],
)
def test_keys_needed(shape, dtype, expected):
    assert cipher.keys_needed(np.broadcast_to(dtype(0), shape)) == expected


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((256, 256, 3), np.uint8),
        np.zeros((0, 256, 256, 3), np.uint8),
        np.zeros((1, 256, 256, 3), np.uint16),
    ],
)
def test_keys_of_another_form_are_refused(bad):
    with pytest.raises(CipherError, match="keys must be uint8"):
        cipher.key_identifier(bad)


def test_more_keys_than_any_image_needs_are_refused():
    many = np.broadcast_to(np.uint8(0), (1025, 256, 256, 3))
    with pytest.raises(CipherError, match="at most 1,024 keys"):
        cipher.key_identifier(many)


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (np.zeros((2, 8, 8, 3)), {}),
        (np.zeros((8, 8, 3), np.uint8), {}),
        (np.zeros((2, 8, 8), np.uint8), {}),
        (np.zeros((2, 8, 8, 4), np.uint8), {}),
        (np.zeros((0, 8, 8, 3), np.uint8), {}),
        (np.zeros((2, 0, 8, 3), np.uint8), {}),
        (np.zeros((2, 8, 8, 3), np.uint8), {"shape": cipher.KEY_SHAPE}),
        (np.zeros((), np.uint8), {}),
    ],
)
def test_other_arrays_are_no_color_images(images, options):
    with pytest.raises(ValueError, match="pictures must be uint8 of shape"):
        cipher.check_images(images, "pictures", **options)


def test_color_images_are_returned():
    images = np.zeros((2, 8, 9, 3), np.uint8)
    assert cipher.check_images(images) is images
    assert cipher.check_images(images[:0], least=0).shape == (0, 8, 9, 3)


def test_the_functions_for_files_are_found_under_their_old_name():
    for name in encryption.__all__:
        assert getattr(cipher, name) is getattr(encryption, name)
    with pytest.raises(AttributeError, match="no attribute 'encrypt_folder'"):
        cipher.encrypt_folder  # noqa: B018
