import itertools
import re

import numpy as np
import pytest

from dkg.randomness import aperiodic_templates, non_overlapping_template, overlapping_template
from dkg.randomness.templates import overlapping_probabilities


def test_templates_of_length_nine(reference):
    expected = reference["pi"]["tests"]["non_overlapping_template"]["variants"]
    assert list(aperiodic_templates(9)) == expected


# The numbers of bifix-free words, OEIS A003000.
@pytest.mark.parametrize(
    ("length", "count"), [(2, 2), (3, 4), (4, 6), (5, 12), (8, 74), (9, 148), (12, 1116)]
)
def test_numbers_of_templates(length, count):
    assert len(aperiodic_templates(length)) == count


@pytest.mark.parametrize("length", [2, 3, 9, 12])
def test_matches_agree_with_regular_expressions(length):
    bits = np.random.default_rng(length).integers(0, 2, 20_003, dtype=np.uint8)
    templates = aperiodic_templates(length)[::7]
    result = non_overlapping_template(bits, templates)
    blocks = [
        "".join(map(str, bits[i * (20_003 // 8) : (i + 1) * (20_003 // 8)])) for i in range(8)
    ]
    expected = [[len(re.findall(t, block)) for block in blocks] for t in templates]
    assert result.details["W"].tolist() == expected


def test_too_short_for_the_template():
    result = non_overlapping_template(np.ones(70, np.uint8))
    assert not result.applicable
    assert result.p_values == (None,) * 148


def test_too_short_for_the_normal_distribution():
    bits = np.random.default_rng(0).integers(0, 2, 20_544, dtype=np.uint8)
    assert non_overlapping_template(bits).applicable
    assert not non_overlapping_template(bits[:-8]).applicable


def test_overlapping_matches():
    bits = np.random.default_rng(0).integers(0, 2, 1032 * 90 + 5, dtype=np.uint8)
    text = ["".join(map(str, block)) for block in bits[: 1032 * 90].reshape(90, 1032)]
    matches = [len(re.findall("(?=111111111)", block)) for block in text]
    expected = np.bincount(np.minimum(matches, 5), minlength=6)
    result = overlapping_template(bits)
    assert result.details["nu"].tolist() == expected.tolist()
    assert result.applicable
    assert not overlapping_template(bits[: 1032 * 60]).applicable


def test_overlapping_probabilities():
    # The values of Hamano and Kaneko, as section 3.8 of the standard prints them.
    hamano_kaneko = [0.364091, 0.185659, 0.139381, 0.100571, 0.0704323, 0.139865]
    exact = overlapping_probabilities(9, "exact")
    np.testing.assert_allclose(exact, hamano_kaneko, rtol=0, atol=1e-6)
    tool = overlapping_probabilities(9, "nist")
    assert tool[0] == np.exp(-1)
    for probabilities in (exact, tool):
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)


def test_overlapping_probabilities_of_a_short_block(monkeypatch):
    monkeypatch.setattr("dkg.randomness.templates._OVERLAPPING_BLOCK", 12)
    counts = [
        min(5, len(re.findall("(?=111)", "".join(block))))
        for block in itertools.product("01", repeat=12)
    ]
    expected = np.bincount(counts, minlength=6) / 2**12
    exact = overlapping_probabilities.__wrapped__(3, "exact")
    np.testing.assert_allclose(exact, expected, rtol=1e-12)
