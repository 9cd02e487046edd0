"""The sweep of Table XXI: the tool that makes it, and the table that it recorded."""

import csv
import json
import math
from concurrent.futures import Future

import numpy as np
import pytest

from dkg import data, domains, paths
from dkg.keys import KeyGenerator
from dkg.metrics import entropy
from dkg.paper import TABLES
from dkg.training import TrainConfig, train

SETTINGS = {"learning_rate": 2e-4, "batch_size": 2, "device": "cpu", "threads": 1}


@pytest.fixture
def sweep(monkeypatch):
    monkeypatch.syspath_prepend(paths.root() / "tools")
    import sweep_hyperparameters

    return sweep_hyperparameters


@pytest.fixture
def images():
    pixels = np.random.default_rng().integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    return data.ImageSet("montgomery", pixels, "synthetic")


def test_the_papers_138_images_are_split_into_90_and_10_percent(sweep):
    numbers = np.arange(138)
    trained, held_out = sweep.split(numbers)
    assert (len(trained), len(held_out)) == (124, 14)
    assert sorted([*trained, *held_out]) == numbers.tolist()


def test_defaults_are_the_papers_cells(sweep):
    cells = {
        (steps, rate, batch)
        for steps in sweep.LENGTHS
        for rate in sweep.LEARNING_RATES
        for batch in sweep.BATCH_SIZES
    }
    printed = TABLES["XXI"]
    assert cells == set(
        zip(printed["epochs"], printed["learning_rate"], printed["batch_size"], strict=True)
    )


@pytest.mark.slow
def test_a_shipped_network_gives_the_entropies_of_its_keys(sweep):
    """The tool makes keys itself, to see numbers that are not finite; `KeyGenerator` must agree."""
    seed_images = data.load("shenzhen", n=2).images
    generator = KeyGenerator.load(device="cpu", exact=False)
    weights = paths.WEIGHTS / f"{generator.name}.safetensors"
    expected = [entropy(key) for key in generator.generate_many(seed_images)]
    entropies, _ = sweep.measure_keys(weights, seed_images)
    assert entropies == pytest.approx(expected, abs=1e-6)


def test_a_longer_cell_goes_on_from_a_shorter_one(sweep, images, tmp_path):
    """Two steps and then one more are the same network as three at once with the same seed."""
    sweep.run_cell(images, SETTINGS | {"steps": 2}, tmp_path / "sweep")
    row = sweep.run_cell(images, SETTINGS | {"steps": 3}, tmp_path / "sweep")
    assert tuple(row) == sweep.COLUMNS
    trained, _ = sweep.split(images.images)
    config = TrainConfig(**SETTINGS, steps=3, seed=row["seed"], sample_steps=())
    target = domains.chaotic(trained)
    result = train(config, trained, target, tmp_path / "at_once", progress=False)
    found = [tmp_path / "sweep" / "generator.safetensors", result.generator]
    first, second = (sweep.safetensors.torch.load_file(path) for path in found)
    assert all(first[name].equal(second[name]) for name in second)
    entropies, digest = sweep.measure_keys(result.generator, sweep.split(images.images)[1])
    assert row["entropy"] == np.mean(entropies)
    assert (row["keys_sha256"], row["constant_since"]) == (digest, "")


@pytest.mark.slow
def test_looking_at_the_keys_on_the_way_does_not_change_the_training(
    sweep, images, tmp_path, monkeypatch
):
    """Also not where the run was cut off between two looks, or before it ever looked."""
    monkeypatch.setattr(sweep, "STAGE", 2)
    rows = [sweep.run_cell(images, SETTINGS | {"steps": 5, "seed": 3}, tmp_path / "whole")]
    assert set(json.loads((tmp_path / "whole" / "keys.json").read_text())) == {"2", "4", "5"}
    for cut in (1, 3):
        sweep.run_cell(images, SETTINGS | {"steps": cut, "seed": 3}, tmp_path / str(cut))
        (tmp_path / str(cut) / "keys.json").unlink()
        rows.append(sweep.run_cell(images, SETTINGS | {"steps": 5, "seed": 3}, tmp_path / str(cut)))
    monkeypatch.setattr(sweep, "STAGE", 1000)
    rows.append(sweep.run_cell(images, SETTINGS | {"steps": 5, "seed": 3}, tmp_path / "at_once"))
    assert len({row["keys_sha256"] for row in rows}) == 1


def test_keys_are_constant_after_an_unbroken_row_of_equal_looks(sweep):
    same = dict.fromkeys(range(3000, 9000, 1000), "a")
    assert sweep.constant_since(same) == 3000
    assert sweep.constant_since({2000: "b"} | same) == 3000
    assert sweep.constant_since({step: "a" for step in same if step != 6000}) is None
    assert sweep.constant_since(same | {6000: "b"}) is None
    assert sweep.constant_since(same | {9000: "b"}) is None
    assert sweep.constant_since({1000: "a"}) is None


