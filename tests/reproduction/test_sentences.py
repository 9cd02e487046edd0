"""How numbers are worded: few digits, and never on the wrong side of a bound."""

import re

import pytest

from dkg.reproduction import CLAIMS, COMPARISONS, judge
from dkg.reproduction.recording import measured
from dkg.reproduction.sentences import accepted, finding, number, outcome

from .conftest import panel_of, spread_of


@pytest.mark.parametrize(
    ("value", "scale", "shown"),
    [
        (0.75548, None, "0.755"),
        (0.066139, None, "0.0661"),
        (11180.18, None, "11,200"),
        (271968.0, None, "271,968"),
        (100.0, None, "100"),
        (99.5, None, "99.5"),
        (-0.0072649, None, "-0.00726"),
        (5.224e-88, None, "5.22e-88"),
        (7.9969, None, "8"),
        (7.9969, 0.0037, "7.997"),
        (99.569, 0.004, "99.569"),
        (99.568761, 0.0000004, "99.569"),
        (0.0, None, "0"),
        (float("nan"), None, "NaN"),
        (float("inf"), None, "inf"),
        (None, None, "–"),
    ],
)
def test_a_number_has_three_digits_or_those_that_its_scale_needs(value, scale, shown):
    assert number(value, scale) == shown


def test_both_ends_of_a_range_are_told_apart():
    assert accepted(7.9936, 7.9998) == "7.994 to 8"
    assert accepted(None, 0.066139) == "at most 0.0661"
    assert accepted(10.4, None) == "at least 10.4"
    assert accepted(None, None) == "–"


def digits(text):
    """Return the significant digits of each number of a sentence that is no count."""
    found = re.findall(r"(?<![\w.])\d[\d,]*\.\d+(?:e-?\d+)?", text)
    return [len(re.sub(r"[.,]", "", n.partition("e")[0]).lstrip("0")) for n in found]


@pytest.mark.parametrize("id", COMPARISONS)
def test_a_sentence_has_few_digits(id):
    judgement = judge.judge(
        [measured(c, panel_of(id, 0.123456789), spread=spread_of(id)) for c in COMPARISONS[id]]
    )
    sentence = outcome(id, judgement)
    assert re.search(r"\d", sentence) and all(n <= 5 for n in digits(sentence))


IN_PARTS = [id for id, claim in CLAIMS.items() if not isinstance(claim.fails, str)]


@pytest.mark.parametrize("id", IN_PARTS)
def test_a_claim_in_parts_names_only_the_parts_that_fail(id):
    fails = CLAIMS[id].fails
    for c in COMPARISONS[id]:
        assert c.name in fails or set(c.labels) <= set(fails), f"{c.name} has no words"
    agree = [measured(c, panel_of(id)) for c in COMPARISONS[id]]
    assert finding(id, judge.judge(agree).comparisons) == CLAIMS[id].holds
    for place, c in enumerate(COMPARISONS[id]):
        worse = 1e6 if c.rule in ("at most", "within", "chance") else -1e6
        spoilt = list(agree)
        spoilt[place] = measured(c, panel_of(id, worse))
        names = [c.name] if c.name in fails else c.labels
        expected = "; ".join(fails[name] for name in fails if name in names)
        said = finding(id, judge.judge(spoilt).comparisons)
        assert said == f"{expected[0].upper()}{expected[1:]}."


@pytest.mark.parametrize("failing", [0, 1])
def test_a_claim_in_parts_by_label_names_only_the_label_that_fails(failing):
    id = "beyond-hardened-limits"
    [c] = COMPARISONS[id]
    made = judge.judge([measured(c, panel_of(id))]).comparisons
    made[0]["statements"][failing]["inside"] = False
    words = CLAIMS[id].fails[c.labels[failing]]
    assert finding(id, made) == f"{words[0].upper()}{words[1:]}."
