"""What several records share: tolerances with their reasons, and whole comparisons."""

from collections.abc import Iterable
from statistics import stdev

from dkg.reproduction.comparisons.comparison import Comparison

THREE_SETS = ("chest X-ray", "ultrasound", "brain MRI")

SPREAD_REASON = (
    "1.96 sqrt(2) standard deviations of this row of the paper: two images of the paper's own set "
    "differ by less in 95 % of cases"
)
# Each with its reason; both from an earlier trial, made before any record.
KEY_ENTROPY = (
    0.03,
    "the entropy of one network's keys moves by 0.03 bit from one thousand training steps to the "
    "next, so that a smaller difference means nothing",
)
CIPHER_ENTROPY = (
    0.003,
    "a first network's ciphertexts lay between 7.995 and 7.998 bits; one set-up can move by that "
    "width",
)
COUNT_REASON = "a count, which fits or does not"
CRITICAL_NPCR = 99.5693
CRITICAL_NPCR_REASON = (
    "the 5 % critical value of NPCR for two independent images of 65,536 bytes (Wu, Noonan and "
    "Agaian 2011)"
)


def spread(values: Iterable[float]) -> float:
    """Return what two members of one family stay within in 95 % of cases: 1.96 sqrt(2) s.d."""
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
    )


def no_block_correlation(
    *,
    record: str,
    what: str,
    labels: tuple[str, ...],
    name: str = "block_correlation",
    more_reason: str = "",
) -> Comparison:
    """Return the comparison of a correlation of block means with that of independent noise."""
    return Comparison(
        record=record,
        name=name,
        what=what,
        labels=labels,
        paper=(0.0,) * len(labels),
        rule="at most",
        tolerance=(1.96 / 255**0.5,) * len(labels),
        reason="256 block means of independent noise correlate by less than 0.1227 in 95 % of "
        "cases" + more_reason,
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
        tolerance=(0.0,) * len(labels),
        reason=reason,
        images=False,
    )
