"""Every printed number is compared, and every tolerance follows from its reason."""

import itertools
import math
import re

import numpy as np
import pytest

from dkg import metrics
from dkg.paper import TABLES, TEXT_AVERAGES, TRANSFORMATION_DOMAINS
from dkg.reproduction.comparisons import CHANGES, CLAIMS, COMPARISONS

STRUCTURE = ("I", "II", "XVI")
SETTINGS = ("layer", "method", "epochs", "learning_rate", "batch_size")
RECORDS = [
    *(f"table-{number}" for number in TABLES),
    *(f"figure-{number}" for number in range(1, 14)),
    *CLAIMS,
]


def test_every_table_figure_and_claim_has_comparisons_with_a_reason():
    assert sorted(COMPARISONS) == sorted(RECORDS)
    for id, comparisons in COMPARISONS.items():
        assert len({c.name for c in comparisons}) == len(comparisons) > 0
        for c in comparisons:
            assert c.record == id
            assert len(c.labels) == len(c.paper) == len(c.tolerance) > 0
            assert len(set(c.labels)) == len(c.labels) or id in ("table-I", "table-II")
            assert all(math.isfinite(t) and t >= 0 for t in c.tolerance)
            assert c.what and c.reason
            assert c.rule in ("within", "factor", "at least", "at most", "decision")
            if c.rule == "factor":
                assert min(c.tolerance) > 1


def compared(id):
    return [value for c in COMPARISONS[id] for value in c.paper if c.printed]


def test_every_printed_number_is_compared_and_none_twice():
    for number, table in TABLES.items():
        expected = [
            value
            for column, row in table.items()
            if column not in SETTINGS
            and (number not in STRUCTURE or column.startswith(("parameters", "total", "network")))
            for value in row
        ]
        expected += TEXT_AVERAGES.get(number, {}).values()
        if number == "XIX":
            assert compared("table-XIX") == [round(s / expected[-1], 4) for s in expected]
        else:
            np.testing.assert_equal(
                np.sort(compared(f"table-{number}")), np.sort(expected), err_msg=number
            )
    domains = [v for column in TRANSFORMATION_DOMAINS.values() for v in column if v == v]
    assert compared("figure-13") == [v for v in domains if isinstance(v, float)]


def test_tolerances_of_spread_follow_from_the_printed_rows():
    for c in itertools.chain.from_iterable(COMPARISONS.values()):
        if c.reason.startswith("1.96 sqrt(2) standard deviations of this row"):
            row = next(
                values
                for column, values in TABLES[c.record.removeprefix("table-")].items()
                if column == c.name.removeprefix("mean_")
            )
            two = 1.96 * math.sqrt(2) * np.std(row, ddof=1)
            np.testing.assert_allclose(c.tolerance, two)


def test_critical_values_are_those_of_the_measures():
    [chi_square] = COMPARISONS["figure-6"]
    assert chi_square.paper[0] == pytest.approx(metrics.chi_square_critical_value(), abs=0.005)
    npcr = COMPARISONS["figure-5"][0]
    assert npcr.paper[0] == pytest.approx(metrics.npcr_interval(256 * 256).low, abs=5e-5)
    blocks = COMPARISONS["figure-5"][1]
    assert blocks.tolerance[0] == pytest.approx(1.96 / math.sqrt(255))
    pairs = next(c for c in COMPARISONS["table-XI"] if c.name == "cipher_vertical")
    spread = metrics.ideal_correlation(256).standard_deviation
    assert pairs.tolerance[0] == pytest.approx(1.96 * math.sqrt(2) * spread)


def test_changes_of_tolerances_are_listed_by_date():
    dates = [change.split(":")[0] for change in CHANGES]
    assert dates == sorted(dates)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for date in dates)


def test_claims_have_evidence_and_limits():
    for id, claim in CLAIMS.items():
        assert claim.record == id and id in COMPARISONS
        assert all((claim.where, claim.words, claim.holds, claim.fails, claim.limits))
