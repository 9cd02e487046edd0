"""SIGKILL at random moments: nothing half-written under its final name, and the same result.

Each operation is killed ten times. The moments come from the system's entropy, as the property must
hold at all of them; a failure says which it was.
"""

import json
import os
import random
import stat
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import safetensors.torch
import yaml
from PIL import Image

from dkg import cipher, encryption, training
from dkg import reproduction as results
from dkg.storage import registry
from dkg.storage.checkpoints import read_metadata

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the system has no SIGKILL")

KILLS = 10


def killed_and_finished(run, check, longest):
    """Start something again and again, and kill it ten times; at the end let it finish.

    Parameters
    ----------
    run : callable
        Called with the seconds after which to kill, or None.
    check : callable
        Called after each kill; asserts what must hold then.
    longest : float
        Seconds up to which to kill.
    """
    kills = 0
    while kills < KILLS:
        after = random.uniform(0, longest)
        ended = run(after)
        if not ended.killed:
            # It was faster than the undisturbed run, or what it goes on with is nearly done.
            assert ended.status == 0, ended.output
            longest *= 0.7
            continue
        kills += 1
        try:
            check()
        except BaseException as error:
            error.add_note(f"killed after {after:.6f} s")
            raise
    ended = run(None)
    assert ended.status == 0, ended.output
    check()


def finished_files(folder):
    """The files under their final names."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")


# --- Training

TRAIN = """
import json, sys
import numpy as np
from dkg.training import TrainConfig, train
images, settings, out = arguments
with np.load(images, allow_pickle=False) as arrays:
    train(TrainConfig.from_mapping(json.loads(settings)), arrays["a"], arrays["b"], out)
"""

SETTINGS = {
    "steps": 120,
    "residual_blocks": 1,
    "generator_width": 2,
    "discriminator_width": 2,
    "pool_size": 5,
    "log_every": 5,
    "checkpoint_every": 10,
    "sample_steps": (0, 50, 120),
    "seed": 11,
    "threads": 1,
    "device": "cpu",
}


def trained(out):
    """What a finished training left, without the time that it took."""
    left = {}
    for name in ("generator", "discriminator", "checkpoint"):
        path = out / f"{name}.safetensors"
        tensors = safetensors.torch.load_file(path)
        left[name] = {key: value.numpy().tobytes() for key, value in tensors.items()}
        left[f"{name} metadata"] = read_metadata(path)
    for path in finished_files(out / "samples"):
        left[path.name] = path.read_bytes()
    left["log"] = [record | {"seconds": 0} for record in training.read_log(out)]
    return left


def test_training(warm, tmp_path):
    rng = np.random.default_rng(3)
    arrays = {name: rng.integers(0, 256, (5, 32, 32, 3), np.uint8) for name in "ab"}
    np.savez(tmp_path / "images.npz", **arrays)
    settings = json.dumps(SETTINGS)
    whole, out = tmp_path / "whole", tmp_path / "killed"
    undisturbed = warm.run(tmp_path / "images.npz", settings, whole, code=TRAIN)
    assert undisturbed.status == 0, undisturbed.output

    def check():
        if not out.exists():
            return
        for path in finished_files(out):
            if path.suffix == ".safetensors":
                assert read_metadata(path)
                safetensors.torch.load_file(path)
            elif path.suffix == ".png":
                with Image.open(path) as image:
                    assert np.asarray(image).shape == (32, 32, 3)
            else:
                # A line is added to it as it is; the last one may be cut, and is left out.
                assert path.name == "log.jsonl"
                lines = path.read_text().split("\n")
                assert all(json.loads(line)["step"] >= 0 for line in lines[:-1])

    def run(after):
        return warm.run(tmp_path / "images.npz", settings, out, code=TRAIN, kill_after=after)

    killed_and_finished(run, check, undisturbed.seconds / 3)
    assert trained(out) == trained(whole)


# --- Key generation


def test_key_generation(warm, network, work):
    def keygen(out, after=None):
        return warm.run(
            "keygen", "-s", work / "seed.png", "-w", network, "-o", out, "--force",
            "--device", "cpu", kill_after=after,
        )  # fmt: skip

    undisturbed = keygen(work / "whole.png")
    assert undisturbed.status == 0, undisturbed.output
    whole, out = (work / "whole.png").read_bytes(), work / "out.png"

    def check():
        for path in work.iterdir():
            if "out.png" in path.name:
                # What a killed one leaves is for the owner only, too, as it may hold a key.
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not out.exists() or out.read_bytes() == whole

    killed_and_finished(lambda after: keygen(out, after), check, undisturbed.seconds)
    assert out.read_bytes() == whole


# --- Encryption


def test_encryption(warm, work):
    """Killed at any moment, a ciphertext that is there was recorded; and all can be repeated."""
    shared = work / "registry.sqlite"

    def encrypt(folder, number, key, after=None):
        return warm.run(
            "encrypt", work / f"image-{number}.png", "-k", work / f"key-{key}.png", "--force",
            "-o", folder / f"{number}.png", "--registry", shared, kill_after=after,
        )  # fmt: skip

    (work / "whole").mkdir()
    undisturbed = [encrypt(work / "whole", number, number) for number in (1, 2)]
    assert all(ended.status == 0 for ended in undisturbed)
    whole = {number: (work / "whole" / f"{number}.png").read_bytes() for number in (1, 2)}
    for path in (shared, work / registry.BESIDE_KEY):
        path.unlink()
    longest = max(ended.seconds for ended in undisturbed)

    def check():
        for number in (1, 2):
            out = work / f"{number}.png"
            keys = encryption.read_key(work / f"key-{number}.png").keys
            uses = [registry.uses(path, [cipher.key_identifier(keys)]) for path in registries]
            assert all(len(used) <= 1 for used in uses)
            if out.exists():
                assert out.read_bytes() == whole[number]
                assert all(uses), "there is a ciphertext, and no record of it"

    registries = (shared, work / registry.BESIDE_KEY)
    killed_and_finished(lambda after: encrypt(work, 1, 1, after), check, longest)
    refused = encrypt(work, 2, 1)
    assert refused.status == 1 and "already encrypted another image" in refused.output
    killed_and_finished(lambda after: encrypt(work, 2, 2, after), check, longest)


# --- Records

RECORD = """
import numpy as np
from dkg import plots
from dkg import reproduction as results
image = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
for id in ("figure-6", "claim-known-plaintext"):
    name = results.COMPARISONS[id][0].name
    results.record(id, {name: [1.0]}, missing="it is a test",
                   figure=plots.image_grid({"a": image}), more={"n": 3})
