"""The package as a whole: its dependencies, its import and its map."""

import ast
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dkg

ROOT = Path(dkg.__file__).resolve().parents[1]
if not (ROOT / "pyproject.toml").is_file():
    pytest.skip("the package is installed without its repository", allow_module_level=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of files to hold the map against")
    return [line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_import_is_light():
    """What it loads is looked at, not how long it takes: nothing heavy may be there."""
    code = "import sys, dkg; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "dkg" in loaded
    assert not {"torch", "numpy", "pandas", "matplotlib", "numba", "scipy"} & set(loaded)


def test_environment_is_in_step_with_pyproject():
    subprocess.run([sys.executable, ROOT / "tools" / "make_environment.py", "--check"], check=True)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"][0] == "conda-forge"
    *packages, pip = environment["dependencies"]
    assert pip == {"pip": ["--editable ."]}
    assert all(re.fullmatch(r"[a-z0-9-]+( >=[0-9.]+)?", package) for package in packages)


def test_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    newest = re.search(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == version


def test_lock_has_an_allowed_exact_version_of_every_requirement():
    lock = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            lock[canonicalize_name(name)] = version
    extras = PROJECT["optional-dependencies"]
    for text in [*PROJECT["dependencies"], *itertools.chain.from_iterable(extras.values())]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in lock, f"{name} is not in requirements.lock; run make lock"
        assert requirement.specifier.contains(lock[name]), f"{text}, but the lock has {lock[name]}"


def test_every_import_is_declared():
    declared = {canonicalize_name(Requirement(d).name) for d in PROJECT["dependencies"]}
    for extra in ("lab", "dicom"):
        declared |= {
            canonicalize_name(Requirement(d).name) for d in PROJECT["optional-dependencies"][extra]
        }
    modules = {"PIL": "pillow", "skimage": "scikit-image", "yaml": "pyyaml"}
    used = set()
    for path in (ROOT / "dkg").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module.split(".")[0])
    used -= set(sys.stdlib_module_names) | {"dkg"}
    assert {"torch", "numpy"} <= used
    missing = {u for u in used if canonicalize_name(modules.get(u, u)) not in declared}
    assert not missing


def test_overview_names_every_file():
    text = (ROOT / "docs" / "overview.md").read_text()
    named = set(re.findall(r"`([^`\s]+)`", text))
    for file in tracked_files():
        path = Path(file)
        parents = {f"{p.as_posix()}/" for p in path.parents}
        assert file in named or parents & named, f"docs/overview.md does not name {file}"
    for name in named:
        if "/" in name and "*" not in name and not name.startswith(("figures/", "runs/", "data/")):
            assert (ROOT / name).exists(), f"docs/overview.md names {name}, which is not there"
