"""The measures against closed forms, published numbers, scikit-image, scipy and simulation.

Simulations draw ideal bytes. Their seed is the checksum of the test's name, and what they may show
is fixed in advance: the central 99.99 % of the binomial (or normal) distribution that holds if the
module is right.
"""

import doctest
import math
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats
from skimage.measure import shannon_entropy
from skimage.metrics import structural_similarity

from dkg import metrics

CONFIDENCE = 0.9999
Z = stats.norm.isf((1 - CONFIDENCE) / 2)
KEY_BYTES = 256 * 256 * 3

shapes_of_any_kind = hnp.array_shapes(max_dims=3, max_side=12)
byte_arrays = hnp.arrays(np.uint8, shapes_of_any_kind)


@st.composite
def byte_pairs(draw, shapes=shapes_of_any_kind):
    shape = draw(shapes)
    return draw(hnp.arrays(np.uint8, shape)), draw(hnp.arrays(np.uint8, shape))


@pytest.fixture
def rng(request):
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


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


# Entropy and histogram


@pytest.mark.parametrize("n_values", [1, 2, 4, 256])
def test_entropy_of_equally_frequent_values(n_values):
    a = np.tile(np.arange(n_values, dtype=np.uint8), 6)
    assert metrics.entropy(a) == pytest.approx(math.log2(n_values), abs=1e-12)


def test_entropy_takes_all_channels_into_one_histogram():
    a = np.zeros((5, 7, 3), np.uint8)
    a[..., 1], a[..., 2] = 100, 200
    assert metrics.entropy(a) == pytest.approx(math.log2(3))


def test_histogram_has_256_counts():
    counts = metrics.histogram(np.array([[0, 0, 255], [7, 0, 255]], np.uint8))
    assert counts.shape == (256,)
    assert {value: int(n) for value, n in enumerate(counts) if n} == {0: 3, 7: 1, 255: 2}


@given(byte_arrays)
def test_entropy_agrees_with_scikit_image(a):
    assert metrics.entropy(a) == pytest.approx(shannon_entropy(a, base=2), abs=1e-12)


@given(byte_arrays, st.randoms())
def test_entropy_ignores_the_order_and_stays_in_range(a, random):
    shuffled = a.ravel().tolist()
    random.shuffle(shuffled)
    assert metrics.entropy(np.array(shuffled, np.uint8)) == metrics.entropy(a)
    assert 0 <= metrics.entropy(a) <= min(8, math.log2(a.size)) + 1e-12


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


# Local entropy


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


def test_local_entropy_interval_in_circulation_refuses_most_ideal_data(rng):
    trials = 3000
    right = metrics.local_entropy_interval(0.05)
    circulating = metrics.local_entropy_interval(0.05, circulating=True)
    values = [metrics.local_entropy(ideal_bytes(rng, 256, 256, 3), rng) for _ in range(trials)]
    assert_plausible(sum(value not in right for value in values), trials, 0.05)
    # A mean of 30 blocks spreads sqrt(30) times as far as that interval supposes.
    refused = 2 * stats.norm.sf(stats.norm.isf(0.025) / math.sqrt(30))
    assert_plausible(sum(value not in circulating for value in values), trials, refused)


def test_local_entropy_takes_every_block_once_if_only_30_fit():
    rows, columns, side = 5, 6, 44
    image = np.zeros((rows * side, columns * side), np.uint8)
    expected = []
    for block in range(rows * columns):
        n_values = block + 1
        row, column = divmod(block, columns)
        values = np.arange(side * side) % n_values
        top, left = row * side, column * side
        image[top : top + side, left : left + side] = values.reshape(side, side)
        expected.append(shannon_entropy(values, base=2))
    assert metrics.local_entropy(image) == pytest.approx(np.mean(expected))


def test_local_entropy_keeps_channels_apart():
    image = np.zeros((256, 256, 3), np.uint8)
    image[...] = [10, 20, 30]
    assert metrics.local_entropy(image) == 0


