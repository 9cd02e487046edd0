"""What a comparison and a claim are."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One row of numbers that a reproduction is compared with.

    Attributes
    ----------
    record : str
        The record it belongs to, such as ``"table-III"``, ``"figure-6"`` or ``"claim-..."``.
    name : str
        Its name, unique within the record.
    what : str
        What is compared, in words.
    unit : str
        The unit; empty for a pure number.
    labels : tuple of str
        What each number belongs to, such as ``"key 1"``.
    paper : tuple of float
        The paper's numbers; the value that its words imply if `printed` is False. NaN where NaN
        is printed.
    printed : bool
        Whether the paper prints the numbers; False if they follow from what it says in words.
    rule : str
        ``"within"``: at most `tolerance` away. ``"factor"``: at most `tolerance` times larger or
        smaller. ``"at least"``, ``"at most"``: not more than `tolerance` below, or above.
        ``"decision"``: on the same side of the level `tolerance`.
    tolerance : tuple of float
        For each number.
    reason : str
        Why this tolerance.
    images : bool
        Whether the numbers depend on what the images show, so that synthetic images can support
        them but not reproduce them.
    """

    record: str
    name: str
    what: str
    unit: str = ""
    labels: tuple[str, ...]
    paper: tuple[float, ...]
    printed: bool = False
    rule: str = "within"
    tolerance: tuple[float, ...]
    reason: str
    images: bool = True


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that the paper asserts in words.

    Attributes
    ----------
    record : str
        Its record, ``"claim-..."``, whose `COMPARISONS` are the evidence that is measured.
    where : str
        The place in the paper.
    words : str
        What is claimed, in our words.
    holds : str
        What can be said if the evidence agrees, and no more.
    fails : str
        What can be said if it does not.
    limits : str
        What the evidence leaves open either way.
    """

    record: str
    where: str = "not in the paper"
    words: str
    holds: str
    fails: str
    limits: str
