"""The other key generators of section IV-E, two that a user should pick today, and naive forms.

``GENERATORS[name](seed_image, n_bytes)`` gives the bytes of a key. The first five names are those
of Tables XVII to XX; AES-256-CTR and ChaCha20 are what stream ciphers are made of now. The paper
gives "the same chest image" to all of them as the seed and does not say how an image becomes a
seed, nor how RSA, the LCG or the Mersenne Twister become a key image. `NAIVE` holds guesses.

These are baselines, not a way to encrypt: a key that follows from the image alone is the same each
time, and two images under one key give each other away.
"""

from dkg.baselines.naive import NAIVE
from dkg.baselines.reference import (
    GENERATORS,
    RSA_MODULUS,
    aes_256_ctr,
    chacha20,
    chaotic_system,
    lcg,
    mersenne_twister,
    rc4,
    rsa,
    seed_bytes,
)

__all__ = [
    "GENERATORS",
    "NAIVE",
    "RSA_MODULUS",
    "aes_256_ctr",
    "chacha20",
    "chaotic_system",
    "lcg",
    "mersenne_twister",
    "rc4",
    "rsa",
    "seed_bytes",
]
