"""Batch reproduction: parameters, outcomes, failures."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import nbformat
import pytest
import yaml
from typer.testing import CliRunner

from dkg import paths, reproduce
from dkg.cli import app


def write_notebook(folder, name, *cells):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        },
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two notebooks, of which the second fails, and two profiles."""
    notebooks = tmp_path / "notebooks"
    (notebooks / "profiles").mkdir(parents=True)
    write_notebook(notebooks, "a_good", "number = 1", "print('number', number * 2)")
    write_notebook(notebooks, "b_bad", "number = 1", "1 / 0")
    profiles = {"default": {}, "smoke": {"a_good": {"number": 21}}}
    for name, values in profiles.items():
        (notebooks / "profiles" / f"{name}.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr(paths, "notebooks", lambda: notebooks)
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    return tmp_path


def test_a_failing_notebook_is_named_and_the_rest_still_run(project):
    result = CliRunner().invoke(app, ["reproduce", "b_bad", "a_good", "--profile", "smoke"])
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr
    assert "Error: failed: b_bad" in result.stderr
    assert "1 of 2 notebooks ran to their end" in result.stdout
    executed = project / "figures" / "executed"
    assert sorted(p.name for p in executed.iterdir()) == ["a_good.ipynb", "b_bad.failed.ipynb"]
    assert "number 42" in (executed / "a_good.ipynb").read_text()


def test_a_notebook_that_works_again_leaves_no_failed_copy(project):
    executed = project / "figures" / "executed"
    executed.mkdir(parents=True)
    (executed / "a_good.failed.ipynb").write_text("{}")
    [run] = reproduce.plan("a_good", "default")
    outcome = reproduce.run_notebook(run, "default", executed)
    assert outcome.error is None and outcome.seconds > 0
    assert [p.name for p in executed.iterdir()] == ["a_good.ipynb"]


def test_preparing_runs_nothing(project):
    result = CliRunner().invoke(app, ["reproduce", "--prepare", str(project / "ready")])
    assert result.exit_code == 0
    prepared = nbformat.read(project / "ready" / "b_bad.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in prepared.cells)
    assert not (project / "figures").exists()


def test_a_parameter_that_the_notebook_does_not_have_is_an_error(project):
    path = project / "notebooks" / "profiles" / "typo.yaml"
    path.write_text(yaml.safe_dump({"a_good": {"nubmer": 2}}))
    result = CliRunner().invoke(app, ["reproduce", "--profile", "typo"])
    assert result.exit_code == 1
    assert "a_good has no parameter nubmer; it has: number" in result.stderr
    assert not (project / "figures").exists(), "nothing may run before every name is checked"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c_missing"], "no notebook 'c_missing'; there are: a_good, b_bad"),
        (["--profile", "huge"], "no profile 'huge'; there are: default, smoke"),
    ],
)
def test_unknown_names_are_errors(project, arguments, words):
    result = CliRunner().invoke(app, ["reproduce", *arguments])
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_profile_that_names_a_missing_notebook_is_an_error(project):
    path = project / "notebooks" / "profiles" / "old.yaml"
    path.write_text(yaml.safe_dump({"z_gone": {"number": 2}}))
    with pytest.raises(ValueError, match="z_gone"):
        reproduce.plan("a_good", "old")


def test_two_runs_at_once_do_not_mix(project):
    """Each kernel must get its own answers, and leave no file."""
    write_notebook(
        project / "notebooks",
        "d_slow",
        "number = 1",
        "import time; time.sleep(2); print('it is', number)",
    )
    runs = [reproduce.Run(f"d_slow-{n}", "d_slow", {"number": n}) for n in (2, 3)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        waiting = [
            pool.submit(_run_in, project / "notebooks", run, project / "out") for run in runs
        ]
        outcomes = [future.result() for future in waiting]
    for number, outcome in zip((2, 3), outcomes, strict=True):
        assert outcome.error is None
        assert f"it is {number}" in outcome.executed.read_text()
    left = sorted(path.name for path in (project / "notebooks").iterdir())
    assert left == ["a_good.ipynb", "b_bad.ipynb", "d_slow.ipynb", "profiles"]


def _run_in(notebooks, run, folder):
    paths.notebooks = lambda: notebooks
    return reproduce.run_notebook(run, "default", folder)


def test_a_profile_may_run_a_notebook_several_times(project):
    path = project / "notebooks" / "profiles" / "twice.yaml"
    path.write_text(yaml.safe_dump({"a_good": [{"number": 2}, {"number": 3}]}))
    result = CliRunner().invoke(app, ["reproduce", "a_good", "--profile", "twice"])
    assert result.exit_code == 0, result.output
    assert "2 of 2 notebooks ran to their end" in result.stdout
    for number in (2, 3):
        executed = project / "figures" / "executed" / f"a_good-{number}.ipynb"
        assert f"number {2 * number}" in executed.read_text()
    path.write_text(yaml.safe_dump({"a_good": [{"number": 2}, {"number": 2}]}))
    with pytest.raises(ValueError, match="a_good has the same values twice"):
        reproduce.plan("a_good", "twice")


def test_a_notebook_knows_its_name_and_profile(project):
    write_notebook(
        project / "notebooks",
        "c_who",
        "number = 1",
        "import os; print(os.environ['DKG_NOTEBOOK'], os.environ['DKG_PROFILE'])",
    )
    [run] = reproduce.plan("c_who", "smoke")
    outcome = reproduce.run_notebook(run, "smoke", project / "out")
    assert "c_who smoke" in outcome.executed.read_text()
    assert "DKG_NOTEBOOK" not in os.environ


def test_every_profile_fits_the_real_notebooks():
    if not reproduce.list_notebooks():
        pytest.skip("the package is installed without its notebooks")
    for profile in reproduce.list_profiles():
        for notebook in reproduce.list_notebooks():
            assert reproduce.plan(notebook, profile)


def test_every_notebook_has_one_parameters_cell_and_no_outputs():
    for name in reproduce.list_notebooks():
        notebook = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4)
        tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        assert len(tagged) == 1, name
        assert not any(c.get("outputs") for c in notebook.cells), f"{name} has stored outputs"
