"""The report: every record beside the paper's numbers, as Markdown and as one HTML file.

``figures/report/report.html`` needs no other file and no network: its pictures are inside. The
templates are in ``templates``. Nothing here measures or judges: `dkg.reproduction.records` does.
"""

import base64
import dataclasses
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from dkg import paper, paths, plots
from dkg.reproduction import records as results
from dkg.reproduction.records import Record
from dkg.storage import files

SYMBOLS = results.SYMBOLS | {"missing": "–"}

FIGURES = {
    "1": "From the modality to the workstation.",
    "2": "Encryption and decryption.",
    "3": "The networks.",
    "4": "How a key is made, in four steps.",
    "5": "Keys of four trainings.",
    "6": "Histogram of a key.",
    "7": "Histograms of plaintexts and ciphertexts.",
    "8": "Decryption by an attacker who knows the transformation domain.",
    "9": "Decryption by an attacker who knows the network's structure.",
    "10": "Four keys of the same training conditions, each tried on the others' ciphertexts.",
    "11": "Histograms of ciphertexts of different algorithms.",
    "12": "Encryption and decryption of the three sets.",
    "13": "Two transformation domains.",
}
"""What each figure shows, in our words; the paper prints long captions."""

# The lines of README's table: tables, what they are about, and the comparisons whose range is
# shown, by what they are called there. Where one range says nothing, only the counts are.
_GROUPS: tuple[tuple[tuple[str, ...], str, dict[str, tuple[str, ...]]], ...] = (
    (("I", "II", "XVI"), "layers and parameters of the networks", {}),
    (("III",), "keys", {"entropy in bits": ("entropy",)}),
    (
        ("IV",),
        "keys of two seeds that differ in one pixel",
        {"NPCR in %": ("npcr",), "UACI in %": ("uaci",)},
    ),
    (("V", "VI", "VII"), "ciphertexts", {"entropy in bits": ("cipher_entropy",)}),
    (
        ("VIII", "IX", "X"),
        "plaintext against ciphertext",
        {"MSE": ("mse",), "SSIM": ("ssim",)},
    ),
    (
        ("XI", "XII", "XIII"),
        "neighbouring pixels of ciphertexts",
        {"correlation": ("cipher_horizontal", "cipher_vertical", "cipher_diagonal")},
    ),
    (
        ("XIV", "XV"),
        "ciphertexts and plaintexts under the keys of two seeds that differ in one pixel",
        {"NPCR in %": ("npcr",), "UACI in %": ("uaci",)},
    ),
    (("XVII",), "P-values of six key generators in four tests", {}),
    (("XVIII", "XX"), "keys and ciphertexts of six generators", {"entropy in bits": ("entropy",)}),
    (("XIX",), "time of six key generators, beside DeepKeyGen's", {}),
    (("XXI",), "entropy of keys at 45 settings of the training", {}),
)

_BLOCK = re.compile(r"(?<=<!-- headline:begin -->\n).*?(?=<!-- headline:end -->)", re.DOTALL)

_KINDS = {
    "claim": "Claims",
    "table": "Tables",
    "figure": "Figures",
    "beyond": "Beyond the paper",
}

# A longer list of numbers is summed up; the record holds all of them.
_LONGEST_LIST = 16

# Noise does not compress: the page with all pictures as they are would have over 20 MB. Bytes, and
# pixels, twice what the page is wide.
_LARGE_PICTURE = 200_000
_WIDEST = 1600