"""


def test_records(warm, tmp_path):
    def run(folder, after=None):
        return warm.run(code=RECORD, kill_after=after, DKG_OUTPUT=folder)

    def written(folder):
        if not (folder / "results").exists():
            return {}
        loaded = results.load_all(folder / "results")
        about = {"written", "seconds", "commit"}
        for made in loaded.values():
            for name in about:
                del made.provenance[name]
        return {name: vars(made) for name, made in loaded.items()}

    undisturbed = run(tmp_path / "whole")
    assert undisturbed.status == 0, undisturbed.output
    whole, out = written(tmp_path / "whole"), tmp_path / "out"
    pictures = {p.name: p.read_bytes() for p in (tmp_path / "whole").glob("*.png")}
    assert len(whole) == len(pictures) == 2

    def check():
        for name, made in written(out).items():
            assert made == whole[name]
            # A record is written after its picture.
            assert (out / f"{name}.png").exists() and (out / f"{name}.svg").exists()
        for path in out.glob("*.png"):
            assert path.read_bytes() == pictures[path.name]
        for path in out.glob("*.svg"):
            assert path.read_text().endswith("</svg>\n")

    killed_and_finished(lambda after: run(out, after), check, undisturbed.seconds)
    assert written(out) == whole


# --- Reproduction

REPRODUCE = """
import sys
from pathlib import Path
from dkg import paths
folder = Path(arguments[0])
paths.notebooks = lambda: folder
paths.PACKAGE = folder
from dkg.cli import app
app(["reproduce", "--resume"])
"""

NOTEBOOK = """
import json, os
from pathlib import Path
path = Path(os.environ["DKG_OUTPUT"], "results", "table-III.json")
path.parent.mkdir(exist_ok=True)
temporary = path.with_suffix(".tmp")
temporary.write_text(json.dumps({"figure": None, "number": number}))
temporary.replace(path)
print("number", number)
"""


def kernels(output):
    """Processes that were told to write to this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"DKG_OUTPUT={output}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_reproduce(warm, tmp_path):
    notebooks = tmp_path / "notebooks"
    (notebooks / "profiles").mkdir(parents=True)
    (notebooks / "profiles" / "default.yaml").write_text("")
    for name, cells in (("a_first", ["x = 1"]), ("b_second", ["number = 3", NOTEBOOK])):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "language_info": {"name": "python"},
            },
        )
        notebook.cells[0].metadata["tags"] = ["parameters"]
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
    listed = {"a_first": [], "b_second": ["table-III"]}
    (notebooks / "records.yaml").write_text(yaml.safe_dump(listed))

    def run(output, after=None):
        return warm.run(notebooks, code=REPRODUCE, kill_after=after, DKG_OUTPUT=output)

    def outputs(output):
        """What a finished run leaves, without times."""
        found = {}
        for path in finished_files(output):
            if path.suffix == ".ipynb":
                cells = nbformat.read(path, as_version=4).cells
                found[path.name] = [(c.source, c.get("outputs")) for c in cells]
            else:
                content = json.loads(path.read_text())
                found[path.name] = content.get("inputs", content)
        return found

    undisturbed = run(tmp_path / "whole")
    assert undisturbed.status == 0, undisturbed.output
    whole, out = outputs(tmp_path / "whole"), tmp_path / "out"
    assert set(whole) == {
        "a_first.ipynb", "a_first.json", "b_second.ipynb", "b_second.json", "table-III.json",
    }  # fmt: skip

    def check():
        # What it had started ends with it.
        limit = time.monotonic() + 60
        while kernels(out):
            assert time.monotonic() < limit, f"processes {kernels(out)} are left"
            time.sleep(0.1)
        found = outputs(out) if out.exists() else {}
        assert found.items() <= whole.items(), "something other than what is finished"
        for stamp in (name for name in found if name in ("a_first.json", "b_second.json")):
            assert stamp.replace(".json", ".ipynb") in found

    killed_and_finished(lambda after: run(out, after), check, undisturbed.seconds)
    assert outputs(out) == whole


def test_a_kill_is_a_kill(warm):
    """That the moments are moments of the run, and not of its end."""
    for after in (0.5, 4.0, 30.0):
        code = "import time; print('begun', flush=True); time.sleep(300)"
        ended = warm.run(code=code, kill_after=after)
        assert ended.killed and after <= ended.seconds < 200
        if ended.output:  # On a busy machine it may be killed before it says anything.
            break
    assert ended.output == "begun\n"
    assert warm.run(code="raise SystemExit(5)").status == 5
    assert warm.run(code="1 / 0").status == 99
