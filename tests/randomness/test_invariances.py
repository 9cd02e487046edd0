"""What must not change when all bits are inverted, or the sequence is reversed or rotated."""

import numpy as np
import pytest

import dkg.randomness as randomness

# A multiple of all block lengths: 8, 128, 1032 and 10,000 bits; and above 750,000.
N = 2 * 8 * 128 * 129 * 5


@pytest.fixture(scope="module")
def bits():
    return np.random.default_rng(2010).integers(0, 2, N, dtype=np.uint8)


def p_values(test, bits):
    result = randomness.TESTS[test](bits)
    assert result.applicable
    return dict(zip(result.variants, result.p_values, strict=True))


@pytest.mark.parametrize(
    "test",
    [
        "monobit",
        "block_frequency",
        "runs",
        "spectral",
        "maurers_universal",
        "serial",
        "approximate_entropy",
        "cumulative_sums",
    ],
)
def test_inverted_bits(bits, test):
    assert p_values(test, 1 - bits) == pytest.approx(p_values(test, bits), abs=1e-12)


def inverted(template):
    return template.translate(str.maketrans("01", "10"))


def test_inverted_templates(bits):
    there = p_values("non_overlapping_template", bits)
    back = p_values("non_overlapping_template", 1 - bits)
    assert {inverted(template): p for template, p in back.items()} == pytest.approx(there)


def test_reversed_templates(bits):
    there = p_values("non_overlapping_template", bits)
    back = p_values("non_overlapping_template", bits[::-1])
    assert {template[::-1]: p for template, p in back.items()} == pytest.approx(there)


@pytest.mark.parametrize(
    "test",
    [
        "monobit",
        "runs",
        "block_frequency",
        "overlapping_template",
        "spectral",
        "serial",
        "approximate_entropy",
    ],
)
def test_reversed_sequence(bits, test):
    assert p_values(test, bits[::-1]) == pytest.approx(p_values(test, bits), abs=1e-12)


def test_reversed_longest_runs(bits):
    bits = bits[:800_000]
    there = p_values("longest_run_of_ones", bits)
    assert p_values("longest_run_of_ones", bits[::-1]) == pytest.approx(there, abs=1e-12)


def test_reversed_sums(bits):
    there, back = p_values("cumulative_sums", bits), p_values("cumulative_sums", bits[::-1])
    assert there["forward"] == back["backward"]
    assert there["backward"] == back["forward"]


@pytest.mark.parametrize("test", ["monobit", "spectral", "serial", "approximate_entropy"])
def test_rotated_sequence(bits, test):
    assert p_values(test, np.roll(bits, 12_345)) == pytest.approx(p_values(test, bits), abs=1e-12)


@pytest.mark.parametrize("test", ["random_excursions", "random_excursions_variant"])
def test_inverted_walk(test, bits):
    inverse = np.array([1, 0] * 500, np.uint8)  # So that there are cycles enough.
    bits = np.concatenate([inverse, bits])
    mirrored = str.maketrans("+-", "-+")
    back = p_values(test, 1 - bits)
    back = {state.translate(mirrored): p for state, p in back.items()}
    assert back == pytest.approx(p_values(test, bits))
