"""How any answer is checked: what passes through, what is refused, and what is said."""

import numpy as np
import pytest

from dkg import exercises
from dkg.exercises import EXERCISES, Feedback, check
from dkg.exercises.checking import Mistake, call, compare


def double(array):
    return 2 * array


INPUTS = [(np.arange(4, dtype=np.uint8),), (np.arange(9, dtype=np.uint8),)]


def test_a_right_answer_is_accepted():
    compare(double, double, {}, INPUTS)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda a: None, "return statement"),
        (lambda a: list(2 * a), "NumPy array"),
        (lambda a: (2 * a)[:-1], "shape"),
        (lambda a: (2 * a).astype(int), "must be uint8, not int64"),
        (lambda a: a[99], "IndexError"),
        (lambda a: 2 * a + 1, r"100\.0 % of the bytes differ"),
        (lambda a: np.where(a == 3, 0, 2 * a).astype(np.uint8), r"the first is at \(3,\)"),
    ],
)
def test_a_wrong_answer_is_refused_and_told_what_is_wrong(answer, words):
    with pytest.raises(Mistake, match=words):
        compare(answer, double, {}, INPUTS)


def test_a_typical_mistake_is_named_if_it_explains_all_results_or_the_first_wrong_one():
    mistakes = {"It is tripled.": lambda a: 3 * a}
    with pytest.raises(Mistake, match=r"It is tripled\."):
        compare(lambda a: 3 * a, double, mistakes, INPUTS)
    with pytest.raises(Mistake, match=r"More than one thing is wrong\. It is tripled\."):
        compare(lambda a: (3 if len(a) == 4 else 5) * a, double, mistakes, INPUTS)
    with pytest.raises(Mistake, match="of the bytes differ"):
        compare(lambda a: (5 if len(a) == 4 else 3) * a, double, mistakes, INPUTS)


def test_whole_numbers_that_agree_by_chance_explain_nothing():
    mistakes = {"It is always 1.": lambda n: 1}
    with pytest.raises(Mistake, match="The result is too small for one of the inputs: 1"):
        compare(lambda n: n - 1, lambda n: n, mistakes, [(2,), (3,)])


def test_an_answer_may_not_change_what_it_was_given():
    def in_place(array):
        array *= 2
        return array

    given = INPUTS[0][0].copy()
    with pytest.raises(Mistake, match="in_place changes an array"):
        call(in_place, given)
    assert np.array_equal(given, INPUTS[0][0])


@pytest.mark.parametrize("result", [np.float64(2.5), 2.5, 3])
def test_numbers_of_all_kinds_are_numbers(result):
    with pytest.raises(Mistake, match="The result is too large"):
        compare(lambda: result, lambda: 1.0, {}, [()])


@pytest.mark.parametrize("result", ["a", np.zeros(3), True, (1, 2)])
def test_what_is_no_number_is_refused(result):
    with pytest.raises(Mistake, match="must be a number"):
        compare(lambda: result, lambda: 1.0, {}, [()])


def test_several_values_are_compared_one_by_one():
    with pytest.raises(Mistake, match="must be 2 values, not float"):
        compare(lambda: 1.0, lambda: (1.0, 2.0), {}, [()])
    with pytest.raises(Mistake, match="Value 2: it is too small"):
        compare(lambda: (1.0, 1.0), lambda: (1.0, 2.0), {}, [()])


def stub(*inputs):
    raise NotImplementedError


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_a_stub_is_not_implemented(name):
    with pytest.raises(NotImplementedError):
        check(name, *[stub] * (2 if name in ("monobit_and_runs", "perfect_measures") else 1))


def test_an_unknown_exercise_is_refused_with_the_nearest_name():
    for function in (check, exercises.example, exercises.expected, exercises.quiz):
        with pytest.raises(ValueError, match="did you mean 'key_reuse'"):
            function("key_use")


def test_a_result_instead_of_a_function_and_a_wrong_number_of_functions_are_refused():
    with pytest.raises(TypeError, match="without brackets"):
        check("key_reuse", 3)
    with pytest.raises(
        TypeError, match=r"check\('monobit_and_runs', ...\) takes 2 functions, not 1"
    ):
        check("monobit_and_runs", stub)


def test_feedback_is_true_if_the_answer_is_right_and_shows_as_text_and_as_a_box():
    right, wrong = Feedback(True, "1 < 2"), Feedback(False, "a & b")
    assert right and not wrong
    assert str(right) == "Right. 1 < 2" and str(wrong) == "Not yet. a & b"
    assert "1 &lt; 2" in right._repr_html_() and "a &amp; b" in wrong._repr_html_()


def test_a_random_seed_repeats_a_check():
    def records(seen):
        def answer(a, b):
            seen.append(a.tobytes())
            return a, b

        return answer

    seen = [[], [], []]
    for inputs, seed in zip(seen, (1, 1, 2), strict=True):
        assert not check("key_reuse", records(inputs), seed=seed)
    assert seen[0] == seen[1] != seen[2]
