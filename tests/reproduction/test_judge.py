"""The verdict follows from the numbers and from what was measured, and nothing else."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from dkg import baselines, data, metrics
from dkg.reproduction import COMPARISONS, Measurements
from dkg.reproduction.judge import LEAST_TRAININGS, VERDICTS, judge
from dkg.reproduction.recording import measured

from .conftest import TRAININGS, panel_of, spread_of


def compared(id, panel=None, **more):
    return [measured(c, panel or panel_of(id), **more) for c in COMPARISONS[id]]


def judged(id, panel=None, **more):
    return judge(compared(id, panel), origins=["files"], **more)


@pytest.mark.parametrize("id", COMPARISONS)
def test_the_papers_own_numbers_are_reproduced(id):
    spread = spread_of(id) if id in ("table-XXI", "figure-13") else None
    judgement = judge(compared(id, spread=spread), origins=["files"])
    kinds = {c.kind for c in COMPARISONS[id]}
    expected = "reproduced" if kinds & {"result", "construction"} else "cannot be judged"
    assert judgement.verdict == expected, judgement.why
    for c in judgement.comparisons:
        assert all(held in (True, None) for held in c["holds"])


@pytest.mark.parametrize(
    ("id", "shift", "verdict"),
    [
        ("table-III", 0.0, "reproduced"),
        ("table-III", 0.5, "not reproduced"),
        ("table-IV", 50.0, "not reproduced"),
        ("figure-6", 1.0, "not reproduced"),
        ("table-I", 1.0, "not reproduced"),
        ("claim-known-plaintext", 90.0, "not reproduced"),
    ],
)
def test_the_verdict_follows_from_the_numbers(id, shift, verdict):
    judgement = judged(id, panel_of(id, shift))
    assert judgement.verdict == verdict and verdict in VERDICTS


def test_half_of_the_rows_is_partly():
    panel = panel_of("table-IV")
    for values in (panel.network, *panel.trainings.values()):
        values["uaci"] = [value - 10 for value in values["uaci"]]
    judgement = judged("table-IV", panel)
    assert judgement.verdict == "partly" and judgement.why == "1 of 2 numbers inside"


def test_a_row_counts_once_and_by_its_mean():
    """Eight numbers that scatter as the paper's, with its mean, are inside although none is."""
    [row] = judged("table-III").comparisons
    assert len(row["statements"]) == 1 and row["statements"][0]["inside"]
    mean = np.mean([np.mean(v["entropy"]) for v in panel_of("table-III").trainings.values()])
    assert row["statements"][0]["median"] == pytest.approx(mean, abs=0.01)
    assert row["statements"][0]["trainings"] == len(TRAININGS)


def test_inputs_and_averages_of_the_text_decide_nothing():
    panel = panel_of("table-V")
    for values in (panel.network, *panel.trainings.values()):
        values["plain_entropy"] = [1.0, 1.1] * 4
        values["mean_cipher_entropy"] = [1.0, 1.1]
    judgement = judged("table-V", panel)
    assert judgement.verdict == "reproduced" and judgement.why == "1 of 1 numbers inside"
    held = {c["name"]: c["holds"] for c in judgement.comparisons}
    assert held["plain_entropy"] == [False] * 8 and held["mean_cipher_entropy"] == [False]


def test_times_of_programs_are_no_verdict_on_the_paper():
    judgement = judged("table-XIX")
    assert judgement.verdict == "cannot be judged"
    assert judgement.why == "its numbers compare programs, and are no verdict on the paper"
    assert judgement.comparisons[0]["holds"] == [True] * 5, "shown all the same"


@pytest.mark.parametrize(
    ("measured_on", "verdict", "words"),
    [
        ({}, "reproduced", "1 of 1 numbers inside"),
        ({"origins": ["files", "synthetic"]}, "partly", "; synthetic images can support them"),
        ({"trained_on": ["synthetic"]}, "partly", "; networks trained on synthetic images can"),
        ({"origins": ["files"], "missing": "a test"}, "reproduced", " (a test)"),
    ],
)
def test_what_was_measured_on_limits_the_verdict(measured_on, verdict, words):
    judgement = judge(compared("table-III"), **measured_on)
    assert judgement.verdict == verdict and words in judgement.why
    counts = judge(compared("table-I"), **measured_on)
    assert counts.verdict == "reproduced", "numbers that do not depend on what images show"


@pytest.mark.parametrize("n", [0, 1, 2, LEAST_TRAININGS - 1])
def test_with_fewer_trainings_no_interval_decides(n):
    judgement = judged("table-III", panel_of("table-III", trainings=TRAININGS[:n]))
    assert judgement.verdict == "cannot be judged"
    assert f"with {max(n, 1)} training{'s'[: n > 1]} where 8 are needed" in judgement.why
    claim = judged("claim-seed-sensitivity", panel_of("claim-seed-sensitivity", -90, TRAININGS[:n]))
    assert claim.verdict == "not reproduced" and "; provisional, with" in claim.why


