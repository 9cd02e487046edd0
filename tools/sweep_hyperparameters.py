"""Train the cells of the paper's Table XXI and append their keys' entropies to a CSV file.

Usage: python tools/sweep_hyperparameters.py --jobs 3

Every tenth image is held out (14 of 138), the others are trained on. Cells that the file has are
not run again, a run that was stopped goes on from its last checkpoint, and a longer length goes on
from a shorter one. The entropy is NaN where the network gives no finite numbers any more.
"""

import csv
import dataclasses
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
from dkg.acceleration.process import keep_freed_memory
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
)
LEARNING_RATES = sorted(set(TABLES["XXI"]["learning_rate"]), reverse=True)
BATCH_SIZES = sorted(set(TABLES["XXI"]["batch_size"]))
LENGTHS = sorted(set(TABLES["XXI"]["epochs"]))


def split(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split images into those to train on and those held out: every tenth, from the first."""
    held_out = np.arange(len(images)) % 10 == 0
    return images[~held_out], images[held_out]


def key_entropies(weights: Path, images: np.ndarray) -> list[float]:
    """Return the entropy of each image's key, NaN where the network's output is not finite."""
    generator = Generator(**read_metadata(weights)["architecture"])
    generator.load_state_dict(safetensors.torch.load_file(weights))
    entropies = []
    with torch.inference_mode():
        for image in images:
            output = generator(images_to_tensor(image[None]))
            finite = bool(torch.isfinite(output).all())
            entropies.append(entropy(tensor_to_images(output)) if finite else math.nan)
    return entropies


def run_cell(
    image_set: data.ImageSet, settings: dict[str, Any], out: Path, repeat: int = 1
) -> dict[str, Any]:
    """Train one cell to its number of steps, or go on with it, and return its row of the table."""
    config = TrainConfig(**settings, sample_steps=())
    source, held_out = split(image_set.images)
    recipe = Recipe(config=config, dataset=image_set.name)
    trained_on = dataclasses.replace(image_set, images=source)
    try:
        result = recipe.train(out, (trained_on, recipe.transform(source)), progress=False)
        entropies = key_entropies(result.generator, held_out)
    except TrainingFailed:
        entropies = [math.nan]
    made = read_metadata(out / "checkpoint.safetensors")
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
    }


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
        typer.Option(help="Take the first so many. Default: all files, or 138 phantoms."),
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

    def advance(setting: tuple[int, float, int]) -> None:
        """Start the shortest length of a training that the table lacks, if there is one."""
        repeat, rate, batch = setting
        known, row = read_rows(table), None
        for steps in lengths:
            cell = (dataset, image_set.origin, len(image_set.images), rate, batch, steps, repeat)
            if tuple(map(str, cell)) in known:
                row = known[tuple(map(str, cell))]
            elif row is not None and math.isnan(float(row["entropy"])):
                # A network of which a weight is NaN gives NaN for ever.
                append_row(table, row | {"steps": steps})
            else:
                settings = {
                    "learning_rate": rate,
                    "batch_size": batch,
                    "steps": steps,
                    "device": device,
                    "threads": threads,
                }
                name = f"{dataset}-{image_set.origin}-rate-{rate:g}-batch-{batch}-repeat-{repeat}"
                future = executor.submit(run_cell, image_set, settings, runs / name, repeat)
                pending[future] = setting
                return

    pending: dict[Future, tuple[int, float, int]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, keep_freed_memory) as executor:
        for setting in product(range(1, repeats + 1), learning_rate, batch_size):
            advance(setting)
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                setting, row = pending.pop(future), future.result()
                append_row(table, row)
                typer.echo(
                    f"learning rate {row['learning_rate']:g}, batch size {row['batch_size']}, "
                    f"repeat {row['repeat']}, {row['steps']:,} steps: "
                    f"entropy {row['entropy']:.4f} bits, {row['seconds']:.0f} s"
                )
                advance(setting)


if __name__ == "__main__":
    typer.run(main)