def test_local_entropy_reaches_the_last_pixel(rng):
    image = np.zeros((221, 221, 3), np.uint8)
    image[-1, -1] = 1
    # One draw reaches it with probability 1/4 (the origin) times 0.78 (30 blocks of 75).
    assert any(metrics.local_entropy(image, rng) > 0 for _ in range(100))


def test_local_entropy_without_room_names_shape_and_count():
    with pytest.raises(ValueError, match=r"\(256, 256\) has room for 25"):
        metrics.local_entropy(np.zeros((256, 256), np.uint8))


# Chi-square


def test_chi_square_closed_forms():
    uniform = metrics.chi_square(np.arange(256, dtype=np.uint8))
    assert (uniform.statistic, uniform.p_value) == (0, 1)
    # All 256 bytes in one cell: (256 - 1)^2 + 255 empty cells of 1.
    assert metrics.chi_square(np.zeros(256, np.uint8)).statistic == 255**2 + 255


def test_chi_square_agrees_with_scipy(rng):
    a = ideal_bytes(rng, 64, 64, 3)
    reference = stats.chisquare(np.histogram(a, bins=256, range=(0, 256))[0])
    result = metrics.chi_square(a)
    assert result.statistic == pytest.approx(reference.statistic)
    assert result.p_value == pytest.approx(reference.pvalue)


def test_chi_square_critical_value_published():
    assert round(metrics.chi_square_critical_value(0.05), 2) == 293.25


def test_chi_square_by_simulation(rng):
    trials = 3000
    results = [metrics.chi_square(ideal_bytes(rng, 16_384)) for _ in range(trials)]
    above = [result.statistic > metrics.chi_square_critical_value(0.05) for result in results]
    assert above == [result.p_value < 0.05 for result in results]
    assert_plausible(sum(above), trials, 0.05)


# NPCR and UACI


def test_uaci_and_npcr_do_not_wrap_around():
    low, high = np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)
    assert metrics.uaci(low, high) == metrics.uaci(high, low) == 100
    one = np.ones((4, 4), np.uint8)
    assert metrics.uaci(low, one) == metrics.uaci(one, low) == pytest.approx(100 / 255)
    assert metrics.npcr(low, one) == 100


def test_npcr_counts_bytes_that_differ():
    a = np.zeros((2, 2, 3), np.uint8)
    b = a.copy()
    b[0, 0, 0], b[1, 1, 2] = 1, 255
    assert metrics.npcr(a, b) == pytest.approx(100 * 2 / 12)
    assert metrics.uaci(a, b) == pytest.approx(100 * 256 / (255 * 12))


@given(byte_pairs())
def test_npcr_and_uaci_against_plain_python(pair):
    a, b = (x.ravel().tolist() for x in pair)
    changed = sum(x != y for x, y in zip(a, b, strict=True))
    distance = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    assert metrics.npcr(*pair) == pytest.approx(100 * changed / len(a))
    assert metrics.uaci(*pair) == pytest.approx(100 * distance / 255 / len(a))


@given(byte_pairs())
def test_npcr_and_uaci_properties(pair):
    a, b = pair
    assert metrics.npcr(a, a) == metrics.uaci(a, a) == 0
    assert (metrics.npcr(a, b) == 0) == np.array_equal(a, b)
    assert metrics.npcr(a, b) == metrics.npcr(b, a)
    assert metrics.uaci(a, b) == metrics.uaci(b, a)
    assert 0 <= metrics.uaci(a, b) <= metrics.npcr(a, b) <= 100


@given(byte_pairs())
def test_equal_bits_against_numpy(pair):
    a, b = pair
    same = np.unpackbits(a) == np.unpackbits(b)
    assert metrics.equal_bits(a, b) == pytest.approx(100 * same.mean())
    assert metrics.equal_bits(a, a) == 100 and metrics.equal_bits(a, ~a) == 0


@given(byte_pairs(), st.integers(0, 255))
def test_npcr_of_two_ciphertexts_of_one_plaintext_is_that_of_the_keys(pair, plain):
    a, b = pair
    assert metrics.npcr(a ^ np.uint8(plain), b ^ np.uint8(plain)) == metrics.npcr(a, b)


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


# MSE, PSNR, SSIM


