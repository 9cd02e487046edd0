"""``dkg analyze``: the paper's measures of keys and images, as tables or JSON."""

import hashlib
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import typer
from numpy.typing import NDArray
from typer import Argument, Option

from dkg.cli.common import note

if TYPE_CHECKING:
    from dkg.metrics import Interval


def analyze(
    files: Annotated[
        list[Path],
        Argument(readable=False, help="Keys, ciphertexts or 8-bit images; two are compared."),
    ],
    as_json: Annotated[bool, Option("--json", help="Print JSON instead of tables.")] = False,
    randomness: Annotated[
        bool, Option("--randomness", help="Also run NIST SP 800-22 on each file.")
    ] = False,
) -> None:
    """Measure keys and images, beside what ideal random bytes would give."""
    from dkg.encryption.png_files import kind_of, read
    from dkg.encryption.samples import decode_samples

    contents = [read(file) for file in files]  # Once: a file may be a pipe.
    images = [decode_samples(file, data) for file, data in zip(files, contents, strict=True)]
    kinds: list[str] = [kind_of(data) for data in contents]
    for file, image in zip(files, images, strict=True):
        if image.dtype != np.uint8:
            raise ValueError(f"{file}: the measures are for 8-bit samples, not {image.dtype}")
    tables = []
    for file, name, image in zip(files, kinds, images, strict=True):
        tables.append(_table([file], [name], image, _measure(image)))
        if randomness:
            tables[-1]["randomness"] = _test_randomness(image)
    if len(files) == 2:
        a, b = images
        if a.shape == b.shape:
            tables.append(_table(files, kinds, a, _compare(a, b, uniform="image" not in kinds)))
        else:
            note(
                f"{files[0]} and {files[1]} are not compared: their shapes are {a.shape} "
                f"and {b.shape}"
            )
    if as_json:
        typer.echo(json.dumps(tables, indent=2, allow_nan=False))
        return
    for table in tables:
        _print_table(table)
    typer.echo(
        "Ideal: independent, uniform bytes; they lie outside an interval in 5 % of all cases.\n"
        "A measure inside its interval is no proof of security; one outside is a defect of a key."
    )
    if any(row["measure"] == "block correlation" for table in tables for row in table["measures"]):
        typer.echo(
            "Block correlation: that of the means of 16 x 16 pixels. Between a plain image and its "
            "ciphertext, a value outside the interval means that the averaged ciphertext shows "
            "the image."
        )
    if randomness:
        typer.echo(
            "SP 800-22: 1 % of the P-values of ideal bits lie below 0.01; passing is no proof of "
            "security."
        )


def _table(
    files: list[Path], kinds: list[str], image: NDArray[np.uint8], measures: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "files": [str(file) for file in files],
        "kinds": kinds,
        "shape": image.shape,
        "measures": measures,
    }


def _row(
    name: str,
    unit: str,
    measure: Callable[[], float],
    ideal: float | None = None,
    interval: "Interval | None" = None,
) -> dict[str, Any]:
    """Return one measure as a row of a table; its value is None where it is undefined."""
    try:
        value: float | None = measure()
    except ValueError:  # The image is too small for it.
        value = None
    if value is not None and not math.isfinite(value):
        value = None
    return {
        "measure": name,
        "unit": unit,
        "value": value,
        "ideal": ideal,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "inside": value in interval if interval and value is not None else None,
    }


