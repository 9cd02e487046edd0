"""An evaluation from a cipher or from ciphertexts to its table and verdict."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import dkg
from dkg import paths
from dkg.evaluation.attacks import ATTACKS, SLOW
from dkg.evaluation.bench import evaluate, evaluate_ciphertexts
from dkg.evaluation.measures import MEASURES
from dkg.evaluation.outcomes import Attacked
from dkg.evaluation.verdict import BEST, judge

QUICK = {"measures": ["histogram", "texture", "key-space"], "attacks": ["averaging", "key reuse"]}


def quick(cipher, images, **options):
    return evaluate(cipher, images, **(QUICK | {"seed": 1, "progress": False} | options))


def test_a_table_has_a_row_for_each_measure_and_attack(images):
    result = quick("aes-256-ctr", images)
    table = result.table
    assert isinstance(table, pd.DataFrame)
    assert len(table) == len(result.measured) + len(result.attacked)
    assert list(table[table["kind"] == "attack"]["name"]) == ["averaging", "key reuse"]
    assert set(table[table["kind"] == "measure"]["group"]) == {"histogram", "texture", "key space"}
    entropy = table.set_index("name").loc["entropy"]
    assert entropy["ideal_low"] < entropy["value"] < 8
    assert result.shapes == ((64, 64, 3),) * 2
    assert result.cipher == "aes-256-ctr"


def test_a_random_seed_repeats_and_a_choice_changes_no_number(images):
    all_rows = quick("logistic-xor", images, measures=["histogram", "correlation", "bit-planes"])
    again = quick("logistic-xor", images, measures=["histogram", "correlation", "bit-planes"])
    pd.testing.assert_frame_equal(all_rows.table, again.table)
    threads = quick(
        "logistic-xor", images, measures=["histogram", "correlation", "bit-planes"], jobs=3
    )
    pd.testing.assert_frame_equal(all_rows.table, threads.table)
    fewer = quick("logistic-xor", images, measures="correlation", attacks=[])
    expected = all_rows.table[all_rows.table["group"] == "adjacent correlation"]
    pd.testing.assert_frame_equal(fewer.table, expected.reset_index(drop=True))
    other = quick("logistic-xor", images, measures="correlation", attacks=[], seed=2)
    assert not other.table["value"].equals(fewer.table["value"])
    assert quick("identity", images, seed=None).seed != quick("identity", images, seed=None).seed


def test_slow_attacks_run_only_when_they_are_asked_for(images):
    result = evaluate("identity", images, measures=[], seed=1, progress=False)
    assert [attack.name for attack in result.attacked] == [n for n in ATTACKS if n not in SLOW]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"measures": ["entropy"]}, "unknown measure 'entropy'; there are histogram, "),
        ({"attacks": "guessing"}, "unknown attack 'guessing'; there are averaging, "),
        ({"seed": -1}, "at least 0, not -1"),
        ({"jobs": 0}, "at least 1, not 0"),
    ],
)
def test_bad_arguments(images, options, message):
    with pytest.raises(ValueError, match=message):
        quick("identity", images, **options)


@pytest.mark.filterwarnings("ignore:Attempting to set identical:UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize("shape", [(30, 20, 1), (20, 30, 2), (1, 900), (2, 3)])
def test_any_shape(rng, shape, tmp_path):
    for image in (rng.integers(0, 256, shape, np.uint8), np.zeros(shape, np.uint8)):
        result = evaluate("logistic-xor", [image, image], seed=1, progress=False)
        assert len(result.report(tmp_path, overwrite=True)) == 4
        assert {row.group for row in result.measured} > {"histogram", "texture", "robustness"}


def test_no_image():
    with pytest.raises(ValueError, match="at least one image"):
        quick("identity", [])
    with pytest.raises(ValueError, match="at least one ciphertext"):
        evaluate_ciphertexts([])


def test_ciphertexts_are_measured_as_far_as_they_can_be(images, rng):
    hidden = [rng.integers(0, 256, image.shape, np.uint8) for image in images]
    alone = evaluate_ciphertexts(hidden, seed=1, progress=False)
    missing = dict(alone.not_measured)
    assert missing["sensitivity to the plaintext"] == "needs the cipher"
    assert missing["distance from the plaintext"] == missing["averaging"] == "needs the plaintexts"
    assert missing["key reuse"] == "needs the plaintexts"
    assert {row.group for row in alone.measured} == {
        family.title for family in MEASURES.values() if family.needs == "ciphertexts"
    }
    assert not alone.attacked and not alone.examples
    paired = evaluate_ciphertexts(hidden, images, seed=1, progress=False)
    missing = dict(paired.not_measured)
    assert "averaging" not in missing and "distance from the plaintext" not in missing
    assert missing["key reuse"] == "needs ciphertexts under one key"
    assert {attack.name for attack in paired.attacked} == {
        name for name, attack in ATTACKS.items() if attack.needs == "images" and name not in SLOW
    }
    one_key = evaluate_ciphertexts(hidden, images, one_key=True, seed=1, progress=False)
    assert "key reuse" in {attack.name for attack in one_key.attacked}


def test_files_and_cipher_give_the_same_measures(images):
    cipher = quick("logistic-xor", images, attacks=[])
    hidden = [c for _, c in cipher.examples]
    files = evaluate_ciphertexts(hidden, images, measures=QUICK["measures"], seed=1, progress=False)
    common = cipher.table[cipher.table["group"] != "key space"]
    pd.testing.assert_frame_equal(files.table[files.table["kind"] == "measure"], common)


def test_key_reuse_is_found_in_files(images, rng):
    key = rng.integers(0, 256, images[0].shape, np.uint8)
    hidden = [image ^ key for image in images]
    result = evaluate_ciphertexts(
        hidden, images, one_key=True, measures=[], attacks="key reuse", seed=1, progress=False
    )
    assert result.attacked[0].succeeded is True


def test_other_shapes_are_refused(images):
    with pytest.raises(ValueError, match="the shape of its plaintext"):
        evaluate_ciphertexts([image[1:] for image in images], images)


def attack(name, succeeded):
    return Attacked(name, "", "", 0, math.nan, math.nan, 0, 0, succeeded, "", "", "", 1)


def test_a_verdict_never_says_secure():
    best = judge([], [attack("a", False), attack("b", None)])
    assert best.together.startswith(BEST)
    assert "no proof of security" in best.together
    assert best.attacks == "None of 1 attack succeeded."
    broken = judge([], [attack("a", True), attack("b", False)])
    assert broken.attacks == "1 of 2 attacks succeeded: a."
    assert BEST not in broken.together


def test_good_measures_and_a_successful_attack(images):
    row = quick("aes-256-ctr", images, measures="texture", attacks=[]).measured[0]
    good = judge([row] * 20, [attack("a", True)])
    assert "attacks succeed all the same" in good.together
    assert good.measures.startswith("20 of 20 values lie in")


def test_evaluate_is_in_the_package_and_imported_late():
    assert dkg.evaluate is evaluate
    code = "import sys, dkg; print(sorted(m for m in sys.modules if m in ('torch', 'numpy')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'evaluation_of'"):
        _ = dkg.evaluation_of


def test_the_documentation_lists_every_family():
    page = paths.root() / "docs" / "measures.md"
    if not page.is_file():
        pytest.skip("the package is installed without its documentation")
    section = page.read_text().split("## The measures of `dkg evaluate`")[1].split("\n## ")[0]
    assert not [family for family in MEASURES if f"`{family}`" not in section]
