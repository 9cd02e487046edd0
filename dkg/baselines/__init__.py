"""The other key generators of the paper's section IV-E, and two that a user should pick today.

``GENERATORS[name](seed_image, n_bytes)`` gives the bytes of a key. The first five names are those
of Tables XVII to XX; AES-256-CTR and ChaCha20 are what stream ciphers are made of now. The paper
gives "the same chest image" to all of them as the seed and does not say how an image becomes a
seed, nor how RSA, the LCG or the Mersenne Twister become a key image. Here every generator has its
textbook form and takes its seed from SHAKE-256 [1]_ of the image's bytes, but for the chaotic
system, whose start is that of the chaotic domain. `NAIVE` holds guesses at what the paper did.

These are baselines, not a way to encrypt: a key that follows from the image alone is the same each
time, and two images under one key give each other away.

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

import numpy as np
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dkg.domains import gray, logistic_keystreams

RSA_MODULUS = int(
    "2270180129378501419358040512020458674106123596276658390709402187921517148311"
    "9139894870133091111044901683400949483846818299518041763507948922590774925466"
    "0881718792594659210265970467004498198990968620394600177430944738110569912941"
    "2854289188085536270740767072259373777266697344097736124333639730805176309150"
    "6836310795312607239520365290032105848839507981452307299417185715796297454995"
    "0235053160409198591937180233074148804462179228008317660409386563445710347785"
    "5345712108053073639453592393265186603051504106096643731332367283153932350006"
    "7937107541955437362433248361242525945868802353916766181532375855504886901432"
    "221349733"
)
"""RSA-617 of the RSA Factoring Challenge: 617 digits, 2048 bits; its factors are not known."""


def seed_bytes(seed_image: np.ndarray, n_bytes: int) -> bytes:
    """Hash an image to a seed.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (height, width) or (height, width, 3).
    n_bytes : int
        Length of the seed.

    Returns
    -------
    bytes
        SHAKE-256 of the image's bytes, row by row, the channels of a pixel side by side.

    Raises
    ------
    TypeError
        If `seed_image` is no uint8 array, or `n_bytes` no whole number.
    ValueError
        If the image's shape is not as described or has no pixels, or `n_bytes` is negative.
    """
    return hashlib.shake_256(_check_image(seed_image).tobytes()).digest(_check_length(n_bytes))


def chaotic_system(seed_image: np.ndarray, n_bytes: int) -> np.ndarray:
    """Make a key with the logistic map of the chaotic domain (`dkg.domains.chaotic`).

    The orbit starts at ``(0.2 + k0) / 2`` with ``k0 = (sum of the gray image's pixels mod 256) /
    255``; a colour image is made gray with the weights of ITU-R BT.601.

    **At most 256 different keys exist.** And a byte nearly follows from the one before: where x
    goes to ``4 x (1 - x)``, ``y = asin(sqrt(x)) / pi`` goes to ``2 y`` or ``1 - 2 y``, and
    ``1e15`` is 0 modulo 256, so that but for rounding the byte doubles or doubles and changes its
    sign. The entropy shows nothing of it.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (height, width) or (height, width, 3).
    n_bytes : int
        Length of the key.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `seed_image` is no uint8 array, or `n_bytes` no whole number.
    ValueError
        If the image's shape is not as described or has no pixels, or `n_bytes` is negative.
    """
    k0 = int(gray(_check_image(seed_image)).sum(dtype=np.int64)) % 256 / 255
    return logistic_keystreams([(0.2 + k0) / 2], _check_length(n_bytes))[0]


def lcg(state: int, n_bytes: int) -> np.ndarray:
    """Run the linear congruential generator of Numerical Recipes [2]_.

    ``state <- 1664525 state + 1013904223 mod 2**32``; each step gives the state's highest eight
    bits.

    Parameters
    ----------
    state : int
        The state before the first step, in [0, 2**32).
    n_bytes : int
        Number of steps.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `state` is out of range, or `n_bytes` is negative.
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


def mersenne_twister(key: np.ndarray, n_bytes: int) -> np.ndarray:
    """Run MT19937 [3]_, NumPy's implementation.

    Parameters
    ----------
    key : numpy.ndarray
        uint32 (k,), k at least 2: the key of ``init_by_array``.
    n_bytes : int
        Bytes to give: those of the 32-bit outputs, each in little-endian order.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `key` has fewer than two words, or `n_bytes` is negative.
    """
    if len(key) < 2:
        # NumPy would take a single word as the seed of another initialisation, init_genrand.
        raise ValueError(f"the Mersenne Twister's key must have at least two words, not {len(key)}")
    return _array(np.random.RandomState(key).bytes(_check_length(n_bytes)))


def rc4(key: bytes, n_bytes: int) -> np.ndarray:
    """Run RC4 from its first byte on [5]_.

    Parameters
    ----------
    key : bytes
        5, 7, 8, 10, 16, 20, 24 or 32 bytes: `cryptography` takes no longer ones, although RC4 does
        (up to 256 bytes, the paper's key space of 2**2048).
    n_bytes : int
        Length of the keystream.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `key` has another length, or `n_bytes` is negative.
    """
    return _keystream(Cipher(ARC4(key), mode=None), n_bytes)


def rsa(x: int, n_bytes: int) -> np.ndarray:
    """Run the RSA pseudorandom bit generator [4]_ with a modulus of 2048 bits.

    ``x <- x**3 mod n``; each step gives the lowest eight bits of x, fewer than lg lg n = 11, the
    order that [4]_ allows. The modulus n is `RSA_MODULUS`. In those numbers of its series that
    were factored (RSA-100 to RSA-250) both primes are 2 modulo 3, as the exponent 3 needs.

    Parameters
    ----------
    x : int
        The seed, in [2, n - 2]; 0, 1 and n - 1 stay where they are.
    n_bytes : int
        Number of steps; some 20 microseconds each.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `x` is out of range, or `n_bytes` is negative.
    """
    if not 2 <= x <= RSA_MODULUS - 2:
        raise ValueError(f"the seed of the RSA generator must be in [2, n - 2], not {x}")
    key = np.empty(_check_length(n_bytes), np.uint8)
    for i in range(key.size):
        x = x * x * x % RSA_MODULUS
        key[i] = x & 255
    return key


def aes_256_ctr(key: bytes, n_bytes: int, *, counter_block: bytes = bytes(16)) -> np.ndarray:
    """Run AES-256 in counter mode [6]_.

    Parameters
    ----------
    key : bytes
        32 bytes.
    n_bytes : int
        Length of the keystream.
    counter_block : bytes, optional
        The first counter block, 16 bytes, zero by default. Messages that share a key must not
        share a block of the counter.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `key` or `counter_block` has another length, or `n_bytes` is negative.
    """
    return _keystream(Cipher(algorithms.AES256(key), modes.CTR(counter_block)), n_bytes)


def chacha20(key: bytes, n_bytes: int) -> np.ndarray:
    """Run ChaCha20 [7]_ with the nonce zero, from block 0 on.

    Parameters
    ----------
    key : bytes
        32 bytes.
    n_bytes : int
        Length of the keystream.

    Returns
    -------
    numpy.ndarray
        uint8 (n_bytes,).

    Raises
    ------
    TypeError
        If `n_bytes` is no whole number.
    ValueError
        If `key` has another length, or `n_bytes` is negative.
    """
    return _keystream(Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None), n_bytes)


