"""What several records share: tolerances with their reasons, and whole comparisons."""

from collections.abc import Iterable
from statistics import stdev
from typing import Any

from scipy import stats

from dkg.metrics import npcr_interval
from dkg.reproduction.comparisons.comparison import Comparison
from dkg.reproduction.intervals import LEVEL, corrected

THREE_SETS = ("chest X-ray", "ultrasound", "brain MRI")

OF_A_MEAN = (
    "the prediction interval for the mean over as many images of one new training of this recipe; "
    "all means of the record lie inside in 95 % of cases"
)
OF_A_NUMBER = (
    "the prediction interval for one new training of this recipe; all numbers of the record lie "
    "inside in 95 % of cases"
)
OF_IMAGES = "the prediction interval for the mean over as many other images of our set"
# Tolerances that decided before the intervals did; both from an earlier trial, before any record:
# the movement of one network's key entropy over one thousand training steps, and the range of a
# first network's ciphertexts.
KEY_ENTROPY = 0.03
CIPHER_ENTROPY = 0.003
COUNT_REASON = "a count, which agrees or does not"
CRITICAL_NPCR_REASON = (
    "the critical value of NPCR for two independent images of 65,536 bytes (Wu, Noonan and Agaian "
    "2011); noise violates at least one of the record's bounds in at most 5 % of cases"
)


def critical_npcr(n: int) -> float:
    """Return what the NPCR of noise stays above, for all of a record's `n` bounds together."""
    return round(npcr_interval(256 * 256, alpha=1 - corrected(LEVEL, n)).low, 4)


def spread(values: Iterable[float]) -> float:
    """Return 1.96 sqrt(2) standard deviations, which decided before the intervals did."""
    return 1.96 * 2**0.5 * stdev(value for value in values if value == value)


def right_by_chance(*, record: str, name: str, what: str, labels: tuple[str, ...]) -> Comparison:
    """Return the comparison of a share of bytes with that of an unrelated guess."""
    return Comparison(
        record=record,
        name=name,
        what=what,
        unit="%",
        labels=labels,
        paper=(100 / 256,) * len(labels),
        rule="at most",
        tolerance=(1.0,) * len(labels),
        reason="each byte of an unrelated guess is right by chance in 1 of 256 cases, 0.39 %; the "
        "margin is for the constant background of an image",
        images=False,
        trained=False,
    )


def no_block_correlation(
    *,
    record: str,
    what: str,
    labels: tuple[str, ...],
    name: str = "block_correlation",
    more_reason: str = "",
    **more: Any,
) -> Comparison:
    """Return the comparison of absolute correlations of block means with those of noise."""
    return Comparison(
        record=record,
        name=name,
        what=what,
        labels=labels,
        paper=(0.0,) * len(labels),
        rule="chance",
        tolerance=(1 / 255**0.5,) * len(labels),
        reason="the correlation of 256 block means of independent noise has a standard deviation "
        "of 0.0626; the bound is what the mean of as many absolute values stays below, for all "
        "numbers of the record together in 95 % of cases" + more_reason,
        old_tolerance=(1.96 / 255**0.5,) * len(labels),
        **more,
    )


def all_bytes_back(
    *,
    record: str,
    what: str,
    labels: tuple[str, ...],
    name: str = "bytes_back",
    reason: str = "XOR is exact",
) -> Comparison:
    """Return the comparison of a share of bytes that must be all of them."""
    return Comparison(
        record=record,
        name=name,
        what=what,
        unit="%",
        labels=labels,
        paper=(100.0,) * len(labels),
        kind="construction",
        rule="exact",
        tolerance=(0.0,) * len(labels),
        reason=reason,
        images=False,
        trained=False,
    )


def uniform_histogram(record: str, what: str, labels: tuple[str, ...], **more: Any) -> Comparison:
    """Return the comparison of a histogram's chi-square with that of uniform bytes."""
    critical = float(stats.chi2.ppf(corrected(LEVEL, len(labels)), 255))
    return Comparison(
        record=record,
        name="chi_square",
        what=f"chi-square of the histogram of a {what} against the uniform one",
        labels=labels,
        paper=(round(critical, 2),) * len(labels),
        rule="at most",
        tolerance=(0.0,) * len(labels),
        reason="the critical value of chi-square with 255 degrees of freedom; for uniform bytes, "
        "at least one of the record's numbers exceeds it in 5 % of cases. 'Uniform' is the paper's "
        "word",
        noise=True,
        old_tolerance=(0.0,) * len(labels) if len(labels) > 1 else (),
        **more,
    )
