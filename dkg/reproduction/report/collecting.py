"""What the report shows: a section for each record, and what sums them up."""

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image

from dkg import paths
from dkg.paper import CAPTIONS, TABLES
from dkg.reproduction.comparisons import CLAIMS, COMPARISONS, Claim
from dkg.reproduction.recording import write_figure
from dkg.reproduction.records import Record, load_all
from dkg.reproduction.report.overview import SYMBOLS, comparisons_of
from dkg.reproduction.report.wording import (
    all_numbers,
    describe_network,
    statement_lines,
    summary_line,
    tables_of,
)
from dkg.reproduction.sentences import finding
from dkg.reproduction.staleness import stale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Record], "Figure"]

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

KINDS = {"claim": "Claims", "table": "Tables", "figure": "Figures", "beyond": "Beyond the paper"}

# Noise does not compress: the page with all pictures as they are would have over 20 MB. Bytes that
# a picture should have at most, and the widths in pixels and qualities that are tried for it. The
# last width is that of a page, at which the text of a figure has its own size.
_LARGE_PICTURE = 32_000
_SMALLER = ((1200, 80), (1200, 60), (1200, 40), (960, 40), (720, 40), (720, 25))

# A record is one screen high: on a wide screen a picture stands beside the text if it is higher for
# its width, or if its summary has more lines, and a sentence of more letters is folded.
_TALL = 0.5
_MANY_LINES = 3
_LONG_SENTENCE = 300


def order(records: Mapping[str, Record]) -> list[str]:
    """Return the ids of all comparisons, and of records beyond them, in the report's order."""
    kinds = list(KINDS)
    romans = {number: place for place, number in enumerate(TABLES)}

    def place(id: str) -> tuple[int, int]:
        kind, number = id.split("-", 1)
        within = int(number) if kind == "figure" else romans.get(number, 0)
        return kinds.index(kind), within

    return sorted({**COMPARISONS, **records}, key=place)


def section(id: str, record: Record | None, draw: Draw) -> dict[str, Any]:
    """Return all that the templates show of one table, figure or claim, or of a missing record."""
    kind, number = id.split("-", 1)
    claim = CLAIMS.get(id)
    reasons = stale(record) if record else []
    name, picture, problem = _picture(record, kind, draw) if record else (None, None, "no record")
    verdict = record.verdict if record else "missing"
    shown = comparisons_of(id, record)
    title, caption = title_and_caption(id)
    return {
        "id": id,
        "short": number.replace("-", " "),
        "title": title,
        "caption": caption,
        "claim": claim,
        "verdict": verdict,
        "verdict_in_words": record.verdict_in_words if record else verdict,
        "symbol": SYMBOLS[verdict],
        "provisional": record is not None and record.provisional,
        "why": record.why if record else "no record; dkg reproduce makes it",
        "finding": _finding(claim, record) if claim else None,
        "theirs": " or ".join(dict.fromkeys("paper" if c["printed"] else "bound" for c in shown)),
        "lines": [summary_line(c) for c in shown],
        "nulls": any(c["null_holds"] for c in shown),
        "statements": statement_lines(shown),
        "comparisons": [all_numbers(c) for c in shown],
        "numbers": sum(len(c["labels"]) for c in shown),
        "record": record,
        "long": record is not None and len(record.sentence) > _LONG_SENTENCE,
        "beside": picture is not None
        and (len(shown) > _MANY_LINES or picture["height"] > _TALL * picture["width"]),
        "stale": reasons,
        "problems": [f"stale: {reason}" for reason in reasons] + ([problem] if problem else []),
        "picture": picture,
        "picture_file": name,
        "more": tables_of(record.more) if record else [],
    }


def title_and_caption(id: str) -> tuple[str, str]:
    """Return what a record is called, and what it shows."""
    kind, number = id.split("-", 1)
    claim = CLAIMS.get(id)
    captions = {
        "claim": f"Section {claim.where}." if claim else "",
        "beyond": "Not in the paper.",
        "table": CAPTIONS.get(number, ""),
        "figure": FIGURES.get(number, ""),
    }
    title = claim.words.removesuffix(".") if claim else f"{kind.capitalize()} {number}"
    return title, captions[kind]


