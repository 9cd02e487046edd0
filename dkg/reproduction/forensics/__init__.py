"""Forensics: which ways of measuring the paper's numbers are consistent with.

`HYPOTHESES` are guesses at how the numbers of Tables III to XV were made, `assess` predicts them
under each over several trainings, and `bound` says which pairs of NPCR and UACI are possible. What
fits is consistent with the paper; it does not say what was done.
"""

from dkg.reproduction.forensics.assessment import ORDINARY, assess, summarise, unexplained
from dkg.reproduction.forensics.bound import Product, least_uaci, product, scatter_p_value
from dkg.reproduction.forensics.hypotheses import HYPOTHESES, Hypothesis, at_lag, by_origin, grid
from dkg.reproduction.forensics.material import (
    CONTRAST,
    SETS,
    Material,
    entropy_by_step,
    gather,
    gather_all,
    one_training_each,
)
from dkg.reproduction.forensics.pipeline import (
    differences,
    entropies,
    gray,
    neighbours,
    ordinary,
    paper_numbers,
    similarities,
)
from dkg.reproduction.forensics.wording import (
    about_best,
    about_lags,
    about_products,
    about_unexplained,
)

__all__ = [
    "CONTRAST",
    "HYPOTHESES",
    "ORDINARY",
    "SETS",
    "Hypothesis",
    "Material",
    "Product",
    "about_best",
    "about_lags",
    "about_products",
    "about_unexplained",
    "assess",
    "at_lag",
    "by_origin",
    "differences",
    "entropies",
    "entropy_by_step",
    "gather",
    "gather_all",
    "gray",
    "grid",
    "least_uaci",
    "neighbours",
    "one_training_each",
    "ordinary",
    "paper_numbers",
    "product",
    "scatter_p_value",
    "similarities",
    "summarise",
    "unexplained",
]
