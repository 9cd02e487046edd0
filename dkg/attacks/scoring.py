"""How well an attacker recognizes an image: its scores against candidates, and the rank."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.cipher import check_images
from dkg.metrics.comparison import block_correlation, block_means, blurred_edges


def score_candidates(
    images: ArrayLike, candidates: ArrayLike, by: str = "blocks"
) -> NDArray[np.float64]:
    """Score how well each candidate fits each image.

    The scores use neither the key nor whether an image is a negative.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3), such as wrongly decrypted images; at least 48 x 48 pixels.
    candidates : numpy.ndarray
        uint8 (m, height, width, 3), m >= 3: the images that may have been encrypted.
    by : {'blocks', 'edges'}, default 'blocks'
        Compare the means of blocks of 16 x 16 pixels, as `dkg.metrics.block_correlation` does, or
        the edges of the blurred image, as `dkg.metrics.edge_correlation` does.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), 0 to 1: the absolute correlation. The mean of the candidates is subtracted
        from each of them first, because what they share does not distinguish them. 0 where an
        image or a candidate is constant.
    """
    images = check_images(images, "images")
    candidates = check_images(candidates, "candidates")
    if images.shape[1:] != candidates.shape[1:]:
        raise ValueError(
            f"images and candidates differ in shape: {images.shape[1:]} and {candidates.shape[1:]}"
        )
    if min(images.shape[1:3]) < 48:
        raise ValueError(f"images must have at least 48 x 48 pixels, not {images.shape[1:3]}")
    if len(candidates) < 3:
        raise ValueError(f"candidates must be at least 3 images, not {len(candidates)}")
    features = {"blocks": block_means, "edges": blurred_edges}
    if by not in features:
        raise ValueError(f"by must be 'blocks' or 'edges', not {by!r}")
    known = np.stack([features[by](image) for image in candidates])
    seen = np.stack([features[by](image) for image in images])
    known -= known.mean(axis=0)
    return np.abs(standardised(seen) @ standardised(known).T)


def rank(
    images: ArrayLike, candidates: ArrayLike, right: NDArray[np.integer] | int, by: str = "blocks"
) -> NDArray[np.int64]:
    """Return the rank that `score_candidates` gives to the right candidate.

    Parameters
    ----------
    images, candidates, by
        As for `score_candidates`.
    right : numpy.ndarray or int
        The number of the right candidate, for each image or for all of them.

    Returns
    -------
    numpy.ndarray
        One rank for each image, from 1. Among equal scores it is the last place, so that a tie
        never counts as recognized.
    """
    scores = score_candidates(images, candidates, by)
    of_the_right = scores[np.arange(len(scores)), right, np.newaxis]
    ranks: NDArray[np.int64] = (scores >= of_the_right).sum(axis=1)
    return ranks


def leaks(plain: ArrayLike, images: ArrayLike) -> list[float]:
    """Return the absolute block correlation of each plaintext and what is seen of it.

    Parameters
    ----------
    plain, images : numpy.ndarray
        uint8 (n, height, width, 3) or (n, height, width): plaintexts, and their ciphertexts or
        wrongly decrypted images.

    Returns
    -------
    list of float
        0 to 1, one for each image: `dkg.metrics.block_correlation` of blocks of 16 x 16 pixels,
        without its sign, as a negative shows as much.
    """
    pairs = zip(np.asarray(plain), np.asarray(images), strict=True)
    return [abs(block_correlation(first, second)) for first, second in pairs]


def standardised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre rows and scale them to length 1, so that their products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    # Rounding leaves constant rows a length that is not quite 0.
    np.divide(rows, lengths, out=(result := np.zeros_like(rows)), where=lengths > 1e-9)
    return result
