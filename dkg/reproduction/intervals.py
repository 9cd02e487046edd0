"""Prediction intervals over trainings and images, and bounds on what chance gives.

A sample holds the same measure for k trainings and m images, every training with every image:
``y[t, i] = mean + training[t] + image[i] + rest[t, i]``. What is predicted is the mean over `n` new
images of one new training. Its error has the variances of a training, of the images and of the
rest, and so has the sample's mean: with the mean squares of a two-way analysis of variance,

``a = training: s_t (1 + 1/k)``, ``b = images: s_i (1/n + 1/m)``, ``c = rest: s_r (1/n + 1/(k m))``

are added up, and Student's t quantile is taken at Satterthwaite's degrees of freedom [1]_.

References
----------
.. [1] F. E. Satterthwaite, "An Approximate Distribution of Estimates of Variance Components",
   Biometrics Bulletin 2(6), 1946.
.. [2] Z. Sidak, "Rectangular Confidence Regions for the Means of Multivariate Normal
   Distributions", JASA 62(318), 1967.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95
_DRAWS = 2000


class Prediction(NamedTuple):
    """An interval for the mean over new images of one new training.

    ``low`` and ``high`` are its ends, ``centre`` the sample's mean, ``freedom`` the degrees of
    freedom of Student's t.
    """

    low: float
    high: float
    centre: float
    freedom: float


def predict(sample: ArrayLike, n: int = 1, level: float = LEVEL) -> Prediction | None:
    """Return the interval that holds the mean over `n` new images of one new training.

    Parameters
    ----------
    sample : array-like
        float (k, m): a measure for k trainings and m images. With one training the images alone
        scatter, with one image the trainings alone.
    n : int, default 1
        Number of new images.
    level : float, default 0.95
        How often the interval holds it.

    Returns
    -------
    Prediction or None
        None for a sample of one number, which does not scatter.
    """
    y = _sample(sample)
    k, m = y.shape
    if y.size < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        centre = y.mean()
        squares = _mean_squares(y)
        rest = squares[2]
        variances = np.array([max(0, squares[0] - rest) / m, max(0, squares[1] - rest) / k, rest])
        factors = np.array(
            [1 + 1 / k if k > 1 else 0.0, 1 / n + 1 / m if m > 1 else 0.0, 1 / n + 1 / (k * m)]
        )
        variance = variances @ factors
        freedom = _freedom(squares, factors, (k, m), variance)
        margin = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(variance)
        low, high = centre - margin, centre + margin
    return Prediction(float(low), float(high), float(centre), freedom)


def _mean_squares(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean squares of trainings, of images and of the rest; 0 for a single one."""
    k, m = y.shape
    rows, columns = y.mean(axis=1), y.mean(axis=0)
    of_rest = 0.0
    if k > 1 and m > 1:
        residual = y - rows[:, None] - columns + y.mean()
        of_rest = (residual**2).sum() / ((k - 1) * (m - 1))
    of_trainings = m * rows.var(ddof=1) if k > 1 else 0.0
    return np.array([of_trainings, k * columns.var(ddof=1) if m > 1 else 0.0, of_rest])


def _freedom(
    squares: NDArray[np.float64],
    factors: NDArray[np.float64],
    size: tuple[int, int],
    variance: np.float64,
) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of mean squares."""
    k, m = size
    degrees = np.array([k - 1, m - 1, (k - 1) * (m - 1)])
    least = float(degrees[degrees > 0].min())
    first, second = factors[0] / m, factors[1] / k
    weights = np.array([first, second, factors[2] - first - second])
    spread = ((weights * squares) ** 2 / np.maximum(degrees, 1)).sum()
    freedom = float(variance**2 / spread) if spread else least
    return max(least, freedom) if np.isfinite(freedom) else least


def bootstrap(
    sample: ArrayLike, n: int = 1, level: float = LEVEL, seed: int = 0
) -> tuple[float, float] | None:
    """Return the interval of `predict` without its normal distributions, by resampling.

    A new training and `n` new images are drawn from the sample; their mean's distance from the
    mean of a resampled sample, trainings first and images then, is the prediction's error. The
    distances are widened by sqrt(k / (k - 1)). With only eight trainings this interval contains a
    further training less often than `level` says, so `predict` decides.

    Parameters
    ----------
    sample, n, level
        See `predict`.
    seed : int, default 0
        Random seed of the draws, the same for every record.

    Returns
    -------
    tuple of float or None
        The ends; None for a sample of one number.
    """
    y = _sample(sample)
    if y.size < 2:
        return None
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore", invalid="ignore"):
        return _resampled(y, n, level, rng)


def _resampled(
    y: NDArray[np.float64], n: int, level: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the ends of the bootstrap's interval."""
    k, m = y.shape
    # The mean of resampled rows and columns is a product with how often each was drawn.
    rows = rng.multinomial(k, np.full(k, 1 / k), _DRAWS) / k
    columns = rng.multinomial(m, np.full(m, 1 / m), _DRAWS) / m
    centres = np.einsum("dk,km,dm->d", rows, y, columns)
    new_images = rng.multinomial(n, np.full(m, 1 / m), _DRAWS) / n
    new = np.einsum("dm,dm->d", y[rng.integers(k, size=_DRAWS)], new_images)
    wider = np.sqrt(k / (k - 1) if k > 1 else m / (m - 1))
    low, high = np.quantile(wider * (new - centres), [(1 - level) / 2, (1 + level) / 2])
    return float(y.mean() + low), float(y.mean() + high)


def corrected(level: float, n: int) -> float:
    """Return the level of each of `n` intervals that together hold at `level` (Sidak [2]_)."""
    return float(level ** (1 / max(n, 1)))


def chance_bound(deviation: float, n: int, level: float = LEVEL) -> float:
    """Return what the mean of `n` absolute correlations of noise stays below.

    Parameters
    ----------
    deviation : float
        Standard deviation of one correlation, whose mean is 0.
    n : int
        How many independent ones are averaged.
    level : float, default 0.95
        How often the mean stays below the bound.
    """
    if n == 1:
        return deviation * float(stats.norm.ppf((1 + level) / 2))
    # The distribution of the sum is the n-fold convolution of the half-normal one.
    step, cells = 1 / 256, 2048
    edges = np.arange(cells + 1) * step
    shares = np.diff(stats.halfnorm.cdf(edges))
    length = cells * n
    total = np.cumsum(np.fft.irfft(np.fft.rfft(shares, 2 * length) ** n, 2 * length)[:length])
    # A number stands for the middle of its cell.
    return deviation * (float(np.searchsorted(total, level)) + n / 2) * step / n


def _sample(sample: ArrayLike) -> NDArray[np.float64]:
    y = np.asarray(sample, float)
    if y.ndim != 2 or not y.size:
        raise ValueError(f"a sample has a row for each training, not the shape {y.shape}")
    return y
