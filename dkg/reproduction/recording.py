"""From measured numbers to a record, judged and written with its provenance and its picture."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pandas as pd

from dkg import data, paths
from dkg.reproduction import sentences
from dkg.reproduction.comparisons import COMPARISONS, Comparison
from dkg.reproduction.measured import COMPUTED, Measured
from dkg.reproduction.panel import SHUFFLED, Measurements
from dkg.reproduction.provenance import provenance
from dkg.reproduction.records import Record, dumps, judged
from dkg.storage import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dkg.keys import KeyGenerator


def record(
    id: str,
    ours: Measurements | Mapping[str, Any] | None = None,
    *,
    images: data.ImageSet | Iterable[data.ImageSet] = (),
    networks: "KeyGenerator | Iterable[KeyGenerator]" = (),
    more: Mapping[str, Any] | None = None,
    figure: "Figure | None" = None,
    seeds: Mapping[str, int] | None = None,
    missing: str | None = None,
    spread: Mapping[str, Any] | None = None,
    in_float64: Measurements | None = None,
    **numbers: Any,
) -> Record:
    """Judge measured numbers, and write them with their provenance.

    Parameters
    ----------
    id : str
        A key of `COMPARISONS`.
    ours : Measurements or mapping, optional
        What `Panel.measure` returned, or the numbers of one network, by the names of the record's
        comparisons: a number, a list in the order of the labels (for a mean: of all images), or a
        dict by label; in a list or dict by label a number may be a list over images or keys, whose
        mean counts. Fewer numbers than labels, None, or a comparison left out mean "not measured";
        NaN is a value, such as the entropy of a network that broke down. The mean that a text
        repeats from a row (``mean_...``) is taken from the row if it is not given.
    images : ImageSet or iterable of ImageSet
        What it was measured on, beside the panel's, as `dkg.data.load` returned it.
    networks : KeyGenerator or iterable of KeyGenerator
        The networks that took part, beside the panel's.
    more : mapping, optional
        What else was measured: numbers, lists of numbers, or mappings of them, by name.
    figure : matplotlib.figure.Figure, optional
        Saved as ``<id>.png`` and ``<id>.svg`` in the output folder.
    seeds : mapping of str to int, optional
        The random seeds of the measurement, beside the panel's.
    missing : str, optional
        Why numbers are missing. Default: how many were measured.
    spread : mapping of str to number or list, optional
        For numbers with one training: the same measure for trainings of another setting, by
        training, whose scatter is used for theirs; or such a mapping for each comparison.
    in_float64 : Measurements, optional
        The same as `ours`, of `Panel.in_float64`. The record's sentence then says which part of a
        number is due to the fixed-point arithmetic of exact keys.
    **numbers
        Further numbers of ours by name, such as those that depend on no key.

    Returns
    -------
    Record
        The record, as written to ``results/<id>.json`` in the output folder.

    Raises
    ------
    ValueError
        If `id` or a comparison's name is unknown, or if there are more numbers than labels.
    TypeError
        If a value is not a number.
    """
    if id not in COMPARISONS:
        raise ValueError(f"no comparisons for {id!r}; there are: {', '.join(COMPARISONS)}")
    panel = ours if isinstance(ours, Measurements) else Measurements(ours or {})
    known = {comparison.name: comparison for comparison in COMPARISONS[id]}
    unknown = {*panel.network, *numbers} - set(known)
    if unknown:
        raise ValueError(f"{id} has no comparison {sorted(unknown)}; it has {list(known)}")
    comparisons = [measured(c, panel, numbers, spread) for c in known.values()]
    more = dict(more or {})
    if in_float64 is not None:
        more[sentences.DOUBLE] = sentences.by_precision(panel, in_float64)
    if missing is None and any(None in comparison["ours"] for comparison in comparisons):
        missing = _how_many(comparisons)
    image_sets = [*panel.images, *([images] if isinstance(images, data.ImageSet) else images)]
    used = [*panel.networks, *(networks if isinstance(networks, Iterable) else [networks])]
    made = judged(
        {
            "id": id,
            "sentence": "",  # `judged` writes it.
            "comparisons": comparisons,
            "more": _plain(more),
            "images": [
                _images(s) for s in {s.fingerprint + s.name: s for s in image_sets}.values()
            ],
            "networks": [_network(n) for n in {n.sha256: n for n in used}.values()],
            "seeds": panel.seeds | dict(seeds or {}),
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


def _how_many(comparisons: Sequence[Measured]) -> str:
    """Return how many numbers were measured, for a record without a better reason."""
    numbers = [value for comparison in comparisons for value in comparison["ours"]]
    return f"{len(numbers) - numbers.count(None)} of {len(numbers)} numbers were measured"


def _images(images: data.ImageSet) -> dict[str, Any]:
    made = {"name": images.name, "origin": images.origin, "n": len(images.images)}
    reading = {"reading": dict(images.reading)} if images.reading else {}
    return made | {"fingerprint": images.fingerprint} | reading


def _network(network: "KeyGenerator") -> dict[str, Any]:
    training = network.metadata["training"]
    return {
        "name": _short(network.name),
        "sha256": network.sha256,
        "steps": training["step"],
        "trained_on": training["description"].get("origin"),
    }


def _short(name: str) -> str:
    """Return a network's name; of a path in the project, the part below the project's folder."""
    path = Path(name)
    inside = path.is_absolute() and path.is_relative_to(paths.root())
    return path.relative_to(paths.root()).as_posix() if inside else name


def write_figure(id: str, figure: "Figure", endings: Sequence[str] = ("png", "svg")) -> None:
    """Write a record's picture into the output folder. The first drawing settles the layout."""
    for ending in endings:
        with files.atomic(paths.output() / f"{id}.{ending}") as temporary:
            figure.savefig(temporary, format=ending, dpi=150)


