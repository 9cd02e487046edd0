"""Time and memory of each profile, and of the full paper on 1, 8 and 64 GPUs.

    dkg reproduce --profile default
    python benchmarks/reproduction.py [FOLDER...] [--write]

Measured: what the stamps of finished runs say, in the output folders given (default: figures), and
the processor time of training steps here and now, on one thread. Computed: everything on a GPU,
from the operations of a step and the assumptions below; ``--seconds-per-step`` puts a measured
number in their place. ``--write`` puts the tables into workflow/README.md.
"""

import argparse
import heapq
import json
import os
import re
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from dkg import data, paths
from dkg.data.phantoms import chest_xray
from dkg.reproduction import plan
from dkg.storage.files import atomic
from dkg.training import TrainConfig, train

README = paths.root() / "workflow" / "README.md"
_BLOCK = re.compile(r"(?<=<!-- times:begin -->\n).*?(?=<!-- times:end -->)", re.DOTALL)

SEEDS = 5
GPUS = (1, 8, 64)
CORES_PER_GPU = 16

# The assumptions. A step with one image is many small operations; recorded in a graph, they wait
# for no CPU, but each still takes some microseconds.
SECONDS_PER_OPERATION = 4e-6
PEAK = 67e12  # Floating-point operations in a second, single precision, of an H100 SXM.
SHARE_OF_PEAK = 0.2
STEPS = 20_000
SWEEP_STEPS = 30_000
BATCH_SIZES = (1, 6, 10)
LEARNING_RATES = 3


@dataclass
class Step:
    """What one step of a training takes: operations, calculations, bytes kept, CPU seconds."""

    operations: float
    flops: float
    kept: float
    cpu_seconds: float

    @property
    def gpu_seconds(self):
        """Computed from the assumptions."""
        return max(self.operations * SECONDS_PER_OPERATION, self.flops / (PEAK * SHARE_OF_PEAK))


class _Count(TorchDispatchMode):
    """Count the operations that are started; a view of a tensor is none."""

    def __init__(self):
        super().__init__()
        self.n = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        self.n += not function.is_view
        return function(*arguments, **(keywords or {}))


def run_training(steps, **settings):
    """Train for a number of steps, and return the processor time."""
    images = np.concatenate([chest_xray(1)] * 10)
    config = TrainConfig(steps=steps, seed=0, device="cpu", sample_steps=(), **settings)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as out:
        train(config, images, images, out, progress=False)
    return time.process_time() - began


def measure_step(timed=10, **settings):
    """Measure a step as the difference of trainings that differ in their number of steps."""
    counts = []
    for steps in (1, 3):
        kept = {}

        def keep(tensor, kept=kept):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with (
            _Count() as operations,
            FlopCounterMode(display=False) as flops,
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        ):
            run_training(steps, **settings)
        counts.append((operations.n, flops.get_total_flops()))
        if steps == 1:
            bytes_kept = sum(kept.values())
    seconds = [
        (run_training(1 + timed, **settings) - run_training(1, **settings)) / timed
        for _ in range(3)
    ]
    operations, flops = ((b - a) / 2 for a, b in zip(*counts, strict=True))
    return Step(operations, flops, bytes_kept, float(np.median(seconds)))


def read_stamps(folders):
    """Return the stamps of finished runs by profile and name."""
    found = {}
    for folder in folders:
        for path in [*folder.glob("executed/*.json"), *folder.glob("grid/*/executed/*.json")]:
            stamp = json.loads(path.read_text())
            found.setdefault(stamp["inputs"]["profile"], {})[path.stem] = stamp
    return found


def full_plan(datasets=(), seeds=None):
    """Return the plan of the full profile, as if there were real images."""
    with tempfile.TemporaryDirectory() as folder:
        for name in data.NAMES:
            (Path(folder) / name).mkdir()
        before = os.environ.get("DKG_DATA")
        os.environ["DKG_DATA"] = folder
        try:
            return plan.make(profile="full", datasets=datasets, seeds=seeds)
        finally:
            del os.environ["DKG_DATA"]
            if before is not None:
                os.environ["DKG_DATA"] = before


def blocks_of(training):
    """Return the number of residual blocks of a training of a plan."""
    [blocks] = [
        int(argument.partition("=")[2])
        for argument in training.arguments
        if argument.startswith("residual_blocks=")
    ] or [TrainConfig().residual_blocks]
    return blocks


def makespan(seconds, workers):
    """Return how long jobs take, the longest first, each on the worker that is free first."""
    free = [0.0] * workers
    for job in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + job)
    return max(free)


def notebook_seconds(runs, stamps):
    """Return seconds for each run; of a notebook run several times the mean of those measured."""
    by_notebook = {}
    for name, stamp in stamps.items():
        for notebook in plan.list_notebooks():
            if name == notebook or name.startswith(f"{notebook}-"):
                by_notebook.setdefault(notebook, []).append(stamp["seconds"])
    missing = sorted({run.notebook for run in runs} - set(by_notebook))
    if missing:
        raise SystemExit(f"no finished run of {', '.join(missing)}: dkg reproduce first")
    return [float(np.mean(by_notebook[run.notebook])) for run in runs]


