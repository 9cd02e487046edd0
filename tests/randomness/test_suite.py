import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dkg
import dkg.randomness as randomness


@pytest.fixture(scope="module")
def key():
    return np.random.default_rng(3).bytes(196_608)


def test_table(key):
    table = randomness.run_suite(key)
    assert table.columns.tolist() == [
        "test",
        "variant",
        "statistic",
        "p_value",
        "passed",
        "reason",
    ]
    assert table["test"].unique().tolist() == list(randomness.TESTS)
    assert len(table) == 188
    applicable = table["reason"] == ""
    assert table["p_value"][applicable].between(0, 1).all()
    assert (table["passed"] == (table["p_value"] >= 0.01))[applicable].all()


def test_a_p_value_equal_to_alpha_passes(key):
    p_value = randomness.monobit(key).p_value
    for alpha, passed in ((p_value, True), (np.nextafter(p_value, 1), False)):
        table = randomness.run_suite(key, tests=["monobit"], alpha=alpha)
        assert table["passed"].tolist() == [passed]


def test_rows_are_those_of_the_tests(key):
    for name, rows in randomness.run_suite(key).groupby("test"):
        result = randomness.TESTS[name](key)
        assert tuple(rows["variant"]) == result.variants
        if result.applicable:
            assert tuple(rows["p_value"]) == result.p_values
            assert tuple(rows["statistic"]) == result.statistics


def test_not_applicable_is_missing_not_zero():
    table = randomness.run_suite(np.random.default_rng(0).bytes(1000)).set_index("test")
    for name in ("maurers_universal", "random_excursions", "random_excursions_variant"):
        rows = table.loc[[name]]
        assert rows["p_value"].isna().all()
        assert rows["passed"].isna().all()
        assert (rows["reason"] != "").all()
    assert table.loc["serial", "p_value"].between(0, 1).all()  # Computed, but m is too long.
    assert table.loc["serial", "passed"].isna().all()
    assert table.loc["monobit", "passed"] is not pd.NA
    assert not np.isnan(table["p_value"].dropna().astype(float)).any()


def test_choice_of_tests(key):
    table = randomness.run_suite(key, tests=["runs", "monobit"])
    assert table["test"].tolist() == ["runs", "monobit"]
    assert randomness.run_suite(key, tests="serial")["test"].tolist() == ["serial", "serial"]
    for tests in (["frequency"], []):
        with pytest.raises(ValueError, match="the tests are monobit"):
            randomness.run_suite(key, tests=tests)


def test_constants(key):
    nist, exact = (
        randomness.run_suite(key, constants=name).set_index(["test", "variant"])
        for name in ("nist", "exact")
    )
    changed = nist["p_value"].compare(exact["p_value"]).index.get_level_values("test")
    assert set(changed) == {"longest_run_of_ones", "overlapping_template", "linear_complexity"}
    with pytest.raises(ValueError, match="'nist' or 'exact'"):
        randomness.run_suite(key, constants="NIST")


def test_alpha(key):
    assert not randomness.run_suite(key, tests=["monobit"], alpha=0.9999)["passed"][0]
    with pytest.raises(ValueError, match="alpha"):
        randomness.run_suite(key, alpha=0)


def test_an_image_is_read_as_its_bytes(key):
    image = np.frombuffer(key, np.uint8).reshape(256, 256, 3)
    pd.testing.assert_frame_equal(randomness.run_suite(image), randomness.run_suite(key))


def test_importing_the_package_does_not_import_numba():
    code = "import sys, dkg; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def run_in_a_copy(tmp_path, writable):
    """Run the suite in a fresh process, from a copy of the package's sources."""
    package = tmp_path / "dkg"
    for source in Path(dkg.__file__).parent.glob("**/*.py"):
        relative = source.relative_to(Path(dkg.__file__).parent)
        (package / relative).parent.mkdir(parents=True, exist_ok=True)
        (package / relative).write_bytes(source.read_bytes())
    # A plain file where a cache folder would go cannot be written to, not even by root.
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    if not writable:
        (package / "randomness" / "__pycache__").write_text("")
        environment |= {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked)}
    code = (
        "import dkg.randomness as r; print(r.__file__);"
        "print(r.longest_run_of_ones(bytes(range(256))).p_value)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


@pytest.mark.slow
def test_compiled_code_is_kept_beside_the_package(tmp_path):
    where, p_value = run_in_a_copy(tmp_path, writable=True)
    assert where.startswith(str(tmp_path))
    assert list((tmp_path / "dkg" / "randomness" / "__pycache__").glob("*.nbc"))
    expected = randomness.longest_run_of_ones(bytes(range(256))).p_value
    assert float(p_value) == expected


@pytest.mark.slow
def test_works_where_no_cache_can_be_written(tmp_path):
    where, p_value = run_in_a_copy(tmp_path, writable=False)
    assert where.startswith(str(tmp_path))
    assert not list(tmp_path.glob("**/*.nbc"))
    assert float(p_value) == randomness.longest_run_of_ones(bytes(range(256))).p_value
