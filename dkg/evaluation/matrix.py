"""Ciphers beside measures and attacks: what passes, what falls, and which measure predicts what."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from dkg.evaluation.attacks.scores import FALSE_ALARMS
from dkg.evaluation.evaluation import Evaluation

SENSITIVITY = ("sensitivity to the plaintext", "sensitivity to the key")
"""Groups of measures that compare two encryptions; all others look at one ciphertext."""


def distances(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Return how far each cipher's measures lie from those of uniform bytes.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the name of the cipher.

    Returns
    -------
    pandas.DataFrame
        A row for each group of measures and a column for each cipher: the largest distance of a
        value of the group from its ideal, in half widths of the 95 % interval on its side. At most
        1 inside the interval; NaN where nothing was measured. Of SP 800-22 only the share of
        P-values below 0.01 counts.
    """
    columns = {name: _distances(one.table) for name, one in evaluations.items()}
    groups = dict.fromkeys(group for column in columns.values() for group in column.index)
    return pd.DataFrame(columns).reindex(list(groups))


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["kind"] == "measure") & table["ideal"].notna() & table["value"].notna()]
    single = rows["group"].str.startswith("SP 800-22")
    return rows[~single | rows["name"].str.startswith("P-values")]


def limit(evaluations: Mapping[str, Evaluation]) -> float:
    """Return how far a measure may lie from what uniform bytes give, in half widths, to pass.

    A sound cipher exceeds it in `FALSE_ALARMS` of its evaluations, as it falls to an attack: the
    normal quantile of that level, shared by all values of an evaluation (Bonferroni), over that of
    the 95 % interval.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the name of the cipher.
    """
    n_values = max(len(_counted(one.table)) for one in evaluations.values())
    return float(stats.norm.isf(FALSE_ALARMS / (2 * n_values)) / stats.norm.isf(0.05 / 2))


def _distances(table: pd.DataFrame) -> "pd.Series[float]":
    rows = _counted(table)
    value, ideal, low, high = (
        rows[name].to_numpy(float) for name in ("value", "ideal", "ideal_low", "ideal_high")
    )
    bound = np.where(value > ideal, high, low)
    distance = np.abs(value - ideal) / np.maximum(np.abs(bound - ideal), 1e-12)
    inside = (low <= value) & (value <= high)
    largest = pd.Series(np.where(inside, np.minimum(distance, 1), distance), rows.index)
    return largest.groupby(rows["group"], sort=False).max()


def strengths(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Return how far each attack on each cipher gets beyond chance.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the name of the cipher.

    Returns
    -------
    pandas.DataFrame
        A row for each attack and a column for each cipher: the distance of the score from the
        middle of chance where the attack succeeded, 0 where it failed, NaN where it does not apply.
    """
    return pd.DataFrame(
        {
            name: {
                attack.name: np.nan
                if attack.succeeded is None
                else attack.succeeded
                * abs(attack.score - (attack.chance_low + attack.chance_high) / 2)
                for attack in one.attacked
            }
            for name, one in evaluations.items()
        }
    )


def passing(evaluations: Mapping[str, Evaluation], *, sensitivity: bool = True) -> list[str]:
    """Return the ciphers whose measures all lie within `limit`.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the name of the cipher.
    sensitivity : bool, default True
        Whether the groups of `SENSITIVITY` count too, or only what is measured on one ciphertext.
    """
    table = distances(evaluations)
    counted = table if sensitivity else table.drop(index=list(SENSITIVITY), errors="ignore")
    within = limit(evaluations)
    return [str(name) for name in table if (counted[name].dropna() <= within).all()]


def broken(evaluations: Mapping[str, Evaluation]) -> dict[str, list[str]]:
    """Return the attacks that read or distinguish, and succeeded, of each cipher with any.

    Attacks that change ciphertexts do not count here: encryption alone promises nothing of them.
    """
    found = {
        name: [a.name for a in one.attacked if a.succeeded and a.group != "active"]
        for name, one in evaluations.items()
    }
    return {name: attacks for name, attacks in found.items() if attacks}


def predictions(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Return how well each group of measures predicts each attack, over the ciphers.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the name of the cipher, at least three.

    Returns
    -------
    pandas.DataFrame
        A row for each group of measures and a column for each attack: Spearman's rank correlation
        of `distances` and `strengths`, -1 to 1. NaN where one of them is the same for all ciphers,
        or fewer than three ciphers have both.
    """
    measured, attacked = distances(evaluations), strengths(evaluations)
    return pd.DataFrame(
        {
            attack: {group: _rank_correlation(row, other) for group, row in measured.iterrows()}
            for attack, other in attacked.iterrows()
        }
    )


def _rank_correlation(first: "pd.Series[float]", second: "pd.Series[float]") -> float:
    both = first.notna() & second.notna()
    a, b = first[both], second[both]
    if len(a) < 3 or a.nunique() == 1 or b.nunique() == 1:
        return np.nan
    return float(stats.spearmanr(a, b).statistic)
