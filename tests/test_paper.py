"""The paper's numbers as data: shapes, sane values, and sums that the paper's own text confirms."""

import math

import pytest

from dkg.paper import CAPTIONS, SECTIONS, TABLES, TEXT_AVERAGES

ROWS = {
    **{"I": 7, "II": 5, "XVI": 7, "XXI": 45},
    **dict.fromkeys(("III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XIV", "XV"), 8),
    **dict.fromkeys(("XI", "XII", "XIII"), 4),
    **dict.fromkeys(("XVII", "XVIII", "XIX", "XX"), 6),
}


def test_there_are_tables_i_to_xxi_in_order():
    units = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    roman = [tens + unit for tens in ("", "X", "XX") for unit in units][1:22]
    assert list(TABLES) == list(CAPTIONS) == list(SECTIONS) == roman


@pytest.mark.parametrize("number", TABLES)
def test_columns_are_tuples_of_the_printed_length(number):
    for column in TABLES[number].values():
        assert isinstance(column, tuple)
        assert len(column) == ROWS[number]


def values(column):
    return [value for table in TABLES.values() for value in table.get(column, ())]


def mean(column):
    return math.fsum(column) / len(column)


@pytest.mark.parametrize(
    ("column", "count", "low", "high"),
    [
        ("entropy", 8 + 6 + 6 + 45 - 4, 0, 8),
        ("plain_entropy", 24, 0, 8),
        ("cipher_entropy", 24, 0, 8),
        ("npcr", 24, 0, 100),
        ("uaci", 24, 0, 100),
        ("mse", 24, 0, 255**2),
        ("ssim", 24, -1, 1),
        ("plain_horizontal", 12, -1, 1),
        ("cipher_diagonal", 12, -1, 1),
        ("non_overlapping_template", 6, 0, 1),
        ("binary_matrix_rank", 6, 0, 1),
        ("maurers_universal", 6, 0, 1),
        ("random_excursions_variant", 6, 0, 1),
        ("seconds", 6, 0, math.inf),
    ],
)
def test_values_are_possible(column, count, low, high):
    numbers = [value for value in values(column) if not math.isnan(value)]
    assert len(numbers) == count
    assert all(low <= value <= high for value in numbers)
    assert max(numbers) > 0


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_every_plain_image_is_more_correlated_than_its_ciphertext(direction):
    plain, cipher = values(f"plain_{direction}"), values(f"cipher_{direction}")
    assert len(plain) == len(cipher) == 12
    assert all(a > b for a, b in zip(plain, cipher, strict=True))


@pytest.mark.parametrize(("number", "column"), [(n, c) for n in TEXT_AVERAGES for c in TABLES[n]])
def test_the_text_averages_every_column_of_its_tables(number, column):
    assert set(TEXT_AVERAGES[number]) == set(TABLES[number])
    assert TEXT_AVERAGES[number][column] == pytest.approx(mean(TABLES[number][column]), rel=0.3)
