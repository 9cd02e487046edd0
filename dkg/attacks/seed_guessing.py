"""Seed-guessing attack: find the seed image among candidates with the network. Not in the paper."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    Returns
    -------
    SeedGuess
        The candidates, ordered by the smoothness of the decrypted image.

    Raises
    ------
    ValueError
        If an image is not as described.
    """
    check_images(candidates, "candidates")
    roughness = np.full(len(candidates), np.inf)
    decrypted = ciphertext
    for index, candidate in enumerate(candidates):
        image = xor(ciphertext, generator.generate(candidate))
        smoothest = roughness.min()
        roughness[index] = _roughness(image)
        if roughness[index] < smoothest:
            decrypted = image
    return SeedGuess(np.argsort(roughness, kind="stable"), roughness, decrypted)


def _roughness(image: NDArray[np.uint8]) -> float:
    levels = image.astype(np.int16)
    return float(np.mean([np.abs(np.diff(levels, axis=axis)).mean() for axis in (0, 1)]))
