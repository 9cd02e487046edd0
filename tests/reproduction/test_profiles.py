"""Profiles: own files, values that do not fit, further runs, and networks that are taken over."""

import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from dkg import paths
from dkg.cli import app
from dkg.reproduction import plan, profiles
from dkg.storage.weights import list_weights
from dkg.training import TrainConfig
from dkg.zoo import Recipe, checks

PARAMETERS = """
dataset = "montgomery"
n_images = 8
share = 0.5
live = True
weights = ""
trainings = ["base-phantom-1"]
networks = {"one": "base-phantom-1"}
crop = None
seed = 0
"""
SETTINGS = {"generator_width": 2, "discriminator_width": 2, "residual_blocks": 0, "steps": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two notebooks and one profile."""
    notebooks = tmp_path / "notebooks"
    (notebooks / "profiles").mkdir(parents=True)
    for name in ("04_ciphertext", "05_attacks"):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "language_info": {"name": "python"},
            },
        )
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
    records = {"04_ciphertext": ["table-III"], "05_attacks": []}
    (notebooks / "records.yaml").write_text(yaml.safe_dump(records))
    (notebooks / "profiles" / "default.yaml").write_text("")
    monkeypatch.setattr(paths, "notebooks", lambda: notebooks)
    monkeypatch.setattr(paths, "runs", lambda: tmp_path / "runs")
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    return notebooks


def write(folder, name, text):
    path = folder / "profiles" / f"{name}.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"04_ciphertext:\n\tn_images: 2\n", r"line 2, column 1: .*'\\t'.*; indent with spaces"),
        (b"04_ciphertext: !!python/name:os.system\n", "could not determine a constructor"),
        (b"04_ciphertext: 5\n", "04_ciphertext needs parameters with their values, .* it has 5"),
        (b"04_ciphertext: [5]\n", r"04_ciphertext needs parameters .* it has \[5\]"),
        (b"five\n", "expected names with values, .* not 'five'"),
        (b"- 04_ciphertext\n", r"expected names with values, .* not \['04_ciphertext'\]"),
        (b"\xff\xfe00\n", "not UTF-8: invalid start byte at byte 0"),
        (b"a: \x00\n", "not YAML: "),
        (b"a: {b\n", "not YAML: line 2"),
        (b"[" * 3000, "not YAML: "),
        (b"? [a]\n: b\n", "not YAML: "),
        (b"a: 2024-13-45\n", "not YAML: "),
        (
            b"04_ciphertext:\n  n_images: 2\n04_ciphertext:\n  n_images: 5\n",
            "line 3, column 1: '04_ciphertext' occurs twice",
        ),
        (b"04_ciphertext: {n_images: 2, n_images: 3}\n", "'n_images' occurs twice"),
        (b"4: {n_images: 2}\n", "names notebooks that do not exist: 4"),
        (b"04_cipher: {}\n", "do not exist: 04_cipher; did you mean 04_ciphertext?"),
        (b"04_ciphertext: {n_image: 2}\n", "no parameter n_image; it has: .*; did you mean n_im"),
        (b"04_ciphertext: {n_images: two}\n", "n_images: must be an integer, such as 8, not"),
        (b"04_ciphertext: {n_images: true}\n", "n_images: must be an integer"),
        (b"04_ciphertext: {live: 1}\n", "live: must be true or false, such as True, not 1"),
        (b"04_ciphertext: {share: a}\n", "share: must be a number, such as 0.5, not 'a'"),
        (b"04_ciphertext: {dataset: 2020-02-02}\n", "dataset: must be a text, such as 'montgom"),
        (b"04_ciphertext: {dataset: shenzen}\n", "no image set named 'shenzen'.*mean shenzhen?"),
        (b"04_ciphertext: {weights: base-phantm-1}\n", "no network named 'base-phantm-1'.*mean b"),
        (b"04_ciphertext: {trainings: [base-1]}\n", "trainings: no network named 'base-1'"),
        (b"04_ciphertext: {networks: {a: base-1}}\n", "networks: no network named 'base-1'"),
        (b"also: 5\n", "also needs names with values"),
        (b"also: {06_gone: {}}\n", "also names no notebook: 06_gone"),
        (b"also: {05_attacks: {more: 5}}\n", "more of 05_attacks needs names with values"),
        (b"also: {05_attacks: {more: {n: 5}}}\n", "05_attacks has no parameter n; it has"),
        (b"train: 5\n", "train needs names with values"),
        (b"train: {a: 5}\n", "a in train needs names with values"),
        (b"train: {a: {images: all}}\n", "images of a in train must be an integer, not 'all'"),
    ],
)
def test_a_file_that_is_no_profile_is_named_with_the_place(folder, text, words):
    path = write(folder, "own", text)
    with pytest.raises(ValueError, match=words) as error:
        plan.make(profile="own")
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_values_of_the_kind_of_the_default_are_taken(folder):
    fine = {"share": 1, "trainings": [], "weights": "", "crop": True, "networks": {}}
    write(folder, "own", yaml.safe_dump({"04_ciphertext": fine}))
    assert plan.make(["04"], "own").runs[0].parameters == fine


def test_merged_values_may_be_given_again(folder):
    text = "04_ciphertext: &a {n_images: 2, seed: 1}\n05_attacks: {<<: *a, seed: 2}\n"
    write(folder, "own", text)
    assert plan.make(profile="own").runs[1].parameters == {"n_images": 2, "seed": 2}


def test_a_profile_by_its_path(folder, tmp_path):
    own = tmp_path / "mine" / "large.yaml"
    own.parent.mkdir()
    own.write_text("05_attacks: {n_images: 20}")
    [run] = plan.make(["05_attacks"], str(own)).runs
    assert (run.profile, run.parameters) == ("large", {"n_images": 20})
    result = CliRunner().invoke(app, [*run.arguments, "--plan"])
    assert json.loads(result.stdout)["runs"][0]["arguments"] == list(run.arguments)
    with pytest.raises(ValueError, match=r"no profile 'defalt'.*; did you mean default\?"):
        plan.make(profile="defalt")
    taken = shutil.copy(own, own.with_name("default.yaml"))
    with pytest.raises(ValueError, match="the project has a profile default; give yours another"):
        plan.make(profile=str(taken))


def test_a_notebook_by_the_beginning_of_its_name(folder):
    assert [run.notebook for run in plan.make(["05"]).runs] == ["05_attacks"]
    with pytest.raises(ValueError, match="several notebooks begin with '0': 04_ciphertext, 05_att"):
        plan.make(["0"])
    with pytest.raises(ValueError, match=r"no notebook '05_atacks'.*did you mean 05_attacks\?"):
        plan.make(["05_atacks"])


def test_own_values_of_parameters(folder):
    write(folder, "sets", "04_ciphertext: [{dataset: montgomery}, {dataset: ultrasound}]")
    arguments = ["04", "--profile", "sets", "-p", "dataset=brats18", "-p", "n_images=13"]
    result = CliRunner().invoke(app, ["reproduce", *arguments, "--plan"])
    assert result.exit_code == 0, result.output
    [run] = json.loads(result.stdout)["runs"]
    assert run["parameters"] == {"dataset": "brats18", "n_images": 13}
    assert Path(run["executed"]).parts[-4:-2] == ("grid", "04_ciphertext-brats18-n_images-13")
    again = CliRunner().invoke(app, [*run["arguments"], "--plan"])
    assert json.loads(again.stdout)["runs"] == [run]
    made = plan.make(parameters={"n_images": [2, 3], "live": [False]})
    assert [run.parameters["n_images"] for run in made.runs] == [2, 3, 2, 3]
    assert made.runs[0].profile == "default with n_images=2, live=False"
    seeded = plan.make(["05"], parameters={"seed": [7]}).runs[0]
    assert seeded.parameters == {"seed": 7} and seeded.profile == "default"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "n_images"], "--parameter takes NAME=VALUE, not 'n_images'"),
        (["-p", "n_image=2"], "a parameter n_image: .*; did you mean n_images?"),
        (["-p", "n_images=many"], "n_images: must be an integer, such as 8, not 'many'"),
        (["-p", "dataset=brats"], "no data set 'brats'; .*; did you mean brats18?"),
        (["-p", "weights=base-phantom-9"], "base-phantom-9: neither .*; did you mean base-phant"),
        (["-p", "weights=5"], "5: neither a file nor a shipped network"),
        (["-p", "seed=1", "--seeds", "2"], "seed is given twice"),
        (["--profile", "defualt"], "did you mean default?"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_a_proposal(folder, arguments, words):
    result = CliRunner().invoke(app, ["reproduce", "--plan", *arguments])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert re.search(words.replace("?", r"\?"), result.stderr), result.stderr


def test_a_negative_time_limit_is_refused(folder):
    result = CliRunner().invoke(app, ["reproduce", "--plan", "--time-limit", "-5"])
    assert result.exit_code == 2 and "--time-limit" in result.stderr


def test_an_installed_package_says_what_to_do(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "notebooks", lambda: tmp_path / "elsewhere")
    for notebooks in ([], ["04_ciphertext"]):
        with pytest.raises(ValueError, match=r"elsewhere: no notebooks here.*project's source"):
            plan.make(notebooks)


def test_further_runs_have_folders_of_their_own(folder):
    values = {"also": {"04_ciphertext": {"box": {"n_images": 3}, "lanczos": {"seed": 1}}}}
    write(folder, "own", yaml.safe_dump(values))
    made = plan.make(profile="own")
    names = ["04_ciphertext", "04_ciphertext-box", "04_ciphertext-lanczos", "05_attacks"]
    assert [run.name for run in made.runs] == names
    grid = paths.output() / "grid"
    assert [run.output for run in made.runs[1:3]] == [grid / name for name in names[1:3]]
    assert made.runs[1].records == ("table-III",) and made.runs[1].profile == "own"
    for run in made.runs:
        result = CliRunner().invoke(app, [*run.arguments, "--plan"])
        assert [r["name"] for r in json.loads(result.stdout)["runs"]] == [run.name]
    seeded = plan.make(profile="own", seeds=1)
    assert len(seeded.runs) == 2, "a grid takes the place of the further runs"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Images, and a small network that is trained on them."""
    folder = tmp_path_factory.mktemp("trained")
    images = folder / "images" / "montgomery"
    images.mkdir(parents=True)
    for number in range(2):
        pixels = np.random.default_rng().integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"{number}.png")
    recipe = Recipe(config=TrainConfig(**SETTINGS), n_images=2, domain="row-shuffle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_DATA", str(images.parent))
        return recipe.train(folder / "run", progress=False).generator


