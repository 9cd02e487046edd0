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

# Significant digits: of a noisy number, and at most, where two numbers would look alike with fewer.
_DIGITS, _MOST_DIGITS = 3, 5
_LARGEST_COUNT, _LARGEST_EXPONENT = 1e9, 6


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
        scale = about["most"] - about["least"]
        said.append(
            f"{what.upper()} with {arithmetic} networks: {number(about['median'], scale)}{unit} at "
            f"the median over the trainings ({accepted(about['least'], about['most'], scale)})."
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
        return _failing(CLAIMS[id].fails, comparisons)
    if 2 * held.count(None) > len(held) or True not in held:
        return "Too little was measured to judge it."
    return CLAIMS[id].holds


def _failing(fails: str | Mapping[str, str], comparisons: Sequence[Measured]) -> str:
    """Return what can be said of a claim whose numbers are not all as stated."""
    if isinstance(fails, str):
        return fails
    failing = {
        name
        for c in comparisons
        for label, s in zip(c["labels"], c["statements"], strict=False)  # A row has one statement.
        for name in (c["name"], label)
        if s["inside"] is False
    }
    return f"{_capital('; '.join(words for name, words in fails.items() if name in failing))}."


def _by_comparison(measured: Sequence[tuple[Measured, Statement, int]]) -> list[str]:
    """Return a sentence for each comparison: how many of its numbers hold, and their range."""
    said = []
    for name in dict.fromkeys(c["name"] for c, _, _ in measured):
        found = [(c, s) for c, s, _ in measured if c["name"] == name]
        comparison = found[0][0]
        ours = [s["ours"] for _, s in found if s["ours"] is not None]
        held = [s["inside"] for _, s in found]
        ends = dict.fromkeys(number(end, max(ours) - min(ours)) for end in (min(ours), max(ours)))
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
    scale = scale_of(comparison["rule"], s)
    words = f"{_capital(what)}: {number(s['ours'], scale)}{unit}"
    if s["trainings"] > 1 and s["median"] is not None:
        spread = dict.fromkeys(number(value, scale) for value in (s["least"], s["most"]))
        words += (
            f" with the shipped network, {number(s['median'], scale)}{unit} at the median over "
            f"{s['trainings']} trainings ({' to '.join(spread)}{' in each' * (len(spread) == 1)})"
        )
    required = f"{accepted(s['low'], s['high'], scale)}{unit}"
    if comparison["rule"] != "interval":
        return f"{words}; {required} is required."
    words += f"; the paper has {number(s['paper'], scale)}{unit}"
    if s["inside"] is not None:
        side = "inside" if s["inside"] else "outside"
        words += f", {side} the interval for a new training, {required}"
    agreeing = [name for name, null in s["nulls"].items() if null["inside"]]
    if s["nulls"]:
        words += f". Null models that agree with the paper: {', '.join(agreeing) or 'none'}"
    return f"{words}."


def number(value: float | None, scale: float | None = None) -> str:
    """Return a number as it is shown everywhere: three significant digits; a count in full.

    Parameters
    ----------
    value : float, optional
        The number; None is shown as a dash.
    scale : float, optional
        A distance that must stay visible, such as that between the number and its bound. As many
        digits more are shown as its first digit needs, up to `_MOST_DIGITS`.

    Returns
    -------
    str
        Such as ``0.0663``, ``11,200`` or ``271,968``.
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value).replace("nan", "NaN")
    if value == round(value) and abs(value) < _LARGEST_COUNT:
        return f"{value:,.0f}"
    first = math.floor(math.log10(abs(value)))
    decimals = _DIGITS - 1 - first
    if scale and math.isfinite(scale):
        decimals = max(decimals, -math.floor(math.log10(abs(scale))))
        decimals = min(decimals, _MOST_DIGITS - 1 - first)
    if not -_LARGEST_EXPONENT < first < _LARGEST_EXPONENT:
        return f"{value:.{_DIGITS - 1}e}".replace(".00e", "e")
    shown = f"{round(value, decimals):,.{max(decimals, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def scale_of(rule: str, s: Statement) -> float | None:
    """Return the smallest distance that digits must show: a spread, or the distance to a bound."""
    ours = s["ours"] if s["median"] is None else s["median"]
    judged = s["paper"] if rule == "interval" else ours
    pairs = [(s["least"], s["most"]), (judged, s["low"]), (judged, s["high"])]
    distances = [abs(a - b) for a, b in pairs if a is not None and b is not None]
    return min((d for d in distances if math.isfinite(d) and d), default=None)


def accepted(low: float | None, high: float | None, scale: float | None = None) -> str:
    """Return a range with one or two ends in words."""
    if low is None and high is None:
        return "–"
    if high is None:
        return f"at least {number(low, scale)}"
    if low is None:
        return f"at most {number(high, scale)}"
    scale = scale or high - low
    return number(low) if low == high else f"{number(low, scale)} to {number(high, scale)}"


def _unit(comparison: Measured) -> str:
    return f" {comparison['unit']}" if comparison["unit"] else ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
