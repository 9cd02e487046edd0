"""What sums the records up: verdicts on phantoms and on real images, and counts by kind."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_args

from dkg import paths
from dkg.reproduction.comparisons import CLAIMS, COMPARISONS
from dkg.reproduction.comparisons.comparison import Kind
from dkg.reproduction.judge import judge
from dkg.reproduction.measured import Measured
from dkg.reproduction.panel import AES, UNTRAINED
from dkg.reproduction.recording import measured
from dkg.reproduction.records import SYMBOLS as VERDICT_SYMBOLS
from dkg.reproduction.records import Record, loads

SYMBOLS = VERDICT_SYMBOLS | {"missing": "–"}

NOT_RUN = "not run"

REAL, READINGS = "results-real.json", "results-real-readings.json"
"""Files in ``docs/``: records of real images, and of the same images read in other ways."""

KIND_NAMES: dict[Kind, str] = {
    "result": "results",
    "construction": "construction (parameters, layers, and what holds for any XOR cipher)",
    "input": "inputs (properties of the plaintexts; not counted)",
    "implementation": "implementations (times; not counted)",
}
"""The kinds of numbers in the order in which they are counted, results first."""


class Count(NamedTuple):
    """How many numbers there are, were judged, agree with the paper, and tell it from noise.

    ``discriminates`` counts the numbers that every null model fails; ``nulls`` how many each null
    model agrees with.
    """

    numbers: int
    judged: int
    holds: int
    discriminates: int
    nulls: dict[str, int]


def comparisons_of(id: str, record: Record | None) -> list[Measured]:
    """Return a record's comparisons; without a record, the paper's numbers with none of ours."""
    return (
        record.comparisons if record else judge([measured(c) for c in COMPARISONS[id]]).comparisons
    )


def count(comparisons: Iterable[Measured]) -> Count:
    """Count the numbers of some comparisons."""
    numbers = judged = holds = discriminates = 0
    nulls: dict[str, int] = {}
    for c in comparisons:
        numbers += len(c["holds"])
        judged += len(c["holds"]) - c["holds"].count(None)
        holds += c["holds"].count(True)
        discriminates += c["discriminates"].count(True)
        for name, held in c["null_holds"].items():
            nulls[name] = nulls.get(name, 0) + held.count(True)
    return Count(numbers, judged, holds, discriminates, nulls)


def by_kind(records: Mapping[str, Record]) -> dict[str, Count]:
    """Return the counts of the numbers that the paper prints in tables, for each kind."""
    printed = [
        c
        for id in COMPARISONS
        if id.startswith("table-")
        for c in comparisons_of(id, records.get(id))
        if c["printed"]
    ]
    return {kind: count(c for c in printed if c["kind"] == kind) for kind in get_args(Kind)}


def beside_null_models(records: Mapping[str, Record]) -> dict[str, int]:
    """Count results of the tables like with like: those that were judged for every kind of keys.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns.

    Returns
    -------
    dict of str to int
        ``judged`` for the network, AES and untrained networks alike, and how many of these agree
        with the paper for each: ``network``, ``aes`` and ``untrained``; ``agree``, ``of`` and
        ``telling``: how many results agree, were judged, and both agree and discriminate.
    """
    names = ("judged", "network", "aes", "untrained", "agree", "of", "telling")
    found = dict.fromkeys(names, 0)
    for c in (c for id in by_table(records) for c in comparisons_of(id, records.get(id))):
        if c["kind"] != "result" or not c["printed"]:
            continue
        n = len(c["holds"])
        nulls = [c["null_holds"].get(name) or [None] * n for name in (AES, UNTRAINED)]
        for held, tells, of_aes, of_untrained in zip(
            c["holds"], c["discriminates"], *nulls, strict=True
        ):
            found["of"] += held is not None
            found["agree"] += held is True
            found["telling"] += bool(held and tells)
            if None not in (held, of_aes, of_untrained):
                found["judged"] += 1
                found["network"] += bool(held)
                found["aes"] += bool(of_aes)
                found["untrained"] += bool(of_untrained)
    return found


def by_table(records: Mapping[str, Record]) -> dict[str, Count]:
    """Return the counts of the results of each table that has any."""
    found = {}
    for id in COMPARISONS:
        results = [c for c in comparisons_of(id, records.get(id)) if c["kind"] == "result"]
        if id.startswith("table-") and results:
            found[id] = count(results)
    return found


def published(name: str) -> dict[str, Record]:
    """Return the records of a file in ``docs/``; none if it is absent, or of an earlier version."""
    return _records(_content(name))


def published_readings() -> dict[str, dict[str, Record]]:
    """Return the published records of real images that were read in other ways, by their names."""
    return {name: _records(part) for name, part in _content(READINGS).items()}


def _content(name: str) -> dict[str, Any]:
    try:
        content = json.loads((paths.root() / "docs" / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _records(content: Mapping[str, Any]) -> dict[str, Record]:
    found = {}
    for id, record in content.items():
        try:
            found[id] = loads(json.dumps(record), id)
        except ValueError:
            continue
    return found


def first_table(records: Mapping[str, Record]) -> list[dict[str, Any]]:
    """Return the report's first table: a row for each claim of the paper and table of results.

    Parameters
    ----------
    records : mapping of str to Record
        Those of the run that the report is made of. Whether they are of phantoms or of real
        images, the others are those that are published in ``docs/``.

    Returns
    -------
    list of dict
        ``id``, ``words``, ``phantoms`` and ``real`` (verdicts), ``trainings`` and ``nulls``.
    """
    origins = {images["origin"] for record in records.values() for images in record.images}
    of_real = origins == {"files"}
    phantoms = published("results.json") if of_real else records
    real = records if of_real else published("results-real.json")
    ids = [id for id in CLAIMS if id.startswith("claim-")]
    ids += [id for id in by_table(records) if id not in ids]
    rows = []
    for id in ids:
        both = [found.get(id) for found in (phantoms, real)]
        shown = records.get(id)
        trainings = dict.fromkeys(str(r.trainings) for r in both if r and r.trainings)
        rows.append(
            {
                "id": id,
                "words": CLAIMS[id].words if id in CLAIMS else f"Table {id.partition('-')[2]}",
                "phantoms": verdict(both[0]),
                "real": verdict(both[1]),
                "trainings": ", ".join(trainings) or "–",
                "nulls": null_models(shown) if shown else "–",
            }
        )
    return rows


def verdict(record: Record | None) -> str:
    """Return a record's verdict with its symbol, or that it was not run."""
    if record is None:
        return NOT_RUN
    provisional = " (provisional)" if record.provisional else ""
    return f"{SYMBOLS[record.verdict]} {record.verdict_in_words}{provisional}"


def null_models(record: Record) -> str:
    """Return with how many of the statements that decide each null model agrees."""
    statements = [
        s
        for c in record.comparisons
        if c["kind"] == "result" and c["decides"]
        for s in c["statements"]
    ]
    names = dict.fromkeys(name for s in statements for name in s["nulls"])
    found = []
    for name in names:
        held = [s["nulls"][name]["inside"] for s in statements if name in s["nulls"]]
        found.append(f"{name} {held.count(True)} of {len(held)}")
    return ", ".join(found) or "–"
