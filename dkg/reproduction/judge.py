"""The verdict: a pure function of the paper's numbers, our numbers and what was measured."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Literal, NamedTuple, get_args

from dkg.reproduction import intervals
from dkg.reproduction.measured import COMPUTED, Measured, NullModel, Statement

Verdict = Literal["reproduced", "partly", "not reproduced", "cannot be judged"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

LEAST_TRAININGS = 8
"""With fewer trainings no interval decides, and a verdict by another rule is provisional."""

# Rounding in the last bit of a sum must not decide.
_ROUNDING = 1e-9


class Judgement(NamedTuple):
    """A verdict, how it follows from the numbers, and the comparisons with what was computed."""

    verdict: Verdict
    why: str
    comparisons: list[Measured]


def judge(
    comparisons: Sequence[Mapping[str, Any]],
    *,
    origins: Iterable[str] = (),
    trained_on: Iterable[str | None] = (),
    missing: str | None = None,
) -> Judgement:
    """Judge our numbers by the rules of their comparisons.

    The verdict depends on the comparisons of kind ``"result"``; where there is none, on those of
    kind ``"construction"``. A row counts once, by its mean. Numbers measured on synthetic images,
    or with a network trained on them, can support a number that depends on what the images show,
    but not reproduce it: the verdict is then "partly". It is "partly", too, if a null model agrees
    with all of the paper's numbers as well.

    Parameters
    ----------
    comparisons : sequence of Measured
        The paper's numbers and ours; the fields in `COMPUTED` are not read.
    origins : iterable of str
        Where the images are from, ``"synthetic"`` or ``"files"``.
    trained_on : iterable of str or None
        Where the training images of the networks are from.
    missing : str, optional
        Why numbers are missing.

    Returns
    -------
    Judgement
        The comparisons with ``statements``, and for each label ``holds``, ``null_holds`` and
        ``discriminates``.
    """
    n_statements = sum(len(c["samples"]) for c in comparisons if _counts(c) and c["decides"])
    n_labels = sum(len(c["labels"]) for c in comparisons if _counts(c))
    done = [_judged(c, n_statements, n_labels) for c in comparisons]
    kinds = {c["kind"] for c in done}
    kind = "result" if "result" in kinds else "construction"
    deciding = [c for c in done if c["kind"] == kind and c["decides"]]
    statements = [s for c in deciding for s in c["statements"]]
    if not statements:
        why = "its numbers compare programs, and are no verdict on the paper"
        if "implementation" not in kinds:
            why = "no number here is evidence for or against the paper"
        return Judgement("cannot be judged", why, done)
    verdict, why = _verdict(deciding, statements, _synthetic(origins, trained_on))
    return Judgement(verdict, why + (f" ({missing})" if missing else ""), done)


def _synthetic(origins: Iterable[str], trained_on: Iterable[str | None]) -> str | None:
    if "synthetic" in origins:
        return "synthetic images"
    return "networks trained on synthetic images" if "synthetic" in trained_on else None


def _verdict(
    deciding: Sequence[Measured], statements: Sequence[Statement], synthetic: str | None
) -> tuple[Verdict, str]:
    """Return the verdict of the statements that decide, and why."""
    inside = [s["inside"] for s in statements]
    measured, good = len(inside) - inside.count(None), inside.count(True)
    trainings = [s["trainings"] for c in deciding if c["trained"] for s in c["statements"]]
    trainings = [n for n in trainings if n] or ([1] if any(c["trained"] for c in deciding) else [])
    few = f"{min(trainings)} training{'s'[: min(trainings) > 1]}" if trainings else ""
    if 2 * measured < len(inside) or not measured:
        why = f"{measured} of {len(inside)} numbers could be judged"
        some = any(s["ours"] is not None for s in statements)
        if some and min(trainings, default=LEAST_TRAININGS) < LEAST_TRAININGS:
            why += f", with {few} where {LEAST_TRAININGS} are needed"
        return "cannot be judged", why
    by_interval = any(c["rule"] == "interval" for c in deciding)
    why = f"{good} of {measured} numbers {'inside' if by_interval else 'as stated'}"
    if measured < len(inside):
        why += f", {len(inside) - measured} not judged"
    verdict: Verdict = "partly" if 2 * good >= measured else "not reproduced"
    if good == len(inside):
        agreeing = _agreeing(deciding) if by_interval else []
        images = any(c["images"] for c in deciding)
        if agreeing:
            agree = "agrees" if len(agreeing) == 1 else "agree"
            why += f"; {' and '.join(agreeing)} {agree} as well, so that it tells nothing apart"
        elif synthetic and images:
            why += f"; {synthetic} can support them, not reproduce them"
        else:
            verdict = "reproduced"
    if min(trainings, default=LEAST_TRAININGS) < LEAST_TRAININGS:
        why += f"; provisional, with {few} instead of {LEAST_TRAININGS}"
    return verdict, why


def _agreeing(deciding: Sequence[Measured]) -> list[str]:
    """Return the null models that agree with every number that decides."""
    statements = [s for c in deciding for s in c["statements"] if s["nulls"]]
    names = dict.fromkeys(name for s in statements for name in s["nulls"])
    return [
        name
        for name in names
        if all(s["nulls"].get(name, {"inside": False})["inside"] is True for s in statements)
    ]


def _counts(comparison: Mapping[str, Any]) -> bool:
    of_noise = comparison["rule"] in ("interval", "chance") or comparison["noise"]
    return bool(of_noise and comparison["kind"] == "result")


def _judged(comparison: Mapping[str, Any], n_statements: int, n_labels: int) -> Measured:
    """Return a comparison with what is computed."""
    c: Measured = {**comparison, **dict.fromkeys(COMPUTED)}  # type: ignore[typeddict-item]
    if not _counts(c):
        n_statements = n_labels = 1
    level = intervals.corrected(intervals.LEVEL, n_statements)
    c["statements"] = [_statement(c, i, level) for i in range(len(c["samples"]))]
    names = dict.fromkeys(name for nulls in c["nulls"] for name in nulls)
    c["null_holds"] = {name: [] for name in names}
    if c["over"] != "row":
        c["holds"] = [s["inside"] for s in c["statements"]]
        c["ends"] = [[s["low"], s["high"]] for s in c["statements"]]
        for name, held in c["null_holds"].items():
            held += [s["nulls"].get(name, {"inside": None})["inside"] for s in c["statements"]]
    else:
        single = intervals.corrected(intervals.LEVEL, n_labels)
        rows = [list(c["samples"][0].values()), *c["nulls"][0].values()]
        ends = [_interval(c, 0, sources, 1, single) for sources in rows]
        c["holds"], *of_nulls = [_singles(c, *pair) for pair in ends]
        c["null_holds"] = dict(zip(names, of_nulls, strict=True))
        c["ends"] = [list(ends[0])] * len(c["paper"])
        if c["trained"] and len(rows[0]) < LEAST_TRAININGS:
            c["holds"] = [None] * len(c["paper"])
    c["discriminates"] = [
        _discriminates(held[i] for held in c["null_holds"].values()) for i in range(len(c["paper"]))
    ]
    return c


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _discriminates(held: Iterable[bool | None]) -> bool | None:
    known = [h for h in held if h is not None]
    return not any(known) if known else None


def _statement(c: Measured, i: int, level: float) -> Statement:
    """Judge a row's mean, or one number."""
    row = c["over"] == "row"
    paper = _mean(c["paper"]) if row else c["paper"][i]
    n = len(c["paper"]) if row else c["n"]
    known = [value for value in (c["ours"] if row else [c["ours"][i]]) if value is not None]
    ours = _mean(known) if known else None
    trained = c["trained"] and c["labels"][i] not in c["fixed"]
    rows = list(c["samples"][i].values())
    means = [_mean(values) for values in rows]
    low, high = _interval(c, i, rows, n, level)
    trainings = len(c["spread"]) if c["spread"] and len(rows) == 1 else len(rows)
    inside = _holds(c, i, paper, median(means) if means else ours, low, high)
    if trained and c["rule"] == "interval" and trainings < LEAST_TRAININGS:
        inside = None
    nulls: dict[str, NullModel] = {}
    for name, sources in c["nulls"][i].items():
        value = median(_mean(values) for values in sources)
        ends = _interval(c, i, sources, n, level)
        nulls[name] = {"ours": value, "inside": _holds(c, i, paper, value, *ends)}
    return {
        "paper": paper,
        "ours": ours,
        "median": median(means) if trained and means else None,
        "least": min(means) if trained and means else None,
        "most": max(means) if trained and means else None,
        "low": low,
        "high": high,
        "bootstrap": _resampled(c, rows, n, level),
        "level": level,
        "trainings": trainings if trained else 0,
        "inside": inside,
        "nulls": nulls,
        "discriminates": _discriminates(null["inside"] for null in nulls.values()),
    }


