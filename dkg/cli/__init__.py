"""The ``dkg`` command.

What a command needs is imported inside it, so that ``dkg --help`` and the commands without a
network start fast.
"""

import atexit
import gc
from typing import Annotated

import typer

from dkg import __version__
from dkg.cli.analysis import analyze
from dkg.cli.common import Commands
from dkg.cli.encryption import decrypt, dicom_app, encrypt, keygen
from dkg.cli.evaluation import evaluate
from dkg.cli.reproduction import report, reproduce
from dkg.cli.training import train

app = typer.Typer(
    cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
app.add_typer(dicom_app, name="dicom")
for command in (keygen, encrypt, decrypt, analyze, evaluate, train, reproduce, report):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dkg {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """DeepKeyGen: a seed image becomes a key, and the key encrypts an image.

    For study. The paper's cipher is reproduced here, with its weaknesses.
    """
    # At exit Python would search all of torch's objects for garbage, for a third of a second.
    atexit.register(gc.freeze)
