"""Scores, what chance gives them, and when an attack succeeds."""

import numpy as np
import pytest
from scipy import stats

from dkg.evaluation.attacks.scores import (
    FALSE_ALARMS,
    READ,
    Chance,
    Found,
    NotApplicable,
    as_picture,
    attack,
    cells,
    correlations,
    equal_share,
    grid_picture,
    most_frequent,
    share_chance,
)


def run(function):
    decorated = attack("name", group="keys", question="Does it?", needs="cipher")(function)
    return decorated.run(None, [], np.random.default_rng(0))


def test_an_outcome():
    outcome = run(lambda c, i, r: Found([1.0, 2.0, 3.0], Chance(0, 0.5, 1.5), "Seen.", "%"))
    assert (outcome.score, outcome.n, outcome.succeeded) == (2, 3, True)
    assert (outcome.rule, outcome.sentence) == ("The score lies above 1.5.", "Seen.")
    reference = stats.ttest_1samp([1.0, 2.0, 3.0], 0).confidence_interval(0.95)
    assert (outcome.low, outcome.high) == pytest.approx((reference.low, reference.high))


@pytest.mark.parametrize("limit, below, succeeded", [(2, False, False), (2, True, False)])
def test_the_limit_itself_is_no_success(limit, below, succeeded):
    outcome = run(lambda c, i, r: Found([2.0], Chance(0, 1, limit, below), ""))
    assert outcome.succeeded is succeeded and np.isnan(outcome.low)


def test_below_the_limit():
    outcome = run(lambda c, i, r: Found([1.0], Chance(0, 1, 1.5, below=True), ""))
    assert outcome.succeeded and outcome.rule == "The score lies below 1.5."


def test_what_does_not_apply():
    def no(cipher, images, rng):
        raise NotApplicable("Needs an image")

    outcome = run(no)
    assert outcome.succeeded is None and outcome.sentence == "Needs an image." and outcome.n == 0


def test_other_errors_are_raised():
    def wrong(cipher, images, rng):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(wrong)


def test_the_chance_of_right_bytes():
    n = 500_000
    chance = share_chance(n)
    counts = np.random.default_rng(0).binomial(n, 1 / 256, 4000) * 100 / n
    assert np.mean((counts >= chance.low) & (counts <= chance.high)) == pytest.approx(
        0.95, abs=0.02
    )
    assert chance.limit == READ
    assert share_chance(n, 30).limit == 30
    few = share_chance(20).limit
    assert stats.binom.sf(few * 20 / 100, 20, 1 / 256) <= FALSE_ALARMS


@pytest.mark.parametrize("signed", [False, True])
def test_the_correlation_is_that_of_numpy(signed):
    rng = np.random.default_rng(1)
    grids = [(rng.normal(size=(6, 9)), rng.normal(size=(6, 9))) for _ in range(3)]
    found, _ = correlations(*map(list, zip(*grids, strict=True)), rng, signed=signed)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in grids]
    assert found == pytest.approx(expected if signed else np.abs(expected))


@pytest.mark.slow
def test_the_chance_of_correlations_holds_for_noise():
    rng = np.random.default_rng(2)
    plain = [cells(np.tile(np.arange(64, dtype=np.uint8), (64, 1)), 4)] * 2
    inside = []
    for _ in range(300):
        found, chance = correlations([rng.normal(size=(16, 16)) for _ in plain], plain, rng)
        inside.append(np.mean(found) <= chance.high)
    # The higher of two limits counts, so that noise lies below it more often than in 97.5 %.
    assert np.mean(inside) >= stats.binom.ppf(0.001, 300, 0.975) / 300


def test_a_constant_correlates_with_nothing():
    rng = np.random.default_rng(3)
    found, _ = correlations([np.ones((4, 4))], [rng.normal(size=(4, 4))], rng)
    assert found == [0]


def test_a_shifted_image_is_chance():
    """An image of another place has the structure of an image, and is no success."""
    rng = np.random.default_rng(4)
    wave = np.sin(np.arange(16) * 2 * np.pi / 16)
    plain = np.add.outer(wave, wave)
    found, chance = correlations([np.roll(plain, 8, axis=0)], [plain], rng)
    assert np.mean(found) <= chance.limit


def test_shares():
    a = np.array([[1, 2], [3, 3]], np.uint8)
    assert most_frequent(a) == 50 and equal_share(a, np.full_like(a, 3)) == 50


@pytest.mark.parametrize(
    "shape, expected",
    [
        ((9, 5), (9, 5)),
        ((9, 5, 3), (9, 5, 3)),
        ((9, 5, 1), (9, 5)),
        ((9, 5, 4), (9, 5)),
        ((1100, 600, 3), (367, 200, 3)),
    ],
)
def test_pictures(shape, expected):
    assert as_picture(np.zeros(shape, np.uint8)).shape == expected


def test_a_recovered_negative_is_shown_as_a_positive():
    plain = np.arange(30.0).reshape(5, 6)
    assert np.array_equal(grid_picture(-plain, plain), grid_picture(plain, plain))
    assert grid_picture(np.ones((5, 6)), plain).tolist() == np.zeros((5, 6)).tolist()


def test_cells_are_means_of_blocks():
    image = np.random.default_rng(5).integers(0, 256, (13, 9, 3), dtype=np.uint8)
    grid = cells(image, 4)
    assert grid.shape == (3, 2) and grid[2, 1] == image[8:12, 4:8].mean()
