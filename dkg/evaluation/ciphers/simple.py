"""Three ciphers that anyone breaks: no encryption, a short repeated key, and shuffled rows."""

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import xor
from dkg.evaluation.protocol import Image


class Identity:
    """No encryption: a ciphertext is a copy of its image, and the key has no effect."""

    name = "identity"
    key_bits = 0.0
    guess = "nothing"

    def encrypt(self, image: Image, key: None) -> Image:
        """Copy an image."""
        return image.copy()

    decrypt = encrypt

    def random_key(self, rng: np.random.Generator) -> None:
        """Return None, the only key."""


class RepeatingXor:
    """XOR with a key of 16 bytes that is repeated along the bytes of the image (Vigenère)."""

    name = "repeating-xor"
    key_bits = 128.0
    guess = "16 bytes, each on its own: one byte of known plaintext reveals one byte of the key"

    def encrypt(self, image: Image, key: bytes) -> Image:
        """XOR an image of any shape with the repeated key, which is its own inverse."""
        keystream = np.resize(np.frombuffer(key, np.uint8), image.shape)
        return xor(image, keystream)

    decrypt = encrypt

    def random_key(self, rng: np.random.Generator) -> bytes:
        """Return 16 random bytes."""
        return rng.bytes(16)

    def change_key(self, key: bytes, rng: np.random.Generator) -> bytes:
        """Flip one random bit of a key."""
        return flip_bit(key, rng)


class RowShuffle:
    """Rows in a random order: the low-security domain of the paper's Fig. 13 (a).

    The order is that of `dkg.domains.row_shuffle` for image 0. It works on any shape, and leaves
    an image of one row as it is.
    """

    name = "row-shuffle"
    key_bits = 64.0
    guess = "the order of the rows: each row resembles its neighbours"

    def encrypt(self, image: Image, key: int) -> Image:
        """Put the rows in the key's order."""
        return image[self._order(image, key)]

    def decrypt(self, ciphertext: Image, key: int) -> Image:
        """Put the rows back."""
        image: Image = ciphertext[np.argsort(self._order(ciphertext, key))]
        return image

    def random_key(self, rng: np.random.Generator) -> int:
        """Return a random seed of 64 bits for the order."""
        return int(rng.integers(2**64, dtype=np.uint64))

    def change_key(self, key: int, rng: np.random.Generator) -> int:
        """Flip one random bit of a key."""
        return key ^ 1 << int(rng.integers(64))

    def _order(self, image: Image, key: int) -> NDArray[np.int64]:
        return np.random.default_rng([key, 0]).permutation(len(image))


def flip_bit(key: bytes, rng: np.random.Generator) -> bytes:
    """Return a key with one random bit flipped."""
    place = int(rng.integers(8 * len(key)))
    number = int.from_bytes(key, "big") ^ 1 << place
    return number.to_bytes(len(key), "big")