def _lcg_seed(seed_image: np.ndarray) -> int:
    return int.from_bytes(seed_bytes(seed_image, 4), "little")


def _mersenne_twister_seed(seed_image: np.ndarray) -> np.ndarray:
    return np.frombuffer(seed_bytes(seed_image, 32), "<u4")


def _rsa_seed(seed_image: np.ndarray) -> int:
    # 2048 bits may be above the modulus; eight bytes more keep the remainder from being biased.
    return int.from_bytes(seed_bytes(seed_image, 264), "little") % (RSA_MODULUS - 3) + 2


GENERATORS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "Chaotic System": chaotic_system,
    "LCG": lambda seed_image, n_bytes: lcg(_lcg_seed(seed_image), n_bytes),
    "Mersenne Twister": lambda seed_image, n_bytes: mersenne_twister(
        _mersenne_twister_seed(seed_image), n_bytes
    ),
    "RC4": lambda seed_image, n_bytes: rc4(seed_bytes(seed_image, 32), n_bytes),
    "RSA": lambda seed_image, n_bytes: rsa(_rsa_seed(seed_image), n_bytes),
    "AES-256-CTR": lambda seed_image, n_bytes: aes_256_ctr(seed_bytes(seed_image, 32), n_bytes),
    "ChaCha20": lambda seed_image, n_bytes: chacha20(seed_bytes(seed_image, 32), n_bytes),
}
"""Every generator by name: ``GENERATORS[name](seed_image, n_bytes)`` gives uint8 (n_bytes,).

The image is uint8 (height, width) or (height, width, 3); others raise TypeError or ValueError, as
does a bad `n_bytes`. Seeds, from `seed_bytes`: 4 bytes, little-endian, for the LCG's state; 32
bytes as eight little-endian words for the Mersenne Twister; 32 bytes as the key of RC4,
AES-256-CTR and ChaCha20; 264 bytes, little-endian, modulo n - 3 and plus 2, for RSA. Of one
generator the same image gives the same bytes, and fewer bytes are the start of more (the chaotic
system may differ where its orbit falls into a cycle, see `dkg.domains.logistic_keystreams`).
"""


