"""One record per table, figure and claim: the paper's numbers, ours, and a verdict.

A record holds our values beside those of `dkg.paper.COMPARISONS`, with the tolerance and its
reason, what else was measured, and where everything comes from. The verdict is computed from the
numbers, each time that a record is made or read; no caller can set it.

``figures/results/<id>.json`` holds a record; ``dkg/record.schema.json`` says what a record is.
"""

import functools
import hashlib
import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pandas as pd

import dkg
from dkg import data, paths
from dkg.paper import CAPTIONS, CLAIMS, COMPARISONS
from dkg.storage import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dkg.keys import KeyGenerator

VERDICTS = ("reproduced", "partly", "not reproduced", "cannot be judged")
CLAIM_VERDICTS = dict(
    zip(VERDICTS, ("holds", "holds in part", "does not hold", "cannot be judged"), strict=True)
)
SYMBOLS = dict(zip(VERDICTS, "✓◐✗?", strict=True))

# Sources that show results and make none.
_ONLY_SHOW = ("cli.py", "plots", "report.py", "widgets")

# Rounding in the last bit of a sum must not decide.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Record:
    """What was measured for one table, figure or claim.

    Attributes
    ----------
    id : str
        ``"table-III"``, ``"figure-6"`` or ``"claim-..."``: a key of `dkg.paper.COMPARISONS`.
    verdict : str
        One of `VERDICTS`.
    why : str
        How the verdict follows from the numbers.
    sentence : str
        What came out, in words.
    comparisons : list of dict
        One for each of the record's `dkg.paper.Comparison`: its fields, and ``ours`` and
        ``holds``, lists as long as ``paper``, with None for what was not measured.
    more : dict
        What else was measured: names and numbers, lists of numbers, or dicts of them.
    images : list of dict
        The image sets: ``name``, ``origin``, ``n``, ``fingerprint``.
    networks : list of dict
        The networks: ``name``, ``sha256``, ``steps``, ``trained_on``.
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

    id: str
    verdict: str
    why: str
    sentence: str
    comparisons: list[dict[str, Any]]
    more: dict[str, Any]
    images: list[dict[str, Any]]
    networks: list[dict[str, Any]]
    seeds: dict[str, int]
    missing: str | None
    figure: str | None
    profile: str | None
    notebook: str | None
    provenance: dict[str, Any]

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
        """Return the numbers, one row each: what, paper, rule, tolerance, ours, holds."""
        rows = []
        for c in self.comparisons:
            what = c["what"] + (f", in {c['unit']}" if c["unit"] else "")
            cells = (c["labels"], c["paper"], c["tolerance"], c["ours"], c["holds"])
            for label, paper, tolerance, ours, holds in zip(*cells, strict=True):
                word = {True: "yes", False: "no", None: "not measured"}[holds]
                rows.append((what, label, paper, c["rule"], tolerance, ours, word))
        columns = ["what", "of", "paper", "rule", "tolerance", "ours", "holds"]
        # Objects, so that what was not measured stays None beside a NaN that was.
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def numbers(self) -> list[float]:
        """Return every number that the record holds, NaN left out."""
        found: list[float] = []

        def collect(value: Any) -> None:
            if isinstance(value, Mapping):
                for key, inner in value.items():
                    collect(inner)
                    collect(_number_in(key))
            elif isinstance(value, (list, tuple)):
                for inner in value:
                    collect(inner)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                found.append(float(value))

        for comparison in self.comparisons:
            collect([comparison[name] for name in ("paper", "tolerance", "ours")])
        collect([self.more, self.seeds, [network["steps"] for network in self.networks]])
        collect([self.provenance["seconds"], [images["n"] for images in self.images]])
        return [number for number in found if not math.isnan(number)]

    def _repr_html_(self) -> str:
        shown = self.table()
        for column in ("paper", "tolerance", "ours"):
            shown[column] = [_shown(value) for value in shown[column]]
        shown["what"] = shown["what"].where(shown["what"].shift() != shown["what"], "")
        left = {"selector": "th, td", "props": "text-align: left"}
        short = {"selector": "td:not(:first-child)", "props": "white-space: nowrap"}
        style = shown.style.hide(axis="index").set_table_styles([left, short])
        return (
            f"<p><strong>{self.title}</strong><br>{SYMBOLS[self.verdict]} "
            f"<strong>{self.verdict_in_words}</strong>: {self.why}.</p>{style.to_html()}"
            f"<p>{self.sentence}</p>"
        )

    def __repr__(self) -> str:
        return f"{self.id}: {self.verdict_in_words} ({self.why})"


def record(
    id: str,
    ours: Mapping[str, float | Sequence[float | None]],
    sentence: str,
    *,
    images: data.ImageSet | Iterable[data.ImageSet] = (),
    networks: "KeyGenerator | Iterable[KeyGenerator]" = (),
    more: Mapping[str, Any] | None = None,
    figure: "Figure | None" = None,
    seeds: Mapping[str, int] | None = None,
    missing: str | None = None,
) -> Record:
    """Judge measured numbers, and write them with their provenance.

    Parameters
    ----------
    id : str
        A key of `dkg.paper.COMPARISONS`.
    ours : mapping of str to float or sequence of float
        For each comparison, by its name, our numbers in the order of its labels. Fewer numbers
        than labels, None, or a comparison left out mean "not measured"; NaN is a value, such as
        the entropy of a network that broke down.
    sentence : str
        What came out, in plain words.
    images : ImageSet or iterable of ImageSet
        What it was measured on, as `dkg.data.load` returned it.
    networks : KeyGenerator or iterable of KeyGenerator
        The networks that took part.
    more : mapping, optional
        What else was measured: numbers, lists of numbers, or mappings of them, by name.
    figure : matplotlib.figure.Figure, optional
        Saved as ``<id>.png`` and ``<id>.svg`` in the output folder.
    seeds : mapping of str to int, optional
        The random seeds of the measurement.
    missing : str, optional
        Why numbers are missing; required if some are.

    Returns
    -------
    Record
        The record, as written to ``results/<id>.json`` in the output folder.

    Raises
    ------
    ValueError
        If `id` or a comparison's name is unknown, if there are more numbers than labels, or if
        numbers are missing without a reason.
    TypeError
        If a value is not a number.
    """
    if id not in COMPARISONS:
        raise ValueError(f"no comparisons for {id!r}; there are: {', '.join(COMPARISONS)}")
    known = {comparison.name: comparison for comparison in COMPARISONS[id]}
    unknown = set(ours) - set(known)
    if unknown:
        raise ValueError(f"{id} has no comparison {sorted(unknown)}; it has {list(known)}")
    image_sets = [images] if isinstance(images, data.ImageSet) else list(images)
    generators = list(networks) if isinstance(networks, Iterable) else [networks]

    comparisons = [
        asdict(comparison) | {"ours": _measured(comparison, ours.get(name))}
        for name, comparison in known.items()
    ]
    if missing is None and any(None in comparison["ours"] for comparison in comparisons):
        raise ValueError(f"{id}: numbers are missing; say why with missing=")
    content = {
        "id": id,
        "sentence": sentence,
        "comparisons": comparisons,
        "more": _plain(more or {}),
        "images": [
            {"name": s.name, "origin": s.origin, "n": len(s.images), "fingerprint": s.fingerprint}
            for s in image_sets
        ],
        "networks": [
            {
                "name": generator.name,
                "sha256": generator.sha256,
                "steps": generator.metadata["training"]["step"],
                "trained_on": generator.metadata["training"]["description"].get("origin"),
            }
            for generator in generators
        ],
        "seeds": dict(seeds or {}),
        "missing": missing,
        "figure": f"{id}.png" if figure is not None else None,
        "profile": os.environ.get("DKG_PROFILE"),
        "notebook": os.environ.get("DKG_NOTEBOOK"),
        "provenance": _provenance(),
    }
    made = _judged(content)
    folder = paths.output() / "results"
    folder.mkdir(parents=True, exist_ok=True)
    if figure is not None:
        for ending in ("png", "svg"):
            with files.atomic(paths.output() / f"{id}.{ending}") as temporary:
                figure.savefig(temporary, format=ending, dpi=150)
    with files.atomic(folder / f"{id}.json") as temporary:
        temporary.write_text(dumps(made))
    return made


def dumps(made: Record) -> str:
    """Return a record as JSON text; NaN, which JSON does not have, is the string ``"NaN"``."""
    content = _without_nan({field.name: getattr(made, field.name) for field in fields(made)})
    _schema().validate(content)
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str, name: str = "record") -> Record:
    """Return the record of a JSON text, checked against the schema and judged anew.

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
        content = json.loads(text)
        _schema().validate(content)
    except (json.JSONDecodeError, jsonschema.ValidationError, RecursionError) as error:
        reason = getattr(error, "message", str(error))
        raise ValueError(f"{name}: not a record of results: {reason}") from None
    content = _with_nan(content)
    for c in content["comparisons"]:
        lengths = {len(c[key]) for key in ("labels", "paper", "tolerance", "ours")}
        if len(lengths) != 1:
            raise ValueError(f"{name}: {c['name']} has lists of different lengths")
    return _judged(content)


