"""Records as JSON: what is written comes back, and what is no record is refused."""

import dataclasses
import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dkg import reproduction as results
from dkg.reproduction.comparisons import Comparison
from dkg.reproduction.comparisons.comparison import Rule
from dkg.reproduction.measured import COMPUTED, Measured

pytestmark = pytest.mark.usefixtures("output")


def test_a_verdict_that_was_typed_in_is_not_believed():
    made = results.record("claim-known-plaintext", {"bytes_read": 100.0})
    text = results.dumps(dataclasses.replace(made, verdict="reproduced"))
    assert results.loads(text).verdict == "not reproduced"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.none(), st.floats()), min_size=8, max_size=8))
def test_any_numbers_survive_a_write_and_a_read(recorded, ours):
    [comparison] = recorded.comparisons
    changed = dataclasses.replace(recorded, comparisons=[comparison | {"ours": ours}])
    read = results.loads(results.dumps(changed))
    np.testing.assert_equal(read.comparisons[0]["ours"], ours)
    assert results.dumps(results.loads(results.dumps(read))) == results.dumps(read)


of_any_size = st.lists(st.floats(), min_size=1, max_size=3)


@settings(deadline=None, max_examples=30)
@given(
    trainings=st.lists(of_any_size, max_size=9),
    null=st.lists(of_any_size, min_size=1, max_size=2),
    rule=st.sampled_from(get_args(Rule)),
)
def test_any_sample_can_be_judged(recorded, trainings, null, rule):
    """Also of numbers as no measure gives: infinite ones, and ones whose squares are."""
    [comparison] = recorded.comparisons
    samples = [{f"training {i}": values for i, values in enumerate(trainings)}]
    changed = comparison | {"rule": rule, "samples": samples, "nulls": [{"a null model": null}]}
    read = results.loads(results.dumps(dataclasses.replace(recorded, comparisons=[changed])))
    assert results.dumps(results.loads(results.dumps(read))) == results.dumps(read)
    assert read.verdict in results.VERDICTS and read._repr_html_()


numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.floats())
content = st.recursive(
    numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=30)
@given(
    more=st.dictionaries(st.text(), content, max_size=4),
    # A sentence, and not one of the three words that stand for numbers that JSON does not have.
    sentence=st.text(min_size=1).filter(lambda text: text not in ("NaN", "Infinity", "-Infinity")),
    seeds=st.dictionaries(st.text(), st.integers(0, 2**64), max_size=3),
)
def test_a_record_survives_a_write_and_a_read(recorded, more, sentence, seeds):
    made = dataclasses.replace(recorded, more=more, sentence=sentence, seeds=seeds)
    text = results.dumps(made)
    read = results.loads(text)
    np.testing.assert_equal(read.more, more)
    assert (read.sentence, read.seeds) == (sentence, seeds)
    assert results.dumps(read) == text


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"id": "table-III"}', "[" * 100_000, "not json", "null", "\xff"]
)
def test_what_is_no_record_is_named(text, output):
    (output / "results").mkdir(parents=True)
    (output / "results" / "table-III.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"table-III\.json: not a record"):
        results.load_all()


def test_a_record_under_another_name_is_refused(output):
    results.record("figure-6", {"chi_square": 1.0})
    (output / "results" / "figure-6.json").rename(output / "results" / "figure-7.json")
    with pytest.raises(ValueError, match=r"figure-7\.json: holds the record 'figure-6'"):
        results.load_all()


def test_a_record_of_an_earlier_version_is_named(recorded):
    content = json.loads(results.dumps(recorded))
    for name in ("kind", "over", "samples", "nulls"):
        del content["comparisons"][0][name]
    with pytest.raises(
        ValueError, match=r"table-III: a record of dkg 0\.2 or earlier, which holds no"
    ):
        results.loads(json.dumps(content), "table-III")


def test_lists_of_different_lengths_are_refused():
    made = results.record("figure-6", {"chi_square": 1.0})
    content = json.loads(results.dumps(made))
    content["comparisons"][0]["ours"] = [1.0, 2.0]
    with pytest.raises(ValueError, match="chi_square has lists of different lengths"):
        results.loads(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "table-3"}, "id"),
        ({"verdict": "good"}, "verdict"),
        ({"sentence": ""}, "sentence"),
        ({"comparisons": []}, "comparisons"),
        ({"seeds": {"pairs": True}}, "seeds.pairs"),
        ({"seeds": {"pairs": 1.0}}, "seeds.pairs"),
        ({"figure": "../a.png"}, "figure"),
        ({"images": [{"name": "brats18"}]}, "images.0.origin"),
        ({"networks": [{"trained_on": "phantoms"}]}, "networks.0.name"),
        ({"provenance": {}}, "provenance.dkg"),
        ({"note": "s"}, "note"),
        ({"comparisons.0": {"rule": "near"}}, "comparisons.0.rule"),
        ({"comparisons.0": {"ours": ["1"]}}, "comparisons.0.ours.0"),
        ({"comparisons.0": {"tolerance": [-1.0]}}, "comparisons.0.tolerance.0"),
        ({"comparisons.0": {"note": "s"}}, "comparisons.0.note"),
        ({"provenance.": {"code_sha256": "0"}}, "provenance.code_sha256"),
        ({"provenance.": {"threads": 0}}, "provenance.threads"),
    ],
)
def test_a_malformed_field_is_named_in_one_line(recorded, output, change, field):
    content = json.loads(results.dumps(recorded))
    content["comparisons"][0] |= change.pop("comparisons.0", {})
    content["provenance"] |= change.pop("provenance.", {})
    folder = output / "results"
    folder.mkdir(parents=True)
    (folder / "table-III.json").write_text(json.dumps(content | change))
    with pytest.raises(ValueError) as caught:
        results.load_all()
    path = folder / "table-III.json"
    assert str(caught.value).startswith(f"{path}: not a record of results: {field}: ")
    assert "\n" not in str(caught.value)


def test_a_record_that_could_not_be_read_is_not_written(recorded):
    with pytest.raises(ValueError, match=r"table-III: not a record of results: sentence: "):
        results.dumps(dataclasses.replace(recorded, sentence=""))


def test_a_comparison_of_a_record_has_the_fields_of_a_comparison():
    named = [field.name for field in dataclasses.fields(Comparison)]
    own = ["ours", "samples", "nulls", "spread", *COMPUTED]
    assert [*Measured.__annotations__] == [*named, *own]