def test_a_bound_is_judged_by_the_median_over_the_trainings():
    panel = panel_of("figure-6")
    panel.network["chi_square"] = [1000.0]
    for name in TRAININGS[:3]:
        panel.trainings[name]["chi_square"] = [1000.0]
    [statement] = judged("figure-6", panel).comparisons[0]["statements"]
    assert statement["inside"] and statement["most"] == 1000 and statement["ours"] == 1000
    for name in TRAININGS[3:5]:
        panel.trainings[name]["chi_square"] = [1000.0]
    assert judged("figure-6", panel).verdict == "not reproduced"


def test_what_a_null_model_agrees_with_is_not_reproduced():
    nulls = {"AES-256-CTR": 0.0, "untrained network": 0.5}
    panel = panel_of("table-IV", nulls=nulls)
    judgement = judged("table-IV", panel)
    assert judgement.verdict == "partly"
    assert "AES-256-CTR agrees as well, so that it tells nothing apart" in judgement.why
    assert judgement.comparisons[0]["discriminates"] == [False] * 8
    assert judgement.comparisons[0]["null_holds"]["untrained network"] == [False] * 8
    for values in panel.nulls["AES-256-CTR"]:
        values["uaci"] = [value / 2 for value in values["uaci"]]
    judgement = judged("table-IV", panel)
    assert judgement.verdict == "reproduced", "one of two numbers tells AES apart"
    npcr, uaci = (c["statements"][0]["discriminates"] for c in judgement.comparisons)
    assert (npcr, uaci) == (False, True)


def aes_panel(n_trainings=8):
    """A panel with AES keys in the place of every network, and a key of its own for each."""
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (4, 64, 64, 3), np.uint8)

    def keys(number):
        seeds = images ^ np.uint8(number)
        return [baselines.GENERATORS["AES-256-CTR"](s, 256 * 256 * 3) for s in seeds]

    def measure(number):
        of_seeds, changed = keys(number), keys(number + 100)
        pairs = list(zip(of_seeds, changed, strict=True))
        entropy = [metrics.entropy(key) for key in of_seeds]
        npcr = [metrics.npcr(*pair) for pair in pairs]
        uaci = [metrics.uaci(*pair) for pair in pairs]
        return {
            "table-III": {"entropy": entropy},
            "table-IV": {"npcr": npcr, "uaci": uaci},
            **{f"table-{t}": {"cipher_entropy": entropy} for t in ("V", "VI", "VII")},
            **{f"table-{t}": {"npcr": npcr, "uaci": uaci} for t in ("XIV", "XV")},
        }

    return [measure(number) for number in range(n_trainings + 1)]


def test_aes_keys_are_no_reproduction_of_the_papers_network():
    """The negative control: AES in the network's place, judged without a word of null models."""
    control, *trainings = aes_panel()
    verdicts = {}
    for id in control:
        panel = Measurements(
            control[id], {n: t[id] for n, t in zip(TRAININGS, trainings, strict=True)}
        )
        verdicts[id] = judged(id, panel).verdict
    assert "reproduced" not in verdicts.values(), verdicts
    assert verdicts["table-III"] == "not reproduced"


@pytest.mark.slow
def test_a_further_network_of_the_panels_population_is_inside_in_95_percent_of_cases():
    """Simulated: the paper's numbers are drawn from the population of the trainings."""
    rng = np.random.default_rng()
    n, inside, numbers = 700, 0, []
    [comparison] = COMPARISONS["table-III"]
    for _ in range(n):
        of_images = rng.normal(0, 0.01, 8)
        drawn = rng.normal(7.9, 0.03, (9, 1)) + rng.normal(0, 0.005, (9, 8))
        ours = drawn[:8] + of_images
        paper = drawn[8] + rng.normal(0, 0.01, 8)
        panel = Measurements(
            {"entropy": ours[0]},
            {name: {"entropy": row} for name, row in zip(TRAININGS, ours, strict=True)},
        )
        made = measured(comparison, panel) | {"paper": paper.tolist()}
        [row] = judge([made]).comparisons
        inside += row["statements"][0]["inside"]
        numbers.append(all(row["holds"]))
    # Satterthwaite's approximation may cost a hundredth (95.0 % of 3,000 other draws were inside);
    # then 700 draws are denied with a chance of 1e-7. Numbers one by one are corrected for.
    least = binom.ppf(1e-7, n, 0.95 - 0.01)
    assert inside >= least
    assert sum(numbers) >= least


