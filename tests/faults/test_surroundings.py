"""A full disk, a folder that cannot be written to, too little memory, no GPU, two at once."""

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import nbformat
import nibabel
import numpy as np
import pytest

from dkg import encryption
from dkg import reproduction as results
from dkg.storage import registry

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these faults are those of POSIX")

SETTINGS = {
    "steps": 2,
    "residual_blocks": 0,
    "generator_width": 1,
    "discriminator_width": 1,
    "pool_size": 1,
    "sample_steps": "[0, 2]",
    "device": "cpu",
    "seed": 0,
    "threads": 1,
}
TRAIN = ["train", "--images", 1, *(f"--set={name}={value}" for name, value in SETTINGS.items())]


def commands(work, network, out):
    """Every command that writes files, with what it is to write into a folder."""
    return {
        "keygen": (
            ("keygen", "-s", work / "seed.png", "-w", network, "-o", out / "key.png"),
            ["key.png"],
        ),
        "encrypt": (
            ("encrypt", work / "image-1.png", "-k", work / "key-1.png", "-o", out / "out.png"),
            ["out.png"],
        ),
        "decrypt": (
            ("decrypt", work / "encrypted.png", "-k", work / "key-2.png", "-o", out / "back.png"),
            ["back.png"],
        ),
        "train": (
            (*TRAIN, "-o", out / "run"),
            ["run/checkpoint.safetensors", "run/generator.safetensors"],
        ),
        "report": (("report",), []),
    }


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def one_line(ended):
    """Assert that a command ended with one line of words."""
    assert ended.status == 1, ended.output
    lines = [line for line in ended.output.splitlines() if not line.startswith(("Note:", "step "))]
    assert len(lines) == 1 and lines[0].startswith("Error: "), ended.output
    return lines[0]


@pytest.fixture
def prepared(work):
    """The folder of `work` with a ciphertext."""
    encryption.encrypt_file(work / "image-2.png", work / "key-2.png", work / "encrypted.png")
    return work


# --- Full disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "dkg", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a file system can only be mounted by the superuser: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


NAMES = ["keygen", "encrypt", "decrypt", "train"]


@pytest.mark.parametrize("name", NAMES)
def test_full_disk(warm, prepared, network, small_disk, name):
    """What fails leaves nothing, and works when there is room."""
    arguments, made = commands(prepared, network, small_disk)[name]
    filling = small_disk / "filling"
    filling.write_bytes(bytes(64 * 1024 - 8192))
    with filling.open("ab") as file:
        try:
            for _ in range(8192):
                file.write(b"0")
                file.flush()
        except OSError as error:
            assert error.errno == 28
    said = one_line(warm.run(*arguments))
    assert "No space left on device" in said and str(small_disk) in said
    assert not set(made) & set(files(small_disk))
    assert not [name for name in files(small_disk) if name.endswith(".tmp")]
    filling.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    ended = warm.run(*arguments)
    assert ended.status == 0, ended.output
    assert set(made) <= set(files(small_disk))


@pytest.mark.parametrize("limit", [0, 100, 10_000])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_grow(warm, prepared, network, tmp_path, name, limit):
    """As on a full disk, at several moments, and for everybody."""
    out = tmp_path / "out"
    out.mkdir()
    arguments, made = commands(prepared, network, out)[name]
    ended = warm.run(*arguments, file_limit=limit)
    if ended.status == 1:
        said = one_line(ended)
        assert "File too large" in said or "disk I/O error" in said, said
        assert str(tmp_path) in said
        last = made[-1]
        assert last not in files(out)
    else:
        assert ended.status == 0, ended.output
        assert max((out / name).stat().st_size for name in made) <= limit
    assert not [name for name in files(out) if name.endswith(".tmp")]
    ended = warm.run(*arguments, *(["--force"] if name != "train" else []))
    assert ended.status == 0, ended.output
    assert set(made) <= set(files(out))


def test_the_disk_is_full_while_the_use_of_a_key_is_recorded(warm, work):
    """Then there is no ciphertext; the registry is whole, and the key is unused."""
    (work / "out").mkdir()
    for key in (1, 2):
        arguments = ("encrypt", work / f"image-{key}.png", "-k", work / f"key-{key}.png")
        arguments += ("-o", work / "out" / f"{key}.png")
        for limit in (0, 1000, 5000):
            said = one_line(warm.run(*arguments, file_limit=limit))
            assert registry.BESIDE_KEY in said
            assert files(work / "out") == [f"{k}.png" for k in range(1, key)]
        assert warm.run(*arguments).status == 0


RECORD = """
from dkg import reproduction as results
results.record("figure-6", {"chi_square": 1.0})
"""


