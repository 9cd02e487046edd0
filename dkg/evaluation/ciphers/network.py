"""The paper's cipher: XOR with keys that a network makes from seed images."""

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dkg.attacks import change_pixel
from dkg.cipher import KEY_BYTES, KEY_SHAPE, xor
from dkg.data import phantoms
from dkg.evaluation.protocol import Image
from dkg.keys import KeyGenerator

_PHANTOMS = 2**48


@dataclass(frozen=True)
class SeedImages:
    """The seed images of a key: synthetic chest X-rays from a number on, one perhaps changed.

    Attributes
    ----------
    start : int
        The number of the first one.
    changed : tuple of int or None
        Row and column of a pixel of the first one that is one gray level brighter or, from 255,
        darker.
    """

    start: int
    changed: tuple[int, int] | None = None

    def image(self, number: int) -> NDArray[np.uint8]:
        """Return a seed image, uint8 (256, 256, 3)."""
        image: NDArray[np.uint8] = phantoms.chest_xray(1, self.start + number)[0]
        if number == 0 and self.changed:
            image = change_pixel(image, self.changed, "one gray level")
        return image


class DeepKeyGen:
    """XOR with keys of the paper's generator, made from seed images (Eq. 8).

    The first shipped network, which is public; keys are exact (`dkg.acceleration.exact`). The key
    is a series of synthetic chest X-rays. An image of any shape takes one of them for each 196,608
    of its bytes, and uses the bytes of the keys in order.
    """

    name = "deepkeygen"
    key_bits = 8.0 * KEY_BYTES
    guess = "the seed image: at most one guess for each image that it may be"
    _output = "paper"

    def encrypt(self, image: Image, key: SeedImages) -> Image:
        """XOR with the keys, which is its own inverse."""
        n_keys = -(-image.size // KEY_BYTES)
        keystream = np.concatenate([self._keystream(key, i) for i in range(n_keys)])
        return xor(image, keystream[: image.size].reshape(image.shape))

    decrypt = encrypt

    def random_key(self, rng: np.random.Generator) -> SeedImages:
        """Return a series of synthetic chest X-rays from a random number on."""
        return SeedImages(int(rng.integers(_PHANTOMS)))

    def change_key(self, key: SeedImages, rng: np.random.Generator) -> SeedImages:
        """Change one random pixel of the first seed image by one gray level."""
        row, column = (int(place) for place in rng.integers(KEY_SHAPE[:2]))
        return replace(key, changed=(row, column))

    def _keystream(self, key: SeedImages, number: int) -> NDArray[np.uint8]:
        return _keystream(self._output, key, number)


class DeepKeyGenLowOrder(DeepKeyGen):
    """XOR with low-order digits of the generator's last layer. Not in the paper."""

    name = "deepkeygen-low-order"
    _output = "low-order"


@functools.cache
def _generator(output: str) -> KeyGenerator:
    return KeyGenerator.load(device="cpu", output=output)


@functools.lru_cache(maxsize=32)
def _keystream(output: str, key: SeedImages, number: int) -> NDArray[np.uint8]:
    """Return one key's bytes; the last few keys are kept, as many attacks use one key twice."""
    keystream = _generator(output).generate(key.image(number)).ravel()
    keystream.flags.writeable = False
    return keystream
