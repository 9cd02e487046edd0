"""Forensics: the bound by enumeration, the steps by plain code, the table on planted numbers."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dkg import metrics, paths
from dkg.keys import weights_entry
from dkg.paper import TABLES
from dkg.reproduction import forensics
from dkg.reproduction.forensics import assessment, hypotheses, pipeline
from dkg.reproduction.forensics.material import Material

BYTES = np.arange(256)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def stack(rng, n=2):
    return rng.integers(0, 256, (n, 256, 256, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def material():
    rng = np.random.default_rng(5)
    plain = {name: stack(rng) // 2 for name in forensics.SETS}
    stacks = {name: stack(rng) for name in ("keys", "changed", "other", "softer")}
    return Material("random", **stacks, plain=plain, entropy_by_step={1000: 7.5, 13_000: 7.25})


# The bound.


def size_and_share(differences, weights):
    """Return the mean absolute difference and the share of 0 of a distribution."""
    return float(np.abs(differences) @ weights), float(weights[differences == 0].sum())


@pytest.mark.parametrize("half", [0, 1, 5, 127])
def test_uniform_differences_reach_the_bound_and_no_less_is_possible(half):
    differences = np.arange(-half, half + 1)
    size, share = size_and_share(differences, np.full(len(differences), 1 / len(differences)))
    least = forensics.least_uaci(100 * (1 - share))
    assert 100 * size / 255 == pytest.approx(float(least), abs=1e-9)


def test_no_distribution_whose_most_frequent_difference_is_0_lies_below_the_bound(rng):
    differences = np.arange(-255, 256)
    for concentration in (0.01, 0.3, 1.0, 30.0):
        for _ in range(50):
            weights = rng.dirichlet(np.full(511, concentration))
            most = weights.argmax()
            weights[[255, most]] = weights[[most, 255]]
            size, share = size_and_share(differences, weights)
            assert 100 * size / 255 >= forensics.least_uaci(100 * (1 - share)) - 1e-9


def test_a_difference_that_is_more_frequent_than_0_lowers_the_bound_by_that_factor(rng):
    differences = np.arange(-255, 256)
    for concentration in (0.1, 1.0, 30.0):
        for weights in rng.dirichlet(np.full(511, concentration), 50):
            size, _ = size_and_share(differences, weights)
            most = weights.max()  # r times the share of 0.
            assert most * size >= (1 - most**2) / 4 - 1e-9


def test_there_is_no_such_distribution_above_510_of_511(rng):
    assert np.isfinite(forensics.least_uaci(100 * 509.9 / 511))
    assert np.isnan(forensics.least_uaci(100 * 510.1 / 511))


def test_two_draws_from_one_distribution_are_bound_however_they_are_compared(rng):
    """Plainly subtracted, modulo 256 as signed bytes, and a plaintext beside a wrong decryption."""
    i, j = np.meshgrid(BYTES, BYTES, indexing="ij")
    wrapped = (i - j + 128) % 256 - 128
    for concentration in (0.02, 0.3, 2.0):
        q, plain = rng.dirichlet(np.full(256, concentration), 2)
        both = np.outer(q, q)
        of_xor = np.bincount((i ^ j).ravel(), both.ravel(), 256)
        for differences, weights in (
            (i - j, both),
            (wrapped, both),
            (i - (i ^ j), np.outer(plain, of_xor)),
        ):
            size, share = size_and_share(differences.ravel(), weights.ravel())
            assert 100 * size / 255 >= forensics.least_uaci(100 * (1 - share)) - 1e-9


def test_a_product_is_the_mean_and_its_error_that_of_counting(rng):
    n, share = 65_536, 0.0042
    made = forensics.product([99.58, 99.58], [21.0, 22.0], n)
    assert made.value == pytest.approx(share * 255 * 0.215)
    assert made.least == pytest.approx((1 - share**2) / 4)
    assert made.below == pytest.approx((made.least - made.value) / made.error)
    counted = np.round(100 * (1 - rng.binomial(n, share, (4000, 8)) / n), 2)
    simulated = [forensics.product(npcr, np.full(8, 21.5), n).value for npcr in counted]
    one = forensics.product(np.full(8, 99.58), np.full(8, 21.5), n)
    assert np.std(simulated) == pytest.approx(one.error, rel=0.05)


@pytest.mark.slow
def test_the_p_value_of_scatter_is_uniform_under_counting_and_small_otherwise(rng):
    n = 65_536
    counted = np.round(100 * (1 - rng.binomial(n, 0.0042, (2000, 8)) / n), 2)
    p_values = [forensics.scatter_p_value(npcr, n) for npcr in counted]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
    assert np.median([forensics.scatter_p_value(npcr, 100 * n) for npcr in counted]) < 1e-3
    assert np.median([forensics.scatter_p_value(npcr, n / 1000) for npcr in counted]) < 1e-3


# The steps.


def test_the_forty_numbers_are_means_and_deviations_of_the_printed_rows(material):
    numbers = forensics.paper_numbers()
    assert len(numbers) == 40
    assert numbers["IV UACI"] == pytest.approx(np.mean(TABLES["IV"]["uaci"]))
    assert numbers["XV NPCR s.d."] == pytest.approx(np.std(TABLES["XV"]["npcr"], ddof=1))
    assert numbers["XII cipher vertical"] == pytest.approx(
        np.mean(TABLES["XII"]["cipher_vertical"])
    )
    assert set(forensics.ordinary(material)) == set(numbers)


def test_differences_are_those_of_keys_ciphertexts_and_plaintexts(material):
    found = forensics.differences(material.keys, material.other, material.plain)
    image, a, b = material.plain["X-ray"], material.keys, material.other
    for table, stacks in (("IV", (a, b)), ("XIV", (image ^ a, image ^ b))):
        row = [metrics.uaci(x, y) for x, y in zip(*stacks, strict=True)]
        assert found[f"{table} UACI"] == np.mean(row)
        assert found[f"{table} UACI s.d."] == pytest.approx(np.std(row, ddof=1))
    decrypted = (image ^ a) ^ b
    assert found["XV NPCR"] == np.mean([metrics.npcr(*p) for p in zip(image, decrypted)])  # noqa: B905
    red = forensics.differences(a, b, material.plain, view=hypotheses.channel)
    assert red["IV NPCR"] == np.mean([metrics.npcr(*p) for p in zip(a[..., 0], b[..., 0])])  # noqa: B905


def test_signed_differences_wrap_around():
    a, b = (x.astype(np.uint8) for x in np.meshgrid(BYTES, BYTES))
    wrapped = (a.astype(int) - b + 128) % 256 - 128
    assert hypotheses.signed_uaci(a, b) == pytest.approx(100 * np.abs(wrapped).mean() / 255)
    # Of 256 differences one is -128, which stays negative.
    size = 100 * (np.abs(wrapped).mean() - 2 * 128 / 256) / 255
    assert hypotheses.signed_uaci_and_size(a, b) == pytest.approx(size)


def test_a_lag_is_a_lag_and_swapping_swaps(rng):
    waves = np.sin(2 * np.pi * np.arange(256) / 16)  # Along a row: lag 8 is half a period.
    image = np.broadcast_to(128 + 100 * waves[None, :, None], (256, 256, 3)).astype(np.uint8)
    assert forensics.at_lag(image, "horizontal", rng, lag=8) == pytest.approx(-1, abs=1e-3)
    assert forensics.at_lag(image, "vertical", rng, lag=8) == pytest.approx(1)
    assert forensics.at_lag(image, "vertical", rng, lag=8, swapped=True) < -0.99
    assert forensics.at_lag(image, "diagonal", rng, lag=16) == pytest.approx(1, abs=1e-3)


def test_grids_of_all_origins_contain_the_one_at_the_corner(rng):
    image = stack(rng, 1)[0]
    found = forensics.by_origin(image)
    picture = forensics.gray(image).astype(float)
    for direction, (down, right) in pipeline.DIRECTIONS.items():
        assert found[direction].shape == (15, 15)
        corner = forensics.grid(image, direction, rng)
        assert found[direction][0, 0] == pytest.approx(corner)
        pairs = picture[3::16, 5::16], picture[3 + down :: 16, 5 + right :: 16]
        assert found[direction][3, 5] == pytest.approx(np.corrcoef(*map(np.ravel, pairs))[0, 1])


def test_a_block_and_a_line_take_neighbours_of_the_gray_picture(rng):
    image = stack(rng, 1)[0]
    picture = forensics.gray(image).astype(float)
    block = picture[120:136, 120:136], picture[121:137, 120:136]
    assert hypotheses.block(image, "vertical", rng) == pytest.approx(
        np.corrcoef(*map(np.ravel, block))[0, 1]
    )
    row = np.corrcoef(picture[128, :-1], picture[128, 1:])[0, 1]
    assert hypotheses.line(image, "horizontal", rng) == pytest.approx(row)


def test_correlated_and_shared_controls_are_uniform_and_what_they_say(material):
    for pair in (hypotheses._correlated(material), hypotheses._shared_top_bits(material)):
        assert all(metrics.entropy(keys) > 7.999 for keys in pair)
    a, b = hypotheses._shared_top_bits(material)
    assert np.mean((a ^ b) < 128) == pytest.approx(0.86, abs=0.002)
    a, b = hypotheses._correlated(material)
    assert metrics.uaci(a, b) == pytest.approx(21.5, abs=0.3)


# The list.


@pytest.mark.slow
def test_every_hypothesis_returns_known_numbers_and_changes_what_it_aims_at(material):
    known = set(forensics.paper_numbers())
    for hypothesis in forensics.HYPOTHESES:
        returned = hypothesis.numbers(material)
        assert set(hypothesis.aims) <= set(returned) <= known, hypothesis.name
        assert not any(map(math.isnan, returned.values())), hypothesis.name
        assert hypothesis.numbers(material) == returned, f"{hypothesis.name} draws anew"
    assert len({h.name for h in forensics.HYPOTHESES}) == len(forensics.HYPOTHESES)
    assert any(h.source == "control" for h in forensics.HYPOTHESES)


def test_a_training_without_a_log_leaves_its_entropy_as_it_is(material):
    for hypothesis in forensics.HYPOTHESES:
        if hypothesis.name.startswith("stopped"):
            assert hypothesis.numbers(replace(material, entropy_by_step={})) == {}


# The table.


@pytest.fixture
def planted(monkeypatch, rng):
    """Five materials with three planted numbers, of which the paper's "c" lies far off."""
    values = {
        seed: dict(zip("abc", row, strict=True)) for seed, row in enumerate(rng.normal(size=(5, 3)))
    }
    monkeypatch.setattr(assessment, "ordinary", lambda m: values[m.seed])
    monkeypatch.setattr(assessment, "paper_numbers", lambda: {"a": 0.0, "b": 0.0, "c": 100.0})
    return [SimpleNamespace(seed=seed) for seed in values], values


