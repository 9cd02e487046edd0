"""The interface of a cipher that can be evaluated, and the check that an object follows it.

A class of 15 lines is enough, as ``docs/how_to/own_cipher.md`` shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Key = Any

KEYS_TRIED = 8
"""The least number of keys with which `check` encrypts and decrypts."""


class UnusableCipher(ValueError):
    """Raised when an object is no image cipher; the message says what is wrong with it."""


class Cipher(Protocol):
    """An image cipher: three methods, and what is optional.

    A key may be any object; only the cipher looks into it. Optional are

    - ``change_key(key, rng)``, which returns a key with the smallest change: one bit, or one gray
      level of one pixel of a seed image. The key that it is given stays as it is.
    - ``name``, a string for tables; default: the name of the class.
    - ``key_bits``, the logarithm to base 2 of the number of keys, and ``guess``, a sentence that
      says what an attacker must guess. Both are printed and not checked.
    """

    def encrypt(self, image: Image, key: Key) -> Image:
        """Encrypt an image.

        Parameters
        ----------
        image : numpy.ndarray
            uint8 of any shape, (height, width) or (height, width, channels). Not to be changed.
        key : object
            What `random_key` returned.

        Returns
        -------
        numpy.ndarray
            uint8 of the image's shape, or with more rows at the end: what is sent beside the
            encrypted image, such as a nonce, a tag or padding. `body` removes them.
        """
        ...

    def decrypt(self, ciphertext: Image, key: Key) -> Image:
        """Decrypt what `encrypt` returned, to an array that equals the image.

        An exception of any type means that the ciphertext is refused, as an authenticated cipher
        refuses a changed one.
        """
        ...

    def random_key(self, rng: np.random.Generator) -> Key:
        """Return a new random key, with randomness from `rng` alone, so that runs can be repeated.

        A cipher that needs a nonce for each message can take it from a counter in the key.
        """
        ...


@dataclass(frozen=True)
class Checked:
    """What `check` found out about a cipher.

    Attributes
    ----------
    deterministic : bool
        Whether the same image and key give the same ciphertext.
    extra_rows : int
        The most rows that a ciphertext has beyond its image's.
    has_change_key : bool
        Whether the cipher has the optional method ``change_key``.
    statements : tuple of str
        What a report should say: properties that are allowed, one sentence each.
    """

    deterministic: bool
    extra_rows: int
    has_change_key: bool
    statements: tuple[str, ...]


def body(ciphertext: Image, image: Image) -> Image:
    """Return the part of a ciphertext that has the image's shape, without the rows after it."""
    return ciphertext[: len(image)]


def name_of(cipher: Cipher) -> str:
    """Return the cipher's ``name``, or the name of its class."""
    return str(getattr(cipher, "name", None) or type(cipher).__name__)


def check(cipher: Cipher, images: Iterable[Image], *, seed: int = 0) -> Checked:
    """Check that an object is an image cipher, by encrypting and decrypting images.

    Parameters
    ----------
    cipher : Cipher
        The object to check.
    images : iterable of numpy.ndarray
        The images that it is to be evaluated on, uint8, at least one. An image of zeros, which
        one attack needs, is tried as well. Each is encrypted with a key of its own; at least
        `KEYS_TRIED` keys are tried.
    seed : int, default 0
        Random seed of the keys.

    Returns
    -------
    Checked
        The properties that are allowed but worth a sentence.

    Raises
    ------
    UnusableCipher
        If a method is missing or raises, the ciphertext has another type or shape, the image or
        the key of ``change_key`` is changed in place, or decryption does not return the image.
    ValueError
        If there is no image, or one is not uint8 of at least two dimensions.
    """
    name = name_of(cipher)
    if isinstance(cipher, type):
        raise UnusableCipher(f"{name}: a class; pass an instance of it, {cipher.__name__}()")
    for method in ("encrypt", "decrypt", "random_key"):
        if not callable(getattr(cipher, method, None)):
            raise UnusableCipher(
                f"{name}: has no method {method}; a cipher has encrypt(image, key), "
                "decrypt(ciphertext, key) and random_key(rng)"
            )
    images = [check_image(image) for image in images]
    if not images:
        raise ValueError("at least one image is needed to check a cipher")
    extra_rows = 0
    deterministic = True
    tried = islice(cycle(images), max(KEYS_TRIED, len(images)))
    for number, image in enumerate([*tried, np.zeros_like(images[0])]):
        # A cipher can be invertible with some keys only, for example a product with odd ones.
        key = new_key(cipher, seed + number)
        ciphertext = encrypted(cipher, image, key)
        extra_rows = max(extra_rows, len(ciphertext) - len(image))
        deterministic &= np.array_equal(ciphertext, encrypted(cipher, image, key))
        _check_inverse(cipher, image, ciphertext, key)
    first, again, other = (
        encrypted(cipher, images[0], new_key(cipher, number)) for number in (seed, seed, seed + 1)
    )
    statements = []
    if not deterministic:
        statements.append("The same image and key give another ciphertext each time.")
    if extra_rows:
        statements.append(
            f"A ciphertext has up to {extra_rows} more rows than its image (nonce, tag or padding);"
            " the measures leave them out."
        )
    if not np.array_equal(first, again):
        statements.append(
            "The same random seed gives another ciphertext: another run gives other numbers."
        )
    elif np.array_equal(first, other):
        statements.append("Two random keys give the same ciphertext.")
    has_change_key = callable(getattr(cipher, "change_key", None))
    if has_change_key:
        statements += _check_change_key(cipher, images[0], seed)
    else:
        statements.append("There is no change_key, so that key sensitivity is not measured.")
    return Checked(deterministic, extra_rows, has_change_key, tuple(statements))


