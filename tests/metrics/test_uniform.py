"""What i.i.d. uniform bytes give: published numbers, exact moments and simulation."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dkg import metrics

from .checks import KEY_BYTES, assert_moments, assert_plausible, ideal_bytes


def test_ideal_entropy_of_one_two_and_three_bytes():
    assert metrics.ideal_entropy(1) == metrics.Ideal(0.0, 0.0)

    two = metrics.ideal_entropy(2)
    assert two.mean == pytest.approx(255 / 256)
    assert two.standard_deviation == pytest.approx(math.sqrt(255) / 256)

    # Three bytes are all different, or one differs, or none does.
    values = np.array([math.log2(3), math.log2(3) - 2 / 3, 0])
    chances = np.array([255 * 254, 3 * 255, 1]) / 256**2
    mean = chances @ values
    three = metrics.ideal_entropy(3)
    assert three.mean == pytest.approx(mean)
    assert three.standard_deviation == pytest.approx(math.sqrt(chances @ (values - mean) ** 2))


@pytest.mark.parametrize("n_bytes", [65_536, KEY_BYTES, 10_000_000])
def test_ideal_entropy_follows_the_published_expansions(n_bytes):
    ideal = metrics.ideal_entropy(n_bytes)
    # The mean: Miller and Madow (1955) and the next term, Harris (1975). What is left out is of
    # the order of 256^3 / n^3. The spread: 2 n ln 2 (8 - entropy) is a likelihood ratio, which
    # Lawley's (1956) factor brings to a chi-square distribution but for terms in (256 / n)^2.
    bias = 255 / (2 * n_bytes) + (256**2 - 1) / (12 * n_bytes**2)
    assert ideal.mean == pytest.approx(8 - bias / math.log(2), abs=(256 / n_bytes) ** 3)
    spread = math.sqrt(255 / 2) / (n_bytes * math.log(2)) * (1 + 257 / (6 * n_bytes))
    assert ideal.standard_deviation == pytest.approx(spread, rel=(256 / n_bytes) ** 2)


def test_ideal_entropy_of_a_key():
    assert round(metrics.ideal_entropy(KEY_BYTES).mean, 5) == 7.99906


@pytest.mark.parametrize("n_bytes", [100, 1936, 65_536])
def test_ideal_entropy_by_simulation(rng, n_bytes):
    values = [metrics.entropy(ideal_bytes(rng, n_bytes)) for _ in range(3000)]
    # The excess kurtosis is that of chi-square with 255 degrees of freedom, the limit.
    assert_moments(values, metrics.ideal_entropy(n_bytes), excess_kurtosis=12 / 255)


# 100 bytes are too few for a normal distribution, as the docstring of Ideal.interval says.
@pytest.mark.parametrize("n_bytes", [1936, 65_536])
def test_ideal_entropy_interval_by_simulation(rng, n_bytes):
    interval = metrics.ideal_entropy(n_bytes).interval(0.05)
    values = [metrics.entropy(ideal_bytes(rng, n_bytes)) for _ in range(3000)]
    assert_plausible(sum(value not in interval for value in values), 3000, 0.05)


def test_local_entropy_constants_are_those_of_wu_et_al():
    block = metrics.ideal_entropy(1936)
    assert round(block.mean, 6) == 7.902469
    assert round(block.standard_deviation, 6) == 0.008694


def test_local_entropy_intervals_published_and_right():
    circulating = metrics.local_entropy_interval(circulating=True)
    assert (round(circulating.low, 6), round(circulating.high, 6)) == (7.901901, 7.903037)
    right = metrics.local_entropy_interval()
    half_width = 1.96 * 0.008694 / math.sqrt(30)
    assert right.low == pytest.approx(7.902469 - half_width, abs=2e-6)
    assert right.high == pytest.approx(7.902469 + half_width, abs=2e-6)


@pytest.mark.slow
def test_local_entropy_interval_in_circulation_refuses_most_ideal_data(rng):
    trials = 3000
    right = metrics.local_entropy_interval(0.05)
    circulating = metrics.local_entropy_interval(0.05, circulating=True)
    values = [metrics.local_entropy(ideal_bytes(rng, 256, 256, 3), rng) for _ in range(trials)]
    assert_plausible(sum(value not in right for value in values), trials, 0.05)
    # A mean of 30 blocks spreads sqrt(30) times as far as that interval supposes.
    refused = 2 * stats.norm.sf(stats.norm.isf(0.025) / math.sqrt(30))
    assert_plausible(sum(value not in circulating for value in values), trials, refused)


def test_chi_square_critical_value_published():
    assert round(metrics.chi_square_critical_value(0.05), 2) == 293.25


@pytest.mark.slow
def test_chi_square_by_simulation(rng):
    trials = 3000
    results = [metrics.chi_square(ideal_bytes(rng, 16_384)) for _ in range(trials)]
    above = [result.statistic > metrics.chi_square_critical_value(0.05) for result in results]
    assert above == [result.p_value < 0.05 for result in results]
    assert_plausible(sum(above), trials, 0.05)


@pytest.mark.parametrize(
    ("n_bytes", "npcr_low", "uaci_low", "uaci_high"),
    [(65_536, 99.5693, 33.2824, 33.6447), (KEY_BYTES, 99.5862, 33.3589, 33.5681)],
)
def test_published_npcr_and_uaci_intervals(n_bytes, npcr_low, uaci_low, uaci_high):
    npcr, uaci = metrics.npcr_interval(n_bytes), metrics.uaci_interval(n_bytes)
    assert (round(npcr.low, 4), npcr.high) == (npcr_low, 100)
    assert (round(uaci.low, 4), round(uaci.high, 4)) == (uaci_low, uaci_high)


def test_ideal_npcr_and_uaci_are_the_moments_over_all_pairs_of_bytes():
    a, b = np.meshgrid(np.arange(256), np.arange(256))
    for ideal, values in [
        (metrics.ideal_npcr(1), 100.0 * (a != b)),
        (metrics.ideal_uaci(1), 100 * abs(a - b) / 255),
    ]:
        assert ideal.mean == pytest.approx(values.mean())
        assert ideal.standard_deviation == pytest.approx(values.std())


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("n_bytes", [4096, 65_536])
def test_npcr_and_uaci_intervals_by_simulation(rng, n_bytes, alpha):
    trials = 3000
    npcr, uaci = metrics.npcr_interval(n_bytes, alpha), metrics.uaci_interval(n_bytes, alpha)
    refused_npcr = refused_uaci = 0
    for _ in range(trials):
        a, b = ideal_bytes(rng, 2, n_bytes)
        refused_npcr += metrics.npcr(a, b) not in npcr
        refused_uaci += metrics.uaci(a, b) not in uaci
    # The number of changed bytes is binomial; its steps move the level a little.
    refusal = stats.binom.cdf(math.ceil(npcr.low * n_bytes / 100) - 1, n_bytes, 255 / 256)
    assert_plausible(refused_npcr, trials, refusal)
    assert_plausible(refused_uaci, trials, alpha)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_npcr_interval_keeps_its_level_for_a_key(alpha):
    low = metrics.npcr_interval(KEY_BYTES, alpha).low
    refusal = stats.binom.cdf(math.ceil(low * KEY_BYTES / 100) - 1, KEY_BYTES, 255 / 256)
    # One step of the count, at the edge of the interval, is the most that can be lost.
    step = stats.binom.pmf(math.ceil(low * KEY_BYTES / 100), KEY_BYTES, 255 / 256)
    assert abs(refusal - alpha) <= step


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_ideal_correlation_by_simulation(rng, direction):
    trials = 3000
    ideal = metrics.ideal_correlation(256)
    values = [
        metrics.adjacent_correlation(ideal_bytes(rng, 64, 64, 3), direction, rng=rng)
        for _ in range(trials)
    ]
    assert_moments(values, ideal)
    interval = ideal.interval(0.05)
    assert_plausible(sum(value not in interval for value in values), trials, 0.05)


def test_ideal_correlation_of_every_pair_by_simulation(rng):
    trials, pairs = 1000, 3 * 32 * 31
    ideal = metrics.ideal_correlation(pairs)
    values = [
        metrics.adjacent_correlation(ideal_bytes(rng, 32, 32, 3), "horizontal", None)
        for _ in range(trials)
    ]
    assert_moments(np.array(values) + 1 / pairs, ideal)


def test_numbers_in_the_documentation_are_what_the_module_returns():
    page = Path(__file__).parents[2] / "docs" / "measures.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
