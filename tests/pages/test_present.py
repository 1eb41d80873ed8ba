"""A lesson presented: faces by address, the way through them, and what stays of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.grading import Posed
from engine.learn.reader import shipped
from pages.shell.lesson import present
from pages.shell.lesson.words import markdown
from pages.shell.menu import FILES
from tests.pages.conftest import Open, components, crash

LESSONS = shipped()
STEPS = [(one, n) for one in ("1.2", "1.4", "3.1", "4.4", "5.2") for n in (1, 2, 3)]


def opened(open_page: Open, lesson: str, number: int, face: str) -> AppTest:
    page = Path(FILES[LESSONS[lesson].steps[number - 1].page]).stem
    app = open_page(page, lesson=lesson, lesson_step=str(number), present=face)
    assert not crash(app), crash(app)
    return app


def posed(lesson: str, number: int) -> Posed:
    step = LESSONS[lesson].steps[number - 1]
    return grading.pose(step, Asked(local(), step.model, step.sentence))


def shown(app: AppTest) -> list[str]:
    return [one.value for one in app.markdown]


def styles(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.feature("Present a lesson")
@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=[f"{a}-{b}" for a, b in STEPS])
def test_the_question_hides_the_answer_that_its_other_face_shows(
    open_page: Open, lesson: str, number: int
) -> None:
    asked = posed(lesson, number)
    because = markdown(grading.because(asked))
    app = opened(open_page, lesson, number, "question")
    assert f"# {markdown(asked.question.ask)}" in shown(app)
    assert because not in " ".join(shown(app)) and "check_circle" not in " ".join(shown(app))
    app = opened(open_page, lesson, number, "answer")
    assert because in " ".join(shown(app))
    marked = [text for text in shown(app) if "check_circle" in text]
    assert len(marked) == (asked.right >= 0)
    if asked.right >= 0:
        name = asked.choices[asked.right].text
        assert name in marked[0].replace("\\", "")
    assert not app.radio and not [one for one in app.button if one.key == "lesson-next"]


def test_the_way_goes_through_both_faces_of_every_step_and_back_the_same_way() -> None:
    for lesson in LESSONS.values():
        way: list[present.Face] = [(1, present.QUESTION)]
        while (after := present.onward(lesson, way[-1])) is not None:
            way.append(after)
        both = [(n, face) for n in range(1, len(lesson.steps) + 1) for face in present.FACES]
        assert way == [
            (n, face)
            for n, face in both
            if face == present.QUESTION or lesson.steps[n - 1].question is not None
        ]
        home = [way[-1]]
        while (before := present.backward(lesson, home[-1])) is not None:
            home.append(before)
        assert home == way[::-1]


def test_buttons_turn_the_faces_and_leave_to_the_panel_at_the_same_step(open_page: Open) -> None:
    app = opened(open_page, "4.4", 1, "question")
    app.button(key="present-answer").click().run()
    assert app.query_params["present"] == "answer"
    app.button(key="present-next").click().run()
    assert app.query_params["present"] == "question"
    assert app.query_params["lesson_step"] == "2"
    assert any("2 of 7" in one.value for one in app.caption)
    app.button(key="present-back").click().run()
    assert (app.query_params["present"], app.query_params["lesson_step"]) == ("answer", "1")
    app.button(key="present-leave").click().run()
    assert not crash(app), crash(app)
    assert "present" not in app.query_params and app.query_params["lesson_step"] == "1"
    app.button(key="lesson-present").click().run()
    assert app.query_params["present"] == "question"


def test_only_the_pictures_of_the_view_and_the_controls_of_the_step_stay(open_page: Open) -> None:
    app = opened(open_page, "1.4", 3, "question")
    hidden = next(one for one in styles(app).split("<style>") if ":not(:is(" in one)
    for kept in ('[class*="st-key-text-map"]', ".st-key-after", ".st-key-atlas-present"):
        assert f"{kept}," in hidden, kept
    assert "st-key-token" not in hidden
    assert components(app, "atlas_space")[0]["rings"]


def test_what_a_model_writes_is_hidden_until_the_answer(open_page: Open) -> None:
    app = opened(open_page, "1.2", 2, "question")
    assert "st-key-decoding-bars" not in styles(app)
    assert "“She drank a cup of …”" in [text.replace("\\", "") for text in shown(app)]
    app = opened(open_page, "1.2", 2, "answer")
    assert "st-key-decoding-bars" in styles(app) and "st-key-decoding-sheet" not in styles(app)
    app = opened(open_page, "4.2", 1, "answer")
    assert "st-key-decoding-sheet" in styles(app) and "st-key-decoding-bars" not in styles(app)


def test_every_answer_with_a_picture_below_the_view_is_one_that_lessons_may_ask() -> None:
    from engine.learn.answers import ANSWERS

    assert set(present.BELOW) <= set(ANSWERS)


def test_a_face_that_does_not_exist_is_said_and_the_panel_stands_there(open_page: Open) -> None:
    app = opened(open_page, "4.4", 1, "nonsense")
    assert any("nonsense" in one.value for one in app.warning)
    assert app.button(key="lesson-next") and "present" not in app.query_params


def test_without_a_lesson_nothing_is_presented(open_page: Open) -> None:
    app = open_page("5_Decoding", present="question")
    assert not crash(app), crash(app)
    assert "present" not in app.query_params and "atlas-present" not in styles(app)


def test_a_text_that_gives_no_question_says_so_before_the_class(open_page: Open) -> None:
    app = open_page(
        "1_Tokenization", lesson="2.1", lesson_step="2", present="question", text="Nothing of it."
    )
    assert not crash(app), crash(app)
    assert any("panic" in one.value for one in app.info)
