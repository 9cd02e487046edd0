"""Measured numbers become a record: judged, checked and written."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from dkg import paths, plots, results
from dkg.keys import KeyGenerator
from dkg.reproduction import CLAIMS

pytestmark = pytest.mark.usefixtures("output")


def test_a_panel_is_recorded_with_its_sources(output, panel, synthetic):
    network = KeyGenerator.load()
    measurements = panel("table-IV", nulls={"AES-256-CTR": 0.0})
    measurements.images, measurements.networks = [synthetic], [network]
    measurements.seeds["untrained networks"] = 7
    made = results.record("table-IV", measurements)
    assert made.trainings == 8 and not made.provisional
    assert made.networks[0]["sha256"] == network.sha256 and made.images[0]["n"] == 1
    assert made.seeds == {"untrained networks": 7}
    assert list(made.comparisons[0]["samples"][0]) == [f"training {i}" for i in range(1, 9)]
    statements = made.statements()
    assert list(statements["trainings"]) == ["8", "8"]
    assert statements["AES-256-CTR"].str.endswith(": yes").all()
    assert results.load_all()["table-IV"].comparisons == made.comparisons


def test_the_sentence_is_chosen_by_the_outcome(panel, real):
    for shift, words, claim in ((0.0, "inside the interval", "holds"), (-90.0, "outside", "fails")):
        made = results.record("table-IV", panel("table-IV", shift), images=real)
        assert words in made.sentence and "at the median over 8 trainings" in made.sentence
        id = "claim-seed-sensitivity"
        made = results.record(id, panel(id, shift))
        assert made.sentence.startswith(getattr(CLAIMS[id], claim))
    made = results.record("claim-seed-sensitivity")
    assert made.sentence == "Too little was measured to judge it. Nothing was measured."


def test_double_precision_is_said_beside_exact_keys(panel):
    exact = panel("table-IV")
    made = results.record("table-IV", exact, in_float64=panel("table-IV", 1.0))
    means = made.more["means by precision of the network"]
    assert set(means) == {f"{n}, {p}" for n in ("npcr", "uaci") for p in ("exact", "double")}
    assert means["npcr, double"]["median"] == pytest.approx(means["npcr, exact"]["median"] + 1)
    assert "NPCR with double-precision networks: 100." in made.sentence


def test_what_is_missing_is_counted(panel):
    made = results.record("table-III", entropy=[7.9, 7.8])
    assert made.missing == "2 of 8 numbers were measured" and made.why.endswith(f"({made.missing})")
    more_images = panel("table-III")
    for values in (more_images.network, *more_images.trainings.values()):
        values["entropy"] = values["entropy"] * 2
    made = results.record("table-III", more_images)
    assert made.missing is None and len(made.comparisons[0]["ours"]) == 8
    assert len(made.comparisons[0]["samples"][0]["training 1"]) == 16


def test_numbers_by_label_and_over_images():
    made = results.record(
        "claim-imitator",
        block_correlation={"both known": [-0.2, 0.4], "domain known": 0.5},
        missing="a test",
    )
    assert made.comparisons[0]["ours"] == [0.5, None, pytest.approx(0.3)]
    bounds = [s["high"] for s in made.comparisons[0]["statements"]]
    assert bounds[2] < bounds[0], "a mean of two has a lower bound"
    with pytest.raises(ValueError, match=r"\['nothing'\]; it has \['domain known'"):
        results.record("claim-imitator", block_correlation={"nothing": 1.0})


def test_shuffled_pairs_stand_beside_what_compares_plaintext_and_ciphertext(panel):
    nulls = {"shuffled pairs": 0.0, "AES-256-CTR": 0.0}
    for id, name, there in (("table-VIII", "ssim", True), ("table-V", "cipher_entropy", False)):
        made = results.record(id, panel(id, nulls=nulls))
        [c] = [c for c in made.comparisons if c["name"] == name]
        assert ("shuffled pairs" in c["null_holds"]) is there and "AES-256-CTR" in c["null_holds"]


def test_synthetic_images_support_and_do_not_reproduce(panel, synthetic, real, printed):
    made = results.record("table-III", panel("table-III"), images=synthetic)
    assert made.verdict == "partly"
    assert "synthetic images can support them, not reproduce them" in made.why
    trained_on_phantoms = KeyGenerator.load("base-phantom-1")
    made = results.record(
        "table-III", panel("table-III"), images=real, networks=trained_on_phantoms
    )
    assert made.verdict == "partly"
    assert "; networks trained on synthetic images can support them" in made.why
    made = results.record("table-I", printed("table-I"), images=synthetic)
    assert made.verdict == "reproduced"


def test_a_claim_has_words_for_its_verdict():
    made = results.record("claim-known-plaintext", {"bytes_read": 100.0})
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
    assert read.holds("entropy_rate_0.02_batch_1") == [None] * 5, "one training"
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
            ("table-XXII", {}),
            ValueError,
            "no comparisons for 'table-XXII'; there are: table-I",
        ),
        (("table-III", {"entrpy": 1.0}), ValueError, "no comparison ['entrpy']; it has"),
        (("figure-6", {"chi_square": [8.0] * 2}), ValueError, "2 numbers for 1 labels"),
        (("table-III", {"entropy": ["8"] * 8}), TypeError, "expected numbers, got '8'"),
        (("figure-6", {"chi_square": True}), TypeError, "expected numbers, got True"),
    ],
)
def test_errors_name_what_is_wrong(call, error, words, output):
    with pytest.raises(error, match=re.escape(words)):
        results.record(*call)
    assert not output.exists()


def test_numbers_of_numpy_are_numbers():
    made = results.record("figure-6", {"chi_square": np.float64(300.0)}, more={"n": np.int64(3)})
    assert made.holds("chi_square") == [False] and made.more == {"n": 3}
    assert results.dumps(results.loads(results.dumps(made))) == results.dumps(made)


def test_an_object_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="a record holds numbers, lists and dicts, not object"):
        results.record("figure-6", {"chi_square": 1.0}, more={"a": object()})


def test_the_old_name_of_the_package_has_everything():
    for name in ("record", "Record", "load_all", "loads", "dumps", "stale", "VERDICTS"):
        assert hasattr(results, name)


def test_tables_of_pandas_are_dicts():
    frame = pd.DataFrame({"key": [1, 2.5]}, index=["a", "b"])
    made = results.record("figure-6", {"chi_square": 1.0}, more={"t": frame, "s": frame.key})
    assert made.more == {"t": {"key": {"a": 1.0, "b": 2.5}}, "s": {"a": 1.0, "b": 2.5}}


def test_a_network_in_the_project_is_named_by_its_path_there(output, panel, real, monkeypatch):
    """A record that is published names no folder of the machine that made it."""
    monkeypatch.setattr(paths, "root", lambda: output)
    network = KeyGenerator.load()
    for folder, name in ((output / "runs", "runs/mine"), (output.parent, f"{output.parent}/mine")):
        network.name = str(folder / "mine")
        made = results.record("table-III", panel("table-III"), images=real, networks=network)
        assert made.networks[0]["name"] == name
