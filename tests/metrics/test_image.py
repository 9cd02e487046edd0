"""Measures of one image against closed forms, published numbers, scikit-image and scipy."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from skimage.measure import shannon_entropy

from dkg import metrics

from .checks import byte_arrays, ideal_bytes


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


def test_adjacent_pairs_are_neighbours_and_the_same_ones_in_every_image():
    row, column = np.indices((20, 30), dtype=np.uint8)
    for direction, step in {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}.items():
        pairs = [metrics.adjacent_pairs(a, direction, 50, rng=5) for a in (row, column)]
        for (x, y), difference in zip(pairs, step, strict=True):
            assert (y - x == difference).all()
        positions = set(zip(*(x for x, _ in pairs), strict=True))
        assert len(positions) == 50, "the same seed draws the same pairs, none of them twice"


def test_repeated_cells(rng):
    keys = rng.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    assert metrics.repeated_cells(keys) == metrics.repeated_cells(keys[0]) == 0
    planted = keys.copy()
    planted[1, 8:16, 16:24] = planted[0, 248:, :8]
    assert metrics.repeated_cells(planted) == pytest.approx(100 / 2048)
    assert metrics.repeated_cells(planted[1]) == 0
    planted[1, 80:88, 16:24] = planted[1, 8:16, 16:24]
    assert metrics.repeated_cells(planted[1]) == pytest.approx(100 / 1024)
    assert metrics.repeated_cells(planted, side=16) == 0
    black = np.zeros((256, 256, 3), np.uint8)
    assert metrics.repeated_cells(black) == pytest.approx(100 * 1023 / 1024)
