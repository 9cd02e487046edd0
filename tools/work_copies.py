"""Copy the notebooks into the folder work/, so that autosave changes no file that git tracks.

A copy that you changed is kept, whatever happens to the notebook. A copy that you did not change
follows the notebook. Links between notebooks and to docs/ also work in the copies.
"""

import hashlib
import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HASHES = ".copied.json"
"""The SHA-256 of each copy when it was made, in the folder of the copies."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy_notebooks(notebooks: Path, work: Path) -> list[str]:
    """Bring the copies up to date; return the names of those that were changed and are behind."""
    work.mkdir(exist_ok=True)
    listed = work / HASHES
    copied = json.loads(listed.read_text()) if listed.exists() else {}
    behind = []
    for source in sorted(notebooks.rglob("*.ipynb")):
        name = source.relative_to(notebooks).as_posix()
        if ".ipynb_checkpoints" in name:
            continue
        copy, newest = work / name, sha256(source)
        if copied.get(name) == newest and copy.exists():
            continue
        if copy.exists() and sha256(copy) not in (copied.get(name), newest):
            behind.append(name)
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copied[name] = newest
    listed.write_text(json.dumps(copied, indent=1))
    return behind


if __name__ == "__main__":
    for name in copy_notebooks(ROOT / "notebooks", ROOT / "work"):
        print(
            f"work/{name} has changes of yours and is kept; notebooks/{name} is newer. "
            "Rename or delete yours to get the new one."
        )
