"""Copies of the notebooks to work in: nothing of the reader's is lost, and nothing stays behind."""

import pytest

from dkg import paths


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(paths.root() / "tools")
    import work_copies

    return work_copies


@pytest.fixture
def folders(tmp_path):
    notebooks = tmp_path / "notebooks"
    (notebooks / "exercises").mkdir(parents=True)
    for name in ("a.ipynb", "b.ipynb", "exercises/c.ipynb"):
        (notebooks / name).write_text(f"first {name}")
    (notebooks / "records.yaml").write_text("no notebook")
    return notebooks, tmp_path / "work"


def texts(work):
    return {p.relative_to(work).as_posix(): p.read_text() for p in sorted(work.rglob("*.ipynb"))}


def test_all_notebooks_are_copied(tool, folders):
    assert tool.copy_notebooks(*folders) == []
    names = ["a.ipynb", "b.ipynb", "exercises/c.ipynb"]
    assert texts(folders[1]) == {name: f"first {name}" for name in names}


def test_a_changed_copy_is_kept_and_named_and_the_others_follow(tool, folders):
    notebooks, work = folders
    tool.copy_notebooks(notebooks, work)
    (work / "a.ipynb").write_text("mine")
    assert tool.copy_notebooks(notebooks, work) == []  # Nothing newer.
    for name in ("a.ipynb", "b.ipynb"):
        (notebooks / name).write_text("second")
    assert tool.copy_notebooks(notebooks, work) == ["a.ipynb"]
    assert texts(work)["a.ipynb"] == "mine" and texts(work)["b.ipynb"] == "second"
    (work / "a.ipynb").unlink()
    assert tool.copy_notebooks(notebooks, work) == []
    assert texts(work)["a.ipynb"] == "second"


def test_a_copy_that_was_deleted_comes_back(tool, folders):
    tool.copy_notebooks(*folders)
    (folders[1] / "b.ipynb").unlink()
    tool.copy_notebooks(*folders)
    assert texts(folders[1])["b.ipynb"] == "first b.ipynb"


def test_a_copy_of_which_nothing_is_known_is_kept(tool, folders):
    notebooks, work = folders
    work.mkdir()
    (work / "a.ipynb").write_text("mine")
    assert tool.copy_notebooks(notebooks, work) == ["a.ipynb"]
    assert texts(work)["a.ipynb"] == "mine"
