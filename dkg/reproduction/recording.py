"""From measured numbers to a record, judged and written with its provenance and its picture."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from dkg import data, paths
from dkg.reproduction.comparisons import COMPARISONS, Comparison
from dkg.reproduction.judge import Measured
from dkg.reproduction.provenance import provenance
from dkg.reproduction.records import Record, dumps, judged
from dkg.storage import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dkg.keys import KeyGenerator


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
        A key of `COMPARISONS`.
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
    image_sets = [
        {"name": s.name, "origin": s.origin, "n": len(s.images), "fingerprint": s.fingerprint}
        | ({"reading": dict(s.reading)} if s.reading else {})
        for s in ([images] if isinstance(images, data.ImageSet) else images)
    ]
    used = [
        {
            "name": network.name,
            "sha256": network.sha256,
            "steps": network.metadata["training"]["step"],
            "trained_on": network.metadata["training"]["description"].get("origin"),
        }
        for network in (networks if isinstance(networks, Iterable) else [networks])
    ]
    comparisons = [measured(comparison, ours.get(name)) for name, comparison in known.items()]
    if missing is None and any(None in comparison["ours"] for comparison in comparisons):
        raise ValueError(f"{id}: numbers are missing; say why with missing=")
    made = judged(
        {
            "id": id,
            "sentence": sentence,
            "comparisons": comparisons,
            "more": _plain(more or {}),
            "images": image_sets,
            "networks": used,
            "seeds": dict(seeds or {}),
            "missing": missing,
            "figure": f"{id}.png" if figure is not None else None,
            "profile": os.environ.get("DKG_PROFILE"),
            "notebook": os.environ.get("DKG_NOTEBOOK"),
            "provenance": provenance(),
        }
    )
    folder = paths.output() / "results"
    folder.mkdir(parents=True, exist_ok=True)
    if figure is not None:
        write_figure(id, figure)
    with files.atomic(folder / f"{id}.json") as temporary:
        temporary.write_text(dumps(made))
    return made


def write_figure(id: str, figure: "Figure", endings: Sequence[str] = ("png", "svg")) -> None:
    """Write a record's picture into the output folder. The first drawing settles the layout."""
    for ending in endings:
        with files.atomic(paths.output() / f"{id}.{ending}") as temporary:
            figure.savefig(temporary, format=ending, dpi=150)


def measured(comparison: Comparison, values: Any) -> Measured:
    """Return a comparison with our numbers, as many as the paper's."""
    values = _plain(values)
    values = list(values) if isinstance(values, list) else [values]
    where = f"{comparison.record}, {comparison.name}"
    if len(values) > len(comparison.labels):
        raise ValueError(f"{where}: {len(values)} numbers for {len(comparison.labels)} labels")
    for value in values:
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"{where}: expected numbers, got {value!r}")
    ours = values + [None] * (len(comparison.labels) - len(values))
    made: Measured = _plain(asdict(comparison) | {"ours": ours, "holds": [None] * len(ours)})
    return made


def _plain(value: Any) -> Any:
    """Return numbers, lists and dicts of Python for those of NumPy and pandas."""
    if isinstance(value, (pd.DataFrame, pd.Series)):
        value = value.to_dict()
    elif hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    raise TypeError(f"a record holds numbers, lists and dicts, not {type(value).__name__}")
