"""Sentences for either outcome."""

from collections.abc import Mapping

import pandas as pd
from scipy import stats

from dkg.reproduction.forensics.bound import Product
from dkg.reproduction.intervals import LEVEL, corrected


def about_products(products: Mapping[str, Product]) -> str:
    """Return for each table whether its NPCR and UACI can come from the same pairs of images.

    Parameters
    ----------
    products : mapping of str to Product
        By what the table is called. All of them together are judged at 95 %.
    """
    lines = []
    clearly = float(stats.norm.ppf((1 + corrected(LEVEL, len(products))) / 2))
    for name, made in products.items():
        if made.below > clearly:
            verdict = (
                "NPCR and UACI are consistent with one pair of images that were treated alike only "
                f"if another difference is {made.least / made.value:.2f} times as frequent as 0"
            )
        elif made.below > -clearly:
            verdict = (
                "consistent with the bound itself, which only differences that are uniform over a "
                "range around 0 reach"
            )
        else:
            verdict = "consistent with one pair of images"
        side = "below" if made.below > 0 else "above"
        lines.append(
            f"- {name}: {made.value:.3f} ± {made.error:.3f}, {abs(made.below):.1f} standard errors "
            f"{side} the bound: {verdict}."
        )
    return "\n".join(lines)


def about_best(summary: pd.DataFrame) -> str:
    """Return which hypotheses put most of their numbers inside, and how many fit none."""
    share = summary["aims inside"] / summary["aims"]
    real = summary["source"] != "control"
    best = summary[real & (share == share[real].max())]
    none = int((share[real] == 0).sum())
    named = "; ".join(
        f"*{name}* ({row['aims inside']} of {row['aims']}, {row['broken']} others broken)"
        for name, row in best.iterrows()
    )
    foreseen = int((~best["post hoc"].astype(bool)).sum())
    return (
        f"{real.sum()} hypotheses were tried; {none} of them put none of their numbers inside. The "
        f"largest share of its own numbers is put inside by {named}. Not post hoc among these: "
        f"{foreseen}."
    )


def about_unexplained(left: pd.DataFrame) -> str:
    """Return which numbers nothing explains, which only hindsight, and which something else.

    Parameters
    ----------
    left : pandas.DataFrame
        A table of `unexplained`.
    """
    if left.empty:
        return "Every number lies in its interval as the text has it measured."
    nothing = left.index[left["inside"] == 0]
    foreseen = left.index[left["not post hoc"] > 0]
    hindsight = left.index.difference([*nothing, *foreseen], sort=False)
    return "\n".join(
        f"- **{what}** ({len(numbers)}): {', '.join(numbers) or 'none'}."
        for what, numbers in (
            ("Consistent with a hypothesis that is not post hoc", foreseen),
            ("Consistent with post-hoc hypotheses only", hindsight),
            ("Consistent with none of the hypotheses", nothing),
        )
    )


def about_lags(distances: pd.DataFrame) -> str:
    """Return at which lags the printed correlations are nearest, for a table of distances.

    Parameters
    ----------
    distances : pandas.DataFrame
        Rows are lags, columns pairs of what is correlated and how.
    """
    lines = []
    for what in distances.columns.unique(0):
        mine = distances[what].stack()
        lag, how = mine.idxmin()
        lines.append(
            f"- {what}: nearest at lag {lag}, {how} ({mine.min():.3f}; at lag "
            f"{distances.index[0]} {mine.loc[distances.index[0]].min():.3f})."
        )
    return "\n".join(lines)
