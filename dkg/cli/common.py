"""Notes and error messages of the commands, and what a command says that is stopped."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

# The package's errors speak of arguments; users of the command know its options.
_OPTIONS = {
    "unless asked to (overwrite=True)": "unless asked to (--force)",
    "see accept_version_1=True": "use --accept-version-1",
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


@contextmanager
def stoppable(where: Callable[[], str]) -> Iterator[None]:
    """End the command in order on Ctrl-C, SIGTERM or SIGHUP, and say where it stopped."""

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) is not signal.SIG_IGN:  # As under nohup.
                before.setdefault(number, signal.signal(number, stop))
    try:
        yield
    except (KeyboardInterrupt, SystemError) as error:
        # Compiled code that is interrupted raises SystemError because of it.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        typer.echo(f"Stopped: {where()}", err=True)
        raise typer.Exit(130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
