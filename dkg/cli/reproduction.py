"""``dkg reproduce`` and ``dkg report``: the notebooks, and what their records say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from dkg.cli.common import fail, note, stoppable

if TYPE_CHECKING:
    from dkg.reproduction.plan import Plan

_Prepare = Annotated[
    Path | None,
    Option(help="Only put the parameters in, and write the notebooks to this folder."),
]


_Notebooks = Annotated[
    list[str] | None, Argument(help="Notebooks to run. Default: all, in reading order.")
]
_Profile = Annotated[
    str, Option(help="A file of parameters in notebooks/profiles/, or the path of your own.")
]
_Parameters = Annotated[
    list[str] | None,
    Option(
        "--parameter",
        "-p",
        help="NAME=VALUE: a parameter of a notebook, and its value. Repeat it.",
    ),
]
_Dataset = Annotated[
    list[str] | None,
    Option(help="Run each notebook that has a data set on this one. Repeat it."),
]
_Seeds = Annotated[
    int | None, Option(help="Run each notebook that has a random seed with seeds 0 to N - 1.")
]
_Weights = Annotated[
    list[str] | None,
    Option(help="Run each notebook that has a network on this name or path. Repeat it."),
]
_Jobs = Annotated[int, Option(help="Trainings at once, and then notebooks at once.")]
_Threads = Annotated[
    int | None, Option(help="Threads of each of them. Default: the cores, shared by the jobs.")
]
_Resume = Annotated[
    bool, Option("--resume", help="Leave out what is finished and whose inputs are the same.")
]
_TimeLimit = Annotated[
    int, Option(min=0, help="Seconds that one cell of a notebook may take; 0 for no limit.")
]
_Only = Annotated[
    list[str] | None,
    Option(help="Run only this one of the plan, and train nothing. Repeat it."),
]
_Trainings = Annotated[
    bool, Option("--trainings", help="Only train the networks that the plan needs.")
]
_PrintPlan = Annotated[bool, Option("--plan", help="Only print, as JSON, what would be run.")]


def reproduce(
    notebooks: _Notebooks = None,
    profile: _Profile = "default",
    parameters: _Parameters = None,
    dataset: _Dataset = None,
    seeds: _Seeds = None,
    weights: _Weights = None,
    jobs: _Jobs = 1,
    threads: _Threads = None,
    resume: _Resume = False,
    time_limit: _TimeLimit = 3600,
    only: _Only = None,
    trainings: _Trainings = False,
    plan: _PrintPlan = False,
    prepare: _Prepare = None,
) -> None:
    """Run the notebooks into figures/; exit status 1 if one failed.

    With --dataset, --seeds, --weights or --parameter it runs a grid: each notebook for each that it
    has, into folders of their own, figures/grid/NAME.
    """
    from dkg.reproduction import plan as planned
    from dkg.reproduction import runner as batch

    what = planned.make(
        notebooks,
        profile,
        datasets=dataset or (),
        seeds=seeds,
        weights=weights or (),
        parameters=_values(parameters or []),
    )
    for line in what.taken_over + what.left_out:
        note(line)
    if only:
        what = what.only(only)
    if plan:
        typer.echo(json.dumps(what.as_dict(), indent=1))
        return
    if prepare is not None:
        for run in what.runs:
            typer.echo(batch.prepare(run, prepare))
        return
    with stoppable(lambda: _how_far(what)):
        if trainings:
            outcomes = batch.train(what.trainings, jobs=jobs, threads=threads)
        else:
            outcomes = batch.reproduce(
                what, jobs=jobs, threads=threads, resume=resume, time_limit=time_limit or None
            )
    failed = [outcome.name for outcome in outcomes if outcome.error]
    typer.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} ran to their end")
    if failed:
        fail(f"failed: {', '.join(failed)}")


def _how_far(what: "Plan") -> str:
    """Say what of a plan is done, and how to go on."""
    done = sum(run.stamp.is_file() for run in what.runs)
    trained = sum(training.network.is_file() for training in what.trainings)
    networks = (
        f"{trained} of {len(what.trainings)} networks are trained, " if what.trainings else ""
    )
    return (
        f"{networks}{done} of {len(what.runs)} notebooks are finished; "
        "the same command with --resume goes on"
    )


def _values(pairs: list[str]) -> dict[str, list[Any]]:
    """Read NAME=VALUE pairs: values as YAML reads them, several of one name in their order."""
    import yaml

    values: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        if not equals or not name:
            raise ValueError(f"--parameter takes NAME=VALUE, not {pair!r}")
        values.setdefault(name, []).append("" if text == "" else value)
    return values


def report(
    publish: Annotated[
        bool,
        Option(
            "--publish",
            help="For maintainers: also write the published numbers, tables and pictures in docs/ "
            "and README.md.",
        ),
    ] = False,
) -> None:
    """Collect the records into figures/report/; exit status 1 if some are missing or stale."""
    from dkg import paths, plots
    from dkg.plots.front_page import write_front_page
    from dkg.reproduction import report as collected

    problems = collected.write(plots.paper_and_ours)
    write_front_page(paths.output() / "front.png")
    typer.echo(paths.output() / "report" / "report.html")
    for problem, ids in problems.items():
        typer.echo(f"Error: {problem}: {', '.join(ids)}", err=True)
    if problems:
        raise typer.Exit(1)
    if publish:
        for path in collected.publish():
            typer.echo(path)
