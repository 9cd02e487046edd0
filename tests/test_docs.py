"""The documentation, without building it: nothing is missing, and what its pages say runs.

``make docs`` builds the site, with every warning an error.
"""

import ast
import importlib
import pkgutil
import re
import runpy
from importlib.util import find_spec

import nbformat
import pytest
import typer

import dkg
from dkg import paths
from dkg.cli import app

ROOT = paths.root()
DOCS = ROOT / "docs"
if not (DOCS / "index.md").is_file():
    pytest.skip("the package is installed without its documentation", allow_module_level=True)

PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/README.md")]
    if not path.is_relative_to(ROOT / "build")
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def name(path):
    return path.relative_to(ROOT).as_posix()


def fenced(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def contents():
    """Yield every page of the tables of contents."""
    for block in fenced(DOCS / "index.md", r"\{toctree\}"):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                entry = re.sub(r".*<(.*)>", r"\1", line)
                pages = [p for ending in ("md", "ipynb") for p in DOCS.glob(f"{entry}.{ending}")]
                assert pages, f"docs/index.md lists {entry}, which is not there"
                yield from (name(page.resolve()) for page in pages)


def public_modules():
    """Yield every module; for a folder whose ``__init__`` has ``__all__`` only the folder."""
    for module in pkgutil.iter_modules(dkg.__path__, "dkg."):
        # The commands are documented as commands, on a page of their own.
        if module.name not in ("dkg.__main__", "dkg.cli"):
            room = importlib.import_module(module.name)
            if (room.__doc__ or "").startswith("The old name of "):
                continue
            if not module.ispkg or hasattr(room, "__all__"):
                yield module.name
            else:
                yield from (
                    m.name for m in pkgutil.iter_modules(room.__path__, f"{room.__name__}.")
                )


def test_every_public_module_is_in_the_reference():
    listed = re.findall(r"^   (dkg\.[\w.]+)$", (DOCS / "reference.md").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {name for name in public_modules() if "._" not in name} <= set(listed)
    assert all(find_spec(name) for name in listed)


def test_every_page_and_notebook_is_in_the_table_of_contents():
    listed = list(contents())
    assert len(listed) == len(set(listed))
    pages = {*DOCS.rglob("*.md"), *NOTEBOOKS}
    pages |= {ROOT / f"{page}.md" for page in ("README", "CONTRIBUTING", "CHANGELOG")}
    assert {name(page) for page in pages} - set(listed) == {"docs/index.md"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_links_first_to_the_installation_and_to_its_neighbours(notebook):
    first = nbformat.read(notebook, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    links = set(re.findall(r"\]\(([^)#]+)", first.source))
    assert "../docs/getting_started.md" in links
    numbered = [path for path in NOTEBOOKS if path.stem[0].isdigit()]
    if notebook in numbered:
        place = numbered.index(notebook)
        beside = {path.name for path in numbered[max(place - 1, 0) : place + 2]} - {notebook.name}
        assert beside <= links
    for link in links:
        assert "://" in link or (notebook.parent / link).exists(), f"it links to {link}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [DOCS / "getting_started.md", *sorted((DOCS / "how_to").glob("*.md"))], ids=name
)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in fenced(page, "python"):
        exec(compile(code, name(page), "exec"), names)


def commands():
    """Yield every line in a page's code that calls dkg."""
    for page in PAGES:
        for block in fenced(page, "(?:bash|sh|console)?"):
            for line in block.splitlines():
                line = re.sub(r"^([A-Z_]+=\S+ )+", "", line)
                if line.startswith("dkg "):
                    yield page, line
        known = "|".join(typer.main.get_command(app).commands)
        for line in re.findall(rf"`(dkg (?:{known}) [^`]*)`", page.read_text()):
            yield page, line


def test_every_command_that_a_page_shows_exists():
    root = typer.main.get_command(app)
    shown = list(commands())
    assert len(shown) > 20
    for page, line in shown:
        command = root
        for word in line.partition("#")[0].split()[1:]:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
            elif word.startswith("-"):
                options = {
                    "--help",
                    *(o for p in command.params for o in (*p.opts, *p.secondary_opts)),
                }
                assert word in options, f"{name(page)}: {line}: no option {word}"
        assert command is not root or "-" in line, f"{name(page)}: {line}: no such command"


def messages():
    """Return every text of the package's sources, a line break's worth at a time."""
    texts = set()
    for path in paths.PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return "\n".join(texts)


def test_known_issues_quote_the_package_and_say_how_to_mend_it():
    known = messages()
    issues = re.split(r"^### ", (DOCS / "known_issues.md").read_text(), flags=re.MULTILINE)[1:]
    quotes = []
    for issue in issues:
        title, *parts = re.split(r"^- \*\*(\w+):\*\*", issue, flags=re.MULTILINE)
        assert parts[::2] == ["Symptom", "Cause", "Fix"], title
        quotes += [(title, quote) for quote in re.findall(r"`([^`]*\s[^`]*)`", parts[1])]
    quotes = [(t, q) for t, q in quotes if not q.startswith(("dkg ", "voila "))]
    assert len(quotes) > 10
    for title, quote in quotes:
        for part in re.sub(r"\s+", " ", quote).split("..."):
            assert part.strip(" :") in known, f"{title.strip()}: nothing says {part!r}"


def test_the_glossary_explains_the_symbols_of_every_equation():
    text = (DOCS / "glossary.md").read_text()
    explained = set()
    for numbers in re.findall(r"Eqs?\.\s+(\d+(?:(?:,| and| to)\s+\d+)*)", text):
        for first, last in re.findall(r"(\d+)(?:\s+to\s+(\d+))?", numbers):
            explained |= set(range(int(first), int(last or first) + 1))
    assert explained == set(range(1, 18))
    entries = re.findall(r"^:::\{glossary\}\n(.*?)^:::", text, re.DOTALL | re.MULTILINE)
    terms = [line for block in entries for line in block.splitlines() if re.match(r"\w", line)]
    assert len(terms) == len(set(terms)) > 50
    for term in re.findall(r"\{term\}`(.*?)`", text):
        assert term in terms


def test_contributing_names_files_that_exist():
    for row in re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE):
        for file in re.findall(r"`([^`]+)`", row):
            if not re.search(r"NN|NAME|\.\.\.\.", file):
                assert (ROOT / file).exists(), file


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("sphinx") is None, reason="the extra docs, with which the site is built, is missing"
)
def test_notebooks_get_the_outputs_of_their_executed_copies(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    with_outputs = runpy.run_path(str(DOCS / "conf.py"))["with_outputs"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("n = 1\nn")]
    )
    source = nbformat.writes(notebook)

    def shown():
        page = nbformat.reads(with_outputs("some", source), as_version=4)
        return page.cells[1].source, page.cells[2].get("outputs")

    assert "Nobody has run" in shown()[0] and shown()[1] == []
    ran = nbformat.reads(source, as_version=4)
    ran.cells[1].outputs = [nbformat.v4.new_output("stream", text="7")]
    ran.cells.insert(1, nbformat.v4.new_code_cell("n = 2"))  # As papermill puts values in.
    ran.metadata["papermill"] = {"parameters": {"n": 2}, "end_time": "2026-11-22T22:23:05+00:00"}
    (tmp_path / "executed").mkdir()
    copy = tmp_path / "executed" / "some.ipynb"
    nbformat.write(ran, copy)
    note, outputs = shown()
    assert "2026-11-22" in note and "`n = 2`" in note
    assert [output.text for output in outputs] == ["7"]
    ran.cells[2].source = "n = 3"
    nbformat.write(ran, copy)
    assert "was changed" in shown()[0] and shown()[1] == []
