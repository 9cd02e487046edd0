"""Multiple-choice questions: one for each exercise, and what a click says."""

import pytest

from dkg.exercises import EXERCISES, QUESTIONS, quiz
from dkg.exercises.questions import Question


def test_each_exercise_has_a_question_with_three_answers():
    assert QUESTIONS.keys() == EXERCISES.keys()
    assert all(len(question.answers) == 3 for question in QUESTIONS.values())


def test_the_place_of_the_right_answer_does_not_give_it_away():
    places = [list(question.answers).index(question.right) for question in QUESTIONS.values()]
    assert {places.count(place) for place in range(3)} == {4}


def test_a_right_answer_must_be_among_the_answers():
    with pytest.raises(ValueError, match="one of the answers, not 'c'"):
        Question("?", {"a": "", "b": ""}, "c")


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_button_says_what_is_right_or_wrong_with_the_choice(name):
    box, question = quiz(name), QUESTIONS[name]
    assert box.choice.value is None and box.feedback.value == ""
    box.button.click()
    assert "Choose an answer first" in box.feedback.value
    for answer in question.answers:
        box.choice.value = answer
        box.button.click()
        assert ("<b>Right.</b>" in box.feedback.value) == (answer == question.right)
        assert ("<b>No.</b>" in box.feedback.value) == (answer != question.right)


def test_each_answer_says_something_else():
    for question in QUESTIONS.values():
        assert len(set(question.answers.values())) == 3


def test_signs_are_shown_as_they_are():
    box = quiz("uint8_bug")
    box.choice.value = "The share of bytes with a > b"
    box.button.click()
    assert "&gt;" not in box.choice.value
