"""What the notebooks leave when they run: a record and a picture for everything in the paper.

These tests look at the run of profile smoke that ``make test`` makes in ``build/figures/``.
"""

import html
import re

import nbformat
import numpy as np
import pytest

from dkg import paths
from dkg import reproduction as results
from dkg.paper import COMPARISONS
from dkg.reproduction import plan

OUTPUT = paths.root() / "build" / "figures"
EXECUTED = sorted((OUTPUT / "executed").glob("*.ipynb"))

RUNS = plan.make(profile="smoke").runs if plan.list_notebooks() else []

pytestmark = pytest.mark.skipif(
    not EXECUTED, reason="nothing was run; 'make test' runs the notebooks first"
)

# A decimal number that is no part of a name, a version or a path.
_DECIMAL = re.compile(r"(?<![\w./-])[-+−]?\d[\d,]*\.\d+(?:[eE][-+]?\d+)?(?![\w./]*\d)(\s?%)?")


@pytest.fixture(scope="module")
def records():
    return results.load_all(OUTPUT / "results")


def shown_text(cell):
    """Return what a reader sees in a cell's outputs, pictures and progress bars left out."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            yield output.text
        data = output.get("data", {})
        if "text/html" in data:
            markup = re.sub(r"<style.*?</style>", " ", data["text/html"], flags=re.DOTALL)
            yield html.unescape(re.sub(r"<[^>]+>", " ", markup))
        elif "image/png" not in data:
            yield data.get("text/plain", "")


def decimals(text):
    """Yield each decimal number of a text with half a unit of its last digit."""
    for match in _DECIMAL.finditer(text):
        token = match.group().replace(",", "").replace("−", "-").rstrip("% ")
        mantissa, _, exponent = token.lower().partition("e")
        places = len(mantissa.partition(".")[2])
        unit = 10.0 ** (int(exponent or 0) - places)
        yield match.group(), float(token), unit / 2, bool(match.group(1))


def unheld(text, held):
    """Return the decimal numbers of a text that are no rounding of a number that is held."""
    return [
        token
        for token, value, half, percent in decimals(text)
        if not any(
            abs(abs(value) - abs(number) * factor) <= half * (1 + 1e-6)
            for number in held
            for factor in ((1, 100) if percent else (1,))
        )
    ]


def test_the_check_for_unheld_numbers_finds_one():
    """A rounding passes, another number does not, and a version is no number."""
    assert unheld("entropy 7.92 of 8 bits, 99.6 %, torch 2.13.0", [7.9158, 0.996]) == []
    assert unheld("entropy 7.93", [7.9158]) == ["7.93"]
    assert unheld("1,234.5 and -0.25", [1234.51, 0.25]) == []


def test_every_notebook_ran_to_its_end():
    assert {run.name for run in RUNS} == {path.stem for path in EXECUTED}


@pytest.mark.parametrize("notebook", plan.list_notebooks())
def test_a_notebook_leaves_the_records_that_it_should(notebook, records):
    """No more and no less than ``notebooks/records.yaml`` says."""
    left = {id for id, made in records.items() if made.notebook == notebook}
    assert left == {id for run in RUNS if run.notebook == notebook for id in run.records}


@pytest.mark.parametrize("id", COMPARISONS)
def test_every_table_figure_and_claim_has_a_record(id, records):
    made = records[id]
    assert made.comparisons and all(c["tolerance"] and c["reason"] for c in made.comparisons)
    assert results.stale(made) == []
    if id.startswith("figure-"):
        assert made.figure == f"{id}.png"
    if made.figure:
        assert (OUTPUT / made.figure).read_bytes().startswith(b"\x89PNG")
        assert (OUTPUT / made.figure).with_suffix(".svg").is_file()


def means_by_source(made):
    """Yield the means that `Measurements.means` shows of what a record holds by source."""
    for comparison in made.comparisons:
        by_source = {}
        for held in comparison["samples"]:
            for source, values in held.items():
                by_source.setdefault(source, []).append(values)
        for held in comparison["nulls"]:
            for null, sources in held.items():
                for number, values in enumerate(sources):
                    by_source.setdefault((null, number), []).append(values)
        for of_labels in by_source.values():
            yield np.mean([np.mean(values) for values in of_labels])
        ours = [value for value in comparison["ours"] if value is not None]
        if ours:
            yield np.mean(ours)


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_a_notebook_shows_no_number_that_its_records_do_not_hold(path, records):
    notebook = nbformat.read(path, as_version=4)
    [name] = {run.notebook for run in RUNS if run.name == path.stem}
    of_notebook = [made for made in records.values() if made.notebook == name]
    held = [n for made in of_notebook for n in (*made.numbers(), *means_by_source(made))]
    if not held:
        return  # Nothing in it is compared with the paper.
    # A number in the code or in the text, such as a parameter, is no result.
    written = " ".join(cell.source for cell in notebook.cells)
    held += [value for _, value, _, _ in decimals(written)]
    loose = {
        f"cell {place}": numbers
        for place, cell in enumerate(notebook.cells)
        if (numbers := unheld("\n".join(shown_text(cell)), held))
    }
    assert not loose, "these numbers are in no record"


@pytest.mark.parametrize("notebook", plan.list_notebooks())
def test_a_notebook_ends_with_what_was_learned_in_three_sentences(notebook):
    """As a list, or printed; what comes after is no section."""
    cells = nbformat.read(paths.notebooks() / f"{notebook}.ipynb", as_version=4).cells
    _, end = "\n".join(cell.source for cell in cells).split("## What you have learned\n")
    assert list(dict.fromkeys(re.findall(r'(?:^|")(\d)\. ', end, re.MULTILINE))) == ["1", "2", "3"]
    assert not re.search(r"^##", end, re.MULTILINE)
