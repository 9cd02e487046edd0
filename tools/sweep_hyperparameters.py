"""Train the cells of the paper's Table XXI and append their keys' entropies to a CSV file.

Usage, in the background, with one thread for each of two trainings:

    nice -n 19 python tools/sweep_hyperparameters.py --jobs 2 --threads 1

Every tenth image is held out (14 of 138), the others are trained on. A column is one training, of a
learning rate and a batch size; smaller batches come first, and a column goes on to its last length
before the next begins. Each cell is written when it is done. Cells that the file has are not run
again, and a run that was stopped goes on from its last checkpoint. The entropy is NaN where the
network gives no finite numbers any more.

A column whose keys of the held-out images are the same to the last bit at every thousandth step of
5,000 is not trained further: its remaining cells get the same entropy, and ``constant_since`` says
from which step on the keys did not change, ``keys_sha256`` what they are.
"""

import csv
import dataclasses
import hashlib
import json
import math
import multiprocessing
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import safetensors.torch
import torch
import typer

from dkg import data, paths
from dkg.acceleration.process import end_with_parent, keep_freed_memory
from dkg.metrics import entropy
from dkg.models import Generator, images_to_tensor, tensor_to_images
from dkg.paper import TABLES
from dkg.storage.checkpoints import read_metadata
from dkg.storage.files import atomic
from dkg.training import TrainConfig, TrainingFailed, read_log
from dkg.zoo import Recipe

COLUMNS = (
    *("dataset", "origin", "images", "learning_rate", "batch_size", "steps"),  # The cell, and
    "repeat",  # which training of its settings, from 1 on.
    *("entropy", "standard_deviation"),
    *("seed", "seconds", "device", "threads", "torch"),
    *("keys_sha256", "constant_since"),  # Of the keys of all held-out images; a step, or nothing.
)
STAGE, CONSTANT = 1000, 5000
"""Steps between two looks at the keys, and without a change after which a column is stopped."""
LEARNING_RATES = sorted(set(TABLES["XXI"]["learning_rate"]), reverse=True)
BATCH_SIZES = sorted(set(TABLES["XXI"]["batch_size"]))
LENGTHS = sorted(set(TABLES["XXI"]["epochs"]))


