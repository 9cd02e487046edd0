"""What does not change the measures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dkg import metrics

from .checks import byte_pairs, shapes_of_any_kind


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


@pytest.mark.slow
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


@pytest.mark.slow
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