@pytest.mark.slow
def test_a_column_that_is_constant_is_stopped_and_says_so(sweep, images, tmp_path, monkeypatch):
    """A learning rate too small for float32 to change a weight; four looks at the keys."""
    monkeypatch.setattr(sweep.data, "load", lambda name, n: images)
    monkeypatch.setattr(sweep, "run_cell", constant_cell)
    table = tmp_path / "table.csv"
    sweep.main(
        lengths=[3, 6, 9],
        learning_rate=[1e-30],
        batch_size=[1],
        dataset="montgomery",
        images=None,
        jobs=1,
        device="cpu",
        threads=1,
        table=table,
        runs=tmp_path / "runs",
    )
    rows = list(sweep.read_rows(table).values())
    assert [(row["steps"], row["constant_since"]) for row in rows] == [
        ("3", ""),
        ("6", "1"),
        ("9", "1"),
    ]
    assert len({row["keys_sha256"] for row in rows}) == 1
    assert rows[2] == rows[1] | {"steps": "9"}, "the last cell is not trained"


def constant_cell(*arguments):
    """Stand in for `run_cell`, in a new process, with looks at every step."""
    import sweep_hyperparameters as sweep

    sweep.STAGE, sweep.CONSTANT = 1, 4
    return sweep.run_cell(*arguments)


def test_a_network_that_breaks_down_has_the_entropy_nan(sweep, images, tmp_path):
    settings = SETTINGS | {"learning_rate": 1e38, "steps": 3}
    row = sweep.run_cell(images, settings, tmp_path)
    assert math.isnan(row["entropy"]) and row["steps"] == 3


@pytest.mark.slow
def test_cells_of_the_table_are_not_run_again(sweep, images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep.data, "load", lambda name, n: images)
    options = {"dataset": "montgomery", "images": None, "jobs": 1, "device": "cpu", "threads": 1}
    options |= {"table": tmp_path / "table.csv", "runs": tmp_path / "runs", "batch_size": [1]}
    broken = dict.fromkeys(sweep.COLUMNS, 1) | {
        "constant_since": "",
        "dataset": "montgomery",
        "origin": "synthetic",
        "images": len(images.images),
        "learning_rate": 0.02,
        "entropy": math.nan,
    }
    sweep.append_row(options["table"], broken)
    for _ in range(2):
        sweep.main(lengths=[2, 1], learning_rate=[0.02, 0.0002], **options)
    rows = list(sweep.read_rows(options["table"]).values())
    assert [(row["learning_rate"], row["steps"]) for row in rows] == [
        ("0.02", "1"),
        ("0.02", "2"),  # Without training: what is NaN stays NaN.
        ("0.0002", "1"),
        ("0.0002", "2"),
    ]
    assert [math.isnan(float(row["entropy"])) for row in rows] == [True, True, False, False]
    assert capsys.readouterr().out.count("entropy") == 2
    assert [path.name for path in options["runs"].iterdir()] == [
        "montgomery-synthetic-rate-0.0002-batch-1-repeat-1"
    ]


@pytest.mark.slow
def test_repeats_are_trainings_of_their_own(sweep, images, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep.data, "load", lambda name, n: images)
    options = {"dataset": "montgomery", "images": None, "jobs": 1, "device": "cpu", "threads": 1}
    options |= {"table": tmp_path / "table.csv", "runs": tmp_path / "runs", "lengths": [1]}
    options |= {"learning_rate": [0.0002], "batch_size": [1]}
    sweep.main(**options)
    sweep.main(**options, repeats=2)
    rows = list(sweep.read_rows(options["table"]).values())
    assert [(row["steps"], row["repeat"]) for row in rows] == [("1", "1"), ("1", "2")]
    assert rows[0]["seed"] != rows[1]["seed"]
    assert rows[0]["entropy"] != rows[1]["entropy"]


def test_smaller_batches_come_first_and_a_column_is_finished_before_the_next(
    sweep, images, tmp_path, monkeypatch
):
    monkeypatch.setattr(sweep.data, "load", lambda name, n: images)
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", OneAfterAnother)
    monkeypatch.setattr(sweep, "run_cell", lambda images, cell, *_: made(sweep, cell))
    options = {"dataset": "montgomery", "images": None, "jobs": 1, "device": "cpu", "threads": 1}
    options |= {"table": tmp_path / "table.csv", "runs": tmp_path / "runs", "lengths": [1, 2]}
    sweep.main(**options, learning_rate=[0.02, 0.0002], batch_size=[10, 6])
    rows = sweep.read_rows(options["table"]).values()
    assert [(int(r["batch_size"]), float(r["learning_rate"]), int(r["steps"])) for r in rows] == [
        (batch, rate, steps) for batch in (6, 10) for rate in (0.02, 0.0002) for steps in (1, 2)
    ]


class OneAfterAnother:
    """Stands in for a pool of processes."""

    def __init__(self, *_):
        pass

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self):
        pass


def made(sweep, cell):
    row = dict.fromkeys(sweep.COLUMNS, 1) | {"dataset": "montgomery", "origin": "synthetic"}
    return row | {"images": 12, "constant_since": ""} | {k: cell[k] for k in cell if k in row}


def test_a_table_with_other_columns_is_an_error(sweep, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv: its columns are a, b, not dataset"):
        sweep.read_rows(tmp_path / "other.csv")


def test_the_recorded_sweep_has_each_cell_once_and_possible_numbers(sweep):
    path = paths.WEIGHTS / "table-xxi.csv"
    recorded = sweep.read_rows(path)
    with path.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(recorded)
    settings = {cell[3:5] for cell in recorded}
    printed = zip(TABLES["XXI"]["learning_rate"], TABLES["XXI"]["batch_size"], strict=True)
    assert settings == {(str(rate), str(batch)) for rate, batch in printed}
    for row in recorded.values():
        value = float(row["entropy"])
        assert math.isnan(value) or 0 <= value <= 8
