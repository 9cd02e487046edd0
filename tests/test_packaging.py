"""The package as a whole: its dependencies, its import and its map."""

import ast
import itertools
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import dkg

ROOT = Path(dkg.__file__).resolve().parents[1]
if not (ROOT / "pyproject.toml").is_file():
    pytest.skip("the package is installed without its repository", allow_module_level=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-torch.lock")


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of files to hold the map against")
    return [line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_import_is_light():
    """Checks which modules are loaded, not the time: nothing heavy may be among them."""
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
    lock = defaultdict(set)
    for file in LOCKS:
        for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", file.read_text(), re.MULTILINE):
            lock[canonicalize_name(name)].add(version)
    extras = PROJECT["optional-dependencies"]
    for text in [*PROJECT["dependencies"], *itertools.chain.from_iterable(extras.values())]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in lock, f"{name} is not in requirements.lock; run make lock"
        for version in lock[name]:
            assert requirement.specifier.contains(version), f"{text}, but the lock has {version}"


def test_every_file_of_the_lock_has_a_hash():
    for file in (LOCKS[0], ROOT / "workflow" / "requirements.lock"):
        entries = re.split(r"\n(?=\w)", file.read_text().replace("\\\n", ""))
        entries = [entry for entry in entries if not entry.startswith("#")]
        assert len(entries) > 50
        for entry in entries:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry[:60]


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.11.15", "3.12.0", "3.13.0", "3.14.0"])
def test_one_version_of_each_package_is_locked_for_each_python(python):
    """Of a package with several versions, the markers choose one for each Python and system."""
    for system in (
        {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
        {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
    ):
        environment = system | {
            "python_full_version": python,
            "python_version": python.rpartition(".")[0],
        }
        chosen = Counter()
        for line in LOCKS[0].read_text().splitlines():
            if re.match(r"\w", line):
                requirement = Requirement(line.rstrip("\\ "))
                if requirement.marker is None or requirement.marker.evaluate(environment):
                    chosen[canonicalize_name(requirement.name)] += 1
        assert set(chosen.values()) == {1}
        assert len(chosen) > 100


def test_what_is_installed_from_the_lock_works_with_every_python():
    """The versions that this environment has, from their own metadata."""
    locked = LOCKS[0].read_text()
    for distribution in distributions():
        name, version = distribution.metadata["Name"], distribution.version
        entry = re.search(
            rf"^{re.escape(canonicalize_name(name))}=={re.escape(version)}(?: *; *([^\\\n]+))?",
            locked,
            re.MULTILINE,
        )
        wanted = distribution.metadata.get("Requires-Python")
        if not entry or not wanted:
            continue
        marker = Marker(entry[1].strip()) if entry[1] else None
        for python in ("3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0"):
            environment = {
                "python_full_version": python,
                "python_version": python.rpartition(".")[0],
            }
            if marker is None or marker.evaluate(environment):
                assert SpecifierSet(wanted).contains(python), f"{name} {version} needs {wanted}"


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
