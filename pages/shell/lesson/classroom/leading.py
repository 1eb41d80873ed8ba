"""The teacher's part of the lesson's panel: the class's answers, and what is done with the class.

The class goes where its teacher goes, unless they look ahead alone. Bars grow as answers come; what
is right among them is shown when it is revealed, as this screen may hang on a wall. Session keys:
`class-follows`, `class-lock` (toggles), `class-locked` (what the latter was set to), `class-led`
(the step that the class was taken to), `class-posed` (the question that the class is asked).
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EngineError
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.classes.answers import answers, answers_to
from engine.learn.classes.rooms import Room, classes
from engine.learn.classes.tally import as_csv, tally
from engine.learn.grading import Posed
from pages.pictures import palette
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.lesson.classroom import following, membership
from pages.shell.lesson.classroom.membership import SAID, Member
from pages.shell.lesson.classroom.picture import bars, summary
from pages.shell.lesson.collection import OWN
from pages.shell.lesson.course import Now
from pages.shell.lesson.question import ending
from pages.shell.lesson.words import markdown

FOLLOWS, LED, POSED = "class-follows", "class-led", "class-posed"
LOCK, LOCKED = "class-lock", "class-locked"
UNSHARED = "This lesson is in your browser alone: share it, and lead the class by its link."
EVERY = 1.5  # seconds between two looks at the answers


def bring(now: Now) -> None:
    """Take the class along where its teacher has gone to another step of a lesson that all have."""
    here = membership.member()
    if here is None or here.role != "teacher" or _is_unshared(now):
        return
    at = (now.lesson.id, now.number)
    if st.session_state.get(LED) != at and st.session_state.get(FOLLOWS, True):
        st.session_state[LED] = at
        if not following.at_class(now):
            _do(here, partial(_move, here, now))


def show(now: Now) -> None:
    """Reveal the answer to the class, as it now stands on the wall."""
    here = membership.member()
    if here is None or here.role != "teacher" or not following.at_class(now):
        return
    room = following.look(here)
    if room is not None and not room.shown:
        _do(here, partial(classes().reveal, here.code, here.key))


def _is_unshared(now: Now) -> bool:
    """Whether this lesson is in its author's browser alone."""
    return now.lesson.id.startswith(OWN)


def _move(here: Member, now: Now) -> None:
    classes().move(here.code, here.key, now.lesson.id, now.number)


def _do(here: Member, act: partial[None]) -> None:
    """Do something with the class; why it was not done is said by the next run of the page."""
    try:
        act()
    except EngineError as error:
        st.session_state[SAID] = str(error)
    following.seen_now(here)


def lead(now: Now, here: Member) -> None:
    """Draw it; it looks at the answers by itself."""
    st.fragment(partial(_lead, now, here), run_every=EVERY)()
    _end(here)
    if now.last:
        ending(now)


def _lead(now: Now, here: Member) -> None:
    try:
        room = membership.room(here)
        if room is None:
            return  # the class's line says so
        if (room.lesson, room.step) == (now.lesson.id, now.number):
            _answers(now, here, room)
        else:
            _elsewhere(now, here, room)
        _acts(here, room)
    except EngineError as error:
        st.error(plain(str(error)), icon=":material/info:")


def _answers(now: Now, here: Member, room: Room) -> None:
    """What is asked, and what the class has answered so far."""
    posed = _posed(now)
    if posed is None:
        st.caption("This step asks nothing.")
        return
    if isinstance(posed, str):
        st.info(plain(posed), icon=":material/info:")
        return
    given = answers_to(classes(), here.code, here.key, room.lesson, room.step)
    found = tally(posed, given)
    st.markdown(markdown(posed.question.ask))
    if found.bars:
        drawn = bars(found, shown=room.shown)
        st.html(palette.resolved(drawn, dark=st.context.theme.type == "dark"))
    st.caption(summary(found, room.pupils, shown=room.shown))
    if room.shown:
        told = f"**{plain(grading.right_text(posed))}.** {markdown(grading.because(posed))}"
        st.success(told, icon=":material/check_circle:")
        if words := grading.revealed(posed):
            st.markdown(markdown(words))
    else:
        act = partial(classes().reveal, here.code, here.key)
        st.button("Reveal the answer", key="class-reveal", type="primary", on_click=_do,
                  args=(here, act), icon=":material/visibility:")  # fmt: skip


def _posed(now: Now) -> Posed | str | None:
    """The question on the lesson's own text, as it is asked of most; why there is none."""
    if now.step.question is None:
        return None
    at = (now.lesson.id, now.number)
    kept = st.session_state.get(POSED)
    if kept is None or kept[0] != at:
        try:
            posed = grading.pose(now.step, Asked(engine(), now.step.model, now.step.sentence))
        except EngineError as error:
            posed = str(error)
        kept = st.session_state[POSED] = (at, posed)
    return kept[1]


def _elsewhere(now: Now, here: Member, room: Room) -> None:
    lesson = following.lesson_called(room.lesson)
    title = f": {lesson.title}" if lesson is not None else ""
    st.caption(plain(f"The class is at step {room.step} of lesson {room.lesson}{title}."))
    if _is_unshared(now):
        st.caption(UNSHARED)
        return
    st.button("Bring the class here", key="class-bring", type="primary", on_click=_do,
              args=(here, partial(_move, here, now)))  # fmt: skip


def _acts(here: Member, room: Room) -> None:
    def locked() -> None:
        st.session_state[LOCKED] = on = bool(st.session_state[LOCK])
        _do(here, partial(classes().lock, here.code, here.key, on))

    # Set where the class is otherwise: set at each look, it would take back a click on its way.
    if LOCK not in st.session_state or st.session_state.get(LOCKED) != room.locked:
        st.session_state[LOCK] = st.session_state[LOCKED] = room.locked
    with st.container(horizontal=True, gap="medium"):
        # By its default: a browser that missed the run that set it would send "off" with a click.
        st.toggle("Pupils follow me", value=True, key=FOLLOWS,
                  help="The class goes to the steps you open.")  # fmt: skip
        st.toggle("Lock pupils' controls", key=LOCK, on_change=locked,
                  help="Pupils stay at this step and only answer.")  # fmt: skip


def _end(here: Member) -> None:
    """The answers as a file, and the end of the class.

    They stand outside of what looks by itself: each look would replace the file that a click in
    that moment asks for.
    """
    try:
        if membership.room(here) is None:
            return
    except EngineError:
        return  # said above
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            "Answers (CSV)",
            partial(_csv, here),
            f"class-{here.code}.csv",
            "text/csv",
            key="class-csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        )
        with st.popover("End the class", type="tertiary"):
            st.caption("All its answers are deleted; pupils may go on alone.")
            st.button("Delete and end", key="class-end", on_click=membership.leave)


def _csv(here: Member) -> str:
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    return "\ufeff" + as_csv(answers(classes(), here.code, here.key))
