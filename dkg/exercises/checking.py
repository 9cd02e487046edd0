"""How an answer is checked: run on fresh inputs, compared, and told which mistake it looks like."""

import difflib
import html
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

Answer = Callable[..., Any]
"""A function that the student wrote, or that does what a student may write."""

Mistakes = Mapping[str, Answer | tuple[Answer, ...]]
"""What is said about typical mistakes, each with one or more functions that make it."""


class Mistake(Exception):
    """Raised by a check if the student's answer is wrong; the message is for the student."""


@dataclass(frozen=True)
class Feedback:
    """What a check says.

    Attributes
    ----------
    passed : bool
        Whether the answer is right.
    message : str
        What is wrong with it, or what was tried.
    """

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return f"{'Right.' if self.passed else 'Not yet.'} {self.message}"

    def _repr_html_(self) -> str:
        color, border = ("#00674b", "solid") if self.passed else ("#a64400", "dashed")
        word = "Right." if self.passed else "Not yet."
        return (
            f'<div style="border-left: 4px {border} {color}; padding: 0.3em 0.8em">'
            f"<b>{word}</b> {html.escape(self.message)}</div>"
        )


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    Attributes
    ----------
    name : str
        Its name, which is that of its notebook without the number.
    check : callable
        Takes a random generator and the student's functions. It returns what it tried, or raises
        `Mistake`.
    example : callable
        Returns the inputs that the notebook works with.
    expected : callable
        Draws the expected picture, from those inputs and the check's own solution.
    """

    name: str
    check: Callable[..., str]
    example: Callable[[], tuple[Any, ...]]
    expected: Callable[[], Figure]


def run_check(exercise: Exercise, answers: Sequence[Answer], seed: int | None) -> Feedback:
    """Check answers on fresh random inputs; only NotImplementedError passes through."""
    for answer in answers:
        if not callable(answer):
            raise TypeError(
                f"check takes functions: pass the function without brackets, not {answer!r}"
            )
    wanted = len(inspect.signature(exercise.check).parameters) - 1
    if len(answers) != wanted:
        raise TypeError(
            f"check({exercise.name!r}, ...) takes {wanted} functions, not {len(answers)}"
        )
    try:
        return Feedback(True, exercise.check(np.random.default_rng(seed), *answers))
    except Mistake as mistake:
        return Feedback(False, str(mistake))


def find(exercises: Mapping[str, Exercise], name: str) -> Exercise:
    """Return an exercise by its name; ValueError names the nearest one."""
    if name not in exercises:
        near = difflib.get_close_matches(name, exercises, 1, 0)
        raise ValueError(
            f"no exercise is named {name!r}; did you mean {near[0]!r}? "
            f"There are {', '.join(exercises)}"
        )
    return exercises[name]


def call(answer: Answer, *inputs: Any) -> Any:
    """Call a student's function with copies of the inputs.

    Raises
    ------
    Mistake
        If it raises an error, changes its inputs, or returns nothing.
    NotImplementedError
        If it is still the stub.
    """
    given = [value.copy() if isinstance(value, np.ndarray) else value for value in inputs]
    name = getattr(answer, "__name__", "your function")
    try:
        with np.errstate(all="ignore"):
            result = answer(*given)
    except (NotImplementedError, Mistake):
        raise
    except Exception as error:
        shapes = ", ".join(
            f"{value.dtype} {value.shape}" for value in inputs if isinstance(value, np.ndarray)
        )
        at = f" for arrays {shapes}" if shapes else ""
        raise Mistake(f"{name} raises {type(error).__name__}{at}: {error}") from error
    for before, after in zip(inputs, given, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after):
            raise Mistake(
                f"{name} changes an array that it was given, which the caller still needs: work on "
                "a copy."
            )
    if result is None:
        raise Mistake(f"{name} returns None: is there a return statement?")
    return result


def compare(
    answer: Answer,
    right: Answer,
    mistakes: Mistakes,
    instances: Iterable[tuple[Any, ...]],
    name: str = "The result",
) -> None:
    """Compare an answer with the right one, and with typical wrong ones, on several inputs.

    Parameters
    ----------
    answer : callable
        The student's function.
    right : callable
        A function that gives the right results.
    mistakes : mapping of str to callable or tuple of callable
        For each typical mistake, the words for it and functions that make it.
    instances : iterable of tuple
        Inputs.
    name : str, default 'The result'
        What messages call the result.

    Raises
    ------
    Mistake
        With the words of each mistake that explains all results; or else the first wrong one.
    """
    instances = list(instances)
    given = [call(answer, *inputs) for inputs in instances]
    wanted = [right(*inputs) for inputs in instances]
    for result, expected in zip(given, wanted, strict=True):
        _check_form(result, expected, name)
    wrong = [i for i in range(len(given)) if not _same(given[i], wanted[i])]
    if not wrong:
        return
    explained = _explained(mistakes, instances, given)
    first = wrong[0]
    # An integer agrees by chance too easily.
    if not explained and not isinstance(wanted[first], int):
        explained = _explained(mistakes, instances[first : first + 1], given[first : first + 1])
        explained = explained and ["More than one thing is wrong. " + " Or: ".join(explained)]
    raise Mistake(" Or: ".join(explained) or _difference(given[first], wanted[first], name))


def _explained(
    mistakes: Mistakes, instances: Sequence[tuple[Any, ...]], given: Sequence[Any]
) -> list[str]:
    """Return what is said about the mistakes that give these results."""
    found = []
    for words, functions in mistakes.items():
        for mistaken in functions if isinstance(functions, tuple) else (functions,):
            with np.errstate(all="ignore"):
                if all(_same(g, mistaken(*i)) for g, i in zip(given, instances, strict=True)):
                    found.append(words)
    return found


def check_array(result: Any, shape: tuple[int, ...], name: str = "The result") -> None:
    """Refuse what is not a uint8 array of a shape."""
    _check_form(result, np.empty(shape, np.uint8), name)


def _check_form(result: Any, expected: Any, name: str) -> None:
    """Refuse a result of another kind, type or shape than the expected one."""
    if isinstance(expected, tuple):
        if not isinstance(result, tuple | list) or len(result) != len(expected):
            raise Mistake(f"{name} must be {len(expected)} values, not {_kind(result)}")
        for number, (part, wanted) in enumerate(zip(result, expected, strict=True), 1):
            _check_form(part, wanted, f"Value {number} of the result")
    elif isinstance(expected, np.ndarray):
        if not isinstance(result, np.ndarray):
            raise Mistake(f"{name} must be a NumPy array, not {_kind(result)}")
        if result.shape != expected.shape:
            raise Mistake(f"{name} must have shape {expected.shape}, not {result.shape}")
        if result.dtype != expected.dtype:
            raise Mistake(
                f"{name} must be {expected.dtype}, not {result.dtype}: an image is made of bytes"
            )
    elif not isinstance(result, int | float | np.number) or isinstance(result, bool):
        raise Mistake(f"{name} must be a number, not {_kind(result)}")


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)} values"
    return f"{type(value).__name__} {value!r}"


def _same(result: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return all(_same(r, e) for r, e in zip(result, expected, strict=True))
    if isinstance(expected, np.ndarray):
        return np.array_equal(result, expected)
    if isinstance(expected, int):
        return bool(result == expected)
    return bool(np.isclose(result, expected, rtol=1e-6, atol=1e-9, equal_nan=True))


def _difference(result: Any, expected: Any, name: str) -> str:
    """Say how far a result is from the expected one, without giving it."""
    if isinstance(expected, tuple):
        number, pair = next(
            (number, pair)
            for number, pair in enumerate(zip(result, expected, strict=True), 1)
            if not _same(*pair)
        )
        return f"Value {number}: {_difference(*pair, 'it')}"
    if isinstance(expected, np.ndarray):
        wrong = result != expected
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        return (
            f"{100 * wrong.mean():.1f} % of the bytes differ from the right ones; the first is at "
            f"{place} (row, column, channel)."
        )
    side = "small" if result < expected else "large"
    return f"{name} is too {side} for one of the inputs: {float(result):.6g}."
