"""Measured numbers become a record: judged, checked and written."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from dkg import plots, results
from dkg.keys import KeyGenerator
from dkg.reproduction import CLAIMS, COMPARISONS

pytestmark = pytest.mark.usefixtures("output")


@pytest.mark.parametrize("id", COMPARISONS)
def test_the_papers_own_numbers_hold(id, real, printed):
    made = results.record(id, printed(id), "The paper's own numbers.", images=real)
    assert made.verdict == "reproduced"
    assert made.table()["holds"].eq("yes").all()


def test_synthetic_images_support_and_do_not_reproduce(synthetic, real, printed):
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


def test_the_old_name_of_the_package_has_everything():
    for name in ("record", "Record", "load_all", "loads", "dumps", "stale", "VERDICTS"):
        assert hasattr(results, name)


def test_tables_of_pandas_are_dicts():
    frame = pd.DataFrame({"key": [1, 2.5]}, index=["a", "b"])
    made = results.record("figure-6", {"chi_square": 1.0}, "s", more={"t": frame, "s": frame.key})
    assert made.more == {"t": {"key": {"a": 1.0, "b": 2.5}}, "s": {"a": 1.0, "b": 2.5}}
