"""The zoo: training from recipes, what is refused, and a check that finds what was changed."""

import shutil
import tomllib

import numpy as np
import pytest
from PIL import Image

from dkg import data, paths, zoo
from dkg.keys import KeyGenerator, list_weights
from dkg.training import TrainConfig


def entry(steps=2, **settings):
    """Make an untrained entry of a small network on two phantoms."""
    small = {"generator_width": 2, "discriminator_width": 2, "residual_blocks": 0}
    return {
        "about": "A small network",
        "dataset": "montgomery",
        "origin": "synthetic",
        "images": 2,
        "domain": "row-shuffle",
        "domain_seed": 3,
        "recipe": zoo.settings(TrainConfig(steps=steps, **small | settings)),
    }


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package without networks, and a function that writes its manifest."""
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setattr(paths, "WEIGHTS", weights)
    monkeypatch.setattr(paths, "runs", lambda: tmp_path / "runs")

    def write(**entries):
        (weights / "manifest.toml").write_text(zoo.dumps(entries))

    return write


@pytest.fixture(scope="module")
def shipped():
    return zoo.check()


@pytest.mark.slow
def test_no_shipped_network_is_other_than_its_entry_says(shipped):
    assert not shipped["good"].eq(False).any(), shipped[shipped["good"].eq(False)].to_string()
    trained = shipped[shipped["network"].isin(list_weights())]
    checks = trained.groupby("network")["check"].agg(set)
    for name, made in checks.items():
        assert {"SHA-256", "settings", "images", "entropy of a key made now"} <= made, name


def test_shipped_weights_are_small():
    sizes = [
        (paths.WEIGHTS / e["file"]).stat().st_size for e in zoo.entries().values() if "file" in e
    ]
    assert sum(sizes) < 25e6


def test_the_manifest_reads_back_as_it_was_written():
    manifest = zoo.entries()
    assert tomllib.loads(zoo.dumps(manifest))["networks"] == manifest
    assert zoo.dumps(manifest) == (paths.WEIGHTS / "manifest.toml").read_text()


@pytest.mark.slow
def test_missing_networks_are_trained_installed_and_found_good(package):
    package(one=entry(), two=entry(loss="lsgan"))
    assert list_weights() == [] and zoo.missing() == ["one", "two"]
    lines = []
    assert zoo.train_missing(report=lines.append) == ["one", "two"]
    assert len(lines) == 2 and all("trained" in line for line in lines)
    assert list_weights() == ["one", "two"] and zoo.missing() == []
    assert KeyGenerator.load("two").public
    seeds = {e["seed"] for e in zoo.entries().values()}
    assert len(seeds) == 2, "each training draws its own seed"
    table = zoo.check()
    assert table["good"].eq(True).all(), table.to_string()
    assert set(zoo.entries()["one"]["samples"]) == {"0"}

    before = (paths.WEIGHTS / "one.safetensors").read_bytes()
    assert zoo.train_missing() == []
    with pytest.raises(FileExistsError, match=r"one\.safetensors: one is trained to the end"):
        zoo.train_missing(["one"])
    with pytest.raises(FileExistsError, match="has 2 steps already"):
        zoo.install(zoo.run_folder("one"), "one")
    assert (paths.WEIGHTS / "one.safetensors").read_bytes() == before


@pytest.mark.slow
def test_an_unfinished_network_goes_on_from_its_checkpoint(package):
    package(one=entry(steps=1))
    zoo.train_missing(report=lambda line: None)
    first = zoo.entries()["one"]
    package(one=first | {"recipe": first["recipe"] | {"steps": 3}})
    assert zoo.missing() == ["one"]
    open_rows = zoo.check().query("good.isna()")
    assert open_rows["check"].tolist() == ["steps of the recipe"]
    assert zoo.train_missing(["one"], report=lambda line: None) == ["one"]
    second = zoo.entries()["one"]
    assert second["steps"] == 3 and second["seed"] == first["seed"]
    assert second["sha256"] != first["sha256"]

    recipe = zoo.Recipe.of_entry(second, seed=second["seed"], threads=1)
    alone, image = recipe.train(paths.runs() / "alone"), recipe.load()[0].images[0]
    np.testing.assert_array_equal(
        KeyGenerator.load(alone.generator).generate(image),
        KeyGenerator.load("one").generate(image),
    )


@pytest.mark.slow
def test_a_failed_training_does_not_stop_the_others(package):
    package(good=entry(), bad=entry())
    folder = zoo.run_folder("bad")
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_text("no checkpoint")
    with pytest.raises(RuntimeError, match=r"bad: .*not a safetensors file"):
        zoo.train_missing(report=lambda line: None)
    assert zoo.missing() == ["bad"] and list_weights() == ["good"]


@pytest.mark.slow
def test_a_run_with_another_recipe_is_not_installed(package):
    package(one=entry(), other=entry(learning_rate=0.1))
    zoo.train_missing(["one"], report=lambda line: None)
    with pytest.raises(ValueError, match=r"recipe of other: learning_rate is 0\.0002, not 0\.1"):
        zoo.install(zoo.run_folder("one"), "other")
    with pytest.raises(ValueError, match="no network 'nobody'"):
        zoo.install(zoo.run_folder("one"), "nobody")
    assert list_weights() == ["one"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("weights", "SHA-256"),
        ("recipe", "settings"),
        ("images", "images"),
        ("seed", "how it was trained"),
        ("log", "last step of the log"),
        ("sample", "entropy of the sample key, step 0"),
        ("key", "entropy of a key made now"),
    ],
)
def test_the_check_finds_what_was_changed(package, damage, check):
    package(one=entry())
    zoo.train_missing(report=lambda line: None)
    one = zoo.entries()["one"]
    if damage == "weights":
        file = paths.WEIGHTS / one["file"]
        file.write_bytes(file.read_bytes()[:-1] + b"\0\0")
    elif damage == "recipe":
        one["recipe"]["learning_rate"] = 0.5
    elif damage == "images":
        one["source_sha256"] = "0" * 64
    elif damage == "seed":
        one["seed"] += 1
    elif damage == "log":
        (paths.WEIGHTS / one["log"]).write_text('{"step": 1}\n')
    elif damage == "sample":
        black = Image.fromarray(np.zeros((256, 256, 3), np.uint8))
        black.save(paths.WEIGHTS / one["samples"]["0"]["file"])
    else:
        one["key_entropy"] += 0.1
    package(one=one)
    table = zoo.check()
    assert table.loc[table["good"].eq(False), "check"].tolist() == [check]


def test_what_cannot_be_trained_is_refused_first(package, tmp_path, monkeypatch):
    package(one=entry(), real=entry() | {"origin": "files"})
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="no network 'nobody' in the manifest; it has: one, real"):
        zoo.train_missing(["nobody"])
    with pytest.raises(ValueError, match="jobs must be at least 1"):
        zoo.train_missing(["one"], jobs=0)
    with pytest.raises(FileNotFoundError, match=r"montgomery: no such folder.*set DKG_DATA"):
        zoo.train_missing()
    assert not (tmp_path / "runs").exists(), "nothing was trained"


def test_phantoms_are_trained_on_even_where_there_are_files(tmp_path, monkeypatch):
    (tmp_path / "montgomery").mkdir()
    image = Image.fromarray(np.zeros((256, 256, 3), np.uint8))
    image.save(tmp_path / "montgomery" / "1.png")
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    phantoms = zoo.Recipe.of_entry(entry())
    source, target = phantoms.load()
    np.testing.assert_array_equal(source.images, data.synthetic("montgomery", 2).images)
    assert target.shape == source.images.shape
    assert phantoms.describe(source)["origin"] == "synthetic"
    one_file = zoo.Recipe.of_entry(entry() | {"origin": "files", "images": 1})
    assert not one_file.load()[0].images.any()
    shutil.rmtree(tmp_path / "montgomery")
    with pytest.raises(FileNotFoundError):
        one_file.load()
