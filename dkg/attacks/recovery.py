"""Attacks on the ciphertext alone, side by side: how much of each plaintext they recover.

Every attack makes a coarse image of 64 x 64 values from a ciphertext of 256 x 256 pixels, one for
each cell of 4 x 4 pixels. It is compared with the plaintext and, as a control, with the plaintexts
of the other ciphertexts, which look alike. Not in the paper.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from dkg import metrics
from dkg.attacks.ciphertext_only import phase_pca
from dkg.attacks.inversion import (
    METHODS,
    check_disjoint,
    check_stack,
    coarse,
    fit,
    training_pairs,
)
from dkg.attacks.scoring import standardised
from dkg.cipher import check_images, xor

ATTACKS = ("block means", "principal component", *METHODS)
"""Attacks of `recover`: the last two learn from other keys and images."""

_RESAMPLES = 2000  # Of the images, and of wrong pairs.


@dataclass(frozen=True, eq=False)
class Recovery:
    """What attacks recovered from ciphertexts.

    Attributes
    ----------
    table : pandas.DataFrame
        One row for each attack (its index), as `compare_recovered` returns it.
    recovered : dict of str to ndarray of floating-point numbers, shape (n, rows, columns)
        What each attack recovered. The last two give gray levels; the scale and the sign of the
        other two mean nothing.
    plain, ciphertexts : ndarray of uint8, shape (n, height, width, 3)
        What was encrypted, and what was attacked.
    """

    table: pd.DataFrame
    recovered: dict[str, NDArray[np.floating]] = field(repr=False)
    plain: NDArray[np.uint8] = field(repr=False)
    ciphertexts: NDArray[np.uint8] = field(repr=False)

    def picture(self, attack: str, image: int = 0) -> NDArray[np.uint8]:
        """Return what one of the learned attacks recovered of an image, as uint8."""
        gray: NDArray[np.uint8] = np.clip(self.recovered[attack][image], 0, 255).astype(np.uint8)
        return gray

    @property
    def strongest(self) -> str:
        """The attack with the largest correlation with the plaintexts."""
        return str(self.table["correlation"].idxmax())


def recover(
    keys: ArrayLike,
    images: ArrayLike,
    *,
    n_test: int = 16,
    attacks: Iterable[str] = ATTACKS,
    n_pairs: int = 200,
    steps: int = 200,
    seed: int | None = None,
    progress: bool = True,
) -> Recovery:
    """Attack ciphertexts without their keys, in several ways.

    The last `n_test` images are encrypted by XOR with the last `n_test` keys and attacked. The
    attacker learns from the other keys and images, which are encrypted in random pairs.

    Parameters
    ----------
    keys, images : numpy.ndarray
        uint8 (k, height, width, 3) and (m, height, width, 3) with k and m above `n_test`; sides at
        least 32 pixels and multiples of 4. No key or image of the test may be among the others.
    n_test : int, default 16
        Ciphertexts to attack, at least 3. Their plaintexts are also the candidates among which the
        right one is to be named.
    attacks : iterable of str, default `ATTACKS`
        Which attacks to try.
    n_pairs, steps : int, default 200
        Encrypted pairs to learn from, and steps of the U-Net's training.
    seed : int, optional
        Random seed of pairs, U-Net and resampling. Default: the system's entropy.
    progress : bool, default True
        Show a progress bar of the U-Net's training where standard error is a terminal.

    Returns
    -------
    Recovery
        The comparison of the attacks, and the images that they recovered.

    Raises
    ------
    ValueError
        Also if a key or an image of the test is among those to learn from, or there are too few.
    """
    keys, images = check_images(keys, "keys"), check_images(images, "images")
    attacks = list(attacks)
    if unknown := [name for name in attacks if name not in ATTACKS]:
        raise ValueError(f"unknown attack {unknown[0]!r}; the attacks are {', '.join(ATTACKS)}")
    if n_test < 3 or min(len(keys), len(images)) <= n_test:
        raise ValueError(
            "n_test must be at least 3 and below the number of keys and of images, "
            f"not {n_test} of {len(keys)} keys and {len(images)} images"
        )
    known_keys, test_keys = keys[:-n_test], keys[-n_test:]
    known, plain = images[:-n_test], images[-n_test:]
    check_disjoint(known_keys, test_keys, "keys")
    check_disjoint(known, plain, "images")
    ciphertexts = xor(plain, test_keys)
    recovered: dict[str, NDArray[np.floating]] = {}
    if "block means" in attacks:
        recovered["block means"] = coarse(ciphertexts)
    if "principal component" in attacks:
        recovered["principal component"] = np.stack([phase_pca(one) for one in ciphertexts])
    if learned := [name for name in METHODS if name in attacks]:
        pairs = training_pairs(known_keys, known, n_pairs, seed=seed)
        for name in learned:
            model = fit(*pairs, name, steps=steps, seed=seed, progress=progress)
            recovered[name] = model.predict(ciphertexts)
    rows = {
        name: compare_recovered(recovered[name], plain, signed=name in METHODS, seed=seed)
        for name in attacks
    }
    table = pd.DataFrame(rows).T.rename_axis("attack")
    return Recovery(table, recovered, plain, ciphertexts)


def mean_image(known: ArrayLike, images: ArrayLike, *, seed: int | None = None) -> pd.Series:
    """Compare images with the mean of others of their kind, which needs no ciphertext.

    Parameters
    ----------
    known, images : numpy.ndarray
        uint8 (m, height, width, 3) and (n, height, width, 3), n >= 3.
    seed : int, optional
        As for `recover`.

    Returns
    -------
    pandas.Series
        As `compare_recovered` returns it. The mean is the same for all images, so that right and
        wrong pairs give the same correlation.
    """
    images = check_stack(images, "images")
    mean = coarse(known).mean(axis=0)
    return compare_recovered(np.repeat(mean[np.newaxis], len(images), axis=0), images, seed=seed)


def compare_recovered(
    recovered: NDArray[np.floating],
    plain: ArrayLike,
    *,
    signed: bool = True,
    seed: int | None = None,
) -> pd.Series:
    """Compare recovered images with their plaintexts.

    Parameters
    ----------
    recovered : numpy.ndarray
        Floating-point (n, height / 4, width / 4), n >= 3.
    plain : numpy.ndarray
        uint8 (n, height, width, 3) or (n, height, width), in the same order.
    signed : bool, default True
        Whether the recovered images have the plaintexts' scale and sign. If not, absolute
        correlations count, and there is no SSIM.
    seed : int, optional
        Random seed of the resampling. Default: the system's entropy.

    Returns
    -------
    pandas.Series
        - ``correlation``: mean over the images of the correlation with the plaintext's cells of
          4 x 4 pixels, 0 where a recovered image is constant; ``low``, ``high``: its 95 % interval
          (percentile bootstrap over the images).
        - ``chance_low``, ``chance_high``: 95 % of such means if each recovered image is compared
          with the plaintext of another one. A leak lies above.
        - ``named``: share of the images whose plaintext fits best among the n, 0 to 1, by the
          partial correlation given the mean of all plaintexts; ``named_low``, ``named_high``: its
          95 % interval; ``named_chance``: what random guesses stay below in 95 % of cases.
        - ``ssim``: mean structural similarity at a quarter of the size; NaN if not `signed`.
    """
    plain = check_stack(plain, "plain")
    wanted = coarse(plain).astype(np.float64)
    if recovered.shape != wanted.shape or len(plain) < 3:
        raise ValueError(
            f"recovered must have the shape (n, height / 4, width / 4) of at least 3 plaintexts, "
            f"{wanted.shape}, not {recovered.shape}"
        )
    random = np.random.default_rng(seed)
    n = len(plain)
    found = standardised(recovered.reshape(n, -1).astype(np.float64))
    scores = found @ standardised(wanted.reshape(n, -1)).T  # (recovered, plaintext)
    shared = standardised(wanted.mean(axis=0).reshape(1, -1))
    naming = _without(found, shared) @ _without(wanted.reshape(n, -1), shared).T
    if not signed:
        scores, naming = np.abs(scores), np.abs(naming)
    own = naming[np.arange(n), np.arange(n)]
    # A tie is no success, so that a constant image names nothing.
    right = np.diag(scores), ((naming >= own[:, np.newaxis]).sum(axis=1) == 1).astype(float)
    (low, high), (named_low, named_high) = (_interval(values, random) for values in right)
    wrong = [scores[np.arange(n), _derangement(n, random)].mean() for _ in range(_RESAMPLES)]
    chance_low, chance_high = np.quantile(wrong, (0.025, 0.975))
    similar = [_ssim(a, b) for a, b in zip(recovered, wanted, strict=True)] if signed else np.nan
    return pd.Series(
        {
            "correlation": right[0].mean(),
            "low": low,
            "high": high,
            "chance_low": chance_low,
            "chance_high": chance_high,
            "named": right[1].mean(),
            "named_low": named_low,
            "named_high": named_high,
            "named_chance": binom.ppf(0.95, n, 1 / n) / n,
            "ssim": np.mean(similar),
        }
    )


def _without(rows: NDArray[np.float64], shared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove a standardised image (1, m) from each row (n, m), and standardise what is left."""
    rows = standardised(rows)
    return standardised(rows - (rows @ shared.T) * shared)


def _interval(values: NDArray[np.floating], random: np.random.Generator) -> NDArray[np.float64]:
    """Return the 95 % interval of a mean, by resampling the values."""
    means = random.choice(values, (_RESAMPLES, len(values))).mean(axis=1)
    limits: NDArray[np.float64] = np.quantile(means, (0.025, 0.975))
    return limits


def _derangement(n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return a random permutation that leaves nothing in its place."""
    while True:
        order = random.permutation(n)
        if (order != np.arange(n)).all():
            return order


def _ssim(recovered: NDArray[np.floating], wanted: NDArray[np.floating]) -> float:
    """Return the structural similarity of two images of gray levels; NaN below 7 x 7 cells."""
    if min(wanted.shape) < 7:
        return np.nan
    first, second = (np.rint(np.clip(x, 0, 255)).astype(np.uint8) for x in (recovered, wanted))
    return metrics.ssim(first, second)
