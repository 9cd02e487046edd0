"""Sensitivity to one changed pixel of the plaintext, and to the smallest change of the key.

NPCR and UACI are those of `dkg.metrics`. BACI, the block average changing intensity [1]_, is the
mean over all blocks of 2 x 2 pixels of the mean absolute difference between the block's four
absolute differences, in percent of 255; for uniform bytes it is 26.7712.

References
----------
.. [1] Y. Zhang, "The Unified Image Encryption Algorithm Based on Chaos and Cubic S-Box",
   Information Sciences 450, 2018.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dkg import metrics
from dkg.evaluation.measures.comparison import ideal_error
from dkg.evaluation.measures.sample import Sample, each, measured
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image, body, encrypted
from dkg.metrics import Ideal

PLAINTEXT, KEY = "sensitivity to the plaintext", "sensitivity to the key"


def run_plaintext(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Change one byte of each plaintext by one gray level, and compare the ciphertexts."""
    assert sample.cipher is not None, "a measure that needs the cipher is not run without it"
    others = [
        body(encrypted(sample.cipher, change_byte(image, rng), key), image)
        for image, key in zip(sample.images, sample.keys, strict=True)
    ]
    where = "ciphertexts under one key, one byte of the plaintext changed by one gray level"
    return _compared("", PLAINTEXT, sample.ciphertexts, others, where, baci_too=True)


def run_key(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Encrypt and decrypt with a key that has the smallest change."""
    cipher = sample.cipher
    assert cipher is not None, "a measure that needs the cipher is not run without it"
    change: Callable[..., object] | None = getattr(cipher, "change_key", None)
    if change is None:
        why = "not measured: the cipher has no change_key"
        return [measured("NPCR, key changed", KEY, [], unit="%", where=why)]
    changed = [change(key, rng) for key in sample.keys]
    others = [
        body(encrypted(cipher, image, key), image)
        for image, key in zip(sample.images, changed, strict=True)
    ]
    where = "ciphertexts of one image under a key and the changed key"
    rows = _compared(", key changed", KEY, sample.ciphertexts, others, where)
    npcr, uaci = [], []
    for image, full, key in zip(sample.images, sample.full, changed, strict=True):
        back = decrypted(sample, full, key, image)
        npcr.append(math.nan if back is None else metrics.npcr(image, back))
        uaci.append(math.nan if back is None else metrics.uaci(image, back))
    refused = sum(map(math.isnan, npcr))
    where = "plaintexts, and ciphertexts decrypted with the changed key" + (
        f"; refused in {refused} of {len(npcr)}" if refused else ""
    )
    ideals = [metrics.ideal_npcr(image.size) for image in sample.images]
    of_error = [
        Ideal(e.mean * 100 / 255, e.standard_deviation * 100 / 255)
        for e in (ideal_error(image, 1) for image in sample.images)
    ]
    wrong = "decryption with a changed key"
    return [
        *rows,
        measured(
            f"NPCR, {wrong}", KEY, npcr, ideals, unit="%", where=where, tail="lower", ends=(0, 100)
        ),
        measured(f"UACI, {wrong}", KEY, uaci, of_error, unit="%", where=where, ends=(0, 100)),
    ]


def _compared(
    suffix: str,
    group: str,
    first: list[Image],
    second: list[Image],
    where: str,
    *,
    baci_too: bool = False,
) -> list[Measured]:
    """Return NPCR and UACI, and BACI if asked, of pairs of ciphertexts."""
    sizes = [a.size for a in first]
    npcr, _ = each(metrics.npcr, first, second)
    uaci, _ = each(metrics.uaci, first, second)
    rows = [
        measured(
            f"NPCR{suffix}",
            group,
            npcr,
            [metrics.ideal_npcr(size) for size in sizes],
            unit="%",
            where=where,
            tail="lower",
            ends=(0, 100),
        ),
        measured(
            f"UACI{suffix}",
            group,
            uaci,
            [metrics.ideal_uaci(size) for size in sizes],
            unit="%",
            where=where,
            ends=(0, 100),
        ),
    ]
    if baci_too:
        values, reason = each(baci, first, second)
        rows.append(
            measured(
                f"BACI{suffix}",
                group,
                values,
                [ideal_baci(size) for size in sizes],
                unit="%",
                where=f"{where}; {reason}" if reason else where,
                ends=(0, 100),
            )
        )
    return rows


def decrypted(sample: Sample, full: Image, key: object, image: Image) -> Image | None:
    """Decrypt a ciphertext; None if the cipher refuses it, or returns no such image."""
    assert sample.cipher is not None, "a measure that needs the cipher is not run without it"
    try:
        back = sample.cipher.decrypt(full.copy(), key)
    except Exception:  # Whatever the user's code raises is a refusal.
        return None
    same = isinstance(back, np.ndarray) and back.dtype == np.uint8 and back.shape == image.shape
    return back if same else None


def change_byte(image: Image, rng: np.random.Generator) -> Image:
    """Return a copy of an image with one random byte changed by one gray level."""
    changed = image.copy()
    place = tuple(rng.integers(0, image.shape))
    changed[place] = changed[place] + 1 if changed[place] < 255 else 254
    return changed


def baci(a: Image, b: Image) -> float:
    """Return the block average changing intensity of two images of one shape, in percent.

    Every channel value counts on its own. ValueError for fewer than 2 x 2 pixels.
    """
    if min(a.shape[:2]) < 2:
        raise ValueError(f"BACI needs at least 2 x 2 pixels, got shape {a.shape}")
    d = np.abs(np.subtract(a, b, dtype=np.int16))
    corners = [d[:-1, :-1], d[:-1, 1:], d[1:, :-1], d[1:, 1:]]
    total = sum(
        int(np.abs(corners[i] - corners[j]).sum(dtype=np.int64)) for i in range(4) for j in range(i)
    )
    return 100 * total / (6 * 255 * corners[0].size)


def ideal_baci(n_bytes: int) -> Ideal:
    """Return what BACI gives for two arrays of i.i.d. uniform bytes.

    The mean is exact. The variance leaves the image's border out: each pixel then has four
    neighbours in rows and columns, whose difference counts with weight 1/3, and four diagonal
    ones, with weight 1/6.
    """
    mean, of_pair, shared = _moments()
    variance = (2 / 9 + 2 / 36) * of_pair + (2**2 - 4 / 9 - 4 / 36) * shared
    return Ideal(100 * mean / 255, 100 * math.sqrt(variance / n_bytes) / 255)


@cache
def _moments() -> tuple[float, float, float]:
    """Return mean and variance of |d - e|, and the covariance of |d - e| and |d - f|.

    The three numbers d, e, f are independent absolute differences of uniform bytes.
    """
    levels = np.arange(256)
    chance: NDArray[np.float64] = 2 * (256 - levels) / 256**2
    chance[0] /= 2
    difference = np.abs(levels[:, None] - levels).astype(float)
    given = difference @ chance
    mean = float(chance @ given)
    of_pair = float(chance @ difference**2 @ chance) - mean**2
    return mean, of_pair, float(chance @ given**2) - mean**2