def in_words(seconds):
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, default=[paths.output()])
    parser.add_argument("--seconds-per-step", type=float, help="measured on an H100, base network")
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    chosen = parser.parse_args()

    stamps = read_stamps(chosen.folders)
    if "default" not in stamps:
        raise SystemExit("no finished run of the default profile: dkg reproduce first")
    steps = {blocks: measure_step(residual_blocks=blocks) for blocks in (3, 6, 9, 12)}
    batches = {size: measure_step(timed=1, batch_size=size) for size in BATCH_SIZES}
    factor = 1.0
    if chosen.seconds_per_step:
        factor = chosen.seconds_per_step / steps[TrainConfig().residual_blocks].gpu_seconds
    gpu = "from a measurement of the base network" if chosen.seconds_per_step else "computed"
    kept = "activations kept for the backward pass (computed)"
    text = table(
        [
            "training step, batch 1",
            "operations",
            "10^9 additions and multiplications",
            kept,
            "one CPU thread (measured)",
            f"one H100 ({gpu})",
        ],
        [
            [
                f"{blocks} residual blocks",
                f"{step.operations:,.0f}",
                f"{step.flops / 1e9:.1f}",
                f"{step.kept / 2**20:,.0f} MiB",
                f"{step.cpu_seconds * 1e3:.0f} ms",
                f"{step.gpu_seconds * factor * 1e3:.1f} ms",
            ]
            for blocks, step in steps.items()
        ],
    )
    one = full_plan()
    trainings_cpu = [STEPS * steps[blocks_of(t)].cpu_seconds for t in one.trainings]
    trainings_gpu = [STEPS * steps[blocks_of(t)].gpu_seconds * factor for t in one.trainings]
    notebooks = notebook_seconds(one.runs, stamps["default"])
    rows = []
    for profile in ("smoke", "default"):
        if profile not in stamps:
            continue
        runs = stamps[profile].values()
        total, processor = (sum(stamp[key] for stamp in runs) for key in ("seconds", "cpu_seconds"))
        rows.append(
            [
                profile,
                f"{len(runs)} notebooks",
                f"{in_words(total)} one after another, {in_words(processor)} of CPU (measured)",
                "no longer than on the CPU (computed)",
                f"{max(s['peak_memory_mib'] for s in runs) / 1024:.1f} GiB (measured)",
            ]
        )
    rows.append(
        [
            "full",
            f"{len(one.trainings)} trainings, {len(one.runs)} notebooks",
            f"{in_words(makespan(trainings_cpu, 2) + sum(notebooks))} (computed)",
            f"{in_words(sum(trainings_gpu) + sum(notebooks))} (computed)",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB for a training "
            "(measured)",
        ]
    )
    text += "\n" + table(
        ["profile", "what", "2 CPU cores", "one H100", "most memory of one process"], rows
    )

    grid = full_plan(datasets=list(data.NAMES), seeds=SEEDS)
    gpu_jobs = [STEPS * steps[blocks_of(t)].gpu_seconds * factor for t in grid.trainings]
    sweep = [
        SWEEP_STEPS * batches[size].gpu_seconds * factor
        for size in BATCH_SIZES
        for _ in range(LEARNING_RATES)
    ]
    cpu_jobs = notebook_seconds(grid.runs, stamps["default"])
    rows = []
    for n in GPUS:
        trainings, table_xxi = makespan(gpu_jobs, n), makespan(sweep * SEEDS * len(data.NAMES), n)
        evaluations = makespan(cpu_jobs, n * CORES_PER_GPU // 2)
        rows.append(
            [
                str(n),
                in_words(trainings),
                in_words(evaluations),
                in_words(trainings + evaluations),
                in_words(table_xxi),
            ]
        )
    text += "\n" + table(
        [
            "H100s",
            f"{len(gpu_jobs)} trainings",
            f"{len(cpu_jobs)} notebooks",
            "together",
            f"Table XXI as well, {len(sweep) * SEEDS * len(data.NAMES)} trainings",
        ],
        rows,
    )
    text += (
        f"\nAssumptions, for a GPU: {SECONDS_PER_OPERATION * 1e6:.0f} µs for each operation "
        f"started, or {SHARE_OF_PEAK:.0%} of {PEAK / 1e12:.0f} TFLOP/s, whichever takes longer; "
        "one training at a time on each. For notebooks: the time that the default profile "
        f"took here on phantoms, with two cores each and {CORES_PER_GPU} cores per GPU. CPU "
        f"capability, as torch names it: {torch.backends.cpu.get_cpu_capability()}.\n"
    )
    print(text)
    if chosen.write:
        readme = README.read_text()
        if len(_BLOCK.findall(readme)) != 1:
            raise SystemExit(f"{README} has not the two marks between which the tables stand")
        with atomic(README) as temporary:
            temporary.write_text(_BLOCK.sub(lambda _: text, readme))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
