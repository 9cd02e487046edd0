"""The notebooks as they are written: short cells, links, no function twice, no asserted outcome."""

import ast
import re
import statistics

import nbformat
import pytest

from dkg import paths
from dkg.reproduction import plan

NAMES = plan.list_notebooks()
LONGEST, MEDIAN, TOTAL = 25, 10, 2800
# They came after the others, whose lines are counted.
NOT_COUNTED = ("15_forensics", "16_any_cipher")

# What an assert may check: that the package did what it should. A measured number, a verdict or
# whether an attack succeeds is an outcome, and belongs to a record.
PACKAGE_CHECKS = (
    r"^\(.+ == .+\)\.all\(\)$",  # What comes back is what went in, count by count or byte by byte.
    r"^np\.(allclose|isclose)\(.+\)(\.all\(\))?$",  # Two ways to compute one number.
    r"\.shape == |\.equals\(|models\.|sum\(TABLES\[",  # Shapes, and the paper's tables of layers.
    r"result\.(details|statistics)\[",  # A statistic, computed by hand.
    r"least_uaci\(",  # A bound that is proved.
    r"^not files\[-1\]\.exists\(\)$|^not same\.all\(\) ",  # A refused call writes nothing.
    r"\.waiting\(\)|^set\(opened\) == |\.image == |^back == secret |\.read_bytes\(\)",  # Fig. 1.
    r"^min\(n_images, n_seeds\) > 1$|^3 \* n_shown <= n_images$",  # Parameters that fit.
    r"^pixel_sum\(first\) == ",  # Two images that were made to have one sum.
)


def cells(name, kind):
    notebook = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def lengths(name):
    return [len(source.splitlines()) for source in cells(name, "code")]


def nodes(name, *kinds):
    trees = [ast.parse(source) for source in cells(name, "code")]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("name", NAMES)
def test_code_cells_are_short(name):
    long = {place: n for place, n in enumerate(lengths(name)) if n > LONGEST}
    assert not long, f"code cells of more than {LONGEST} lines"


def test_code_is_what_a_section_teaches():
    counted = [n for name in NAMES if name not in NOT_COUNTED for n in lengths(name)]
    assert statistics.median(counted) <= MEDIAN
    assert sum(counted) <= TOTAL, "move what is not taught in view into the package"


@pytest.mark.parametrize("name", NAMES)
def test_a_head_links_to_its_neighbours_and_to_the_docs(name):
    head, place = cells(name, "markdown")[0], NAMES.index(name)
    neighbours = NAMES[max(place - 1, 0) : place] + NAMES[place + 1 : place + 2]
    for target in (*(f"{other}.ipynb" for other in neighbours), "../docs/glossary.md"):
        assert f"]({target})" in head, target
    assert "](../docs/getting_started.md)" in head, "how to install"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_names_the_papers_section(name):
    assert re.search(r"\b[Ss]ections? (I|II|III|IV|V|VI)\b", "\n".join(cells(name, "markdown")))


def test_no_function_is_defined_in_two_notebooks():
    places = {}
    for name in NAMES:
        for node in nodes(name, ast.FunctionDef, ast.ClassDef):
            places.setdefault(node.name, set()).add(name)
    assert not {function: found for function, found in places.items() if len(found) > 1}


def is_package_check(test):
    return any(re.search(pattern, test) for pattern in PACKAGE_CHECKS)


@pytest.mark.parametrize("name", NAMES)
def test_no_outcome_is_asserted(name):
    asserted = [ast.unparse(node.test) for node in nodes(name, ast.Assert)]
    assert not [test for test in asserted if not is_package_check(test)]


@pytest.mark.parametrize(
    "test",
    [
        "made.holds('entropy') == [True]",
        "np.mean(entropies) > 7.9",
        "leak < chance",
        "made.verdict == 'reproduced'",
        "all(value == 100 for value in bytes_back.values())",
    ],
)
def test_an_outcome_is_no_package_check(test):
    assert not is_package_check(test)


@pytest.mark.parametrize("name", NAMES)
def test_terms_that_are_linked_are_in_the_glossary(name):
    glossary = (paths.root() / "docs" / "glossary.md").read_text()
    headings = re.findall(r"^#+ (.+)$", glossary, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    linked = re.findall(
        r"\]\(\.\./docs/glossary\.md#([\w-]+)\)", "\n".join(cells(name, "markdown"))
    )
    assert set(linked) <= anchors
