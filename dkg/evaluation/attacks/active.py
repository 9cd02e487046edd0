"""Attacks that change ciphertexts: chosen bits of the plaintext, and changes that go unnoticed."""

import numpy as np

from dkg.attacks import flip_square
from dkg.evaluation.attacks.scores import (
    Chance,
    Found,
    as_picture,
    attack,
    equal_share,
    share_chance,
)
from dkg.evaluation.protocol import Cipher, Image, decrypted, encrypted


@attack(
    "bit-flipping",
    group="active",
    question="Does a flipped bit of the ciphertext flip just that bit of the plaintext?",
    needs="cipher",
)
def bit_flipping(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Flip the highest bit of each byte in a square of the ciphertext, and decrypt.

    The square's side is an eighth of the image's, its place random. The score is the share of its
    bytes in which the plaintext's highest bit is flipped
    and nothing else; 0 where the changed ciphertext is refused.
    """
    scores, sizes, refused = [], [], 0
    pictures: dict[str, Image] = {}
    for image in images:
        key = cipher.random_key(rng)
        full = encrypted(cipher, image, key)
        side = max(1, min(image.shape[:2]) // 8)
        row, column = (int(rng.integers(n - side + 1)) for n in image.shape[:2])
        read = decrypted(cipher, flip_square(full, row, column, side, 128), key, image)
        square = np.s_[row : row + side, column : column + side]
        sizes.append(image[square].size)
        if read is None:
            refused += 1
            scores.append(0.0)
            continue
        scores.append(equal_share(read[square], image[square] ^ np.uint8(128)))
        pictures = pictures or {"plaintext": as_picture(image), "decrypted": as_picture(read)}
    sentence = (
        f"{np.mean(scores):.1f} % of the attacked bytes decrypt as the attacker wants"
        f"{f'; {refused} of {len(images)} changed ciphertexts are refused' if refused else ''}."
    )
    return Found(scores, share_chance(sum(sizes)), sentence, unit="%", pictures=pictures)


@attack(
    "tampering",
    group="active",
    question="Is a ciphertext with one flipped bit decrypted without an error?",
    needs="cipher",
)
def tampering(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Flip one random bit of each ciphertext, and decrypt; an authenticated cipher refuses it."""
    scores = []
    for image in images:
        key = cipher.random_key(rng)
        changed = encrypted(cipher, image, key)
        changed.flat[int(rng.integers(image.size))] ^= 1 << int(rng.integers(8))
        scores.append(100.0 * (decrypted(cipher, changed, key, image) is not None))
    return Found(
        scores,
        Chance(0.0, 0.0, 0.0),
        f"{np.mean(scores):.0f} % of the ciphertexts with one flipped bit are decrypted without an "
        "error (an authenticated cipher: none).",
        unit="%",
    )
