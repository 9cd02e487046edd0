"""How many key bytes change with threads, batch, compiler, library, instructions and device.

    python benchmarks/same_key.py

Every row makes the same keys as the first one, one seed image at a time on one thread, in another
way: in single precision (``exact=False``), in exact arithmetic with the paper's reading, and with
the low-order digits. A cell is the share of the key bytes that differ, and by how many gray levels
at most. Last comes the time of a key in exact arithmetic beside single precision, in turns (goal:
at most 3 times). The first key, which is made without compiled code, is not counted.

On a machine with a GPU the rows of the GPU are measured too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from dkg.data import load
from dkg.keys import KeyGenerator
from dkg.models import images_to_tensor, tensor_to_images

MODES = {
    "single precision": {"exact": False},
    "exact": {"exact": True},
    "exact, low-order": {"exact": True, "output": "low-order"},
}
OLDER = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
}


def seed_images(n):
    sets = [load(name, n=-(-n // 3)).images for name in ("montgomery", "ultrasound", "brats18")]
    return np.concatenate(sets)[:n]


def make(network, mode, seeds, device="cpu"):
    return KeyGenerator.load(network, device, **MODES[mode]).generate_many(seeds)


def make_at_once(network, mode, seeds, device="cpu", compiled=False):
    """Make keys with the module itself, in one batch."""
    module = KeyGenerator.load(network, device, exact=False)._generator
    module = torch.compile(module) if compiled else module
    with torch.inference_mode():
        x = images_to_tensor(seeds, device)
        batches = [x] if not compiled else x.split(1)
        return np.concatenate([tensor_to_images(module(batch)) for batch in batches])


def with_older_instructions(network, mode, seeds):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.npy"
        command = [sys.executable, __file__, "--write", path, "--mode", mode]
        command += ["--network", network, "--seeds", str(len(seeds))]
        subprocess.run(command, env=os.environ | OLDER, check=True)
        return np.load(path, allow_pickle=False)


def ways():
    """Yield name, threads and function of each way to make the keys again."""

    def without_onednn(*arguments):
        with torch.backends.mkldnn.flags(enabled=False):
            return make(*arguments)

    def at_once(network, mode, seeds):
        return make_at_once(network, mode, seeds) if mode == "single precision" else None

    def compiled(network, mode, seeds):
        return (
            make_at_once(network, mode, seeds, compiled=True)
            if mode == "single precision"
            else None
        )

    yield "the same again", 1, make
    yield "2 threads", 2, make
    yield "all in one batch", 1, at_once
    yield "torch.compile", 1, compiled
    yield "oneDNN off", 1, without_onednn
    yield "older instructions (SSE4)", 1, with_older_instructions
    if torch.cuda.is_available():
        yield "GPU", 1, lambda *arguments: make(*arguments, device="cuda")


def times(network, seed, rounds):
    makers = {mode: KeyGenerator.load(network, "cpu", **options) for mode, options in MODES.items()}
    taken = {mode: [] for mode in makers}
    for _ in range(rounds + 1):
        for mode, maker in makers.items():
            began = time.perf_counter()
            maker.generate(seed)
            taken[mode].append(time.perf_counter() - began)
    return {mode: np.array(values[1:]) for mode, values in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", default="base-phantom-1", help="a shipped one, or a path")
    parser.add_argument("--seeds", type=int, default=16, help="seed images, of three sets")
    parser.add_argument("--rounds", type=int, default=20, help="of the times")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    seeds = seed_images(options.seeds)
    torch.set_num_threads(1)
    if options.write:
        np.save(options.write, make(options.network, options.mode, seeds))
        return

    print(f"{options.network}, {len(seeds)} keys, torch {torch.__version__}, {platform()}\n")
    first = {mode: make(options.network, mode, seeds) for mode in MODES}
    print(f"| the same keys, but | {' | '.join(MODES)} |\n|---|{'---|' * len(MODES)}")
    for name, threads, function in ways():
        torch.set_num_threads(threads)
        cells = []
        for mode, keys in first.items():
            try:
                others = function(options.network, mode, seeds)
            except Exception as error:  # The compiler, for one, needs a C++ compiler beside it.
                cells.append(f"not possible here: {type(error).__name__}")
                continue
            if others is None:
                cells.append("does not apply: one by one, not compiled")
                continue
            apart = np.abs(keys.astype(int) - others)
            cells.append(f"{100 * (apart > 0).mean():.4f} %, at most {apart.max()}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if not torch.cuda.is_available():
        print("| GPU | waits for a GPU | waits for a GPU | waits for a GPU |")
    apart = np.abs(first["exact"].astype(int) - first["single precision"])
    print(
        f"\nexact beside single precision: {100 * (apart > 0).mean():.3f} % of the bytes differ, "
        f"by at most {apart.max()}"
    )
    for threads in (1, os.cpu_count()):
        torch.set_num_threads(threads)
        taken = times(options.network, seeds[0], options.rounds)
        single = taken["single precision"]
        for mode, values in taken.items():
            print(
                f"{threads} threads, {mode}: {1e3 * np.median(values):.1f} ms, "
                f"{np.median(values / single):.2f} times single precision in the same round "
                f"(fastest: {1e3 * values.min():.1f} ms, {values.min() / single.min():.2f} times)"
            )


def platform():
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU with {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