@pytest.mark.slow
@pytest.mark.parametrize("id", ["figure-5", "figure-7", "figure-10", "figure-11"])
def test_ideal_keys_are_denied_in_five_percent_of_cases(id):
    """Simulated with the measures' own distributions: chi-square, NPCR, correlation."""
    rng = np.random.default_rng()
    n, denied = 1000, 0
    for _ in range(n):
        ours = {}
        for c in COMPARISONS[id]:
            size = len(c.labels)
            ours[c.name] = {
                "chi_square": rng.chisquare(255, size),
                "npcr": 100 * rng.binomial(65536, 255 / 256, size) / 65536,
            }.get(c.name, rng.normal(0, 1 / math.sqrt(255), size))
            if c.name.startswith("ssim"):
                ours[c.name] = c.paper
        comparisons = [measured(c, Measurements(ours)) for c in COMPARISONS[id]]
        denied += judge(comparisons, origins=["files"]).verdict != "reproduced"
    # NPCR is a count, whose steps move the level: of 30,000 other draws 4.9 to 5.5 % were denied.
    # With 4 to 6 % a number outside these bounds has a chance of 1e-7 at each end.
    assert binom.ppf(1e-7, n, 0.05 - 0.01) <= denied <= binom.isf(1e-7, n, 0.05 + 0.01)


@pytest.mark.slow
def test_the_mean_over_images_has_a_bound_of_its_own():
    """The mean of eight absolute correlations of noise is above the bound in 5 % of cases."""
    rng = np.random.default_rng()
    [comparison] = COMPARISONS["beyond-averages"]
    n, above, ends = 1000, 0, set()
    for _ in range(n):
        ours = rng.normal(0, 1 / math.sqrt(255), 8)
        [c] = judge([measured(comparison, Measurements({comparison.name: ours}))]).comparisons
        above += c["holds"] == [False]
        ends.add(c["statements"][0]["high"])
    assert len(ends) == 1 and ends.pop() < 0.08, "the bound for one image is 0.1227"
    assert abs(above / n - 0.05) < 6 * math.sqrt(0.05 / n)


@pytest.mark.parametrize(
    ("rule", "paper", "tolerance", "inside", "outside"),
    [
        ("exact", 3.0, 0.0, [3.0], [3.1, math.nan]),
        ("within", 7.98, 0.03, [7.95, 8.01], [7.949, 8.011, math.nan]),
        ("factor", 2.0, 3.0, [0.7, 6.0], [0.6, 6.1, 0.0, -2.0]),
        ("at least", 99.5, 0.0, [99.5, 100.0], [99.49, math.nan]),
        ("at most", 0.0, 0.1, [-5.0, 0.1], [0.11]),
        ("decision", 0.9999, 0.01, [0.01, 0.5], [0.0099, 0.0]),
        ("decision", 0.0, 0.01, [0.0099, 0.0], [0.01]),
        ("within", math.nan, 0.5, [math.nan], [0.5]),
        ("chance", 0.0, 0.1, [0.195, -0.195], [0.197, -0.197, math.nan]),
    ],
)
def test_rules(rule, paper, tolerance, inside, outside):
    [comparison] = compared("figure-6")
    for values, held in ((inside, True), (outside, False)):
        for value in values:
            changed = {"rule": rule, "paper": [paper], "tolerance": [tolerance]}
            own = abs(value) if rule == "chance" else value
            made = comparison | changed | {"ours": [own], "samples": [{"a": [own]}]}
            assert judge([made]).comparisons[0]["holds"] == [held], value


def test_an_unknown_rule_is_an_error():
    [comparison] = compared("figure-6")
    with pytest.raises(ValueError, match="no rule 'near'"):
        judge([comparison | {"rule": "near"}])


def test_numbers_with_one_training_take_the_scatter_of_another_setting():
    """A cell of Table XXI with one training: half a bit away is far, with a s.d. of 0.03."""
    name = "entropy_rate_0.0002_batch_6"
    steps = np.linspace(-0.05, 0.05, 8).tolist()
    spread = {t: [7.9 + step] for t, step in zip(TRAININGS, steps, strict=True)}
    for shift, held in ((0.0, True), (0.05, True), (0.5, False)):
        panel = panel_of("table-XXI", shift, trainings=())
        done = judge(compared("table-XXI", panel, spread=spread)).comparisons
        [found] = [c for c in done if c["name"] == name]
        assert found["holds"] == [held] * 5
    done = judge(compared("table-XXI", panel_of("table-XXI", trainings=()))).comparisons
    [found] = [c for c in done if c["name"] == name]
    assert found["holds"] == [None] * 5


def test_the_judge_asks_nothing_but_its_arguments(monkeypatch):
    comparisons = compared("table-III")
    monkeypatch.setenv("DKG_DATA", "/nowhere")
    monkeypatch.setattr(data, "load", lambda *args, **more: pytest.fail("it reads images"))
    assert judge(comparisons) == judge(comparisons)
