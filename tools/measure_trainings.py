"""Measure the keys of every training of the base recipe, and write dkg/weights/trainings.csv.

Usage: python tools/measure_trainings.py runs/base-more

The shipped trainings are measured, and those in the folders given: every folder in them that holds
a ``generator.safetensors`` of the base recipe, trained to its end. A training is known by the
SHA-256 of that file, so that its numbers count although not all weights fit into the package.
Measured are, for each seed image,

- ``entropy``: of the key, in bits;
- ``npcr``, ``uaci``: of the keys of the seed image and of the same one with one pixel changed by
  one gray level, in percent (the pixels are the same for every network);
- ``block_correlation``: of a plaintext and its ciphertext, absolute correlation of the means of
  16 x 16 pixels.

Phantoms are always measured on, and real images where DKG_DATA has them: seeds of ``shenzhen``, and
plaintexts of ``ultrasound``, both chosen spread over the set. A row is written when it is done, and
rows that the file has are not measured again.
"""

import csv
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dkg import attacks, cipher, data, metrics, paths, zoo
from dkg.keys import KeyGenerator, list_weights
from dkg.settings import TrainConfig
from dkg.storage.files import atomic

COLUMNS = (
    *("network", "sha256", "trained_on", "steps", "seed"),
    *("images", "n", "seeds_sha256", "plaintexts_sha256", "pixel_seed"),
    *("measure", "min", "median", "max", "mean", "standard_deviation"),
)
KEY = COLUMNS[1:2] + COLUMNS[5:11]
"""What a row is known by: the network's file, what it was measured on, and the measure."""
MEASURES = ("entropy", "npcr", "uaci", "block_correlation")


def find(folders: list[Path]) -> dict[str, str]:
    """Return the trainings of the base recipe: their names, and names or paths for the loader."""
    found = {name: name for name in list_weights()}
    found |= {
        path.parent.name: str(path)
        for folder in folders
        for path in sorted(folder.glob("*/generator.safetensors"))
    }
    base = zoo.entries()[list_weights()[0]]
    return {name: where for name, where in found.items() if is_base(where, base)}


def is_base(where: str, base: dict[str, Any]) -> bool:
    """Return whether a network has the base recipe and was trained to its end, on any images."""
    training = KeyGenerator.load(where).metadata["training"]
    # A setting that is newer than a training has its default there.
    defaults = zoo.settings(TrainConfig())
    return (
        defaults | zoo.settings(training["config"]) == defaults | base["recipe"]
        and training["step"] == base["recipe"]["steps"]
        and training["description"]["domain"] == base["domain"]
    )


def image_sets(n: int) -> dict[str, tuple[data.ImageSet, data.ImageSet]]:
    """Return seeds and plaintexts, of phantoms and, where there are some, of files."""
    sets = {"synthetic": (data.synthetic("shenzhen", n), data.synthetic("ultrasound", n))}
    if all((paths.data() / name).is_dir() for name in ("shenzhen", "ultrasound")):
        sets["files"] = (
            data.load("shenzhen", n=n, choice="spread"),
            data.load("ultrasound", n=n, choice="spread"),
        )
    return sets


def measure(
    generator: KeyGenerator, seeds: np.ndarray, plain: np.ndarray, pixels: np.ndarray
) -> dict[str, list[float]]:
    """Return each measure for every seed image."""
    keys = generator.generate_many(seeds)
    where = (np.arange(len(seeds)), *pixels)
    changed = generator.generate_many(attacks.change_pixel(seeds, where, "one gray level"))
    pairs = list(zip(keys, changed, strict=True))
    hidden = zip(plain, cipher.xor(plain, keys), strict=True)
    return {
        "entropy": [metrics.entropy(key) for key in keys],
        "npcr": [metrics.npcr(*pair) for pair in pairs],
        "uaci": [metrics.uaci(*pair) for pair in pairs],
        "block_correlation": [abs(metrics.block_correlation(*pair)) for pair in hidden],
    }


def read_rows(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """Read a table, by what its rows are known by."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and tuple(rows[0]) != COLUMNS:
        raise ValueError(f"{path}: its columns are {', '.join(rows[0])}, not {', '.join(COLUMNS)}")
    return {tuple(row[column] for column in KEY): row for row in rows}


def write_rows(path: Path, rows: dict[tuple[str, ...], dict[str, Any]]) -> None:
    """Write a table, as a whole and in the order of networks, images and measures."""

    def order(row: dict[str, Any]) -> tuple[str, str, int]:
        return row["network"], row["images"], MEASURES.index(row["measure"])

    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows.values(), key=order))


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs, besides the shipped networks.")
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Seed images, and plaintexts.")] = 16,
    pixel_seed: Annotated[int, typer.Option(help="Random seed of the changed pixels.")] = 0,
    table: Annotated[Path, typer.Option(help="The CSV file.")] = paths.WEIGHTS / "trainings.csv",
) -> None:
    """Measure the keys of every training of the base recipe."""
    for folder in folders or []:
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder}: no such folder")
    sets = image_sets(n)
    pixels = np.random.default_rng(pixel_seed).integers(256, size=(2, n))
    rows: dict[tuple[str, ...], dict[str, Any]] = dict(read_rows(table))
    for name, where in find(folders or []).items():
        generator = KeyGenerator.load(where)
        training = generator.metadata["training"]
        for origin, (seeds, plain) in sets.items():
            about = {
                "network": name,
                "sha256": generator.sha256,
                "trained_on": f"{training['description']['dataset']} "
                f"({training['description']['origin']})",
                "steps": training["step"],
                "seed": training["seed"],
                "images": origin,
                "n": n,
                "seeds_sha256": seeds.fingerprint,
                "plaintexts_sha256": plain.fingerprint,
                "pixel_seed": pixel_seed,
            }
            known = {
                which: tuple(str((about | {"measure": which})[c]) for c in KEY)
                for which in MEASURES
            }
            if all(key in rows for key in known.values()):
                continue
            measured = measure(generator, seeds.images, plain.images, pixels)
            for which, values in measured.items():
                rows[known[which]] = about | {
                    "measure": which,
                    "min": float(np.min(values)),
                    "median": float(np.median(values)),
                    "max": float(np.max(values)),
                    "mean": float(np.mean(values)),
                    "standard_deviation": float(np.std(values, ddof=1)) if n > 1 else 0.0,
                }
            write_rows(table, rows)
            means = ", ".join(f"{which} {np.mean(v):.4f}" for which, v in measured.items())
            typer.echo(f"{name}, {n} images ({origin}): {means}")


if __name__ == "__main__":
    typer.run(main)