def _picture(
    record: Record, kind: str, draw: Draw
) -> tuple[str | None, dict[str, Any] | None, str | None]:
    """Return a record's picture by name and as the page shows it, and what is wrong with it."""
    name = record.figure
    if name is None and kind == "table":
        write_figure(record.id, draw(record), ("svg", "png"))
        name = f"{record.id}.png"
    if name is None:
        return None, None, "no picture" if kind == "figure" else None
    try:
        picture = (paths.output() / name).read_bytes()
    except FileNotFoundError:
        return name, None, "its picture is missing"
    return name, _embedded(picture), None


def _finding(claim: Claim, record: Record | None) -> str:
    """Return what can be said of a claim."""
    return finding(claim.record, record.comparisons) if record else "Not measured."


def _embedded(picture: bytes) -> dict[str, Any]:
    """Return a PNG picture as a data URI, with its width and height in pixels.

    A large one is made smaller: with 256 colours if that is enough, else with some loss, as WebP.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    kind = "png"
    if len(picture) > _LARGE_PICTURE:
        image.thumbnail((_SMALLER[0][0], image.height), Image.Resampling.LANCZOS)
        colours = image.quantize(256, dither=Image.Dither.NONE)
        picture = _encoded(colours, "PNG", optimize=True)
    for width, quality in _SMALLER:
        if len(picture) <= _LARGE_PICTURE:
            break
        image.thumbnail((width, image.height), Image.Resampling.LANCZOS)
        kind, picture = "webp", _encoded(image, "WEBP", quality=quality, method=6)
    uri = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    return {"uri": uri, "width": image.width, "height": image.height}


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def made_with(records: Iterable[Record]) -> dict[str, list[str]]:
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
        "networks": {describe_network(n) for record in records for n in record.networks},
        "made with": {
            f"dkg {p['dkg']}, Python {p['python']}, torch {p['torch']}, {p['device']}, "
            f"{p['threads']} thread{'s'[: p['threads'] > 1]}"
            for p in (record.provenance for record in records)
        },
        "commit": {record.provenance["commit"] or "unknown" for record in records},
        "time": {f"{written[0]} to {written[-1]}"} if written else (),
    }
    return {key: sorted(values) for key, values in made_of.items() if values}


def grid() -> dict[str, Any]:
    """Summarize the numbers of each record over the runs of a grid, without stale ones.

    ``rows`` has one for each record, ``runs`` their names, ``stale`` how many were left out.
    """
    found: dict[str, list[Record]] = {}
    runs, left_out = [], 0
    for folder in sorted((paths.output() / "grid").glob("*/results")):
        records = load_all(folder)
        current = [record for record in records.values() if not stale(record)]
        left_out += len(records) - len(current)
        if current:
            runs.append(folder.parent.name)
        for record in current:
            found.setdefault(record.id, []).append(record)
    rows = [_grid_row(id, found[id]) for id in order({}) if id in found]
    return {"rows": rows, "runs": runs, "stale": left_out}


def _grid_row(id: str, records: list[Record]) -> dict[str, Any]:
    """Summarize one record. As none is stale, the comparisons are the same in each."""
    merged = comparisons_of(id, None)
    for together, *same in zip(merged, *(record.comparisons for record in records), strict=True):
        together["ours"] = [value for comparison in same for value in comparison["ours"]]
        for field in ("holds", "discriminates"):
            together[field] = [held for comparison in same for held in comparison[field]]
        names = dict.fromkeys(name for comparison in same for name in comparison["null_holds"])
        together["null_holds"] = {
            name: [held for c in same for held in c["null_holds"].get(name, [])] for name in names
        }
    verdicts = Counter(record.verdict for record in records)
    return {
        "title": records[0].title.partition(":")[0] if id not in CLAIMS else id,
        "runs": len(records),
        "lines": [summary_line(comparison) for comparison in merged],
        "verdicts": ", ".join(f"{SYMBOLS[v]} {n} {v}" for v, n in verdicts.items()),
    }
