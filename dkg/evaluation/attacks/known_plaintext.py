"""Attacks on several images under one key: a known keystream or permutation, and key reuse."""

import math

import numpy as np
from numpy.typing import NDArray

from dkg.attacks.seeds import roughness
from dkg.evaluation.attacks.scores import (
    Found,
    NotApplicable,
    as_picture,
    attack,
    equal_share,
    most_frequent,
    share_chance,
)
from dkg.evaluation.protocol import Cipher, Image, Key, body, encrypted

UNITS = ("rows", "columns", "pixels", "bytes")
"""What a permutation may move, from the largest parts to the smallest."""


def of_one_shape(images: list[Image]) -> list[Image]:
    """Return the images of the most frequent shape; `NotApplicable` if that is only one."""
    shapes = [image.shape for image in images]
    shape = max(shapes, key=shapes.count)
    chosen = [image for image in images if image.shape == shape]
    if len(chosen) < 2:
        raise NotApplicable("Needs two images of one shape")
    return chosen


def under_one_key(cipher: Cipher, images: list[Image], key: Key) -> list[Image]:
    """Encrypt images under one key; the rows after the image are left out."""
    return [body(encrypted(cipher, image, key), image) for image in images]


def read_found(what: str, images: list[Image], sent: list[Image], read: list[Image]) -> Found:
    """Return how many bytes of images were read, and what a constant guess would read."""
    scores = [equal_share(one, image) for one, image in zip(read, images, strict=True)]
    baseline = float(np.mean([most_frequent(image) for image in images]))
    chance = share_chance(sum(image.size for image in images), baseline)
    return Found(
        scores,
        chance,
        f"{what}: {np.mean(scores):.1f} % of the bytes of another image are right "
        f"(the most frequent value alone: {baseline:.1f} %).",
        unit="%",
        pictures={
            "plaintext": as_picture(images[0]),
            "ciphertext": as_picture(sent[0]),
            "recovered": as_picture(read[0]),
        },
    )


def with_keystream(known: Image, known_sent: Image, sent: Image) -> Image:
    """Decrypt with the keystream of a known pair, by XOR or by subtraction: the smoother result."""
    by_xor = sent ^ known_sent ^ known
    by_subtraction = sent - (known_sent - known)
    return min(by_xor, by_subtraction, key=_rough)