@given(byte_pairs())
def test_mse_and_psnr_against_their_definitions(pair):
    a, b = pair
    for legacy, cast in [(False, np.int64), (True, signed)]:
        x, y = (cast(a), cast(b)) if legacy else (a.astype(cast), b.astype(cast))
        expected = float(np.mean((x - y) ** 2))
        assert metrics.mse(a, b, legacy=legacy) == pytest.approx(expected)
        assert metrics.mse(b, a, legacy=legacy) == metrics.mse(a, b, legacy=legacy)
        peak = math.inf if expected == 0 else 10 * math.log10(255**2 / expected)
        assert metrics.psnr(a, b, legacy=legacy) == pytest.approx(peak, abs=1e-9)


def test_mse_wraps_only_as_legacy():
    low, high = np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)
    assert metrics.mse(low, high) == 65_025
    assert metrics.mse(low, high, legacy=True) == 1
    middle = np.full((2, 2), 127, np.uint8), np.full((2, 2), 128, np.uint8)
    assert metrics.mse(*middle) == 1
    assert metrics.mse(*middle, legacy=True) == 65_025


def test_mse_against_ideal_bytes_is_decided_by_the_plain_image(rng):
    plain = np.linspace(0, 90, 64 * 64, dtype=np.uint8).reshape(64, 64)
    squares = (plain.reshape(-1, 1) - np.arange(256.0)) ** 2
    expected = plain.var() + (plain.mean() - 127.5) ** 2 + 5461.25
    assert squares.mean() == pytest.approx(expected)
    spread = math.sqrt(squares.var(axis=1).mean() / plain.size)
    assert abs(metrics.mse(plain, plain ^ ideal_bytes(rng, 64, 64)) - expected) <= Z * spread


@pytest.mark.parametrize("legacy", [False, True])
def test_ssim_of_one_window_is_equation_14(rng, legacy):
    a, b = ideal_bytes(rng, 2, 7, 7)
    x, y = (signed(a), signed(b)) if legacy else (a.astype(np.int64), b.astype(np.int64))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    (var_x, cov), (_, var_y) = np.cov(x.ravel(), y.ravel())
    mean_x, mean_y = x.mean(), y.mean()
    expected = (2 * mean_x * mean_y + c1) * (2 * cov + c2)
    expected /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    assert metrics.ssim(a, b, legacy=legacy) == pytest.approx(expected)


