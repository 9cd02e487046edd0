"""Records of two runs are compared without when, how fast and where they were made."""

import json
import subprocess
import sys

import pytest

from dkg import paths

SCRIPT = paths.root() / "workflow" / "compare_records.py"
if not SCRIPT.is_file():
    pytest.skip("the package is installed without its repository", allow_module_level=True)


def write(folder, id="table-III", value=7.9, seconds=1.0, commit="abc"):
    path = folder / "grid" / "03" / "results" / f"{id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    provenance = {"written": f"at {seconds}", "seconds": seconds, "device": "cpu", "commit": commit}
    comparisons = [{"name": "entropy", "ours": [value, None]}]
    record = {"id": id, "comparisons": comparisons, "provenance": provenance}
    record |= {"verdict": "partly", "why": "", "sentence": "", "more": {}}
    path.write_text(json.dumps(record))


def compare(first, second):
    done = subprocess.run(
        [sys.executable, SCRIPT, first, second], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_time_does_not_count(tmp_path):
    write(tmp_path / "a", seconds=1.0)
    write(tmp_path / "b", seconds=2.0)
    assert compare(tmp_path / "a", tmp_path / "b") == (0, "\n1 and 1 records, 0 differences\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 7.8}, "table-III.json.comparisons[0].ours[0]: 7.9 and 7.8"),
        ({"commit": "def"}, "table-III.json.provenance.commit: 'abc' and 'def'"),
        ({"id": "table-IV"}, "table-III.json: only in"),
    ],
)
def test_everything_else_does(tmp_path, change, words):
    write(tmp_path / "a")
    write(tmp_path / "b", **change)
    status, shown = compare(tmp_path / "a", tmp_path / "b")
    assert status == 1 and words in shown


def test_the_numbers_of_the_table_of_times_do_not_count(tmp_path):
    write(tmp_path / "a", "table-XIX", value=1.0)
    write(tmp_path / "b", "table-XIX", value=2.0)
    assert compare(tmp_path / "a", tmp_path / "b")[0] == 0


def test_two_empty_folders_are_not_equal(tmp_path):
    status, shown = compare(tmp_path / "a", tmp_path / "b")
    assert status == 1 and "no records" in shown
