"""Ciphers beside measures and attacks, from outcomes that are made up."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dkg.evaluation import Attacked, Measured, matrix
from dkg.evaluation.evaluation import Evaluation


def measured(name, group, value, ideal=8.0, low=7.0, high=8.5):
    return Measured(name, group, value, value, value, ideal, low, high, "", 1, "")


def attacked(name, succeeded, score, group="ciphertext only"):
    return Attacked(name, group, "", score, 0, 0, 0.0, 2.0, succeeded, "", "", "", 1)


def evaluation(measures, attacks):
    return Evaluation("a", (), tuple(measures), tuple(attacks), (), (), ((8, 8),), 0)


@pytest.fixture
def evaluations():
    return {
        "sound": evaluation(
            [
                measured("entropy", "histogram", 7.5),
                measured("NPCR", "sensitivity to the plaintext", 8.4),
            ],
            [attacked("averaging", False, 1.5), attacked("tampering", True, 9, "active")],
        ),
        "worse": evaluation(
            [
                measured("entropy", "histogram", 6.4),
                measured("chi-square", "histogram", 8.8),
                measured("NPCR", "sensitivity to the plaintext", 3.0),
            ],
            [attacked("averaging", True, 3.0), attacked("search", None, np.nan)],
        ),
        "worst": evaluation(
            [
                measured("entropy", "histogram", 0.0),
                measured("NPCR", "sensitivity to the plaintext", 7.9),
                measured("speed", "speed", 3.0, None, None, None),
                measured("P-values below 0.01", "SP 800-22, ciphertexts", 7.5),
                measured("runs", "SP 800-22, ciphertexts", 0.0),
            ],
            [attacked("averaging", True, -4.0)],
        ),
    }


def test_distances_are_in_half_widths_on_their_side(evaluations):
    table = matrix.distances(evaluations)
    assert table.loc["histogram"].round(9).tolist() == [0.5, 1.6, 8.0]
    assert table.loc["sensitivity to the plaintext"].round(9).tolist() == [0.8, 5.0, 0.1]
    assert table.loc["SP 800-22, ciphertexts"].isna().tolist() == [True, True, False]
    assert table.loc["SP 800-22, ciphertexts", "worst"] == 0.5
    assert "speed" not in table.index


def test_a_value_inside_is_never_farther_than_the_interval():
    """The ideal may lie at the edge of its interval, or outside of a discrete one."""
    one = evaluation([measured("rank", "SP 800-22", 0.0, 1.0, 0.0, 0.0)], [])
    two = evaluation([measured("a", "b", 1.9, 1.0, 1.0, 2.0)], [])
    table = matrix.distances({"one": one, "two": two})
    assert pd.isna(table.loc["b", "one"]) and table.loc["b", "two"] == pytest.approx(0.9)


def test_strengths(evaluations):
    table = matrix.strengths(evaluations)
    assert table.loc["averaging"].tolist() == [0, 2, 5]
    assert table.loc["tampering", "sound"] == 8
    assert table.loc["search"].isna().all()


def test_independent_values_exceed_the_limit_as_seldom_as_an_attack_succeeds(rng):
    rows = [measured(f"{i}", "group", 0.0, 0.0, -1.0, 1.0) for i in range(40)]
    limit = matrix.limit({"one": evaluation(rows, []), "two": evaluation(rows[:5], [])})
    farthest = np.abs(rng.standard_normal((200_000, 40))).max(axis=1) / stats.norm.isf(0.025)
    # 200 of 200,000 are expected, and 257 exceeded by chance in 1 of 10,000 cases.
    assert 140 < (farthest > limit).sum() < 257


def test_what_passes_and_what_is_broken(evaluations):
    assert matrix.passing(evaluations) == ["sound"]
    assert matrix.passing(evaluations, sensitivity=False) == ["sound", "worse"]
    assert matrix.broken(evaluations) == {"worse": ["averaging"], "worst": ["averaging"]}


def test_predictions(evaluations):
    table = matrix.predictions(evaluations)
    assert table.loc["histogram", "averaging"] == pytest.approx(1)
    # 0.8, 5 and 0.1 beside 0, 2 and 5: ranks 2, 3, 1 and 1, 2, 3.
    assert table.loc["sensitivity to the plaintext", "averaging"] == pytest.approx(-0.5)
    assert pd.isna(table.loc["histogram", "search"])
    assert pd.isna(table.loc["histogram", "tampering"])


def test_what_is_the_same_for_all_ciphers_predicts_nothing(evaluations):
    same = dict.fromkeys("abc", evaluations["worst"])
    assert matrix.predictions(same).isna().all(axis=None)
