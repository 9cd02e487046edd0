"""The other key generators of section IV-E, two that a user should pick today, and naive forms.

``GENERATORS[name](seed_image, n_bytes)`` gives the bytes of a key. The first five names are those
of Tables XVII to XX, in textbook form; AES-256-CTR and ChaCha20 are what stream ciphers are made of
now. The paper gives "the same chest image" to all of them as the seed and does not say how an image
becomes a seed, nor how RSA, the LCG or the Mersenne Twister become a key image. Here the seed is
SHAKE-256 [1]_ of the image's bytes, except for the chaotic system, which starts as the chaotic
domain does. `NAIVE` holds guesses.

These are baselines, not a way to encrypt: a key that follows from the image alone is the same each
time, and two images under one key reveal each other.

Every generator returns its first `n_bytes` bytes as uint8 (n_bytes,). It raises TypeError if
`n_bytes` is not an integer or the seed image is not uint8, and ValueError if `n_bytes` is
negative, the image has no pixels or another shape than described, or a key, state or seed is not as
described.

References
----------
.. [1] NIST FIPS 202, SHA-3 Standard, 2015.
.. [2] W. H. Press et al., "Numerical Recipes in C",
   2nd ed., 1992, section 7.1.
.. [3] M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998, with the
   initialisation of 2002 (mt19937ar.c).
.. [4] A. J. Menezes, P. C. van Oorschot and S. A. Vanstone, "Handbook of Applied Cryptography",
   1996, Algorithm 5.35 and Note 5.36.
.. [5] RFC 6229, Test Vectors for the Stream Cipher RC4, 2011.
.. [6] NIST SP 800-38A, Recommendation for Block Cipher Modes of Operation, 2001.
.. [7] RFC 8439, ChaCha20 and Poly1305 for IETF Protocols, 2018.
.. [8] RFC 7468, Textual Encodings of PKIX, PKCS, and CMS Structures, 2015.
"""

import base64
import hashlib
import operator
from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dkg.domains import gray, logistic_keystreams
from dkg.metrics.image import as_bytes, check_image_shape

RSA_MODULUS = int(
    "22701801293785014193580405120204586741061235962766583907094021879215171483119139894870133"
    "09111104490168340094948384681829951804176350794892259077492546608817187925946592102659704"
    "67004498198990968620394600177430944738110569912941285428918808553627074076707225937377726"
    "66973440977361243336397308051763091506836310795312607239520365290032105848839507981452307"
    "29941718571579629745499502350531604091985919371802330741488044621792280083176604093865634"
    "45710347785534571210805307363945359239326518660305150410609664373133236728315393235000679"
    "37107541955437362433248361242525945868802353916766181532375855504886901432221349733"
)
"""RSA-617 of the RSA Factoring Challenge: 617 digits, 2048 bits; its factors are not known."""


def seed_bytes(seed_image: NDArray[np.uint8], n_bytes: int) -> bytes:
    """Hash an image, uint8 (height, width) or (height, width, 3), to a seed of `n_bytes` bytes.

    The seed is SHAKE-256 of the image's bytes, row by row, the channels of a pixel side by side.
    """
    return hashlib.shake_256(_check_image(seed_image).tobytes()).digest(_check_length(n_bytes))