def check_image(image: Image) -> Image:
    """Return an image, or raise ValueError if it is not a uint8 array of rows and columns."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise ValueError(
            f"an image must be a uint8 array, not {getattr(image, 'dtype', type(image).__name__)}"
        )
    if image.ndim < 2 or not image.size:
        raise ValueError(
            "an image must have the shape (height, width) or (height, width, channels), "
            f"not {image.shape}"
        )
    return image


def new_key(cipher: Cipher, seed: int) -> Key:
    """Return the cipher's random key of a random seed; `UnusableCipher` if that raises."""
    try:
        return cipher.random_key(np.random.default_rng(seed))
    except Exception as error:  # Of any type: it is the user's code.
        raise UnusableCipher(f"{name_of(cipher)}: random_key raised {_told(error)}") from error


def encrypted(cipher: Cipher, image: Image, key: Key) -> Image:
    """Encrypt an image; `UnusableCipher` if the cipher raises, or does not return a ciphertext."""
    name = name_of(cipher)
    given = image.copy()
    try:
        ciphertext = cipher.encrypt(given, key)
    except Exception as error:
        raise UnusableCipher(
            f"{name}: encrypt raised {_told(error)} for an image of shape {image.shape}"
        ) from error
    if not np.array_equal(given, image):
        raise UnusableCipher(f"{name}: encrypt changes the image that it is given; work on a copy")
    _check_array(ciphertext, f"{name}: encrypt")
    if ciphertext.shape[1:] != image.shape[1:] or len(ciphertext) < len(image):
        raise UnusableCipher(
            f"{name}: encrypt must return the shape {image.shape}, or that with more rows, "
            f"not {ciphertext.shape}"
        )
    if np.shares_memory(ciphertext, given):
        ciphertext = ciphertext.copy()
    return ciphertext


def decrypted(cipher: Cipher, ciphertext: Image, key: Key, image: Image) -> Image | None:
    """Decrypt a changed ciphertext, or one with another key, to an array of the image's shape.

    Returns
    -------
    numpy.ndarray or None
        None if the cipher refuses it: it raises, or returns no array of the image's shape.
    """
    try:
        back = cipher.decrypt(ciphertext.copy(), key)
    except Exception:
        return None
    fits = isinstance(back, np.ndarray) and back.dtype == np.uint8 and back.shape == image.shape
    return back if fits else None


def _check_inverse(cipher: Cipher, image: Image, ciphertext: Image, key: Key) -> None:
    name = name_of(cipher)
    given = ciphertext.copy()
    try:
        back = cipher.decrypt(given, key)
    except Exception as error:
        raise UnusableCipher(
            f"{name}: decrypt raised {_told(error)} for its own ciphertext"
        ) from error
    if not np.array_equal(given, ciphertext):
        raise UnusableCipher(
            f"{name}: decrypt changes the ciphertext that it is given; work on a copy"
        )
    _check_array(back, f"{name}: decrypt")
    if back.shape != image.shape:
        raise UnusableCipher(
            f"{name}: decrypt must return the image's shape {image.shape}, not {back.shape}"
        )
    if wrong := np.count_nonzero(back != image):
        raise UnusableCipher(
            f"{name}: not invertible: decrypt(encrypt(image, key), key) differs from the image in "
            f"{wrong:,} of {image.size:,} bytes"
        )


def _check_change_key(cipher: Cipher, image: Image, seed: int) -> list[str]:
    name = name_of(cipher)
    key = new_key(cipher, seed)
    try:
        changed = cipher.change_key(key, np.random.default_rng(seed))  # type: ignore[attr-defined]
    except Exception as error:
        raise UnusableCipher(f"{name}: change_key raised {_told(error)}") from error
    before = encrypted(cipher, image, new_key(cipher, seed))
    if not np.array_equal(before, encrypted(cipher, image, key)):
        # Only a cipher that repeats its ciphertexts from a random seed can be blamed.
        if np.array_equal(before, encrypted(cipher, image, new_key(cipher, seed))):
            raise UnusableCipher(
                f"{name}: change_key changes the key that it is given; return a changed copy"
            )
    elif np.array_equal(before, encrypted(cipher, image, changed)):
        return ["The changed key gives the same ciphertext."]
    return []


def _check_array(array: Any, what: str) -> None:
    if not isinstance(array, np.ndarray):
        raise UnusableCipher(f"{what} must return a NumPy array, not {type(array).__name__}")
    if array.dtype != np.uint8:
        raise UnusableCipher(f"{what} must return uint8, not {array.dtype}")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
