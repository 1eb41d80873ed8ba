"""Learn: the path of the course, its lessons, where to go on, and the glossary."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from engine.learn.glossary import terms
from engine.learn.lessons import Lesson
from engine.learn.reader import shipped
from pages.learn.chapters import CHAPTERS
from pages.learn.classroom import classroom
from pages.learn.game import section as game
from pages.learn.glossary import glossary
from pages.learn.own import own_lessons
from pages.learn.picture import course_path
from pages.learn.teachers import for_teachers
from pages.pictures import palette
from pages.shell.address import plain
from pages.shell.frame import frame, sentences
from pages.shell.lesson import collection, progress
from pages.shell.lesson.course import query_of
from pages.shell.lesson.game import game_link
from pages.shell.lesson.own.keeper import keeper
from pages.shell.lesson.progress import Progress
from pages.shell.menu import FILES

INTRO = (
    "Short lessons on the pictures of this app. Each step asks you first and then shows you; the "
    "right answers are computed from the model and the text on the screen, so you may change both."
)


def page() -> None:
    """Draw the page."""
    frame("Learn", wants_text=False, wants_model=False, intro="" if game.coming() else INTRO)
    with sentences():
        if game.asked():
            game.guess_game()
            return
        lessons = list(shipped().values())
        keeper("learn")
        reached = progress.read()
        suggested, _, _ = _next(lessons, reached)
        classroom(lessons, suggested)
        left, right = st.columns([4, 7], gap="large")
        with left:
            _go_on(lessons, reached)
            _path(lessons, reached)
            st.markdown(
                f"[Own lessons](#own-lessons) · [Glossary of {len(terms())} terms](#glossary)"
            )
        with right:
            for number, members in groupby(lessons, key=lambda one: one.chapter):
                _chapter(number, list(members), reached)
            own_lessons(reached)
        glossary()
        for_teachers(lessons)


def _go_on(lessons: Sequence[Lesson], reached: Progress) -> None:
    """Where to begin, or to go on: the lesson left unfinished, else the next one of the course."""
    lesson, number, label = _next(lessons, reached)
    st.page_link(
        FILES[lesson.steps[number - 1].page],
        label=f"**{label}: {plain(lesson.title)}**",
        icon=":material/play_circle:",
        query_params=query_of(lesson, number),
    )


def _next(lessons: Sequence[Lesson], reached: Progress) -> tuple[Lesson, int, str]:
    last = collection.known().get(reached.last)
    if last is None:
        return lessons[0], 1, "Start here"
    if last.id not in reached.done:
        return last, reached.at.get(last.id, 1), "Continue"
    by_id = {lesson.id: lesson for lesson in lessons}
    places = list(by_id)
    after = places[places.index(last.id) + 1 :] + places if last.id in by_id else places
    open_one = next((one for one in after if one not in reached.done), last.id)
    return by_id.get(open_one, last), 1, "Next lesson" if open_one != last.id else "Once more"


def _path(lessons: Sequence[Lesson], reached: Progress) -> None:
    rows = [
        (CHAPTERS[number], [one.id for one in members])
        for number, members in groupby(lessons, key=lambda one: one.chapter)
    ]
    count = sum(one.id in reached.done for one in lessons)
    said = f"{count} of {len(lessons)} lessons finished."
    drawn = course_path(rows, done=reached.done, at=reached.at, title=f"The course. {said}")
    st.image(
        palette.resolved(drawn, dark=st.context.theme.type == "dark"),
        alt=f"The path of the course, a stop for each lesson. {said}",
    )
    st.caption(f"{said} Your progress is kept in this browser alone.")
    if reached.last:
        st.button("Forget my progress", on_click=progress.forget, type="tertiary")


def _chapter(number: int, lessons: Sequence[Lesson], reached: Progress) -> None:
    st.subheader(f"{number} {CHAPTERS[number]}" if number else CHAPTERS[number], anchor=False)
    for lesson in lessons:
        done, at = lesson.id in reached.done, reached.at.get(lesson.id, 0)
        icon = "check_circle" if done else "timelapse" if at else "radio_button_unchecked"
        st.page_link(
            FILES[lesson.steps[0].page],
            label=f"{lesson.id} {plain(lesson.title)}",
            icon=f":material/{icon}:",
            query_params=query_of(lesson, 1),
        )
        where = ", finished" if done else f", at step {at} of {len(lesson.steps)}" if at else ""
        st.caption(
            f"{lesson.minutes} minutes{where}. You can say afterwards: {plain(lesson.can_say)}"
        )
        game_link(lesson)
