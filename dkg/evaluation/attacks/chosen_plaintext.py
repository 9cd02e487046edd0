"""Attacks with chosen plaintexts: black, numbered or changed images, sums, the same image twice."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dkg.evaluation.attacks.known_plaintext import read_found, under_one_key, with_keystream
from dkg.evaluation.attacks.scores import (
    FALSE_ALARMS,
    Chance,
    Found,
    as_picture,
    attack,
    equal_share,
    share_chance,
)
from dkg.evaluation.protocol import Cipher, Image
from dkg.metrics import ideal_npcr, npcr


@attack(
    "chosen black image",
    group="chosen plaintext",
    question="Does the ciphertext of a black image read another image under the same key?",
    needs="cipher",
)
def black_image(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Take the ciphertext of an image of zeros as the keystream, by XOR or by subtraction."""
    sent, read = [], []
    for image in images:
        black = np.zeros_like(image)
        of_black, one = under_one_key(cipher, [black, image], cipher.random_key(rng))
        sent.append(one)
        read.append(with_keystream(black, of_black, one))
    return read_found("The ciphertext of a black image as the keystream", images, sent, read)


@attack(
    "chosen numbered bytes",
    group="chosen plaintext",
    question="Do a few chosen images give the place of every byte, and the keystream on top?",
    needs="cipher",
)
def numbered_bytes(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Have images encrypted whose bytes count their own places, and follow where each one goes.

    The number of a place has three digits to base 256, or four in images above 16 MB, and each
    image holds one digit. The ciphertext of a black image is taken off first, by XOR or by
    subtraction. Where a byte then comes from no place or from two, the cipher does not move bytes,
    and the ciphertext is taken as it is.
    """
    sent, read = [], []
    found = 0
    for image in images:
        key = cipher.random_key(rng)
        numbers = np.arange(image.size, dtype=np.uint32)
        shifts = range(0, 24 if image.size <= 2**24 else 32, 8)
        digits = [(numbers >> shift).astype(np.uint8).reshape(image.shape) for shift in shifts]
        black, *seen, one = under_one_key(cipher, [np.zeros_like(image), *digits, image], key)
        sent.append(one)
        for without in (np.bitwise_xor, np.subtract):
            places = _places([without(digit, black) for digit in seen])
            if places is not None:
                found += 1
                back = np.empty(image.size, np.uint8)
                back[places] = without(one, black).ravel()
                one = back.reshape(image.shape)
                break
        read.append(one)
    what = f"The places of the bytes, found in {found} of {len(images)} cases"
    return read_found(what, images, sent, read)


def _places(digits: list[Image]) -> NDArray[np.uint32] | None:
    """Return the number that each byte has in the digits, lowest first; None if two are equal."""
    places = np.zeros(digits[0].size, np.uint32)
    for i, digit in enumerate(digits):
        places |= digit.ravel().astype(np.uint32) << np.uint32(8 * i)
    if places.max() >= places.size:
        return None
    reached = np.zeros(places.size, bool)
    reached[places] = True
    return places if reached.all() else None


@attack(
    "differential",
    group="chosen plaintext",
    question="Does one changed pixel leave a part of the ciphertext as it was?",
    needs="cipher",
)
def differential(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Change one byte of a plaintext by one gray level, and compare the ciphertexts by NPCR.

    The place is random. It succeeds below the NPCR that independent uniform bytes exceed in 999
    of 1,000 cases.
    """
    scores = []
    for image in images:
        changed = image.copy()
        place = int(rng.integers(image.size))
        changed.flat[place] ^= 1
        first, second = under_one_key(cipher, [image, changed], cipher.random_key(rng))
        scores.append(npcr(first, second))
    ideal = ideal_npcr(sum(image.size for image in images))
    inside, limit = ideal.interval(), ideal.interval(2 * FALSE_ALARMS).low
    return Found(
        scores,
        Chance(inside.low, inside.high, limit, below=True),
        f"One changed byte of the plaintext changes {np.mean(scores):.4g} % of the ciphertext's "
        f"(independent ciphertexts: {limit:.4g} % or more).",
        unit="%",
    )


@attack(
    "affine relation",
    group="chosen plaintext",
    question="Does the cipher add up: does E(a) + E(b) - E(0) equal E(a + b) in some bit plane?",
    needs="cipher",
)
def affine_relation(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Test for an affine cipher, with the plaintexts 0, a, b and a + b under one key.

    The sum is XOR or addition modulo 256, and each of the 8 bit planes counts on its own; the
    largest share of fitting bits is the score. Every keystream that does not depend on the
    plaintext, every permutation, and diffusion by XOR or addition are affine. The images a and b
    are random, without zeros and nowhere equal: there the relation holds for any cipher that works
    byte by byte.
    """
    scores, least = [], min(image.size for image in images)
    for image in images:
        a = rng.integers(1, 256, image.shape, dtype=np.uint8)
        step = rng.integers(1, 255, image.shape, dtype=np.uint8)
        b = ((a.astype(np.uint16) - 1 + step) % 255 + 1).astype(np.uint8)
        plain = [np.zeros_like(image), a, b, a ^ b, a + b]
        zero, one, two, by_xor, by_sum = under_one_key(cipher, plain, cipher.random_key(rng))
        left = [zero ^ one ^ two ^ by_xor, one + two - zero - by_sum]
        scores.append(max(_fitting_bits(rest) for rest in left))
    planes = 16
    # The largest of 16 shares: that of one share to the power of 16, at the smallest image.
    low, high, limit = (
        float(100 / least * stats.binom.ppf(q ** (1 / planes), least, 0.5))
        for q in (0.025, 0.975, (1 - FALSE_ALARMS))
    )
    return Found(
        scores,
        Chance(low, high, limit),
        f"The relation holds for {np.mean(scores):.1f} % of the bits of its best bit plane "
        f"(independent ciphertexts: up to {limit:.1f} %).",
        unit="%",
    )


def _fitting_bits(rest: Image) -> float:
    """Return the largest share of zeros in a bit plane, in percent."""
    return max(100 - 100 * float(np.mean(rest >> plane & 1)) for plane in range(8))


@attack(
    "determinism",
    group="chosen plaintext",
    question="Does the same image under the same key give the same ciphertext?",
    needs="cipher",
)
def determinism(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Encrypt each image twice under one key, and count the equal bytes.

    An attacker who sees both ciphertexts then knows that an image was sent again.
    """
    pairs = [under_one_key(cipher, [image, image], cipher.random_key(rng)) for image in images]
    scores = [equal_share(first, second) for first, second in pairs]
    return Found(
        scores,
        share_chance(sum(image.size for image in images)),
        f"Two ciphertexts of one image agree in {np.mean(scores):.1f} % of their bytes "
        f"(independent ciphertexts: 0.4 %).",
        unit="%",
        pictures={"XOR of the ciphertexts": as_picture(pairs[0][0] ^ pairs[0][1])},
    )