def _singles(c: Measured, low: float | None, high: float | None) -> list[bool | None]:
    """Return for each of a row's numbers whether one image of a new training could have it."""
    if low is None:
        return [None] * len(c["paper"])
    return [_holds(c, i, paper, None, low, high) for i, paper in enumerate(c["paper"])]


def _interval(
    c: Measured, i: int, rows: list[list[float]], n: int, level: float
) -> tuple[float | None, float | None]:
    """Return the two ends of what is accepted."""
    rule, paper, tolerance = c["rule"], c["paper"][i], c["tolerance"][i]
    if rule == "chance":
        size = len(rows[0]) if rows else 1
        return None, paper + intervals.chance_bound(tolerance, size, level)
    if rule != "interval":
        return _accepted(rule, paper, tolerance)
    rounding = _half_a_digit(c)
    if not _complete(rows):
        return None, None
    if not c["spread"] or len(rows) > 1:
        prediction = intervals.predict(rows, n, level)
        if prediction is None:
            return None, None
        return prediction.low - rounding, prediction.high + rounding
    means = [[_mean(values)] for values in c["spread"].values()]
    prediction = intervals.predict(means, 1, level)
    if prediction is None:
        return None, None
    # The error of a difference of two trainings instead of one and a mean.
    wider = (2 / (1 + 1 / len(means))) ** 0.5
    margin = (prediction.high - prediction.centre) * wider + rounding
    return _mean(rows[0]) - margin, _mean(rows[0]) + margin


