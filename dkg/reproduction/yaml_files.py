"""YAML files that people write: read as plain data, with an error that names file and line."""

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Refuses a name that occurs twice in a mapping, of which YAML would keep the last."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Compose a mapping and look at its names, before merged ones (``<<``) are added."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value!r} occurs twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return node


def read(path: Path) -> dict[str, Any]:
    """Return what a YAML file maps names to; an empty file maps nothing.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8.

    Returns
    -------
    dict
        Plain data: dicts, lists, strings, numbers, true or false, dates.

    Raises
    ------
    ValueError
        If the file is not UTF-8, is not YAML of plain data, holds a name twice in one mapping, or
        holds no mapping.
    """
    try:
        # S506: the loader is the safe one.
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        hint = "; indent with spaces" if r"'\t'" in problem else ""
        raise ValueError(f"{path}: not YAML: {where}{problem}{hint}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected names with values, such as n_images: 8, not {values!r}")
    return values
