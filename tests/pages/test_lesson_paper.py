"""A lesson on paper: what the button gives, with the pictures of the steps that were opened."""

from __future__ import annotations

import base64
import re
import time
from html import unescape
from xml.etree import ElementTree

import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.reader import shipped
from pages.pictures import palette
from pages.shell.lesson import printing
from pages.shell.lesson.paper import ON_SCREEN, Taken
from pages.shell.links.qr import qr_code
from tests.pages.conftest import Open, crash

LESSONS = shipped()
LINK = "https://atlas.example/Embeddings?lesson=8.3&lesson_step=1"
HOSTILE = "<script>alert(1)</script> & \u201cx\u201d"
# Spaces of vectors are turned on the screen: they are no drawings of ours.
SPACES = {"1.4-2", "1.4-3", "1.4-4", "1.4-5", "2.3-3"}
GAMES = {"7.4-5", "8.1-3"}  # which draw nothing until somebody has chosen
WRITTEN = {"7.4"}  # whose pictures are of texts that are written first
# An SVG that draws nothing from elsewhere; text in it is XML.
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>9</text></svg>'


def codes(page: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(one).decode() for one in found]


def pictures(page: str) -> list[str]:
    """The pictures of a page, each in a tree of its own."""
    roots = re.findall(
        r'<template shadowrootmode="open"><style>.*?</style>(.*?)</template>', page, re.S
    )
    for one in roots:
        ElementTree.fromstring(one)
    return roots


def taken(app: AppTest) -> dict[int, Taken]:
    return app.session_state[printing.KEY][1]


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_every_lesson_is_printed_with_its_questions_and_the_answers_apart(lesson) -> None:
    page = printing.made(local(), lesson, {}, LINK)
    asked, answers = page.split('<div class="answers">')
    assert codes(page) == [qr_code(LINK)] and pictures(page) == []
    for step in lesson.steps:
        posed = grading.pose(step, Asked(local(), step.model, step.sentence))
        right = grading.right_text(posed)
        assert right in unescape(answers)
        because = "".join(span.text for span in grading.because(posed))
        assert because in unescape(answers) and because not in unescape(asked)
        for choice in posed.choices:
            assert choice.text in unescape(asked)
        if not posed.choices:
            assert 'class="line"' in asked
    assert asked.count("<section>") == answers.count("<section>") == len(lesson.steps)
    assert not re.search(r'(?:src|href)="(?!data:)', page) and not re.search(
        r"url\((?!data:)", page
    )
    assert page.count("@font-face") == 1


def test_no_link_no_code_and_strangers_texts_are_only_text() -> None:
    lesson = LESSONS["2.1"]
    one = Taken("tales-gpt", HOSTILE, {"a": PICTURE})
    page = printing.made(local(), lesson, {1: one}, "")
    assert codes(page) == [] and pictures(page) == [PICTURE]
    assert "<script" not in page and HOSTILE in unescape(page)


def test_a_link_that_opens_on_this_computer_only_says_so() -> None:
    for link, said in ((LINK, 0), ("http://localhost:8501/Attention?lesson=3.1", 1)):
        page = printing.made(local(), LESSONS["3.1"], {}, link)
        assert codes(page) == [qr_code(link)] and page.count(printing.HERE_ONLY) == said


def test_a_question_that_a_text_does_not_answer_says_why() -> None:
    page = printing.made(local(), LESSONS["1.4"], {3: Taken("tales-bert", "Nothing.")}, LINK)
    assert unescape(page).count("The word “bank” is not in this text.") == 2


def test_the_paper_has_the_pictures_of_the_steps_seen_as_they_were_opened(open_page: Open) -> None:
    app = open_page("2_Embeddings", lesson="8.3", lesson_step="1")
    assert not crash(app), crash(app)
    labels = [one.proto.label for one in app.get("download_button")]
    assert labels.count("Print this lesson") == 1
    assert list(taken(app)) == [1]
    app.button(key="lesson-next").click().run()
    first = dict(taken(app)[2].pictures)
    (drawn,) = first.values()
    assert "coffee in the hall" in drawn
    app.slider(key="after").set_value(4).run()  # would give the answer away
    assert taken(app)[2].pictures == first
    app.selectbox(key="passages").set_value("Curling").run()
    assert taken(app)[2].pictures == first
    page = printing.made(local(), LESSONS["8.3"], taken(app), LINK)
    seen = [svg for one in (1, 2) for svg in taken(app)[one].pictures.values()]
    assert pictures(page) == [palette.resolved(svg) for svg in seen]
    assert page.count(ON_SCREEN) == 4 and "var(--atlas" not in "".join(pictures(page))


def test_another_text_is_another_picture_and_another_lesson_forgets_them(open_page: Open) -> None:
    app = open_page("3_Attention", lesson="3.1", lesson_step="1")
    before = taken(app)[1]
    app.text_area(key="text").set_value("The fox ate the grape because it was sweet.").run()
    after = taken(app)[1]
    assert after.text.startswith("The fox") and after.pictures != before.pictures
    other = open_page("3_Attention", lesson="3.2", lesson_step="1")
    assert other.session_state[printing.KEY][0] == "3.2"


def test_a_picture_too_large_for_paper_is_left_out(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "LARGEST", 10)
    app = open_page("2_Embeddings", lesson="8.3", lesson_step="1")
    assert not crash(app) and taken(app)[1].pictures == {}


def is_taken(app: AppTest, lesson: str, number: int) -> None:
    """A step that was opened has a picture for paper."""
    if f"{lesson}-{number}" in SPACES | GAMES:
        assert not taken(app)
        return
    until = time.monotonic() + 60
    while lesson in WRITTEN and number not in taken(app) and time.monotonic() < until:
        time.sleep(0.2)
        app.run()
    assert 1 <= len(taken(app)[number].pictures) <= 2, (lesson, number)
    for svg in taken(app)[number].pictures.values():
        ElementTree.fromstring(svg)
