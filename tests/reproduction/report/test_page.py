"""The page: what it shows is what the records hold, and it needs nothing but itself."""

import base64
import io
import itertools
import json
import math
import re

import numpy as np
import pytest
from PIL import Image

from dkg import paper, paths, plots
from dkg import reproduction as results
from dkg.paper import TABLES
from dkg.reproduction import CLAIMS, COMPARISONS, report
from dkg.reproduction.comparisons import CHANGES

from ..conftest import panel_of
from .conftest import HOSTILE, agreeing, parse

KINDS = ["claim", "table", "figure", "beyond"]


def text(element):
    return " ".join("".join(element.itertext()).split())


def section(page, id):
    (found,) = page.findall(f".//section[@id='{id}']")
    return found


def rows(page, id):
    """Return the cells of the numbers in a section."""
    table = section(page, id).find(".//table[@class='numbers']")
    return [[text(cell) for cell in row] for row in table.iter("tr") if len(row) == 6][1:]


def number(cell):
    return float(cell.replace(",", ""))


@pytest.mark.slow
def test_page_needs_nothing_but_itself(page):
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    tags = {element.tag for element in page.iter()}
    assert not tags & {"link", "iframe", "object", "embed"}
    (script,) = page.iter("script")
    assert not script.attrib
    assert not re.search(r"https?:|fetch|XMLHttp|WebSocket|import|eval|innerHTML", script.text)
    for element in page.iter():
        for name, value in element.items():
            if name in ("src", "srcset", "poster", "action", "background"):
                assert re.match("data:image/(png|webp);base64,", value)
            elif name == "href" and not value.startswith("#"):
                assert value == "https://doi.org/10.1109/TNNLS.2021.3062754"
            elif name == "href":
                assert value[1:] in ids
            assert not name.startswith("on")
            assert name != "style"
    (style,) = page.iter("style")
    assert "@import" not in style.text
    assert "url(" not in style.text
    assert {"print", "prefers-color-scheme"} <= set(re.findall(r"[a-z-]+", style.text))


