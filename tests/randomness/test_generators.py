"""Good and deliberately bad generators: each bad one fails the test that is made for it.

The second opinion is ``sp80022suite`` from PyPI, NIST's C code as a Python module: install it with
``pip install sp80022suite`` (a C compiler is needed) to run that test.
"""

import numpy as np
import pytest

import dkg.randomness as randomness

N = 2**20


def biased():
    return (np.random.default_rng(1).random(N) < 0.51).astype(np.uint8)


def periodic():
    return np.resize(np.random.default_rng(2).integers(0, 2, 1009, dtype=np.uint8), N)


def shift_register():
    """A linear feedback shift register of 31 bits, x^31 + x^3 + 1."""
    bits = np.ones(N, np.uint8)
    for i in range(31, N, 3):  # Three bits at a time: the nearest tap is three bits back.
        end = min(i + 3, N)
        bits[i:end] = bits[i - 31 : end - 31] ^ bits[i - 3 : end - 3]
    return bits


def congruential(multiplier, increment, modulus, n):
    states = np.empty(n, np.uint64)
    state = 1
    for i in range(n):
        state = (multiplier * state + increment) % modulus
        states[i] = state
    return states


def low_bits():
    """Return the low byte of a linear congruential generator modulo 2^32."""
    states = congruential(1_664_525, 1_013_904_223, 2**32, N // 8)
    return np.unpackbits((states & 255).astype(np.uint8))


def randu():
    """Return the 31 bits of each state of RANDU; the low ones have short periods."""
    states = congruential(65_539, 0, 2**31, N // 31 + 1)
    return ((states[:, None] >> np.arange(30, -1, -1, dtype=np.uint64)) & 1).reshape(-1)[:N]


def zeros():
    return np.zeros(N, np.uint8)


def alternating():
    return np.tile(np.array([0, 1], np.uint8), N // 2)


# Each with the test that is made for it.
BAD = {
    biased: "monobit",
    periodic: "spectral",
    shift_register: "linear_complexity",
    low_bits: "serial",
    randu: "spectral",
    zeros: "monobit",
    alternating: "runs",
}


def mersenne_twister():
    return np.random.Generator(np.random.MT19937(5)).integers(0, 2, N, dtype=np.uint8)


def pcg64():
    return np.random.default_rng(6).integers(0, 2, N, dtype=np.uint8)


@pytest.mark.parametrize("generator", BAD, ids=lambda generator: generator.__name__)
def test_a_bad_generator_fails_the_test_made_for_it(generator):
    result = randomness.TESTS[BAD[generator]](generator())
    assert result.applicable
    assert min(result.p_values) < 1e-4


@pytest.mark.parametrize("generator", [mersenne_twister, pcg64])
def test_a_good_generator_passes(generator):
    table = randomness.run_suite(generator())
    judged = table["passed"].dropna()
    # Of 188 P-values, most of them independent, two are expected below 0.01; seven or more have
    # a probability of 0.004.
    assert (~judged).sum() < 7


def test_aes_passes(good):
    assert (~randomness.run_suite(good)["passed"].dropna()).sum() < 7


def test_second_opinion(good):
    other = pytest.importorskip(
        "sp80022suite", reason="no second opinion: sp80022suite (NIST's C code) is not installed"
    )
    # Where a test has several P-values, the C module returns the smallest.
    opinions = {
        "monobit": other.frequency,
        "block_frequency": lambda bits: other.block_frequency(128, bits),
        "runs": other.runs,
        "longest_run_of_ones": other.longest_run_of_ones,
        "binary_matrix_rank": other.rank,
        "spectral": other.discrete_fourier_transform,
        "overlapping_template": lambda bits: other.overlapping_template_matchings(9, bits),
        "maurers_universal": other.universal,
        "linear_complexity": lambda bits: other.linear_complexity(500, bits),
        "serial": lambda bits: other.serial(16, bits),
        "approximate_entropy": lambda bits: other.approximate_entropy(10, bits),
        "cumulative_sums": other.cumulative_sums,
        "random_excursions": other.random_excursions,
        "random_excursions_variant": other.random_excursions_variant,
    }
    compared = 0
    for bits in (good, mersenne_twister(), pcg64(), *(generator() for generator in BAD)):
        # Half of the sequence: the C code's linear complexity takes seconds.
        bits = np.ascontiguousarray(bits[: 2**19].astype(np.uint8))
        for name, opinion in opinions.items():
            result = randomness.TESTS[name](bits)
            # The C code has room for n/100 cycles, and writes behind it when there are more.
            too_many = name == "random_excursions" and result.parameters["J"] > bits.size // 100
            if result.applicable and not too_many:
                p_value = opinion(bits.tobytes())
                assert min(result.p_values) == pytest.approx(p_value, abs=1e-8), name
                compared += 1
    assert compared >= 100