@pytest.fixture
def trained(folder, network, tmp_path, monkeypatch):
    """The network, a copy of its images, and a function that plans a profile that wants it."""
    shutil.copytree(network.parent.parent / "images", tmp_path / "images")
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "images"))
    checks._image_hashes.cache_clear()
    existing = network

    def profile(**changes):
        entry = {"images": 2, "domain": "row-shuffle", "settings": SETTINGS}
        entry |= {"from": str(existing.parent)} | changes
        values = {"train": {"one": entry}, "04_ciphertext": {"weights": "one"}}
        write(folder, "own", yaml.safe_dump(values))
        return plan.make(["04"], "own")

    return existing, profile


@pytest.mark.slow
def test_an_equal_training_is_taken_over_and_the_plan_says_so(trained):
    existing, profile = trained
    made = profile()
    assert made.trainings == [] and made.left_out == []
    assert made.taken_over == [f"one: {existing} is taken over, a training of the same recipe"]
    [run] = made.runs
    assert run.parameters["weights"] == str(existing) and run.networks == (existing,)
    assert profile(**{"from": str(existing)}).runs[0].networks == (existing,)
    [training] = plan.make(["04"], "own", seeds=2).trainings
    assert "seed=100" in training.arguments, "another seed of a grid is another training"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"settings": SETTINGS | {"learning_rate": 0.1}}, "learning_rate is 0.0002, not 0.1"),
        ({"settings": SETTINGS | {"steps": 5}}, "1 steps are done, not 5"),
        ({"domain": "chaotic-rgb"}, "domain is 'row-shuffle', not 'chaotic-rgb'"),
        ({"domain_seed": 4}, "domain_seed is 0, not 4"),
        ({"images": 1}, "images is 2, not 1"),
        ({"from": "gone"}, "gone.* neither a file nor a shipped network"),
    ],
)
def test_another_training_is_not_taken_over(trained, changes, why):
    made = trained[1](**changes)
    assert len(made.trainings) == 1 and made.taken_over == []
    [said] = made.left_out
    assert "is not taken over" in said and re.search(why, said), said
    assert made.runs[0].parameters["weights"] == str(made.trainings[0].network)


