"""What a comparison and a claim are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["input", "construction", "result", "implementation"]
Rule = Literal["exact", "interval", "chance", "within", "factor", "at least", "at most", "decision"]
Over = Literal["label", "row", "mean"]


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
    kind : {'result', 'construction', 'input', 'implementation'}
        ``"result"``: what the scheme does. ``"construction"``: parameters, layers and what holds
        for any XOR cipher. ``"input"``: what the plaintext images are like. ``"implementation"``:
        how fast a program is. The last two are shown and never counted.
    rule : str
        ``"interval"``: the paper's number lies in the prediction interval of our trainings.
        ``"chance"``: the mean absolute correlation is not above what independent noise stays
        below in 95 % of cases; `tolerance` is the standard deviation of one correlation.
        ``"exact"``: the same number. ``"within"``: at most `tolerance` away. ``"factor"``: at most
        `tolerance` times larger or smaller. ``"at least"``, ``"at most"``: not more than
        `tolerance` below, or above. ``"decision"``: on the same side of the level `tolerance`.
    tolerance : tuple of float
        For each number; 0 for the rules that take none.
    reason : str
        Why this rule and tolerance.
    over : {'label', 'row', 'mean'}
        ``"label"``: each label's number is judged by itself. ``"row"``: the labels are images or
        keys of one sample, and the row is judged by its mean. ``"mean"``: the one label is the
        mean over all images that were measured.
    n : int
        For ``"mean"``: how many images the paper's mean is of.
    decides : bool
        Whether the verdict depends on it. Averages that the text repeats from a table do not.
    images : bool
        Whether the numbers depend on what the images show, so that synthetic images can support
        them but not reproduce them.
    trained : bool
        Whether the numbers differ from one training to another.
    fixed : tuple of str
        Labels whose numbers depend on no training although those of the others do.
    paired : bool
        Whether a plaintext is compared with a ciphertext, so that shuffled pairs are a null model.
    noise : bool
        Whether a bound is what noise stays within; such numbers, those of the rule ``"chance"``
        included, share the 5 % in which noise exceeds any of a record's bounds.
    old_tolerance : tuple of float
        For each number, the tolerance by which it was judged before 2026-11-30; empty where the
        rule has not changed.
    """

    record: str
    name: str
    what: str
    unit: str = ""
    labels: tuple[str, ...]
    paper: tuple[float, ...]
    printed: bool = False
    kind: Kind = "result"
    rule: Rule = "within"
    tolerance: tuple[float, ...]
    reason: str
    over: Over = "label"
    n: int = 1
    decides: bool = True
    images: bool = True
    trained: bool = True
    fixed: tuple[str, ...] = ()
    paired: bool = False
    noise: bool = False
    old_tolerance: tuple[float, ...] = ()


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
    fails : str or mapping of str to str
        What can be said if it does not; or what can be said of each comparison, or each label, of
        which a number is not as stated.
    limits : str
        What the evidence leaves open either way.
    """

    record: str
    where: str = "not in the paper"
    words: str
    holds: str
    fails: str | Mapping[str, str]
    limits: str
