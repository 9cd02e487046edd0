"""What a record says in words, chosen by its outcome."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dkg.reproduction.comparisons import CLAIMS
from dkg.reproduction.judge import Judgement
from dkg.reproduction.measured import Measured, Statement
from dkg.reproduction.panel import Measurements

# More statements of one record are summed up.
_MOST = 3


DOUBLE = "means by precision of the network"
"""The name under which a record holds what `by_precision` returned."""


def by_precision(exact: Measurements, double: Measurements) -> dict[str, dict[str, float]]:
    """Return the mean of every measure in exact and in double precision, over the trainings."""
    found: dict[str, dict[str, float]] = {}
    for precision, measurements in (("exact", exact), ("double", double)):
        rows = measurements.means().drop("network", errors="ignore")
        rows = rows.loc[[name for name in rows.index if name in exact.trainings]]
        for name in rows.columns.intersection(list(double.network)):
            about = {"median": rows[name].median(), "least": rows[name].min()}
            found[f"{name}, {precision}"] = about | {"most": rows[name].max()}
    return found


def outcome(id: str, judgement: Judgement, more: Mapping[str, Any] | None = None) -> str:
    """Return the sentences that state the result.

    Parameters
    ----------
    id : str
        The record.
    judgement : Judgement
        Its judged comparisons.
    more : mapping, optional
        What else it holds.

    Returns
    -------
    str
        For a claim first what can be said of it; then the numbers of the comparisons that decide.
    """
    said = []
    if id in CLAIMS:
        said.append(finding(id, judgement.comparisons))
    shown = [c for c in judgement.comparisons if c["kind"] == "result" and c["decides"]]
    pairs = [
        (c, s, i) for c in shown or judgement.comparisons for i, s in enumerate(c["statements"])
    ]
    measured = [(c, s, i) for c, s, i in pairs if s["ours"] is not None]
    if not measured:
        said.append("Nothing was measured.")
    elif len(measured) <= _MOST:
        said += [_numbers(*entry) for entry in measured]
    else:
        said += _by_comparison(measured)
    for name, about in ((more or {}).get(DOUBLE) or {}).items():
        what, _, precision = name.rpartition(", ")
        unit = next((_unit(c) for c in judgement.comparisons if c["name"] == what), "")
        arithmetic = {"exact": "fixed-point", "double": "double-precision"}[precision]
        said.append(
            f"{what.upper()} with {arithmetic} networks: {number(about['median'])}{unit} at the "
            f"median over the trainings ({number(about['least'])} to {number(about['most'])})."
        )
    return " ".join(said)


def finding(id: str, comparisons: Sequence[Measured]) -> str:
    """Return what can be said of a claim: that it holds, that it does not, or neither."""
    held = [
        s["inside"]
        for c in comparisons
        if c["kind"] in ("result", "construction")
        for s in c["statements"]
    ]
    if False in held:
        return CLAIMS[id].fails
    if 2 * held.count(None) > len(held) or True not in held:
        return "Too little was measured to judge it."
    return CLAIMS[id].holds


def _by_comparison(measured: Sequence[tuple[Measured, Statement, int]]) -> list[str]:
    """Return a sentence for each comparison: how many of its numbers hold, and their range."""
    said = []
    for name in dict.fromkeys(c["name"] for c, _, _ in measured):
        found = [(c, s) for c, s, _ in measured if c["name"] == name]
        comparison = found[0][0]
        ours = [s["ours"] for _, s in found if s["ours"] is not None]
        held = [s["inside"] for _, s in found]
        ends = dict.fromkeys(number(end) for end in (min(ours), max(ours)))
        said.append(
            f"{_capital(comparison['what'])}: {' to '.join(ends)}{_unit(comparison)}; "
            f"{held.count(True)} of {len(held)} "
            f"{'agree with the paper' if comparison['printed'] else 'are as stated'}."
        )
    return said


def _numbers(comparison: Measured, s: Statement, i: int) -> str:
    """Return one statement in words."""
    what = comparison["what"]
    if comparison["over"] == "label" and len(comparison["labels"]) > 1:
        what += f", {comparison['labels'][i]}"
    unit = _unit(comparison)
    words = f"{_capital(what)}: {number(s['ours'])}{unit}"
    if s["trainings"] > 1 and s["median"] is not None:
        words += (
            f" with the published network, {number(s['median'])} at the median over "
            f"{s['trainings']} trainings ({number(s['least'])} to {number(s['most'])})"
        )
    if comparison["rule"] != "interval":
        return f"{words}; {accepted(s['low'], s['high'])} is required."
    words += f"; the paper has {number(s['paper'])}"
    if s["inside"] is not None:
        words += (
            f", {'inside' if s['inside'] else 'outside'} the interval for a new training, "
            f"{accepted(s['low'], s['high'])}"
        )
    agreeing = [name for name, null in s["nulls"].items() if null["inside"]]
    if s["nulls"]:
        words += f". Null models that agree with the paper: {', '.join(agreeing) or 'none'}"
    return f"{words}."


def number(value: float | None) -> str:
    """Return a number as it is shown, with five significant digits."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value).replace("nan", "NaN")
    return f"{value:.5g}" if abs(value) < 1000 else f"{value:,.2f}".removesuffix(".00")


def accepted(low: float | None, high: float | None) -> str:
    """Return a range with one or two ends in words."""
    if low is None and high is None:
        return "–"
    if high is None:
        return f"at least {number(low)}"
    if low is None:
        return f"at most {number(high)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def _unit(comparison: Measured) -> str:
    return f" {comparison['unit']}" if comparison["unit"] else ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
