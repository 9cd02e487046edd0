"""SP 800-90B's estimators: the standard's examples, NIST's tool, brute force and closed forms."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dkg.randomness import entropy_estimates as estimates

BITS = [int(bit) for bit in "1000111001010101110011000111001010101110"]  # Sections 6.3.2 and 6.3.3.
TUPLES = [2, 2, 0, 1, 0, 2, 0, 1, 2, 1, 2, 0, 1, 2, 1, 0, 0, 1, 0, 0, 0]  # 6.3.5 and 6.3.6.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "symbols", "arguments", "printed"),
    [
        (
            "most_common_value",
            [0, 1, 1, 2, 0, 1, 2, 2, 0, 1, 0, 1, 1, 0, 2, 2, 1, 0, 2, 1],
            (),
            0.5363,
        ),
        ("collision", BITS, (), 0.4483),
        ("markov", BITS, (), 0.761),
        ("compression", [*BITS, 1, 1, 1, 0, 0, 0, 1, 1], (4,), 0.1345),
        ("t_tuple", TUPLES, (3,), 0.273),
    ],
)
def test_the_standards_examples(function, symbols, arguments, printed):
    """As many digits as the standard prints; its 2.576 is rounded."""
    found = getattr(estimates, function)(symbols, *arguments)
    assert found == pytest.approx(printed, abs=5e-4 if printed in (0.761, 0.273) else 1e-4)


@pytest.fixture(scope="module")
def tool():
    """Return lines of NIST's tool about its own sample files."""
    return json.loads((Path(__file__).parent / "sp800_90b_reference.json").read_text())


def test_most_common_value_as_the_tool(tool):
    """The estimate depends on the length and the largest count alone."""
    for name, file in tool.items():
        case = file["most common value"]
        n, most, alphabet = file["symbols"], case["mode count"], file["alphabet"]
        others = np.arange(n - most) % (alphabet - 1) + 1
        found = estimates.most_common_value(np.concatenate([np.zeros(most, np.int64), others]))
        assert found == pytest.approx(case["min entropy"], rel=1e-12), name


@pytest.mark.slow
def test_collision_as_the_tool(tool):
    """The estimate depends on the number of distances of 2 and of 3 alone."""
    for name, file in tool.items():
        case = file["collision"]
        threes = case["sum"] - 2 * case["v"]
        bits = [0, 0] * (case["v"] - threes) + [0, 1, 1] * threes
        assert estimates.collision(bits) == pytest.approx(case["min entropy"], abs=1e-8), name


def with_transitions(n, case):
    """Return n bits with the shares of zeros and of transitions that the tool printed."""
    zeros = round(case["P_0"] * n)
    fits = []
    for last in (0, 1):
        left = [zeros - (last == 0), n - zeros - (last == 1)]  # Bits that another one follows.
        changes = (1 - case["P_0,0"]) * left[0], case["P_1,0"] * left[1]
        fits.append((sum(abs(count - round(count)) for count in changes), last, changes))
    _, last, (up, down) = min(fits)
    up, down = round(up), round(down)
    first = last - (up - down)
    assert first in (0, 1)
    runs = [np.ones((up, down)[1 - bit] + (first == bit), np.int64) for bit in (0, 1)]
    runs[0][0] += zeros - runs[0].sum()
    runs[1][0] += n - zeros - runs[1].sum()
    lengths = np.empty(runs[0].size + runs[1].size, np.int64)
    lengths[first::2], lengths[1 - first :: 2] = runs
    return np.repeat((np.arange(lengths.size) + first) % 2, lengths)


def test_markov_as_the_tool(tool):
    """The estimate depends on the ends of the sequence and the transitions alone."""
    for name, file in tool.items():
        case = file["markov"]
        found = estimates.markov(with_transitions(file["bits"], case))
        assert found == pytest.approx(case["min entropy"], rel=1e-9), name


@pytest.mark.slow
def test_compression_equation_as_the_tool(tool):
    for name, file in tool.items():
        case, blocks = file["compression"], file["bits"] // 6
        found = estimates._compression_probability(case["X-bar'"], blocks, 1000)
        assert found == pytest.approx(case["p"], rel=1e-6), name