def _chaotic_gray(seed_image: np.ndarray, n_bytes: int) -> np.ndarray:
    """One channel of bytes from the logistic map, the same in all three channels of a pixel."""
    channel = chaotic_system(seed_image, -(-_check_length(n_bytes) // 3))
    return channel.repeat(3)[:n_bytes]


def _mersenne_twister_rounded(seed_image: np.ndarray, n_bytes: int) -> np.ndarray:
    """Numbers in [0, 1) times 255, rounded, a third of the key's length, three times in a row."""
    generator = np.random.RandomState(_mersenne_twister_seed(seed_image))
    third = generator.random_sample(-(-_check_length(n_bytes) // 3))
    return np.tile(np.rint(255 * third).astype(np.uint8), 3)[:n_bytes]


def _rsa_text(seed_image: np.ndarray, n_bytes: int) -> np.ndarray:
    """Base64 text of the generator's bytes in lines of 64 characters, as in a PEM file [8]_."""
    text = base64.b64encode(GENERATORS["RSA"](seed_image, -(-3 * _check_length(n_bytes) // 4)))
    lines = b"\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return _array(lines[:n_bytes])


NAIVE: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
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
  entropy is near the 7.9991 of 196,608 ideal bytes (printed: 7.9990).
- "RSA": text of 64 characters and line breaks [8]_ has 6.02 bits a byte (printed: 6.0314) and a
  highest bit that is always 0. A 32 x 32 matrix of such bits has at most rank 28, so that the
  matrix rank test depends on the number of matrices only: 62 give P = 5.226e-88 (printed:
  5.22e-88), the 1,536 of a key of 196,608 bytes give 0. The entropy of the ciphertext, 7.2034, is
  not explained.
"""


def _check_image(seed_image: np.ndarray) -> np.ndarray:
    if not isinstance(seed_image, np.ndarray) or seed_image.dtype != np.uint8:
        found = getattr(seed_image, "dtype", type(seed_image).__name__)
        raise TypeError(f"the seed image must be a uint8 array, not {found}")
    if not (seed_image.ndim == 2 or (seed_image.ndim == 3 and seed_image.shape[2] == 3)):
        raise ValueError(
            "the seed image must have the shape (height, width) or (height, width, 3), "
            f"not {seed_image.shape}"
        )
    if seed_image.size == 0:
        raise ValueError(f"the seed image has no pixels: its shape is {seed_image.shape}")
    return seed_image


def _check_length(n_bytes: int) -> int:
    n_bytes = operator.index(n_bytes)
    if n_bytes < 0:
        raise ValueError(f"n_bytes must not be negative, not {n_bytes}")
    return n_bytes


def _keystream(cipher: Cipher, n_bytes: int) -> np.ndarray:
    return _array(cipher.encryptor().update(bytes(_check_length(n_bytes))))


def _array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).copy()
