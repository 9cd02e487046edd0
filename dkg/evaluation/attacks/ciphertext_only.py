"""Attacks on the ciphertext alone: averages, principal component, histograms, repeated blocks."""

from dataclasses import replace

import numpy as np
from scipy import stats

from dkg.attacks.ciphertext_only import PERIOD, phase_pca
from dkg.evaluation.attacks.scores import (
    FALSE_ALARMS,
    Chance,
    Found,
    Grid,
    NotApplicable,
    as_picture,
    attack,
    cells,
    correlations,
    grid_picture,
    quantiles,
)
from dkg.evaluation.protocol import Cipher, Image, body, encrypted
from dkg.metrics import chi_square, histogram

BLOCK_BYTES = 8
"""The block of the repeated blocks: half of AES's, so that ciphers of 64-bit blocks count too."""

_DRAWS = 2000


def ciphertexts(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> list[Image]:
    """Encrypt each image under a random key of its own; the rows after the image are left out."""
    return [body(encrypted(cipher, image, cipher.random_key(rng)), image) for image in images]


def check_size(images: list[Image], least: int) -> None:
    """Raise `NotApplicable` if an image has fewer rows or columns than `least`."""
    for image in images:
        if min(image.shape[:2]) < least:
            raise NotApplicable(
                f"Needs images of at least {least} x {least} pixels, not {image.shape[:2]}"
            )


def correlation_found(
    what: str, recovered: list[Grid], images: list[Image], sent: list[Image], side: int,
    rng: np.random.Generator, *, signed: bool = False,
) -> Found:  # fmt: skip
    """Return how well recovered cells follow those of the plaintexts."""
    plain = [cells(image, side) for image in images]
    scores, chance = correlations(recovered, plain, rng, signed=signed)
    return Found(
        scores,
        chance,
        f"{what} correlates with the plaintext by {'' if signed else '|r| = '}"
        f"{np.mean(scores):.3f} (independent ciphertexts: up to {chance.limit:.3f}).",
        unit="" if signed else "|r|",
        pictures={
            "plaintext": as_picture(images[0]),
            "ciphertext": as_picture(sent[0]),
            "recovered": grid_picture(recovered[0], plain[0]),
        },
    )


@attack(
    "averaging",
    group="ciphertext only",
    question="Do averages over the ciphertext show a coarse plaintext?",
    needs="images",
)
def averaging(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Average blocks of 16 x 16 pixels (4 x 4 below 128 pixels), and compare with the plaintext's.

    Unbalanced key bits survive an average (`dkg.attacks.denoise`), and so does any cipher that
    leaves pixels near their place.
    """
    check_size(images, 4 * PERIOD)
    side = 16 if min(min(image.shape[:2]) for image in images) >= 128 else PERIOD
    sent = ciphertexts(cipher, images, rng)
    recovered = [cells(one, side) for one in sent]
    what = f"The mean of {side} x {side} pixels of the ciphertext"
    return correlation_found(what, recovered, images, sent, side, rng)


@attack(
    "principal component",
    group="ciphertext only",
    question="Does the principal component of the pixel phases show a coarse plaintext?",
    needs="images",
)
def principal_component(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Weight the 16 pixel phases of each channel by PCA, as `dkg.attacks.phase_pca` does.

    Cells have 8 x 8 pixels (4 x 4 below 128 pixels); what is left over at the right and lower
    border is not used. Images of other than 1 or 3 channels are taken by their first channel.
    """
    check_size(images, 4 * PERIOD)
    side = 8 if min(min(image.shape[:2]) for image in images) >= 128 else PERIOD
    cut = [image[: len(image) // side * side, : image.shape[1] // side * side] for image in images]
    sent = ciphertexts(cipher, images, rng)
    recovered = [
        phase_pca(_three_channels(one)[: len(part), : part.shape[1]], side)
        for one, part in zip(sent, cut, strict=True)
    ]
    what = f"The principal component of the ciphertext in cells of {side} x {side} pixels"
    return correlation_found(what, recovered, cut, sent, side, rng)


@attack(
    "histogram",
    group="ciphertext only",
    question="Do the byte values of a ciphertext differ from uniform ones?",
    needs="images",
)
def byte_histogram(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Test the byte values of each ciphertext by chi-square with 255 degrees of freedom."""
    if min(image.size for image in images) < 1280:
        raise NotApplicable("Needs images of at least 1,280 bytes for the chi-square test")
    scores = [chi_square(one).statistic for one in ciphertexts(cipher, images, rng)]
    total = stats.chi2(255 * len(scores))
    low, high, limit = (float(total.ppf(q) / len(scores)) for q in (0.025, 0.975, 1 - FALSE_ALARMS))
    return Found(
        scores,
        Chance(low, high, limit),
        f"The chi-square statistic of the byte values is {np.mean(scores):.4g} "
        f"(uniform bytes: 255, up to {limit:.4g}).",
    )


@attack(
    "permutation",
    group="ciphertext only",
    question="Does a ciphertext have its plaintext's histogram?",
    needs="images",
)
def same_histogram(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Compare the histograms of ciphertext and plaintext: a permutation leaves it as it is.

    The score is the part that both histograms have in common. It succeeds above 99 %, or above
    what uniform bytes have in common with these plaintexts if that is more.
    """
    scores, chance = [], np.zeros(_DRAWS)
    for image, one in zip(images, ciphertexts(cipher, images, rng), strict=True):
        plain = histogram(image)
        scores.append(float(100 * np.minimum(plain, histogram(one)).sum() / image.size))
        drawn = rng.multinomial(image.size, np.full(256, 1 / 256), _DRAWS)
        chance += 100 * np.minimum(plain, drawn).sum(axis=1) / image.size
    uniform = quantiles(chance / len(images))
    return Found(
        scores,
        replace(uniform, limit=max(99.0, uniform.limit)),
        f"Ciphertext and plaintext have {np.mean(scores):.1f} % of their histograms in common "
        f"(uniform bytes and these plaintexts: {uniform.low:.1f} to {uniform.high:.1f} %).",
        unit="%",
    )


@attack(
    "repeated blocks",
    group="ciphertext only",
    question="Do blocks of a ciphertext repeat, as in electronic codebook mode?",
    needs="images",
)
def repeated_blocks(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Count the blocks of 8 successive bytes that occur earlier in the same ciphertext.

    Only plaintexts with repeated blocks, such as a black border, show the mode. Uniform bytes
    repeat a block in fewer than 1 of 1,000 evaluations up to 10^8 blocks.
    """
    sent = ciphertexts(cipher, images, rng)
    flat = [one.ravel()[: one.size // BLOCK_BYTES * BLOCK_BYTES] for one in sent]
    if min(one.size for one in flat) < 2 * BLOCK_BYTES:
        raise NotApplicable(f"Needs images of at least {2 * BLOCK_BYTES} bytes")
    blocks = [np.ascontiguousarray(one).view(np.uint64) for one in flat]
    scores = [100 * (1 - len(np.unique(one)) / len(one)) for one in blocks]
    return Found(
        scores,
        Chance(0.0, 0.0, 0.0),
        f"{np.mean(scores):.2f} % of the blocks of {BLOCK_BYTES} bytes occur earlier in the same "
        "ciphertext (uniform bytes: none).",
        unit="%",
        pictures={"plaintext": as_picture(images[0]), "ciphertext": as_picture(sent[0])},
    )


def _three_channels(image: Image) -> Image:
    """Return an RGB image, or a gray one three times."""
    if image.shape[2:] == (3,):
        return image
    gray = image.reshape(*image.shape[:2], -1)[..., :1]
    return np.repeat(gray, 3, axis=2)