def split(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split images into those to train on and those held out: every tenth, from the first."""
    held_out = np.arange(len(images)) % 10 == 0
    return images[~held_out], images[held_out]


def measure_keys(weights: Path, images: np.ndarray) -> tuple[list[float], str]:
    """Return the entropy of each image's key, NaN without finite numbers, and the keys' SHA-256."""
    generator = Generator(**read_metadata(weights)["architecture"])
    generator.load_state_dict(safetensors.torch.load_file(weights))
    entropies, digest = [], hashlib.sha256()
    with torch.inference_mode():
        for image in images:
            output = generator(images_to_tensor(image[None]))
            finite = bool(torch.isfinite(output).all())
            key = tensor_to_images(torch.nan_to_num(output))
            entropies.append(entropy(key) if finite else math.nan)
            digest.update(key.tobytes())
    return entropies, digest.hexdigest()


def constant_since(keys: dict[int, str]) -> int | None:
    """Return from which step on the keys are the same, if they are for `CONSTANT` steps or more.

    Only an unbroken row of looks, `STAGE` steps apart, counts.
    """
    step = last = max(keys)
    while keys.get(step - STAGE) == keys[last]:
        step -= STAGE
    return step if last - step >= CONSTANT else None


def run_cell(
    image_set: data.ImageSet, settings: dict[str, Any], out: Path, repeat: int = 1
) -> dict[str, Any]:
    """Train one cell to its number of steps, or go on with it, and return its row of the table."""
    config = TrainConfig(**settings, sample_steps=())
    source, held_out = split(image_set.images)
    trained_on = dataclasses.replace(image_set, images=source)
    seen, checkpoint = out / "keys.json", out / "checkpoint.safetensors"
    # The keys' SHA-256 by step, kept for a run that goes on.
    keys = {int(k): v for k, v in json.loads(seen.read_text()).items()} if seen.exists() else {}
    keys = {step: digest for step, digest in keys.items() if step < config.steps}
    begun = read_metadata(checkpoint)["step"] if checkpoint.exists() else 0
    images, since = None, None
    for step in [*range(STAGE, config.steps, STAGE), config.steps]:
        if step in keys or begun > step != config.steps:
            continue
        recipe = Recipe(config=dataclasses.replace(config, steps=step), dataset=image_set.name)
        images = images or (trained_on, recipe.transform(source))
        try:
            result = recipe.train(out, images, progress=False)
            entropies, keys[step] = measure_keys(result.generator, held_out)
        except TrainingFailed:
            entropies = [math.nan]
        if math.isnan(entropies[0]):
            break
        with atomic(seen) as temporary:
            temporary.write_text(json.dumps(keys))
        if since := constant_since(keys):
            break
    made = read_metadata(checkpoint)
    return {
        "dataset": image_set.name,
        "origin": image_set.origin,
        "images": len(image_set.images),
        "learning_rate": config.learning_rate,
        "batch_size": config.batch_size,
        "steps": config.steps,
        "repeat": repeat,
        "entropy": float(np.mean(entropies)),
        "standard_deviation": float(np.std(entropies)),
        "seed": made["seed"],
        "seconds": read_log(out)[-1]["seconds"],
        "device": made["device"],
        "threads": made["threads"],
        "torch": made["torch"],
        "keys_sha256": "" if math.isnan(entropies[0]) else keys[step],
        "constant_since": since or "",
    }


def prepare() -> None:
    """Prepare a process that trains; it ends with the one that started it."""
    end_with_parent()
    keep_freed_memory()


def read_rows(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """Read a table, by data set, origin, images, learning rate, batch size, steps and repeat."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and tuple(rows[0]) != COLUMNS:
        raise ValueError(f"{path}: its columns are {', '.join(rows[0])}, not {', '.join(COLUMNS)}")
    return {tuple(row[column] for column in COLUMNS[:7]): row for row in rows}


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append a row to a table; the file is replaced as a whole."""
    rows = [*read_rows(path).values(), row]
    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(
    lengths: Annotated[list[int], typer.Option(help="Training steps. Repeat it.")] = LENGTHS,
    learning_rate: Annotated[list[float], typer.Option(help="Repeat it.")] = LEARNING_RATES,
    batch_size: Annotated[list[int], typer.Option(help="Repeat it.")] = BATCH_SIZES,
    repeats: Annotated[
        int, typer.Option(min=1, help="Trainings of each learning rate and batch size.")
    ] = 1,
    dataset: Annotated[
        str, typer.Option(help="montgomery, shenzhen, ultrasound or brats18.")
    ] = "montgomery",
    images: Annotated[
        int | None,
        typer.Option(help="Use only the first N images. Default: all files, or 138 phantoms."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells that train at the same time.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of each cell. Default: torch's.")
    ] = None,
    table: Annotated[Path, typer.Option(help="The CSV file.")] = paths.WEIGHTS / "table-xxi.csv",
    runs: Annotated[
        Path | None, typer.Option(help="Folder of the runs. Default: runs/sweep.")
    ] = None,
) -> None:
    """Fill the paper's Table XXI; every option's default is the paper's."""
    lengths = sorted(set(lengths))
    runs = runs or paths.runs() / "sweep"
    image_set = data.load(dataset, n=images)
    typer.echo(f"{len(image_set.images)} images of {dataset} ({image_set.origin})")

    def next_cell(setting: tuple[int, int, float]) -> dict[str, Any] | None:
        """Return the settings of the shortest length of a column that the table lacks."""
        repeat, batch, rate = setting
        known, row = read_rows(table), None
        for steps in lengths:
            cell = (dataset, image_set.origin, len(image_set.images), rate, batch, steps, repeat)
            if tuple(map(str, cell)) in known:
                row = known[tuple(map(str, cell))]
            elif row and (row["constant_since"] or math.isnan(float(row["entropy"]))):
                # A network of which a weight is NaN gives NaN for ever.
                append_row(table, row | {"steps": steps})
            else:
                return {
                    "learning_rate": rate,
                    "batch_size": batch,
                    "steps": steps,
                    "device": device,
                    "threads": threads,
                }
        return None

    def start(setting: tuple[int, int, float], cell: dict[str, Any]) -> None:
        repeat, batch, rate = setting
        name = f"{dataset}-{image_set.origin}-rate-{rate:g}-batch-{batch}-repeat-{repeat}"
        pending[executor.submit(run_cell, image_set, cell, runs / name, repeat)] = setting

    pending: dict[Future, tuple[int, int, float]] = {}
    waiting = iter(product(range(1, repeats + 1), sorted(batch_size), learning_rate))
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, context, prepare)
    try:
        while True:
            while len(pending) < jobs and (setting := next(waiting, None)):
                if cell := next_cell(setting):
                    start(setting, cell)
            if not pending:
                break
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                setting, row = pending.pop(future), future.result()
                append_row(table, row)
                stopped = f", constant since step {row['constant_since']}"
                typer.echo(
                    f"learning rate {row['learning_rate']:g}, batch size {row['batch_size']}, "
                    f"repeat {row['repeat']}, {row['steps']:,} steps: "
                    f"entropy {row['entropy']:.4f} bits, {row['seconds']:.0f} s"
                    f"{stopped if row['constant_since'] else ''}"
                )
                if cell := next_cell(setting):
                    start(setting, cell)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        typer.echo("Stopped: the same command goes on from the last checkpoints.", err=True)
        raise
    executor.shutdown()


if __name__ == "__main__":
    typer.run(main)
