"""The documentation site, built by ``make docs``: Sphinx and MyST-NB, with no network at any time.

The source folder is the repository's root, so that a link between two pages, notebooks or files is
the same here and in a checkout. Notebooks are not run here. Their outputs come from the executed
copies in ``executed/`` of the output folder (``figures/``, or ``DKG_OUTPUT``), which
``make reproduce`` leaves there; a notebook whose code is no longer that of its copy is shown
without outputs, and says so.
"""

import ast
from pathlib import Path

import nbformat
import typer
from sphinx.application import Sphinx
from sphinx.ext import autosummary
from typer.cli import get_docs_for_click

from dkg import __version__, paths
from dkg.cli import app as commands

project = "dkg"
author = "The dkg authors"
release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "notebooks/*.ipynb",
    "notebooks/exercises/*.ipynb",
    "notebooks/exercises/solutions/*.ipynb",
    "data_download/README.md",
    "workflow/README.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
]
# Every other folder, so that Sphinx does not walk through it; templates are no pages.
exclude_patterns = [
    *(path.name for path in paths.root().iterdir() if path.name.startswith(".")),
    *("benchmarks", "build", "data", "dkg", "figures", "runs", "tests", "tools", "work"),
    "docs/_templates",
]
templates_path = [str(Path(__file__).parent / "_templates")]
html_theme = "sphinx_book_theme"
html_title = "dkg: DeepKeyGen, reproduced"
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": False,
    "navbar_persistent": [],  # The search field is in the sidebar.
}
html_context = {"default_mode": "light"}
html_additional_pages = {"index": "first_page.html"}
html_copy_source = False
html_static_path = [str(Path(__file__).parent / "_static")]
html_css_files = ["style.css"]

# Equations are set by MathJax, which the reader's browser loads from the network.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True

default_role = "py:obj"
# A parameter such as `n` is also the name of attributes of several classes; that is no dead link.
suppress_warnings = ["ref.python"]
autodoc_default_options = {"members": True, "member-order": "bysource"}
napoleon_google_docstring = False
# A summary is the first sentence, which these do not end.
autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.", "Eqs.", "Fig.", "Figs.", "rev.")

# Each data set is a run of its own; the page shows the paper's first.
EXECUTED = {"04_ciphertext_security": "04_ciphertext_security-montgomery"}


def with_outputs(name: str, source: str) -> str:
    """Return a notebook with the outputs of its executed copy, and a note that says which."""
    notebook = nbformat.reads(source, as_version=4)
    path = paths.output() / "executed" / f"{EXECUTED.get(name, name)}.ipynb"
    note = "Nobody has run this notebook here yet, so it is shown without outputs."
    if path.is_file():
        executed = nbformat.read(path, as_version=4)
        ran = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if all(cell.id in ran and ran[cell.id].source == cell.source for cell in code):
            for cell in code:
                cell.outputs = ran[cell.id].outputs
            values = executed.metadata.papermill.parameters
            given = ", ".join(f"`{name} = {value!r}`" for name, value in values.items())
            ended = executed.metadata.papermill.end_time[:10]
            note = f"The outputs are those of a run that ended on {ended}, with " + (
                f"{given} and otherwise the values below." if given else "the values below."
            )
        else:
            note = "The code was changed since it was last run, so it is shown without outputs."
    note += f" To run it yourself: `dkg reproduce {name}`, or open it in JupyterLab."
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(f":::{{note}}\n{note}\n:::"))
    return nbformat.writes(notebook)


def overview(folder: Path) -> str:
    """Return a table of the Python files below a folder: the first lines of their docstrings."""
    rows = [f"## `{folder.name}/`", "", "| file | what it is |", "|---|---|"]
    for path in sorted(folder.rglob("*.py"), key=lambda path: (path.parent, path)):
        about = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        name = path.relative_to(folder.parent).as_posix().removesuffix("__init__.py")
        rows.append(f"| `{name}` | {about.partition(chr(10))[0]} |")
    return "\n".join(rows)


def on_source_read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Complete the pages that a checkout does not hold as they are to be read."""
    folder, _, name = docname.rpartition("/")
    if folder == "notebooks":
        content[0] = with_outputs(name, content[0])
    elif docname == "README":
        # They are pictures of other servers, and belong to the code host.
        before, _, rest = content[0].partition("<!-- badges:begin -->")
        content[0] = before + rest.partition("<!-- badges:end -->")[2]
    elif docname == "docs/commands":
        command = typer.main.get_command(commands)
        text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="dkg")
        content[0] += text.partition("\n")[2]
    elif docname == "docs/overview":
        folders = ("dkg", "tools", "benchmarks", "data_download", "workflow")
        content[0] += "\n\n".join(["", *(overview(paths.root() / folder) for folder in folders)])


def setup(app: Sphinx) -> None:
    """Connect to Sphinx; pages made from other files are read again each time."""
    app.connect("source-read", on_source_read)
    app.connect(
        "env-get-outdated",
        lambda app, env, added, changed, removed: [
            name
            for name in env.found_docs
            if name.startswith("notebooks/") or name == "docs/overview"
        ],
    )
