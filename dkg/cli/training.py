"""``dkg train``: one network, or those of the package."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from dkg.cli.common import fail, note, stoppable


def _print_settings(wanted: bool) -> None:
    if wanted:
        from dkg.training import TrainConfig

        for name, default, source in TrainConfig.describe():
            typer.echo(f"{name:20} {default!s:12} {source}")
        raise typer.Exit()


_ListSettings = Annotated[
    bool,
    Option(
        "--settings",
        callback=_print_settings,
        is_eager=True,
        help="List every setting, its default and its source.",
    ),
]


def train(
    networks: Annotated[
        list[str] | None,
        Argument(help="With --zoo: networks of the manifest. Default: all that are missing."),
    ] = None,
    out: Annotated[
        Path | None, Option("--out", "-o", help="Folder of the run; a run in it goes on.")
    ] = None,
    zoo: Annotated[
        bool, Option("--zoo", help="Train what is missing of the networks that the package has.")
    ] = False,
    check: Annotated[
        bool, Option("--check", help="With --zoo: only derive the manifest again, compare.")
    ] = False,
    jobs: Annotated[
        int | None, Option(help="With --zoo: trainings at once. Default: one a core, 4 on a GPU.")
    ] = None,
    dataset: Annotated[
        str, Option(help="Seed images: montgomery, shenzhen, ultrasound or brats18.")
    ] = "montgomery",
    images: Annotated[
        int | None, Option(help="Use only the first N images. Default: all files, or 138 phantoms.")
    ] = None,
    domain: Annotated[
        str, Option(help="chaotic-rgb, chaotic-gray, row-shuffle or aes-ctr.")
    ] = "chaotic-rgb",
    domain_seed: Annotated[int, Option(help="Seed of row-shuffle and aes-ctr.")] = 0,
    settings: Annotated[
        list[str] | None, Option("--set", help="A setting, such as --set steps=5000. Repeat it.")
    ] = None,
    list_settings: _ListSettings = False,
    fresh: Annotated[
        bool, Option("--fresh", help="Refuse to go on from an earlier run in the folder.")
    ] = False,
) -> None:
    """Train a generator, with the paper's settings unless --set says otherwise.

    A run that was stopped goes on where it was when the same command is given again. With --zoo the
    networks that come with the package are trained by the recipes of their manifest.
    """
    if zoo:
        if out or settings or fresh or images or dataset != "montgomery" or domain != "chaotic-rgb":
            raise typer.BadParameter("the manifest has the settings; only --jobs goes with --zoo")
        if check and (networks or jobs is not None):
            raise typer.BadParameter("--check looks at every network and trains none")
        if check:
            _check_zoo()
        else:
            _train_zoo(networks, jobs)
        return
    if networks or check or jobs is not None:
        raise typer.BadParameter("names of networks, --check and --jobs go with --zoo")
    if out is None:
        raise typer.BadParameter("the folder of the run is needed: --out FOLDER (or --zoo)")
    _train(out, dataset, images, domain, domain_seed, settings or [], fresh)


def _train(
    out: Path,
    dataset: str,
    images: int | None,
    domain: str,
    domain_seed: int,
    settings: list[str],
    fresh: bool,
) -> None:
    from dkg.acceleration.process import keep_freed_memory
    from dkg.training import TrainConfig, TrainingFailed
    from dkg.zoo import Recipe, progress

    keep_freed_memory()
    config = TrainConfig.from_mapping(_parse(settings))
    recipe = Recipe(
        config=config, dataset=dataset, n_images=images, domain=domain, domain_seed=domain_seed
    )
    loaded = recipe.load()
    origin = loaded[0].origin
    note(f"{len(loaded[1])} images of {dataset} ({origin}), domain {domain}")

    def print_line(record: dict[str, Any]) -> None:
        if record["event"] == "sample":
            typer.echo(
                f"step {record['step']:,} of {config.steps:,}: mean key entropy "
                f"{record['key_entropy']:.4f} bits, {record['seconds']:.0f} s",
                err=True,
            )

    on_log = None if sys.stderr.isatty() else print_line
    with stoppable(lambda: f"{progress(out, config.steps)}, with the same command"):
        try:
            result = recipe.train(out, loaded, resume=not fresh, on_log=on_log)
        except TrainingFailed as error:
            fail(str(error), error)
    typer.echo(
        f"{result.generator}: {result.step:,} steps, seed {result.seed}, "
        f"entropy of the last key {result.key_entropy:.4f} bits"
    )


def _parse(pairs: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs; a value is JSON where it can be, else a string."""
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, not {pair!r}")
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings


def _train_zoo(networks: list[str] | None, jobs: int | None) -> None:
    from dkg import zoo

    note("the shipped weights are public: keys that are made with them are for study only")
    with stoppable(lambda: "the same command goes on with what is not trained to its end"):
        try:
            trained = zoo.train_missing(networks, jobs, report=typer.echo)
        except RuntimeError as error:
            fail(str(error), error)
    if not trained:
        typer.echo("every network of the manifest is trained to the end of its recipe")


def _check_zoo() -> None:
    from dkg import zoo

    table = zoo.check()
    for name, rows in table.groupby("network", sort=False):
        typer.echo(f"{name}: {rows['good'].eq(True).sum()} of {len(rows)} checks good")
        for row in rows[rows["good"].ne(True)].itertuples():
            mark = "open" if row.good is None else "BAD"
            typer.echo(f"  {mark}: {row.check}: {row.manifest} expected, {row.found} found")
    bad = table["good"].eq(False).sum()
    left = table["good"].isna().sum()
    typer.echo(f"{len(table)} checks: {bad} bad, {left} open (not trained, or images not here)")
    if bad:
        raise typer.Exit(1)
