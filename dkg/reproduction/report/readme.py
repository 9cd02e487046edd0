"""What is published: the outcome and the first claims in README, and the table of everything."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dkg.reproduction.comparisons import CLAIMS, COMPARISONS
from dkg.reproduction.measured import Measured, Statement
from dkg.reproduction.records import CLAIM_VERDICTS, Record
from dkg.reproduction.report import overview
from dkg.reproduction.report.overview import SYMBOLS, comparisons_of
from dkg.reproduction.report.wording import decimals_of, range_of, render
from dkg.reproduction.sentences import accepted, finding, number

_PLURAL = {
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold": "do not hold",
}

_Row = dict[str, Any]

# The claims that README shows, the most telling first; the table of everything has all of them.
_FIRST = (
    "claim-ciphertext-only",
    "claim-known-plaintext",
    "claim-chosen-ciphertext",
    "claim-seed-sensitivity",
    "claim-key-space",
    "claim-randomness",
    "claim-imitator",
    "claim-domain-security",
)

# The lines on tables: which, what they are about, and the comparisons whose range is shown, by what
# they are called there. Where one range says nothing, only the counts are.
_GROUPS: tuple[tuple[tuple[str, ...], str, dict[str, tuple[str, ...]]], ...] = (
    (("I", "II", "XVI"), "layers and parameters of the networks", {}),
    (("III",), "keys", {"entropy in bits": ("entropy",)}),
    (
        ("IV",),
        "keys of two seed images that differ in one pixel",
        {"NPCR in %": ("npcr",), "UACI in %": ("uaci",)},
    ),
    (("V", "VI", "VII"), "ciphertexts", {"entropy in bits": ("cipher_entropy",)}),
    (("VIII", "IX", "X"), "plaintext and ciphertext", {"MSE": ("mse",), "SSIM": ("ssim",)}),
    (
        ("XI", "XII", "XIII"),
        "neighbouring pixels of ciphertexts",
        {"correlation": ("cipher_horizontal", "cipher_vertical", "cipher_diagonal")},
    ),
    (
        ("XIV", "XV"),
        "ciphertexts and plaintexts, keys of two seed images that differ in one pixel",
        {"NPCR in %": ("npcr",), "UACI in %": ("uaci",)},
    ),
    (("XVII",), "P-values of six key generators in four tests", {}),
    (("XVIII", "XX"), "keys and ciphertexts of six generators", {"entropy in bits": ("entropy",)}),
    (("XIX",), "time of six key generators, relative to DeepKeyGen", {}),
    (("XXI",), "entropy of keys at 45 training settings", {}),
)


def headline(records: Mapping[str, Record]) -> str:
    """Return README's part on the outcome: how many claims hold, and a line for each of eight.

    Parameters
    ----------
    records : mapping of str to Record
        Those of phantoms. Verdicts and numbers on real images are those of
        ``docs/results-real.json``.

    Returns
    -------
    str
        Markdown. Without any record it says how to measure.
    """
    rows = [row for row in overview.first_table(records) if row["id"].startswith("claim-")]
    notebooks = {id: _notebooks(records, [id]) for id in _FIRST}
    first = sorted(
        (row for row in rows if row["id"] in _FIRST), key=lambda r: _FIRST.index(r["id"])
    )
    view = {
        "rows": first,
        "outcomes": outcomes(records),
        "notebooks": notebooks,
        "finding": _on_both(records, _FIRST[0]),
    }
    return render("headline.md", view)


def _on_both(records: Mapping[str, Record], id: str) -> str:
    """Return what was found of a claim, with its numbers on phantoms and on real images."""
    made = {"phantoms": records.get(id), "real images": overview.published(overview.REAL).get(id)}
    found = {name: record.comparisons for name, record in made.items() if record}
    if not found:
        return ""
    comparisons = next(iter(found.values()))
    said = [finding(id, comparisons)]
    for i, first in enumerate(comparisons):
        s = first["statements"][0]
        unit = f" {first['unit']}" if first["unit"] else ""
        numbers = [
            f"{_median(c[i]['statements'][0], unit)} on {name}"
            for name, c in found.items()
            if i < len(c)  # A published record may be of another version.
        ]
        said.append(
            f"{first['what'][:1].upper()}{first['what'][1:]}, median and range over the trainings: "
            f"{', '.join(numbers)}; {accepted(s['low'], s['high'])}{unit} is required."
        )
    return " ".join(said)


def _median(s: Statement, unit: str) -> str:
    """Return a statement's median over the trainings with its range, or the one number."""
    if s["median"] is None:
        return f"{number(s['ours'])}{unit}"
    ends = dict.fromkeys(number(end) for end in (s["least"], s["most"]))
    shown = f"{number(s['median'])}{unit}"
    return f"{shown} ({' to '.join(ends)})" if len(ends) > 1 else f"{shown} (in each)"


def outcomes(records: Mapping[str, Record]) -> dict[str, str]:
    """Return how many of the paper's claims hold, in words, on phantoms and on real images."""
    rows = [row for row in overview.first_table(records) if row["id"].startswith("claim-")]
    return {
        "On phantoms": _outcome([row["phantoms"] for row in rows]),
        "On real images": _outcome([row["real"] for row in rows]),
    }


