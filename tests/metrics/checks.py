"""Bytes to measure, and how far a simulation may lie from what is expected.

What a simulation may show is fixed in advance: the central 99.99 % of the binomial (or normal)
distribution that holds if the module is right.
"""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

CONFIDENCE = 0.9999
Z = stats.norm.isf((1 - CONFIDENCE) / 2)
KEY_BYTES = 256 * 256 * 3

shapes_of_any_kind = hnp.array_shapes(max_dims=3, max_side=12)
byte_arrays = hnp.arrays(np.uint8, shapes_of_any_kind)


@st.composite
def byte_pairs(draw, shapes=shapes_of_any_kind):
    shape = draw(shapes)
    return draw(hnp.arrays(np.uint8, shape)), draw(hnp.arrays(np.uint8, shape))


def ideal_bytes(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def signed(a):
    """Two's complement spelled out, independent of NumPy's casts."""
    a = a.astype(np.int64)
    return np.where(a > 127, a - 256, a)


def assert_plausible(refused, trials, probability):
    low, high = stats.binom.interval(CONFIDENCE, trials, probability)
    assert low <= refused <= high, f"{refused} of {trials}, expected {low:.0f} to {high:.0f}"


def assert_moments(values, ideal, excess_kurtosis=0.0):
    """Sample mean and standard deviation, within the spread that the sample's size allows."""
    trials = len(values)
    deviation = ideal.standard_deviation
    assert abs(np.mean(values) - ideal.mean) <= Z * deviation / math.sqrt(trials)
    spread = math.sqrt((2 + excess_kurtosis) / trials) / 2
    assert abs(np.std(values) / deviation - 1) <= Z * spread
