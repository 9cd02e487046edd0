"""How random bytes of the system enter each key of the hospital.

A key of the hospital is the network's key XOR a keystream of SHAKE-256 (FIPS 202), keyed with 32
bytes of the system's random generator and bound to the image. So no key depends on the position of
a seed image in a list, two hospitals never share a key, and the key stays secret if the network and
all seed images are public. The random bytes are kept with the key; `mix` makes the key again. The
tag secret of the encrypted image (``docs/formats.md``) is made of the same random bytes.
"""

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import KEY_BYTES, KEY_SHAPE, xor
from dkg.encryption.authenticated import SECRET_BYTES

RANDOM_BYTES = 32
"""Bytes from the system's random generator that are mixed into each key."""


def mix(keys: NDArray[np.uint8], random: bytes, image: str) -> NDArray[np.uint8]:
    """XOR keys with the keystream of 32 random bytes and an image; its own inverse.

    Parameters
    ----------
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        Keys of the network, in the order of use.
    random : bytes
        32 bytes of the system's random generator.
    image : str
        SHA-256 of the image's file, in hexadecimal. Even if the random generator repeated itself,
        as that of a restored virtual machine may, two images would not get the same keystream.

    Returns
    -------
    ndarray of uint8, shape (n, 256, 256, 3)
        Part i is XORed with SHAKE-256 of the label ``dkg hospital key 1``, a zero byte, `random`,
        the 32 bytes of `image`, and i as 8 bytes with the high byte first, i from 0.

    Raises
    ------
    ValueError
        If there are not 32 random bytes, or `image` is not a SHA-256.
    """
    mixed = keys.copy()
    mix_in_place(mixed, random, image)
    return mixed


def mix_in_place(keys: NDArray[np.uint8], random: bytes, image: str) -> None:
    """Change keys into those that `mix` returns."""
    start = _start("dkg hospital key 1", random, image)
    for number, key in enumerate(keys):
        stream = hashlib.shake_256(start + number.to_bytes(8)).digest(KEY_BYTES)
        key[:] = xor(key, np.frombuffer(stream, np.uint8).reshape(KEY_SHAPE))


def tag_secret(random: bytes, image: str) -> bytes:
    """Return the tag secret of an image's key, as for `dkg.dicom.encrypt_dataset`.

    The key does not reveal it: an attacker who knows an image and its ciphertext, and so the key,
    cannot forge an encrypted image.

    Parameters
    ----------
    random, image : bytes, str
        As for `mix`.

    Returns
    -------
    bytes
        32 bytes: SHAKE-256 of the label ``dkg hospital tag secret 1``, a zero byte, `random` and
        the 32 bytes of `image`.

    Raises
    ------
    ValueError
        As for `mix`.
    """
    start = _start("dkg hospital tag secret 1", random, image)
    return hashlib.shake_256(start).digest(SECRET_BYTES)


def _start(label: str, random: bytes, image: str) -> bytes:
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"expected {RANDOM_BYTES} random bytes, not {len(random)}")
    if not re.fullmatch("[0-9a-f]{64}", image):
        raise ValueError(f"expected the image's SHA-256 in hexadecimal, not {image!r}")
    return f"{label}\0".encode() + random + bytes.fromhex(image)
