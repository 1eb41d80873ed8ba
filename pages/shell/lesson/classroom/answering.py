"""A pupil's question while the class is at its step: answered here, judged when it is revealed.

The answer goes to the teacher's screen at once and may be changed until the teacher reveals the
right one; only then is anybody told whether theirs was right. What was sent is kept with the
session, `class-sent`, and after a new beginning read from the class.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.errors import EngineError
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.classes.answers import hand_in, own_answer
from engine.learn.classes.rooms import Room, classes
from engine.learn.grading import Posed
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.lesson.classroom import following
from pages.shell.lesson.classroom.membership import Member
from pages.shell.lesson.course import Now
from pages.shell.lesson.cover import cover
from pages.shell.lesson.question import ending, key_of, no_question, question, widget
from pages.shell.lesson.words import markdown
from pages.shell.state import state

SENT = "class-sent"
IN = "Your answer is in: **{given}**. You may change it until your teacher reveals the right one."
SHOWN = "Your teacher has revealed the answer."


@st.fragment
def class_question(now: Now, here: Member) -> None:
    """Ask the step's question as the class is asked; elsewhere it is one's own."""
    room = following.look(here)
    if room is None or (room.lesson, room.step) != (now.lesson.id, now.number):
        question(now)
        return
    if now.step.question is not None:
        asked = Asked(engine(), str(st.session_state["model"]), state().text)
        try:
            posed = grading.pose(now.step, asked)
        except EngineError as error:
            no_question(now, asked, str(error))
        else:
            _revealed(posed, here, room) if room.shown else _ask(now, posed, here)
    if now.last:
        ending(now)


def _ask(now: Now, posed: Posed, here: Member) -> None:
    given = widget(posed, key_of(now, posed.asked))
    sent = _sent(here, (now.lesson.id, now.number))
    if given is not None:
        verdict = grading.grade(posed, given)
        text = _as_text(given)
        if verdict.again:  # no answer yet
            st.caption(markdown(verdict.sentence))
        elif text != sent and _send(now, posed, here, text, correct=verdict.right):
            sent = text
    if posed.question.guess_first and sent is None:
        cover(key_of(now, posed.asked))
    if sent is not None:
        st.session_state[following.COUNTED] = (here.code, now.lesson.id, now.number)
        st.info(IN.format(given=plain(sent, 80)), icon=":material/how_to_vote:")


def _send(now: Now, posed: Posed, here: Member, text: str, *, correct: bool) -> bool:
    """Send an answer; whether it was counted. What was not may be sent again."""
    place = (now.lesson.id, now.number)
    try:
        hand_in(classes(), here.code, here.key, *place, text, correct=correct, own=posed.own)
    except EngineError as error:
        st.warning(plain(str(error)), icon=":material/info:")
        st.button("Send again", key="class-again")
        return False
    st.session_state.setdefault(SENT, {})[(here.code, *place)] = text
    return True


def _revealed(posed: Posed, here: Member, room: Room) -> None:
    """The right answer, and what was right or wrong with one's own."""
    st.markdown(markdown(posed.question.ask))
    sent = _sent(here, (room.lesson, room.step))
    if sent is not None:
        given = sent.split(", ") if posed.question.form == "order" else sent
        verdict = grading.grade(posed, given)
        box, icon = (st.success, "check_circle") if verdict.right else (st.warning, "lightbulb")
        said = f"You answered: **{plain(sent, 80)}**. "
        said += "Right." if verdict.right else markdown(verdict.sentence)
        box(said, icon=f":material/{icon}:")
    told = f"{SHOWN} **{plain(grading.right_text(posed))}.** {markdown(grading.because(posed))}"
    st.info(told, icon=":material/visibility:")
    if words := grading.revealed(posed):
        st.markdown(markdown(words))


def _sent(here: Member, place: tuple[str, int]) -> str | None:
    """What one has answered to a step, also before this session began."""
    kept = st.session_state.setdefault(SENT, {})
    name = (here.code, *place)
    if name not in kept:
        try:
            kept[name] = own_answer(classes(), here.code, here.key, *place)
        except EngineError:
            return None
    return kept[name]


def _as_text(given: str | float | Sequence[str]) -> str:
    """An answer as it is kept: an order with commas, a number without what it does not need."""
    if isinstance(given, str):
        return given
    if isinstance(given, int | float):
        return f"{given:.10g}"
    return ", ".join(given)