def _outcome(verdicts: list[str]) -> str:
    """Return how many of the paper's claims have which verdict, in words; "" if none was judged."""
    words = [v[2:].removesuffix(" (provisional)") for v in verdicts if v != overview.NOT_RUN]
    found = Counter(words)
    if not found:
        return ""
    order = [word for word in CLAIM_VERDICTS.values() if found[word]]
    listed = _listed([f"{found[w]} {w if found[w] == 1 else _PLURAL.get(w, w)}" for w in order])
    return f"of {len(words)} claims of the paper, {listed}"


def everything(records: Mapping[str, Record]) -> str:
    """Return the part of docs/verdicts.md with a line for each claim and each group of tables.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns; a missing one is said to be missing.
        Verdicts on real images come from ``docs/results-real.json``.

    Returns
    -------
    str
        Markdown.
    """
    real = overview.published(overview.REAL)
    claims = [_claim_row(records, real, id) for id in CLAIMS]
    groups = []
    for tables, what, shown in _GROUPS:
        ids = [f"table-{number}" for number in tables]
        name = f"Table{'s'[: len(tables) > 1]} {_listed(tables)}: {what}"
        groups.append(_group_row(records, real, ids, name, shown))
    ids = [id for id in COMPARISONS if id.startswith("figure-")]
    name = "Figures 1 to 13: what the text says that they show"
    groups.append(_group_row(records, real, ids, name, {}))
    parts = {
        "claim of the paper": [row for row in claims if row["id"].startswith("claim-")],
        "claim that is not in the paper": [r for r in claims if r["id"].startswith("beyond-")],
    }
    kinds = overview.by_kind(records)
    view = {"parts": parts, "groups": groups, "kinds": kinds, "kind_names": overview.KIND_NAMES}
    both = {"Phantoms": records, "Real images": real}
    view["readings"] = [
        {
            "words": name,
            "real": _verdicts(made, list(made), overview.NOT_RUN),
            "default": _verdicts(real, list(made), overview.NOT_RUN),
            **_counts(c for record in made.values() for c in record.comparisons),
        }
        for name, made in overview.published_readings().items()
    ]
    view["beside"] = {name: overview.beside_null_models(made) for name, made in both.items()}
    return render("everything.md", view)


def _claim_row(records: Mapping[str, Record], real: Mapping[str, Record], id: str) -> _Row:
    """Return the line on one claim, with what was found in one sentence."""
    record = records.get(id)
    return {
        "id": id,
        "words": CLAIMS[id].words,
        "phantoms": overview.verdict(record) if record else f"{SYMBOLS['missing']} missing",
        "real": overview.verdict(real.get(id)),
        **_counts(comparisons_of(id, record)),
        "found": _first_sentence(finding(id, record.comparisons)) if record else "Not measured.",
        "notebooks": _notebooks(records, [id]),
    }


def _group_row(
    records: Mapping[str, Record],
    real: Mapping[str, Record],
    ids: list[str],
    name: str,
    shown: Mapping[str, Sequence[str]],
) -> _Row:
    """Return the line on several records, with the paper's ranges and ours."""
    comparisons = [c for id in ids for c in comparisons_of(id, records.get(id))]
    ranges = []
    for label, names in shown.items():
        chosen = [c for c in comparisons if c["name"] in names]
        decimals = decimals_of(chosen[0])
        theirs = range_of([v for c in chosen for v in c["paper"]], decimals)
        ours = range_of([v for c in chosen for v in c["ours"]], decimals)
        ranges.append(f"{label}: paper {theirs}, ours {ours}")
    return {
        "words": name,
        "phantoms": _verdicts(records, ids, "missing"),
        "real": _verdicts(real, ids, overview.NOT_RUN),
        **_counts(comparisons),
        "found": "; ".join(ranges),
        "notebooks": _notebooks(records, ids),
    }


def _verdicts(records: Mapping[str, Record], ids: Sequence[str], absent: str) -> str:
    """Return how many of several records have which verdict, or the one that all have."""
    found = Counter(records[id].verdict if id in records else absent for id in ids)
    symbols = {**SYMBOLS, overview.NOT_RUN: ""}
    shown = [v for v in symbols if found[v]]
    provisional = sum(records[id].provisional for id in ids if id in records)
    note = f" ({provisional} provisional)" if provisional else ""
    if len(shown) == 1:
        return f"{symbols[shown[0]]} {shown[0]}".strip() + note
    return ", ".join(f"{symbols[v]} {found[v]} {v}".strip() for v in shown) + note


def _counts(comparisons: Iterable[Measured]) -> dict[str, str]:
    """Return how many of the judged numbers agree, and how many numbers discriminate."""
    n = overview.count(c for c in comparisons if c["kind"] in ("result", "construction"))
    return {
        "agree": f"{n.holds}/{n.judged}" if n.judged else "–",
        "discriminate": str(n.discriminates) if n.nulls else "–",
    }


def _first_sentence(words: str) -> str:
    return re.split(r"(?<=\.) ", words, maxsplit=1)[0]


def _notebooks(records: Mapping[str, Record], ids: Iterable[str]) -> list[str]:
    made_by = {records[id].notebook for id in ids if id in records}
    return sorted(notebook for notebook in made_by if notebook)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
