"""README's outcome, the table of everything, and the published numbers."""

import dataclasses
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

import dkg
from dkg import paths
from dkg import reproduction as results
from dkg.paper import TABLES
from dkg.reproduction import CLAIMS, COMPARISONS, report
from dkg.reproduction.report import overview
from dkg.reproduction.report.collecting import order

NULLS = ("AES-256-CTR", "untrained network")
ROOT = Path(dkg.__file__).resolve().parents[1]
PUBLISHED = ROOT / "docs" / "results.json"


def headline_rows(block):
    return [line.split(" | ") for line in block.splitlines() if line.startswith("| ")][1:]


@pytest.mark.slow
def test_headline_counts_the_claims_and_shows_eight_with_their_verdicts(records):
    block = report.headline(records)
    lines = headline_rows(block)
    assert 5 <= len(lines) <= 8
    by_words = {claim.words: records[id] for id, claim in CLAIMS.items() if id.startswith("claim-")}
    for words, phantoms, real, notebook in lines:
        record = by_words[words.removeprefix("| ").replace("\\", "")]
        assert phantoms.startswith(f"{report.SYMBOLS[record.verdict]} {record.verdict_in_words}")
        assert real
        assert notebook == "[00](notebooks/00_start_here.ipynb) |"
    (outcome,) = re.findall(
        r"^\*\*On phantoms: of (\d+) claims of the paper, (.*)\.\*\*$", block, re.M
    )
    assert int(outcome[0]) == len(by_words)
    words = Counter(record.verdict_in_words for record in by_words.values())
    numbers = sorted(int(number) for number in re.findall(r"\d+", outcome[1]))
    assert numbers == sorted(words.values())
    assert records["claim-ciphertext-only"].sentence.split()[0] in block
    assert "% (" in block and ") %" not in block


def test_headline_without_records_says_how_to_measure(monkeypatch):
    monkeypatch.setattr(overview, "published", lambda name: {})
    block = report.headline({})
    assert "`make reproduce` measures them" in block
    assert "**" not in block
    assert all("not run" in line[1] for line in headline_rows(block))


def tables(block):
    """Return the rows of each table of a block, by the first word of its heading."""
    found = {}
    for part in re.findall(r"(?:^\|.*\n)+", block, re.M):
        heading, _, *lines = [line.strip("| ").split(" | ") for line in part.splitlines()]
        found[heading[0]] = [dict(zip(heading, line, strict=True)) for line in lines]
    return found


@pytest.mark.slow
def test_each_claim_has_a_line_with_verdicts_and_what_was_found(records, monkeypatch):
    real = {"claim-key-space": dataclasses.replace(records["claim-key-space"])}
    monkeypatch.setattr(overview, "published", lambda name: real)
    found = tables(report.everything(records))
    for kind, heading in (
        ("claim-", "claim of the paper"),
        ("beyond-", "claim that is not in the paper"),
    ):
        lines = {line[heading]: line for line in found[heading]}
        ids = [id for id in CLAIMS if id.startswith(kind)]
        assert list(lines) == [CLAIMS[id].words for id in ids]
        for id in ids:
            line, record = lines[CLAIMS[id].words], records[id]
            verdict = f"{report.SYMBOLS[record.verdict]} {record.verdict_in_words}"
            assert line["phantoms"] == verdict
            assert line["real images"] == (verdict if id in real else "not run")
            counted = [c for c in record.comparisons if c["kind"] in ("result", "construction")]
            held = [held for c in counted for held in c["holds"]]
            agree = f"{held.count(True)}/{len(held) - held.count(None)}"
            assert line["agree/judged"] == (agree if counted else "–")
            fails = CLAIMS[id].fails
            parts = [fails] if isinstance(fails, str) else fails.values()
            said = [CLAIMS[id].holds, *parts, "Too little was measured to judge it."]
            for found_here in line["found on phantoms"].replace("\\", "").rstrip(".").split("; "):
                assert found_here and found_here.lower() in " ".join(said).lower()
            assert line["notebook"] == "[00](../notebooks/00_start_here.ipynb)"


