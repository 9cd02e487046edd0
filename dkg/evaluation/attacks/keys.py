"""Attacks on the key: nearby keys, and all keys of a small key space."""

import numpy as np

from dkg.attacks.seeds import roughness
from dkg.evaluation.attacks.ciphertext_only import check_size, correlation_found
from dkg.evaluation.attacks.scores import (
    Found,
    NotApplicable,
    as_picture,
    attack,
    cells,
    equal_share,
    most_frequent,
    share_chance,
)
from dkg.evaluation.protocol import Cipher, Image, body, decrypted, encrypted

SEARCHED_BITS = 10
"""The largest ``key_bits`` of a key space that is searched."""

_GUESSES_PER_KEY = 5


@attack(
    "nearby keys",
    group="keys",
    question="Does a key with the smallest change decrypt to a coarse plaintext?",
    needs="cipher",
)
def nearby_keys(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Decrypt with a key that differs by the cipher's smallest change, and compare averages.

    A refused decryption counts as a black image. Cells are those of the attack by averaging.
    """
    if not callable(getattr(cipher, "change_key", None)):
        raise NotApplicable("Needs a cipher with the method change_key")
    check_size(images, 16)
    side = 16 if min(min(image.shape[:2]) for image in images) >= 128 else 4
    sent, read, refused = [], [], 0
    for image in images:
        key = cipher.random_key(rng)
        full = encrypted(cipher, image, key)
        sent.append(body(full, image))
        nearby = cipher.change_key(key, rng)  # type: ignore[attr-defined]
        one = decrypted(cipher, full, nearby, image)
        refused += one is None
        read.append(np.zeros_like(image) if one is None else one)
    what = "What a nearby key decrypts" + (f" ({refused} refused)" if refused else "")
    return correlation_found(what, [cells(one, side) for one in read], images, sent, side, rng)


@attack(
    "key search",
    group="keys",
    question="Are there so few keys that all of them can be tried?",
    needs="cipher",
)
def key_search(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Decrypt one image with random keys, and keep the smoothest result.

    Only ciphers whose ``key_bits`` are at most 10 are searched, with five random keys for each key
    there is, which miss the right one in 0.7 % of cases.
    """
    bits = getattr(cipher, "key_bits", None)
    if bits is None:
        raise NotApplicable("Needs a cipher that says its key_bits")
    if bits > SEARCHED_BITS:
        raise NotApplicable(f"2^{bits:,.0f} keys are not searched; at most 2^{SEARCHED_BITS} are")
    image = min(images, key=np.size)
    if min(image.shape[:2]) < 2:
        raise NotApplicable("Needs images of at least two rows and columns")
    full = encrypted(cipher, image, cipher.random_key(rng))
    best, smoothest = np.zeros_like(image), np.inf
    n_guesses = int(np.ceil(_GUESSES_PER_KEY * 2**bits))
    for _ in range(n_guesses):
        one = decrypted(cipher, full, cipher.random_key(rng), image)
        if one is not None and (rough := roughness(one)) < smoothest:
            best, smoothest = one, rough
    score, baseline = equal_share(best, image), most_frequent(image)
    return Found(
        [score],
        share_chance(image.size, baseline),
        f"{n_guesses:,} random keys read {score:.1f} % of the bytes (the most frequent value "
        f"alone: {baseline:.1f} %).",
        unit="%",
        pictures={
            "plaintext": as_picture(image),
            "ciphertext": as_picture(body(full, image)),
            "recovered": as_picture(best),
        },
    )