def test_the_interval_is_that_of_one_more_repetition(planted):
    materials, values = planted
    row = forensics.assess(materials, []).loc[(forensics.ORDINARY, "a")]
    column = np.array([numbers["a"] for numbers in values.values()])
    half = stats.t.ppf(0.975, 4) * column.std(ddof=1) * math.sqrt(1 + 1 / 5)
    assert (row["low"], row["high"]) == pytest.approx((column.mean() - half, column.mean() + half))
    assert row["distance"] == pytest.approx(-column.mean() / half)
    assert row["inside"] == (abs(column.mean()) <= half)


def test_a_hypothesis_answers_for_all_numbers_that_it_changes(planted):
    materials, values = planted
    tried = [
        forensics.Hypothesis("mends c", lambda m: {"c": 100 + values[m.seed]["a"]}, ("c",)),
        forensics.Hypothesis(
            "and breaks b", lambda m: {"c": 100.0 + m.seed % 2, "b": 50.0 + m.seed}, ("c",), "text"
        ),
    ]
    table = forensics.assess(materials, tried)
    assert not table.loc[("mends c", "a"), "changed"] and table.loc[("mends c", "c"), "inside"]
    summary = forensics.summarise(table, tried)
    assert list(summary["aims inside"]) == [1, 1]
    assert list(summary["broken"]) == [0, 1] and list(summary["others"]) == [0, 1]
    assert list(summary["post hoc"]) == [True, False]
    left = forensics.unexplained(table, tried)
    assert list(left.index) == ["c"]
    assert left.loc["c", ["tried", "inside", "not post hoc"]].tolist() == [2, 2, 1]


