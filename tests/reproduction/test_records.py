"""Records: the verdict follows from the numbers, and nothing else; what is written comes back."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dkg import data, paths, plots
from dkg.keys import KeyGenerator
from dkg.paper import CLAIMS, COMPARISONS
from dkg.reproduction import records as results


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    (tmp_path / "no images").mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "no images"))
    return tmp_path / "figures"


@pytest.fixture(scope="module")
def synthetic():
    return data.ImageSet("montgomery", np.zeros((1, 256, 256, 3), np.uint8), "synthetic")


@pytest.fixture(scope="module")
def real():
    return data.ImageSet("montgomery", np.zeros((1, 256, 256, 3), np.uint8), "files")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(tmp_path_factory.mktemp("measured")))
        return results.record("table-III", printed("table-III"), "Keys.")


def printed(id, shift=0.0):
    return {c.name: [value + shift for value in c.paper] for c in COMPARISONS[id]}


@pytest.mark.parametrize("id", COMPARISONS)
def test_the_papers_own_numbers_hold(id, real):
    made = results.record(id, printed(id), "The paper's own numbers.", images=real)
    assert made.verdict == "reproduced"
    assert made.table()["holds"].eq("yes").all()


def test_synthetic_images_support_and_do_not_reproduce(synthetic, real):
    made = results.record("table-III", printed("table-III"), "Phantoms.", images=synthetic)
    assert made.verdict == "partly"
    assert "synthetic images can support them, not reproduce them" in made.why
    trained_on_phantoms = KeyGenerator.load("base-phantom-1")
    ours = printed("table-III")
    made = results.record("table-III", ours, "s", images=real, networks=trained_on_phantoms)
    assert made.verdict == "partly"
    assert "; networks trained on synthetic images can support them" in made.why
    made = results.record("table-I", printed("table-I"), "Counts.", images=synthetic)
    assert made.verdict == "reproduced"


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
def test_the_verdict_follows_from_the_numbers(ours, verdict, real):
    made = results.record("table-III", {"entropy": ours}, "Keys.", images=real, missing="a test")
    assert made.verdict == verdict


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
    assert [results._within(rule, paper, value, tolerance) for value in inside] == [True] * len(
        inside
    )
    assert [results._within(rule, paper, value, tolerance) for value in outside] == [False] * len(
        outside
    )


def test_a_claim_has_words_for_its_verdict():
    made = results.record("claim-known-plaintext", {"bytes_read": 100.0}, "All of it.")
    assert made.verdict_in_words == "does not hold"
    assert made.title == CLAIMS["claim-known-plaintext"].words
    assert repr(made).startswith("claim-known-plaintext: does not hold")


def test_what_is_written_comes_back(output, synthetic):
    network = KeyGenerator.load()
    more = {"two seeds": {"NPCR (%)": np.float32(99.25)}, "broken": [math.nan, None, 1]}
    figure = plots.image_grid({"a": synthetic.images[0]})
    made = results.record(
        "table-XXI",
        {"entropy_rate_0.02_batch_1": [0.5, math.nan]},
        "Twice <b>broken</b>.",
        images=synthetic,
        networks=network,
        more=more,
        figure=figure,
        seeds={"pairs": 3},
        missing="it takes days",
    )
    text = (output / "results" / "table-XXI.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    [read] = results.load_all().values()
    assert results.dumps(read) == text
    assert read.holds("entropy_rate_0.02_batch_1") == [True, True, None, None, None]
    assert read.more["two seeds"] == {"NPCR (%)": 99.25}
    assert math.isnan(read.more["broken"][0]) and read.more["broken"][1:] == [None, 1]
    assert read.networks[0]["sha256"] == network.sha256 and read.networks[0]["steps"] == 20_000
    assert list(made.table()["ours"])[:3] == [0.5, pytest.approx(math.nan, nan_ok=True), None]
    assert 99.25 in made.numbers() and 0.5 in made.numbers()
    assert (output / "table-XXI.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (output / "table-XXI.svg").read_bytes()
    assert not list(output.rglob("*.tmp"))


def test_a_verdict_that_was_typed_in_is_not_believed():
    made = results.record("claim-known-plaintext", {"bytes_read": 100.0}, "All of it.")
    text = results.dumps(dataclasses.replace(made, verdict="reproduced"))
    assert results.loads(text).verdict == "not reproduced"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.none(), st.floats()), min_size=8, max_size=8))
def test_any_numbers_survive_a_write_and_a_read(measured, ours):
    [comparison] = measured.comparisons
    changed = dataclasses.replace(measured, comparisons=[comparison | {"ours": ours}])
    read = results.loads(results.dumps(changed))
    np.testing.assert_equal(read.comparisons[0]["ours"], ours)
    assert results.dumps(results.loads(results.dumps(read))) == results.dumps(read)


numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.floats())
content = st.recursive(
    numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=30)
@given(
    more=st.dictionaries(st.text(), content, max_size=4),
    # A sentence, and not one of the three words that stand for numbers that JSON does not have.
    sentence=st.text(min_size=1).filter(lambda text: text not in ("NaN", "Infinity", "-Infinity")),
    seeds=st.dictionaries(st.text(), st.integers(0, 2**64), max_size=3),
)
def test_a_record_survives_a_write_and_a_read(measured, more, sentence, seeds):
    made = dataclasses.replace(measured, more=more, sentence=sentence, seeds=seeds)
    text = results.dumps(made)
    read = results.loads(text)
    np.testing.assert_equal(read.more, more)
    assert (read.sentence, read.seeds) == (sentence, seeds)
    assert results.dumps(read) == text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            ("table-XXII", {}, "s"),
            ValueError,
            "no comparisons for 'table-XXII'; there are: table-I",
        ),
        (("table-III", {"entrpy": 1.0}, "s"), ValueError, "no comparison ['entrpy']; it has"),
        (("table-III", {"entropy": [8.0] * 9}, "s"), ValueError, "9 numbers for 8 labels"),
        (("table-III", {"entropy": [8.0]}, "s"), ValueError, "say why with missing="),
        (("table-III", {"entropy": ["8"] * 8}, "s"), TypeError, "expected numbers, got '8'"),
        (("figure-6", {"chi_square": True}, "s"), TypeError, "expected numbers, got True"),
    ],
)
def test_errors_name_what_is_wrong(call, error, words, output):
    with pytest.raises(error, match=re.escape(words)):
        results.record(*call)
    assert not output.exists()


def test_numbers_of_numpy_are_numbers():
    made = results.record(
        "figure-6", {"chi_square": np.float64(300.0)}, "s", more={"n": np.int64(3)}
    )
    assert made.holds("chi_square") == [False] and made.more == {"n": 3}
    assert results.dumps(results.loads(results.dumps(made))) == results.dumps(made)


def test_an_object_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="a record holds numbers, lists and dicts, not object"):
        results.record("figure-6", {"chi_square": 1.0}, "s", more={"a": object()})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"id": "table-III"}', "[" * 100_000, "not json", "null", "\xff"]
)
def test_what_is_no_record_is_named(text, output):
    (output / "results").mkdir(parents=True)
    (output / "results" / "table-III.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"table-III\.json: not a record"):
        results.load_all()


def test_a_record_under_another_name_is_refused(output):
    results.record("figure-6", {"chi_square": 1.0}, "s")
    (output / "results" / "figure-6.json").rename(output / "results" / "figure-7.json")
    with pytest.raises(ValueError, match=r"figure-7\.json: holds the record 'figure-6'"):
        results.load_all()


def test_lists_of_different_lengths_are_refused():
    made = results.record("figure-6", {"chi_square": 1.0}, "s")
    content = json.loads(results.dumps(made))
    content["comparisons"][0]["ours"] = [1.0, 2.0]
    with pytest.raises(ValueError, match="chi_square has lists of different lengths"):
        results.loads(json.dumps(content))


# Staleness.


@pytest.fixture
def current():
    images = data.load("brats18", n=1)
    made = results.record(
        "figure-6", {"chi_square": 1.0}, "s", images=images, networks=KeyGenerator.load()
    )
    assert results.stale(made) == []
    return made


def test_other_code_makes_a_record_stale(current, monkeypatch):
    monkeypatch.setattr(results, "code_sha256", lambda: "0" * 64)
    assert results.stale(current) == ["made by other code"]


def test_other_weights_make_a_record_stale(current):
    other = dataclasses.replace(current, networks=[current.networks[0] | {"sha256": "0" * 64}])
    assert results.stale(other) == ["the network base-phantom-1 is another one now, or gone"]


def test_other_images_make_a_record_stale(current):
    other = dataclasses.replace(current, images=[current.images[0] | {"fingerprint": "0" * 64}])
    assert results.stale(other) == ["the brats18 images are others now"]


def test_another_tolerance_makes_a_record_stale(current, monkeypatch):
    [comparison] = COMPARISONS["figure-6"]
    changed = dataclasses.replace(comparison, tolerance=(1.0,))
    monkeypatch.setitem(COMPARISONS, "figure-6", (changed,))
    assert results.stale(current) == ["its comparisons are not those of dkg.paper now"]


def test_another_notebook_makes_a_record_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "notebooks", lambda: tmp_path)
    monkeypatch.setenv("DKG_NOTEBOOK", "a_notebook")
    (tmp_path / "a_notebook.ipynb").write_text("first")
    made = results.record("figure-6", {"chi_square": 1.0}, "s")
    assert results.stale(made) == []
    (tmp_path / "a_notebook.ipynb").write_text("second")
    assert results.stale(made) == ["made by another version of a_notebook"]
