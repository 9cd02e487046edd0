"""The order in which images are chosen, and the spread over other choices."""

from itertools import combinations

import numpy as np
import pytest

from dkg import data
from dkg.data.choices import halving


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13, 55, 138, 189])
def test_halving_takes_each_once_and_every_beginning_is_spread(n):
    order = halving(n)
    assert sorted(order) == list(range(n))
    for k in range(1, n.bit_length()):
        first = sorted(order[: 2**k])
        gaps = np.diff([*first, n + first[0]])
        assert gaps.max() - gaps.min() <= 1, "as evenly as integers can be"


def test_the_spread_is_that_of_all_choices():
    values = np.random.default_rng().normal(5, 2, 9).tolist()
    means = [np.mean(chosen) for chosen in combinations(values, 3)]
    found = data.spread_of_choices(values, 3)
    assert found["standard deviation over other choices"] == pytest.approx(np.std(means))
    assert found["mean of the chosen"] == pytest.approx(np.mean(values[:3]))
    assert found["mean of all"] == pytest.approx(np.mean(means))
    assert (found["images"], found["chosen"]) == (9, 3)


def test_without_others_there_is_no_spread():
    found = data.spread_of_choices([1.0, 2.0], 8)
    assert found["standard deviation over other choices"] == 0 and found["chosen"] == 2
    with pytest.raises(ValueError, match="at least one value"):
        data.spread_of_choices([])