def write() -> dict[str, list[str]]:
    """Write ``report/report.html`` and ``report/report.md`` in the output folder.

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
    records = results.load_all()
    stale = {id: results.stale(record) for id, record in records.items()}
    sections = [_section(id, records.get(id), stale.get(id, [])) for id in _order(records)]
    view = {
        "groups": {
            heading: chosen
            for kind, heading in _KINDS.items()
            if (chosen := [s for s in sections if s["id"].startswith(f"{kind}-")])
        },
        "counts": _counts(records),
        "verdicts": Counter(section["verdict"] for section in sections),
        "grid": _grid(),
        "symbols": SYMBOLS,
        "made_of": _made_of(records.values()),
        "paper": paper,
    }
    folder = paths.output() / "report"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "report.md"):
        with files.atomic(folder / name) as temporary:
            temporary.write_text(_render(name, view), encoding="utf-8")
    problems: dict[str, list[str]] = {}
    for section in sections:
        for problem in section["problems"]:
            problems.setdefault(problem, []).append(section["id"])
    return problems


def publish() -> list[Path]:
    """Write ``docs/results.json`` and the table in ``README.md``, for the maintainers.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    ValueError
        If a file in ``results/`` is not a record, if the records are not all of one profile, or
        of ``smoke``, or if README.md has not the two marks between which the table stands.
    OSError
        If a file cannot be read or written.
    """
    records = results.load_all()
    readme, numbers = paths.root() / "README.md", paths.root() / "docs" / "results.json"
    profiles = {str(record.profile) for record in records.values()}
    if len(profiles) != 1 or profiles & {"None", "smoke"}:
        raise ValueError(
            f"{paths.output() / 'results'}: expected the records of one profile other than smoke, "
            f"found {', '.join(sorted(profiles)) or 'none'}"
        )
    text = readme.read_text(encoding="utf-8")
    if len(_BLOCK.findall(text)) != 1:
        raise ValueError(
            f"{readme}: expected one line <!-- headline:begin --> and, after it, one line "
            "<!-- headline:end -->"
        )
    with files.atomic(numbers) as temporary:
        temporary.write_text(compact(records), encoding="utf-8")
    with files.atomic(readme) as temporary:
        temporary.write_text(_BLOCK.sub(lambda _: headline(records), text), encoding="utf-8")
    return [numbers, readme]


def compact(records: Mapping[str, Record]) -> str:
    """Return records as one JSON object by id, a line each, without what else was measured.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns.

    Returns
    -------
    str
        JSON text; `dkg.reproduction.records.loads` reads each value of the object.
    """
    lines = (
        json.dumps(id)
        + ": "
        + json.dumps(
            json.loads(results.dumps(dataclasses.replace(record, more={}))), ensure_ascii=False
        )
        for id, record in records.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def headline(records: Mapping[str, Record]) -> str:
    """Return README's table: a line for each claim and for each group of tables.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns; a missing one is said to be missing.

    Returns
    -------
    str
        Markdown.
    """
    rows = [_claim_row(records, id) for id in paper.CLAIMS if id.startswith("claim-")]
    for tables, what, shown in _GROUPS:
        ids = [f"table-{number}" for number in tables]
        name = f"Table{'s'[: len(tables) > 1]} {_listed(tables)}: {what}"
        rows.append(_group_row(records, ids, name, shown))
    ids = [id for id in paper.COMPARISONS if id.startswith("figure-")]
    rows.append(_group_row(records, ids, "Figures 1 to 13: what the text says that they show", {}))
    rows += [_claim_row(records, id) for id in paper.CLAIMS if id.startswith("beyond-")]
    view = {"rows": rows, "counts": _counts(records), "made_of": _made_of(records.values())}
    return _render("headline.md", view)


def _claim_row(records, id):
    """Return README's line on one claim."""
    words, record = paper.CLAIMS[id].words, records.get(id)
    if id.startswith("beyond-"):
        words = f"(not in the paper) {words}"
    if record is None:
        return (words, "not measured", f"{SYMBOLS['missing']} missing", [])
    verdict = f"{SYMBOLS[record.verdict]} {record.verdict_in_words}"
    return (words, record.sentence, verdict, _notebooks(records, [id]))


def _group_row(records, ids, name, shown):
    """Return README's line on several records: the paper's ranges, ours, and the verdicts."""
    comparisons = [c for id in ids for c in _comparisons(id, records.get(id))]
    theirs, ours = [], []
    for label, names in shown.items():
        chosen = [c for c in comparisons if c["name"] in names]
        decimals = _decimals(chosen[0])
        theirs.append(f"{label} {_range([v for c in chosen for v in c['paper']], decimals)}")
        ours.append(f"{label} {_range([v for c in chosen for v in c['ours']], decimals)}")
    holds = [held for c in comparisons for held in c["holds"]]
    ours.append(f"{holds.count(True)} of {len(holds)} numbers within their tolerance")
    found = Counter(records[id].verdict if id in records else "missing" for id in ids)
    verdict = (
        f"{SYMBOLS[next(iter(found))]} {next(iter(found))}"
        if len(found) == 1
        else ", ".join(f"{SYMBOLS[v]} {found[v]} {v}" for v in SYMBOLS if found[v])
    )
    return ("; ".join([name, *theirs]), "; ".join(ours), verdict, _notebooks(records, ids))


