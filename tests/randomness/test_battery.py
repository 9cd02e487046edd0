import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dkg.plots import p_value_heatmap, p_value_histograms
from dkg.randomness import monobit, pass_rates, run_battery, run_suite

TESTS = ["monobit", "runs", "cumulative_sums", "random_excursions"]


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(4)
    return [rng.bytes(5000) for _ in range(120)]


@pytest.fixture(scope="module")
def battery(sequences):
    return run_battery(sequences, tests=TESTS, progress=False)


def test_p_values_are_those_of_the_suite(sequences, battery):
    for i in (0, 57, 119):
        table = run_suite(sequences[i], tests=TESTS).set_index(["test", "variant"])
        passed = table["passed"].notna()
        expected = table["p_value"].where(passed).to_numpy(float, na_value=np.nan)
        np.testing.assert_array_equal(battery.p_values.loc[i], expected)


def test_proportion_and_its_band(battery):
    row = battery.summary.iloc[0]
    values = battery.p_values["monobit", ""]
    assert row["n_sequences"] == 120
    assert row["proportion"] == np.mean(values >= 0.01)
    # Section 4.2.1: for 1,000 sequences the band would be 0.99 +- 0.0094392.
    assert row["lower"] == pytest.approx(0.99 - 0.0094392 * np.sqrt(1000 / 120), abs=1e-6)
    assert row["upper"] == 1
    assert row["proportion_passed"]
    assert row["remark"] == ""


def test_p_values_equal_to_the_level_pass(sequences, battery, monkeypatch):
    p_value = monobit(sequences[0]).p_value
    uniform = battery.summary["uniformity_p_value"][0]
    for up, passed in ((False, True), (True, False)):
        alpha = np.nextafter(p_value, 1) if up else p_value
        alike = run_battery(sequences[:1] * 2, alpha, tests=["monobit"], progress=False).summary
        # Both sequences are the same, so that either none passes or both do.
        assert alike["proportion"].tolist() == [float(passed)]
        level = np.nextafter(uniform, 1) if up else uniform
        monkeypatch.setattr("dkg.randomness.battery._UNIFORM_ALPHA", level)
        again = run_battery(sequences, tests=["monobit"], progress=False).summary
        assert again["uniformity_passed"].tolist() == [passed]


def test_uniformity_is_a_chi_square_test(battery):
    values = battery.p_values["monobit", ""]
    expected = stats.chisquare(np.histogram(values, bins=10, range=(0, 1))[0]).pvalue
    assert battery.summary["uniformity_p_value"][0] == pytest.approx(expected, rel=1e-12)


def test_too_few_sequences(sequences):
    summary = run_battery(sequences[:54], tests=["monobit"], progress=False).summary
    assert summary["proportion_passed"].isna().all()
    assert summary["uniformity_passed"].isna().all()
    assert summary["remark"][0] == (
        "too few sequences: it takes 100 for the proportion and 55 for uniformity"
    )
    summary = run_battery(sequences[:99], tests=["monobit"], progress=False).summary
    assert summary["uniformity_passed"].notna().all()
    assert summary["remark"][0] == "too few sequences: it takes 100 for the proportion"
    summary = run_battery(sequences[:99], 0.05, tests=["monobit"], progress=False).summary
    assert summary["proportion_passed"].notna().all()


def test_not_applicable_to_any(battery):
    # 40,000 bits have 500 cycles in hardly one sequence of a hundred.
    rows = battery.summary[battery.summary["test"] == "random_excursions"]
    assert (rows["n_sequences"] < 55).all()
    assert rows["remark"].str.startswith("too few sequences").all()
    summary = run_battery([bytes(100)], tests=["random_excursions"], progress=False).summary
    assert (summary["n_sequences"] == 0).all()
    assert summary["proportion"].isna().all()


def test_a_bad_generator_fails():
    rng = np.random.default_rng(0)
    sequences = ((rng.random(5000) < 0.53).astype(np.uint8) for _ in range(100))
    row = run_battery(sequences, tests=["monobit"], progress=False).summary.iloc[0]
    assert not row["proportion_passed"]
    assert not row["uniformity_passed"]


def test_threads_do_not_change_the_result(sequences, battery):
    one = run_battery(iter(sequences), tests=TESTS, workers=1, progress=False)
    pd.testing.assert_frame_equal(one.p_values, battery.p_values)


def test_progress_goes_to_stderr(sequences, capsys):
    run_battery(sequences[:3], tests=["monobit"])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err


def test_what_is_refused(sequences):
    with pytest.raises(ValueError, match="no sequence"):
        run_battery([], progress=False)
    with pytest.raises(ValueError, match="number 2 has 800"):
        run_battery([sequences[0], bytes(100)], progress=False)
    with pytest.raises(ValueError, match="alpha"):
        run_battery(sequences, alpha=1, progress=False)
    with pytest.raises(ValueError, match="unknown test"):
        run_battery(sequences, tests=["x"], progress=False)
    with pytest.raises(TypeError, match="float64"):
        run_battery([np.zeros(100)], progress=False)


def test_heat_map_shows_the_proportions(battery):
    figure = p_value_heatmap(battery)
    heat, *_ = figure.axes
    assert [label.get_text() for label in heat.get_yticklabels()] == [
        "monobit",
        "runs",
        "cumulative sums",
        "random excursions",
    ]
    drawn = heat.images[0].get_array()
    assert drawn.shape == (4, 120)
    # The excursions are not applicable to most sequences: gray, not red.
    assert np.isnan(np.ma.filled(drawn[3], np.nan)).sum() > 60
    expected = battery.p_values["monobit", ""].to_numpy()
    np.testing.assert_allclose(10 ** drawn[0], np.maximum(expected, 1e-6))
    right = heat.child_axes[0].get_yticklabels()
    assert right[0].get_text() == f"{np.mean(expected >= 0.01):.1%}"


def test_histograms_show_all_p_values(battery):
    axes = p_value_histograms(battery).axes
    assert axes[0].get_title() == "monobit\n0 of 1 not uniform"
    assert axes[3].get_title() == "random excursions\ntoo few sequences"
    heights = [patch.get_height() for patch in axes[0].patches]
    counts, _ = np.histogram(battery.p_values["monobit", ""], bins=10, range=(0, 1))
    np.testing.assert_allclose(heights, counts / 120)


def test_one_p_value_per_test_is_bonferronis(battery):
    table = battery.one_per_test()
    name = "cumulative_sums"
    smallest = battery.p_values[name].min(axis=1) * battery.p_values[name].count(axis=1)
    np.testing.assert_allclose(table.loc[name], smallest.clip(upper=1))
    monobit_values = battery.p_values[("monobit", "")]
    np.testing.assert_array_equal(table.loc["monobit"], monobit_values)


def test_pass_rates_leave_out_what_is_not_applicable():
    p_values = pd.DataFrame(
        {
            "a": [0.5] * 10,
            "b": [0.5] * 8 + [0.001] * 2,
            "c": [0.01] + [np.nan] * 9,
            "d": [np.nan] * 10,
        }
    ).T
    rates = pass_rates(p_values)
    np.testing.assert_array_equal(rates["share"], [1, 0.8, 1, np.nan])
    assert rates["passed"].tolist() == [True, False, True, False]
    assert rates["applicable"].tolist() == [True, True, True, False]
