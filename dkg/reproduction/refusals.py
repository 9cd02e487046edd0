"""Calls that should fail: the notebooks show how the package refuses what is not secure."""

from collections.abc import Callable
from typing import Any


def refusal(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the message with which a call is refused.

    Parameters
    ----------
    call : callable
        What should be refused, such as `dkg.encryption.encrypt_file`.
    *arguments, **options
        What it is called with.

    Returns
    -------
    str
        The message of the error: ValueError, OSError or RuntimeError, of which those of the
        package are kinds.

    Raises
    ------
    AssertionError
        If the call is not refused.
    """
    try:
        call(*arguments, **options)
    except (ValueError, OSError, RuntimeError) as error:
        return str(error)
    raise AssertionError(f"{getattr(call, '__name__', call)} was not refused")
