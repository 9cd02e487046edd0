"""What the tests of the paper's facts share."""

import re

import numpy as np

from dkg.paper import TABLES

PIXELS = 256 * 256
KEY_BYTES = 256 * 256 * 3
DECIMALS = {"plain_entropy": 4, "cipher_entropy": 4, "mse": 2, "ssim": 4, "npcr": 2, "uaci": 2}


def values(column, tables=tuple(TABLES)):
    return [value for number in tables for value in TABLES[number].get(column, ())]


def of_method(table, column):
    return dict(zip(TABLES[table]["method"], TABLES[table][column], strict=True))


def entropy_by_setting():
    table = TABLES["XXI"]
    settings = zip(table["epochs"], table["learning_rate"], table["batch_size"], strict=True)
    return dict(zip(settings, table["entropy"], strict=True))


def rounded(column, number):
    return f"{number:.{DECIMALS[column]}f}"


def all_pairs_of_bytes():
    a, b = np.divmod(np.arange(PIXELS), 256)
    return a.astype(np.uint8), b.astype(np.uint8)


def assert_named(remark, numbers):
    """Assert that a remark names the numbers that were computed again."""
    text = " ".join((remark.printed, remark.finding, remark.evidence))
    for number in numbers:
        assert re.search(rf"(?<![\d.]){re.escape(str(number))}(?![\d])", text), number
