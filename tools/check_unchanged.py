"""Check that a change of the code's structure changes nothing that a user sees.

``write`` records what the package does now as text, one line each::

    key base-phantom-1 exact             SHA-256 of the key of one phantom, on one thread
    training base                        SHA-256 of the weights after 50 steps, on one thread
    record table-III                     SHA-256 of every number of a record of the smoke profile
    help dkg keygen                      SHA-256 of a command's help
    file key.png                         SHA-256 of what a file of the first version holds

``compare`` does the same again and prints ``equal`` or ``CHANGED`` for every line of the file. Keys
and weights depend on the processor, so both must run on one machine. The records are those of
``dkg reproduce --profile smoke`` in ``DKG_OUTPUT``. Numbers that differ between two runs of the
same code, such as timings, are found with ``--again`` and left out.

    DKG_OUTPUT=run-1 python tools/check_unchanged.py write before.txt --again run-2
    DKG_OUTPUT=run-3 python tools/check_unchanged.py compare before.txt
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import torch

from dkg import dicom, encryption, paths
from dkg.domains import DOMAINS
from dkg.encryption import png_files
from dkg.keys import KeyGenerator, list_weights
from dkg.storage import registry
from dkg.training import TrainConfig, train

FILES = Path(__file__).resolve().parents[1] / "tests" / "compatibility"
COMMANDS = (
    "",
    "keygen",
    "encrypt",
    "decrypt",
    "analyze",
    "train",
    "train --settings",
    "reproduce",
    "report",
    "dicom",
    "dicom encrypt",
    "dicom decrypt",
)
TRAININGS: dict[str, tuple[int, dict[str, Any]]] = {
    "base": (50, {}),
    "lsgan": (10, {"loss": "lsgan", "pool_size": 3, "convs_per_block": 2}),
    "mobilenet": (5, {"convolution": "mobilenet", "batch_size": 2, "padding": "zero"}),
    "xception": (5, {"convolution": "xception", "non_saturating": False, "pool_size": 0}),
}


def sha256(*parts: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(b"".join(parts)).hexdigest()


def seed_images() -> np.ndarray:
    """Return two chest X-ray phantoms, uint8 (2, 256, 256, 3)."""
    from dkg import data

    return data.synthetic("montgomery", 2).images


def keys() -> Iterator[tuple[str, str]]:
    """Make one key with every network, in exact arithmetic and in single precision."""
    seed = seed_images()[0]
    for name in list_weights():
        for exact in (True, False):
            key = KeyGenerator.load(name, "cpu", exact=exact).generate(seed)
            yield f"key {name} {'exact' if exact else 'single'}", sha256(key.tobytes())
    low = KeyGenerator.load(None, "cpu", output="low-order").generate(seed)
    yield "key low-order", sha256(low.tobytes())


def trainings() -> Iterator[tuple[str, str]]:
    """Train for a few steps; the weights, the numbers of the log and the sample keys."""
    source = seed_images()
    target = DOMAINS["chaotic-rgb"](source, 0)
    for name, (steps, settings) in TRAININGS.items():
        config = TrainConfig(
            steps=steps,
            seed=7,
            threads=1,
            device="cpu",
            log_every=5,
            sample_steps=(0, 5),
            **settings,
        )
        with tempfile.TemporaryDirectory() as folder:
            train(config, source, target, folder, progress=False)
            from safetensors.numpy import load_file

            for network in ("generator", "discriminator"):
                tensors = load_file(Path(folder) / f"{network}.safetensors")
                content = [tensors[key].tobytes() for key in sorted(tensors)]
                yield f"training {name} {network}", sha256(*content)
            lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").open()]
            for line in lines:
                line.pop("seconds")
            yield f"training {name} log", sha256(json.dumps(lines).encode())
            samples = sorted((Path(folder) / "samples").iterdir())
            content = [b"%s %s" % (p.name.encode(), p.read_bytes()) for p in samples]
            yield f"training {name} samples", sha256(*content)


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number and text of a record, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, f"{path}.{index}")
    else:
        yield path, value


def read_record(path: Path) -> dict[str, Any]:
    """Return what a record says, without its provenance."""
    record = json.loads(path.read_text())
    return dict(numbers({name: record[name] for name in sorted(record) if name != "provenance"}))


def records(again: Path | None, varying: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Every number of the records in ``DKG_OUTPUT``, but for those that vary from run to run."""
    for path in sorted((paths.output() / "results").glob("*.json")):
        found = read_record(path)
        if again is not None:
            second = read_record(again / "results" / path.name)
            varies = {key for key in found | second if found.get(key) != second.get(key)}
        else:
            varies = set(varying.get(path.stem, ()))
        # A verdict on a timing may turn over from run to run.
        judged = (".comparisons.", ".verdict", ".why", ".sentence") if varies else ()
        rest = {
            key: value
            for key, value in found.items()
            if key not in varies and not (key.startswith(judged) and ".paper" not in key)
        }
        text = json.dumps(rest, sort_keys=True).encode()
        yield f"record {path.stem}", f"{sha256(text)} {json.dumps(sorted(varies))}"