def _measure(image: NDArray[np.uint8]) -> list[dict[str, Any]]:
    from dkg import metrics

    entropy = metrics.ideal_entropy(image.size)
    local = metrics.ideal_entropy(metrics.LOCAL_SIDE**2).mean, metrics.local_entropy_interval()
    uniform = metrics.Interval(0.0, metrics.chi_square_critical_value())
    # The blocks of the local entropy are random, and the same for the same image.
    random_seed = int.from_bytes(hashlib.sha256(image.tobytes()).digest())
    rows = [
        _row("entropy", "bit", lambda: metrics.entropy(image), entropy.mean, entropy.interval()),
        _row("local entropy", "bit", lambda: metrics.local_entropy(image, random_seed), *local),
        _row("chi-square", "", lambda: metrics.chi_square(image).statistic, 255.0, uniform),
    ]
    height, width = image.shape[:2]
    channels = image.size // (height * width)
    for direction, pairs in (
        ("horizontal", height * (width - 1)),
        ("vertical", (height - 1) * width),
        ("diagonal", (height - 1) * (width - 1)),
    ):
        interval = metrics.ideal_correlation(max(2, channels * pairs)).interval()
        measure = partial(metrics.adjacent_correlation, image, direction, None)
        rows.append(_row(f"correlation, {direction}", "", measure, 0.0, interval))
    return rows


def _compare(a: NDArray[np.uint8], b: NDArray[np.uint8], *, uniform: bool) -> list[dict[str, Any]]:
    from dkg import metrics

    # Against a plain image, UACI depends on the image even for a uniform key; NPCR does not.
    uaci = (metrics.ideal_uaci(a.size).mean, metrics.uaci_interval(a.size)) if uniform else ()
    npcr = (metrics.ideal_npcr(a.size).mean, metrics.npcr_interval(a.size))
    n_blocks = math.prod(length // 16 for length in a.shape[:2])
    blocks = metrics.ideal_correlation(max(2, n_blocks)).interval()
    return [
        _row("NPCR", "%", lambda: metrics.npcr(a, b), *npcr),
        _row("UACI", "%", lambda: metrics.uaci(a, b), *uaci),
        _row("MSE", "", lambda: metrics.mse(a, b)),
        _row("PSNR", "dB", lambda: metrics.psnr(a, b)),
        _row("SSIM", "", lambda: metrics.ssim(a, b)),
        _row("block correlation", "", lambda: metrics.block_correlation(a, b), 0.0, blocks),
    ]


def _test_randomness(image: NDArray[np.uint8]) -> list[dict[str, Any]]:
    from dkg.randomness import run_suite

    table = run_suite(image.tobytes())
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return cast(list[dict[str, Any]], rows)


def _print_randomness(rows: list[dict[str, Any]]) -> None:
    typer.echo(f"  {'SP 800-22':<28}{'smallest P-value':>16}{'below 0.01':>14}")
    for test in dict.fromkeys(row["test"] for row in rows):
        variants = [row for row in rows if row["test"] == test]
        name = test.replace("_", " ")
        if variants[0]["reason"]:
            typer.echo(f"  {name:<28}not applicable: {variants[0]['reason']}")
            continue
        smallest = min(row["p_value"] for row in variants)
        failed = sum(not row["passed"] for row in variants)
        typer.echo(f"  {name:<28}{smallest:>16.6f}{f'{failed} of {len(variants)}':>14}")
    typer.echo()


def _print_table(table: dict[str, Any]) -> None:
    names = [f"{file} ({kind})" for file, kind in zip(table["files"], table["kinds"], strict=True)]
    shape = " x ".join(map(str, table["shape"]))
    typer.echo(f"{' and '.join(names)}, {shape}")
    typer.echo(f"  {'measure':<25}{'value':>16}{'ideal':>12}   95 % interval")
    for row in table["measures"]:
        name = f"{row['measure']} [{row['unit']}]" if row["unit"] else row["measure"]
        value, ideal = (
            "-" if row[column] is None else f"{row[column]:,.5f}" for column in ("value", "ideal")
        )
        interval = "" if row["low"] is None else f"{row['low']:.5f} to {row['high']:.5f}"
        verdict = {True: "inside", False: "outside", None: ""}[row["inside"]]
        typer.echo(f"  {name:<25}{value:>16}{ideal:>12}   {interval:<24}{verdict}".rstrip())
    typer.echo()
    if "randomness" in table:
        _print_randomness(table["randomness"])