def test_each_table_is_in_one_group_with_ranges_and_counts(records, monkeypatch):
    monkeypatch.setattr(overview, "published", lambda name: {"table-I": records["table-I"]})
    lines = {
        line["tables and figures"]: line
        for line in tables(report.everything(records))["tables and figures"]
    }
    named = [
        number
        for name in lines
        if name.startswith("Table")
        for number in re.findall(r"\b[IVX]+\b", name.partition(":")[0])
    ]
    assert sorted(named) == sorted(TABLES)
    keys = lines["Table III: keys"]
    assert keys["ranges of the default network"].startswith(
        "entropy in bits: paper 7.9782 to 7.9808, ours "
    )
    assert keys["ranges of the default network"].endswith(" to 1,000,000.0000")
    assert (keys["phantoms"], keys["real images"]) == ("✗ not reproduced", "not run")
    assert (keys["agree/judged"], keys["discriminate"]) == ("0/8", "0")
    structure = lines["Tables I, II and XVI: layers and parameters of the networks"]
    assert structure["agree/judged"] == "49/52"
    assert structure["real images"] == (
        f"{report.SYMBOLS[records['table-I'].verdict]} 1 {records['table-I'].verdict}, 2 not run"
    )


def test_results_are_counted_beside_null_models_like_with_like(records):
    found = overview.beside_null_models(records)
    pairs = []
    for id in TABLES:
        for c in records[f"table-{id}"].comparisons:
            if c["kind"] == "result" and c["printed"]:
                of_aes = c["null_holds"].get("AES-256-CTR") or [None] * len(c["holds"])
                pairs += zip(c["holds"], c["discriminates"], of_aes, strict=True)
    assert found["of"] == sum(held is not None for held, _, _ in pairs)
    assert found["agree"] == sum(held is True for held, _, _ in pairs)
    assert found["telling"] == sum(held is True and tells is True for held, tells, _ in pairs)
    assert (found["judged"], found["untrained"]) == (0, 0), "no untrained network was measured"
    both = {id: with_untrained(record) for id, record in records.items()}
    found = overview.beside_null_models(both)
    alike = [(held, of_aes) for held, _, of_aes in pairs if None not in (held, of_aes)]
    assert found["judged"] == len(alike) > 100
    assert found["network"] == sum(held for held, _ in alike)
    assert found["aes"] == found["untrained"] == sum(of_aes for _, of_aes in alike)


def with_untrained(record):
    """Return a record whose untrained networks have the numbers of AES."""
    changed = [
        {**c, "null_holds": {n: held for held in c["null_holds"].values() for n in NULLS}}
        for c in record.comparisons
    ]
    return dataclasses.replace(record, comparisons=changed)


@pytest.fixture
def repository(tmp_path, monkeypatch, output):
    root = tmp_path / "repository"
    (root / "docs").mkdir(parents=True)
    (root / "notebooks").symlink_to(ROOT / "notebooks")  # With the profiles.
    marks = "<!-- headline:begin -->\nold\n<!-- headline:end -->\n"
    for page in ("README.md", "docs/verdicts.md", "docs/gallery.md"):
        (root / page).write_text(f"before\n\n{marks}\nafter\n")
    monkeypatch.setattr(paths, "root", lambda: root)
    return root


