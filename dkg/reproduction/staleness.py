"""What is stale: records, and executed notebooks, whose inputs are not the current ones."""

import functools
import json
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from dkg import data, paths
from dkg.reproduction import provenance
from dkg.reproduction.comparisons import COMPARISONS, Comparison
from dkg.reproduction.plan import Run
from dkg.reproduction.records import Record
from dkg.storage.weights import list_weights, weights_entry


def stale(made: Record) -> list[str]:
    """List why a record is stale.

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
    now = [asdict(comparison) for comparison in COMPARISONS.get(made.id, ())]
    then = [
        {name: comparison.get(name) for name in (field.name for field in fields(Comparison))}
        for comparison in made.comparisons
    ]
    # As text, since NaN does not equal itself.
    if json.dumps(now) != json.dumps(then):
        reasons.append("its comparisons are not those of dkg.paper now")
    if made.provenance["code_sha256"] != provenance.code_sha256():
        reasons.append("made by other code")
    notebook = made.provenance["notebook_sha256"]
    if notebook is not None and notebook != provenance.notebook_sha256(made.notebook):
        reasons.append(f"made by another version of {made.notebook}")
    for network in made.networks:
        if _weights_sha256(network["name"]) != network["sha256"]:
            reasons.append(f"the network {network['name']} is another one now, or gone")
    for images in made.images:
        try:
            reading = {k: v for k, v in images.get("reading", {}).items() if k != "tuned"}
            current = _fingerprint(images["name"], images["n"], **reading)
        except (ValueError, OSError) as error:
            reasons.append(f"its images cannot be read: {error}")
        else:
            if current != images["fingerprint"]:
                reasons.append(f"the {images['name']} images have changed")
    return list(dict.fromkeys(reasons))


def finished(run: Run) -> bool:
    """Return whether a run has finished, its outputs are there, and its inputs are the same still.

    Inputs are the notebook, its parameters, the package with its weights, other networks that it
    uses, the files of the image sets by name, size and time, and the versions of NumPy and torch.
    """
    outputs = [run.executed, *(run.record_path(id) for id in run.records)]
    if not all(path.is_file() for path in outputs):
        return False
    try:
        stamp = json.loads(run.stamp.read_text())
        return bool(stamp["inputs"] == inputs(run))
    except (OSError, ValueError, LookupError, TypeError):  # No stamp, half of one, no network.
        return False


def inputs(run: Run) -> dict[str, Any]:
    """Return what a run is made from, as its stamp keeps it.

    Parameters
    ----------
    run : Run
        One of a plan's.

    Returns
    -------
    dict
        Parameters, profile and versions as they are, files as SHA-256.

    Raises
    ------
    FileNotFoundError
        If a network that it uses is not there.
    """
    return {
        "profile": run.profile,
        "hides_keys": run.hides_keys,
        "parameters": json.loads(json.dumps(run.parameters)),
        "notebook": provenance.file_sha256(run.path),
        "package": provenance.package_sha256(provenance.package_files()),
        "networks": {str(path): provenance.file_sha256(path) for path in run.networks},
        "images": provenance.images_sha256(),
        "versions": {name: version(name) for name in ("numpy", "torch")},
    }


@functools.cache
def _fingerprint(name: str, n: int, **reading: Any) -> str:
    return data.load(name, n=n, **reading).fingerprint


def _weights_sha256(name: str) -> str | None:
    if name in list_weights():
        return str(weights_entry(name)["sha256"])
    path = paths.root() / name  # An absolute path stays as it is.
    return provenance.file_sha256(path) if path.is_file() else None
