"""Damaged ciphertexts: what comes back after cropping and after salt-and-pepper noise.

Cropping sets the upper left corner of the ciphertext, with the given share of its pixels, to 0.
Salt-and-pepper noise sets a share of its bytes to 0 or 255. The literature counts a high PSNR as a
strength. A stream cipher loses just the bytes that are damaged, and can be changed at will by
anyone for the same reason; a cipher with diffusion loses more; an authenticated one refuses.
"""

import math
from collections.abc import Callable

import numpy as np

from dkg import metrics
from dkg.evaluation.measures.sample import Sample, measured
from dkg.evaluation.measures.sensitivity import decrypted
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image

Damage = Callable[[Image, float, np.random.Generator], Image]

GROUP = "robustness"
SHARES = (1, 5, 10, 25, 50)
"""Percent of a ciphertext that is damaged."""


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Damage the ciphertexts, decrypt them, and compare the result with the plaintexts."""
    rows = []
    for kind, damage in (("cropping", crop), ("salt-and-pepper noise", salt_and_pepper)):
        for percent in SHARES:
            rows += _damaged(sample, rng, kind, percent, damage)
    return rows


def _damaged(
    sample: Sample, rng: np.random.Generator, kind: str, percent: int, damage: Damage
) -> list[Measured]:
    wrong, ratio, lost = [], [], []
    for image, full, key in zip(sample.images, sample.full, sample.keys, strict=True):
        changed = full.copy()
        part = changed[: len(image)]
        part[...] = damage(part, percent / 100, rng)
        lost.append(metrics.npcr(full, changed) * full.size / image.size)
        back = decrypted(sample, changed, key, image)
        wrong.append(math.nan if back is None else metrics.npcr(image, back))
        ratio.append(math.nan if back is None else metrics.psnr(image, back))
    refused = sum(map(math.isnan, wrong))
    where = f"plaintexts, and decryptions of damaged ciphertexts; damaged {np.mean(lost):.2f} %" + (
        f"; refused in {refused} of {len(wrong)}" if refused else ""
    )
    after = f"after {percent} % {kind}"
    return [
        measured(f"wrong bytes {after}", GROUP, wrong, unit="%", where=where),
        measured(f"PSNR {after}", GROUP, ratio, unit="dB", where=where),
    ]


def crop(ciphertext: Image, share: float, rng: np.random.Generator) -> Image:
    """Return a copy whose upper left corner, with this share of the pixels, is 0."""
    damaged = ciphertext.copy()
    rows, columns = (max(1, round(side * math.sqrt(share))) for side in ciphertext.shape[:2])
    damaged[:rows, :columns] = 0
    return damaged


def salt_and_pepper(ciphertext: Image, share: float, rng: np.random.Generator) -> Image:
    """Return a copy in which this share of the bytes, at random places, is 0 or 255."""
    damaged = ciphertext.copy()
    hit = rng.random(ciphertext.shape, np.float32) < share
    damaged[hit] = 255 * rng.integers(0, 2, int(hit.sum()), np.uint8)
    return damaged