def _grid() -> dict[str, Any]:
    """Return how the numbers of each record came out over the runs of a grid, stale ones left out.

    Returns
    -------
    dict
        ``rows``: one for each record; ``runs``: their names; ``stale``: how many were left out.
    """
    found: dict[str, list[Record]] = {}
    runs, stale = [], 0
    for folder in sorted((paths.output() / "grid").glob("*/results")):
        records = results.load_all(folder)
        current = {id: record for id, record in records.items() if not results.stale(record)}
        stale += len(records) - len(current)
        if current:
            runs.append(folder.parent.name)
        for id, record in current.items():
            found.setdefault(id, []).append(record)
    rows = []
    for id in _order({}):
        records = found.get(id, [])
        if not records:
            continue
        verdicts = Counter(record.verdict for record in records)
        # The same comparisons in each, as none is stale: their numbers make one long list.
        merged = [
            same[0] | {key: [v for c in same for v in c[key]] for key in ("ours", "holds")}
            for same in zip(*(record.comparisons for record in records), strict=True)
        ]
        rows.append(
            {
                "title": records[0].title.partition(":")[0] if id not in paper.CLAIMS else id,
                "runs": len(records),
                "lines": [_line(comparison) for comparison in merged],
                "verdicts": ", ".join(f"{SYMBOLS[v]} {n} {v}" for v, n in verdicts.items()),
            }
        )
    return {"rows": rows, "runs": runs, "stale": stale}


def _notebooks(records: Mapping[str, Record], ids: Iterable[str]) -> list[str]:
    return sorted({records[id].notebook for id in ids if id in records and records[id].notebook})


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _order(records: Mapping[str, Record]) -> list[str]:
    """Return the ids of all comparisons, and of records beyond them, in the report's order."""
    kinds = list(_KINDS)
    romans = {number: place for place, number in enumerate(paper.TABLES)}

    def place(id: str) -> tuple[int, int]:
        kind, number = id.split("-", 1)
        within = int(number) if kind == "figure" else romans.get(number, 0)
        return kinds.index(kind), within

    return sorted({**paper.COMPARISONS, **records}, key=place)


def _comparisons(id: str, record: Record | None) -> list[dict[str, Any]]:
    """Return a record's comparisons; without a record, the paper's numbers with none of ours."""
    if record is not None:
        return record.comparisons
    return [
        dataclasses.asdict(c) | {key: [None] * len(c.labels) for key in ("ours", "holds")}
        for c in paper.COMPARISONS[id]
    ]


def _section(id: str, record: Record | None, stale: Sequence[str]) -> dict[str, Any]:
    """Return all that the templates show of one table, figure or claim."""
    kind, number = id.split("-", 1)
    claim = paper.CLAIMS.get(id)
    title = claim.words.removesuffix(".") if claim else f"{kind.capitalize()} {number}"
    caption = {
        "claim": f"Section {claim.where}." if claim else "",
        "beyond": "Not in the paper.",
        "table": paper.CAPTIONS.get(number, ""),
        "figure": FIGURES.get(number, ""),
    }.get(kind, "")
    section: dict[str, Any] = {
        "id": id,
        "title": title,
        "caption": caption,
        "claim": claim,
        "verdict": "missing",
        "verdict_in_words": "missing",
        "why": "no record; dkg reproduce makes it",
        "finding": _finding(claim, record) if claim else None,
        "lines": [_line(c) for c in _comparisons(id, record)],
        "comparisons": [_numbers(c) for c in _comparisons(id, record)],
        "record": record,
        "stale": stale,
        "problems": [f"stale: {reason}" for reason in stale],
        "picture": None,
        "picture_file": record.figure if record else None,
        "more": [],
    }
    if record is None:
        section["problems"] = ["no record"]
    else:
        section |= {
            "verdict": record.verdict,
            "verdict_in_words": record.verdict_in_words,
            "why": record.why,
            "more": _tables(record.more),
        }
        if kind == "table" and record.figure is None:
            section["picture_file"] = _draw(record)
        if section["picture_file"] is None:
            section["problems"] += ["no picture"] if kind == "figure" else []
        else:
            try:
                picture = (paths.output() / section["picture_file"]).read_bytes()
            except FileNotFoundError:
                section["problems"].append("its picture is gone")
            else:
                section["picture"] = _embedded(picture)
    return section | {"symbol": SYMBOLS[section["verdict"]]}


def _draw(record: Record) -> str:
    """Draw a record that has no picture of its own, and return the picture's name."""
    figure = plots.paper_and_ours(record)
    for ending in ("svg", "png"):
        with files.atomic(paths.output() / f"{record.id}.{ending}") as temporary:
            figure.savefig(temporary, format=ending, dpi=150)
    return f"{record.id}.png"


