"""Measures of low-order keys, on keys whose answer is known."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from dkg import metrics
from dkg.attacks import low_order
from dkg.baselines import GENERATORS
from dkg.data.phantoms import chest_xray
from dkg.randomness import battery


@pytest.fixture(scope="module")
def keys():
    """Ideal keys, the same in every run."""
    return np.random.default_rng(0).integers(0, 256, (6, 256, 256, 3), dtype=np.uint8)


def test_flat_seed_images():
    image = chest_xray(1)[0]
    flat = low_order.flat_seeds(image)
    assert len(flat) == len({seed.tobytes() for seed in flat.values()}) == 13
    assert all(seed.shape == image.shape and seed.dtype == np.uint8 for seed in flat.values())
    assert not flat["upper half black"][:128].any()
    assert np.array_equal(flat["upper half black"][128:], image[128:])
    assert not flat["black frame"][:64].any() and flat["black frame"][128, 128].any()
    bright = image >= 64
    assert (flat["overexposed"][bright] == 255).all()
    assert np.array_equal(flat["overexposed"][~bright], 4 * image[~bright])


@pytest.mark.slow
def test_an_untrained_network_follows_from_its_seed():
    seed = chest_xray(1)[0]
    first, again, other = (low_order.untrained(n) for n in (0, 0, 1))
    assert first.metadata["training"]["step"] == 0 and first.output == "low-order"
    assert first.sha256 == again.sha256 != other.sha256
    assert np.array_equal(first.generate(seed), again.generate(seed))
    assert metrics.npcr(first.generate(seed), other.generate(seed)) > 99
    lightweight = low_order.untrained(convolution="xception", output="paper")
    assert lightweight.metadata["architecture"]["convolution"] == "xception"
    assert lightweight.output == "paper" and lightweight.sha256 != first.sha256


def test_the_extractor_is_shake_256(keys):
    made = low_order.extract(keys[0])
    assert made.tobytes() == hashlib.shake_256(keys[0].tobytes()).digest(196_608)
    assert made.shape == keys[0].shape


def test_sensitivity_changes_one_level_of_one_pixel(keys):
    seeds = np.stack([np.zeros_like(keys[0]), np.full_like(keys[0], 255), keys[0]])
    asked = []

    def generate(image):
        asked.append(image)
        return image

    table = low_order.sensitivity(generate, seeds, seeds, 9, seed=0)
    assert table["image"].tolist() == [0, 1, 2] * 3
    corners = list(zip(table["row"][:4], table["column"][:4], strict=True))
    assert corners == [(0, 0), (0, 255), (255, 0), (255, 255)]
    for image, row in zip(asked, table.itertuples(), strict=True):
        change = image.astype(int) - seeds[row.image]
        assert np.abs(change).sum() == 1 and abs(change[row.row, row.column, row.channel]) == 1
    assert set(table["level"][table["image"] == 1]) == {"255 to 254"}
    assert table["npcr"].to_numpy() == pytest.approx(100 / 196_608)
    assert table["uaci"].to_numpy() == pytest.approx(100 / 255 / 196_608)
    ups = [int(level.split()[2]) - int(level.split()[0]) for level in table["level"]]
    assert {-1, 1} == set(ups)


def test_sensitivity_of_an_ideal_generator():
    seeds = chest_xray(2)

    def generate(image):
        return GENERATORS["ChaCha20"](image, image.size).reshape(image.shape)

    made = np.stack([generate(image) for image in seeds])
    table = low_order.sensitivity(generate, seeds, made, 12, seed=0)
    assert table["npcr"].min() > 99.53 and abs(table["uaci"] - 33.4635).max() < 0.3


def test_pairs_of_keys(keys):
    table = low_order.between_keys(keys)
    assert len(table) == 15
    places = [(i, j) for i in range(6) for j in range(i)]
    for (i, j), row in zip(places, table.itertuples(), strict=True):
        assert row.npcr == metrics.npcr(keys[i], keys[j])
        assert row.uaci == metrics.uaci(keys[i], keys[j])
        expected = np.corrcoef(keys[i].ravel(), keys[j].ravel())[0, 1]
        assert row.correlation == pytest.approx(expected, abs=1e-5)
    shares = low_order.acceptance_rates(table)
    assert set(shares) == {"npcr", "uaci", "correlation"}
    counted = sum(value in metrics.uaci_interval(196_608) for value in table["uaci"])
    assert shares["uaci"] == pytest.approx(100 * counted / 15)
    same = low_order.between_keys(keys[[0, 0]])
    assert low_order.acceptance_rates(same) == {"npcr": 0, "uaci": 0, "correlation": 0}
    constant = low_order.between_keys(np.stack([keys[0], np.zeros_like(keys[0])]))
    assert (
        np.isnan(constant["correlation"][0])
        and low_order.acceptance_rates(constant)["correlation"] == 0
    )


def test_repeated_windows(keys):
    assert low_order.repeated_windows(keys) == 0
    planted = keys.copy()
    # Ten bytes hold three windows of eight, here at two odd places of two keys.
    planted[4].reshape(-1)[1001:1011] = planted[1].reshape(-1)[77_777:77_787]
    assert low_order.repeated_windows(planted) == 6
    planted[2].reshape(-1)[-8:] = planted[2].reshape(-1)[5:13]
    assert low_order.repeated_windows(planted) == 8
    assert low_order.repeated_windows(np.zeros_like(keys[:1])) == 196_601


def judged(p_values):
    table = pd.DataFrame(p_values)
    table.columns = pd.MultiIndex.from_tuples(table.columns, names=["test", "variant"])
    return low_order.failures_by_test(battery.Battery(table, battery._summary(table, 0.01), 0.01))


def test_a_test_is_judged_by_its_lines():
    even = np.random.default_rng(0).permutation((np.arange(200) + 0.5) / 200)
    # Two of 200 below 0.01 are expected; seven are below the band from 0.9689 on, six are not.
    seven, six = (np.where(np.arange(200) < n, 0.005, 0.01 + 0.99 * even) for n in (7, 6))
    many = {("template", str(i)): seven if i < 5 else even for i in range(148)}
    table = judged({("monobit", ""): seven, ("runs", ""): six, **many})
    assert table["lines"].to_dict() == {"monobit": 1, "runs": 1, "template": 148}
    assert table["outside"].to_dict() == {"monobit": 1, "runs": 0, "template": 5}
    # With ideal bits a line of 200 sequences is outside in 0.43 % of cases: of 148 more than 4 in
    # 0.05 %, more than 3 in 0.4 %.
    assert table["outside_allowed"].to_dict() == {"monobit": 0, "runs": 0, "template": 4}
    assert not table["not_uniform"].any()
    uneven = judged({("monobit", ""): even**3})
    assert uneven.loc["monobit", ["not_uniform", "not_uniform_allowed"]].tolist() == [1, 0]


def test_a_test_that_is_applicable_to_no_key_has_no_lines():
    nothing = np.full(60, np.nan)
    assert judged({("excursions", "1"): nothing}).loc["excursions", "lines"] == 0


def test_stacks_take_turns():
    """Of stacks of three, one and two images the first ones come first."""
    stacks = [np.zeros((n, 2, 2, 3), np.uint8) for n in (3, 1, 2)]
    assert low_order.in_turns(stacks).tolist() == [0, 3, 4, 1, 5, 2]
