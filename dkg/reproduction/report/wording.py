"""Numbers, comparisons and networks as the report words them, and its templates filled."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2

from dkg.reproduction.comparisons import COMPARISONS
from dkg.reproduction.measured import Measured
from dkg.reproduction.provenance import Network
from dkg.reproduction.sentences import number, scale_of

# A longer list of numbers is summed up; the record holds all of them.
_LONGEST_LIST = 16

WORDS = {True: "✓ yes", False: "✗ no", None: "–"}
"""What a cell says of a number that holds, does not, or is not judged."""


def summary_line(comparison: Measured) -> dict[str, str]:
    """Return one comparison as a line of the summary: the ranges, and how many numbers hold."""
    decimals, holds = decimals_of(comparison), comparison["holds"]
    bound = comparison["rule"] in ("at least", "at most", "chance")
    unit = f" {comparison['unit']}" if comparison["unit"] else ""
    theirs = _accepted(comparison, 0) if bound else range_of(comparison["paper"], decimals)
    ours = range_of(comparison["ours"], decimals)
    unjudged = holds.count(None)
    telling = comparison["discriminates"].count(True)
    return {
        "what": comparison["what"],
        "kind": comparison["kind"],
        "paper": theirs + unit,
        "ours": ours if comparison["ours"].count(None) == len(holds) else ours + unit,
        "held": f"{holds.count(True)} of {len(holds)}"
        + (f", {unjudged} not judged" if 0 < unjudged < len(holds) else ""),
        "discriminates": f"{telling} of {len(holds)}" if comparison["null_holds"] else "–",
        "nulls": "; ".join(
            f"{name} {held.count(True)}" for name, held in comparison["null_holds"].items()
        )
        or "–",
    }


def all_numbers(comparison: Measured) -> dict[str, Any]:
    """Return one comparison with all its numbers, and what is judged of it."""
    decimals = decimals_of(comparison)
    unit = f", in {comparison['unit']}" if comparison["unit"] else ""
    return {
        "what": comparison["what"] + unit,
        "printed": comparison["printed"],
        "kind": comparison["kind"],
        "tolerance": _tolerance(comparison),
        "reason": comparison["reason"],
        "rows": [
            {
                "label": label,
                "paper": _number(comparison["paper"][i], decimals, _scale(comparison, i)),
                "ours": _number(comparison["ours"][i], decimals, _scale(comparison, i)),
                "accepted": _accepted(comparison, i),
                "holds": WORDS[comparison["holds"][i]],
                "discriminates": WORDS[comparison["discriminates"][i]],
            }
            for i, label in enumerate(comparison["labels"])
        ],
    }


def statement_lines(comparisons: Iterable[Measured]) -> list[dict[str, str]]:
    """Return what is judged over trainings or beside null models: a line for each."""
    lines = []
    for c in comparisons:
        decimals = decimals_of(c)
        for label, s in zip(c["labels"], c["statements"], strict=False):
            if s["trainings"] < 1 and not s["nulls"]:
                continue
            scale = scale_of(c["rule"], s)
            spread = range_of([s["least"], s["most"]], decimals, scale)
            lines.append(
                {
                    "what": c["what"],
                    "of": f"mean of {len(c['labels'])}" if c["over"] == "row" else label,
                    "paper": _number(s["paper"], decimals, scale),
                    "ours": _number(s["ours"], decimals, scale),
                    "trainings": f"{s['trainings']}: {_number(s['median'], decimals, scale)} "
                    f"({spread})",
                    "accepted": _between(s["low"], s["high"], decimals, scale),
                    "resampled": range_of(s["bootstrap"], decimals) if s["bootstrap"] else "–",
                    "level": f"{100 * s['level']:.4g} %" if c["rule"] == "interval" else "–",
                    "holds": WORDS[s["inside"]],
                    "nulls": "; ".join(
                        f"{name} {_number(null['ours'], decimals)} {WORDS[null['inside']]}"
                        for name, null in s["nulls"].items()
                    )
                    or "–",
                    "discriminates": WORDS[s["discriminates"]],
                }
            )
    return lines


def _tolerance(comparison: Measured) -> str:
    """Return the rule in words."""
    rule = comparison["rule"]
    size = range_of(comparison["tolerance"], None)
    exact = not any(comparison["tolerance"])
    if rule == "interval":
        return "the paper's number lies in the interval"
    if rule == "chance":
        return "at most what noise stays below"
    if rule == "exact" or (rule == "within" and exact):
        return "the same number"
    if rule == "within":
        return f"at most {size} away"
    if rule == "factor":
        return f"at most {size} times larger or smaller"
    if rule == "decision":
        return f"on the same side of {size}"
    margin = f", or {size} {'below' if rule == 'at least' else 'above'} it"
    return f"{rule} the number" + ("" if exact else margin)


def _accepted(comparison: Measured, i: int) -> str:
    """Return the range that the rule compares with: the interval, or which numbers of ours hold."""
    low, high = comparison["ends"][i]
    decimals = decimals_of(comparison)
    if math.isnan(comparison["paper"][i]):
        return "NaN"
    if comparison["rule"] == "decision":
        level = comparison["tolerance"][i]
        return f"below {level:g}" if low is None else f"at least {level:g}"
    return _between(low, high, decimals, _scale(comparison, i))


def _scale(comparison: Measured, i: int) -> float | None:
    """Return how near a number of ours is to a bound, which its digits must show."""
    ours, ends = comparison["ours"][i], comparison["ends"][i]
    known = [end for end in ends if end is not None]
    distances = [abs(ours - end) for end in known] if ours is not None else []
    return min((d for d in distances if math.isfinite(d) and d), default=None)


def _between(
    low: float | None, high: float | None, decimals: int | None, scale: float | None
) -> str:
    """Return a range with two ends, one or none."""
    if low is None and high is None:
        return "–"
    if low is None or high is None:
        bound = f"at most {_number(high, decimals, scale)}" if low is None else ""
        return bound or f"at least {_number(low, decimals, scale)}"
    return range_of([low, high], decimals, scale)


def decimals_of(comparison: Measured) -> int | None:
    """Return how many decimals the paper prints; None for a number that it does not print."""
    if not comparison["printed"]:
        return None
    # A mean is printed with as many decimals as what it is the mean of.
    name = comparison["name"].removeprefix("mean_")
    texts = [
        repr(value)
        for c in COMPARISONS.get(comparison["record"], ())
        if c.name.removeprefix("mean_") == name
        for value in c.paper
    ]
    decimals = [len(text.partition(".")[2]) for text in texts if "e" not in text]
    return max(decimals, default=None)


def _number(value: float | None, decimals: int | None, scale: float | None = None) -> str:
    """Return a number with the paper's decimals; where these are None, as in a sentence."""
    if value is None:
        return "not measured"
    if decimals is None or not math.isfinite(value):
        return number(value, scale)
    if 0 < abs(value) < 0.5 * 10**-decimals:
        return f"{value:.3g}"
    return f"{value:,.{decimals}f}"


