"""Correlation of neighbouring pixels: all pairs, and sampled ones with their error."""

import math

import numpy as np

from dkg import metrics
from dkg.evaluation.measures.sample import Sample, each, explained, measured
from dkg.evaluation.outcomes import Measured

GROUP = "adjacent correlation"
DIRECTIONS = ("horizontal", "vertical", "diagonal")
SAMPLES = (256, 2000, 10_000)
"""Numbers of sampled pairs: the paper's, and two that are common."""


def run(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Measure the adjacent correlation of ciphertexts in three directions."""
    rows = []
    for n_pairs in (None, *SAMPLES):
        ending = "" if n_pairs is None else f", {n_pairs:,} pairs"
        for direction in DIRECTIONS:
            values, reason = each(
                lambda c, direction=direction, n_pairs=n_pairs: metrics.adjacent_correlation(
                    c, direction, n_pairs, rng
                ),
                sample.ciphertexts,
            )
            reason = reason or "the pixels are all equal"
            used = "all pairs" if n_pairs is None else f"{n_pairs:,} random pairs"
            where = f"ciphertexts, {used} within a channel, channels in one sample"
            rows.append(
                measured(
                    f"correlation, {direction}{ending}",
                    GROUP,
                    values,
                    [
                        metrics.ideal_correlation(n_pairs or max(2, pairs(c.shape, direction)))
                        for c in sample.ciphertexts
                    ],
                    where=explained(where, values, reason),
                    ends=(-1, 1),
                )
            )
    return rows


def pairs(shape: tuple[int, ...], direction: str) -> int:
    """Return the number of neighbouring pairs in a direction, over all channels."""
    height, width = shape[:2]
    down, right = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}[direction]
    return (height - down) * (width - right) * math.prod(shape[2:])
