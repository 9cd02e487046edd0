"""Every path that the package reads or writes, absolute.

``DKG_DATA`` overrides the folder of the image sets, ``DKG_OUTPUT`` the folder that everything
computed goes to. Both are read at each call, so that a test or a notebook can change them.
"""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
WEIGHTS = PACKAGE / "weights"


def root() -> Path:
    """Return the repository's root, or the working directory for an installed package.

    Returns
    -------
    pathlib.Path
        The folder that holds ``notebooks/`` and ``figures/``.
    """
    checkout = PACKAGE.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def _folder(variable: str, default: str) -> Path:
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() if value else root() / default


def data() -> Path:
    """Return the folder of the image sets: ``DKG_DATA``, or ``data/`` under `root`."""
    return _folder("DKG_DATA", "data")


def output() -> Path:
    """Return the folder of all results: ``DKG_OUTPUT``, or ``figures/`` under `root`."""
    return _folder("DKG_OUTPUT", "figures")


def runs() -> Path:
    """Return the folder of training runs, ``runs/`` under `root`; git ignores it."""
    return root() / "runs"


def notebooks() -> Path:
    """Return the folder of the notebooks."""
    return root() / "notebooks"
