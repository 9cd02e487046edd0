"""What NPCR says about UACI: a bound, and how far printed tables lie from it.

The bound. Let ``d`` be the difference of two bytes at the same place, ``p_k = P(d = k)``, and let
no difference be more frequent than 0: ``p_k <= p_0``. For every integer t

``E|d| >= t - sum_k max(t - |k|, 0) p_k >= t - p_0 sum_k max(t - |k|, 0) = t - p_0 t^2``,

since ``|k| >= t - max(t - |k|, 0)`` and since the sum over k is ``t^2``. The best t lies within 1/2
of ``1 / (2 p_0)``, which leaves ``E|d| >= (1 - p_0^2) / (4 p_0)``. With ``p_0 = 1 - NPCR`` and
``E|d| = 255 UACI`` this is

``(1 - NPCR) 255 UACI >= (1 - (1 - NPCR)^2) / 4``, about 1/4.

When 0 is the most frequent difference. If the two bytes of a place are independent draws from one
distribution ``q`` (which may differ from place to place), ``p_k = sum_i q_i q_(i+k)`` is at most
``p_0 = sum_i q_i^2`` by the inequality of Cauchy and Schwarz, and averages over places keep it. The
same holds for differences modulo 256, and after XOR with a common image, which only permutes ``q``:
for the ciphertexts of one image under two keys (Table XIV) and for an image
beside its decryption with the wrong key (Table XV). Bytes that tend to be equal have a larger
``p_0`` still. Whatever is done to both images alike before the difference is taken changes ``q``,
and not the argument.

When it is not. Two trainings have a distribution each. If the most frequent difference is r times
as frequent as 0, ``r p_0`` takes the place of ``p_0`` in the proof: the bound is about 1 / (4 r).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

_ROUNDING = 0.01 / np.sqrt(12)  # Standard deviation of a percentage printed with two decimals.


class Product(NamedTuple):
    """The mean of (1 - NPCR) 255 UACI over the pairs of a table, and the bound.

    ``value`` is the mean, ``error`` its standard error from the sampling of NPCR and its rounding,
    ``least`` the mean of the bound, ``below`` how many standard errors the mean lies below it
    (negative if it lies above).
    """

    value: float
    error: float
    least: float
    below: float


def least_uaci(npcr: ArrayLike) -> NDArray[np.float64]:
    """Return the least UACI of images with this NPCR whose most frequent difference is 0.

    Parameters
    ----------
    npcr : array-like
        In percent, 0 to 100.

    Returns
    -------
    numpy.ndarray
        In percent. NaN above 99.80 %: one of the 511 differences of two bytes is 0 in at least 1
        of 511 places if none is more frequent.
    """
    p = 1 - np.asarray(npcr, float) / 100
    possible = p >= 1 / 511
    p = np.where(possible, p, 1.0)
    return np.where(possible, 100 * (1 - p**2) / (4 * p) / 255, np.nan)


def product(npcr: ArrayLike, uaci: ArrayLike, n_bytes: int) -> Product:
    """Compare pairs of NPCR and UACI with the bound.

    Parameters
    ----------
    npcr, uaci : array-like
        In percent, one number for each pair of images, NPCR below 100.
    n_bytes : int
        Places that each NPCR was counted over: 196,608 for all bytes of two keys, 65,536 for one
        channel or for gray pictures. The error is that of independent places.

    Returns
    -------
    Product
        The mean product over the pairs, its error and the bound.
    """
    p = 1 - np.asarray(npcr, float) / 100
    size = 2.55 * np.asarray(uaci, float)
    error_of_p = np.hypot(np.sqrt(p * (1 - p) / n_bytes), _ROUNDING / 100)
    value, least = float((p * size).mean()), float((1 - p**2).mean()) / 4
    error = float(np.sqrt(((error_of_p * size) ** 2).sum()) / p.size)
    return Product(value, error, least, (least - value) / error)


def scatter_p_value(npcr: ArrayLike, n_bytes: int) -> float:
    """Test whether NPCRs scatter as counts over independent places do.

    Parameters
    ----------
    npcr : array-like
        In percent, at least two.
    n_bytes : int
        Places that each was counted over.

    Returns
    -------
    float
        P-value, two-sided: too much and too little scatter both make it small.
    """
    npcr = np.asarray(npcr, float)
    share = npcr.mean() / 100
    variance = 1e4 * share * (1 - share) / n_bytes + _ROUNDING**2
    statistic = (npcr.size - 1) * npcr.var(ddof=1) / variance
    chi_square = stats.chi2(npcr.size - 1)
    return float(2 * min(chi_square.cdf(statistic), chi_square.sf(statistic)))
