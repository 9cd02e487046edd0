"""Make slides (reveal.js) of notebooks that have run: build/slides/NAME.slides.html.

    python tools/slides.py 00_start_here 05_classical_attacks

`make slides` runs the notebooks first if they have not run yet. Each heading begins a slide, and so
does each picture or table, and each folded answer. Short code is shown. The slides load
reveal.js, jQuery, RequireJS and MathJax from the network, or from copies where ``--scripts`` names
their folder (docs/teaching.md).
"""

import argparse
import re
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode

from dkg import paths

SHORT = 8, 75  # Lines and columns of code that fit beside what they show.
ANSWER = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)

# By the place in the folder of scripts: what nbconvert calls it.
SCRIPTS = {
    "reveal_url_prefix": "reveal.js",
    "require_js_url": "requirejs/require.js",
    "jquery_url": "jquery/dist/jquery.min.js",
    "mathjax_url": "mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
}


def as_slides(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of an executed notebook whose cells say which slide each belongs to.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With outputs.
    """
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cells += _parts(cell.source)
        elif cell.cell_type == "code" and _shows_something(cell):
            cell = nbformat.from_dict(cell)
            cell.metadata = NotebookNode(slideshow=NotebookNode(slide_type="subslide"))
            lines = cell.source.splitlines()
            if len(lines) > SHORT[0] or max(map(len, lines)) > SHORT[1]:
                cell.metadata["transient"] = NotebookNode(remove_source=True)
            cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def _parts(text: str) -> list[NotebookNode]:
    """Return the parts of a text that begin with a heading or hold an answer, each a slide."""
    # A title as large as a notebook's leaves no room on a slide.
    text = re.sub(r"^# ", "## ", text, flags=re.MULTILINE)
    # Links are relative to the notebooks' folder.
    text = re.sub(r"\]\((?!\w+:|#)", "](../../notebooks/", text)
    text = ANSWER.sub("\n<!-- answer -->\\2\n<!-- answer -->\n", text)
    parts = re.split(r"^(?=#{2,3} )|^<!-- answer -->$", text, flags=re.MULTILINE)
    made = []
    for part in filter(None, map(str.strip, parts)):
        kind = "slide" if part.startswith("#") else "subslide"
        made.append(
            nbformat.v4.new_markdown_cell(part, metadata={"slideshow": {"slide_type": kind}})
        )
    return made


def _shows_something(cell: NotebookNode) -> bool:
    return any("data" in output for output in cell.outputs) and "parameters" not in (
        cell.metadata.get("tags", [])
    )


def convert(notebook: NotebookNode, scripts: str = "") -> str:
    """Return the page of a notebook's slides.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        As `as_slides` returns it.
    scripts : str, optional
        Folder or address of copies of the four scripts, named as in `SCRIPTS`. Default: where
        nbconvert finds them in the network.
    """
    places = {name: f"{scripts}/{place}" for name, place in SCRIPTS.items()} if scripts else {}
    exporter = SlidesExporter(
        reveal_scroll=True,
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        **places,
    )
    page: str = exporter.from_notebook_node(notebook)[0]
    return page


def main() -> None:
    """Make the slides of the notebooks that are named."""
    parser = argparse.ArgumentParser(description="Make slides of notebooks that have run.")
    parser.add_argument("notebooks", nargs="+", help="names, such as 00_start_here")
    parser.add_argument("--scripts", default="", help="folder with copies of the scripts")
    arguments = parser.parse_args()
    folder = paths.root() / "build" / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.notebooks:
        executed = paths.output() / "executed" / f"{name}.ipynb"
        if not executed.is_file():
            parser.error(f"{executed} is not there: run `dkg reproduce {name}` first")
        page = convert(as_slides(nbformat.read(executed, as_version=4)), arguments.scripts)
        out: Path = folder / f"{name}.slides.html"
        out.write_text(page, "utf-8")
        print(out)


if __name__ == "__main__":
    main()