def _embedded(picture: bytes) -> str:
    """Return a PNG picture as a data URI; a large one smaller, and with some loss, as WebP."""
    kind = "png"
    if len(picture) > _LARGE_PICTURE:
        kind, smaller = "webp", io.BytesIO()
        with Image.open(io.BytesIO(picture)) as image:
            image.thumbnail((_WIDEST, _WIDEST * 2))
            image.convert("RGB").save(smaller, "WEBP", quality=80)
        picture = smaller.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _finding(claim: paper.Claim, record: Record | None) -> str:
    """Return what can be said of a claim, in the words of `dkg.paper`."""
    if record is None:
        return "Not measured."
    if record.verdict == "cannot be judged":
        return "Too little was measured to judge it."
    agree = all(held is not False for c in record.comparisons for held in c["holds"])
    return claim.holds if agree else claim.fails


def _line(comparison: Mapping[str, Any]) -> dict[str, str]:
    """Return one comparison as a line of the summary: the ranges, and how many numbers hold."""
    decimals, holds = _decimals(comparison), comparison["holds"]
    bound = comparison["rule"] in ("at least", "at most")
    unit = f" {comparison['unit']}" if comparison["unit"] else ""
    theirs = _accepted(comparison, 0) if bound else _range(comparison["paper"], decimals)
    ours = _range(comparison["ours"], decimals)
    unmeasured = holds.count(None)
    return {
        "what": comparison["what"],
        "paper": theirs + unit,
        "ours": ours if unmeasured == len(holds) else ours + unit,
        "held": f"{holds.count(True)} of {len(holds)}"
        + (f", {unmeasured} not measured" if 0 < unmeasured < len(holds) else ""),
    }


