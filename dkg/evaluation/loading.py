"""Ciphers by name: a built-in one, or a class in a Python file."""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from dkg.evaluation.ciphers import CIPHERS
from dkg.evaluation.protocol import Cipher, UnusableCipher


def load(name: str) -> Cipher:
    """Return an object that encrypts images.

    Parameters
    ----------
    name : str
        A name of `dkg.evaluation.ciphers.CIPHERS`, such as ``"aes-256-ctr"``, or the path of a
        Python file and a class in it, ``"my_cipher.py:MyCipher"``. The file is run, as
        ``python my_cipher.py`` runs it but for its ``__main__`` part, and can import files beside
        it. The class is called without arguments.

    Returns
    -------
    Cipher
        The object; `dkg.evaluation.protocol.check` tells whether it is an image cipher.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnusableCipher
        If there is no built-in cipher of this name, the file cannot be run, it has no such class,
        or the class cannot be called without arguments.
    """
    if name in CIPHERS:
        return CIPHERS[name]()
    file, colon, attribute = name.rpartition(":")
    if not colon or not attribute or not file.endswith(".py"):
        raise UnusableCipher(
            f"{name!r} is neither a class in a file, such as my_cipher.py:MyCipher, nor a built-in "
            f"cipher: {', '.join(CIPHERS)}"
        )
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    module = _run(path)
    try:
        found: Any = getattr(module, attribute)
    except AttributeError:
        own = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__
        ]
        raise UnusableCipher(
            f"{path}: has no class {attribute}; its classes are: {', '.join(own) or 'none'}"
        ) from None
    if not inspect.isclass(found):
        raise UnusableCipher(
            f"{path}: {attribute} must be a class, not an object of type {type(found).__name__}"
        )
    try:
        cipher = cast(Cipher, found())
    except Exception as error:  # Of any type: it is the user's code.
        raise UnusableCipher(
            f"{path}: {attribute}() must work without arguments; it raised "
            f"{type(error).__name__}: {error}"
        ) from error
    return cipher


def _run(path: Path) -> ModuleType:
    """Run a file as a module of its own name, with its folder on the import path meanwhile."""
    name = f"dkg_cipher_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Data classes look their module up.
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = _line_of(error, path)
        raise UnusableCipher(f"{path}{line}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Return where in the file an error came from, as ``", line 3"``."""
    if isinstance(error, SyntaxError):
        return ""  # It says so itself.
    line, trace = "", error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == path.name:
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line
