"""The tool that makes slides: what begins a slide, what is left out, and which scripts it needs."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dkg import paths


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(paths.root() / "tools")
    import slides

    return slides


def shown(source, **metadata):
    output = new_output("display_data", {"text/html": "<b>42</b>"})
    return new_code_cell(source, outputs=[output], metadata=metadata)


QUESTION = """Words.

**Predict.** What is seen?

<details><summary>Answer</summary>

A negative, $q > 0.5$.

</details>

More words."""


@pytest.fixture
def notebook():
    return new_notebook(
        cells=[
            new_markdown_cell("# Title\n\nWords, [next](01_data.ipynb), [NIST](https://nist.gov)."),
            shown("seed = 0", tags=["parameters"]),
            new_code_cell("import numpy"),
            new_markdown_cell("## One\n\n" + QUESTION + "\n\n## Two"),
            shown("short"),
            shown("\n".join(["long"] * 9)),
            shown("x" * 80),
        ]
    )


def kinds(notebook):
    return [cell.metadata.slideshow.slide_type for cell in notebook.cells]


def test_headings_answers_and_outputs_begin_slides(tool, notebook):
    slides = tool.as_slides(notebook)
    nbformat.validate(slides)
    texts = [cell.source for cell in slides.cells if cell.cell_type == "markdown"]
    assert [text.split()[0] for text in texts] == ["##", "##", "A", "More", "##"]
    assert "details" not in "".join(texts) and "negative" not in texts[1]
    assert kinds(slides) == ["slide", "slide", *["subslide"] * 2, "slide", *["subslide"] * 3]


def test_long_code_is_left_out_and_what_it_shows_is_not(tool, notebook):
    page = tool.convert(tool.as_slides(notebook))
    assert page.count("<b>42</b>") == 3, "parameters are not shown"
    assert "short" in page and "xxxx" not in page and "import numpy" not in page


def test_links_lead_from_the_slides_to_the_notebooks(tool, notebook):
    text = tool.as_slides(notebook).cells[0].source
    assert "](../../notebooks/01_data.ipynb)" in text and "](https://nist.gov)" in text


def test_scripts_come_from_a_folder_if_one_is_named(tool, notebook):
    page = tool.convert(tool.as_slides(notebook), "scripts")
    for place in tool.SCRIPTS.values():
        assert f"scripts/{place.partition('?')[0]}" in page
    assert "unpkg.com" not in page and "cdnjs.cloudflare.com/ajax/libs/jquery" not in page


def test_a_notebook_that_did_not_run_is_refused(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["slides.py", "00_start_here"])
    with pytest.raises(SystemExit):
        tool.main()
    assert "run `dkg reproduce 00_start_here` first" in capsys.readouterr().err