def helps() -> Iterator[tuple[str, str]]:
    """Print the help of every command."""
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for command in COMMANDS:
        words = command.split()
        if "--settings" not in words:
            words.append("--help")
        shown = subprocess.run(
            [sys.executable, "-m", "dkg", *words],
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
        yield f"help dkg {command}".rstrip(), sha256(shown)


def files() -> Iterator[tuple[str, str]]:
    """Read the files of ``tests/compatibility``, which the first version wrote."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _files(Path(folder))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for file in FILES.iterdir():
        shutil.copy(file, folder)
        # A checkout does not keep the mode.
        (folder / file.name).chmod(0o600)
    key = encryption.read_key(folder / "key.png")
    content = [key.keys.tobytes(), repr((key.weights_sha256, key.weights_public)).encode()]
    yield "file key.png", sha256(*content, repr((key.output, key.exact)).encode())
    for name in ("rgb8", "gray16"):
        out = folder / f"{name}-plain.png"
        encryption.decrypt_file(folder / f"{name}.png", folder / "key.png", out)
        plain = encryption.read_samples(out)
        yield f"file {name}.png", sha256(plain.tobytes())
        # Files of version 1 are read and no longer written, so this encrypts the array.
        ciphertext, metadata = encryption.encrypt(plain, key.keys)
        yield (
            f"file {name}.png again",
            sha256(b"".join(png_files.encode_noise(ciphertext, metadata))),
        )
    parts = [encryption.key_identifier(part[None]) for part in key.keys]
    if registry.uses(folder / "used-keys.sqlite", parts):
        yield "file used-keys.sqlite", "knows the key"
    out = folder / "image.dcm"
    dicom.decrypt_file(folder / "encrypted.dcm", folder / "key.png", out)
    yield "file encrypted.dcm", sha256(out.read_bytes())
    metadata = KeyGenerator.load(FILES / "generator.safetensors", "cpu").metadata
    yield "file generator.safetensors", sha256(json.dumps(metadata, sort_keys=True).encode())


def lines(again: Path | None, before: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Return everything that is compared, name and value."""
    torch.set_num_threads(1)
    for part in (files, helps, keys, trainings):
        yield from part()
    if before and not any(name.startswith("record ") for name in before):
        return
    varying = {
        name.removeprefix("record "): json.loads(value.split(" ", 1)[1])
        for name, value in before.items()
        if name.startswith("record ")
    }
    yield from records(again, varying)


def main() -> None:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("write", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--again", type=Path, help="DKG_OUTPUT of a second run of the same code")
    arguments = parser.parse_args()
    if arguments.what == "write":
        made = lines(arguments.again, {})
        arguments.file.write_text("".join(f"{name}: {value}\n" for name, value in made))
        return
    kept = [x for x in arguments.file.read_text().splitlines() if not x.startswith("#")]
    before = dict(line.split(": ", 1) for line in kept)
    changed = 0
    for name, value in lines(None, dict(before)):
        if name not in before:
            continue
        equal = before.pop(name, None) == value
        changed += not equal
        print(f"{'equal' if equal else 'CHANGED'}  {name}", flush=True)
    for name in before:
        print(f"CHANGED  {name}: is missing")
    sys.exit(bool(changed or before))


if __name__ == "__main__":
    main()