@pytest.mark.parametrize("legacy", [False, True])
def test_ssim_agrees_with_scikit_image_on_floats(rng, legacy):
    a = ideal_bytes(rng, 40, 31, 3)
    b = np.clip(a.astype(int) + rng.integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
    x, y = (signed(a), signed(b)) if legacy else (a, b)
    x, y = x.astype(np.float64), y.astype(np.float64)
    expected = structural_similarity(x, y, data_range=255, channel_axis=-1)
    assert metrics.ssim(a, b, legacy=legacy) == pytest.approx(expected)
    channels = [metrics.ssim(a[..., c], b[..., c], legacy=legacy) for c in range(3)]
    assert metrics.ssim(a, b, legacy=legacy) == pytest.approx(np.mean(channels))


@given(byte_pairs(st.sampled_from([(7, 9), (8, 7, 3)])), st.booleans())
def test_ssim_properties(pair, legacy):
    a, b = pair
    assert metrics.ssim(a, a, legacy=legacy) == pytest.approx(1)
    forwards, backwards = metrics.ssim(a, b, legacy=legacy), metrics.ssim(b, a, legacy=legacy)
    assert forwards == pytest.approx(backwards, abs=1e-9)
    assert -1 - 1e-9 <= forwards <= 1 + 1e-9


@pytest.mark.parametrize("shape", [(6, 9), (9, 6, 3)])
def test_ssim_refuses_small_images(shape):
    with pytest.raises(ValueError, match=r"at least 7 x 7 pixels, got shape \("):
        metrics.ssim(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


# What does not change the measures


@given(byte_pairs(), st.booleans())
def test_measures_of_two_images_do_not_depend_on_their_order(pair, legacy):
    a, b = pair
    assert metrics.mse(a, b, legacy=legacy) == metrics.mse(b, a, legacy=legacy)
    assert metrics.psnr(a, b, legacy=legacy) == metrics.psnr(b, a, legacy=legacy)
    assert metrics.equal_bits(a, b) == metrics.equal_bits(b, a)


@given(byte_pairs(), st.randoms(use_true_random=False))
def test_measures_of_bytes_do_not_depend_on_where_they_lie(pair, random):
    """Both images are shuffled in the same way."""
    order = list(range(pair[0].size))
    random.shuffle(order)
    a, b = pair
    c, d = (image.ravel()[order] for image in pair)
    for measure in (metrics.npcr, metrics.uaci, metrics.mse, metrics.psnr, metrics.equal_bits):
        assert measure(c, d) == pytest.approx(measure(a, b), rel=1e-12)
    assert metrics.chi_square(c) == metrics.chi_square(a)


@given(byte_pairs(), st.booleans())
def test_negatives_have_the_same_measures(pair, legacy):
    a, b = pair
    # The counts are added the other way round.
    assert metrics.entropy(255 - a) == pytest.approx(metrics.entropy(a), abs=1e-12)
    assert metrics.chi_square(255 - a).statistic == pytest.approx(
        metrics.chi_square(a).statistic, rel=1e-12
    )
    for measure in (metrics.npcr, metrics.uaci, metrics.equal_bits):
        assert measure(255 - a, 255 - b) == measure(a, b)
    for measure in (metrics.mse, metrics.psnr):
        assert measure(255 - a, 255 - b, legacy=legacy) == measure(a, b, legacy=legacy)


@given(byte_pairs(), st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_what_the_bytes_are_called(pair, random):
    """Entropy, chi-square and NPCR take bytes as names, UACI and MSE as numbers."""
    values = list(range(256))
    random.shuffle(values)
    renamed = np.array(values, np.uint8)
    a, b = pair
    assert metrics.entropy(renamed[a]) == pytest.approx(metrics.entropy(a), abs=1e-12)
    assert metrics.chi_square(renamed[a]).statistic == pytest.approx(
        metrics.chi_square(a).statistic, rel=1e-12
    )
    assert metrics.npcr(renamed[a], renamed[b]) == metrics.npcr(a, b)


@given(st.data(), shapes_of_any_kind)
def test_xor_with_a_third_image_changes_no_count_of_differences(data, shape):
    a, b, mask = (data.draw(hnp.arrays(np.uint8, shape)) for _ in range(3))
    assert metrics.npcr(a ^ mask, b ^ mask) == metrics.npcr(a, b)
    assert metrics.equal_bits(a ^ mask, b ^ mask) == metrics.equal_bits(a, b)


def test_what_changes_uaci_and_mse():
    """XOR and other names do, so the properties above are not true of everything."""
    a, b, mask = (np.array([value], np.uint8) for value in (1, 2, 1))
    assert metrics.uaci(a ^ mask, b ^ mask) == 3 * metrics.uaci(a, b)
    assert metrics.mse(a ^ mask, b ^ mask) == 9 * metrics.mse(a, b)


@given(byte_pairs(st.sampled_from([(9, 12), (10, 8, 3)])))
def test_correlations_of_blocks_and_edges_under_order_and_negative(pair):
    """A negative changes the sign of the blocks' correlation, and not that of the edges."""
    a, b = pair
    blocks = metrics.block_correlation(a, b, side=3)
    assert metrics.block_correlation(b, a, side=3) == pytest.approx(blocks, abs=1e-9, nan_ok=True)
    assert metrics.block_correlation(a, 255 - b, side=3) == pytest.approx(
        -blocks, abs=1e-9, nan_ok=True
    )
    edges = metrics.edge_correlation(a, b, sigma=0.5)
    for pair in ((b, a), (a, 255 - b), (a[::-1], b[::-1])):
        found = metrics.edge_correlation(*pair, sigma=0.5)
        assert found == pytest.approx(edges, abs=1e-6, nan_ok=True)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=12)))