def range_of(
    values: Iterable[float | None], decimals: int | None, scale: float | None = None
) -> str:
    """Return the smallest and the largest number."""
    known = [value for value in values if value is not None]
    if not known:
        return "not measured"
    finite = [value for value in known if math.isfinite(value)]
    others = [value for value in known if not math.isfinite(value)]
    scale = scale or (max(finite) - min(finite) if finite else None)
    ends = [_number(value, decimals, scale) for value in (finite and [min(finite), max(finite)])]
    words = [" to ".join(dict.fromkeys(ends))] if ends else []
    return ", ".join(words + list(dict.fromkeys(_number(value, None) for value in others)))


def tables_of(more: Mapping[str, Any], title: str = "") -> list[dict[str, Any]]:
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
            tables += tables_of(inner, name)
    return tables


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        numbers = [v for v in value if isinstance(v, (int, float)) and math.isfinite(v)]
        if len(value) > _LONGEST_LIST and len(numbers) == len(value):
            mean = _number(math.fsum(numbers) / len(numbers), None)
            return f"{len(value)} numbers, {range_of(numbers, None)}, mean {mean}"
        return ", ".join(_cell(inner) for inner in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, 0 if isinstance(value, int) else None)
    return "–" if value is None else str(value)


def describe_network(network: Network) -> str:
    """Return a network's name, training and hash."""
    trained_on = {"synthetic": "synthetic images", "files": "real images", None: "unknown images"}
    return (
        f"{network['name']}: {network['steps']:,} steps on {trained_on[network['trained_on']]}, "
        f"SHA-256 {network['sha256'][:12]}"
    )


def render(name: str, view: Mapping[str, Any]) -> str:
    """Fill a template; everything that is put in is escaped, for HTML or for Markdown."""
    html = name.endswith(".html")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dkg.reproduction.report"),
        autoescape=html,
        finalize=None if html else _markdown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["network"] = describe_network
    text: str = environment.get_template(name).render(view)
    return text


def _markdown(value: Any) -> Any:
    """Escape text for a cell of a Markdown table or for a paragraph."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return re.sub(r"([\\`*_\[\]<>|&~$])", r"\\\1", " ".join(value.split()))