@pytest.mark.parametrize("limit", [0, 500])
def test_no_half_of_a_record(warm, tmp_path, limit):
    ended = warm.run(code=RECORD, file_limit=limit, DKG_OUTPUT=tmp_path)
    assert ended.status == 99 and "OSError: [Errno 27] File too large" in ended.output
    assert files(tmp_path) == []
    assert warm.run(code=RECORD, DKG_OUTPUT=tmp_path).status == 0
    assert list(results.load_all(tmp_path / "results")) == ["figure-6"]


# --- A folder that cannot be written to


@pytest.fixture
def owned_by_nobody(prepared, network, warm):
    """The prepared folder, and a read-only one, of a user without rights; and a network."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        shutil.copytree(prepared, folder)
        shutil.copy(network, folder / "network.safetensors")
        (folder / "out").mkdir()
        Path(name).chmod(0o755)
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                os.chown(path, 65534, 65534)
        (folder / "out").chmod(0o555)
        looked = warm.run(code="import dkg; open(dkg.__file__)", as_nobody=True)
        if looked.status:
            pytest.skip("nobody but this user may read the package, so nobody else can run it")
        yield folder
        (folder / "out").chmod(0o755)


@pytest.mark.parametrize("name", [*NAMES, "report"])
def test_read_only_folder(warm, owned_by_nobody, name):
    """Another test replaces the system's answer; here it is the system that refuses."""
    folder = owned_by_nobody
    arguments, _ = commands(folder, folder / "network.safetensors", folder / "out")[name]
    said = one_line(warm.run(*arguments, as_nobody=True, DKG_OUTPUT=folder / "out"))
    assert str(folder / "out") in said
    assert "Permission denied" in said or "is read-only" in said
    assert files(folder / "out") == []


REPRODUCE = """
import sys
from pathlib import Path
from dkg import paths
paths.notebooks = lambda: Path(arguments[0])
paths.PACKAGE = Path(arguments[0])
from dkg.cli import app
app(["reproduce"])
"""


def write_notebook(folder, name, *cells):
    (folder / "profiles").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "default.yaml").write_text("")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        },
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, folder / f"{name}.ipynb")
    (folder / "records.yaml").write_text(f"{name}: []\n")


def test_reproduce_into_a_read_only_folder(warm, owned_by_nobody):
    notebooks, out = owned_by_nobody / "notebooks", owned_by_nobody / "out"
    write_notebook(notebooks, "a_first", "x = 1")
    ended = warm.run(notebooks, code=REPRODUCE, as_nobody=True, DKG_OUTPUT=out)
    assert ended.status == 1
    assert f"Permission denied: '{out / 'executed'}'" in ended.output
    assert "Error: failed: a_first" in ended.output
    assert files(out) == []


def test_reproduce_on_a_full_disk(warm, tmp_path):
    """The executed copy does not fit; no half of one is left under a final name."""
    write_notebook(tmp_path / "notebooks", "a_first", "x = 1", "print(5 * 'a long line ' * 999)")
    out = tmp_path / "out"
    arguments = {"code": REPRODUCE, "DKG_OUTPUT": out}
    ended = warm.run(tmp_path / "notebooks", **arguments, file_limit=8000)
    assert ended.status == 1 and "Error: failed: a_first" in ended.output
    assert "File too large" in ended.output
    assert [name for name in files(out) if not Path(name).name.startswith(".")] == []
    ended = warm.run(tmp_path / "notebooks", **arguments)
    assert ended.status == 0, ended.output
    assert {"executed/a_first.ipynb", "executed/a_first.json"} <= set(files(out))


# --- Too little memory, no GPU


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of memory are Linux's")
@pytest.mark.parametrize("what", ["an image", "a volume", "a network", "a training"])
@pytest.mark.parametrize("mebibytes", [20, 35, 50])
def test_too_little_memory(warm, prepared, network, what, mebibytes):
    """With so much more than the idle process has: torch or oneDNN is the one that fails."""
    big, out = prepared / "big.png", prepared / "new.png"
    if what == "an image":
        encryption.write_samples(big, np.zeros((9000, 9000), np.uint8))
        arguments = ("encrypt", big, "-k", prepared / "key-1.png", "-o", out)
    elif what == "a volume":
        big = big.with_suffix(".nii")
        volume = np.zeros((300, 300, 300), np.int16)
        volume[100:200] = 5
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), big)
        arguments = ("keygen", "-s", big, "-w", network, "-o", out)
    elif what == "a network":
        arguments = ("keygen", "-s", prepared / "seed.png", "-o", out, "--device", "cpu")
    else:
        arguments = (*TRAIN, "--set", "generator_width=64", "-o", prepared / "run")
    said = one_line(warm.run(*arguments, memory=mebibytes * 2**20))
    assert said.startswith("Error: not enough memory"), said
    assert not out.exists() and not (prepared / "run" / "generator.safetensors").exists()
    assert not list(prepared.rglob("*.tmp"))


