"""The verdict: a pure function of the paper's numbers, our numbers and what was measured."""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

Verdict = Literal["reproduced", "partly", "not reproduced", "cannot be judged"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# Rounding in the last bit of a sum must not decide.
_ROUNDING = 1e-9


@with_config(ConfigDict(extra="forbid", strict=True))
class Measured(TypedDict):
    """A `Comparison` as a record holds it, with our numbers.

    ``ours`` and ``holds`` are as long as ``paper``; None stands for what was not measured.
    """

    record: str
    name: str
    what: str
    unit: str
    labels: Annotated[list[str], Field(min_length=1)]
    paper: list[float]
    printed: bool
    rule: Literal["within", "factor", "at least", "at most", "decision"]
    tolerance: list[Annotated[float, Field(ge=0)]]
    reason: Annotated[str, Field(min_length=1)]
    images: bool
    ours: list[float | None]
    holds: list[bool | None]


class Judgement(NamedTuple):
    """A verdict, how it follows from the numbers, and for each number whether it holds."""

    verdict: Verdict
    why: str
    holds: list[list[bool | None]]


def judge(
    comparisons: Sequence[Measured],
    *,
    origins: Iterable[str] = (),
    trained_on: Iterable[str | None] = (),
    missing: str | None = None,
) -> Judgement:
    """Judge our numbers by the rules and tolerances of their comparisons.

    Numbers measured on synthetic images, or with a network trained on them, can support a number
    that depends on what the images show, but not reproduce it: the verdict is then "partly".

    Parameters
    ----------
    comparisons : sequence of Measured
        The paper's numbers and ours; their ``holds`` is not read.
    origins : iterable of str
        Where the images are from, ``"synthetic"`` or ``"files"``.
    trained_on : iterable of str or None
        Where the training images of the networks are from.
    missing : str, optional
        Why numbers are missing.

    Returns
    -------
    Judgement
        ``holds`` has a list for each comparison, with None for what was not measured.
    """
    synthetic = None
    if "synthetic" in trained_on:
        synthetic = "networks trained on synthetic images"
    if "synthetic" in origins:
        synthetic = "synthetic images"
    holds = [_held(comparison) for comparison in comparisons]
    limited = synthetic is not None and any(
        comparison["images"] and True in held
        for comparison, held in zip(comparisons, holds, strict=True)
    )
    cells = [cell for held in holds for cell in held]
    measured, good = len(cells) - cells.count(None), cells.count(True)
    if 2 * measured < len(cells) or not measured:
        verdict: Verdict = "cannot be judged"
        why = f"{measured} of {len(cells)} numbers were measured"
    else:
        why = f"{good} of {measured} measured numbers within their tolerance"
        if measured < len(cells):
            why += f", {len(cells) - measured} not measured"
        if good == len(cells) and not limited:
            verdict = "reproduced"
        elif 2 * good >= measured:
            verdict = "partly"
        else:
            verdict = "not reproduced"
        if good == len(cells) and limited:
            why += f"; {synthetic} can support them, not reproduce them"
    if missing:
        why += f" ({missing})"
    return Judgement(verdict, why, holds)


def _held(comparison: Measured) -> list[bool | None]:
    numbers = zip(comparison["paper"], comparison["ours"], comparison["tolerance"], strict=True)
    return [
        None if ours is None else bool(_within(comparison["rule"], paper, ours, tolerance))
        for paper, ours, tolerance in numbers
    ]


def _within(rule: str, paper: float, ours: float, tolerance: float) -> bool:
    """Return whether our number is within its tolerance; `Comparison` lists the rules."""
    if math.isnan(paper) or math.isnan(ours):
        return math.isnan(paper) and math.isnan(ours)
    if rule == "within":
        return abs(ours - paper) <= tolerance + _ROUNDING
    if rule == "factor":
        return ours > 0 and paper / tolerance <= ours <= paper * tolerance
    if rule == "at least":
        return ours >= paper - tolerance - _ROUNDING
    if rule == "at most":
        return ours <= paper + tolerance + _ROUNDING
    if rule == "decision":
        return (ours >= tolerance) == (paper >= tolerance)
    raise ValueError(f"no rule {rule!r}")
