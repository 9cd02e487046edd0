"""One record per table, figure and claim: the paper's numbers, ours, and a verdict, as JSON.

A record holds our values beside those of `COMPARISONS`, with the tolerance and its reason, what
else was measured, and its provenance. The verdict is computed from the numbers, each time that a
record is made or read; no caller can set it. ``figures/results/<id>.json`` holds a record.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
from pydantic import ConfigDict, Field, JsonValue, StrictInt, TypeAdapter, ValidationError

from dkg import paths
from dkg.paper import CAPTIONS
from dkg.reproduction.comparisons import CLAIMS, COMPARISONS
from dkg.reproduction.judge import LEAST_TRAININGS, VERDICTS, Verdict, judge
from dkg.reproduction.measured import Measured
from dkg.reproduction.provenance import Images, Network, Provenance
from dkg.reproduction.sentences import accepted, number, outcome, scale_of

if TYPE_CHECKING:
    from pandas.io.formats.style_render import CSSDict

CLAIM_VERDICTS: dict[str, str] = dict(
    zip(VERDICTS, ("holds", "holds in part", "does not hold", "cannot be judged"), strict=True)
)
_WORDS = {True: "yes", False: "no", None: "not judged"}
SYMBOLS: dict[str, str] = dict(zip(VERDICTS, "✓◐✗?", strict=True))

_Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Record:
    """What was measured for one table, figure or claim; what a JSON file of one must hold.

    Attributes
    ----------
    id : str
        ``"table-III"``, ``"figure-6"`` or ``"claim-..."``: a key of `COMPARISONS`.
    verdict : str
        One of `VERDICTS`.
    why : str
        How the verdict follows from the numbers.
    sentence : str
        The result in words.
    comparisons : list of dict
        See `dkg.reproduction.measured.Measured`.
    more : dict
        What else was measured: names and numbers, lists of numbers, or dicts of them.
    images, networks : list of dict
        What it was measured on.
    seeds : dict of str to int
        The random seeds of the measurement.
    missing : str or None
        Why numbers are missing, where some are.
    figure : str or None
        Name of the picture in the output folder.
    profile, notebook : str or None
        What ran.
    provenance : dict
        Versions, commit, hash of the code, device, threads, time.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern="^(table-[IVX]+|figure-[0-9]+|(claim|beyond)-[a-z-]+)$")]
    verdict: Verdict
    why: _Text
    sentence: _Text
    comparisons: Annotated[list[Measured], Field(min_length=1)]
    more: dict[str, JsonValue]
    images: list[Images]
    networks: list[Network]
    seeds: dict[str, StrictInt]
    missing: str | None
    figure: Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]+\.png$")] | None
    profile: str | None
    notebook: str | None
    provenance: Provenance

    @property
    def title(self) -> str:
        """``Table III``, ``Figure 6``, or what is claimed."""
        if self.id in CLAIMS:
            return CLAIMS[self.id].words
        kind, number = self.id.split("-", 1)
        caption = CAPTIONS.get(number, "") if kind == "table" else ""
        return f"{kind.capitalize()} {number}" + (f": {caption}" if caption else "")

    @property
    def verdict_in_words(self) -> str:
        """The verdict; for a claim whether it holds."""
        return CLAIM_VERDICTS[self.verdict] if self.id in CLAIMS else self.verdict

    @property
    def trainings(self) -> int | None:
        """The fewest trainings that a number of the record was judged with; None without any."""
        numbers = [
            s["trainings"] for c in self.comparisons for s in c["statements"] if c["trained"]
        ]
        return min((n for n in numbers if n), default=None)

    @property
    def provisional(self) -> bool:
        """Whether fewer trainings than `LEAST_TRAININGS` decided."""
        return self.trainings is not None and self.trainings < LEAST_TRAININGS

    def holds(self, name: str) -> list[bool | None]:
        """Return for each number of a comparison whether it is within its tolerance.

        Parameters
        ----------
        name : str
            Name of one of the record's comparisons.

        Returns
        -------
        list of bool or None
            None for a number that was not measured.

        Raises
        ------
        KeyError
            If the record has no such comparison.
        """
        for comparison in self.comparisons:
            if comparison["name"] == name:
                return comparison["holds"]
        raise KeyError(f"{self.id} has no comparison {name!r}")

    def table(self) -> pd.DataFrame:
        """Return the numbers, one row each: what, paper, rule, ours, holds, discriminates."""
        rows = []
        for c in self.comparisons:
            what = c["what"] + (f", in {c['unit']}" if c["unit"] else "")
            cells = (c["labels"], c["paper"], c["ours"], c["holds"], c["discriminates"])
            for label, paper, ours, holds, discriminates in zip(*cells, strict=True):
                words = [_WORDS[held] for held in (holds, discriminates)]
                rows.append((what, label, c["kind"], paper, c["rule"], ours, *words))
        columns = ["what", "of", "kind", "paper", "rule", "ours", "holds", "discriminates"]
        # Objects, so that what was not measured stays None beside a NaN that was.
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def statements(self) -> pd.DataFrame:
        """Return what is judged, a row each: a number, or the mean of a row, and null models."""
        rows = []
        for c in self.comparisons:
            what = c["what"] + (f", in {c['unit']}" if c["unit"] else "")
            for label, s in zip(c["labels"], c["statements"], strict=False):
                scale = scale_of(c["rule"], s)
                spread = accepted(s["least"], s["most"], scale)
                rows.append(
                    {
                        "what": what,
                        "of": f"mean of {len(c['labels'])}" if c["over"] == "row" else label,
                        "kind": c["kind"],
                        "paper": number(s["paper"], scale),
                        "ours": number(s["ours"], scale),
                        "trainings": str(s["trainings"] or ""),
                        "their median (range)": f"{number(s['median'], scale)} ({spread})"
                        if s["trainings"] > 1
                        else "",
                        "accepted": accepted(s["low"], s["high"], scale),
                        "by resampling": accepted(*s["bootstrap"]) if s["bootstrap"] else "",
                        "holds": _WORDS[s["inside"]],
                    }
                    | {
                        name: f"{number(null['ours'])}: {_WORDS[null['inside']]}"
                        for name, null in s["nulls"].items()
                    }
                )
        return pd.DataFrame(rows).fillna("")

    def numbers(self) -> list[float]:
        """Return every number that the record holds, NaN left out."""
        fields_ = ("paper", "tolerance", "ours", "samples", "nulls", "spread", "statements")
        compared = [[c[name] for name in fields_] for c in self.comparisons]  # type: ignore[literal-required]
        counts = [[i["n"] for i in self.images], [n["steps"] for n in self.networks]]
        held = [compared, self.more, self.seeds, counts, self.provenance["seconds"]]
        return [number for number in _numbers(held) if not math.isnan(number)]

    def _repr_html_(self) -> str:
        shown = self.statements()
        shown["what"] = shown["what"].where(shown["what"].shift() != shown["what"], "")
        left: CSSDict = {"selector": "th, td", "props": "text-align: left"}
        short: CSSDict = {"selector": "td:not(:first-child)", "props": "white-space: nowrap"}
        style = shown.style.hide(axis="index").set_table_styles([left, short])
        return (
            f"<p><strong>{self.title}</strong><br>{SYMBOLS[self.verdict]} "
            f"<strong>{self.verdict_in_words}</strong>: {self.why}.</p>{style.to_html()}"
            f"<p>{self.sentence}</p>"
        )

    def __repr__(self) -> str:
        return f"{self.id}: {self.verdict_in_words} ({self.why})"


