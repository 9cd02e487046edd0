"""Every value of NIST's tool for pi and e, and the standard's worked examples.

The tolerances, 1e-8 in P-values and 1e-9 relative in statistics, are those asked of the project.
"""

import mpmath
import numpy as np
import pytest
from conftest import binary_digits

import dkg.randomness as randomness

PI_100 = (
    "1100100100001111110110101010001000100001011010001100001000110100"
    "110001001100011001100010100010111000"
)


def bits_of(text):
    return np.array([int(digit) for digit in text])


@pytest.mark.slow
@pytest.mark.parametrize("test", randomness.TESTS)
@pytest.mark.parametrize("constant", ["pi", "e"])
def test_agrees_with_the_tool(constants, reference, constant, test):
    expected = reference[constant]["tests"][test]
    result = randomness.TESTS[test](constants[constant])
    assert result.applicable
    assert result.p_values == pytest.approx(expected["p_values"], rel=0, abs=1e-8)
    assert result.statistics == pytest.approx(expected["statistics"], rel=1e-9, abs=0)
    for name, value in expected.get("details", {}).items():
        np.testing.assert_allclose(result.details[name], value, rtol=1e-9)
    if "variants" in expected:
        assert list(result.variants) == expected["variants"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "test", ["longest_run_of_ones", "overlapping_template", "linear_complexity"]
)
@pytest.mark.parametrize("constant", ["pi", "e"])
def test_exact_probabilities(constants, reference, constant, test):
    expected = reference[constant]["tests"][test]["exact"]
    result = randomness.TESTS[test](constants[constant], constants="exact")
    assert result.p_values == pytest.approx(expected["p_values"], rel=0, abs=1e-8)
    assert result.statistics == pytest.approx(expected["statistics"], rel=1e-9, abs=0)
    np.testing.assert_allclose(result.details["pi"], expected["pi"], rtol=1e-9)
    assert result.details["pi"].sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
def test_suite_agrees_with_the_tool(constants, reference):
    table = randomness.run_suite(constants["pi"])
    tests = reference["pi"]["tests"]
    assert len(table) == sum(len(test["p_values"]) for test in tests.values()) == 188
    for name, rows in table.groupby("test"):
        assert rows["p_value"].tolist() == pytest.approx(tests[name]["p_values"], abs=1e-8)


# From here on the values are those that SP 800-22 prints, to their six digits, but for those
# that the package's docstring lists as misprinted.


def test_first_digits_of_pi():
    assert "".join(map(str, binary_digits(mpmath.pi, 100))) == PI_100


@pytest.mark.parametrize(
    ("test", "bits", "parameters", "p_values"),
    [
        ("monobit", "1011010101", {}, [0.527089]),
        ("monobit", PI_100, {}, [0.109599]),
        ("block_frequency", "0110011010", {"block_length": 3}, [0.801252]),
        ("block_frequency", PI_100, {"block_length": 10}, [0.706438]),
        ("runs", "1001101011", {}, [0.147232]),
        ("runs", PI_100, {}, [0.500798]),
        ("spectral", "1001010011", {}, [0.468160]),
        ("spectral", PI_100, {}, [0.646355]),
        (
            "non_overlapping_template",
            "10100100101110010110",
            {"templates": ["001"], "n_blocks": 2},
            [0.344154],
        ),
        ("serial", "0011011101", {"pattern_length": 3}, [0.808792, 0.670320]),
        ("approximate_entropy", "0100110101", {"pattern_length": 3}, [0.261961]),
        ("approximate_entropy", PI_100, {"pattern_length": 2}, [0.235301]),
        ("cumulative_sums", "1011010111", {}, [0.4116588, 0.4116588]),
        ("cumulative_sums", PI_100, {}, [0.219194, 0.114866]),
    ],
)
def test_worked_example(test, bits, parameters, p_values):
    result = randomness.TESTS[test](bits_of(bits), **parameters)
    assert result.p_values == pytest.approx(p_values, rel=0, abs=5.1e-7)


def test_worked_example_of_the_longest_run():
    bits = bits_of(
        "1100110000010101011011000100110011100000000000100100110101010001"
        "0001001111010110100000001101011111001100111001101101100010110010"
    )
    result = randomness.longest_run_of_ones(bits)
    assert result.details["nu"].tolist() == [4, 9, 3, 0]
    # The standard's chi-square has probabilities of four digits, its P-value has exact ones.
    nu, pi = result.details["nu"], np.array([0.2148, 0.3672, 0.2305, 0.1875])
    assert np.sum((nu - 16 * pi) ** 2 / (16 * pi)) == pytest.approx(4.882605, abs=5.1e-7)
    assert result.p_value == pytest.approx(0.180609, abs=5.1e-7)


@pytest.mark.slow
def test_worked_example_of_the_matrix_rank(constants):
    result = randomness.binary_matrix_rank(constants["e"][:100_000])
    assert result.details["nu"].tolist() == [23, 60, 14]
    assert result.statistic == pytest.approx(1.2619656, abs=5.1e-8)
    assert result.p_value == pytest.approx(0.532069, abs=5.1e-7)


@pytest.mark.slow
def test_worked_example_of_linear_complexity(constants):
    result = randomness.linear_complexity(constants["e"], block_length=1000)
    nu = result.details["nu"]
    assert nu.tolist() == [11, 31, 116, 501, 258, 57, 26]
    assert result.statistic == pytest.approx(2.700348, abs=5.1e-7)
    assert result.p_value == pytest.approx(0.845406, abs=5.1e-7)
    # The correction in circulation, 2.706147, has 1/96 and 1/48 to six digits.
    pi = np.array([0.010417, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 0.020833])
    assert np.sum((nu - 1000 * pi) ** 2 / (1000 * pi)) == pytest.approx(2.706147, abs=5.1e-7)
    exact = randomness.linear_complexity(constants["e"], block_length=1000, constants="exact")
    assert exact.statistic == pytest.approx(2.706, rel=1e-12)


@pytest.mark.slow
def test_worked_example_of_the_serial_test(constants):
    result = randomness.serial(constants["e"], pattern_length=2)
    assert result.p_values == pytest.approx([0.843764, 0.561915], abs=5.1e-7)


def test_worked_examples_of_the_excursions():
    bits = bits_of("0110110101")
    result = randomness.random_excursions(bits, min_cycles=1)
    assert result.parameters["J"] == 3
    x = result.variants.index("x=+1")
    assert result.details["nu"][x].tolist() == [1, 1, 0, 1, 0, 0]
    # The standard has 4.333033 and 0.502529, with 0.0312 for the probability 1/32.
    assert result.statistics[x] == pytest.approx(4.333333, abs=5.1e-7)
    assert result.p_values[x] == pytest.approx(0.502488, abs=5.1e-7)
    variant = randomness.random_excursions_variant(bits, min_cycles=1)
    x = variant.variants.index("x=+1")
    assert variant.p_values[x] == pytest.approx(0.683091, abs=5.1e-7)