def chaotic_system(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """Make a key with the logistic map of the chaotic domain (`dkg.domains.chaotic`).

    The seed image is uint8 (height, width) or (height, width, 3). The orbit starts at
    ``(0.2 + k0) / 2`` with ``k0 = (sum of the gray image's pixels mod 256) / 255``; a colour image
    is made gray with the weights of ITU-R BT.601.

    **At most 256 different keys exist.** And a byte nearly follows from the one before: where x
    goes to ``4 x (1 - x)``, ``y = asin(sqrt(x)) / pi`` goes to ``2 y`` or ``1 - 2 y``, and
    ``1e15`` is 0 modulo 256, so that but for rounding the byte doubles or doubles and changes its
    sign. The entropy shows nothing of it.
    """
    k0 = int(gray(_check_image(seed_image)).sum(dtype=np.int64)) % 256 / 255
    key: NDArray[np.uint8]
    (key,) = logistic_keystreams([(0.2 + k0) / 2], _check_length(n_bytes))
    return key


def lcg(state: int, n_bytes: int) -> NDArray[np.uint8]:
    """Run the linear congruential generator of Numerical Recipes [2]_.

    ``state <- 1664525 state + 1013904223 mod 2**32``; each step gives the state's highest eight
    bits. The `state` before the first step is in [0, 2**32).
    """
    n_bytes = _check_length(n_bytes)
    if not 0 <= state < 2**32:
        raise ValueError(f"the state of the LCG must be in [0, 2**32), not {state}")
    # Step i is a**i state + c (1 + a + ... + a**(i-1)); uint32 arithmetic is modulo 2**32.
    steps = np.concatenate(([1], np.full(n_bytes, 1664525))).astype(np.uint32)
    powers = np.cumprod(steps, dtype=np.uint32)
    sums = np.cumsum(powers[:-1], dtype=np.uint32)
    states = powers[1:] * np.uint32(state) + sums * np.uint32(1013904223)
    return (states >> 24).astype(np.uint8)


def mersenne_twister(key: NDArray[np.uint32], n_bytes: int) -> NDArray[np.uint8]:
    """Run MT19937 [3]_, NumPy's implementation.

    The `key` of ``init_by_array`` is uint32 (k,), k at least 2. The bytes are those of the 32-bit
    outputs, each in little-endian order.
    """
    if len(key) < 2:
        # NumPy would take a single word as the seed of another initialisation, init_genrand.
        raise ValueError(f"the Mersenne Twister's key must have at least two words, not {len(key)}")
    return _array(np.random.RandomState(key).bytes(_check_length(n_bytes)))


def rc4(key: bytes, n_bytes: int) -> NDArray[np.uint8]:
    """Run RC4 from its first byte on [5]_.

    The `key` has 5, 7, 8, 10, 16, 20, 24 or 32 bytes: `cryptography` takes no longer ones, although
    RC4 does (up to 256 bytes, the paper's key space of 2**2048).
    """
    return _keystream(Cipher(ARC4(key), mode=None), n_bytes)


def rsa(x: int, n_bytes: int) -> NDArray[np.uint8]:
    """Run the RSA pseudorandom bit generator [4]_ with a modulus of 2048 bits.

    ``x <- x**3 mod n``; each step gives the lowest eight bits of x, fewer than lg lg n = 11, the
    order that [4]_ allows. The modulus n is `RSA_MODULUS`. In those numbers of its series that
    were factored (RSA-100 to RSA-250) both primes are 2 modulo 3, as the exponent 3 needs.
    The seed `x` is in [2, n - 2]; 0, 1 and n - 1 stay where they are. A step takes some 20
    microseconds.
    """
    if not 2 <= x <= RSA_MODULUS - 2:
        raise ValueError(f"the seed of the RSA generator must be in [2, n - 2], not {x}")
    key = np.empty(_check_length(n_bytes), np.uint8)
    for i in range(key.size):
        x = x * x * x % RSA_MODULUS
        key[i] = x & 255
    return key


def aes_256_ctr(key: bytes, n_bytes: int, *, counter_block: bytes = bytes(16)) -> NDArray[np.uint8]:
    """Run AES-256 in counter mode [6]_ with a key of 32 bytes.

    The first `counter_block` has 16 bytes, by default zero. Messages that share a key must not
    share a block of the counter.
    """
    return _keystream(Cipher(algorithms.AES256(key), modes.CTR(counter_block)), n_bytes)


def chacha20(key: bytes, n_bytes: int) -> NDArray[np.uint8]:
    """Run ChaCha20 [7]_ with a key of 32 bytes and the nonce zero, from block 0 on."""
    return _keystream(Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None), n_bytes)