def test_what_nothing_changes_is_left_and_controls_explain_nothing(planted):
    materials, _ = planted
    control = forensics.Hypothesis("control", lambda m: {"c": 100.0 + m.seed}, ("c",), "control")
    table = forensics.assess(materials, [control])
    left = forensics.unexplained(table, [control])
    assert left.loc["c", "tried"] == 0 and left.loc["c", "nearest"] == ""
    assert "none of the hypotheses** (1): c." in forensics.about_unexplained(left)


def test_bad_input_is_named(planted):
    materials, _ = planted
    one = forensics.Hypothesis("one", lambda m: {"d": 1.0}, ())
    with pytest.raises(ValueError, match="at least 2, not 1"):
        forensics.assess(materials[:1])
    with pytest.raises(ValueError, match=r"'one' returns unknown numbers \['d'\]"):
        forensics.assess(materials, [one])
    fine = forensics.Hypothesis("one", lambda m: {}, ())
    with pytest.raises(ValueError, match="two hypotheses are called 'one'"):
        forensics.assess(materials, [fine, fine])


# The material.


class Stub:
    """Stands for a network: its keys are its images with a number added."""

    def __init__(self, number, images="phantoms"):
        self.number, self.name = number, f"stub-{number}"
        self.metadata = {"training": {"description": images}}

    def generate_many(self, images):
        return images + np.uint8(self.number)

    def with_contrast(self, factor):
        return Stub(self.number + 100)


def numbered(n):
    """Images that say their number in every byte."""
    return np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 256, 256, 3))