def dumps(made: Record) -> str:
    """Return a record as JSON text; NaN, which JSON does not have, is the string ``"NaN"``."""
    content: dict[str, Any] = {field.name: getattr(made, field.name) for field in fields(made)}
    _check(content, made.id)
    return json.dumps(_without_nan(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str, name: str = "record") -> Record:
    """Return the record of a JSON text, checked and judged anew.

    Parameters
    ----------
    text : str
        What `dumps` returned.
    name : str, default 'record'
        What error messages call it.

    Returns
    -------
    Record
        Its verdict follows from its numbers, whatever the text says.

    Raises
    ------
    ValueError
        If the text is not a record.
    """
    try:
        content = _with_nan(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name}: not a record of results: {error}") from None
    _check_version(content, name)
    _check(content, name)
    for c in content["comparisons"]:
        n = len(c["labels"])
        n_statements = 1 if c["over"] == "row" else n
        as_long = ((n, ("paper", "tolerance", "ours")), (n_statements, ("samples", "nulls")))
        if any(len(c[field]) != length for length, names in as_long for field in names):
            raise ValueError(f"{name}: {c['name']} has lists of different lengths")
    return judged(content)


def load_all(folder: str | os.PathLike[str] | None = None) -> dict[str, Record]:
    """Read every record of a folder.

    Parameters
    ----------
    folder : path-like, optional
        Default ``results/`` in the output folder.

    Returns
    -------
    dict of str to Record
        By id, in the order of `COMPARISONS`.

    Raises
    ------
    ValueError
        If a file is not a record, or its name is not its id.
    """
    folder = paths.output() / "results" if folder is None else Path(folder)
    found = {}
    for path in folder.glob("*.json"):
        try:
            text = path.read_text()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not a record of results: {error}") from None
        found[path.stem] = loads(text, str(path))
        if found[path.stem].id != path.stem:
            raise ValueError(f"{path}: holds the record {found[path.stem].id!r}")
    order = {id: place for place, id in enumerate(COMPARISONS)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def _check_version(content: Any, name: str) -> None:
    """Refuse a record of dkg 0.2 or earlier, which holds one training and no null models."""
    comparisons = content.get("comparisons") if isinstance(content, dict) else None
    first = comparisons[0] if isinstance(comparisons, list) and comparisons else None
    if isinstance(first, dict) and "rule" in first and "kind" not in first:
        raise ValueError(
            f"{name}: a record of dkg 0.2 or earlier, which holds no trainings and no null models; "
            "make it again: dkg reproduce"
        )


def _check(content: Any, name: str) -> None:
    """Raise an error that names the first field that is not as `Record` says."""
    try:
        _RECORD.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the text"
        raise ValueError(f"{name}: not a record of results: {field}: {first['msg']}") from None


def judged(content: Mapping[str, Any]) -> Record:
    """Return the record of its other fields: judge its comparisons."""
    judgement = judge(
        content["comparisons"],
        origins=[images["origin"] for images in content["images"]],
        trained_on=[network["trained_on"] for network in content["networks"]],
        missing=content["missing"],
    )
    made = {
        **content,
        "verdict": judgement.verdict,
        "why": judgement.why,
        "comparisons": judgement.comparisons,
    }
    made["sentence"] = content["sentence"] or outcome(content["id"], judgement, content["more"])
    # A record has its fields in one order, whatever the order of the text.
    return Record(**{field.name: made[field.name] for field in fields(Record)})


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return [_without_nan(v) for v in value] if isinstance(value, (list, tuple)) else value


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_nan(inner) for inner in value]
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def _numbers(value: Any) -> Iterator[float]:
    """Yield the numbers of a value and of what is in it; a key that reads as a number is one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner)
            with contextlib.suppress(ValueError):
                yield float(key)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


_RECORD = TypeAdapter(Record)
