"""What uniform bytes give: closed forms beside simulation, and how often intervals hold."""

import math

import numpy as np
import pytest
from scipy import stats

from dkg import metrics
from dkg.evaluation.measures import (
    MEASURES,
    bit_planes,
    comparison,
    encrypt_all,
    histogram,
    sensitivity,
)
from dkg.evaluation.measures import texture as glcm
from dkg.evaluation.measures.sample import Simulated, measured
from dkg.metrics import Ideal

from .conftest import Noise

# Fixed in advance: the central 99.99 % of what a simulation of this size gives.
Z = stats.norm.isf(0.00005)
TRIALS = 2000


def noise(rng, *shape):
    return rng.integers(0, 256, shape, np.uint8)


def check(values, ideal):
    """Mean and standard deviation of a simulation, within the spread that its size allows."""
    values = np.array(values)
    n, deviation = len(values), ideal.standard_deviation
    assert abs(values.mean() - ideal.mean) <= Z * deviation / math.sqrt(n)
    kurtosis = max(0.0, float(stats.kurtosis(values)))
    assert abs(values.std() / deviation - 1) <= Z * math.sqrt((2 + kurtosis) / n) / 2


@pytest.mark.parametrize("name", ["contrast", "energy", "homogeneity"])
def test_texture(rng, name):
    values = [glcm.texture(glcm.co_occurrence(noise(rng, 24, 40)))[name] for _ in range(TRIALS)]
    check(values, glcm.ideal_texture(name, 24, 40))


def test_baci_leaves_the_border_out(rng):
    shape = (60, 60)
    values = [sensitivity.baci(noise(rng, *shape), noise(rng, *shape)) for _ in range(TRIALS)]
    ideal = sensitivity.ideal_baci(shape[0] * shape[1])
    assert abs(np.mean(values) - ideal.mean) <= Z * ideal.standard_deviation / math.sqrt(TRIALS)
    # The border has fewer pairs: of 3,600 pixels 236 are there, so that the spread is a bit larger.
    assert 0.95 < np.std(values) / ideal.standard_deviation < 1.15


def test_deviation_from_ideality(rng):
    values = [histogram.deviation_from_ideality(noise(rng, 20_000)) for _ in range(TRIALS)]
    ideal = histogram.ideal_deviation(20_000)
    # A count of 78 is not quite normal.
    assert np.mean(values) == pytest.approx(ideal.mean, rel=0.005)
    assert np.std(values) == pytest.approx(ideal.standard_deviation, rel=0.1)


@pytest.mark.parametrize("power, measure", [(1, comparison.mae), (2, metrics.mse)])
def test_errors_against_uniform_bytes(rng, images, power, measure):
    plain = images[0]
    values = [measure(plain, noise(rng, *plain.shape)) for _ in range(TRIALS)]
    check(values, comparison.ideal_error(plain, power))


def test_entropy_of_bits(rng):
    values = [metrics.entropy(rng.integers(0, 2, 4000, np.uint8)) for _ in range(TRIALS)]
    check(values, bit_planes.ideal_bit_entropy(4000))


def test_the_interval_of_chi_square_is_exact_for_any_number_of_images():
    for n in (1, 8):
        row = measured(
            "x", "x", [255.0] * n, [Ideal(255, math.sqrt(510))] * n, where="", tail="upper"
        )
        assert row.ideal_high == pytest.approx(stats.chi2.isf(0.05, 255 * n) / n)


def test_one_image_has_no_interval_of_its_mean_and_the_same_as_in_the_metrics():
    row = measured("x", "x", [33.0], [metrics.ideal_uaci(1000)], where="")
    interval = metrics.uaci_interval(1000)
    assert (row.ideal_low, row.ideal_high) == pytest.approx((interval.low, interval.high))
    assert math.isnan(row.low) and row.n == 1
    row = measured(
        "x", "x", [99.0], [metrics.ideal_npcr(1000)], where="", tail="lower", ends=(0, 100)
    )
    interval = metrics.npcr_interval(1000)
    assert (row.ideal_low, row.ideal_high) == pytest.approx((interval.low, interval.high))


def test_simulated_moments_widen_the_interval(rng):
    ideal, simulated = Ideal(0, 1), Simulated(0, 1, 5)
    exact, wider = (measured("x", "x", [0.0], [i], where="") for i in (ideal, simulated))
    assert wider.ideal_high == pytest.approx(stats.t.isf(0.025, 4) * math.sqrt(1 + 1 / 5))
    assert exact.ideal_high == pytest.approx(stats.norm.isf(0.025))


def test_undefined_values_are_left_out():
    row = measured(
        "x", "x", [math.nan, 2.0, 4.0], [Ideal(1, 1), Ideal(3, 1), Ideal(5, 1)], where=""
    )
    assert (row.value, row.ideal, row.n) == (3, 4, 2)
    row = measured("x", "x", [math.nan], [Ideal(1, 1)], where="")
    assert math.isnan(row.value) and row.ideal is None and row.looks_random is None


@pytest.mark.slow
def test_intervals_hold_uniform_bytes_in_95_percent_of_cases(rng, images):
    families = ["histogram", "deviation", "correlation", "distance", "texture", "bit-planes"]
    families += ["plaintext-sensitivity", "key-sensitivity"]
    trials, inside = 80, {}
    for _ in range(trials):
        sample = encrypt_all(Noise(rng), images, rng)
        for family in families:
            for row in MEASURES[family].run(sample, rng):
                if row.looks_random is not None:
                    inside.setdefault(row.name, []).append(row.looks_random)
    low, high = stats.binom.interval(0.9999, trials, 0.95)
    assert len(inside) > 45
    # The last bits of a constant plane's plaintext have no correlation.
    for name, held in inside.items():
        assert low <= sum(held) <= high, name
    total = [value for held in inside.values() for value in held]
    assert 0.93 < np.mean(total) < 0.97
