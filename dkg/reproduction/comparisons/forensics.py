"""Whether Tables III to XV are what their text describes, judged by all of their numbers."""

from dkg.reproduction.comparisons.comparison import Claim, Comparison

FORENSICS: tuple[Claim | Comparison, ...] = (
    Claim(
        record="beyond-forensics",
        where="IV-A to IV-C",
        words="Tables III to XV were measured as the text describes.",
        holds="Apart from the share that chance allows, all numbers lie in the prediction "
        "intervals of our trainings, measured as the text describes.",
        fails="More numbers than chance allows lie outside the prediction intervals of our "
        "trainings. The record lists other ways of measuring, and which numbers each of them is "
        "consistent with.",
        limits="A way of measuring may fit by chance: many were tried, most of them after the "
        "numbers were known. A fit does not show what was done.",
    ),
    Comparison(
        record="beyond-forensics",
        name="inside",
        what="numbers of Tables III to XV (means of rows, and standard deviations of NPCR and "
        "UACI) that lie in their prediction intervals",
        labels=("measured as the text describes",),
        paper=(40.0,),
        rule="at least",
        tolerance=(5.0,),
        reason="each of 40 intervals of 95 % misses in one case of 20; 40 independent ones miss "
        "more than five times in 1.4 % of cases",
        trained=False,  # It is a number of all trainings together.
    ),
)
