"""The tool that measures the trainings of the base recipe, and the table that it wrote."""

import re
import shutil

import numpy as np
import pytest

from dkg import attacks, cipher, data, metrics, paths, zoo
from dkg.keys import KeyGenerator, list_weights


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(paths.root() / "tools")
    import measure_trainings

    return measure_trainings


def copy_of(name, folder):
    folder.mkdir(parents=True)
    shutil.copy(paths.WEIGHTS / zoo.entries()[name]["file"], folder / "generator.safetensors")


@pytest.mark.slow
def test_trainings_of_the_base_recipe_are_found_and_no_others(tool, tmp_path):
    base = [name for name in list_weights() if name.startswith("base-")]
    assert list(tool.find([])) == base
    copy_of("base-phantom-2", tmp_path / "base-phantom-9")
    copy_of("network-a", tmp_path / "other")
    copy_of("domain-gray", tmp_path / "domain")
    assert list(tool.find([tmp_path])) == [*base, "base-phantom-9"]


@pytest.mark.slow
def test_rows_hold_what_the_package_measures_and_are_not_measured_twice(
    tool, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tool, "find", lambda folders: {"one": "base-phantom-1"})
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    table = tmp_path / "table.csv"
    tool.main(folders=None, n=2, pixel_seed=5, table=table)
    rows = tool.read_rows(table)
    assert [row["measure"] for row in rows.values()] == list(tool.MEASURES)
    assert {row["images"] for row in rows.values()} == {"synthetic"}
    generator = KeyGenerator.load("base-phantom-1")
    seeds, plain = (data.synthetic(name, 2).images for name in ("shenzhen", "ultrasound"))
    rows_and_columns = np.random.default_rng(5).integers(256, size=(2, 2))
    expected = {name: [] for name in tool.MEASURES}
    for seed, image, pixel in zip(seeds, plain, rows_and_columns.T.tolist(), strict=True):
        key = generator.generate(seed)
        changed = generator.generate(attacks.change_pixel(seed, tuple(pixel), "one gray level"))
        expected["entropy"].append(metrics.entropy(key))
        expected["npcr"].append(metrics.npcr(key, changed))
        expected["uaci"].append(metrics.uaci(key, changed))
        leak = metrics.block_correlation(image, cipher.xor(image, key))
        expected["block_correlation"].append(abs(leak))
    for row in rows.values():
        assert float(row["mean"]) == pytest.approx(np.mean(expected[row["measure"]]))
        assert row["sha256"] == generator.sha256
    assert capsys.readouterr().out.count("one, 2 images (synthetic)") == 1
    tool.main(folders=None, n=2, pixel_seed=5, table=table)
    assert not capsys.readouterr().out and tool.read_rows(table) == rows


def test_a_table_with_other_columns_is_an_error(tool, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv: its columns are a, b, not network"):
        tool.read_rows(tmp_path / "other.csv")


def test_the_recorded_table_has_the_shipped_trainings_and_possible_numbers(tool):
    path = paths.WEIGHTS / "trainings.csv"
    rows = tool.read_rows(path).values()
    shipped = {e["sha256"] for name, e in zoo.entries().items() if name.startswith("base-")}
    trainings = {row["sha256"] for row in rows}
    assert shipped <= trainings and len(trainings) >= 2 * len(shipped)
    for row in rows:
        assert re.fullmatch("[0-9a-f]{64}", row["sha256"])
        low, median, high, mean = (float(row[c]) for c in ("min", "median", "max", "mean"))
        assert low <= median <= high and low <= mean <= high
        most = {"entropy": 8, "npcr": 100, "uaci": 100, "block_correlation": 1}
        assert low >= 0 and high <= most[row["measure"]]
