"""Which of the paper's numbers each hypothesis predicts, how far off, and which it breaks."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from dkg.reproduction import intervals
from dkg.reproduction.forensics.hypotheses import HYPOTHESES, Hypothesis
from dkg.reproduction.forensics.material import Material
from dkg.reproduction.forensics.pipeline import Numbers, ordinary, paper_numbers

_LEFT = ["paper", "as the text has it", "tried", "inside", "not post hoc", "nearest", "distance"]

ORDINARY = "as the paper's text has it"
"""What the measurement without any hypothesis is called in the tables."""


def assess(
    materials: Sequence[Material], hypotheses: Iterable[Hypothesis] = HYPOTHESES
) -> pd.DataFrame:
    """Predict the paper's numbers under each hypothesis, with an interval over networks.

    Each network, with seed images and plaintexts of its own, is one repetition of the paper's
    experiment. The interval is the 95 % prediction interval for one more repetition.

    Parameters
    ----------
    materials : sequence of Material
        At least two.
    hypotheses : iterable of Hypothesis
        With names of their own.

    Returns
    -------
    pandas.DataFrame
        A row for each hypothesis and number, `ORDINARY` first: ``paper``, ``predicted`` (mean over
        networks), ``low`` and ``high`` (the interval), ``distance`` (of the paper's number from
        the mean, in half widths of the interval: 1 is its end), ``inside``, and ``changed``
        (whether the hypothesis changes the number).

    Raises
    ------
    ValueError
        If there are fewer than two networks, two hypotheses of one name, or a hypothesis returns a
        number of an unknown name.
    """
    if len(materials) < 2:
        raise ValueError(f"an interval over networks takes at least 2, not {len(materials)}")
    paper = paper_numbers()
    base = [ordinary(m) for m in materials]
    tables = {ORDINARY: _compare(paper, base, set())}
    for hypothesis in hypotheses:
        if hypothesis.name in tables:
            raise ValueError(f"two hypotheses are called {hypothesis.name!r}")
        changed = [hypothesis.numbers(m) for m in materials]
        if unknown := {name for numbers in changed for name in numbers} - set(paper):
            raise ValueError(f"{hypothesis.name!r} returns unknown numbers {sorted(unknown)}")
        merged = [numbers | new for numbers, new in zip(base, changed, strict=True)]
        tables[hypothesis.name] = _compare(paper, merged, set().union(*changed))
    return pd.concat(tables, names=["hypothesis", "number"])


def summarise(
    assessed: pd.DataFrame, hypotheses: Iterable[Hypothesis] = HYPOTHESES
) -> pd.DataFrame:
    """Return one line for each hypothesis of a table of `assess`.

    Returns
    -------
    pandas.DataFrame
        ``post hoc``; ``aims`` and ``aims inside``, how many numbers the hypothesis is meant for and
        how many of them lie in their intervals; ``distance`` and ``distance before``, the median
        over these numbers with and without the hypothesis, in half widths; ``others``, how many
        other numbers it changes, ``mended`` and ``broken``, how many of those come to lie inside
        and outside.
    """
    before = assessed.loc[ORDINARY]
    rows = {}
    for hypothesis in hypotheses:
        after = assessed.loc[hypothesis.name]
        aims = list(hypothesis.aims)
        others = after.index[after["changed"] & ~after.index.isin(aims)]
        was, now = before.loc[others, "inside"], after.loc[others, "inside"]
        rows[hypothesis.name] = {
            "source": hypothesis.source,
            "post hoc": hypothesis.post_hoc,
            "aims": len(aims),
            "aims inside": int(after.loc[aims, "inside"].sum()),
            "distance before": float(before.loc[aims, "distance"].abs().median()),
            "distance": float(after.loc[aims, "distance"].abs().median()),
            "others": len(others),
            "mended": int((~was & now).sum()),
            "broken": int((was & ~now).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def unexplained(
    assessed: pd.DataFrame, hypotheses: Iterable[Hypothesis] = HYPOTHESES
) -> pd.DataFrame:
    """Return the numbers that lie outside without a hypothesis, and what comes nearest to each.

    Returns
    -------
    pandas.DataFrame
        A row for each number: ``paper``, ``as the text has it``, ``tried`` and ``inside``, how
        many hypotheses change it and how many of them put it inside (controls left out), ``not
        post hoc``, how many of these are not post hoc, and ``nearest``, the hypothesis of the
        smallest distance, with its ``distance`` in half widths.
    """
    hypotheses = [hypothesis for hypothesis in hypotheses if hypothesis.source != "control"]
    names = [hypothesis.name for hypothesis in hypotheses]
    foreseen = [hypothesis.name for hypothesis in hypotheses if not hypothesis.post_hoc]
    before = assessed.loc[ORDINARY]
    tried = assessed.loc[names]
    tried = tried[tried["changed"]]
    rows = {}
    for number, row in before[~before["inside"]].iterrows():
        mine = tried.xs(number, level="number") if number in tried.index.unique(1) else tried[:0]
        distances = mine["distance"].abs().dropna()
        rows[number] = {
            "paper": row["paper"],
            "as the text has it": row["predicted"],
            "tried": len(mine),
            "inside": int(mine["inside"].sum()),
            "not post hoc": int(mine["inside"][mine.index.isin(foreseen)].sum()),
            "nearest": distances.idxmin() if len(distances) else "",
            "distance": distances.min(),
        }
    return pd.DataFrame(list(rows.values()), index=list(rows), columns=_LEFT)


def _compare(
    paper: Mapping[str, float], repetitions: Sequence[Numbers], changed: set[str]
) -> pd.DataFrame:
    rows = {}
    for name, printed in paper.items():
        values = np.array([numbers[name] for numbers in repetitions])
        predicted = intervals.predict(values[:, None])
        assert predicted is not None  # There are two repetitions or more.
        half = (predicted.high - predicted.low) / 2
        away = printed - predicted.centre
        rows[name] = {
            "paper": printed,
            "predicted": predicted.centre,
            "low": predicted.low,
            "high": predicted.high,
            "distance": away / half if half else np.nan,
            "inside": bool(predicted.low <= printed <= predicted.high),
            "changed": name in changed,
        }
    return pd.DataFrame.from_dict(rows, orient="index")
