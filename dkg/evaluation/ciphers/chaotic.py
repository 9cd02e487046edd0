"""Ciphers from chaotic maps: logistic-map XOR, the Arnold cat map, and a Fridrich-style cipher.

References
----------
J. Fridrich, "Symmetric Ciphers Based on Two-Dimensional Chaotic Maps", International Journal of
Bifurcation and Chaos 8(6), 1998: rounds of a permutation of pixels and a diffusion of values.
G. Chen, Y. Mao and C. K. Chui, "A symmetric image encryption scheme based on 3D chaotic cat maps",
Chaos, Solitons and Fractals 21(3), 2004: the diffusion that later papers repeat.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import xor
from dkg.compiled import compiled
from dkg.evaluation.protocol import Image
from dkg.logistic import logistic_keystreams

_DROPPED = 1000


class LogisticXor:
    """XOR with bytes of an orbit of the logistic map: the paper's chaotic domain as a cipher.

    `dkg.domains.chaotic` takes its key from the image, as the sum of the gray values modulo 256.
    Here the key is that number, 0 to 255, chosen at random. Each channel has a part of the orbit
    of its own, as in `dkg.domains.chaotic`; any shape is encrypted.
    """

    name = "logistic-xor"
    key_bits = 8.0
    guess = "one of 256 keystreams"

    def encrypt(self, image: Image, key: int) -> Image:
        """XOR with the key's keystream, which is its own inverse."""
        start = (0.2 + key / 255) / 2
        planes = image.shape[2:] + image.shape[:2]
        keystream = logistic_keystreams([start], image.size)[0].reshape(planes)
        axes = range(image.ndim)
        return xor(image, keystream.transpose(*axes[-2:], *axes[:-2]))

    decrypt = encrypt

    def random_key(self, rng: np.random.Generator) -> int:
        """Return a number from 0 to 255."""
        return int(rng.integers(256))

    def change_key(self, key: int, rng: np.random.Generator) -> int:
        """Flip one random bit of a key."""
        return key ^ 1 << int(rng.integers(8))


class CatMapKey(NamedTuple):
    """Shears of the cat map, 1 to 256 each, and how often it is applied, 1 to 16 times."""

    p: int
    q: int
    rounds: int


class ArnoldCatMap:
    """Pixels moved by the generalised Arnold cat map, x' = x + p y and y' = q x' + y.

    x counts columns, y rows; x' is taken modulo the width and y' modulo the height. On a square
    this is the usual map with the matrix (1, p; q, p q + 1), and on other shapes the same two
    shears. The channels of a pixel stay together, and the first pixel stays in its place.
    """

    name = "arnold-cat-map"
    key_bits = 20.0
    guess = "p, q and the number of rounds; every pixel keeps its value"

    def encrypt(self, image: Image, key: CatMapKey) -> Image:
        """Move the pixels of an image of any height and width."""
        moved: Image = np.empty_like(image)
        moved[cat_map(image.shape[0], image.shape[1], *key)] = image
        return moved

    def decrypt(self, ciphertext: Image, key: CatMapKey) -> Image:
        """Move the pixels back."""
        image: Image = ciphertext[cat_map(ciphertext.shape[0], ciphertext.shape[1], *key)]
        return image

    def random_key(self, rng: np.random.Generator) -> CatMapKey:
        """Return random shears and a random number of rounds."""
        p, q = (int(number) for number in rng.integers(1, 257, 2))
        return CatMapKey(p, q, int(rng.integers(1, 17)))

    def change_key(self, key: CatMapKey, rng: np.random.Generator) -> CatMapKey:
        """Change one of the two shears by 1."""
        which = ("p", "q")[rng.integers(2)]
        return key._replace(**{which: getattr(key, which) % 256 + 1})