def _numbers(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return one comparison with all its numbers."""
    decimals = _decimals(comparison)
    unit = f", in {comparison['unit']}" if comparison["unit"] else ""
    return {
        "what": comparison["what"] + unit,
        "printed": comparison["printed"],
        "tolerance": _tolerance(comparison),
        "reason": comparison["reason"],
        "rows": [
            {
                "label": label,
                "paper": _number(comparison["paper"][i], decimals),
                "ours": _number(comparison["ours"][i], decimals),
                "accepted": _accepted(comparison, i),
                "holds": {True: "✓ yes", False: "✗ no", None: "–"}[comparison["holds"][i]],
            }
            for i, label in enumerate(comparison["labels"])
        ],
    }


def _tolerance(comparison: Mapping[str, Any]) -> str:
    """Return rule and tolerance in words."""
    rule = comparison["rule"]
    size = _range(comparison["tolerance"], None)
    exact = not any(comparison["tolerance"])
    if rule == "within":
        return "the same number" if exact else f"at most {size} away"
    if rule == "factor":
        return f"at most {size} times larger or smaller"
    if rule == "decision":
        return f"on the same side of {size}"
    margin = f", or {size} {'below' if rule == 'at least' else 'above'} it"
    return f"{rule} the number" + ("" if exact else margin)


def _accepted(comparison: Mapping[str, Any], i: int) -> str:
    """Return which numbers of ours hold."""
    rule, value, margin = (
        comparison["rule"],
        comparison["paper"][i],
        comparison["tolerance"][i],
    )
    decimals = _decimals(comparison)

    def number(bound: float) -> str:
        return _number(bound, decimals)

    if math.isnan(value):
        return "NaN"
    if rule == "within":
        return _range([value - margin, value + margin], decimals)
    if rule == "factor":
        return _range([value / margin, value * margin], decimals)
    if rule == "decision":
        return f"at least {margin:g}" if value >= margin else f"below {margin:g}"
    return f"{rule} {number(value - margin if rule == 'at least' else value + margin)}"


def _decimals(comparison: Mapping[str, Any]) -> int | None:
    """Return how many decimals the paper prints; None for a number that it does not print."""
    if not comparison["printed"]:
        return None
    # A mean is printed with as many decimals as what it is the mean of.
    name = comparison["name"].removeprefix("mean_")
    texts = [
        repr(value)
        for c in paper.COMPARISONS.get(comparison["record"], ())
        if c.name.removeprefix("mean_") == name
        for value in c.paper
    ]
    decimals = [len(text.partition(".")[2]) for text in texts if "e" not in text]
    return max(decimals, default=None)


def _number(value: float | None, decimals: int | None) -> str:
    """Return a number with the paper's decimals, or with five digits where these are None."""
    if value is None:
        return "not measured"
    if not math.isfinite(value):
        return str(value).replace("nan", "NaN")
    if decimals is None:
        return f"{value:,.5g}"
    if 0 < abs(value) < 0.5 * 10**-decimals:
        return f"{value:.3g}"
    return f"{value:,.{decimals}f}"


def _range(values: Iterable[float | None], decimals: int | None) -> str:
    """Return the smallest and the largest number."""
    known = [value for value in values if value is not None]
    if not known:
        return "not measured"
    finite = [value for value in known if math.isfinite(value)]
    others = [value for value in known if not math.isfinite(value)]
    ends = [_number(value, decimals) for value in (finite and [min(finite), max(finite)])]
    words = [" to ".join(dict.fromkeys(ends))] if ends else []
    return ", ".join(words + list(dict.fromkeys(_number(value, None) for value in others)))


def _tables(more: Mapping[str, Any], title: str = "") -> list[dict[str, Any]]:
    """Return what else was measured as tables: one for each level, or for dicts of equal keys."""
    leaves = {key: value for key, value in more.items() if not isinstance(value, Mapping)}
    tables = []
    if leaves:
        rows = [(key, [_cell(value)]) for key, value in leaves.items()]
        tables.append({"title": title, "columns": [], "rows": rows})
    for key, inner in more.items():
        if key in leaves or not inner:
            continue
        name = f"{title}: {key}" if title else key
        columns = [tuple(row) if isinstance(row, Mapping) else None for row in inner.values()]
        flat = all(
            not isinstance(value, Mapping)
            for row in inner.values()
            if isinstance(row, Mapping)
            for value in row.values()
        )
        if columns[0] and flat and len(set(columns)) == 1:
            rows = [(label, [_cell(v) for v in row.values()]) for label, row in inner.items()]
            tables.append({"title": name, "columns": list(columns[0]), "rows": rows})
        else:
            tables += _tables(inner, name)
    return tables


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        numbers = [v for v in value if isinstance(v, (int, float)) and math.isfinite(v)]
        if len(value) > _LONGEST_LIST and len(numbers) == len(value):
            mean = _number(math.fsum(numbers) / len(numbers), None)
            return f"{len(value)} numbers, {_range(numbers, None)}, mean {mean}"
        return ", ".join(_cell(inner) for inner in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, 0 if isinstance(value, int) else None)
    return "–" if value is None else str(value)


def _counts(records: Mapping[str, Record]) -> dict[str, int]:
    """Return how many of the numbers printed in tables were measured, and how many hold."""
    holds = [
        held
        for id in paper.COMPARISONS
        if id.startswith("table-")
        for comparison in _comparisons(id, records.get(id))
        if comparison["printed"]
        for held in comparison["holds"]
    ]
    measured = [held for held in holds if held is not None]
    return {"printed": len(holds), "measured": len(measured), "within": sum(measured)}


def _made_of(records: Iterable[Record]) -> dict[str, list[str]]:
    """Return what the records were made with, each kind of it once."""
    records = list(records)
    images: dict[tuple[str, str], int] = {}
    for image_set in (image_set for record in records for image_set in record.images):
        key = image_set["name"], image_set["origin"]
        images[key] = max(images.get(key, 0), image_set["n"])
    written = sorted(record.provenance["written"] for record in records)
    made_of = {
        "profile": {record.profile or "none" for record in records},
        "images": {
            f"{name}: {'synthetic' if origin == 'synthetic' else 'real'}, up to {n} at once"
            for (name, origin), n in images.items()
        },
        "networks": {_network(network) for record in records for network in record.networks},
        "made with": {
            f"dkg {p['dkg']}, Python {p['python']}, torch {p['torch']}, {p['device']}, "
            f"{p['threads']} thread{'s'[: p['threads'] > 1]}"
            for p in (record.provenance for record in records)
        },
        "commit": {record.provenance["commit"] or "unknown" for record in records},
        "time": {f"{written[0]} to {written[-1]}"} if written else (),
    }
    return {key: sorted(values) for key, values in made_of.items() if values}


def _network(network: Mapping[str, Any]) -> str:
    trained_on = {"synthetic": "synthetic images", "files": "real images", None: "unknown images"}
    return (
        f"{network['name']}: {network['steps']:,} steps on {trained_on[network['trained_on']]}, "
        f"SHA-256 {network['sha256'][:12]}"
    )


def _render(name: str, view: Mapping[str, Any]) -> str:
    """Fill a template; everything that is put in is escaped, for HTML or for Markdown."""
    html = name.endswith(".html")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(paths.PACKAGE / "reproduction" / "templates"),
        autoescape=html,
        finalize=None if html else _markdown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["network"] = _network
    return environment.get_template(name).render(view)


def _markdown(value: Any) -> Any:
    """Escape text for a cell of a Markdown table or for a paragraph."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return re.sub(r"([\\`*_\[\]<>|&~$])", r"\\\1", " ".join(value.split()))
