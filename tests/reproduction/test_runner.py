"""Batch reproduction: outcomes, failures, several at once, and going on after a stop."""

import ast
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import filelock
import nbformat
import pytest
import yaml
from typer.testing import CliRunner

from dkg import paths
from dkg.cli import app
from dkg.reproduction import plan
from dkg.reproduction import runner as reproduce

WRITE_RECORD = """
import json, os
from pathlib import Path
output = Path(os.environ["DKG_OUTPUT"])
(output / "results").mkdir(exist_ok=True)
if picture == "drawn":
    (output / "table-III.png").write_bytes(b"")
record = {"figure": "table-III.png" if picture else None}
if written:
    (output / "results" / "table-III.json").write_text(json.dumps(record))
"""


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
    path = folder / "records.yaml"
    listed = yaml.safe_load(path.read_text()) if path.exists() else {}
    path.write_text(yaml.safe_dump({name: []} | listed))


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


@pytest.fixture
def recording(project):
    """A notebook that must leave table-III, and does so as it is told."""
    folder = project / "notebooks"
    write_notebook(folder, "c_records", "written = True\npicture = ''", WRITE_RECORD)
    (folder / "records.yaml").write_text(
        yaml.safe_dump({"a_good": [], "b_bad": [], "c_records": ["table-III"]})
    )
    [run] = plan.make(["c_records"]).runs
    return run


def names(folder):
    """The files of a folder, other than locks, which stay."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@pytest.mark.slow
def test_a_failing_notebook_is_named_and_the_rest_still_run(project):
    result = CliRunner().invoke(app, ["reproduce", "b_bad", "a_good", "--profile", "smoke"])
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr
    assert "Error: failed: b_bad" in result.stderr
    assert "1 of 2 ran to their end" in result.stdout
    executed = project / "figures" / "executed"
    assert names(executed) == ["a_good.ipynb", "a_good.json", "b_bad.failed.ipynb"]
    assert "number 42" in (executed / "a_good.ipynb").read_text()


@pytest.mark.slow
def test_a_notebook_that_works_again_leaves_no_failed_copy(project):
    [run] = plan.make(["a_good"]).runs
    run.failed.parent.mkdir(parents=True)
    run.failed.write_text("{}")
    outcome = reproduce.run_notebook(run)
    assert outcome.error is None and outcome.seconds > 0
    assert names(run.executed.parent) == ["a_good.ipynb", "a_good.json"]


def test_preparing_runs_nothing(project):
    result = CliRunner().invoke(app, ["reproduce", "--prepare", str(project / "ready")])
    assert result.exit_code == 0
    prepared = nbformat.read(project / "ready" / "b_bad.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in prepared.cells)
    assert not (project / "figures").exists()


def test_nothing_runs_before_every_name_is_checked(project):
    path = project / "notebooks" / "profiles" / "typo.yaml"
    path.write_text(yaml.safe_dump({"b_bad": {"nubmer": 2}}))
    result = CliRunner().invoke(app, ["reproduce", "--profile", "typo"])
    assert result.exit_code == 1
    assert "b_bad has no parameter nubmer; it has: number" in result.stderr
    assert not (project / "figures").exists()


@pytest.mark.slow
def test_a_run_of_a_grid_is_in_a_folder_of_its_own(project):
    write_notebook(
        project / "notebooks",
        "c_where",
        "seed = 1",
        "import os; print([os.environ[f'DKG_{n}'] for n in ('NOTEBOOK', 'PROFILE', 'OUTPUT')])",
    )
    arguments = ["reproduce", "c_where", "--profile", "smoke", "--seeds", "2", "--jobs", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for seed in (0, 1):
        folder = project / "figures" / "grid" / f"c_where-seed-{seed}"
        executed = nbformat.read(folder / "executed" / f"{folder.name}.ipynb", as_version=4)
        shown = ast.literal_eval(executed.cells[-1].outputs[0].text)
        assert shown == ["c_where", "smoke", str(folder)]
    assert os.environ["DKG_OUTPUT"] == str(project / "figures")


@pytest.mark.slow
def test_a_notebook_without_its_record_fails(recording):
    assert reproduce.run_notebook(recording).error is None
    record = recording.record_path("table-III")
    for parameters, missing in (
        ({"written": False}, record),
        ({"picture": "forgotten"}, recording.output / "table-III.png"),
    ):
        outcome = reproduce.run_notebook(replace(recording, parameters=parameters))
        assert outcome.error == f"c_records ran to its end and did not write {missing}"
        assert outcome.executed == recording.failed and recording.failed.is_file()
        assert record.is_file(), "the older record stays, but it does not count"
        assert not recording.executed.exists() and not recording.stamp.exists()
    outcome = reproduce.run_notebook(replace(recording, parameters={"picture": "drawn"}))
    assert outcome.error is None


@pytest.mark.slow
def test_what_is_finished_is_not_run_again(recording):
    assert not reproduce.finished(recording)
    [first] = reproduce.reproduce(plan.Plan([recording]), resume=True)
    assert first.error is None and not first.was_finished
    before = recording.executed.stat().st_mtime_ns
    [second] = reproduce.reproduce(plan.Plan([recording]), resume=True)
    assert second.was_finished and second.executed == recording.executed
    assert recording.executed.stat().st_mtime_ns == before
    [third] = reproduce.reproduce(plan.Plan([recording]))
    assert not third.was_finished, "only with resume=True"


@pytest.mark.slow
def test_hidden_keys_are_not_in_the_executed_notebook(project):
    """The picture of one is coarse, the executed copy has no exact one, and exact if not hidden."""
    draw = """