def test_a_negative_has_the_same_adjacent_correlation(a):
    for direction in ("horizontal", "vertical", "diagonal"):
        found = metrics.adjacent_correlation(a, direction, None)
        negative = metrics.adjacent_correlation(255 - a, direction, None)
        assert negative == pytest.approx(found, abs=1e-9, nan_ok=True)


# Adjacent correlation


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
@pytest.mark.parametrize("shape", [(20, 31), (20, 31, 3)])
def test_adjacent_correlation_agrees_with_scipy(rng, shape, direction):
    a = np.cumsum(ideal_bytes(rng, *shape) // 16, axis=0, dtype=np.uint8)
    planes = [a] if a.ndim == 2 else [a[..., c] for c in range(3)]
    neighbours = {
        "horizontal": lambda p: (p[:, :-1], p[:, 1:]),
        "vertical": lambda p: (p[:-1], p[1:]),
        "diagonal": lambda p: (p[:-1, :-1], p[1:, 1:]),
    }
    x, y = zip(*(neighbours[direction](p) for p in planes), strict=True)
    expected = stats.pearsonr(np.ravel(x).astype(float), np.ravel(y).astype(float)).statistic
    assert metrics.adjacent_correlation(a, direction, None) == pytest.approx(expected)
    # Drawn without repetition, as many pairs as there are must be every pair.
    drawn = metrics.adjacent_correlation(a, direction, np.size(x), rng)
    assert drawn == pytest.approx(expected)


def test_adjacent_correlation_directions():
    row, column = np.mgrid[:30, :30]
    scramble = np.arange(59) * 37 % 59
    pictures = {"horizontal": row, "vertical": column, "diagonal": row - column + 29}
    for along, index in pictures.items():
        a = scramble[index].astype(np.uint8)
        for direction in pictures:
            value = metrics.adjacent_correlation(a, direction, None)
            if direction == along:
                assert value == pytest.approx(1)
            else:
                assert value < 0.9


def test_adjacent_correlation_of_a_constant_is_nan_without_a_warning():
    half = np.zeros((8, 8), np.uint8)
    half[:, -1] = 9  # Of the horizontal pairs' left sides, all are 0.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(
            metrics.adjacent_correlation(np.full((20, 20, 3), 7, np.uint8), "diagonal")
        )
        assert math.isnan(metrics.adjacent_correlation(half, "horizontal", None))


def test_adjacent_correlation_repeats_with_a_seed_and_only_then(rng):
    a = ideal_bytes(rng, 64, 64, 3)
    values = [metrics.adjacent_correlation(a, "vertical", rng=5) for _ in range(2)]
    assert values[0] == values[1]
    assert metrics.adjacent_correlation(a, "vertical") != metrics.adjacent_correlation(
        a, "vertical"
    )


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=12)))
def test_adjacent_correlation_range_and_transpose(a):
    value = metrics.adjacent_correlation(a, "horizontal", None)
    assert math.isnan(value) or -1 <= value <= 1
    transposed = metrics.adjacent_correlation(a.T, "vertical", None)
    assert transposed == pytest.approx(value, nan_ok=True)


def test_adjacent_correlation_names_bad_arguments():
    a = np.zeros((10, 10), np.uint8)
    with pytest.raises(ValueError, match=r"'horizontal', 'vertical', 'diagonal'.*got 'sideways'"):
        metrics.adjacent_correlation(a, "sideways")
    with pytest.raises(ValueError, match=r"90 horizontal pairs .* got 256"):
        metrics.adjacent_correlation(a, "horizontal")
    with pytest.raises(ValueError, match=r"at least 2 .* got 1"):
        metrics.adjacent_correlation(a, "horizontal", 1)
    with pytest.raises(ValueError, match=r"0 horizontal pairs of shape \(5, 1\)"):
        metrics.adjacent_correlation(a[:5, :1], "horizontal", None)


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


# Arguments

SINGLE = [
    metrics.histogram,
    metrics.entropy,
    metrics.chi_square,
    metrics.local_entropy,
    lambda a: metrics.adjacent_correlation(a, "vertical"),
]
PAIRED = [
    metrics.npcr,
    metrics.uaci,
    metrics.equal_bits,
    metrics.mse,
    metrics.psnr,
    metrics.ssim,
]


