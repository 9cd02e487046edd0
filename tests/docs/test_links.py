"""Every link within the repository leads to a file and a heading that are there.

It needs no network: links to other servers are not followed.
"""

import ast
import re
from functools import cache
from urllib.parse import unquote

import nbformat
import pytest

from dkg import paths

ROOT = paths.root()
if not (ROOT / "docs" / "index.md").is_file():
    pytest.skip("the package is installed without its documentation", allow_module_level=True)

FOLDERS = ("docs", "notebooks", "data_download", "workflow", "figures", "tests", "benchmarks")
PAGES = sorted(
    {*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))}
)
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
SOURCES = sorted(
    path
    for folder in ("dkg", "tools", "benchmarks", "data_download", "workflow")
    for path in (ROOT / folder).rglob("*.py")
)
# Pages of the code host beside the repository's files: runs of workflows, and the published site.
HOST = re.compile(r"\.\./\.\./(actions|deployments)/")
LINK = re.compile(r"\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
FILE = re.compile(r"(?:docs|notebooks|data_download|benchmarks|workflow|tests)/[\w/-]+\.\w+")


def name(path):
    return path.relative_to(ROOT).as_posix()


@cache
def prose(path):
    """Return the Markdown of a page or notebook without its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"^( *)(```|~~~).*?^\1\2|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(path):
    """Return the anchors of a page's headings, as GitHub and MyST make them, and its own."""
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else prose(path)
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "", text, flags=re.DOTALL | re.MULTILINE)
    found = []
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return {*found, *re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)}


def links(path):
    return [unquote(link) for link in LINK.findall(prose(path))]


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=name)
def test_no_link_leads_nowhere(page):
    for link in links(page):
        if re.match(r"\w+:", link) or HOST.match(link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{name(page)} links to {link}"
        if anchor and target.suffix in (".md", ".ipynb"):
            assert anchor.lower() in anchors(target), f"{name(page)}: no heading for {link}"


def test_links_are_found_in_every_kind_of_page():
    counts = {kind: sum(len(links(p)) for p in pages) for kind, pages in (
        ("page", PAGES), ("notebook", NOTEBOOKS))}  # fmt: skip
    assert min(counts.values()) > 50
    assert any("#" in link for page in PAGES for link in links(page))


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_docstrings_name_files_that_are_there(source):
    tree = ast.parse(source.read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            for file in FILE.findall(text):
                assert not file.endswith(".md") or (ROOT / file).exists(), f"{name(source)}: {file}"


def test_addresses_are_written_out_whole():
    """A link to another server has a host, and no local path of a machine."""
    for page in [*PAGES, *NOTEBOOKS]:
        for link in links(page):
            if link.startswith(("http:", "https:")):
                assert re.match(r"https?://[\w.-]+\.\w+(/|$|#|\?)", link), f"{name(page)}: {link}"
            assert not link.startswith(("file:", "/")), f"{name(page)}: {link}"


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=name)
def test_every_notebook_links_to_its_rendered_page(notebook):
    assert "../docs/gallery.md#notebooks" in links(notebook)
    assert f"../notebooks/{notebook.name}" in links(ROOT / "docs" / "gallery.md")