import numpy as np
from dkg import plots
key = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
figure = plots.image_grid({"key": key})
print((figure.axes[0].images[0].get_array() == key).mean() == 1)
"""
    write_notebook(project / "notebooks", "e_draws", "number = 1", draw)
    shown = []
    for hides in (False, True):
        [run] = plan.make(["e_draws"]).runs
        run = replace(run, hides_keys=hides)
        assert reproduce.run_notebook(run).error is None
        assert reproduce.inputs(run)["hides_keys"] is hides
        shown.append(nbformat.read(run.executed, as_version=4).cells[-1].outputs[0].text.strip())
    assert shown == ["True", "False"]


@pytest.mark.slow
def test_several_at_once_and_no_more(project):
    """Two of four meet, each waiting for another, and no notebook ever sees a third."""
    marks = project / "marks"
    marks.mkdir()
    write_notebook(
        project / "notebooks",
        "d_meets",
        f"seed = 0\nmarks = {str(marks)!r}",
        """
import os, time
from pathlib import Path
own = Path(marks) / f"{seed}.running"
own.touch()
met = 0
for _ in range(6000):
    met = max(met, len(list(Path(marks).glob("*.running"))))
    if met > 1 or len(list(Path(marks).glob("*.done"))) > 1:
        break
    time.sleep(0.01)
