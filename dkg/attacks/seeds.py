"""Attacks through the seed image: guessed among candidates, or known nearly. Not in the paper."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from dkg.cipher import check_images, xor
from dkg.keys import KeySource


@dataclass(frozen=True, eq=False)
class SeedGuess:
    """The result of guessing a seed image.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Numbers of the candidates, the best guess first.
    roughness : ndarray of float64, shape (n,)
        For each candidate, in gray levels, the mean absolute difference of neighbouring pixels in
        the image decrypted with it. I.i.d. uniform bytes have 85.3; an image has less.
    decrypted : ndarray of uint8, shape (256, 256, 3)
        The ciphertext, decrypted with the best guess.
    """

    order: NDArray[np.int64]
    roughness: NDArray[np.float64]
    decrypted: NDArray[np.uint8]


def guess_seed(
    ciphertext: NDArray[np.uint8], generator: KeySource, candidates: NDArray[np.uint8]
) -> SeedGuess:
    """Find the seed image of a ciphertext among candidates: images are smooth, noise is not.

    The attacker has the network and a set of images that may contain the seed image, and knows
    nothing of the plaintext.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (256, 256, 3).
    generator : KeySource
        The network that made the key, or the attacker's best copy of it.
    candidates : numpy.ndarray
        uint8 (n, 256, 256, 3), n >= 1, possible seed images.
    """
    check_images(candidates, "candidates")
    rough = np.full(len(candidates), np.inf)
    decrypted = ciphertext
    for index, candidate in enumerate(candidates):
        image = xor(ciphertext, generator.generate(candidate))
        smoothest = rough.min()
        rough[index] = roughness(image)
        if rough[index] < smoothest:
            decrypted = image
    return SeedGuess(np.argsort(rough, kind="stable"), rough, decrypted)


def roughness(image: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference of neighbouring pixels, in gray levels.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width) or (height, width, channels), at least 2 x 2 pixels.

    Returns
    -------
    float
        0 to 255; 85.3 for i.i.d. uniform bytes, less for an image.
    """
    levels = image.astype(np.int16)
    return float(np.mean([np.abs(np.diff(levels, axis=axis)).mean() for axis in (0, 1)]))


def approximate_seeds(
    images: NDArray[np.uint8], ways: Mapping[str, tuple[str, int]], *, seed: int = 0
) -> dict[str, NDArray[np.uint8]]:
    """Make approximate seed images in several ways.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3).
    ways : mapping of str to tuple of str and int
        For each way by its name, `how` and `amount` of `approximate_seed`.
    seed : int, default 0
        Random seed of the first image; the next ones have seed + 1 and so on.

    Returns
    -------
    dict of str to numpy.ndarray
        For each way a stack as `images`.
    """
    return {
        name: np.stack([approximate_seed(s, *how, seed=seed + i) for i, s in enumerate(images)])
        for name, how in ways.items()
    }


def approximate_seed(
    seed_image: ArrayLike, how: str, amount: int, *, seed: int | None = None
) -> NDArray[np.uint8]:
    """Make an approximate seed image, as an attacker may have it.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (height, width, 3).
    how : {'JPEG', 'resized', 'noise', 'inverted pixels'}
        Saved as JPEG; resized to a square and back (bicubic, as `PIL.Image.Image.resize`); every
        byte changed at random; or some pixels inverted.
    amount : int
        Quality of the JPEG, 1 to 100; side of the square in pixels, at least 1; largest change of
        a byte in gray levels, 0 to 255; number of pixels, 0 to all.
    seed : int, optional
        Seed of the random numbers for the noise, or for the choice of pixels.

    Returns
    -------
    numpy.ndarray
        Of the seed image's shape and type.
    """
    (image,) = check_images(np.asarray(seed_image)[np.newaxis], "the seed image in a stack of one")
    height, width = image.shape[:2]
    bounds = {
        "JPEG": (1, 100),
        "resized": (1, np.inf),
        "noise": (0, 255),
        "inverted pixels": (0, height * width),
    }
    if how not in bounds:
        raise ValueError(f"how must be one of {', '.join(bounds)}, not {how!r}")
    low, high = bounds[how]
    if not low <= amount <= high:
        raise ValueError(f"amount must lie in {low} to {high} for {how!r}, not {amount}")
    random = np.random.default_rng(seed)
    changed: NDArray[np.uint8] = image.copy()
    if how == "JPEG":
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=amount)
        changed = np.array(Image.open(file))
    elif how == "resized":
        small = Image.fromarray(image).resize((amount, amount), Image.Resampling.BICUBIC)
        changed = np.array(small.resize((width, height), Image.Resampling.BICUBIC))
    elif how == "noise":
        noise = random.integers(-amount, amount + 1, image.shape)
        changed = np.clip(image + noise, 0, 255).astype(np.uint8)
    else:
        chosen = random.choice(height * width, amount, replace=False)
        changed.reshape(-1, 3)[chosen] ^= 255
    return changed
