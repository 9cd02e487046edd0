"""Guesses at what the paper did: `NAIVE`, generators with numbers like its own.

References
----------
.. [1] RFC 7468, Textual Encodings of PKIX, PKCS, and CMS Structures, 2015.
"""

import base64

import numpy as np
from numpy.typing import NDArray

from dkg.baselines import reference
from dkg.baselines.reference import Generate, check_length


def _chaotic_gray(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """One channel of bytes from the logistic map, the same in all three channels of a pixel."""
    channel = reference.chaotic_system(seed_image, -(-check_length(n_bytes) // 3))
    return channel.repeat(3)[:n_bytes]


def _mersenne_twister_rounded(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """Numbers in [0, 1) times 255, rounded, a third of the key's length, three times in a row."""
    generator = np.random.RandomState(reference.mersenne_twister_seed(seed_image))
    third = generator.random_sample(-(-check_length(n_bytes) // 3))
    return np.tile(np.rint(255 * third).astype(np.uint8), 3)[:n_bytes]


def _rsa_text(seed_image: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    """Base64 text of the generator's bytes in lines of 64 characters, as in a PEM file [1]_."""
    data = reference.GENERATORS["RSA"](seed_image, -(-3 * check_length(n_bytes) // 4))
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
  entropy is near the 7.9991 of 196,608 ideal bytes (printed: 7.9990).
- "RSA": text of 64 characters and line breaks [1]_ has 6.02 bits a byte (printed: 6.0314) and a
  highest bit that is always 0. A 32 x 32 matrix of such bits has at most rank 28, so that the
  matrix rank test depends on the number of matrices only: 62 give P = 5.226e-88 (printed:
  5.22e-88), the 1,536 of a key of 196,608 bytes give 0. The entropy of the ciphertext, 7.2034, is
  not explained.
"""
