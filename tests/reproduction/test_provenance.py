"""What a record is made with: versions, commit, and which files of the package decide numbers."""

import shutil
import time

import pytest

import dkg
from dkg import paths
from dkg.reproduction import provenance as about
from dkg.reproduction.provenance import ROOMS

LISTED = [name for names in ROOMS.values() for name in names.split()]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's sources, which a test may change."""
    copy = tmp_path / "dkg"
    shutil.copytree(paths.PACKAGE, copy, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    monkeypatch.setattr(paths, "PACKAGE", copy)
    return copy


def test_every_file_and_folder_of_the_package_is_listed_once_and_exists():
    """A new or renamed one must be listed: does it decide numbers, pictures, or neither?"""
    assert len(set(LISTED)) == len(LISTED)
    for name in LISTED:
        assert (paths.PACKAGE / name).exists(), f"{name} is listed and does not exist"
    found = {path.name for path in paths.PACKAGE.iterdir() if path.name[0] != "."}
    assert found - {"__pycache__"} == {name for name in LISTED if "/" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ROOMS)
def test_what_an_edit_changes(package, kind):
    """Numbers depend on all but what shows them; executed notebooks on all but cli and report."""
    for name in ROOMS[kind].split():
        sources = [package / name] if "." in name else sorted((package / name).rglob("*.py"))
        for path in [path for path in sources if path.suffix == ".py"][-1:]:
            code = about.code_sha256()
            inputs = about.package_sha256(about.package_files())
            path.write_text(path.read_text() + "\n# An edit.\n")
            assert (about.code_sha256() != code) == (kind == "numbers"), path
            assert (about.package_sha256(about.package_files()) != inputs) == (kind != "neither")


def test_an_edit_in_the_report_leaves_everything_as_it_was(package):
    """Its folder lies in a room that decides numbers."""
    before = about.code_sha256(), about.package_sha256(about.package_files())
    for name in ("wording.py", "templates/report.md"):
        (package / "reproduction" / "report" / name).write_text("changed")
    assert (about.code_sha256(), about.package_sha256(about.package_files())) == before
    (package / "reproduction" / "judge.py").write_text("changed")
    assert about.code_sha256() != before[0]


def test_a_file_of_no_room_decides_numbers(package):
    before = about.code_sha256()
    (package / "new.py").write_text("1")
    assert about.code_sha256() != before


def test_caches_and_hidden_files_are_no_inputs(package):
    before = about.package_files()
    for name in ("__pycache__/a.pyc", "data/__pycache__/a.nbc", ".notes"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("1")
    assert about.package_files() == before


def test_versions_and_time(monkeypatch):
    monkeypatch.delenv("DKG_NOTEBOOK", raising=False)
    about.provenance()
    time.sleep(0.2)
    made = about.provenance()
    assert made["dkg"] == dkg.__version__ and made["notebook_sha256"] is None
    assert 0.1 <= made["seconds"] < 60, "since the record before"
    assert list(made) == list(about.Provenance.__annotations__)


def test_there_is_no_commit_without_a_checkout(package):
    assert about.provenance()["commit"] is None


def test_changed_images_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "images"))
    seen = [about.images_sha256()]
    (tmp_path / "images" / "brats18").mkdir(parents=True)
    for content in (b"1", b"22"):
        (tmp_path / "images" / "brats18" / "a.nii").write_bytes(content)
        seen.append(about.images_sha256())
    assert len(set(seen)) == 3
