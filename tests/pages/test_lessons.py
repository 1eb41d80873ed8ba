"""Lessons on the pages: a step opens its page's state; the panel asks, nudges and lets go on."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.learn.reader import shipped
from pages.shell.address import plain
from pages.shell.controls import REGISTRY
from pages.shell.lesson import progress
from pages.shell.menu import FILES
from tests.pages.conftest import Open, components, crash, sentences
from tests.pages.test_lesson_paper import is_taken

LESSONS = shipped()
STEPS = [(one.id, n) for one in LESSONS.values() for n in range(1, len(one.steps) + 1)]
# What a link carries that is no widget of the registry: choices of views, locks, columns.
FREE = {"model", "text", "view", "show", "spot", "point", "word", "c1", "c2", "c3", "stop"}
FREE |= {"step", "lens"}


def opened(open_page: Open, lesson: str, number: int, **more: str) -> AppTest:
    step = LESSONS[lesson].steps[number - 1]
    page = Path(FILES[step.page]).stem
    app = open_page(page, lesson=lesson, lesson_step=str(number), **more)
    assert not crash(app), crash(app)
    return app


def link(app: AppTest) -> dict[str, Any]:
    return components(app, "atlas_copy")[0]["values"]


def shows(app: AppTest, lesson: str, number: int) -> None:
    """The page shows what the step asks for, and nothing in it was put right."""
    step = LESSONS[lesson].steps[number - 1]
    assert not crash(app), crash(app)
    complaints = [box for box in sentences(app) if "showing" in box or "left out" in box]
    assert not complaints, complaints
    values = link(app)
    for key, value in step.state.items():
        found = values.get(key)
        assert found == ([value] if isinstance(found, list) else value), (key, found, value)
    assert values["lesson"] == lesson and values["lesson_step"] == str(number)


def test_every_key_of_a_step_is_a_control_of_its_page() -> None:
    pages = ("tokenization", "embeddings", "attention", "translation", "decoding", "prompting")
    for page in (*pages, "training", "models"):
        importlib.import_module(f"pages.{page}.page")  # enters its controls
    for lesson in LESSONS.values():
        for step in lesson.steps:
            own = {"Attention": "attention", "Decoding": "decoding"}.get(step.page, step.page)
            for key, value in step.state.items():
                control = REGISTRY.get(f"{own}.{key}")
                assert control or key in FREE, f"{lesson.id}: {step.page} has no {key}"
                if control and control.legal is not None and control.widget != "toggle":
                    shown = [control.shown(one) for one in control.legal]
                    numbers = isinstance(control.legal, tuple) and isinstance(
                        control.legal[0], float
                    )
                    assert numbers or value in shown, f"{lesson.id}: {key} = {value}"


@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=[f"{a}-{b}" for a, b in STEPS])
def test_a_link_of_a_step_alone_opens_its_page_as_the_lesson_wants_it_also_for_paper(
    open_page: Open, lesson: str, number: int
) -> None:
    app = opened(open_page, lesson, number)
    shows(app, lesson, number)
    step = LESSONS[lesson].steps[number - 1]
    if step.question:
        asked = [*app.radio, *app.text_input, *app.slider, *app.multiselect]
        assert any(str(one.key).startswith(f"lesson-{lesson}-{number}-") for one in asked)
    is_taken(app, lesson, number)


@pytest.mark.parametrize("lesson", ["1.4", "3.1", "3.3", "4.3", "4.6", "6.1"])
def test_next_leads_from_step_to_step_and_leaves_nothing_of_the_one_before(
    open_page: Open, lesson: str
) -> None:
    steps = LESSONS[lesson].steps
    app = opened(open_page, lesson, 1)
    for number in range(2, len(steps) + 1):
        app.button(key="lesson-next").click().run()
        shows(app, lesson, number)
        alone = link(opened(open_page, lesson, number))
        assert link(app) == alone, number
        if steps[number - 1].page != steps[number - 2].page:
            app = opened(open_page, lesson, number)  # AppTest runs the page before once more
    app.button(key="lesson-back").click().run()
    shows(app, lesson, len(steps) - 1)


@pytest.mark.feature("Questions graded on the live model, on the learner's own text")
def test_a_question_follows_the_text_and_the_model(open_page: Open) -> None:
    app = opened(open_page, "6.4", 2)
    before = app.radio(key=question(app, "6.4", 2)).options
    app.text_area(key="text").set_value("Once upon a").run()
    after = app.radio(key=question(app, "6.4", 2)).options
    assert "time" in after and "time" not in before
    app.radio(key=question(app, "6.4", 2)).set_value("time").run()
    assert any("87 %" in box.value for box in app.success)


@pytest.mark.feature("Predict, then reveal; an explanation for every choice")
def test_a_wrong_choice_is_explained_with_numbers_then_the_answer_is_shown(open_page: Open) -> None:
    app = opened(open_page, "3.1", 1)
    assert not app.success and not app.warning
    app.radio(key=question(app, "3.1", 1)).set_value("monkey").run()
    assert "Only 10 of 32 heads do" in app.warning[0].value
    show = next(one for one in app.button if str(one.key).endswith("-show"))
    show.click().run()
    assert "banana" in app.info[0].value and "22" in app.info[0].value
    assert not app.button(key="lesson-next").disabled


def test_what_was_answered_is_kept_with_what_it_was_graded_against(open_page: Open) -> None:
    app = opened(open_page, "3.1", 1)
    app.radio(key=question(app, "3.1", 1)).set_value("monkey").run()
    app.radio(key=question(app, "3.1", 1)).set_value("banana").run()
    kept = app.session_state["lesson-answers"][("3.1", 1)]
    assert (kept.given, kept.right, kept.answer) == ("monkey", False, "banana")  # the first counts
    assert kept.model == "tales-bert" and "monkey" in kept.text


def test_a_text_that_has_no_answer_is_said_and_the_lessons_own_offered(open_page: Open) -> None:
    app = opened(open_page, "1.4", 3)
    app.text_area(key="text").set_value("Nothing here.").run()
    assert not crash(app), crash(app)
    assert any("“bank” is not in this text" in box.value for box in app.info)
    app.button(key="lesson-own").click().run()
    shows(app, "1.4", 3)


def test_a_learner_may_go_on_with_a_text_of_their_own(open_page: Open) -> None:
    app = opened(open_page, "4.3", 1)
    app.text_area(key="text").set_value("The cat sat on the").run()
    app.toggle(key="lesson-own-toggle").set_value(True).run()
    app.button(key="lesson-next").click().run()
    assert not crash(app), crash(app)
    assert link(app)["text"] == "The cat sat on the" and link(app)["lesson_step"] == "2"


def test_a_model_that_cannot_answer_is_said_in_one_sentence(open_page: Open) -> None:
    app = opened(open_page, "1.2", 1, model="tales-bert")
    assert any("needs a decoder" in box.value for box in app.info)


def test_leaving_keeps_the_page_as_it_is(open_page: Open) -> None:
    app = opened(open_page, "3.1", 2)
    app.button(key="lesson-leave").click().run()
    values = link(app)
    assert "lesson" not in values and values["layer"] == "3" and values["model"] == "tales-bert"
    assert not [one for one in app.button if str(one.key).startswith("lesson-")]


@pytest.mark.parametrize(
    ("lesson", "step", "said"), [("9.9", "1", "9.9"), ("<b>", "1", "b"), ("3.1", "99", "99")]
)
def test_a_lesson_or_step_that_is_not_there_is_said(
    open_page: Open, lesson: str, step: str, said: str
) -> None:
    app = open_page("3_Attention", lesson=lesson, lesson_step=step)
    assert not crash(app), crash(app)
    assert any("does not exist here" in box and said in box for box in sentences(app))


def test_on_another_page_the_panel_shows_the_way_back(open_page: Open) -> None:
    app = open_page("1_Tokenization", lesson="3.1", lesson_step="2")
    assert not crash(app), crash(app)
    assert any("page Attention" in box.value for box in app.info)
    assert app.button(key="lesson-open")


def test_answers_of_strangers_are_bounded_and_escaped(open_page: Open) -> None:
    app = opened(open_page, "1.2", 1)
    field = app.text_input(key=question(app, "1.2", 1))
    field.set_value("<img src=x onerror=alert(1)> **b** " + "x" * 10_000).run()
    assert not crash(app), crash(app)
    assert "\\<img" in app.warning[0].value and len(app.warning[0].value) < 600


def question(app: AppTest, lesson: str, number: int) -> str:
    """The key of the widget that a question is answered with."""
    asked = [*app.radio, *app.text_input, *app.slider, *app.multiselect]
    return next(
        str(one.key) for one in asked if str(one.key).startswith(f"lesson-{lesson}-{number}-")
    )


def covered(app: AppTest) -> bool:
    """Whether the pictures of the page are covered."""
    drawn = [one.proto.body for one in app.get("html")]
    return any(
        "blur" in one and "decoding-sheet" in one and "decoding-bars" in one for one in drawn
    )


@pytest.mark.feature("Predict, then reveal; an explanation for every choice")
def test_a_picture_that_shows_the_answer_is_covered_until_one_has_guessed(open_page: Open) -> None:
    app = opened(open_page, "1.2", 1)
    assert covered(app)
    app.text_input(key=question(app, "1.2", 1)).set_value(" ").run()
    assert covered(app)  # nothing was guessed yet
    app.text_input(key=question(app, "1.2", 1)).set_value("horse").run()
    assert app.warning and not covered(app)
    app = opened(open_page, "1.2", 2)
    assert covered(app)
    app.button(key=f"{question(app, '1.2', 2)}-look").click().run()
    assert not crash(app) and not covered(app) and not app.warning
    # A step that says "Read the two columns" hides none.
    assert not covered(opened(open_page, "1.1", 2))


def test_a_sentence_beside_a_picture_is_covered_with_it(open_page: Open) -> None:
    app = opened(open_page, "4.7", 3)
    styles = [one.proto.body for one in app.get("html") if "blur" in one.proto.body]
    assert len(styles) == 1 and '[class*="st-key-said-"]' in styles[0]
    app.radio(key=question(app, "4.7", 3)).set_value("About 1.2 million").run()
    assert not [one for one in app.get("html") if "blur" in one.proto.body]


def noted(app: AppTest) -> list[bool]:
    """Whether the browser is to note the lesson as finished, for each note."""
    return [bool(one.get("done")) for one in components(app, "atlas_progress") if "lesson" in one]


def test_a_lesson_is_finished_when_its_last_question_is_answered_not_when_it_is_opened(
    open_page: Open,
) -> None:
    last = len(LESSONS["4.4"].steps)
    app = opened(open_page, "4.4", last)
    assert noted(app) == [False]
    key = question(app, "4.4", last)
    app.radio(key=key).set_value("At the sharp place").run()
    assert app.warning and noted(app) == [False]  # wrong: one may try once more
    app.radio(key=key).set_value("At the flat place").run()
    assert app.success and noted(app) == [False, True]
    shown = opened(open_page, "4.4", last)
    shown.radio(key=key).set_value("At the sharp place").run()
    next(one for one in shown.button if str(one.key).endswith("-show")).click().run()
    assert noted(shown) == [False, True]


def test_finish_ends_a_lesson_whose_last_question_nobody_answered(open_page: Open) -> None:
    app = opened(open_page, "4.4", len(LESSONS["4.4"].steps))
    app.button(key="lesson-finish").click().run()
    assert not crash(app), crash(app)
    assert any("lessons finished" in one.value for one in app.caption)  # this is Learn
    assert noted(app) == [True]
    app.switch_page("pages/0_Learn.py").run()
    assert noted(app) == []


def test_an_order_is_asked_for_whole_and_its_first_whole_answer_counts(open_page: Open) -> None:
    app = opened(open_page, "1.2", 3)
    key = question(app, "1.2", 3)
    app.multiselect(key=key).set_value(["bed"]).run()
    assert not app.warning and "lesson-answers" not in app.session_state
    assert any("3 more to choose" in one.value for one in app.caption)
    app.multiselect(key=key).set_value(["sleep", "bed", "the", "work"]).run()
    assert app.success and app.session_state["lesson-answers"][("1.2", 3)].right


def test_what_is_no_number_is_asked_again_and_not_kept(open_page: Open) -> None:
    app = opened(open_page, "2.1", 4)
    app.text_input(key=question(app, "2.1", 4)).set_value("a few").run()
    assert not app.warning and "lesson-answers" not in app.session_state
    assert any("Type a number" in one.value for one in app.caption)
    assert not [one for one in app.button if str(one.key).endswith("-show")]


# --- The course ---


def test_learn_lists_every_lesson_and_begins_with_the_first(open_page: Open) -> None:
    app = open_page("0_Learn")
    assert not crash(app), crash(app)
    text = " ".join(one.value for one in app.caption)
    assert f"0 of {len(LESSONS)} lessons finished" in text
    for lesson in LESSONS.values():
        assert f"{lesson.minutes} minutes" in text
        assert plain(lesson.can_say) in text, lesson.id
    # Nothing is chosen before one learns: both lists are for teachers.
    assert {one.key for one in app.selectbox} == {"class-lesson", "teachers-lesson"}
    assert not app.text_area


def test_progress_is_read_from_the_browser_as_far_as_it_makes_sense() -> None:
    said = (
        '{"at": {"3.1": 2, "9.9": 1, "1.4": 99, "1.2": "x"}, "done": ["2.1", "no"], "last": "3.1"}'
    )
    found = progress.parsed(said)
    assert dict(found.at) == {"3.1": 2} and found.done == {"2.1"} and found.last == "3.1"
    for nonsense in ("", "[]", "{", '{"at": 3, "done": 4, "last": 5}', "[" * 9000):
        assert progress.parsed(nonsense) == progress.Progress()
