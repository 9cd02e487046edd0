"""Measures of two images against their definitions, scikit-image and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, stats
from skimage.measure import block_reduce
from skimage.metrics import structural_similarity

from dkg import metrics

from .checks import CONFIDENCE, Z, byte_pairs, ideal_bytes, signed


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


def test_block_correlation_against_block_reduce(rng):
    a, b = ideal_bytes(rng, 2, 70, 50, 3)
    means = [block_reduce(x[:64, :48].mean(axis=-1), (16, 16), np.mean).ravel() for x in (a, b)]
    assert metrics.block_correlation(a, b) == pytest.approx(np.corrcoef(*means)[0, 1])


def test_block_correlation_finds_a_negative_and_not_noise(rng):
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 256, axis=1)
    noise = ideal_bytes(rng, *image.shape)
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
    """Its spread has no closed form: the mean of forty is compared with their own (Student's t)."""
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
