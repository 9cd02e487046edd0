"""What is published: the outcome and the first claims in README, and the table of everything."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dkg.reproduction.comparisons import CLAIMS, COMPARISONS
from dkg.reproduction.records import CLAIM_VERDICTS, Record
from dkg.reproduction.report import overview
from dkg.reproduction.report.collecting import made_with
from dkg.reproduction.report.overview import SYMBOLS, comparisons_of
from dkg.reproduction.report.wording import decimals_of, range_of, render

_PLURAL = {
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold": "do not hold",
}

_Row = tuple[str, str, str, list[str]]

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

# The lines of the table of everything: tables, what they are about, and the comparisons whose range
# is shown, by what they are called there. Where one range says nothing, only the counts are.
_GROUPS: tuple[tuple[tuple[str, ...], str, dict[str, tuple[str, ...]]], ...] = (
    (("I", "II", "XVI"), "layers and parameters of the networks", {}),
    (("III",), "keys", {"entropy in bits": ("entropy",)}),
    (
        ("IV",),
        "keys of two seeds that differ in one pixel",
        {"NPCR in %": ("npcr",), "UACI in %": ("uaci",)},
    ),
    (("V", "VI", "VII"), "ciphertexts", {"entropy in bits": ("cipher_entropy",)}),
    (("VIII", "IX", "X"), "plaintext against ciphertext", {"MSE": ("mse",), "SSIM": ("ssim",)}),
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


def headline(records: Mapping[str, Record]) -> str:
    """Return README's part on the outcome: how many claims hold, and a line for each of eight.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns. Verdicts on real images come from
        ``docs/results-real.json``, if these records are of phantoms; and the reverse.

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
    finding = records[_FIRST[0]].sentence if _FIRST[0] in records else ""
    view = {
        "rows": first,
        "outcomes": outcomes(records),
        "notebooks": notebooks,
        "finding": finding,
    }
    return render("headline.md", view)


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
    """Return the table of docs/verdicts.md: a line for each claim and each group of tables.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns; a missing one is said to be missing.

    Returns
    -------
    str
        Markdown.
    """
    rows = [_claim_row(records, id) for id in CLAIMS if id.startswith("claim-")]
    for tables, what, shown in _GROUPS:
        ids = [f"table-{number}" for number in tables]
        name = f"Table{'s'[: len(tables) > 1]} {_listed(tables)}: {what}"
        rows.append(_group_row(records, ids, name, shown))
    ids = [id for id in COMPARISONS if id.startswith("figure-")]
    rows.append(_group_row(records, ids, "Figures 1 to 13: what the text says that they show", {}))
    rows += [_claim_row(records, id) for id in CLAIMS if id.startswith("beyond-")]
    kinds = overview.by_kind(records)
    made_of = made_with(records.values())
    view = {"rows": rows, "kinds": kinds, "kind_names": overview.KIND_NAMES, "made_of": made_of}
    return render("everything.md", view)


def _claim_row(records: Mapping[str, Record], id: str) -> _Row:
    """Return the line on one claim."""
    words, record = CLAIMS[id].words, records.get(id)
    if id.startswith("beyond-"):
        words = f"(not in the paper) {words}"
    if record is None:
        return (words, "not measured", f"{SYMBOLS['missing']} missing", [])
    return (words, record.sentence, overview.verdict(record), _notebooks(records, [id]))


def _group_row(
    records: Mapping[str, Record], ids: list[str], name: str, shown: Mapping[str, Sequence[str]]
) -> _Row:
    """Return the line on several records: the paper's ranges, ours, and the verdicts."""
    comparisons = [c for id in ids for c in comparisons_of(id, records.get(id))]
    theirs, ours = [], []
    for label, names in shown.items():
        chosen = [c for c in comparisons if c["name"] in names]
        decimals = decimals_of(chosen[0])
        theirs.append(f"{label} {range_of([v for c in chosen for v in c['paper']], decimals)}")
        ours.append(f"{label} {range_of([v for c in chosen for v in c['ours']], decimals)}")
    counted = [c for c in comparisons if c["kind"] in ("result", "construction")]
    ours.append(_counts(overview.count(counted)))
    found = Counter(records[id].verdict if id in records else "missing" for id in ids)
    verdict = (
        f"{SYMBOLS[next(iter(found))]} {next(iter(found))}"
        if len(found) == 1
        else ", ".join(f"{SYMBOLS[v]} {found[v]} {v}" for v in SYMBOLS if found[v])
    )
    return ("; ".join([name, *theirs]), "; ".join(ours), verdict, _notebooks(records, ids))


def _counts(counts: overview.Count) -> str:
    """Return how many numbers agree with the paper, and how many tell it from null models."""
    words = f"{counts.holds} of {counts.numbers} numbers agree with the paper"
    if counts.nulls:
        agreeing = ", ".join(f"{name} in {n}" for name, n in counts.nulls.items())
        words += f"; {counts.discriminates} are failed by every null model (agree: {agreeing})"
    return words if counts.numbers else "no number that counts"


def _notebooks(records: Mapping[str, Record], ids: Iterable[str]) -> list[str]:
    made_by = {records[id].notebook for id in ids if id in records}
    return sorted(notebook for notebook in made_by if notebook)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
