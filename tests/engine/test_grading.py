"""Grading: what is exact, what is an estimate, what is no answer yet, whose words are said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.api import Engine, local
from engine.learn import grading
from engine.learn.answers import Answer, Asked, NoQuestion
from engine.learn.lessons import Choice, Question, Step
from engine.learn.markup import Span
from engine.learn.reader import LessonError, read, shipped

ENGINE = local()
ASKED = Asked(ENGINE, "tales-gpt", "Once upon a time")


@pytest.fixture
def asks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked below is this engine."""
    monkeypatch.setitem(globals(), "ENGINE", engine)
    monkeypatch.setitem(globals(), "ASKED", replace(ASKED, engine=engine))


def step(lesson: str, number: int) -> Step:
    return shipped()[lesson].steps[number - 1]


def own(one: Step) -> grading.Posed:
    return grading.pose(one, Asked(ENGINE, one.model, one.sentence))


def of(one: Step, text: str) -> grading.Posed:
    return grading.pose(one, Asked(ENGINE, one.model, text))


def said(verdict: grading.Verdict) -> str:
    return "".join(span.text for span in verdict.sentence)


def choice_of(value: float | str, *choices: Choice) -> str:
    """The text of the choice that is right for an answer; `NoQuestion` where none is."""
    return choices[grading.right_place(choices, Answer(value, str(value), "."))].text


# --- What is no answer yet ---


@pytest.mark.usefixtures("asks")
def test_an_order_is_graded_when_it_is_whole() -> None:
    posed = own(step("1.2", 3))
    right = [one.name for one in posed.answer.candidates[: grading.MOST]]
    for count in range(1, len(right)):
        verdict = grading.grade(posed, right[:count])
        assert verdict.again and f"{len(right) - count} more" in said(verdict)
    assert grading.grade(posed, right).right
    back = grading.grade(posed, right[::-1])
    assert not back.right and not back.again


@pytest.mark.parametrize("typed", ["many", "nan", "", "1,5", "--3", "inf", "e", "12 34"])
@pytest.mark.usefixtures("asks")
def test_what_is_no_number_asks_again(typed: str) -> None:
    verdict = grading.grade(own(step("2.1", 4)), typed)
    assert verdict.again and not verdict.right and "number" in said(verdict)


@pytest.mark.parametrize("typed", ["3", " 3 ", "3.0", "3 tokens", "+3"])
@pytest.mark.usefixtures("asks")
def test_a_number_is_read_as_people_type_it(typed: str) -> None:
    assert grading.grade(own(step("2.1", 4)), typed).right


@pytest.mark.usefixtures("asks")
def test_an_empty_word_and_what_is_no_choice_ask_again() -> None:
    assert grading.grade(own(step("1.2", 1)), " ").again
    assert grading.grade(own(step("0.1", 1)), "None of them").again


# --- Counts are exact ---


@pytest.mark.parametrize(
    ("lesson", "number", "off"),
    [("2.1", 4, 1), ("4.2", 2, 2), ("4.5", 4, 1), ("5.1", 1, 1), ("4.4", 1, 1)],
)
@pytest.mark.usefixtures("asks")
def test_a_count_that_is_typed_is_exact(lesson: str, number: int, off: int) -> None:
    posed = own(step(lesson, number))
    right = float(posed.answer.value)
    assert grading.grade(posed, right).right
    for wrong in (right - off, right + off):
        verdict = grading.grade(posed, wrong)
        assert not verdict.right and not verdict.again


@pytest.mark.usefixtures("asks")
def test_off_by_one_is_off_by_one_token_and_by_two_tokens() -> None:
    posed = own(step("4.5", 4))
    assert posed.question.unit == "tokens"
    for off, said in ((1, "by 1 token."), (2, "by 2 tokens.")):
        verdict = grading.grade(posed, float(posed.answer.value) + off)
        assert said in str(verdict)


def test_a_chosen_count_is_exact_and_an_estimate_is_near() -> None:
    exact = (Choice("1", 1.0), Choice("2", 2.0), Choice("6", 6.0))
    assert choice_of(6.0, *exact) == "6"
    with pytest.raises(NoQuestion, match="no choice says that"):
        choice_of(5.0, *exact)
    near = (Choice("About 10", 10.0, about=True), Choice("About 100", 100.0, about=True))
    assert choice_of(14.0, *near) == "About 10"
    assert choice_of(90.0, *near) == "About 100"
    with pytest.raises(NoQuestion, match="no choice says that"):
        choice_of(25.0, *near)  # was once graded "About 10"
    with pytest.raises(NoQuestion, match="between two"):
        choice_of(12.0, near[0], Choice("About 14", 14.4, about=True))
    mixed = (Choice("Only one", 1.0), near[0], Choice("never", "never"))
    assert choice_of(1.0, *mixed) == "Only one"
    assert choice_of("never", *mixed) == "never"


@pytest.mark.usefixtures("asks")
def test_a_choice_of_a_shipped_lesson_that_is_no_count_says_so() -> None:
    """Where the right number is not the one that stands there, the words say that it is near."""
    for lesson in shipped().values():
        for one in lesson.steps:
            if one.question is None or not one.question.choices:
                continue
            posed = own(one)
            right = posed.choices[posed.right]
            if right.about and right.value != posed.answer.value:
                assert right.text.startswith("About"), f"{lesson.id}: {right.text}"


