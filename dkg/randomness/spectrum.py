"""Periods: as many high peaks in the spectrum as chance has them."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dkg.compiled import compiled
from dkg.randomness.result import TestResult, as_bits, shorter_than

# ln(1 / 0.05), to the digits of NIST's tool.
_LOG_20 = 2.995732274


@compiled
def _count_below(spectrum: NDArray[np.float64], bound: float) -> int:
    """Return how many values (real and imaginary parts in turn) have a modulus below `bound`."""
    below = 0
    for i in range(0, spectrum.size, 2):
        power = spectrum[i] * spectrum[i] + spectrum[i + 1] * spectrum[i + 1]
        below += power < bound * bound
    return below


def spectral(bits: ArrayLike) -> TestResult:
    """Discrete Fourier transform (spectral) test, section 2.6.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `dkg.randomness.as_bits` reads it; at least 1,000 bits.

    Returns
    -------
    TestResult
        Statistic: d, the normalised difference between N_1 and N_0. Details: ``N_1``, moduli
        below the threshold T among the first n/2 (the zero frequency included), ``N_0``, the 95 %
        of them that are expected, and ``T``.
    """
    bits = as_bits(bits)
    n = bits.size
    parameters = {"n": n}
    if n < 2:
        reason = "a spectrum takes at least 2 bits"
        return TestResult.not_applicable("spectral", parameters, reason)
    spectrum = np.fft.rfft(2.0 * bits - 1.0)[: n // 2]
    threshold = math.sqrt(_LOG_20 * n)
    n_1 = _count_below(spectrum.view(np.float64), threshold)
    n_0 = 0.95 * n / 2
    d = (n_1 - n_0) / math.sqrt(n * 0.95 * 0.05 / 4)
    reason = shorter_than(n, 1000, "2.6.7")
    return TestResult(
        name="spectral",
        parameters=parameters,
        statistics=(d,),
        p_values=(math.erfc(abs(d) / math.sqrt(2)),),
        reason=reason,
        details={"N_1": n_1, "N_0": n_0, "T": threshold},
    )