def load_all(folder: str | os.PathLike | None = None) -> dict[str, Record]:
    """Read every record of a folder.

    Parameters
    ----------
    folder : path-like, optional
        Default ``results/`` in the output folder.

    Returns
    -------
    dict of str to Record
        By id, in the order of `dkg.paper.COMPARISONS`.

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


def stale(made: Record) -> list[str]:
    """Say why a record is not what would be measured now.

    Parameters
    ----------
    made : Record
        Such as `load_all` returns.

    Returns
    -------
    list of str
        One reason each for other comparisons, other code, other weights and other images; empty
        for a record that is current.
    """
    reasons = []
    now = [_without_nan(asdict(comparison)) for comparison in COMPARISONS.get(made.id, ())]
    then = [
        {key: value for key, value in c.items() if key not in ("ours", "holds")}
        for c in made.comparisons
    ]
    if json.dumps(now) != json.dumps(_without_nan(then)):
        reasons.append("its comparisons are not those of dkg.paper now")
    if made.provenance["code_sha256"] != code_sha256():
        reasons.append("made by other code")
    notebook = made.provenance["notebook_sha256"]
    if notebook is not None and notebook != notebook_sha256(made.notebook):
        reasons.append(f"made by another version of {made.notebook}")
    for network in made.networks:
        current = _weights_sha256(network["name"])
        if current != network["sha256"]:
            reasons.append(f"the network {network['name']} is another one now, or gone")
    for images in made.images:
        try:
            current = _fingerprint(images["name"], images["n"])
        except (ValueError, OSError) as error:
            reasons.append(f"its images cannot be read: {error}")
        else:
            if current != images["fingerprint"]:
                reasons.append(f"the {images['name']} images are others now")
    return list(dict.fromkeys(reasons))


def code_sha256() -> str:
    """Return the SHA-256 over every source file that numbers can depend on, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        if path.relative_to(paths.PACKAGE).parts[0] in _ONLY_SHOW:
            continue
        digest.update(str(path.relative_to(paths.PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def notebook_sha256(notebook: str | None) -> str | None:
    """Return the SHA-256 of a notebook's file, or None if there is none of this name."""
    path = paths.notebooks() / f"{notebook}.ipynb"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _judged(content: Mapping[str, Any]) -> Record:
    """Compute what holds, the verdict and its reason, and make the record."""
    content = dict(content)
    synthetic = None
    if any(network["trained_on"] == "synthetic" for network in content["networks"]):
        synthetic = "networks trained on synthetic images"
    if any(images["origin"] == "synthetic" for images in content["images"]):
        synthetic = "synthetic images"
    comparisons, cells, capped = [], [], False
    for comparison in content["comparisons"]:
        numbers = zip(comparison["paper"], comparison["ours"], comparison["tolerance"], strict=True)
        holds = [
            None if ours is None else bool(_within(comparison["rule"], paper, ours, tolerance))
            for paper, ours, tolerance in numbers
        ]
        comparisons.append(comparison | {"holds": holds})
        cells += holds
        capped |= bool(synthetic and comparison["images"] and True in holds)
    measured, good = sum(cell is not None for cell in cells), sum(cell is True for cell in cells)
    if 2 * measured < len(cells) or not measured:
        verdict, why = "cannot be judged", f"{measured} of {len(cells)} numbers were measured"
    else:
        why = f"{good} of {measured} measured numbers within their tolerance"
        if measured < len(cells):
            why += f", {len(cells) - measured} not measured"
        if good == len(cells) and not capped:
            verdict = "reproduced"
        elif 2 * good >= measured:
            verdict = "partly"
        else:
            verdict = "not reproduced"
        if good == len(cells) and capped:
            why += f"; {synthetic} can support them, not reproduce them"
    if content["missing"]:
        why += f" ({content['missing']})"
    content |= {"verdict": verdict, "why": why, "comparisons": comparisons}
    return Record(**{field.name: content[field.name] for field in fields(Record)})


def _within(rule: str, paper: float, ours: float, tolerance: float) -> bool:
    if math.isnan(paper) or math.isnan(ours):
        return math.isnan(paper) and math.isnan(ours)
    if rule == "within":
        return abs(ours - paper) <= tolerance + _ROUNDING
    if rule == "factor":
        return ours > 0 and paper / tolerance <= ours <= paper * tolerance
    if rule == "at least":
        return ours >= paper - tolerance - _ROUNDING
    if rule == "at most":
        return ours <= paper + tolerance + _ROUNDING
    if rule == "decision":
        return (ours >= tolerance) == (paper >= tolerance)
    raise ValueError(f"no rule {rule!r}")


def _measured(comparison: Any, values: Any) -> list[float | None]:
    """Return our numbers as a list as long as the paper's."""
    values = _plain(values)
    values = list(values) if isinstance(values, list) else [values]
    where = f"{comparison.record}, {comparison.name}"
    if len(values) > len(comparison.labels):
        raise ValueError(f"{where}: {len(values)} numbers for {len(comparison.labels)} labels")
    for value in values:
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"{where}: expected numbers, got {value!r}")
    return values + [None] * (len(comparison.labels) - len(values))


def _plain(value: Any) -> Any:
    """Return numbers, lists and dicts of Python for those of NumPy and pandas."""
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, pd.DataFrame):
        return _plain(value.to_dict())
    if isinstance(value, pd.Series):
        return _plain(value.to_dict())
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    raise TypeError(f"a record holds numbers, lists and dicts, not {type(value).__name__}")


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return value


def _with_nan(value: Any) -> Any:
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _with_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_nan(inner) for inner in value]
    return value


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if abs(value) < 1000 else f"{value:,.2f}".removesuffix(".00")


def _number_in(text: Any) -> Any:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


@functools.cache
def _schema() -> jsonschema.Draft202012Validator:
    schema = json.loads((paths.PACKAGE / "reproduction" / "record.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@functools.cache
def _fingerprint(name: str, n: int) -> str:
    return data.load(name, n=n).fingerprint


def _weights_sha256(name: str) -> str | None:
    from dkg.keys import list_weights, weights_entry

    if name in list_weights():
        return weights_entry(name)["sha256"]
    path = Path(name)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


_last = time.perf_counter()


def _provenance() -> dict[str, Any]:
    """Return what made a record; seconds run from the record before it in this process."""
    import torch

    global _last
    now = time.perf_counter()
    seconds, _last = now - _last, now
    commit = _git("rev-parse", "HEAD")
    return {
        "dkg": dkg.__version__,
        "commit": commit and commit + ("" if _git("status", "--porcelain") == "" else ", changed"),
        "code_sha256": code_sha256(),
        "notebook_sha256": notebook_sha256(os.environ.get("DKG_NOTEBOOK")),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }


def _git(*arguments: str) -> str | None:
    """Return what git says about the checkout, or None where there is none."""
    if not (paths.PACKAGE.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=paths.PACKAGE.parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
