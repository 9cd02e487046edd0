"""The command as a whole: help, wrong usage, and what starting it loads."""

import subprocess
import sys

import pytest

from dkg import __version__, paths
from dkg.cli import common

from .conftest import random_bytes, run, save


def test_help_and_version_do_not_load_torch():
    script = (
        "import sys; from typer.testing import CliRunner; from dkg.cli import app\n"
        "for argument in ('--help', '--version'):\n"
        "    result = CliRunner().invoke(app, [argument]); print(result.output)\n"
        "    assert result.exit_code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for word in ("keygen", "encrypt", "decrypt", "analyze", f"dkg {__version__}"):
        assert word in result.stdout


@pytest.mark.slow
def test_keygen_loads_no_library_that_it_does_not_need(tmp_path):
    """Checks which modules are loaded, not the time."""
    seed = save(tmp_path / "seed.png", random_bytes(32, 32, 3))
    script = (
        "import sys; from typer.testing import CliRunner; from dkg.cli import app\n"
        "result = CliRunner().invoke(app, ['keygen', *sys.argv[1:]])\n"
        "assert result.exit_code == 0, result.output\n"
        "print(*sys.modules)"
    )
    arguments = ["--seed", seed, "--out", tmp_path / "key.png", "--device", "cpu"]
    loaded = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"torch", "dkg.keys", "dkg.data.phantoms"} <= set(loaded)
    unwanted = {"matplotlib", "nibabel", "numba", "pandas", "pydicom", "skimage.metrics"}
    unwanted |= {"scipy.ndimage", "scipy.special", "scipy.stats", "skimage.filters"}
    assert not unwanted & set(loaded)


def test_wrong_usage_exits_with_2(tmp_path):
    assert "--key" in run("encrypt", tmp_path / "image.png", "-o", "out.png", status=2).stderr
    run("keygen", status=2)
    run("decypt", status=2)


def test_every_argument_that_becomes_an_option_is_named_by_the_package():
    """Otherwise a reworded message would show the argument to users of the command."""
    package = [p.read_text() for p in paths.PACKAGE.rglob("*.py") if p.parent.name != "cli"]
    for argument in common._OPTIONS:
        assert any(argument in text for text in package), argument
