"""Ciphers whose measures are known beforehand, and a random generator for each test."""

import zlib

import numpy as np
import pytest


class Noise:
    """Its ciphertexts are fresh noise, whatever the image and the key: the null model."""

    def __init__(self, rng):
        self.rng = rng

    def encrypt(self, image, key):
        return self.rng.integers(0, 256, image.shape, np.uint8)

    def decrypt(self, ciphertext, key):
        return self.rng.integers(0, 256, ciphertext.shape, np.uint8)

    def random_key(self, rng):
        return None

    def change_key(self, key, rng):
        return None


class Xor:
    """A keystream of NumPy's generator."""

    key_bits, guess = 32, "the seed"

    def encrypt(self, image, key):
        return image ^ np.random.default_rng(key).integers(0, 256, image.shape, np.uint8)

    decrypt = encrypt

    def random_key(self, rng):
        return int(rng.integers(2**32))

    def change_key(self, key, rng):
        return key ^ 1


class Refusing(Xor):
    """An authenticated cipher: a last row holds a checksum of the ciphertext and the key."""

    def encrypt(self, image, key):
        hidden = super().encrypt(image, key)
        tag = np.zeros_like(image[:1])
        tag.ravel()[:4] = self._tag(hidden, key)
        return np.concatenate([hidden, tag])

    def decrypt(self, ciphertext, key):
        hidden, tag = ciphertext[:-1], ciphertext[-1:]
        if not np.array_equal(tag.ravel()[:4], self._tag(hidden, key)):
            raise ValueError("refused")
        return super().encrypt(hidden, key)

    @staticmethod
    def _tag(hidden, key):
        checksum = zlib.crc32(hidden.tobytes() + key.to_bytes(4, "big"))
        return np.frombuffer(checksum.to_bytes(4, "big"), np.uint8)


@pytest.fixture
def rng(request):
    """Return a generator whose seed is the checksum of the test's name."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def images(rng):
    """Return two smooth images with noise, gray and in color."""
    ramp = np.add.outer(np.arange(48), np.arange(64))
    noise = rng.integers(0, 20, (48, 64, 3))
    return [(ramp + noise[..., 0]).astype(np.uint8), (ramp[..., None] + noise).astype(np.uint8)]
