"""The button that prints a lesson, and the pictures that it prints: those of steps seen so far.

A picture is kept as the step shows it when it is opened, so that the paper does not give away what
one finds by moving a control. Session key: `lesson-taken`, of one lesson at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from engine.api import Engine
from engine.errors import EngineError
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.lessons import Lesson, Step
from pages.shell.cache import engine
from pages.shell.lesson import collection
from pages.shell.lesson.course import Now, query_of
from pages.shell.lesson.paper import Asking, Taken, paper
from pages.shell.links import making
from pages.shell.links.making import HERE_ONLY
from pages.shell.state import state

KEY = "lesson-taken"
LARGEST = 600_000  # characters of a picture; a larger one is left out
MOST = 2  # pictures of a step


def watch(now: Now) -> None:
    """Keep the pictures that this run draws for the step, where it is seen for the first time."""
    here = state()
    lesson, kept = st.session_state.get(KEY, ("", {}))
    if lesson != now.lesson.id:
        kept = {}
        st.session_state[KEY] = (now.lesson.id, kept)
    begun: list[Taken] = []

    def take(name: str, svg: str) -> None:
        at = (str(st.session_state["model"]), here.text)
        if not begun:
            before = kept.get(now.number)
            if before is not None and (before.model, before.text) == at:
                return
            begun.append(Taken(*at))
            kept[now.number] = begun[0]
        if len(begun[0].pictures) < MOST and len(svg) <= LARGEST:
            begun[0].pictures.setdefault(name, svg)

    here.pictured = take


def print_button(now: Now) -> None:
    """The button; the file is made when it is pressed."""
    _, kept = st.session_state.get(KEY, ("", {}))
    st.download_button(
        "Print this lesson",
        data=partial(made, engine(), now.lesson, dict(kept), _link(now.lesson)),
        file_name=f"lesson-{now.lesson.id}.html",
        mime="text/html",
        key="lesson-print",
        on_click="ignore",
        type="tertiary",
        icon=":material/print:",
    )


def made(at: Engine, lesson: Lesson, taken: Mapping[int, Taken], link: str) -> str:
    """The lesson on paper; a step that was not opened has the lesson's own text and no picture."""
    asked = [_asking(at, step, taken.get(number)) for number, step in enumerate(lesson.steps, 1)]
    note = HERE_ONLY if making.here_only(link) else ""
    return paper(lesson, asked, link, note)


def _asking(at: Engine, step: Step, taken: Taken | None) -> Asking:
    one = taken or Taken(step.model, step.sentence)
    pictures = tuple(one.pictures.values())
    try:
        title = at.card(one.model).title
    except EngineError:
        title = one.model  # a lesson from elsewhere: its question says why below
    if step.question is None:
        return Asking(step, title, one.text, None, pictures=pictures)
    try:
        posed = grading.pose(step, Asked(at, one.model, one.text))
    except EngineError as error:
        return Asking(step, title, one.text, None, str(error), pictures)
    return Asking(step, title, one.text, posed, pictures=pictures)


def _link(lesson: Lesson) -> str:
    """The lesson's address for whoever reads the code; "" where it has none for others."""
    base = making.base()
    if not base or lesson.id.startswith(collection.OWN):
        return ""
    query = "&".join(f"{key}={value}" for key, value in query_of(lesson, 1).items())
    return f"{base}/{lesson.steps[0].page.replace(' ', '_')}?{query}"