@pytest.mark.parametrize("dtype", ["float64", "int8", "uint16", "bool"])
def test_other_types_are_refused_by_name(dtype):
    good, bad = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256, 3), dtype)
    for measure in SINGLE:
        with pytest.raises(TypeError, match=f"uint8.*got dtype {dtype}"):
            measure(bad)
    for measure in PAIRED:
        for pair in [(good, bad), (bad, good)]:
            with pytest.raises(TypeError, match=f"uint8.*got dtype {dtype}"):
                measure(*pair)


def test_lists_of_numbers_are_refused_not_guessed():
    with pytest.raises(TypeError, match="got dtype int64"):
        metrics.entropy([1, 2, 3])


def test_empty_arrays_are_refused():
    empty = np.zeros((0, 4, 3), np.uint8)
    for measure in SINGLE:
        with pytest.raises(ValueError, match=r"empty array of shape \(0, 4, 3\)"):
            measure(empty)
    for measure in PAIRED:
        with pytest.raises(ValueError, match=r"empty array of shape \(0, 4, 3\)"):
            measure(empty, empty)


def test_different_shapes_are_refused_by_name():
    a, b = np.zeros((8, 9), np.uint8), np.zeros((9, 8), np.uint8)
    for measure in PAIRED:
        with pytest.raises(ValueError, match=r"\(8, 9\) and \(9, 8\)"):
            measure(a, b)


@pytest.mark.parametrize("shape", [(100,), (60, 60, 4), (2, 60, 60, 3)])
def test_measures_of_images_refuse_other_shapes(shape):
    a = np.zeros(shape, np.uint8)
    for measure in [
        lambda: metrics.local_entropy(a),
        lambda: metrics.adjacent_correlation(a, "vertical"),
        lambda: metrics.ssim(a, a),
    ]:
        with pytest.raises(ValueError, match=r"\(H, W\) or \(H, W, 3\), got \("):
            measure()


@pytest.mark.parametrize("alpha", [0, 1, -0.1, math.nan])
def test_significance_levels_are_checked(alpha):
    for interval in [
        lambda: metrics.npcr_interval(100, alpha),
        lambda: metrics.uaci_interval(100, alpha),
        lambda: metrics.local_entropy_interval(alpha),
        lambda: metrics.ideal_entropy(100).interval(alpha),
        lambda: metrics.chi_square_critical_value(alpha),
    ]:
        with pytest.raises(ValueError, match="alpha must be between 0 and 1, got"):
            interval()


@pytest.mark.parametrize("size", [0, -3, 2.5, math.nan, math.inf])
def test_sizes_are_checked(size):
    for ideal in [metrics.ideal_entropy, metrics.ideal_npcr, metrics.ideal_uaci]:
        with pytest.raises(ValueError, match="n_bytes must be a whole number, at least 1, got"):
            ideal(size)
    with pytest.raises(ValueError, match="n_pairs must be a whole number, at least 2, got"):
        metrics.ideal_correlation(size)


def test_numbers_in_the_documentation_are_what_the_module_returns():
    page = Path(__file__).parents[2] / "docs" / "measures.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_adjacent_pairs_are_neighbours_and_the_same_ones_in_every_image():
    row, column = np.indices((20, 30), dtype=np.uint8)
    for direction, step in {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}.items():
        pairs = [metrics.adjacent_pairs(a, direction, 50, rng=5) for a in (row, column)]
        for (x, y), difference in zip(pairs, step, strict=True):
            assert (y - x == difference).all()
        positions = set(zip(*(x for x, _ in pairs), strict=True))
        assert len(positions) == 50, "the same seed draws the same pairs, none of them twice"


# Block means.


def test_block_correlation_against_block_reduce():
    from skimage.measure import block_reduce

    a, b = (np.random.default_rng().integers(0, 256, (70, 50, 3), dtype=np.uint8) for _ in "ab")
    means = [block_reduce(x[:64, :48].mean(axis=-1), (16, 16), np.mean).ravel() for x in (a, b)]
    assert metrics.block_correlation(a, b) == pytest.approx(np.corrcoef(*means)[0, 1])