@pytest.mark.slow
def test_publish_writes_the_numbers_the_two_pages_and_the_picture(repository, output, records):
    docs = repository / "docs"
    (output / "front.png").write_bytes(b"a picture")
    written = [docs / "results.json", repository / "README.md", docs / "verdicts.md"]
    written += [docs / "gallery.md", docs / "images" / "front.png"]
    made = report.publish()
    assert made[: len(written)] == written
    thumbnails = [f"{id}.webp" for id in records]
    assert [path.name for path in made[len(written) :]] == thumbnails
    assert (docs / "images" / "front.png").read_bytes() == b"a picture"
    (output / "front.png").unlink()
    readme = (repository / "README.md").read_text(encoding="utf-8")
    pages = {readme: report.headline, (docs / "verdicts.md").read_text(): report.everything}
    pages |= {(docs / "gallery.md").read_text(): report.gallery}
    for page, block in pages.items():
        marked = f"<!-- headline:begin -->\n{block(records)}<!-- headline:end -->\n"
        assert page == f"before\n\n{marked}\nafter\n"
    published = json.loads((repository / "docs" / "results.json").read_text(encoding="utf-8"))
    assert list(published) == list(records)
    for id, content in published.items():
        read = results.loads(json.dumps(content))
        assert read.table().equals(records[id].table())
        assert read.statements().equals(records[id].statements())
        assert content["more"] == json.loads(results.dumps(records[id]))["more"]
    report.publish()
    assert (repository / "README.md").read_text(encoding="utf-8") == readme


@pytest.mark.slow
def test_a_picture_of_other_images_than_phantoms_is_not_published(repository, output, records):
    report.publish()
    gallery = repository / "docs" / "images" / "gallery"
    before = {path: path.read_bytes() for path in gallery.iterdir()}
    assert before
    path = output / "results" / "table-V.json"
    content = json.loads(path.read_text())
    content["images"][0]["origin"] = "files"
    path.write_text(json.dumps(content))
    Image.new("RGB", (300, 200), "red").save(output / "table-III.png")
    written = report.publish()
    assert not [path for path in written if path.is_relative_to(gallery)]
    assert before == {path: path.read_bytes() for path in gallery.iterdir()}


def test_gallery_shows_every_notebook_and_every_picture_once(records):
    block = report.gallery(records)
    shown = re.findall(
        r"!\[([^]]+)\]\(images/gallery/([^)]+)\.webp\)\]\((\S+)\)<br>(.+?) \|", block
    )
    names = [name for _, name, _, _ in shown]
    there = {path.stem for path in (ROOT / "docs" / "images" / "gallery").iterdir()}
    notebooks = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert names == [name for name in notebooks + order(records) if name in there]
    assert len(names) > 70
    assert all((ROOT / "docs" / target).is_file() for _, _, target, _ in shown)
    short = {name: alternative for alternative, name, _, _ in shown}
    assert len(set(short.values())) == len(short)
    assert max(len(words.split()) for words in short.values()) <= 3
    assert max(len(line.split()) for _, _, _, line in shown) <= 25
    assert (short["table-XI"], short["00_start_here"]) == ("Table XI", "Notebook 00")


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["real", "full"])
def test_publish_writes_records_of_real_images_to_a_file_of_their_own(
    repository, output, records, profile
):
    for path in (output / "results").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"profile": profile}))
    before = (repository / "README.md").read_text()
    assert report.publish() == [repository / "docs" / "results-real.json"]
    published = json.loads((repository / "docs" / "results-real.json").read_text(encoding="utf-8"))
    assert list(published) == list(records)
    assert any(content["more"] for content in published.values())
    assert (repository / "README.md").read_text() == before
    assert not (repository / "docs" / "results.json").exists()


@pytest.mark.slow
def test_publish_of_real_images_adds_their_verdicts_to_readme(repository, output, records):
    report.publish()
    before = (repository / "README.md").read_text(encoding="utf-8")
    assert "On real images" not in before
    for path in (output / "results").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"profile": "real"}))
    docs = repository / "docs"
    thumbnails = {path: path.read_bytes() for path in (docs / "images" / "gallery").iterdir()}
    written = [docs / "results-real.json", repository / "README.md", docs / "verdicts.md"]
    assert report.publish() == [*written, docs / "gallery.md"]
    assert thumbnails == {p: p.read_bytes() for p in (docs / "images" / "gallery").iterdir()}
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert "**On real images: of 11 claims of the paper, " in readme
    assert "**On phantoms: of 11 claims of the paper, " in readme


