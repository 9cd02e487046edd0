"""A comparison as a record holds it: the paper's numbers, ours, and what is computed of them."""

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from dkg.reproduction.comparisons.comparison import Kind, Over, Rule

_STRICT = ConfigDict(extra="forbid", strict=True)

Values = Annotated[list[float], Field(min_length=1)]

Sample = dict[str, Values]
"""The values of some sources, by their names: a row for each, as long as the others."""


@with_config(_STRICT)
class NullModel(TypedDict):
    """What a null model gives for one statement, and whether it agrees with the paper."""

    ours: float | None
    inside: bool | None


@with_config(_STRICT)
class Statement(TypedDict):
    """One thing that is judged: a number, or the mean of a row; computed by `judge`.

    Attributes
    ----------
    paper, ours : float or None
        What is compared. Ours is the shipped network's; ``median``, ``least`` and ``most`` are
        over the trainings.
    low, high : float or None
        What the paper's number must lie in (rule ``"interval"``), or ours (others); None where
        there is no such end.
    bootstrap : list of float
        The same interval by resampling; empty for other rules.
    level : float
        How often the interval holds a new training's number, corrected for the record's numbers.
    trainings : int
        How many trainings decide; 0 where the number depends on none.
    inside : bool or None
        The outcome, None if it cannot be judged.
    nulls : dict of str to NullModel
        The null models, judged by the same rule.
    discriminates : bool or None
        Whether every null model disagrees; None without null models.
    """

    paper: float
    ours: float | None
    median: float | None
    least: float | None
    most: float | None
    low: float | None
    high: float | None
    bootstrap: list[float]
    level: float
    trainings: Annotated[int, Field(ge=0)]
    inside: bool | None
    nulls: dict[str, NullModel]
    discriminates: bool | None


@with_config(_STRICT)
class Measured(TypedDict):
    """A `Comparison` as a record holds it, with our numbers.

    ``ours`` is as long as ``paper``; None stands for what was not measured. ``samples`` and
    ``nulls`` have an entry for each statement: one for a row or a mean, else one for each label.
    ``samples`` holds the values of each training, or of what is measured alone; ``nulls`` those of
    each null model, which may have several sources. ``spread`` holds the values of trainings of
    another setting, whose scatter stands for that of a number with one training. The last five
    are computed by `judge`: ``ends`` holds for each label the two ends of what is accepted.
    """

    record: str
    name: str
    what: str
    unit: str
    labels: Annotated[list[str], Field(min_length=1)]
    paper: list[float]
    printed: bool
    kind: Kind
    rule: Rule
    tolerance: list[Annotated[float, Field(ge=0)]]
    reason: Annotated[str, Field(min_length=1)]
    over: Over
    n: Annotated[int, Field(ge=1)]
    decides: bool
    images: bool
    trained: bool
    fixed: list[str]
    paired: bool
    noise: bool
    old_tolerance: list[Annotated[float, Field(ge=0)]]
    ours: list[float | None]
    samples: list[Sample]
    nulls: list[dict[str, Annotated[list[Values], Field(min_length=1)]]]
    spread: Sample
    statements: list[Statement]
    ends: list[list[float | None]]
    holds: list[bool | None]
    null_holds: dict[str, list[bool | None]]
    discriminates: list[bool | None]


COMPUTED = ("statements", "ends", "holds", "null_holds", "discriminates")
"""The fields of `Measured` that `judge` computes."""
