"""Write environment.yml from pyproject.toml; with --check only say whether they are in step."""

import argparse
import itertools
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch"}  # Where conda-forge calls a package otherwise than PyPI does.


def environment() -> str:
    """Return the text that environment.yml must have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [
        *project["dependencies"],
        *itertools.chain.from_iterable(project["optional-dependencies"].values()),
    ]
    lines = [
        "# Made by tools/make_environment.py from pyproject.toml; do not edit.",
        "# conda env create -f environment.yml; Binder reads it too.",
        "name: dkg",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python {project['requires-python']}",
    ]
    for requirement in requirements:
        name, version = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement).groups()
        lines.append(f"  - {CONDA_NAMES.get(name, name)} {version}".rstrip())
    # Everything that the package needs is there by then, so pip adds nothing else.
    lines += ["  - pip", "  - pip:", "      - --editable ."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    path = ROOT / "environment.yml"
    if parser.parse_args().check:
        if path.read_text() != environment():
            sys.exit(f"{path} is not in step; run python tools/make_environment.py")
    else:
        path.write_text(environment())