def cat_map(
    height: int, width: int, p: int, q: int, rounds: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and the column that each pixel of an image is moved to.

    Parameters
    ----------
    height, width : int
        Of the image, at least 1.
    p, q : int
        Shears.
    rounds : int
        How often the map is applied.

    Returns
    -------
    rows, columns : numpy.ndarray
        int64 (height, width) each.
    """
    y, x = np.indices((height, width))
    for _ in range(rounds):
        x = (x + p * y) % width
        y = (q * x + y) % height
    return y, x


class FridrichKey(NamedTuple):
    """Shears of the cat map, 1 to 256 each, the start of the orbit, and the first value.

    A start is an odd multiple of 2^-42 below a half. Finer steps would be lost to rounding near a
    half, and starts above have the orbits of those below.
    """

    p: int
    q: int
    start: float
    first: int


class Fridrich:
    """Rounds of a chaotic permutation and a diffusion, in the style of Fridrich (1998).

    Each of 3 rounds moves the pixels by the cat map (as `ArnoldCatMap`), and then changes the
    bytes one after another as Chen, Mao and Chui (2004) do: ``c[i] = k[i] ^ ((b[i] + k[i]) mod
    256) ^ c[i - 1]``, where k are bytes of an orbit of the logistic map, another part in each
    round. The first 1,000 of the orbit are dropped, as is usual, since near starts have near
    orbits there. Any height, width and number of channels.
    """

    name = "fridrich"
    key_bits = 64.0
    guess = "p, q, the start of the orbit (40 bits) and the first value (8 bits)"
    rounds = 3

    def encrypt(self, image: Image, key: FridrichKey) -> Image:
        """Permute and diffuse, round by round."""
        places = cat_map(image.shape[0], image.shape[1], key.p, key.q, 1)
        keystreams = self._keystreams(image, key)
        current = image
        for keystream in keystreams:
            moved = np.empty_like(current)
            moved[places] = current
            current = np.empty_like(moved)
            _diffuse(moved.ravel(), keystream, key.first, current.ravel())
        return current

    def decrypt(self, ciphertext: Image, key: FridrichKey) -> Image:
        """Undo the rounds, the last one first."""
        places = cat_map(ciphertext.shape[0], ciphertext.shape[1], key.p, key.q, 1)
        keystreams = self._keystreams(ciphertext, key)
        current = np.ascontiguousarray(ciphertext)
        for keystream in keystreams[::-1]:
            moved = np.empty_like(current)
            _undo_diffusion(current.ravel(), keystream, key.first, moved.ravel())
            current = moved[places]
        return current

    def random_key(self, rng: np.random.Generator) -> FridrichKey:
        """Return random shears, a random start and a random first value."""
        p, q = (int(number) for number in rng.integers(1, 257, 2))
        start = (2 * int(rng.integers(2**40)) + 1) / 2**42
        return FridrichKey(p, q, start, int(rng.integers(256)))

    def change_key(self, key: FridrichKey, rng: np.random.Generator) -> FridrichKey:
        """Change the start of the orbit by the smallest step, 2^-41."""
        step = 2.0**-41
        return key._replace(start=key.start + (step if key.start < 0.25 else -step))

    def _keystreams(self, image: Image, key: FridrichKey) -> NDArray[np.uint8]:
        orbit = logistic_keystreams([key.start], _DROPPED + self.rounds * image.size)[0]
        parts: NDArray[np.uint8] = orbit[_DROPPED:].reshape(self.rounds, image.size)
        return parts


@compiled
def _diffuse(
    values: NDArray[np.uint8], keystream: NDArray[np.uint8], first: int, result: NDArray[np.uint8]
) -> None:
    last = np.uint8(first)
    for i in range(values.size):
        last ^= keystream[i] ^ np.uint8(values[i] + keystream[i])
        result[i] = last


@compiled
def _undo_diffusion(
    values: NDArray[np.uint8], keystream: NDArray[np.uint8], first: int, result: NDArray[np.uint8]
) -> None:
    last = np.uint8(first)
    for i in range(values.size):
        result[i] = np.uint8((values[i] ^ keystream[i] ^ last) - keystream[i])
        last = values[i]
