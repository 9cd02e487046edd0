"""Exercises of step 1, what XOR allows: a reused key, a known pair, a forged pixel."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dkg import attacks, data, plots
from dkg.cipher import xor
from dkg.exercises.checking import Exercise, Mistakes, compare
from dkg.keys import KeyGenerator

Pixels = NDArray[np.uint8]

_SIZES = ((16, 24), (32, 16), (256, 256))


@functools.cache
def chests() -> Pixels:
    """Return four phantoms of chest X-rays, uint8 (4, 256, 256, 3)."""
    return data.synthetic("montgomery", 4).images


@functools.cache
def key() -> Pixels:
    """Return a key of the default network."""
    return KeyGenerator.load().generate(chests()[3])


def random_images(rng: np.random.Generator, n: int, size: tuple[int, int]) -> list[Pixels]:
    """Return images of i.i.d. uniform bytes."""
    return list(rng.integers(0, 256, (n, *size, 3), dtype=np.uint8))


# Key reuse.


def halves(first: Pixels, second: Pixels) -> tuple[Pixels, Pixels]:
    """Keep the right half of the first image and the left half of the second; the rest is black."""
    middle = first.shape[1] // 2
    first, second = first.copy(), second.copy()
    first[:, :middle] = 0
    second[:, middle:] = 0
    return first, second


def recover_both(first_cipher: Pixels, second_cipher: Pixels) -> tuple[Pixels, Pixels]:
    """Solve the exercise."""
    both = xor(first_cipher, second_cipher)
    return halves(both, both)


def _across(both: Pixels) -> tuple[Pixels, Pixels]:
    """Cut between rows instead of columns."""
    turned = halves(both.swapaxes(0, 1), both.swapaxes(0, 1))
    return turned[0].swapaxes(0, 1), turned[1].swapaxes(0, 1)


def _cut_at(column: int) -> Any:
    """Make a recovery that takes every image to be of one width."""

    def recover(a: Pixels, b: Pixels) -> tuple[Pixels, Pixels]:
        first, second = xor(a, b), xor(a, b)
        first[:, :column] = 0
        second[:, column:] = 0
        return first, second

    return recover


REUSE_MISTAKES: Mistakes = {
    "Both halves are found, but each is in the image of the other. Which half of which image is "
    "known to be black, and what is left of the XOR there?": lambda a, b: recover_both(a, b)[::-1],
    "Both results hold both images. Each image is known to be black in one half, so one half of "
    "the XOR does not belong to it.": lambda a, b: (xor(a, b), xor(a, b)),
    "It looks like a difference of the ciphertexts. Which operation did the cipher use, and which "
    "one undoes it?": lambda a, b: halves(a - b, a - b),
    "It looks like a sum of the ciphertexts. Which operation did the cipher use, and which one "
    "undoes it?": lambda a, b: halves(a + b, a + b),
    "It looks like the upper and the lower half. The first index of an array is the row, the "
    "second is the column.": lambda a, b: _across(xor(a, b)),
    "You cut at column 128. The images may have any even width.": _cut_at(128),
    "The key is still in your images: each is cut out of one ciphertext. What cancels a key that "
    "both ciphertexts share?": lambda a, b: halves(a, b),
}


def check_key_reuse(rng: np.random.Generator, recover: Any) -> str:
    """Check two images that were recovered from two ciphertexts under one key."""
    instances = []
    for size in _SIZES:
        first, second, secret = random_images(rng, 3, size)
        instances.append(tuple(xor(image, secret) for image in halves(first, second)))
    compare(recover, recover_both, REUSE_MISTAKES, instances)
    return f"Both images came back for {len(instances)} pairs under random keys."


def _two_ciphertexts() -> tuple[Pixels, Pixels]:
    first, second = halves(chests()[0], chests()[1])
    return xor(first, key()), xor(second, key())


def _key_reuse_picture() -> Figure:
    first, second = _two_ciphertexts()
    found = recover_both(first, second)
    return plots.image_grid(
        {
            "first ciphertext": first,
            "second ciphertext": second,
            "first image": found[0],
            "second image": found[1],
        }
    )


# A known pair.

PAIR_MISTAKES: Mistakes = {
    "This is the key. The exercise asks for the image that was encrypted with it.": (
        lambda plain, cipher, other: xor(plain, cipher)
    ),
    "This is the XOR of the two plaintexts: the known one is still in it.": (
        lambda plain, cipher, other: xor(cipher, other)
    ),
    "You used the known plaintext and the other ciphertext only: the key is still in the "
    "result.": lambda plain, cipher, other: xor(plain, other),
    "It looks like a difference where XOR belongs: the key is plaintext XOR ciphertext.": (
        lambda plain, cipher, other: other - (cipher - plain)
    ),
    "It looks like a difference where XOR belongs: the key was found by subtraction.": (
        lambda plain, cipher, other: xor(other, cipher - plain)
    ),
    "The key is right, and it is subtracted; what did the cipher do with it?": (
        lambda plain, cipher, other: other - xor(plain, cipher)
    ),
    "This is the known plaintext again.": lambda plain, cipher, other: plain,
}


def decrypt_other(known_plain: Pixels, known_cipher: Pixels, other_cipher: Pixels) -> Pixels:
    """Solve the exercise with the package's attack, which takes the known share of the rows."""
    return attacks.partial_known_plaintext(known_plain, known_cipher, other_cipher, 100)