def test_a_training_on_other_images_is_not_taken_over(trained):
    image = np.zeros((40, 40), np.uint8)
    Image.fromarray(image).save(Path(os.environ["DKG_DATA"]) / "montgomery" / "0.png")
    assert "it was trained on other images" in trained[1]().left_out[0]


def test_close_names_are_proposed():
    assert profiles.meant(["base-fantom-1"], list_weights()).startswith("; did you mean base-ph")
    assert profiles.meant(["04"], ["04_a", "05_b"]) == "; did you mean 04_a?"
    assert profiles.meant(["xyz"], ["04_a"]) == ""


def test_runs_are_named_after_what_tells_them_apart(folder):
    sets = [{"dataset": "montgomery", "crop": True}, {"dataset": "brats18", "crop": False}]
    write(folder, "own", yaml.safe_dump({"05_attacks": sets}))
    names = [run.name for run in plan.make(["05"], "own").runs]
    assert names == ["05_attacks-montgomery", "05_attacks-brats18"]
    crops = [sets[0], sets[0] | {"crop": False}]
    write(folder, "own", yaml.safe_dump({"05_attacks": crops}))
    assert [run.name for run in plan.make(["05"], "own").runs] == [
        "05_attacks-True",
        "05_attacks-False",
    ]


def test_an_empty_list_of_trainings_stands_for_shipped_networks():
    default = profiles.default_of("trainings", {"trainings": {"default": "[]"}})
    assert profiles.wrong_value(["base-phantom-2"], default) is None
    assert "did you mean base-ph" in profiles.wrong_value(["base-phantm-2"], default)
