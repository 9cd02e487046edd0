"""The exercises' notebooks: what each holds, and how a stub fails; `make test` runs solutions."""

import re

import nbformat
import pytest

from dkg import paths
from dkg.exercises import EXERCISES

FOLDER = paths.notebooks() / "exercises"
if not FOLDER.is_dir():
    pytest.skip("the package is installed without its notebooks", allow_module_level=True)

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path):
    return nbformat.read(path, as_version=4).cells


def links(cell):
    return re.findall(r"\]\(([^)#\s]+)", cell.source)


def test_each_exercise_has_a_notebook_and_a_solution():
    names = [f"{number:02d}_{name}" for number, name in enumerate(EXERCISES, 1)]
    assert [path.stem for path in NOTEBOOKS] == names
    assert sorted(path.stem for path in (FOLDER / "solutions").glob("*.ipynb")) == names


@each
def test_the_head_says_what_a_student_needs(path):
    head = cells(path)[0].source
    for word in ("Task", "Level", "Minutes", "Follows", "Prior knowledge"):
        assert f"**{word}.**" in head
    number = NOTEBOOKS.index(path)
    assert f"# Exercise {number + 1}:" in head and f"Step {number // 3 + 1} of 4" in head
    beside = {other.name for other in NOTEBOOKS[max(number - 1, 0) : number + 2]} - {path.name}
    linked = set(links(cells(path)[0]))
    assert beside | {"../../docs/glossary.md", "../../docs/teaching.md"} <= linked
    assert any(re.fullmatch(r"\.\./\w+\.ipynb", link) for link in linked)


@each
def test_links_lead_somewhere(path):
    for where in (path, FOLDER / "solutions" / path.name):
        for cell in cells(where):
            if cell.cell_type == "markdown":
                for link in links(cell):
                    assert "://" in link or (where.parent / link).exists(), f"{where}: {link}"


@each
def test_the_notebook_is_committed_without_outputs_and_has_hints(path):
    for where in (path, FOLDER / "solutions" / path.name):
        assert all(not cell.get("outputs") for cell in cells(where)), f"{where} has outputs"
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    assert text.count("<details><summary>Hint") >= 2
    assert f"(solutions/{path.name})" in text


@each
def test_a_solution_differs_from_its_exercise_in_the_answer_only(path):
    solution = cells(FOLDER / "solutions" / path.name)
    shared = [cell for cell in solution if "solution" not in cell.metadata.get("tags", [])]
    for cell, solved in zip(cells(path), shared, strict=True):
        assert cell.id == solved.id
        if "answer" in cell.metadata.get("tags", []):
            assert "raise NotImplementedError" in cell.source
            assert "NotImplementedError" not in solved.source
            names = re.compile(r"^def (\w+\(.*\)):", re.MULTILINE)
            assert set(names.findall(cell.source)) <= set(names.findall(solved.source))
        else:
            assert re.sub(r"\]\([^)]*?(?=[\w.]+\.\w+[)#])", "](", cell.source) == re.sub(
                r"\]\([^)]*?(?=[\w.]+\.\w+[)#])", "](", solved.source
            )


def run(path):
    """Run the code cells of a notebook one after another; yield the ids of those that are stubs."""
    names = {"__name__": "__main__"}
    for cell in cells(path):
        if cell.cell_type == "code":
            try:
                exec(compile(cell.source, f"{path.name}, cell {cell.id}", "exec"), names)
            except NotImplementedError:
                yield cell.id


@pytest.mark.slow
@each
def test_a_stub_fails_where_it_is_called_and_with_nothing_else(path):
    assert list(run(path)) == ["picture", "check"]