time.sleep(0.3)
met = max(met, len(list(Path(marks).glob("*.running"))))
own.rename(own.with_suffix(".done"))
names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")
assert int(os.environ["MALLOC_TRIM_THRESHOLD_"]) == 2**28, "freed memory is kept"
print([met, *(os.environ[name] for name in names)])
""",
    )
    made = plan.make(["d_meets"], seeds=4)
    outcomes = reproduce.reproduce(made, jobs=2, threads=3)
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert [outcome.name for outcome in outcomes] == [run.name for run in made.runs]
    shown = [
        ast.literal_eval(nbformat.read(run.executed, as_version=4).cells[-1].outputs[0].text)
        for run in made.runs
    ]
    assert max(met for met, *_ in shown) == 2
    assert {(omp, numba) for _, omp, numba, _, _ in shown} == {("3", "3")}
    assert len({folder for *_, folder, _ in shown}) == 4
    assert len({folder for *_, folder in shown}) == 4
    with pytest.raises(ValueError, match="jobs must be at least 1, not 0"):
        reproduce.reproduce(made, jobs=0)


@pytest.mark.slow
def test_a_kernel_that_dies_or_hangs_is_named_and_the_rest_still_run(project):
    folder = project / "notebooks"
    write_notebook(folder, "c_dies", "number = 1", "import os; os._exit(3)")
    write_notebook(folder, "d_hangs", "number = 1", "import time; time.sleep(1000)")
    # The limit is in seconds; what does not hang needs less, also on a busy machine.
    arguments = ["reproduce", "c_dies", "d_hangs", "a_good", "--time-limit", "20"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "DeadKernelError: Kernel died" in result.stderr
    assert "CellTimeoutError" in result.stderr and "time.sleep(1000)" in result.stderr
    assert "Error: failed: c_dies, d_hangs" in result.stderr
    assert "1 of 3 ran to their end" in result.stdout


def test_what_another_process_runs_is_left_to_it(recording):
    recording.executed.parent.mkdir(parents=True)
    lock = recording.executed.with_name(f".{recording.name}.lock")
    with filelock.FileLock(lock):
        outcome = reproduce.run_notebook(recording)
    assert outcome.error == f"another process is running c_records into {recording.output}"
    assert names(recording.executed.parent) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the system has no SIGKILL")
def test_a_killed_run_leaves_nothing_half_done_and_is_resumed(project):
    """Killed in the second notebook; its kernel ends as well, and only the second runs again."""
    folder = project / "notebooks"
    mark, go_on = project / "kernel", project / "go on"
    write_notebook(
        folder,
        "b_waits",
        "number = 1",
        f"""
import os, time
from pathlib import Path
Path({str(mark)!r}).write_text(str(os.getpid()))
while not Path({str(go_on)!r}).exists():
    time.sleep(0.05)
""",
    )
    start = (
        "from pathlib import Path; from dkg import paths; "
        f"paths.notebooks = lambda: Path({str(folder)!r}); paths.PACKAGE = Path({str(folder)!r}); "
        "from dkg.cli import app; app(['reproduce', 'a_good', 'b_waits', '--resume'])"
    )
    killed = subprocess.Popen([sys.executable, "-c", start], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: mark.is_file() and mark.read_text())
    finally:
        killed.kill()
        killed.wait()
    wait_for(lambda: not is_running(int(mark.read_text())))
    executed = project / "figures" / "executed"
    left = names(executed)
    assert {"a_good.ipynb", "a_good.json"} <= set(left)
    assert not {"b_waits.ipynb", "b_waits.json"} & set(left)
    before = (executed / "a_good.ipynb").stat().st_mtime_ns

    go_on.touch()
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True)
    assert done.returncode == 0 and "a_good was finished before" in done.stderr, done.stderr
    assert (executed / "a_good.ipynb").stat().st_mtime_ns == before
    assert (executed / "b_waits.json").is_file()
    assert names(executed) == ["a_good.ipynb", "a_good.json", "b_waits.ipynb", "b_waits.json"]


def wait_for(condition):
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "nothing came of it within a minute"
        time.sleep(0.05)


def is_running(pid):
    """Whether there is such a process; one that ended and that nobody waited for counts as gone."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # A system without /proc, or it ended just now.
        return not Path("/proc").is_dir()
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_networks_are_trained_first(project, monkeypatch):
    """A training that fails is named; the notebook that needs it fails with a reason of its own."""
    values = {"train": {"tiny": {"settings": {"steps": 0}}}, "c_net": {"weights": "tiny"}}
    (project / "notebooks" / "profiles" / "train.yaml").write_text(yaml.safe_dump(values))
    write_notebook(project / "notebooks", "c_net", "weights = ''", "print(weights)")
    monkeypatch.setattr(paths, "runs", lambda: project / "runs")
    result = CliRunner().invoke(app, ["reproduce", "c_net", "--profile", "train"])
    assert result.exit_code == 1
    assert "failed: montgomery-seed-0-tiny, c_net" in result.stderr
    assert "FileNotFoundError" in result.stderr
    assert "montgomery-seed-0-tiny: steps must be an integer >= 1, not 0" in result.stderr


def test_every_notebook_has_one_parameters_cell_and_no_outputs():
    for name in plan.list_notebooks():
        notebook = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4)
        tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        assert len(tagged) == 1, name
        assert not any(c.get("outputs") for c in notebook.cells), f"{name} has stored outputs"