def check_known_pair(rng: np.random.Generator, decrypt: Any) -> str:
    """Check an image that was decrypted with a known pair of plaintext and ciphertext."""
    instances = []
    for size in _SIZES:
        known, other, secret = random_images(rng, 3, size)
        instances.append((known, xor(known, secret), xor(other, secret)))
    compare(decrypt, decrypt_other, PAIR_MISTAKES, instances)
    return f"The other image came back for {len(instances)} random keys."


def _known_pair() -> tuple[Pixels, Pixels, Pixels]:
    known, other = chests()[:2]
    return known, xor(known, key()), xor(other, key())


def _known_pair_picture() -> Figure:
    known, known_cipher, other_cipher = _known_pair()
    return plots.image_grid(
        {
            "known plaintext": known,
            "its ciphertext": known_cipher,
            "other ciphertext": other_cipher,
            "decrypted": decrypt_other(known, known_cipher, other_cipher),
        }
    )


# Forged pixels.


def letters(text: str, shape: tuple[int, int] = (256, 256)) -> NDArray[np.bool_]:
    """Return where the pixels of a text are, in the upper left corner of an image.

    Parameters
    ----------
    text : str
        Such as initials; what does not fit is cut off.
    shape : tuple of int, default (256, 256)
        Height and width of the image.

    Returns
    -------
    numpy.ndarray
        bool, of that shape.
    """
    page = Image.new("L", shape[::-1])
    ImageDraw.Draw(page).text((8, 4), text, 255, ImageFont.load_default(32))
    return np.asarray(page) > 127


def forge_pixels(cipher: Pixels, known: Pixels, mask: NDArray[np.bool_], level: int) -> Pixels:
    """Solve the exercise."""
    changed = cipher.copy()
    changed[mask] ^= known[mask] ^ np.uint8(level)
    return changed


def _masked(function: Any) -> Any:
    """Make a mistaken forgery from a function of the masked bytes."""

    def forged(cipher: Pixels, known: Pixels, mask: NDArray[np.bool_], level: int) -> Pixels:
        changed = cipher.copy()
        changed[mask] = function(cipher[mask], known[mask], np.uint8(level))
        return changed

    return forged


FORGE_MISTAKES: Mistakes = {
    "You write the gray level into the ciphertext. The receiver's XOR with the key turns it into "
    "noise: the decrypted pixels are not of that level.": _masked(lambda c, p, level: level),
    "The decrypted pixels are the old ones XOR the level. The old plaintext must cancel too.": (
        _masked(lambda c, p, level: c ^ level)
    ),
    "The decrypted pixels are black: the old plaintext cancels, and the level is missing.": (
        _masked(lambda c, p, level: c ^ p)
    ),
    "It looks like sums and differences. A change of the ciphertext reaches the plaintext "
    "unchanged only under XOR.": _masked(lambda c, p, level: c - p + level),
    "You change every pixel of the image, and were asked to change those of the mask only.": (
        lambda cipher, known, mask, level: cipher ^ known ^ np.uint8(level)
    ),
    "The mask is used the wrong way round: all other pixels change.": (
        lambda cipher, known, mask, level: forge_pixels(cipher, known, ~mask, level)
    ),
    "You write the level into the plaintext that you know. The result must be a ciphertext, which "
    "the receiver decrypts.": _masked(lambda c, p, level: p ^ level),
}


def check_forged_pixels(rng: np.random.Generator, forge: Any) -> str:
    """Check a ciphertext that was changed so that chosen pixels have a chosen level."""
    instances = []
    for size in _SIZES:
        plain, secret = random_images(rng, 2, size)
        mask = rng.random(size) < 0.2
        known = np.where(mask[..., None], plain, np.uint8(0))
        level = int(rng.integers(1, 256))
        instances.append((xor(plain, secret), known, mask, level))
    compare(forge, forge_pixels, FORGE_MISTAKES, instances)
    return f"{len(instances)} forged ciphertexts decrypt as they should; other pixels stayed."


def _black_ground() -> Pixels:
    """Return an image whose upper left corner is black, as that of many radiographs."""
    image: Pixels = chests()[2].copy()
    image[:44, :140] = 0
    return image


def _to_forge() -> tuple[Pixels, Pixels, NDArray[np.bool_], int]:
    mask = letters("A. T.")
    return xor(_black_ground(), key()), np.zeros_like(key()), mask, 255


def _forged_picture() -> Figure:
    changed = forge_pixels(*_to_forge())
    return plots.image_grid(
        {
            "plaintext": _black_ground(),
            "ciphertext": _to_forge()[0],
            "forged ciphertext": changed,
            "what the receiver decrypts": xor(changed, key()),
        }
    )


def exercises() -> Iterator[Exercise]:
    """Yield the exercises of this step."""
    yield Exercise("key_reuse", check_key_reuse, _two_ciphertexts, _key_reuse_picture)
    yield Exercise("known_pair", check_known_pair, _known_pair, _known_pair_picture)
    yield Exercise("forged_pixels", check_forged_pixels, _to_forge, _forged_picture)
