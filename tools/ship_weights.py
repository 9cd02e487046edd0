"""Put a finished training run into dkg/weights/ and its entry into the manifest.

Usage: python tools/ship_weights.py RUN NAME --about "one sentence"
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

from dkg import paths
from dkg.files import atomic
from dkg.keys import list_weights
from dkg.training import read_metadata

SAMPLES = (0, 1000, 4000, 10_000, 20_000)


def _toml(value: object) -> str:
    return json.dumps(value)  # JSON's strings, numbers, booleans and lists are TOML's too.


def main() -> None:
    """Copy the files and append the entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--about", required=True)
    arguments = parser.parse_args()
    name = arguments.name
    if name in list_weights():
        sys.exit(f"{name} is in the manifest already; choose another name")
    weights = arguments.run / "generator.safetensors"
    training = read_metadata(weights)["training"]
    elsewhere = {"seed", "threads", "device", "log_every", "checkpoint_every", "sample_steps"}
    recipe = {k: v for k, v in training["config"].items() if k not in elsewhere}

    copies = {
        weights: f"{name}.safetensors",
        arguments.run / "log.jsonl": f"{name}.log.jsonl",
    }
    samples = {}
    # An early key shows the contours of its seed image, so keys of real images are not shipped.
    synthetic = training["description"]["origin"] == "synthetic"
    for step in SAMPLES if synthetic else ():
        sample = arguments.run / "samples" / f"key-{step:06d}.png"
        if sample.exists():
            samples[str(step)] = f"{name}-keys/key-{step:06d}.png"
            copies[sample] = samples[str(step)]
    for source, target in copies.items():
        (paths.WEIGHTS / target).parent.mkdir(exist_ok=True)
        with atomic(paths.WEIGHTS / target) as temporary:
            shutil.copyfile(source, temporary)

    lines = [
        "",
        f"[networks.{name}]",
        f"about = {_toml(arguments.about)}",
        f"file = {_toml(copies[weights])}",
        f"sha256 = {_toml(hashlib.sha256(weights.read_bytes()).hexdigest())}",
        f"log = {_toml(copies[arguments.run / 'log.jsonl'])}",
        f"dataset = {_toml(training['description']['dataset'])}",
        f"origin = {_toml(training['description']['origin'])}",
        f"domain = {_toml(training['description']['domain'])}",
        f"images = {training['n_source']}",
        f"source_sha256 = {_toml(training['images']['source'])}",
        f"target_sha256 = {_toml(training['images']['target'])}",
        f"steps = {training['step']}",
        f"seed = {training['seed']}",
        f"device = {_toml(training['device'])}",
        f"threads = {training['threads']}",
        f"torch = {_toml(training['torch'])}",
        f"[networks.{name}.recipe]  # Settings of dkg.training.TrainConfig.",
        *(f"{key} = {_toml(value)}" for key, value in sorted(recipe.items())),
        f"[networks.{name}.samples]  # The key of the first source image, by training step.",
        *(f"{step} = {_toml(file)}" for step, file in samples.items()),
    ]
    manifest = paths.WEIGHTS / "manifest.toml"
    with atomic(manifest) as temporary:
        temporary.write_text(manifest.read_text() + "\n".join(lines) + "\n")
    print(f"{name}: {len(copies)} files in {paths.WEIGHTS}")


if __name__ == "__main__":
    main()