@attack(
    "known pair: keystream",
    group="known plaintext",
    question="Does one known pair give a keystream that reads another image under the same key?",
    needs="one key",
)
def keystream(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Take the difference of a known plaintext and its ciphertext off another ciphertext.

    The difference is XOR or subtraction modulo 256, whichever gives the smoother image. Each image
    is read with the pair of the one before it.
    """
    images = of_one_shape(images)
    sent = under_one_key(cipher, images, cipher.random_key(rng))
    read = [with_keystream(images[i - 1], sent[i - 1], sent[i]) for i in range(len(images))]
    return read_found("XOR or subtraction of the keystream of one known pair", images, sent, read)


@attack(
    "known pairs: permutation",
    group="known plaintext",
    question="Do known pairs give the places of rows, pixels or bytes, even under a keystream?",
    needs="one key",
)
def permutation(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Match the parts of known plaintexts with those of their ciphertexts, and undo the moves.

    Each image is read with the pairs of all others. Equal parts are matched in their order, so
    that flat areas need more than one pair. If nothing fits, the same is tried with differences
    from the first pair, by XOR and by subtraction, which have no keystream any more.
    """
    images = of_one_shape(images)
    sent = under_one_key(cipher, images, cipher.random_key(rng))
    unit, read = unpermuted(images, sent, rng)
    for without, again in ((np.bitwise_xor, np.bitwise_xor), (np.subtract, np.add)):
        if unit is not None or len(images) < 3:
            break
        plain, hidden = ([without(one, some[0]) for one in some[1:]] for some in (images, sent))
        unit, found = unpermuted(plain, hidden, rng)
        if unit is not None:
            read = [again(one, images[0]) for one in found]
            images, sent = images[1:], sent[1:]
    if unit is None:
        what = "No permutation fits the known pairs"
    else:
        what = f"A permutation of {unit}, undone by known pairs"
    return read_found(what, images, sent, read)


@attack(
    "key reuse",
    group="ciphertext only",
    question="Do two ciphertexts under one key give the difference of their plaintexts?",
    needs="one key",
)
def key_reuse(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Compare the difference of two ciphertexts with that of the plaintexts, by XOR and modulo 256.

    The larger share of equal bytes counts. A stream cipher that repeats its keystream gives all of
    them; the limit is at least what the most frequent difference alone would give.
    """
    images = of_one_shape(images)
    sent = under_one_key(cipher, images, cipher.random_key(rng))
    scores, baselines = [], []
    for i in range(1, len(images)):
        differences = [
            (images[i] ^ images[i - 1], sent[i] ^ sent[i - 1]),
            (images[i] - images[i - 1], sent[i] - sent[i - 1]),
        ]
        scores.append(max(equal_share(plain, seen) for plain, seen in differences))
        baselines.append(max(most_frequent(plain) for plain, _ in differences))
    baseline = float(np.mean(baselines))
    chance = share_chance(sum(image.size for image in images[1:]), baseline, tries=2)
    return Found(
        scores,
        chance,
        f"The difference of two ciphertexts equals that of their plaintexts in "
        f"{np.mean(scores):.1f} % of the bytes (the most frequent difference alone: "
        f"{baseline:.1f} %).",
        unit="%",
        pictures={
            "one plaintext": as_picture(images[0]),
            "the other plaintext": as_picture(images[1]),
            "XOR of the ciphertexts": as_picture(sent[0] ^ sent[1]),
        },
    )


def unpermuted(
    images: list[Image], sent: list[Image], rng: np.random.Generator
) -> tuple[str | None, list[Image]]:
    """Undo a permutation in each ciphertext, by the pairs of all others.

    Parameters
    ----------
    images, sent : list of numpy.ndarray
        Plaintexts and ciphertexts under one key, all of one shape; at least two.
    rng : numpy.random.Generator
        Draws the weights by which parts are compared.

    Returns
    -------
    unit : str or None
        The largest of `UNITS` that all pairs fit; None if there is none.
    read : list of numpy.ndarray
        The images that were read, or the ciphertexts.
    """
    for unit in UNITS:
        plain_sums, sent_sums = [], []
        for image, one in zip(images, sent, strict=True):
            width = _in_units(image, unit).shape[1]
            weights = np.frombuffer(rng.bytes(8 * width), np.uint64)
            plain_sums.append(_weighted(_in_units(image, unit), weights))
            sent_sums.append(_weighted(_in_units(one, unit), weights))
        plain_total, sent_total = (np.sum(sums, axis=0) for sums in (plain_sums, sent_sums))
        if not np.array_equal(np.sort(plain_total), np.sort(sent_total)):
            continue
        read = []
        for i, one in enumerate(sent):
            # Sums modulo 2^64 without the pair that is attacked.
            order = np.argsort(plain_total - plain_sums[i], kind="stable")
            sent_order = np.argsort(sent_total - sent_sums[i], kind="stable")
            parts = _in_units(one, unit)
            back = np.empty_like(parts)
            back[order] = parts[sent_order]
            read.append(_out_of_units(back, unit, one.shape))
        return unit, read
    return None, sent


def _weighted(parts: NDArray[np.uint8], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the weighted sum of each part modulo 2^64: equal parts have equal sums."""
    sums = np.empty(len(parts), np.uint64)
    for first in range(0, len(parts), 2**16):
        sums[first : first + 2**16] = parts[first : first + 2**16].astype(np.uint64) @ weights
    return sums


def _in_units(image: Image, unit: str) -> NDArray[np.uint8]:
    """Return the parts of an image that a permutation may move, (parts, bytes of a part)."""
    if unit == "columns":
        return image.swapaxes(0, 1).reshape(image.shape[1], -1)
    n = {"rows": image.shape[0], "pixels": math.prod(image.shape[:2]), "bytes": image.size}[unit]
    return image.reshape(n, -1)


def _out_of_units(parts: NDArray[np.uint8], unit: str, shape: tuple[int, ...]) -> Image:
    """Return the image that `_in_units` took apart."""
    if unit == "columns":
        return parts.reshape(shape[1], shape[0], *shape[2:]).swapaxes(0, 1)
    return parts.reshape(shape)


def _rough(image: Image) -> float:
    return roughness(image) if min(image.shape[:2]) > 1 else 0.0