@pytest.mark.slow
def test_images_read_in_another_way_have_a_file_and_lines_of_their_own(repository, output, records):
    report.publish()
    for path in (output / "results").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"profile": "real"}))
    for name in ("04_ciphertext_security-montgomery-whole", "04_ciphertext_security-not-listed"):
        folder = output / "grid" / name / "results"
        folder.mkdir(parents=True)
        shutil.copy(output / "results" / "table-V.json", folder)
    file = repository / "docs" / "results-real-readings.json"
    assert file in report.publish()
    assert list(overview.published_readings()) == ["montgomery-whole"]
    [(id, read)] = overview.published_readings()["montgomery-whole"].items()
    assert id == "table-V" and read.table().equals(records[id].table())
    [line] = tables((repository / "docs" / "verdicts.md").read_text())[
        "real images, read in another way"
    ]
    assert line["real images, read in another way"] == "montgomery-whole"
    shutil.rmtree(output / "grid")
    assert file not in report.publish() and not file.exists()
    assert line["verdicts"] == line["verdicts as profile `real` reads them"]


@pytest.mark.slow
def test_publish_refuses_what_must_not_be_published(repository, output):
    path = output / "results" / "table-V.json"
    good = path.read_text()
    for profile in ("smoke", None):
        path.write_text(json.dumps(json.loads(good) | {"profile": profile}))
        with pytest.raises(ValueError, match=f"one profile other than smoke, found .*{profile}"):
            report.publish()
    path.write_text(good)
    readme = repository / "README.md"
    readme.write_text(readme.read_text().replace("headline:end", "headline end"))
    with pytest.raises(ValueError, match="expected one line <!-- headline:begin -->"):
        report.publish()
    assert not (repository / "docs" / "results.json").exists()


def of_this_version():
    """Whether docs/results.json was published since records hold trainings and null models."""
    content = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return all("kind" in c for record in content.values() for c in record["comparisons"])


published = pytest.mark.skipif(
    not of_this_version(),
    reason="docs/results.json is of dkg 0.2: its records hold no trainings; dkg reproduce and dkg "
    "report --publish make it again",
)


@pytest.mark.slow
@published
def test_published_numbers_are_those_of_readme():
    records = {
        id: results.loads(json.dumps(content), id)
        for id, content in json.loads(PUBLISHED.read_text(encoding="utf-8")).items()
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    marks = "<!-- headline:begin -->\n", "<!-- headline:end -->"
    assert readme.split(marks[0])[1].split(marks[1])[0] == report.headline(records)
    for page, block in (("verdicts.md", report.everything), ("gallery.md", report.gallery)):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert text.split(marks[0])[1].split(marks[1])[0] == block(records)


def test_front_page_is_short_and_light():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
    assert (ROOT / "docs" / "images" / "front.png").stat().st_size < 250_000
    pictures = [path for path in (ROOT / "docs" / "images").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in pictures) < 2_000_000


def test_every_thumbnail_of_the_gallery_is_there_and_shown():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"images/gallery/([^)]+\.webp)", text))
    assert shown == {path.name for path in (ROOT / "docs" / "images" / "gallery").iterdir()}


@published
def test_published_records_are_of_everything_and_of_one_profile():
    content = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert list(content) == list(COMPARISONS)
    (profile,) = {record["profile"] for record in content.values()}
    assert profile not in ("smoke", None)


@pytest.mark.slow
@published
@pytest.mark.parametrize("id", COMPARISONS)
def test_published_verdict_follows_from_the_numbers(id):
    content = json.loads(PUBLISHED.read_text(encoding="utf-8"))[id]
    anew = results.loads(json.dumps(content), id)
    assert (anew.verdict, anew.why) == (content["verdict"], content["why"])
    for comparison, now in zip(content["comparisons"], COMPARISONS[id], strict=True):
        assert comparison["holds"] == anew.holds(now.name)
        expected = {
            key: ["NaN" if value != value else value for value in field]
            if isinstance(field, tuple)
            else field
            for key, field in dataclasses.asdict(now).items()
        }
        assert {key: comparison[key] for key in expected} == expected
