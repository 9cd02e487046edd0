"""The report: every record beside the paper's numbers, as Markdown and as one HTML file.

``figures/report/report.html`` needs no other file and no network: its pictures are inside. The
templates are in ``templates``. Nothing here measures or judges.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from dkg import paths
from dkg.paper import ERRATA, OBSERVATIONS
from dkg.reproduction.comparisons import CHANGES
from dkg.reproduction.profiles import read
from dkg.reproduction.records import Record, dumps, load_all
from dkg.reproduction.report import collecting, overview
from dkg.reproduction.report.gallery import gallery, write_thumbnails
from dkg.reproduction.report.overview import SYMBOLS
from dkg.reproduction.report.readme import everything, headline, outcomes
from dkg.reproduction.report.wording import render
from dkg.storage import files

__all__ = ["SYMBOLS", "compact", "everything", "gallery", "headline", "publish", "write"]

_OF_REAL_IMAGES = {"full", "real"}

_BLOCK = re.compile(r"(?<=<!-- headline:begin -->\n).*?(?=<!-- headline:end -->)", re.DOTALL)
_PICTURE = "front.png"


def write(draw: collecting.Draw) -> dict[str, list[str]]:
    """Write ``report/report.html`` and ``report/report.md`` in the output folder.

    Parameters
    ----------
    draw : callable
        Draws the record of a table that has no picture of its own: `dkg.plots.paper_and_ours`.

    Returns
    -------
    dict of str to list of str
        What keeps the report from being complete, such as a missing record or a stale one, and the
        ids that it is true of. Empty where everything is there and current.

    Raises
    ------
    ValueError
        If a file in ``results/`` is not a record.
    """
    records = load_all()
    sections = [collecting.section(id, records.get(id), draw) for id in collecting.order(records)]
    view = {
        "groups": {
            heading: chosen
            for kind, heading in collecting.KINDS.items()
            if (chosen := [s for s in sections if s["id"].startswith(f"{kind}-")])
        },
        "outcomes": outcomes(records),
        "first": overview.first_table(records),
        "kinds": overview.by_kind(records),
        "kind_names": overview.KIND_NAMES,
        "telling": overview.by_table(records),
        "verdicts": Counter(section["verdict"] for section in sections),
        "grid": collecting.grid(),
        "symbols": SYMBOLS,
        "made_of": collecting.made_with(records.values()),
        "errata": ERRATA,
        "observations": OBSERVATIONS,
        "changes": CHANGES,
    }
    folder = paths.output() / "report"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "report.md"):
        with files.atomic(folder / name) as temporary:
            temporary.write_text(render(name, view), encoding="utf-8")
    problems: dict[str, list[str]] = {}
    for shown in sections:
        for problem in shown["problems"]:
            problems.setdefault(problem, []).append(shown["id"])
    return problems


def publish() -> list[Path]:
    """Write what is published of the records, for the maintainers.

    That is ``docs/results.json``, the outcome in ``README.md``, the table of everything in
    ``docs/verdicts.md``, the thumbnails of ``docs/gallery.md`` if all images were phantoms, and,
    where ``dkg report`` has drawn it, the picture of the first page.

    Records of a profile that runs on real images only, ``real`` or ``full``, are written to
    ``docs/results-real.json``, and those of images that the profile also reads in other ways to
    ``docs/results-real-readings.json``. The other pages are then made of the published records of
    phantoms, and stay as they are if there are none.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    ValueError
        If a file in ``results/`` is not a record, if the records are not all of one profile, or
        of ``smoke``, or if a page has not the two marks between which its part stands.
    OSError
        If a file cannot be read or written.
    """
    records = load_all()
    docs = paths.root() / "docs"
    profiles = {str(record.profile) for record in records.values()}
    if len(profiles) != 1 or profiles & {"None", "smoke"}:
        raise ValueError(
            f"{paths.output() / 'results'}: expected the records of one profile other than smoke, "
            f"found {', '.join(sorted(profiles)) or 'none'}"
        )
    of_real = profiles <= _OF_REAL_IMAGES
    numbers = docs / (overview.REAL if of_real else "results.json")
    phantoms = overview.published("results.json") if of_real else records
    pages = {paths.root() / "README.md": headline, docs / "verdicts.md": everything}
    pages |= {docs / "gallery.md": gallery}
    texts = {page: _marked(page) for page in pages} if phantoms else {}
    with files.atomic(numbers) as temporary:
        temporary.write_text(compact(records), encoding="utf-8")
    written = [numbers]
    readings = _readings(profiles.pop()) if of_real else {}
    if readings:
        with files.atomic(docs / overview.READINGS) as temporary:
            parts = [f"{json.dumps(n)}: {compact(made).strip()}" for n, made in readings.items()]
            temporary.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
        written.append(docs / overview.READINGS)
    elif of_real:
        (docs / overview.READINGS).unlink(missing_ok=True)
    thumbnails = [] if of_real else write_thumbnails(records)
    # The verdicts on real images in README are read from the file that was just written.
    for page, text in texts.items():
        before, after = _BLOCK.split(text)
        with files.atomic(page) as temporary:
            temporary.write_text(before + pages[page](phantoms) + after, encoding="utf-8")
        written.append(page)
    drawn = paths.output() / _PICTURE
    if drawn.is_file() and not of_real:
        (docs / "images").mkdir(exist_ok=True)
        with files.atomic(docs / "images" / _PICTURE) as temporary:
            temporary.write_bytes(drawn.read_bytes())
        written.append(docs / "images" / _PICTURE)
    return written + thumbnails


def _readings(profile: str) -> dict[str, dict[str, Record]]:
    """Return the records of a profile's further runs, by the names that it gives them."""
    further = read(profile).values.get("also") or {}
    folders = {
        label: paths.output() / "grid" / f"{notebook}-{label}" / "results"
        for notebook, runs in further.items()
        for label in runs
    }
    found = {label: load_all(folder) for label, folder in folders.items() if folder.is_dir()}
    return {label: made for label, made in found.items() if made}


def _marked(page: Path) -> str:
    """Return the text of a page that has the two marks once."""
    text = page.read_text(encoding="utf-8")
    if len(_BLOCK.findall(text)) != 1:
        raise ValueError(
            f"{page}: expected one line <!-- headline:begin --> and, after it, one line "
            "<!-- headline:end -->"
        )
    return text


def compact(records: Mapping[str, Record]) -> str:
    """Return records as one JSON object by id, a line each.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns.

    Returns
    -------
    str
        JSON text; `dkg.reproduction.records.loads` reads each value of the object.
    """
    lines = []
    for id, record in records.items():
        content = json.loads(dumps(record))
        lines.append(f"{json.dumps(id)}: {json.dumps(content, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
