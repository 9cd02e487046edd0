"""The trial of keys: uniform bytes meet its bounds, and keys with a known fault do not."""

import numpy as np
import pandas as pd
import pytest
import torch

from dkg import metrics
from dkg.attacks import key_trial, low_order


@pytest.fixture(scope="module")
def keys():
    return np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)


@pytest.fixture
def row():
    """A summary in which every number is that of uniform keys."""
    shares = [f"{n} inside, {p} (%)" for n in ("NPCR", "UACI") for p in ("one level", "two seeds")]
    return pd.Series(
        {
            "entropy (bits)": metrics.ideal_entropy(196_608).mean,
            "SP 800-22, proportion": 15,
            "pairs, one level": 100,
            "pairs, two seeds": 1000,
            "repeated windows": 0,
            "bits gained": 0.0,
            "ms a key": 50.0,
        }
        | dict.fromkeys(shares, 95.0)
    )


@pytest.mark.slow
def test_a_repeated_key_is_noticed(keys):
    pairs = low_order.between_keys(keys)
    good = key_trial.examine({"a": keys}, pairs, samples=2000, seed=0)
    bad = key_trial.examine({"a": keys, "b": keys[[0, 0]]}, pairs, samples=2000, seed=0)
    assert good.summary()["keys"] == 2 and bad.summary()["keys"] == 4
    assert good.repeated_windows == 0 < bad.repeated_windows
    assert good.summary()["NPCR inside, two seeds (%)"] == 100
    assert bad.summary()["NPCR inside, two seeds (%)"] == 50
    assert good.entropies["a"] == [metrics.entropy(key) for key in keys]
    assert good.summary()["SP 800-22, proportion"] <= len(good.failures) == 15


def test_a_test_without_lines_is_not_passed():
    failures = pd.DataFrame(
        {
            "lines": [1, 1, 0, 148],
            "outside": [0, 1, 0, 2],
            "outside_allowed": [0, 0, 0, 2],
            "not_uniform": [1, 1, 0, 0],
            "not_uniform_allowed": [0, 0, 0, 1],
        }
    )
    assert key_trial.passed_tests(failures) == 2
    assert key_trial.passed_tests(failures, "not_uniform") == 1


def test_the_card_accepts_what_uniform_keys_have(row):
    values, passed = key_trial.scorecard(pd.DataFrame({"uniform": row}).T)
    assert list(passed.loc["uniform"]) == [True] * 6 + [None]
    assert list(values.columns) == list(passed.columns)
    assert "95, 95" in list(values.loc["uniform"])


@pytest.mark.parametrize(
    ("measure", "value", "column"),
    [
        ("entropy (bits)", 7.9987, 0),
        ("SP 800-22, proportion", 14, 1),
        ("UACI inside, one level (%)", 85.0, 2),
        ("NPCR inside, two seeds (%)", 92.0, 3),
        ("repeated windows", 2, 4),
        ("bits gained", 0.02, 5),
    ],
)
def test_the_card_names_the_fault(row, measure, value, column):
    row[measure] = value
    _, passed = key_trial.scorecard(pd.DataFrame({"faulty": row}).T)
    assert [place for place, cell in enumerate(passed.loc["faulty"]) if cell is False] == [column]


def test_two_pairs_give_no_verdict(row):
    row["pairs, one level"] = 2
    row["NPCR inside, one level (%)"] = 0.0
    _, passed = key_trial.scorecard(pd.DataFrame({"few": row}).T)
    assert list(passed.loc["few"]) == [True, True, None, True, True, True, None]


def test_a_key_is_made_once(keys):
    asked = []

    def generate(image):
        asked.append(image)
        return ~image

    once = key_trial.Remembered(generate)
    for image in (keys[0], keys[1], keys[0].copy()):
        assert np.array_equal(once(image), ~image)
    assert len(asked) == 2
    once.forget()
    assert np.array_equal(once(keys[0]), ~keys[0]) and len(asked) == 3


def test_calls_are_timed():
    double = key_trial.Timed(lambda number: 2 * number)
    assert [double(n) for n in (1, 2)] == [2, 4]
    assert len(double.seconds) == 2 and min(double.seconds) >= 0


def test_multiplications_of_matrices_are_counted():
    left, right = torch.ones(3, 5), torch.ones(5, 7)
    assert key_trial.multiplications(lambda: left @ right) == 3 * 5 * 7
    out = torch.zeros(3, 7)
    assert key_trial.multiplications(lambda: out.addmm_(left, right)) == 3 * 5 * 7


def test_times_are_taken_in_turns_after_one_round():
    called = []
    work = {name: lambda name=name: called.append(name) for name in "ab"}
    times = key_trial.times_in_turns(work, 3)
    assert called == list("ab" * 4)
    assert times.shape == (3, 2) and list(times) == ["a", "b"] and (times >= 0).all(axis=None)


def test_threads_are_as_before_after_keys_were_made():
    class Threads:
        def generate_many(self, images):
            return torch.get_num_threads(), torch.backends.mkldnn.flags, images

    before = torch.get_num_threads()
    used, _, images = key_trial.keys_made_with(Threads(), "images", threads=before + 1)
    assert (used, images) == (before + 1, "images") and torch.get_num_threads() == before
