"""AES and ChaCha20 against the vectors of NIST and the RFC, and what follows the image."""

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dkg.evaluation.ciphers import Aes256Ctr, Aes256Ecb, Aes256Gcm, ChaCha20Poly1305Cipher
from dkg.evaluation.ciphers.standard import Session, join, split

# SP 800-38A, F.1.5.
NIST_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
NIST_PLAIN = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
NIST_ECB = bytes.fromhex(
    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
    "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"
)


def image_of(data, rows):
    return np.frombuffer(data, np.uint8).reshape(rows, -1)


def test_ecb_of_nist():
    assert Aes256Ecb().encrypt(image_of(NIST_PLAIN, 8), NIST_KEY).tobytes() == NIST_ECB


@pytest.mark.parametrize("size", [17, 31, 33, 63])
def test_ecb_steals_ciphertext(size):
    data = NIST_PLAIN[:size]
    sent = Aes256Ecb().encrypt(image_of(data, 1), NIST_KEY).tobytes()
    block = Cipher(algorithms.AES(NIST_KEY), modes.ECB()).encryptor()
    whole, rest = size // 16 * 16, size % 16
    stolen = NIST_ECB[whole - 16 : whole]
    assert sent[: whole - 16] == NIST_ECB[: whole - 16]
    assert sent[whole - 16 : whole] == block.update(data[whole:] + stolen[rest:])
    assert sent[whole:] == stolen[:rest]


def test_ecb_refuses_less_than_a_block():
    with pytest.raises(ValueError, match="at least 16 bytes, not 15"):
        Aes256Ecb().encrypt(np.zeros((5, 3), np.uint8), NIST_KEY)


def test_ctr_is_the_xor_with_encrypted_counters():
    image = np.random.default_rng(0).integers(0, 256, (5, 11, 3), dtype=np.uint8)
    key = Session(NIST_KEY, 41)
    sent = Aes256Ctr().encrypt(image, key)
    nonce = (42).to_bytes(12, "big")
    counters = b"".join(nonce + i.to_bytes(4, "big") for i in range(11))
    keystream = Cipher(algorithms.AES(NIST_KEY), modes.ECB()).encryptor().update(counters)
    expected = np.frombuffer(keystream, np.uint8)[: image.size].reshape(image.shape) ^ image
    assert np.array_equal(sent[:5], expected)
    assert sent[5:].tobytes()[:12] == nonce and key.messages == 42


def test_gcm_of_nist():
    """Test case 14 of McGrew and Viega, which NIST's validation uses."""
    sent = Aes256Gcm().encrypt(np.zeros((4, 4), np.uint8), Session(bytes(32), -1)).tobytes()
    assert sent[:16].hex() == "cea7403d4d606b6e074ec5d3baf39d18"
    assert sent[16:28] == bytes(12)
    assert sent[28:].hex() == "d0d1c8a799996bf0265b98b5d48ab919"


def test_chacha20_of_the_rfc():
    """RFC 8439, A.1, test vector 2: the keystream from block 1 on."""
    sent = ChaCha20Poly1305Cipher().encrypt(np.zeros((4, 16), np.uint8), Session(bytes(32), -1))
    assert sent[:4].tobytes().hex() == (
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
        "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
    )


@pytest.mark.parametrize("cipher", [Aes256Gcm(), ChaCha20Poly1305Cipher()])
def test_changes_are_refused(cipher):
    image = np.random.default_rng(0).integers(0, 256, (8, 16), dtype=np.uint8)
    key = Session(NIST_KEY)
    for place in (0, 127, 128, 155):  # First and last byte of the image, nonce and tag.
        sent = cipher.encrypt(image, key)
        sent.flat[place] ^= 1
        with pytest.raises(InvalidTag):
            cipher.decrypt(sent, key)


def test_each_message_has_its_nonce():
    key = Session(NIST_KEY)
    assert len({key.nonce() for _ in range(300)}) == 300


@pytest.mark.parametrize("shape", [(3, 4), (2, 5, 3), (7, 1), (1, 300)])
def test_rows_after_the_image(shape):
    data, extra = bytes(range(np.prod(shape) % 256)) * (np.prod(shape) // 255 + 1), b"0123456789"
    data = data[: np.prod(shape)].ljust(np.prod(shape), b"x")
    joined = join(data, extra, shape)
    assert joined.shape[1:] == shape[1:] and split(joined, 10) == (data, extra, shape)
    with pytest.raises(ValueError, match="no room for an image"):
        split(joined[: len(joined) - shape[0]], 10)