def test_block_correlation_finds_a_negative_and_not_noise():
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 256, axis=1)
    noise = np.random.default_rng().integers(0, 256, image.shape, dtype=np.uint8)
    assert metrics.block_correlation(image, 255 - image) == pytest.approx(-1)
    assert abs(metrics.block_correlation(image, noise)) < 6 / 255**0.5
    assert math.isnan(metrics.block_correlation(image, np.zeros_like(image)))


@pytest.mark.parametrize(
    ("a", "b", "side", "message"),
    [
        (np.zeros((64, 64), np.uint8), np.zeros((64, 63), np.uint8), 16, "shape"),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), 0, "side"),
        (np.zeros((16, 16), np.uint8), np.zeros((16, 16), np.uint8), 16, "four blocks"),
    ],
)
def test_block_correlation_names_what_is_wrong(a, b, side, message):
    with pytest.raises(ValueError, match=message):
        metrics.block_correlation(a, b, side)


# Edges.


def step_at(column, height=256, width=256):
    image = np.full((height, width), 100, np.uint8)
    image[:, column:] = 130
    return image


def test_edge_correlation_against_scipy(rng):
    """Gaussian and Sobel of scipy; what is compared is far enough from the rim for any padding."""
    a, b = (rng.integers(0, 256, (60, 70, 3), dtype=np.uint8) for _ in "ab")
    edges = []
    for image in (a, b):
        blurred = ndimage.gaussian_filter(image.mean(axis=2), 3, mode="constant")
        gradient = np.hypot(ndimage.sobel(blurred, 0), ndimage.sobel(blurred, 1))
        edges.append(gradient[13:-13, 13:-13].ravel())
    assert metrics.edge_correlation(a, b, 3) == pytest.approx(np.corrcoef(*edges)[0, 1])


def test_edge_correlation_of_two_steps_far_apart():
    """The edges are two Gaussian bells that do not meet: r = -1 / (W / (2 sqrt(pi) sigma) - 1).

    Sobel's difference over two pixels adds 1/3 to their variance: 1 % of sigma = 4.
    """
    width, sigma = 256 - 2 * 17, 4
    expected = -1 / (width / (2 * math.sqrt(math.pi) * sigma) - 1)
    found = metrics.edge_correlation(step_at(80), step_at(180), sigma)
    assert found == pytest.approx(expected, rel=0.02)


def test_edge_correlation_finds_an_image_and_its_negative():
    image = step_at(100) // 2 + step_at(100).T // 2
    assert metrics.edge_correlation(image, image) == pytest.approx(1)
    assert metrics.edge_correlation(image, 255 - image) == pytest.approx(1)
    assert metrics.edge_correlation(image, image[::-1]) < 0.9


def test_edge_correlation_of_noise_is_0_on_average(rng):
    """Its spread has no closed form: the mean of forty is held against their own (Student's t)."""
    image = step_at(128)
    found = [
        metrics.edge_correlation(image, rng.integers(0, 256, image.shape, dtype=np.uint8))
        for _ in range(40)
    ]
    assert stats.ttest_1samp(found, 0).pvalue > 1 - CONFIDENCE


def test_edge_correlation_of_an_image_without_edges_is_undefined(rng):
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert math.isnan(metrics.edge_correlation(noise, np.full_like(noise, 77)))


@pytest.mark.parametrize(
    ("a", "b", "sigma", "message"),
    [
        (np.zeros((64, 64), np.uint8), np.zeros((64, 63), np.uint8), 4, "shape"),
        (np.zeros((64, 64, 2), np.uint8), np.zeros((64, 64, 2), np.uint8), 4, "shape"),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), 0, "sigma must be above 0"),
        (np.zeros((64, 35), np.uint8), np.zeros((64, 35), np.uint8), 4, "36 x 36"),
    ],
)
def test_edge_correlation_names_what_is_wrong(a, b, sigma, message):
    with pytest.raises(ValueError, match=message):
        metrics.edge_correlation(a, b, sigma)
