"""Encryption of arrays, its tag computed again with the standard library, and refused arrays."""

import hashlib
import hmac
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dkg import cipher, encryption
from dkg.cipher import CipherError

from .conftest import SECRET, random_image, random_keys


def test_key_bytes_cover_the_samples_in_order_high_byte_first():
    keys = random_keys(3)
    stream = keys.tobytes()
    gray = encryption.encrypt(np.zeros((300, 700), np.uint8), keys)[0]
    assert gray.tobytes() == stream[: 300 * 700]
    deep = encryption.encrypt(np.zeros((300, 310, 3), np.uint16), keys)[0]
    assert deep.ravel().tolist() == list(struct.unpack(">279000H", stream[: 2 * 300 * 310 * 3]))


def test_too_little_key_says_how_many_seeds_are_missing(keys):
    image = np.zeros((4892, 4020), np.uint8)
    with pytest.raises(
        CipherError, match=r"needs 101 keys, and there are 1: .*100 more seed images"
    ):
        encryption.encrypt(image, keys)
    with pytest.raises(CipherError, match=r"needs 2 keys, and there are 1: .*1 more seed image$"):
        encryption.encrypt(np.zeros((1, 196_609), np.uint8), keys)


def test_a_repeated_key_is_refused(keys):
    tiled = np.concatenate([random_keys(), keys, random_keys(), keys])
    with pytest.raises(CipherError, match="keys 2 and 4 are the same"):
        encryption.encrypt(random_image(2, 2), tiled)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((2, 2, 4), np.uint8), "4 channels.*remove the transparency"),
        (np.zeros((2, 2, 2), np.uint8), "2 channels"),
        (np.zeros((0, 2), np.uint8), "gray or RGB"),
        (np.zeros(4, np.uint8), "gray or RGB"),
        (np.zeros((2, 2), np.float32), "uint8 or uint16"),
        (np.broadcast_to(np.uint8(0), (1, 1_000_001)), "1,000,000 pixels a side"),
        (np.broadcast_to(np.uint8(0), (14_190, 14_190)), "at most 201,326,592 bytes"),
    ],
)
def test_images_of_another_form_are_refused(image, match, keys):
    with pytest.raises(CipherError, match=match):
        encryption.encrypt(image, keys)


def hkdf(material, info, length=32, salt=b""):
    """RFC 5869 from its text, with the standard library only."""
    extracted = hmac.new(salt or bytes(32), material, hashlib.sha256).digest()
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(extracted, block + info + bytes([counter]), hashlib.sha256).digest()
        output, counter = output + block, counter + 1
    return output[:length]


def test_the_hand_made_hkdf_gives_the_vectors_of_rfc_5869():
    first = hkdf(bytes([11] * 22), bytes(range(0xF0, 0xFA)), 42, bytes(range(13)))
    assert first.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    third = hkdf(bytes([11] * 22), b"", 42)
    assert third.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("secret", [None, SECRET], ids=["version 1", "version 2"])
def test_identifier_and_tag_are_as_the_document_says(dtype, secret):
    keys = random_keys(2)
    image = random_image(9, 4, 3, dtype=dtype)
    ciphertext, metadata = encryption.encrypt(image, keys, secret)
    version = 1 if secret is None else 2
    identifier = hashlib.sha256(b"dkg key identifier 1\0" + keys.tobytes()).hexdigest()
    text = (
        f'{{"dtype":"{np.dtype(dtype).name}","format":"dkg ciphertext","key_id":"{identifier}",'
        f'"shape":[9,4,3],"version":{version}}}'
    )
    code = "B" if dtype is np.uint8 else "H"
    samples = struct.pack(f">108{code}", *ciphertext.ravel().tolist())
    mac_key = hkdf(keys.tobytes(), b"dkg ciphertext tag %d" % version, salt=secret or b"")
    tag = hmac.new(mac_key, text.encode() + b"\0" + samples, hashlib.sha256).hexdigest()
    assert metadata == json.loads(text) | {"tag": tag}


def test_a_known_plain_image_forges_version_1_and_not_version_2(keys):
    image, wanted = random_image(256, 256, 3), random_image(256, 256, 3)
    for secret in (None, SECRET):
        ciphertext, metadata = encryption.encrypt(image, keys, secret)
        known = (ciphertext ^ image)[None]
        assert np.array_equal(known, keys)
        forged, its_metadata = encryption.encrypt(wanted, known)
        if secret is None:
            accepted = encryption.decrypt(forged, its_metadata, keys)
            assert np.array_equal(accepted, wanted)
            continue
        # The attacker has the keys and every public byte, and tries what versions there are.
        guesses = [
            (forged, its_metadata),
            (forged, metadata),
            encryption.encrypt(wanted, known, bytes(32)),
            (forged, its_metadata | {"version": 2}),
            (ciphertext, metadata | {"version": 1}),
        ]
        for guess in guesses:
            with pytest.raises(CipherError, match=r"tag does not fit|format version 1"):
                encryption.decrypt(*guess, keys, secret)


def test_secret_and_version_must_fit(keys):
    image = random_image(3, 3)
    first, second = encryption.encrypt(image, keys), encryption.encrypt(image, keys, SECRET)
    with pytest.raises(CipherError, match=r"format version 1.*accept_version_1=True"):
        encryption.decrypt(*first, keys, SECRET)
    with pytest.raises(CipherError, match="made with a tag secret, and the key has none"):
        encryption.decrypt(*second, keys)
    with pytest.raises(CipherError, match="tag does not fit"):
        encryption.decrypt(*second, keys, bytes(32))
    with pytest.raises(CipherError, match="32 bytes, not 5"):
        encryption.encrypt(image, keys, b"short")
    for version in (0, 3, True, "2", None):
        changed = second[1] | {"version": version}
        with pytest.raises(CipherError, match=r"unknown format version|tag does not fit"):
            encryption.decrypt(second[0], changed, keys, SECRET)


def test_encryption_is_deterministic(keys):
    image = random_image(3, 3)
    first, again = encryption.encrypt(image, keys), encryption.encrypt(image, keys)
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]


def test_an_unused_key_counts_for_identifier_and_tag(keys):
    image = random_image(3, 3)
    more = np.concatenate([keys, random_keys()])
    (ciphertext, metadata), (same, other) = (
        encryption.encrypt(image, keys),
        encryption.encrypt(image, more),
    )
    assert np.array_equal(ciphertext, same)
    assert metadata["tag"] != other["tag"]
    with pytest.raises(CipherError, match="wrong key"):
        encryption.decrypt(ciphertext, metadata, more)


def test_the_order_of_the_keys_counts():
    keys = random_keys(2)
    ciphertext, metadata = encryption.encrypt(random_image(3, 3), keys)
    with pytest.raises(CipherError, match="wrong key"):
        encryption.decrypt(ciphertext, metadata, keys[::-1])


@settings(max_examples=50)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    channels=st.sampled_from([(), (3,)]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 2**32 - 1),
    turned=st.booleans(),
)
def test_decrypt_undoes_encrypt(shape, channels, dtype, seed, turned):
    """Up to three keys, and images whose rows do not lie one after another in memory."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, (*shape, *channels), dtype, endpoint=True)
    image = image.swapaxes(0, 1)[::-1] if turned else image
    keys = rng.integers(0, 256, (cipher.keys_needed(image), 256, 256, 3), np.uint8)
    ciphertext, metadata = encryption.encrypt(image, keys)
    assert (ciphertext.shape, ciphertext.dtype) == (image.shape, image.dtype)
    back = encryption.decrypt(ciphertext, json.loads(json.dumps(metadata)), keys)
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back, image)
