"""What is compared with the paper, by which rule, within which tolerance, and why.

`COMPARISONS` holds the numbers of every table, figure and claim, `CLAIMS` what the paper asserts in
words and what an attack beyond the paper tests, `CHANGES` when each of them was written.
"""

from collections.abc import Iterable

from dkg.reproduction.comparisons import figures, tables
from dkg.reproduction.comparisons.any_cipher import ANY_CIPHER
from dkg.reproduction.comparisons.beyond import BEYOND_THE_PAPER
from dkg.reproduction.comparisons.changes import CHANGES
from dkg.reproduction.comparisons.claims import CLAIMS_OF_THE_PAPER, FUTURE_WORK
from dkg.reproduction.comparisons.comparison import Claim, Comparison
from dkg.reproduction.comparisons.forensics import FORENSICS
from dkg.reproduction.comparisons.low_order import LOW_ORDER_KEYS

__all__ = ["CHANGES", "CLAIMS", "COMPARISONS", "Claim", "Comparison"]


def _by_record(comparisons: Iterable[Comparison]) -> dict[str, tuple[Comparison, ...]]:
    records: dict[str, tuple[Comparison, ...]] = {}
    for comparison in comparisons:
        records[comparison.record] = (*records.get(comparison.record, ()), comparison)
    return records


_ALL = (
    *tables.comparisons(),
    *figures.comparisons(),
    *CLAIMS_OF_THE_PAPER,
    *BEYOND_THE_PAPER,
    *LOW_ORDER_KEYS,
    *FORENSICS,
    *ANY_CIPHER,
    *FUTURE_WORK,
)

COMPARISONS: dict[str, tuple[Comparison, ...]] = _by_record(
    entry for entry in _ALL if isinstance(entry, Comparison)
)
"""The comparisons of each record, by the record's id."""

CLAIMS: dict[str, Claim] = {entry.record: entry for entry in _ALL if isinstance(entry, Claim)}
"""What the paper asserts in words, by the id of the record that holds the evidence."""
