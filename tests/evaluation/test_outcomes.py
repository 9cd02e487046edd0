"""What a measured value says of uniform bytes."""

import math

import pytest

from dkg.evaluation import Measured


@pytest.mark.parametrize(
    "value, low, high, expected",
    [
        (7.5, 7, 8, True),
        (8.0, 7, 8, True),
        (6.9, 7, 8, False),
        (8.1, 7, 8, False),
        (7.5, None, None, None),
        (math.nan, 7, 8, None),
    ],
)
def test_looks_random(value, low, high, expected):
    measured = Measured("entropy", "histogram", value, value, value, low, low, high, "bits", 1, "")
    assert measured.looks_random is expected