def test_every_network_has_images_of_its_own_and_a_partner_on_the_same_images():
    stubs = [Stub(1, "a"), Stub(2, "b"), Stub(3, "a")]
    plain = {name: numbered(20) for name in forensics.SETS}
    made = forensics.gather_all(stubs, numbered(20), plain, 3, seed=4)
    assert [m.seed for m in made] == [4, 5, 6]
    seeds = [m.keys[:, 0, 0, 0] - stub.number for m, stub in zip(made, stubs, strict=True)]
    np.testing.assert_array_equal(np.concatenate(seeds), np.arange(9))
    # The partner of the first is the third, that of the second, which is alone, the next.
    partners = [int(m.other[0, 0, 0, 0] - s[0]) for m, s in zip(made, seeds, strict=True)]
    assert partners == [3, 3, 1]
    np.testing.assert_array_equal(made[1].plain["X-ray"][:, 0, 0, 0], [13, 14, 15])
    np.testing.assert_array_equal(made[1].plain["MRI"][:, 0, 0, 0], [3, 4, 5])
    assert (made[0].softer == made[0].keys + np.uint8(100)).all()
    for m in made:
        assert ((m.keys != m.changed).all(axis=-1).sum(axis=(1, 2)) == 1).all()
    mixed = forensics.one_training_each(made, 2)
    np.testing.assert_array_equal(mixed.keys, np.stack([m.keys[2] for m in made]))
    np.testing.assert_array_equal(mixed.other, np.stack([m.keys[0] for m in made]))


def test_too_few_networks_or_images_are_refused():
    plain = {name: numbered(4) for name in forensics.SETS}
    with pytest.raises(ValueError, match="at least two trainings, not 1"):
        forensics.gather_all([Stub(1)], numbered(4), plain, 2)
    with pytest.raises(ValueError, match="at least 2, not 1"):
        forensics.gather_all([Stub(1), Stub(2)], numbered(4), plain, 1)


def test_entropies_by_step_come_from_the_log_of_the_training(tmp_path):
    found = forensics.entropy_by_step("base-phantom-2")
    lines = (paths.WEIGHTS / weights_entry("base-phantom-2")["log"]).read_text().splitlines()
    logged = [line for line in map(json.loads, lines) if line["event"] == "log"]
    mine = [line["key_entropy"] for line in logged if 12_000 < line["step"] <= 13_000]
    assert found[13_000] == pytest.approx(np.mean(mine))
    assert forensics.entropy_by_step(str(tmp_path / "generator.safetensors")) == {}


# The words.


def test_words_follow_the_numbers():
    fits = forensics.Product(0.3, 0.01, 0.25, -5.0)
    words = forensics.about_products(
        {"A": fits, "B": fits._replace(below=5.0), "C": fits._replace(below=0.5)}
    ).splitlines()
    assert "A: 0.300" in words[0] and words[0].endswith("consistent with one pair of images.")
    assert "below the bound" in words[1] and words[1].endswith("0.83 times as frequent as 0.")
    assert "the bound itself" in words[2]
    distances = pd.DataFrame(
        {("plain", "straight"): {1: 0.3, 8: 0.2}, ("plain", "swapped"): {1: 0.3, 8: 0.1}}
    )
    assert "nearest at lag 8, swapped (0.100; at lag 1 0.300)" in forensics.about_lags(distances)
    summary = pd.DataFrame(
        {
            "source": ["control", "data", "text"],
            "post hoc": [False, True, False],
            "aims": [2, 2, 1],
            "aims inside": [2, 1, 0],
            "broken": [0, 3, 0],
        },
        index=["ideal", "guess", "other"],
    )
    words = forensics.about_best(summary)
    assert words.startswith("2 hypotheses were tried; 1 of them")
    assert "*guess* (1 of 2, 3 others broken). Not post hoc among these: 0." in words
    assert "as the text has it" in forensics.about_unexplained(pd.DataFrame())


@pytest.mark.parametrize(("column", "name"), [(1, "results.json"), (2, "results-real.json")])
def test_the_outcome_in_the_documentation_is_that_of_the_published_records(column, name):
    docs = paths.root() / "docs"
    record = json.loads((docs / name).read_text(encoding="utf-8"))["beyond-forensics"]
    left = record["more"]["numbers outside"]
    inside = record["comparisons"][0]["ours"][0]
    none = [n for n, fits in left["inside"].items() if not fits]
    foreseen = [n for n, fits in left["not post hoc"].items() if fits]
    hindsight = len(left["inside"]) - len(none) - len(foreseen)
    page = (docs / "forensics.md").read_text(encoding="utf-8").split("## The outcome")[1]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    shown = [int(row[column]) for row in rows[1:]]
    assert shown == [inside, len(foreseen), hindsight, len(none)]
    assert sum(shown) == len(record["more"]["as the text has it"]["paper"])
