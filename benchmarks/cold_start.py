"""Time from the start of a process to a written key file.

    python benchmarks/cold_start.py

``dkg keygen`` with one seed image on the CPU, in turns with a process that only imports torch
(goal: at most 1.4 times its time). That process also collects torch's garbage at its end, which
takes a third of a second; the command leaves it out. The system has read the files before, so that
they come from memory.

Wall time; medians, with the least and the greatest. A ratio is the median over pairs.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dkg.data import load

KEYGEN = "-m dkg keygen --seed seed.png --out key.png --device cpu --force"
COMMANDS = {"dkg keygen": KEYGEN.split(), "import torch": ["-c", "import torch"]}


def seconds(arguments, folder):
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11, help="pairs")
    rounds = parser.parse_args().rounds
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} pairs")
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(load("montgomery", n=1).images[0]).save(Path(folder) / "seed.png")
        taken = [
            [seconds(arguments, folder) for arguments in COMMANDS.values()]
            for _ in range(rounds + 1)
        ]
    taken = np.array(taken[1:])  # The first round reads the files from the disk.
    for name, values in zip(COMMANDS, taken.T, strict=True):
        print(f"{name}: {np.median(values):.2f} s ({values.min():.2f} to {values.max():.2f})")
    ratios = taken[:, 0] / taken[:, 1]
    print(
        f"dkg keygen takes {np.median(ratios):.2f} times as long as the import of torch alone "
        f"({ratios.min():.2f} to {ratios.max():.2f})"
    )


if __name__ == "__main__":
    main()