def _mersenne_twister_seed(seed_image: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return eight words of 32 bits from an image."""
    return np.frombuffer(seed_bytes(seed_image, 32), "<u4")


def _rsa_seed(seed_image: NDArray[np.uint8]) -> int:
    # 2048 bits may be above the modulus; eight bytes more keep the remainder from being biased.
    return int.from_bytes(seed_bytes(seed_image, 264), "little") % (RSA_MODULUS - 3) + 2


Generate = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]

GENERATORS: dict[str, Generate] = {
    "Chaotic System": chaotic_system,
    "LCG": lambda image, n: lcg(int.from_bytes(seed_bytes(image, 4), "little"), n),
    "Mersenne Twister": lambda image, n: mersenne_twister(_mersenne_twister_seed(image), n),
    "RC4": lambda image, n: rc4(seed_bytes(image, 32), n),
    "RSA": lambda image, n: rsa(_rsa_seed(image), n),
    "AES-256-CTR": lambda image, n: aes_256_ctr(seed_bytes(image, 32), n),
    "ChaCha20": lambda image, n: chacha20(seed_bytes(image, 32), n),
}
"""Every generator by name: ``GENERATORS[name](seed_image, n_bytes)`` gives uint8 (n_bytes,).

The image is uint8 (height, width) or (height, width, 3); others raise TypeError or ValueError, as
does a bad `n_bytes`. Seeds, from `seed_bytes`: 4 bytes, little-endian, for the LCG's state; 32
bytes as eight little-endian words for the Mersenne Twister; 32 bytes as the key of RC4,
AES-256-CTR and ChaCha20; 264 bytes, little-endian, modulo n - 3 and plus 2, for RSA. Of one
generator the same image gives the same bytes, and fewer bytes are the start of more (the chaotic
system may differ where its orbit falls into a cycle, see `dkg.domains.logistic_keystreams`).
"""


def _chaotic_gray(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """One channel of bytes from the logistic map, the same in all three channels of a pixel."""
    channel = chaotic_system(seed_image, -(-_check_length(n_bytes) // 3))
    return channel.repeat(3)[:n_bytes]


def _mersenne_twister_rounded(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """Numbers in [0, 1) times 255, rounded, a third of the key's length, three times in a row."""
    generator = np.random.RandomState(_mersenne_twister_seed(seed_image))
    third = generator.random_sample(-(-_check_length(n_bytes) // 3))
    return np.tile(np.rint(255 * third).astype(np.uint8), 3)[:n_bytes]


def _rsa_text(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """Base64 text of the generator's bytes in lines of 64 characters, as in a PEM file [8]_."""
    data = GENERATORS["RSA"](seed_image, -(-3 * _check_length(n_bytes) // 4))
    text = base64.b64encode(data.tobytes())
    lines = b"\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return np.frombuffer(lines[:n_bytes], np.uint8).copy()


NAIVE: dict[str, Generate] = {
    "Chaotic System": _chaotic_gray,
    "Mersenne Twister": _mersenne_twister_rounded,
    "RSA": _rsa_text,
}
"""Guesses at what the paper did: naive forms with numbers like its own, called like `GENERATORS`.

Nothing in the paper's text confirms them.

- "Chaotic System": one channel of bytes, the same in all three. A key of 196,608 bytes then has
  the entropy of 65,536: 7.9972 for ideal ones, also in the ciphertext of a gray image (printed:
  7.9971 and 7.9974).
- "Mersenne Twister": ``round(255 u)`` for u in [0, 1) gives 0 and 255 half as often as the rest.
  65,536 such bytes, three times one after another, have an entropy of 7.9955 on average (printed:
  7.9955). In the ciphertext of a gray image the three bytes of a pixel still differ, and its
  entropy is near the 7.9991 of 196,608 uniform bytes (printed: 7.9990).
- "RSA": text of 64 characters and line breaks [8]_ has 6.02 bits a byte (printed: 6.0314) and a
  highest bit that is always 0. A 32 x 32 matrix of such bits has at most rank 28, so that the
  matrix rank test depends on the number of matrices only: 62 give P = 5.226e-88 (printed:
  5.22e-88), the 1,536 of a key of 196,608 bytes give 0. The entropy of the ciphertext, 7.2034, is
  not explained.
"""


def _check_length(n_bytes: SupportsIndex) -> int:
    """Return a number of bytes, and refuse what is none."""
    n_bytes = operator.index(n_bytes)
    if n_bytes < 0:
        raise ValueError(f"n_bytes must not be negative, not {n_bytes}")
    return n_bytes


def _check_image(seed_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = as_bytes(seed_image)
    check_image_shape(image.shape)
    return image


def _keystream(cipher: Cipher[Any], n_bytes: int) -> NDArray[np.uint8]:
    return _array(cipher.encryptor().update(bytes(_check_length(n_bytes))))


def _array(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).copy()
