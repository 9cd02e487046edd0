"""What is read as bits, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dkg.randomness as randomness
from dkg.randomness import as_bits


@pytest.mark.slow
@given(st.binary(min_size=1, max_size=100))
def test_bytes_have_their_highest_bit_first(data):
    expected = [int(digit) for byte in data for digit in f"{byte:08b}"]
    for form in (data, bytearray(data), memoryview(data)):
        assert as_bits(form).tolist() == expected


def test_arrays():
    bits = np.array([0, 1, 1, 0], np.uint8)
    assert as_bits(bits).tolist() == [0, 1, 1, 0]
    assert as_bits([0, 1, 1, 0]).tolist() == [0, 1, 1, 0]
    assert as_bits(bits.astype(bool)).tolist() == [0, 1, 1, 0]
    assert as_bits(np.array([0, 2], np.uint8)).tolist() == [0] * 14 + [1, 0]
    assert as_bits(bits.tobytes()).size == 32
    for form in (bits, bits.astype(np.int64), bits.astype(bool), bits[::2]):
        assert as_bits(form).dtype == np.uint8
        assert as_bits(form).flags.c_contiguous


def test_images_are_bytes_row_by_row():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_bits(image), np.unpackbits(image.reshape(-1)))
    np.testing.assert_array_equal(as_bits(image[..., 0]), as_bits(image[..., 0].tobytes()))
    black = np.zeros((4, 4), np.uint8)  # All zeros: still an image, not 16 bits.
    assert as_bits(black).size == 128


@pytest.mark.slow
def test_the_input_is_left_as_it_was():
    bits = np.random.default_rng(0).integers(0, 2, 20_000, dtype=np.uint8)
    before = bits.copy()
    bits.flags.writeable = False
    randomness.run_suite(bits)
    np.testing.assert_array_equal(bits, before)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", ValueError, "empty"),
        ([], ValueError, "empty"),
        (np.zeros((0, 4), np.uint8), ValueError, "empty"),
        ("0101", TypeError, "text"),
        ([0.0, 1.0], TypeError, "float64"),
        (np.zeros((4, 4)), TypeError, "float64"),
        (np.zeros((4, 4), int), ValueError, "uint8"),
        (np.array([0, 1, 2]), ValueError, "from 0 to 2"),
        (np.array([0, -1]), ValueError, "from -1 to 0"),
        (np.zeros((2, 2, 2, 2), np.uint8), ValueError, "got 4"),
        (np.uint8(1), ValueError, "got 0"),
        (None, TypeError, "object"),
    ],
)
def test_what_is_refused(data, error, message):
    for test in (as_bits, randomness.run_suite, *randomness.TESTS.values()):
        with pytest.raises(error, match=message):
            test(data)


@pytest.mark.parametrize("test", randomness.TESTS.values(), ids=randomness.TESTS)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 99, 127])
@pytest.mark.parametrize("kind", ["zeros", "ones", "random"])
def test_short_sequences_give_a_reason(test, n, kind):
    random = np.random.default_rng(n).integers(0, 2, n, dtype=np.uint8)
    bits = {"zeros": np.zeros(n, np.uint8), "ones": np.ones(n, np.uint8), "random": random}[kind]
    result = test(bits)
    if n < 100:
        assert not result.applicable
    assert result.applicable == (result.reason == "")
    assert len(result.variants) == len(result.statistics) == len(result.p_values)
    for p_value in result.p_values:
        assert p_value is None or 0 < p_value <= 1


@pytest.mark.parametrize(
    ("test", "least"),
    [
        ("monobit", 100),
        ("block_frequency", 128),
        ("runs", 100),
        ("longest_run_of_ones", 128),
        ("binary_matrix_rank", 38_912),
        ("spectral", 1000),
        ("maurers_universal", 387_840),
        ("cumulative_sums", 100),
    ],
)
def test_least_lengths(test, least):
    bits = np.random.default_rng(0).integers(0, 2, least, dtype=np.uint8)
    assert randomness.TESTS[test](bits).applicable
    too_short = randomness.TESTS[test](bits[:-1])
    assert not too_short.applicable
    assert too_short.reason


def test_the_only_p_value():
    bits = np.random.default_rng(0).integers(0, 2, 1000, dtype=np.uint8)
    assert randomness.monobit(bits).p_value == randomness.monobit(bits).p_values[0]
    with pytest.raises(ValueError, match="2 variants"):
        _ = randomness.cumulative_sums(bits).p_value


@pytest.mark.parametrize(
    "call",
    [
        lambda bits: randomness.longest_run_of_ones(bits, constants="NIST"),
        lambda bits: randomness.overlapping_template(bits, constants=""),
        lambda bits: randomness.linear_complexity(bits, constants=None),
        lambda bits: randomness.block_frequency(bits, block_length=0),
        lambda bits: randomness.linear_complexity(bits, block_length=0),
        lambda bits: randomness.overlapping_template(bits, template_length=1),
        lambda bits: randomness.serial(bits, pattern_length=1),
        lambda bits: randomness.approximate_entropy(bits, pattern_length=25),
        lambda bits: randomness.non_overlapping_template(bits, n_blocks=0),
        lambda bits: randomness.non_overlapping_template(bits, []),
        lambda bits: randomness.non_overlapping_template(bits, ["01", "011"]),
        lambda bits: randomness.non_overlapping_template(bits, ["0a1"]),
        lambda bits: randomness.non_overlapping_template(bits, ["0101"]),
        lambda bits: randomness.aperiodic_templates(17),
    ],
)
def test_wrong_arguments_are_refused(call):
    with pytest.raises(ValueError, match=r"must|template"):
        call(np.ones(1000, np.uint8))