def measured(
    comparison: Comparison,
    panel: Measurements | None = None,
    numbers: Mapping[str, Any] | None = None,
    spread: Mapping[str, Any] | None = None,
) -> Measured:
    """Return a comparison with our numbers, as many as the paper's; not judged.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    panel : Measurements, optional
        What was measured of the network, the trainings and the null models.
    numbers, spread : mapping, optional
        See `record`.
    """
    panel = panel or Measurements({})
    alone = _values(comparison, numbers or {})
    network = _merged(_values(comparison, panel.network), alone)
    trainings = {name: _values(comparison, v) for name, v in panel.trainings.items()}
    n_statements = 1 if comparison.over == "row" else len(comparison.labels)
    samples: list[dict[str, list[float]]] = []
    nulls: list[dict[str, list[list[float]]]] = []
    for i in range(n_statements):
        of_training = comparison.trained and comparison.labels[i] not in comparison.fixed
        found = {name: values[i] for name, values in trainings.items() if values[i]}
        own = {} if of_training or not network[i] else {"measured": network[i]}
        if of_training:
            # Without a panel there is the one network that was measured.
            own = found or ({"network": network[i]} if network[i] else {})
        samples.append(own)
        of_null = {
            name: [v for s in sources if (v := _values(comparison, s)[i])]
            for name, sources in panel.nulls.items()
            if name != SHUFFLED or comparison.paired
        }
        nulls.append({name: v for name, v in of_null.items() if v} if of_training else {})
    spread = spread or {}
    if any(isinstance(value, Mapping) for value in spread.values()):
        spread = spread.get(comparison.name, {})
    whole = {name: _flat(value) for name, value in spread.items()}
    made: Measured = _plain(
        asdict(comparison)
        | {"ours": _ours(comparison, network), "samples": samples, "nulls": nulls}
        | {"spread": whole, **{key: [] for key in COMPUTED}}
    )
    made["null_holds"] = {}
    return made


def _values(comparison: Comparison, source: Mapping[str, Any]) -> list[list[float]]:
    """Return one source's values for each statement of a comparison; empty if not measured."""
    name = comparison.name
    if name not in source and comparison.over == "mean":
        name = name.removeprefix("mean_")
    value = _plain(source.get(name))
    where = f"{comparison.record}, {comparison.name}"
    labels = list(comparison.labels)
    if isinstance(value, dict):
        if set(value) - set(labels):
            raise ValueError(f"{where}: {sorted(set(value) - set(labels))}; it has {labels}")
        value = [value.get(label) for label in labels]
    entries = value if isinstance(value, list) else [value]
    if comparison.over != "mean" and len(entries) > len(labels) and comparison.over != "row":
        raise ValueError(f"{where}: {len(entries)} numbers for {len(labels)} labels")
    if comparison.over != "label":
        found = [_flat(entries, where)]
    else:
        found = [_flat(entry, where) for entry in entries]
    if comparison.rule == "chance":
        found = [[abs(v) for v in values] for values in found]
    return found + [[]] * ((1 if comparison.over != "label" else len(labels)) - len(found))


def _merged(first: list[list[float]], second: list[list[float]]) -> list[list[float]]:
    return [b or a for a, b in zip(first, second, strict=True)]


def _ours(comparison: Comparison, values: list[list[float]]) -> list[float | None]:
    """Return one number for each label: of a row its first ones, else the mean of each."""
    if comparison.over == "row":
        row = values[0][: len(comparison.labels)]
        return [*row, *[None] * (len(comparison.labels) - len(row))]
    return [fmean(v) if v else None for v in values]


def _flat(value: Any, where: str = "spread") -> list[float]:
    """Return the numbers of a value: one, or a list of them; None is left out."""
    entries = _plain(value)
    entries = entries if isinstance(entries, list) else [entries]
    for entry in entries:
        if entry is not None and (isinstance(entry, bool) or not isinstance(entry, (int, float))):
            raise TypeError(f"{where}: expected numbers, got {entry!r}")
    return [float(entry) for entry in entries if entry is not None]


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