def _complete(rows: list[list[float]]) -> bool:
    """Return whether every source has a finite number for every image."""
    sizes = {len(values) for values in rows}
    return len(sizes) == 1 and all(math.isfinite(v) for values in rows for v in values)


def _resampled(c: Measured, rows: list[list[float]], n: int, level: float) -> list[float]:
    """Return the ends of the bootstrap's interval, or none."""
    ends = intervals.bootstrap(rows, n, level) if _complete(rows) else None
    if c["rule"] != "interval" or ends is None:
        return []
    return [ends[0] - _half_a_digit(c), ends[1] + _half_a_digit(c)]


def _half_a_digit(c: Measured) -> float:
    """Return half a unit of the last decimal that the paper prints."""
    texts = [repr(value) for value in c["paper"] if math.isfinite(value)]
    decimals = max((len(text.partition(".")[2]) for text in texts if "e" not in text), default=0)
    return 0.5 * 10.0**-decimals if c["printed"] else 0.0


def _accepted(rule: str, paper: float, tolerance: float) -> tuple[float | None, float | None]:
    """Return which numbers of ours hold; None where there is no such end."""
    if math.isnan(paper):
        return None, None
    if rule == "exact":
        return paper, paper
    if rule == "within":
        return paper - tolerance, paper + tolerance
    if rule == "factor":
        # Of a record that was changed by hand it may be 0, which no number is within.
        return (paper / tolerance if tolerance else math.nan), paper * tolerance
    if rule == "at least":
        return paper - tolerance, None
    if rule == "at most":
        return None, paper + tolerance
    if rule == "decision":
        return (tolerance, None) if paper >= tolerance else (None, math.nextafter(tolerance, 0))
    raise ValueError(f"no rule {rule!r}")


def _holds(
    c: Measured, i: int, paper: float, ours: float | None, low: float | None, high: float | None
) -> bool | None:
    """Return whether the paper's number lies in our interval, or ours in the accepted range."""
    if c["rule"] == "interval":
        if ours is not None and (math.isnan(paper) or math.isnan(ours)):
            return math.isnan(paper) and math.isnan(ours)
        number = None if low is None else paper
    else:
        number = ours
        if number is not None and (math.isnan(c["paper"][i]) or math.isnan(number)):
            return math.isnan(c["paper"][i]) and math.isnan(number)
    if number is None:
        return None
    slack = _ROUNDING if c["rule"] in ("within", "exact", "at least", "at most") else 0.0
    above = low is None or number >= low - slack
    return above and (high is None or number <= high + slack)
