"""The manifest of the networks that come with the package, ``dkg/weights/manifest.toml``."""

import tomllib
from typing import Any

from dkg import paths

# Entries of every network, and those of a trained one.
_ENTRY = {"dataset": str, "origin": str, "images": int, "domain": str, "recipe": dict}
_TRAINED = {"file": str, "sha256": str, "steps": int}


def read_manifest() -> dict[str, dict[str, Any]]:
    """Return every entry of ``weights/manifest.toml`` by name, trained or not; see `dkg.zoo`.

    Raises
    ------
    ValueError
        If the file is not a manifest.
    """
    path = paths.WEIGHTS / "manifest.toml"
    try:
        networks: dict[str, dict[str, Any]] = tomllib.loads(path.read_text())["networks"]
        for name, entry in networks.items():
            kinds = _ENTRY | (_TRAINED if "file" in entry else {})
            wrong = [key for key, kind in kinds.items() if type(entry.get(key)) is not kind]
            if wrong or type(entry["recipe"].get("steps")) is not int:
                raise ValueError(f"{name} has no {', '.join(wrong) or 'steps in its recipe'}")
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ValueError(f"{path}: not a manifest of networks: {error}") from error
    return networks


def shipped_networks() -> dict[str, dict[str, Any]]:
    """Return the manifest's entries of the networks that are trained, by name, the default first.

    An entry has ``file``, ``sha256``, ``seed``, ``recipe`` and the rest, as in
    ``weights/manifest.toml``.
    """
    return {name: entry for name, entry in read_manifest().items() if "file" in entry}


def list_weights() -> list[str]:
    """List the shipped networks by their names for `dkg.keys.KeyGenerator.load`, the default first.

    Networks of the manifest that are not trained yet are left out; `dkg.zoo.entries` has them too.
    """
    return list(shipped_networks())


def weights_entry(name: str) -> dict[str, Any]:
    """Return the manifest's entry of one of `list_weights`, as in `shipped_networks`.

    Raises
    ------
    KeyError
        If no shipped network has that name; the message lists those that there are.
    """
    shipped = shipped_networks()
    if name not in shipped:
        raise KeyError(f"no network named {name!r}; there are: {', '.join(shipped)}")
    return shipped[name]
