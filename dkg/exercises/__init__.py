"""Exercises: checks that say what is wrong with an answer, expected pictures, and questions.

``notebooks/exercises/`` has a notebook for each exercise, and ``docs/teaching.md`` the plan of a
course with them. A check runs the student's function on fresh random inputs. Reference results come
from `dkg.metrics`, `dkg.attacks` and `dkg.randomness`; typical mistakes are functions too, so that
a wrong result is recognised by what it computes. Everything is made of phantoms and shipped
networks: no files and no network connection are needed.
"""

from typing import Any

from matplotlib.figure import Figure

from dkg.exercises import keys, learning, measures, stream_cipher
from dkg.exercises.checking import Answer, Exercise, Feedback, find, run_check
from dkg.exercises.keys import untemper
from dkg.exercises.measures import noise
from dkg.exercises.questions import QUESTIONS, QuestionBox
from dkg.exercises.stream_cipher import letters

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for step in (stream_cipher, measures, keys, learning)
    for exercise in step.exercises()
}
"""Every exercise by name, in the order of difficulty: three in each of four steps."""


def check(name: str, *functions: Answer, seed: int | None = None) -> Feedback:
    """Check the answer to an exercise.

    Parameters
    ----------
    name : str
        One of `EXERCISES`.
    *functions : callable
        The student's function, or functions in the order of the notebook.
    seed : int, optional
        Random seed of the inputs that are tried. Default: the system's entropy.

    Returns
    -------
    Feedback
        True if the answer is right; it shows what was tried, or what looks wrong.

    Raises
    ------
    NotImplementedError
        If a function is still the stub.
    TypeError
        If something else than functions is passed.
    ValueError
        If no exercise has this name.
    """
    return run_check(find(EXERCISES, name), functions, seed)


def example(name: str) -> tuple[Any, ...]:
    """Return the inputs that the notebook of an exercise works with.

    ValueError is raised if no exercise has this name.
    """
    return find(EXERCISES, name).example()


def expected(name: str) -> Figure:
    """Draw the expected picture of an exercise.

    It shows the inputs of `example`, and in most exercises the check's own solution. ValueError is
    raised if no exercise has this name.
    """
    return find(EXERCISES, name).expected()


def quiz(name: str) -> QuestionBox:
    """Return the multiple-choice question of an exercise, as a widget.

    ValueError is raised if no exercise has this name.
    """
    return QuestionBox(QUESTIONS[find(EXERCISES, name).name])


__all__ = [
    "EXERCISES",
    "QUESTIONS",
    "Exercise",
    "Feedback",
    "QuestionBox",
    "check",
    "example",
    "expected",
    "letters",
    "noise",
    "quiz",
    "untemper",
]
