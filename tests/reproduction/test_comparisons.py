"""Every printed number is compared, and every tolerance follows from its reason."""

import math
import re
from typing import get_args

import numpy as np
import pytest

from dkg import metrics
from dkg.paper import TABLES, TEXT_AVERAGES, TRANSFORMATION_DOMAINS
from dkg.reproduction.comparisons import CHANGES, CLAIMS, COMPARISONS
from dkg.reproduction.comparisons.comparison import Kind, Rule

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
            assert c.rule in get_args(Rule) and c.kind in get_args(Kind)
            assert len(c.old_tolerance) in (0, len(c.paper))
            assert c.rule not in ("interval", "exact") or not any(c.tolerance)
            assert set(c.fixed) < set(c.labels)
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
            # DeepKeyGen's time divided by itself is no number.
            ratios = [round(s / expected[-1], 4) for s in expected]
            assert compared("table-XIX") == ratios[:-1] and ratios[-1] == 1
        else:
            np.testing.assert_equal(
                np.sort(compared(f"table-{number}")), np.sort(expected), err_msg=number
            )
    domains = [v for column in TRANSFORMATION_DOMAINS.values() for v in column if v == v]
    assert compared("figure-13") == [v for v in domains if isinstance(v, float)]


def test_the_old_tolerances_are_kept():
    """Those that were made by hand, as they were before the intervals."""
    old = {(c.record, c.name): c.old_tolerance for cs in COMPARISONS.values() for c in cs}
    for record, name in (("table-VIII", "mse"), ("table-XV", "mean_uaci"), ("table-IV", "npcr")):
        row = TABLES[record.removeprefix("table-")][name.removeprefix("mean_")]
        np.testing.assert_allclose(old[record, name], 1.96 * math.sqrt(2) * np.std(row, ddof=1))
    assert set(old["table-III", "entropy"]) == {0.03}
    assert set(old["table-V", "cipher_entropy"]) == {0.003}
    judged = [c for cs in COMPARISONS.values() for c in cs if c.rule == "interval"]
    assert all(len(c.old_tolerance) == len(c.paper) for c in judged)


def test_what_depends_on_training_has_no_tolerance_made_by_hand():
    """Bounds are the paper's own words or follow from noise."""
    for id, comparisons in COMPARISONS.items():
        for c in comparisons:
            if id.startswith("table-") and c.kind == "result":
                assert c.rule in ("interval", "decision"), (id, c.name)


def test_critical_values_are_those_of_the_measures():
    [chi_square] = COMPARISONS["figure-6"]
    assert chi_square.paper[0] == pytest.approx(metrics.chi_square_critical_value(), abs=0.005)
    [three] = COMPARISONS["figure-7"]
    alpha = 1 - 0.95 ** (1 / 3)
    assert three.paper[0] == pytest.approx(metrics.chi_square_critical_value(alpha), abs=0.005)
    npcr = COMPARISONS["claim-chosen-plaintext"][0]
    assert npcr.paper[0] == pytest.approx(metrics.npcr_interval(256 * 256).low, abs=5e-5)
    blocks = COMPARISONS["figure-5"][1]
    assert blocks.tolerance[0] == metrics.ideal_correlation(256).standard_deviation


def test_changes_of_tolerances_are_listed_by_date():
    dates = [change.split(":")[0] for change in CHANGES]
    assert dates == sorted(dates)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for date in dates)


def test_claims_have_evidence_and_limits():
    for id, claim in CLAIMS.items():
        assert claim.record == id and id in COMPARISONS
        assert all((claim.where, claim.words, claim.holds, claim.fails, claim.limits))
