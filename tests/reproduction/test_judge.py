"""The verdict follows from the numbers and from what was measured, and nothing else."""

import math
from dataclasses import asdict

import pytest

from dkg.reproduction import COMPARISONS
from dkg.reproduction.judge import VERDICTS, _within, judge


def compared(*ours, id="table-III"):
    [comparison] = COMPARISONS[id]
    ours = [*ours, *[None] * (len(comparison.paper) - len(ours))]
    return [asdict(comparison) | {"ours": ours, "holds": []}]


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([7.98] * 8, "reproduced"),
        ([7.98] * 7 + [7.0], "partly"),
        ([7.98] * 4 + [7.0] * 4, "partly"),
        ([7.98] * 3 + [7.0] * 5, "not reproduced"),
        ([7.98] * 7, "partly"),
        ([7.98] * 4, "partly"),
        ([7.98] * 3, "cannot be judged"),
        ([7.0] * 4, "not reproduced"),
        ([], "cannot be judged"),
    ],
)
def test_the_verdict_follows_from_the_numbers(ours, verdict):
    judgement = judge(compared(*ours), origins=["files"], trained_on=["files", None])
    assert judgement.verdict == verdict and verdict in VERDICTS
    assert judgement.holds == [
        [None if n is None else n == 7.98 for n in ours] + [None] * (8 - len(ours))
    ]


@pytest.mark.parametrize(
    ("measured_on", "verdict", "words"),
    [
        ({}, "reproduced", "within their tolerance"),
        ({"origins": ["files", "synthetic"]}, "partly", "; synthetic images can support them"),
        ({"trained_on": ["synthetic"]}, "partly", "; networks trained on synthetic images can"),
        ({"origins": ["files"], "missing": "a test"}, "reproduced", " (a test)"),
    ],
)
def test_what_was_measured_on_limits_the_verdict(measured_on, verdict, words):
    judgement = judge(compared(*[7.98] * 8), **measured_on)
    assert judgement.verdict == verdict and words in judgement.why
    [comparison] = compared(*[7.98] * 8)
    counts = judge([comparison | {"images": False}], **measured_on)
    assert counts.verdict == "reproduced", "numbers that do not depend on what images show"


@pytest.mark.parametrize(
    ("rule", "paper", "tolerance", "inside", "outside"),
    [
        ("within", 7.98, 0.03, [7.95, 8.01], [7.949, 8.011, math.nan]),
        ("factor", 2.0, 3.0, [0.7, 6.0], [0.6, 6.1, 0.0, -2.0]),
        ("at least", 99.5, 0.0, [99.5, 100.0], [99.49, math.nan]),
        ("at most", 0.0, 0.1, [-5.0, 0.1], [0.11]),
        ("decision", 0.9999, 0.01, [0.01, 0.5], [0.0099, 0.0]),
        ("decision", 0.0, 0.01, [0.0099, 0.0], [0.01]),
        ("within", math.nan, 0.5, [math.nan], [0.5]),
    ],
)
def test_rules(rule, paper, tolerance, inside, outside):
    assert [_within(rule, paper, value, tolerance) for value in inside] == [True] * len(inside)
    assert [_within(rule, paper, value, tolerance) for value in outside] == [False] * len(outside)


def test_an_unknown_rule_is_an_error():
    with pytest.raises(ValueError, match="no rule 'near'"):
        _within("near", 1.0, 1.0, 0.0)
