"""The plan on Snakemake, which has an environment of its own: make workflow."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dkg import data, paths
from dkg.reproduction import plan

ROOT = paths.root()
SNAKEMAKE = ROOT / "build" / "workflow-venv" / "bin" / "snakemake"

if not SNAKEMAKE.is_file() and os.environ.get("DKG_WORKFLOW_TESTS") != "required":
    pytest.skip("Snakemake is not installed; make workflow does that", allow_module_level=True)


def snakemake(grid, *options, dkg=f"{sys.executable} -m dkg", folder=ROOT, **environment):
    done = subprocess.run(
        [
            *(SNAKEMAKE, "--snakefile", ROOT / "workflow" / "Snakefile", "--directory", folder),
            *("--nolock", "--cores", "2", *options, "--config", f"dkg={dkg}", f"grid={grid}"),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def jobs(shown):
    """The rules in Snakemake's table of jobs."""
    table = shown.partition("Job stats:")[2].partition("\ntotal")[0]
    return set(re.findall(r"^(\w+) +\d+$", table, re.MULTILINE)) - {"all", "package"}


def rules(made):
    """What the rules of a plan are called."""
    return {
        f"{kind}_{re.sub('[^A-Za-z0-9]', '_', entry.name)}"
        for kind, entries in (("run", made.runs), ("train", made.trainings))
        for entry in entries
    }


def test_a_dry_run_has_the_whole_plan(tmp_path, monkeypatch):
    """The full profile: every network is trained first, once for each data set and seed."""
    for name in data.NAMES:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path))
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    sets = ["montgomery", "brats18"]
    made = plan.make(profile="full", datasets=sets, seeds=2)
    assert len(made.trainings) == 2 * 2 * 11
    options = " ".join(f"--dataset {name}" for name in sets)
    status, shown = snakemake(f"--profile full {options} --seeds 2", "--dry-run")
    assert status == 0, shown
    assert jobs(shown) == rules(made)
    assert len(re.findall(r"resources: .*gpu=1", shown)) == len(made.trainings)
    assert not (tmp_path / "figures").exists()


def test_a_small_grid_leaves_the_records_of_dkg_reproduce(tmp_path):
    grid = "04_ciphertext_security --profile smoke --dataset montgomery --seeds 2"
    status, shown = snakemake(grid, DKG_OUTPUT=str(tmp_path / "snakemake"))
    assert status == 0, shown
    subprocess.run(
        [sys.executable, "-m", "dkg", "reproduce", *grid.split(), "--jobs", "2", "--threads", "1"],
        env=os.environ | {"DKG_OUTPUT": str(tmp_path / "dkg")},
        check=True,
    )
    compared = subprocess.run(
        [
            *(sys.executable, ROOT / "workflow" / "compare_records.py"),
            *(tmp_path / "snakemake", tmp_path / "dkg"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compared.stdout.endswith("8 and 8 records, 0 differences\n"), compared.stdout
    status, shown = snakemake(grid, DKG_OUTPUT=str(tmp_path / "snakemake"))
    assert status == 0 and "Nothing to be done" in shown


FAKE = """
import json, sys
from pathlib import Path
if "--plan" in sys.argv:
    print(Path("plan.json").read_text())
    sys.exit()
with Path("order.txt").open("a") as order:
    order.write(sys.argv[1] + "\\n")
plan = json.loads(Path("plan.json").read_text())
if sys.argv[1] == "net":
    Path(plan["trainings"][0]["network"]).write_text("trained")
    sys.exit()
[run] = [run for run in plan["runs"] if run["name"] == sys.argv[1]]
works = Path(run["name"] + ".works")
Path(run["executed"] if works.exists() else run["failed"]).write_text("notebook")
if not works.exists():
    works.touch()
    sys.exit("failed")
for path in (run["stamp"], *run["records"]):
    Path(path).write_text("{}")
"""


@pytest.fixture
def fake(tmp_path):
    """A command that prints a plan of two runs and a training, and of which each run fails once."""
    (tmp_path / "dkg.py").write_text(FAKE)
    (tmp_path / "source.py").write_text("")
    (tmp_path / "a.ipynb").write_text("")
    runs = [
        {
            "name": name,
            "notebook": "a.ipynb",
            "networks": ["net.safetensors"] if name == "needs-net" else [],
            "images": "1",
            "arguments": [name],
            "records": [f"out/{name}/table-III.json"],
            "executed": f"out/{name}/{name}.ipynb",
            "failed": f"out/{name}/{name}.failed.ipynb",
            "stamp": f"out/{name}/{name}.json",
        }
        for name in ("needs-net", "alone")
    ]
    trainings = [{"name": "net", "arguments": ["net"], "network": "net.safetensors"}]
    made = {"output": "out", "package": ["source.py"], "trainings": trainings, "runs": runs}
    (tmp_path / "plan.json").write_text(json.dumps(made))
    return tmp_path


def test_trains_first_tries_again_and_runs_again_what_has_changed(fake):
    def run(*options):
        return snakemake(
            "", *options, dkg=f"{sys.executable} {fake / 'dkg.py'}", folder=fake, PYTHONPATH=""
        )

    status, shown = run("--retries", "0", "--keep-going")
    assert status == 1 and "Error in rule run_alone" in shown
    assert (fake / "out/alone/alone.ipynb").read_text() == "notebook", "the log of the failure"
    assert not (fake / "out/alone/alone.json").exists()
    for name in ("needs-net.works", "alone.works"):
        (fake / name).unlink()

    status, shown = run("--retries", "1")
    assert status == 0, shown
    order = (fake / "order.txt").read_text().split()
    assert order.count("net") == 1 and order.count("alone") == order.count("needs-net") == 3
    assert order.index("net") < order.index("needs-net")
    assert (fake / "out/alone/table-III.json").exists()

    made = json.loads((fake / "plan.json").read_text())
    made["runs"][1]["images"] = "2"
    (fake / "plan.json").write_text(json.dumps(made))
    assert jobs(run("--dry-run")[1]) == {"run_alone"}
    (fake / "source.py").write_text("changed")
    assert jobs(run("--dry-run")[1]) == {"run_alone", "run_needs_net"}


def test_the_lock_has_what_the_environment_asks_for():
    locked = (ROOT / "workflow" / "requirements.lock").read_text()
    environment = (ROOT / "workflow" / "environment.yml").read_text()
    asked = re.findall(r"^ +- (snakemake[\w-]*) >=(\d+)", environment, re.MULTILINE)
    assert len(asked) == 2
    for name, version in asked:
        [major] = re.findall(rf"^{name.removesuffix('-minimal')}==(\d+)\.", locked, re.MULTILINE)
        assert int(major) >= int(version)
    assert Path(SNAKEMAKE).is_file()
