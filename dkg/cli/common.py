"""Options, notes and error messages that several commands share."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

# Inputs have readable=False, or typer would report an unreadable file as wrong usage.
Key = Annotated[
    Path, typer.Option("--key", "-k", readable=False, help="The key file, made by dkg keygen.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output file.")]
Registry = Annotated[
    Path | None,
    typer.Option(
        envvar="DKG_REGISTRY",
        readable=False,
        help="A file that records used keys for several folders; there is one beside each key.",
    ),
]
AllowKeyReuse = Annotated[
    bool,
    typer.Option("--allow-key-reuse", help="Encrypt a second image with a used key. Unsafe."),
]

# The package's errors speak of arguments; users of the command know its options.
_OPTIONS = {
    "unless asked to (overwrite=True)": "unless asked to (--force)",
    "or see allow_key_reuse=True": "or see --allow-key-reuse",
    "as a grid (datasets, seeds, weights)": "as a grid (--dataset, --seeds, --weights)",
}


class Commands(typer.core.TyperGroup):
    """Report expected errors in one line on stderr, without a traceback, with exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (OSError, ValueError) as error:
            message = str(error)
            if isinstance(error, OSError) and error.filename and error.strerror:
                message = f"{error.filename}: {error.strerror}"
            for argument, option in _OPTIONS.items():
                message = message.replace(argument, option)
            fail(message, error)
        except (MemoryError, RuntimeError) as error:
            # Torch has its own errors, for the processor's memory without a class of their own,
            # and oneDNN below it does not say what a primitive could not be created for.
            words = ("memory", "could not create a primitive")
            if isinstance(error, RuntimeError) and not any(word in str(error) for word in words):
                raise
            fail(f"not enough memory: {error}".splitlines()[0], error)


def fail(message: str, cause: BaseException | None = None) -> NoReturn:
    """End the command with an error message and exit status 1."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1) from cause


def note(text: str) -> None:
    """Print a note to stderr."""
    typer.echo(f"Note: {text}", err=True)


def warn_of_reuse() -> None:
    """Say what it means that a key has encrypted another image before."""
    typer.echo(
        "Warning: this key has encrypted another image before. The XOR of two ciphertexts under "
        "one key is the XOR of the two plain images, which shows both; and whoever knows one of "
        "the images can decrypt the other.",
        err=True,
    )


def seed_files(seed: list[Path]) -> list[Path]:
    """Return the seed images, those of a folder in the order of their names."""
    files = []
    for path in seed:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")]
        if not inside:
            raise ValueError(f"{path}: the folder holds no seed image")
        files += sorted(inside)
    return files