def test_no_gpu(warm, prepared, network):
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    for arguments in (
        ("keygen", "-s", prepared / "seed.png", "-w", network, "-o", prepared / "new.png",
         "--device", "cuda"),
        (*TRAIN, "--set", 'device="cuda"', "-o", prepared / "run"),
    ):  # fmt: skip
        said = one_line(warm.run(*arguments, **hidden))
        assert said == "Error: device 'cuda' was requested, but torch sees no CUDA device"
    assert not (prepared / "new.png").exists()
    assert not (prepared / "run" / "checkpoint.safetensors").exists()


# --- Two at once

ENCRYPT_AT_ONCE = """
import multiprocessing
from pathlib import Path
from dkg import cipher, encryption
folder, copies = Path(arguments[0]), int(arguments[1])
context = multiprocessing.get_context("fork")
start = context.Barrier(copies)
won = context.Value("i", 0)

def encrypt(number):
    start.wait()
    try:
        encryption.encrypt_file(
            folder / f"image-{number}.png", folder / f"copy-{number}" / "key.png",
            folder / f"out-{number}.png", registry=folder / "registry.sqlite")
    except cipher.CipherError as error:
        assert "already encrypted" in str(error), error
    else:
        with won.get_lock():
            won.value += 1

processes = [context.Process(target=encrypt, args=(number,)) for number in range(copies)]
for process in processes:
    process.start()
for process in processes:
    process.join()
assert [process.exitcode for process in processes] == [0] * copies
print(won.value)
"""


def test_of_several_processes_with_copies_of_a_key_one_encrypts(warm, work):
    """In folders of their own, so that only the shared registry knows."""
    copies = 6
    for number in range(copies):
        (work / f"copy-{number}").mkdir()
        shutil.copy(work / "key-1.png", work / f"copy-{number}" / "key.png")
        encryption.write_samples(
            work / f"image-{number}.png", np.full((9, 9), number, np.uint8), overwrite=True
        )
    ended = warm.run(work, copies, code=ENCRYPT_AT_ONCE)
    assert (ended.status, ended.output) == (0, "1\n")
    assert len(list(work.glob("out-*.png"))) == 1


OUT_AT_ONCE = """
import multiprocessing
import numpy as np
from pathlib import Path
from dkg import cipher, encryption
folder, copies = Path(arguments[0]), int(arguments[1])
context = multiprocessing.get_context("fork")
start = context.Barrier(copies)

def write(number):
    key = np.random.default_rng(number).integers(0, 256, (1, 256, 256, 3), np.uint8)
    for turn in range(5):
        start.wait()
        try:
            encryption.write_key(folder / f"{turn}.png", key, weights_sha256=64 * str(number),
                                 weights_public=False)
        except (cipher.CipherError, FileExistsError):
            continue
        (folder / f"{turn}-{number}.won").touch()

processes = [context.Process(target=write, args=(number,)) for number in range(copies)]
for process in processes:
    process.start()
for process in processes:
    process.join()
assert [process.exitcode for process in processes] == [0] * copies
"""


def test_of_several_that_write_the_same_file_one_does(warm, tmp_path):
    """Without --force no key is ever replaced, not even one that was made in the meantime."""
    ended = warm.run(tmp_path, 4, code=OUT_AT_ONCE)
    assert ended.status == 0, ended.output
    for turn in range(5):
        [won] = tmp_path.glob(f"{turn}-*.won")
        number = won.stem.split("-")[1]
        assert encryption.read_key(tmp_path / f"{turn}.png").weights_sha256 == 64 * number
    assert not list(tmp_path.glob(".*"))


def test_a_record_that_several_write_is_whole_at_any_time(warm, tmp_path):
    begun = threading.Thread(
        target=lambda: results_of.append(
            warm.run(tmp_path, code=RECORDS_AT_ONCE, DKG_OUTPUT=tmp_path)
        )
    )
    results_of = []
    begun.start()
    read = 0
    while begun.is_alive():
        if (tmp_path / "results").is_dir():
            read += len(results.load_all(tmp_path / "results"))
    begun.join()
    assert results_of[0].status == 0, results_of[0].output
    assert read and list(results.load_all(tmp_path / "results")) == ["figure-6"]


RECORDS_AT_ONCE = """
import multiprocessing
from dkg import reproduction as results
from dkg.reproduction import provenance
provenance._git = lambda *arguments: None
context = multiprocessing.get_context("fork")

def write(number):
    for turn in range(20):
        results.record("figure-6", {"chi_square": float(number)})

processes = [context.Process(target=write, args=(number,)) for number in range(3)]
for process in processes:
    process.start()
for process in processes:
    process.join()
assert [process.exitcode for process in processes] == [0] * 3
"""