@pytest.mark.slow
def test_page_can_be_read_without_seeing_it(page):
    assert page.get("lang") == "en"
    assert page.find("head/title").text
    levels = [int(e.tag[1]) for e in page.iter() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    images = list(page.iter("img"))
    assert len(images) == len(COMPARISONS)
    assert all(image.get("alt") for image in images)
    assert all(cell.get("scope") for cell in page.iter("th"))
    regions = [e for e in page.iter("div") if e.get("class") == "scroll"]
    assert all(region.get("tabindex") == "0" for region in regions)
    assert len(list(page.iter("table"))) == len(regions), "a table that cannot be scrolled"


@pytest.mark.parametrize("id", COMPARISONS)
def test_section_shows_the_record(page, id, measured, records):
    record = records[id]
    found = section(page, id)
    heading = text(found.find("h3"))
    assert heading.endswith(f"{report.SYMBOLS[record.verdict]} {record.verdict_in_words}")
    assert record.sentence in text(found), "escaping must not change what is read"
    assert record.why in text(found)
    kind, name = id.split("-", 1)
    assert heading.startswith(
        CLAIMS[id].words.removesuffix(".") if id in CLAIMS else f"{kind.capitalize()} {name}"
    )
    image = found.find(".//img").get("src").removeprefix("data:image/png;base64,")
    assert base64.b64decode(image) == (measured / f"{id}.png").read_bytes()
    shown = rows(page, id)
    of_record = [
        (label, theirs, ours, {True: "✓ yes", False: "✗ no", None: "–"}[held], c["printed"])
        for c in record.comparisons
        for label, theirs, ours, held in zip(
            c["labels"], c["paper"], c["ours"], c["holds"], strict=True
        )
    ]
    assert len(shown) == len(of_record)
    for cells, (label, theirs, ours, held, printed) in zip(shown, of_record, strict=True):
        assert cells[0] == label
        exact = number(cells[1]) == theirs or (math.isnan(theirs) and cells[1] == "NaN")
        assert exact if printed else number(cells[1]) == pytest.approx(theirs, rel=5e-3)
        near = pytest.approx(ours, rel=5e-3, abs=0.01 if printed else 0, nan_ok=True)
        assert number(cells[2]) == near
        assert cells[4] == held
    for comparison in COMPARISONS[id]:
        assert comparison.reason in text(found)
        assert comparison.what in text(found)
    for caption in [CLAIMS[id].limits] if id in CLAIMS else []:
        assert caption in text(found)
    for what in ("7.25", "1.5, 2.5", "101 numbers, 0 to 100, mean 50"):
        assert what in text(found)


def test_order_and_captions(page):
    records = [e.get("id") for e in page.iter("section") if e.get("class") == "record"]
    kinds = [id.split("-")[0] for id in records]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert [id for id in records if id.startswith("table")] == [f"table-{n}" for n in TABLES]
    assert [id for id in records if id.startswith("figure")] == [
        f"figure-{n}" for n in range(1, 14)
    ]
    for number, caption in paper.CAPTIONS.items():
        assert caption in text(section(page, f"table-{number}"))


@pytest.mark.parametrize(
    ("id", "label", "shown", "accepted"),
    [
        ("table-I", "Residual block", "221,184", "221,184"),
        ("table-XVII", "RSA", "5.22e-88", "below 0.01"),
        ("table-XVII", "DeepKeyGen", "0.5671", "at least 0.01"),
        ("table-XIX", "LCG", "0.2538", "0.0846 to 0.7614"),
        ("table-XXI", "15,000 steps", "NaN", "NaN"),
        ("figure-6", "key", "293", "at most 293"),
        ("figure-5", "keys 1 and 3", "0", "at most 0.179"),
        ("claim-seed-sensitivity", "inverted", "99.5", "at least 99.5"),
    ],
)
def test_numbers_as_the_paper_prints_them_and_what_is_accepted(page, id, label, shown, accepted):
    """The bounds were worked out apart: 0.2538 / 3, 2.858 / sqrt(255), and so on."""
    assert (shown, accepted) in [(r[1], r[3]) for r in rows(page, id) if r[0] == label]


def test_what_else_was_measured_as_tables(page):
    tables = section(page, "table-III").findall(".//table[@class='more']")
    shown = {text(t.find("caption")) if t.find("caption") is not None else "": t for t in tables}
    assert set(shown) == {"", "by generator", "uneven", "uneven: first"}
    by_generator = [[text(cell) for cell in row] for row in shown["by generator"].iter("tr")]
    assert by_generator == [
        ["", "key", "AES"],
        ["first", "0.125", "0.375"],
        ["second", "0", "0.875"],
    ]


def test_summary_of_a_record_has_a_line_for_each_comparison(page):
    for id in COMPARISONS:
        found = section(page, id)
        (table,) = found.findall(".//table[@class='summary']")
        assert len(table.findall("tbody/tr")) == len(COMPARISONS[id])
        if id in CLAIMS:
            assert CLAIMS[id].words.removesuffix(".") in text(found)
            assert CLAIMS[id].limits in text(found)
    cells = [
        text(c) for c in section(page, "table-III").find(".//table[@class='summary']/tbody/tr")
    ]
    assert cells[:2] == ["entropy of a key", "7.9782 to 7.9808 bits"]
    assert cells[2].endswith(" to 1,000,000.0000 bits")
    assert cells[3:] == ["0 of 8", "AES-256-CTR 8"]


def test_column_is_called_bound_where_the_paper_printed_no_number(page):
    for id, comparisons in COMPARISONS.items():
        named = {"paper" if c.printed else "bound" for c in comparisons}
        for name in ("summary", "numbers"):
            table = section(page, id).find(f".//table[@class='{name}']")
            assert set(text(table.find("thead/tr")[1]).split(" or ")) == named


def test_results_come_first_and_provenance_last(page):
    order = [h.get("id") for h in page.iter("h2")]
    assert order[:2] == ["glance", "claims"] and order[-1] == "provenance"
    folded = {id(e) for details in page.find("body/main").iter("details") for e in details.iter()}
    for name, hidden in (("summary", False), ("numbers", True), ("more", True)):
        tables = page.findall(f".//table[@class='{name}']")
        assert tables and all((id(table) in folded) == hidden for table in tables)


def test_contents_lead_to_every_record(page):
    links = [a.get("href") for a in page.find("body/nav").iter("a")]
    assert {f"#{id}" for id in COMPARISONS} <= set(links)


@pytest.mark.slow
def test_errata_observations_and_changes_are_there(page):
    for remark in (*paper.ERRATA, *paper.OBSERVATIONS):
        for words in (remark.where, remark.printed, remark.finding, remark.evidence):
            assert " ".join(words.split()) in text(page)
    for change in CHANGES:
        assert change in text(page)


def test_counts(page, records):
    printed = {
        id: [(c, r) for c, r in zip(COMPARISONS[id], records[id].comparisons, strict=True)]
        for id in COMPARISONS
        if id.startswith("table")
    }
    assert all(c.printed for pairs in printed.values() for c, _ in pairs)
    tiles = [text(tile) for tile in page.findall(".//ul[@class='tiles']/li")]
    for kind, name in (
        ("result", "results"),
        ("construction", "construction"),
        ("input", "inputs"),
    ):
        of_kind = [(c, r) for pairs in printed.values() for c, r in pairs if c.kind == kind]
        total = sum(len(c.paper) for c, _ in of_kind)
        held = sum(r["holds"].count(True) for _, r in of_kind)
        assert [t for t in tiles if t.startswith(f"{held} of {total} printed {name} agree")]
    counted = [int(t.split()[0]) for t in tiles if " of " not in t]
    assert sum(counted) == len(COMPARISONS)


def cells_of(page, name):
    """Return the cells of the table of a class, by the first one of each row."""
    [table] = page.findall(f".//table[@class='{name}']")
    found = [[text(cell) for cell in row] for row in table.find("tbody")]
    return {row[0]: row[1:] for row in found}


def test_the_first_table_has_verdicts_on_phantoms_and_on_real_images(page, records):
    [heading, *_] = [h for h in page.iter("h2") if h.get("id") not in ("verdicts",)]
    assert heading.get("id") == "glance"
    shown = cells_of(page, "glance")
    claims = [id for id in CLAIMS if id.startswith("claim-")]
    assert list(shown)[: len(claims)] == [CLAIMS[id].words for id in claims]
    for id in claims:
        phantoms, real, trainings, _ = shown[CLAIMS[id].words]
        assert phantoms == f"{report.SYMBOLS[records[id].verdict]} {records[id].verdict_in_words}"
        assert real == "not run"
        assert trainings == (str(records[id].trainings) if records[id].trainings else "–")
    assert shown["Table IV"][2:] == ["8", "AES-256-CTR 2 of 2"]


@pytest.mark.slow
def test_verdicts_on_real_images_are_the_published_ones(output, tmp_path, monkeypatch, records):
    (tmp_path / "root" / "docs").mkdir(parents=True)
    monkeypatch.setattr(paths, "root", lambda: tmp_path / "root")
    published = tmp_path / "root" / "docs" / "results-real.json"
    content = json.loads(report.compact(records))
    for record in content.values():
        for images in record["images"]:
            images["origin"] = "files"
    content["claim-known-plaintext"]["comparisons"][0]["samples"][0]["measured"] = [0.1]
    published.write_text(json.dumps(content))
    report.write(plots.paper_and_ours)
    shown = cells_of(parse(output), "glance")
    words = CLAIMS["claim-known-plaintext"].words
    assert shown[words][:2] == ["✗ does not hold", "✓ holds"]
    published.write_text("[]")
    report.write(plots.paper_and_ours)
    assert cells_of(parse(output), "glance")[words][1] == "not run"


def test_each_table_says_how_many_of_its_numbers_tell_anything(page, records):
    shown = cells_of(page, "telling")
    assert "Table I" not in shown and "Table XIX" not in shown, "no results"
    for id, record in records.items():
        found = [c for c in record.comparisons if c["kind"] == "result"]
        if not id.startswith("table-") or not found:
            continue
        total, held, telling, nulls = shown[record.title.partition(":")[0]]
        assert int(total) == sum(len(c["paper"]) for c in found)
        assert int(held) == sum(c["holds"].count(True) for c in found)
        assert int(telling) == sum(c["discriminates"].count(True) for c in found)
        agreeing = sum(c["null_holds"].get("AES-256-CTR", []).count(True) for c in found)
        assert nulls == f"AES-256-CTR {agreeing}"


def test_what_is_judged_is_shown_with_trainings_and_null_models(page):
    [table] = section(page, "table-IV").findall(".//table[@class='statements']")
    lines = [[text(cell) for cell in row] for row in table.find("tbody")]
    assert len(lines) == 2
    for line in lines:
        assert line[1] == "mean of 8" and line[4].startswith("8: ") and line[7] == "97.47 %"
        assert " to " in line[5] and " to " in line[6]
        assert line[9].startswith("AES-256-CTR ") and line[9].endswith("✓ yes")
        assert line[10] == "✗ no"


@pytest.mark.slow
def test_a_claim_is_answered_in_the_papers_words(output, phantom):
    agrees, differs, half = list(CLAIMS)[:3]
    for id, shift in ((agrees, 0.0), (differs, -90.0)):
        results.record(id, panel_of(id, shift))
    results.record(half, missing="for a test")
    report.write(plots.paper_and_ours)
    page = parse(output)
    assert CLAIMS[agrees].holds in text(section(page, agrees))
    assert isinstance(CLAIMS[agrees].fails, str) and isinstance(CLAIMS[differs].fails, str)
    assert CLAIMS[agrees].fails not in text(section(page, agrees))
    assert CLAIMS[differs].fails in text(section(page, differs))
    assert CLAIMS[differs].holds not in text(section(page, differs))
    assert "0 of 2 numbers could be judged (for a test)." in text(section(page, half))


def test_markdown_tables_keep_their_columns(page, measured):
    lines = (measured / "report" / "report.md").read_text(encoding="utf-8").splitlines()
    columns = None
    for line in lines:
        cells = len(re.findall(r"(?<!\\)\|", line))
        if not line.startswith("|"):
            columns = None
        elif columns is None:
            columns = cells
        assert columns in (None, cells), line
    shown = [re.sub(r"\\([^A-Za-z0-9\s])", r"\1", line) for line in lines]
    assert shown.count(HOSTILE) == len(COMPARISONS)
    assert HOSTILE not in lines
    pictures = re.findall(r"!\[.*\]\((.*)\)$", "\n".join(lines), re.MULTILINE)
    assert len(pictures) == len(COMPARISONS)
    assert all((measured / "report" / picture).is_file() for picture in pictures)
    assert not re.search(r"\n{4}", "\n".join(lines))


@pytest.mark.slow
def test_a_large_picture_is_embedded_smaller_and_looks_the_same(output):
    rng = np.random.default_rng()
    grays = rng.integers(0, 240, (25, 40, 1), np.uint8)
    grain = rng.integers(0, 16, (2000, 3200, 3), np.uint8)
    picture = Image.fromarray(grays.repeat(80, 0).repeat(80, 1) + grain)
    picture.save(output / "figure-7.png")
    report.write(plots.paper_and_ours)
    found = section(parse(output), "figure-7").find(".//img")
    embedded = base64.b64decode(found.get("src").removeprefix("data:image/webp;base64,"))
    assert len(embedded) < (output / "figure-7.png").stat().st_size / 10
    shown = Image.open(io.BytesIO(embedded))
    assert (str(shown.width), str(shown.height)) == (found.get("width"), found.get("height"))
    assert shown.width >= 720 and shown.width * 5 == shown.height * 8
    means = np.asarray(shown.convert("RGB").resize((40, 25), Image.Resampling.BOX))
    np.testing.assert_allclose(means, np.broadcast_to(grays, means.shape) + 7.5, atol=5)


@pytest.mark.slow
def test_a_table_without_a_picture_gets_one(output):
    """The numbers are drawn; a claim without a picture stays without."""
    for id in ("table-V", "claim-randomness"):
        path = output / "results" / f"{id}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"figure": None}))
        (output / f"{id}.png").unlink()
    assert report.write(plots.paper_and_ours) == {}
    assert (output / "table-V.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (output / "table-V.svg").read_bytes()
    page = parse(output)
    assert section(page, "table-V").find(".//img") is not None
    assert section(page, "claim-randomness").find(".//img") is None
    assert "(../table-V.png)" in (output / "report" / "report.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_is_missing_stale_or_gone_is_said(output):
    (output / "results" / "table-V.json").unlink()
    (output / "figure-7.png").unlink()
    path = output / "results" / "table-XX.json"
    content = json.loads(path.read_text())
    content["provenance"]["code_sha256"] = "0" * 64
    path.write_text(json.dumps(content))
    assert report.write(plots.paper_and_ours) == {
        "no record": ["table-V"],
        "stale: made by other code": ["table-XX"],
        "its picture is missing": ["figure-7"],
    }
    page = parse(output)
    assert text(section(page, "table-V").find("h3")) == "Table V – missing"
    assert all(row[2] == "not measured" for row in rows(page, "table-V"))
    assert text(section(page, "table-XX").find("h3")).endswith("⚠ stale")
    assert "its picture is missing" in text(section(page, "figure-7"))
    markdown = (output / "report" / "report.md").read_text(encoding="utf-8")
    assert "### Table V: – missing\n" in markdown
    assert re.search(r"### Table XX: .*\(stale\)\n", markdown)


@pytest.mark.slow
def test_the_runs_of_a_grid_are_summed_up(output):
    """Two runs whose numbers differ, and one that is stale, which does not count."""
    content = json.loads((output / "results" / "table-III.json").read_text())
    for name, value in (("a", 7.9802), ("b", 7.9805), ("stale", 1.0)):
        content["comparisons"] = agreeing("table-III")
        content["comparisons"][0]["ours"] = [value] * 8
        if name == "stale":
            content["provenance"]["code_sha256"] = "0" * 64
        folder = output / "grid" / name / "results"
        folder.mkdir(parents=True)
        (folder / "table-III.json").write_text(json.dumps(content))
    assert report.write(plots.paper_and_ours) == {}
    page = parse(output)
    [grid] = [
        s for s in page.iter("section") if (h := s.find("h2")) is not None and h.get("id") == "grid"
    ]
    cells = [text(cell) for cell in grid.find(".//tbody/tr")]
    assert cells[0] == "Table III" and cells[-1] == "2"
    assert cells[3:6] == ["7.9782 to 7.9808 bits", "7.9802 to 7.9805 bits", "16 of 16"]
    assert "Stale records, left out: 1." in text(grid) and "Runs: a; b." in text(grid)
    markdown = (output / "report" / "report.md").read_text(encoding="utf-8")
    assert "| 7.9802 to 7.9805 bits | 16 of 16 |" in markdown


def test_nothing_is_written_from_a_damaged_record(output):
    path = output / "results" / "table-V.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        report.write(plots.paper_and_ours)
    assert not (output / "report").exists()


@pytest.mark.slow
def test_report_of_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    assert report.write(plots.paper_and_ours) == {"no record": [*ids_in_order()]}
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["report.html", "report.md"]
    assert "missing" in report.everything({})


def ids_in_order():
    numbers = {**{n: i for i, n in enumerate(TABLES)}, **{str(n): n for n in range(1, 14)}}
    return sorted(
        COMPARISONS,
        key=lambda id: (KINDS.index(id.split("-")[0]), numbers.get(id.split("-", 1)[1], 0)),
    )