@pytest.mark.usefixtures("asks")
def test_a_repetition_that_does_not_come_is_an_answer() -> None:
    one = step("4.2", 1)
    posed = of(one, "Once upon a time there was an old king who")
    assert posed.answer.value == "never", posed.answer
    assert posed.choices[posed.right].text == "Not within 40"
    typed = step("4.2", 2)
    with pytest.raises(NoQuestion, match="no number: not within 40 tokens"):
        of(typed, "Once upon a time there was an old king who")


# --- Whose words are said ---


@pytest.mark.usefixtures("asks")
def test_a_choices_words_are_said_of_the_lessons_own_text_alone() -> None:
    one = step("1.1", 2)
    near = "Near, as in “Near Jupiter”"
    assert "a tale" in said(grading.grade(own(one), near))
    other = of(one, "The door opened. Then")
    verdict = grading.grade(other, near)
    assert not verdict.right and "tale" not in said(verdict)
    assert "the right answer has" in said(verdict)  # computed


@pytest.mark.usefixtures("asks")
def test_a_reveal_is_said_of_the_lessons_own_text_alone() -> None:
    one = step("1.2", 1)
    assert grading.revealed(own(one))
    assert not grading.revealed(of(one, "He was so tired that he went to"))
    other = replace(ASKED, text=one.sentence, model="tales-gpt")
    assert grading.revealed(grading.pose(one, other))


@pytest.mark.usefixtures("asks")
def test_a_name_without_a_number_is_never_shown_empty() -> None:
    words = (Span("It has {best}, you chose {mine}."),)
    choices = (Choice("6", 6.0), Choice("7", 7.0, words))
    question = Question((Span("How many?"),), "choice", "layer_count", {}, choices)
    posed = own(Step("Decoding", {"model": "tales-gpt", "text": "A dog."}, (), question))
    assert said(grading.grade(posed, "7")) == "Not “7”. Look at the picture once more."


# --- Files ---

FILE = """title = "A lesson"
minutes = 3
can_say = "Something."

[[step]]
page = "Decoding"
state = {{ model = "tales-gpt", text = "Once upon a" }}
text = "One."

[step.question]
ask = "What?"
{question}

[[step]]
page = "Decoding"
state = {{ model = "tales-gpt", text = "Once upon a" }}
text = "Two."
"""


@pytest.mark.parametrize(
    ("question", "line", "why"),
    [
        (
            'answer = "heads_prefer"\nwith = { word = "a", a = "b", b = "c", baseline = "row" }',
            13,
            "one of 'none', 'column'",
        ),
        ('answer = "future_weight"\nwith = { kind = "cross" }', 13, "one of '', 'encoder'"),
        ('answer = "strongest_head"\nwith = { measure = "best" }', 13, "one of 'previous'"),
        ('answer = "kept"\nwith = { setting = "hot 3" }', 13, "“hot 3” is not a setting"),
        ('answer = "rank_of"\nwith = { word = " " }', 13, "a word, not nothing"),
        (
            'answer = "attends_most"\nwith = { word = "a", layer = 0, head = 1 }',
            13,
            "`layer` of `attends_most` must be 1 or more",
        ),
        ('answer = "survives"\nwith = { place = true, setting = "greedy" }', 13, "must be int"),
        ('answer = "kept"\nform = "number"\ntolerance = 1\nwith = { setting = "greedy" }', 14,
         "a count is exact"),
        (
            'answer = "layer_count"\nchoices = [{ text = "a", value = 1, because = "{best}" }, '
            '{ text = "b", value = 2 }]',
            13,
            "`because` names `{best}`; there are only answer, chosen, right",
        ),
        (
            'answer = "rank_of"\nwith = { word = "time" }\nreveal = "It has {shares}."',
            14,
            "`reveal` names `{shares}`",
        ),
        (
            'answer = "layer_count"\nchoices = [{ text = "a", value = 1, about = 2 }, '
            '{ text = "b", value = 2 }]',
            13,
            "a `value`, `about`, or `low` and `high`",
        ),
        (
            'answer = "layer_count"\nchoices = [{ text = "a", about = 0 }, '
            '{ text = "b", value = 2 }]',
            13,
            "`about` is a number above 0",
        ),
    ],
)  # fmt: skip
def test_arguments_and_names_that_make_no_sense_are_refused(
    question: str, line: int, why: str
) -> None:
    with pytest.raises(LessonError) as refused:
        read("1.9", FILE.format(question=question))
    assert str(refused.value).startswith(f"line {line}: "), refused.value
    assert why in str(refused.value)


# --- Questions that mean nothing for a text ---


@pytest.mark.parametrize(
    "text", ["The boy ran home.", "The boy saw the boy and a bear", "Nothing of it"]
)
@pytest.mark.usefixtures("asks")
def test_words_that_cannot_change_places_are_no_question(text: str) -> None:
    with pytest.raises(NoQuestion, match="cannot change places"):
        of(step("2.4", 4), text)


@pytest.mark.usefixtures("asks")
def test_words_of_several_tokens_are_weighed_whole() -> None:
    posed = own(step("6.4", 1))
    assert "2 tokens, Fr · ance" in posed.answer.because
    likelier = step("1.1", 2)
    assert likelier.question is not None
    shared = replace(likelier.question, given={"a": "Frank", "b": "France"}, choices=())
    posed = own(replace(likelier, question=shared))  # both begin with "Fr"
    assert len({one.shown for one in posed.answer.candidates}) == 2


@pytest.mark.usefixtures("asks")
def test_facts_are_those_that_a_live_answer_declares() -> None:
    from engine.learn.answers import ANSWERS

    for lesson in shipped().values():
        for one in lesson.steps:
            if one.question is not None:
                answer = own(one).answer
                assert set(answer.facts) == ANSWERS[one.question.answer].facts, lesson.id
