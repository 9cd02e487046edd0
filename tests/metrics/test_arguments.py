"""Arguments that the measures refuse, and what they say of them."""

import math

import numpy as np
import pytest

from dkg import metrics

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
        with pytest.raises(ValueError, match="n_bytes must be an integer, at least 1, got"):
            ideal(size)
    with pytest.raises(ValueError, match="n_pairs must be an integer, at least 2, got"):
        metrics.ideal_correlation(size)
