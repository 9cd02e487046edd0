"""What is to be run: parameters, grids, networks to train, records."""

import json
from itertools import product
from pathlib import Path

import nbformat
import pytest
import yaml
from typer.testing import CliRunner

from dkg import data, paths
from dkg.cli import app
from dkg.reproduction import COMPARISONS, plan, profiles

PARAMETERS = {
    "a_everything": 'dataset = "montgomery"\nseed = 0\nweights = ""\nn = 2',
    "b_seed": "seed = 0",
    "c_nothing": "n = 1",
    "d_per_set": 'dataset = "brats18"',
}
RECORDS = {
    "a_everything": ["table-III"],
    "b_seed": [],
    "c_nothing": ["table-IV"],
    "d_per_set": {"montgomery": ["table-V"], "brats18": ["table-VII"]},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four notebooks that need not run, and where they lie."""
    notebooks = tmp_path / "notebooks"
    (notebooks / "profiles").mkdir(parents=True)
    for name, parameters in PARAMETERS.items():
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "language_info": {"name": "python"},
            },
        )
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
    (notebooks / "records.yaml").write_text(yaml.safe_dump(RECORDS))
    write_profile(notebooks, "default", {})
    monkeypatch.setattr(paths, "notebooks", lambda: notebooks)
    monkeypatch.setattr(paths, "runs", lambda: tmp_path / "runs")
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    return notebooks


def write_profile(notebooks, name, values):
    (notebooks / "profiles" / f"{name}.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def test_without_a_grid_each_notebook_runs_once_into_the_output_folder(folder):
    made = plan.make()
    assert [run.name for run in made.runs] == list(PARAMETERS)
    assert {run.output for run in made.runs} == {paths.output()}
    assert made.runs[0].record_path("table-III") == paths.output() / "results" / "table-III.json"
    assert not made.trainings and not made.left_out


def test_a_grid_runs_each_notebook_for_what_it_has(folder):
    sets, networks = ["brats18", "montgomery"], ["base-phantom-1", "base-phantom-2"]
    made = plan.make(datasets=sets, seeds=3, weights=networks)
    found = [(run.notebook, run.parameters) for run in made.runs]
    everything = [
        ("a_everything", {"dataset": dataset, "seed": seed, "weights": network})
        for dataset, seed, network in product(sets, range(3), networks)
    ]
    seeds = [("b_seed", {"seed": seed}) for seed in range(3)]
    per_set = [("d_per_set", {"dataset": dataset}) for dataset in sets]
    assert found == [*everything, *seeds, ("c_nothing", {}), *per_set]
    folders = {run.output for run in made.runs if run.notebook != "c_nothing"}
    assert len(folders) == len(made.runs) - 1
    assert {folder.parent for folder in folders} == {paths.output() / "grid"}
    [once] = [run for run in made.runs if run.notebook == "c_nothing"]
    assert once == plan.make(["c_nothing"]).runs[0], "the same run as without a grid"
    assert made.runs[0].name == "a_everything-brats18-seed-0-base-phantom-1"
    assert [run.records for run in made.runs[-2:]] == [("table-VII",), ("table-V",)]


def test_the_name_of_a_run_does_not_depend_on_the_rest_of_the_grid(folder):
    small = plan.make(datasets=["brats18"], seeds=1)
    large = plan.make(datasets=["montgomery", "brats18"], seeds=2)
    assert {run.name for run in small.runs} < {run.name for run in large.runs}


def test_a_data_set_without_records_is_left_out_and_said(folder):
    made = plan.make(["d_per_set", "c_nothing"], datasets=["shenzhen"])
    assert [run.name for run in made.runs] == ["c_nothing"]
    assert made.left_out == ["d_per_set-shenzhen: d_per_set has no records for this data set"]


def test_the_grid_takes_the_place_of_the_values_that_a_profile_lists(folder):
    listed = [{"dataset": "brats18", "n": 3}, {"dataset": "montgomery", "n": 3}]
    write_profile(folder, "listed", {"a_everything": listed})
    names = ["a_everything-brats18", "a_everything-montgomery"]
    with pytest.raises(ValueError, match=r"a_everything-brats18 and .* the same record, table-III"):
        plan.make(["a_everything"], "listed")
    with_seeds = plan.make(["a_everything"], "listed", seeds=1)
    assert [run.name for run in with_seeds.runs] == [f"{name}-seed-0" for name in names]
    one_set = plan.make(["a_everything"], "listed", datasets=["ultrasound"])
    assert [run.parameters for run in one_set.runs] == [{"dataset": "ultrasound", "n": 3}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"notebooks": ["z_gone"]}, "no notebook 'z_gone'; there are: a_everything, b_seed"),
        ({"profile": "huge"}, "no profile 'huge'; there are: default"),
        ({"datasets": ["mnist"]}, "no data set 'mnist'; there are: montgomery"),
        ({"datasets": ["brats18", "brats18"]}, "the same value twice: brats18, brats18"),
        ({"seeds": 0}, "the number of seeds must be at least 1, not 0"),
        ({"weights": ["gone.safetensors"]}, "gone.safetensors: neither a file nor a shipped"),
        ({"notebooks": ["c_nothing"], "seeds": 2}, "none of these notebooks has a parameter seed"),
    ],
)
def test_unknown_names_are_errors(folder, arguments, words):
    with pytest.raises(ValueError, match=words):
        plan.make(**arguments)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a_everything": {"sed": 2}}, "has no parameter sed; it has: dataset, seed, weights, n"),
        ({"z_gone": {"n": 2}}, "names notebooks that do not exist: z_gone"),
        ({"c_nothing": [{"n": 2}, {"n": 2}]}, "c_nothing has the same values twice"),
        ({"images": "phantoms"}, "images can only be 'files', not 'phantoms'"),
        ({"keys": "shown"}, "keys can only be 'hidden', not 'shown'"),
        ({"train": {"base": {"steps": 3}}}, "base in train has no steps"),
    ],
)
def test_a_profile_that_does_not_fit_is_an_error(folder, values, words):
    write_profile(folder, "bad", values)
    with pytest.raises(ValueError, match=words):
        plan.make(profile="bad")


def test_keys_are_hidden_where_the_profile_says_so(folder):
    write_profile(folder, "full", {"keys": "hidden"})
    assert {run.hides_keys for run in plan.make(profile="full").runs} == {True}
    assert {run.hides_keys for run in plan.make().runs} == {False}


@pytest.mark.skipif(
    not (paths.notebooks() / "profiles" / "full.yaml").is_file(),
    reason="the package is installed without its notebooks",
)
@pytest.mark.parametrize("profile", ["full", "real"])
def test_profiles_of_real_images_hide_keys_and_refuse_phantoms(profile):
    values = yaml.safe_load((paths.notebooks() / "profiles" / f"{profile}.yaml").read_text())
    assert (values["keys"], values["images"]) == ("hidden", "files")


def test_a_notebook_must_be_listed_with_its_records(folder):
    (folder / "records.yaml").write_text(yaml.safe_dump({"a_everything": []}))
    with pytest.raises(ValueError, match=r"records.yaml: does not list b_seed"):
        plan.make()


def test_no_run_of_a_profile_that_trains_is_given_a_name_for_a_network(tmp_path, monkeypatch):
    """Also inside of lists and of mappings, as in notebook 14: no network has such a name yet."""
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    for name in data.NAMES:
        (tmp_path / name).mkdir()

    def texts(value):
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from texts(inner)
        else:
            yield value

    trained = set(profiles.read("full").trained)
    assert trained
    for run in plan.make(profile="full").runs:
        assert not trained & set(texts(run.parameters)), run.name


def test_networks_are_trained_for_each_data_set_and_seed(folder):
    train = {"one": {}, "two": {"domain": "row-shuffle", "settings": {"steps": 5}}, "idle": {}}
    values = {"b_seed": {}, "a_everything": {"weights": "two"}, "train": train}
    write_profile(folder, "full", values)
    [alone] = plan.make(["a_everything"], "full").trainings
    assert alone.arguments == (
        *("train", "--out", str(paths.runs() / "full" / "montgomery-seed-0" / "two")),
        *("--domain", "row-shuffle", "--dataset", "montgomery", "--set", "seed=1"),
        *("--set", "steps=5"),
    )
    made = plan.make(profile="full", datasets=["brats18", "shenzhen"], seeds=2)
    assert [training.name for training in made.trainings] == [
        f"{dataset}-seed-{seed}-two" for dataset, seed in product(["brats18", "shenzhen"], range(2))
    ]
    seeds = [a for t in made.trainings for a in t.arguments if a.startswith("seed=")]
    assert seeds == ["seed=1", "seed=101"] * 2, "each seed of the grid has its own trainings"
    for run in made.runs:
        if run.notebook == "a_everything":
            assert [str(network) for network in run.networks] == [run.parameters["weights"]]
            assert run.networks[0] in {training.network for training in made.trainings}
        else:
            assert not run.networks
    given = plan.make(["a_everything"], "full", weights=["base-phantom-1"])
    assert not given.trainings and given.runs[0].parameters["weights"] == "base-phantom-1"


def test_a_profile_of_real_images_refuses_phantoms(folder, tmp_path, monkeypatch):
    write_profile(folder, "full", {"images": "files"})
    monkeypatch.delenv("DKG_DATA", raising=False)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"DKG_DATA is not set, and .*data has no folder montgom"):
        plan.make(profile="full")
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "images"))
    for name in data.NAMES[:-1]:
        (tmp_path / "images" / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=f"DKG_DATA .*images has no folder {data.NAMES[-1]}"):
        plan.make(profile="full")
    (tmp_path / "images" / data.NAMES[-1]).mkdir()
    assert len(plan.make(profile="full").runs) == len(PARAMETERS)


def test_the_printed_plan_has_the_command_of_every_run(folder, tmp_path):
    """Each command gives the one run that it stands for, whatever else the grid had."""
    network = tmp_path / "my network.safetensors"
    network.write_bytes(b"weights")
    grid = ["--dataset", "brats18", "--seeds", "2", "--weights", str(network)]
    made = printed(grid)
    assert len(made["runs"]) == 2 + 2 + 1 + 1
    for run in made["runs"]:
        assert run["arguments"][0] == "reproduce"
        assert printed(run["arguments"][1:])["runs"] == [run]
        assert Path(run["notebook"]).is_file()
    assert [run["networks"] for run in made["runs"][:3]] == [[str(network)], [str(network)], []]
    assert all((paths.root() / name).is_file() for name in made["package"])
    package = set(made["package"])
    assert {"dkg/models.py", "dkg/plots/style.py", "dkg/weights/manifest.toml"} < package
    assert not [p for p in package if p.startswith(("dkg/cli", "dkg/reproduction/report"))]


def printed(arguments):
    result = CliRunner().invoke(app, ["reproduce", *arguments, "--plan"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_only_some_of_a_plan(folder):
    made = plan.make(seeds=2)
    assert [run.name for run in made.only(["b_seed-seed-1"]).runs] == ["b_seed-seed-1"]
    with pytest.raises(ValueError, match=r"no run b_seed in this plan; there are: a_everything-se"):
        made.only(["b_seed"])


needs_notebooks = pytest.mark.skipif(
    not plan.list_notebooks(), reason="the package is installed without its notebooks"
)


@pytest.mark.slow
@needs_notebooks
@pytest.mark.parametrize("profile", ["default", "full", "real", "smoke"])
def test_every_profile_fits_the_real_notebooks(profile, tmp_path, monkeypatch):
    for name in data.NAMES:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    assert {run.notebook for run in plan.make(profile=profile).runs} == set(plan.list_notebooks())
    assert set(plan.list_profiles()) == {"default", "full", "real", "smoke"}


@pytest.mark.slow
@needs_notebooks
@pytest.mark.parametrize("profile", ["default", "real"])
def test_every_record_belongs_to_a_notebook(profile, tmp_path, monkeypatch):
    """The runs of a profile leave each record of the paper, and each record once."""
    for name in data.NAMES:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    runs = [run for run in plan.make(profile=profile).runs if run.output == paths.output()]
    left = [id for run in runs for id in run.records]
    assert sorted(left) == sorted(COMPARISONS)