def test_confidence_limit_of_tuples_as_the_tool(tool):
    for name, file in tool.items():
        for estimate in ("t-tuple", "longest repeated substring"):
            case = file[estimate]
            found = estimates._from_probability(case["p-hat"], file["bits"])
            assert found == pytest.approx(case["min entropy"], rel=1e-9), (name, estimate)


@pytest.mark.slow
@pytest.mark.parametrize("alphabet", [2, 3, 256])
@pytest.mark.parametrize("kind", ["random", "periodic", "constant"])
def test_tuples_agree_with_counting_them(alphabet, kind):
    rng = np.random.default_rng(alphabet)
    symbols = rng.integers(0, alphabet, 400)
    if kind == "periodic":
        symbols = np.concatenate([np.tile(symbols[:29], 9), symbols[:60]])
    if kind == "constant":
        symbols[:] = alphabet - 1
    most, pairs = estimates._repeated_tuples(symbols)
    for length in range(1, symbols.size):
        tuples = Counter(
            tuple(symbols[i : i + length]) for i in range(symbols.size - length + 1)
        ).values()
        if max(tuples) == 1:
            break
        assert most[length - 1] == max(tuples)
        assert pairs[length - 1] == sum(math.comb(count, 2) for count in tuples)
    assert most.size == length - (max(tuples) == 1)


def test_biased_bits_have_their_min_entropy():
    """Independent bits, 1 with p = 3/4: the estimators are near or below -log2(3/4)."""
    rng = np.random.default_rng(0)
    bits = (rng.integers(0, 4, 200_000) > 0).astype(np.uint8)
    exact = -math.log2(0.75)
    for name in ("most_common_value", "collision", "markov"):
        assert getattr(estimates, name)(bits) == pytest.approx(exact, rel=0.02), name
    # These two are biased downwards by design; they look at rare events.
    for name in ("compression", "t_tuple"):
        assert 0.5 * exact < getattr(estimates, name)(bits) < 1.02 * exact, name


def test_the_table_of_bytes(good):
    key = np.packbits(good)[:49_152].reshape(128, 128, 3)
    table = estimates.min_entropy(key)
    assert table["section"].tolist() == [f"6.3.{i}" for i in (1, 5, 6, 1, 2, 3, 4, 5, 6)]
    assert table["bits_per_byte"].between(5, 8).all()
    pd_equal = estimates.min_entropy(key.tobytes())
    assert pd_equal.equals(table)
    assert estimates.min_entropy(np.zeros(3000, np.uint8))["bits_per_byte"].eq(0).all()
    repeated = np.tile(np.packbits(good)[:3000], 10)
    assert estimates.min_entropy(repeated)["bits_per_byte"].min() < 0.01


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (np.zeros(3000), TypeError, "uint8 array, got dtype float64"),
        (bytes(1999), ValueError, "at least 2000 bytes, got 1999"),
    ],
)
def test_what_is_no_key_is_refused(data, error, words):
    with pytest.raises(error, match=words):
        estimates.min_entropy(data)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "words"),
    [
        ("most_common_value", ([[1, 2]],), TypeError, "one dimension"),
        ("most_common_value", ([0.5, 1.0],), TypeError, "integers"),
        ("most_common_value", ([1],), ValueError, "at least 2 symbols, got 1"),
        ("collision", ([0, 1, 2, 0, 1, 1],), ValueError, "only 0 and 1"),
        ("compression", ([0, 1] * 100,), ValueError, "at least 6012 symbols, got 200"),
        ("compression", ([0, 1] * 100, 0), ValueError, "dictionary must be at least 1"),
        ("t_tuple", ([0, 1] * 10,), ValueError, "no symbol occurs 35 times among 20"),
        ("t_tuple", ([0, 1] * 10, 1), ValueError, "cutoff must be at least 2"),
    ],
)
def test_bad_arguments_are_refused(function, arguments, error, words):
    with pytest.raises(error, match=words):
        getattr(estimates, function)(*arguments)
