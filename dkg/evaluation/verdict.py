"""Verdict of an evaluation: what the measures say, and beside it what the attacks say.

It never calls a cipher secure. The best that it says is that no attack tried here succeeded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from dkg.evaluation.outcomes import Attacked, Measured

BEST = "No attack tried here succeeded."

_CHANCE = 0.05


@dataclass(frozen=True)
class Verdict:
    """Both sides, as sentences.

    Attributes
    ----------
    measures, attacks : str
        What the measures of the literature say, and what the attacks say.
    together : str
        What follows from both.
    outside : tuple of Measured
        Measures outside of the interval of uniform bytes.
    succeeded : tuple of Attacked
        Attacks that succeeded.
    """

    measures: str
    attacks: str
    together: str
    outside: tuple[Measured, ...]
    succeeded: tuple[Attacked, ...]


def judge(measured: Sequence[Measured], attacked: Sequence[Attacked]) -> Verdict:
    """Put what the measures say beside what the attacks say."""
    judged = [row for row in measured if row.looks_random is not None]
    outside = tuple(row for row in judged if not row.looks_random)
    applied = [attack for attack in attacked if attack.succeeded is not None]
    succeeded = tuple(attack for attack in applied if attack.succeeded)
    return Verdict(
        _of_measures(len(judged), len(outside)),
        _of_attacks(applied, succeeded),
        _together(len(judged), len(outside), applied, succeeded),
        outside,
        succeeded,
    )


def _of_measures(judged: int, outside: int) -> str:
    if not judged:
        return "No measure was compared with uniform bytes."
    return (
        f"{judged - outside} of {judged} values lie in the 95 % interval of i.i.d. uniform bytes. "
        f"Uniform bytes themselves would miss about {_CHANCE * judged:.0f} of {judged}."
    )


def _of_attacks(applied: Sequence[Attacked], succeeded: Sequence[Attacked]) -> str:
    if not applied:
        return "No attack was tried."
    if not succeeded:
        return f"None of {len(applied)} attack{'s'[: len(applied) > 1]} succeeded."
    names = ", ".join(attack.name for attack in succeeded)
    return f"{len(succeeded)} of {len(applied)} attacks succeeded: {names}."


def _together(
    judged: int, outside: int, applied: Sequence[Attacked], succeeded: Sequence[Attacked]
) -> str:
    if not applied:
        return "Measures alone do not show what an attacker sees."
    if not succeeded:
        return (
            f"{BEST} That is no proof of security: the attacks are simple ones, and a broken "
            "cipher can withstand all of them."
        )
    if not judged:
        return "Attacks succeed."
    if outside <= stats.binom.isf(_CHANCE, judged, _CHANCE):  # As uniform bytes, in 95 %.
        return (
            f"{judged - outside} of {judged} measures look like those of uniform bytes, and "
            "attacks succeed all the same: good measures do not show that a cipher is secure."
        )
    return "Measures differ from those of uniform bytes, and attacks succeed."
