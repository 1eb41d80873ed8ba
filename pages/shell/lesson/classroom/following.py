"""A pupil's page goes where the class goes; the line that says so.

    follow(title)            # before the page is drawn: opens the class's step where it has moved
    hold(now, title)         # once the page's step is known: locked pupils are brought back
    line(now)                # "Class K7Q2MP · step 3 of 5 · your teacher leads"
    keep_up()                # once the page is drawn

What follows is a part of the page that runs by itself, looks at one number and draws next to
nothing: the page runs again only when that number has changed. It says once more that an answer
was counted, as what a question draws is lost where this part runs at the same moment. Session keys:
`class-seen`, `class-counted` (the step that was answered), `class-moved` (when the class moved).
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.errors import StreamlitAPIException

from engine.errors import EngineError
from engine.learn.classes.rooms import Room
from engine.learn.lessons import Lesson
from pages.shell import address
from pages.shell.address import plain
from pages.shell.lesson import collection, course
from pages.shell.lesson.classroom import membership
from pages.shell.lesson.classroom.membership import SAID, Member, member
from pages.shell.lesson.course import Now
from pages.shell.state import state

SEEN, COUNTED, MOVED = "class-seen", "class-counted", "class-moved"
ADDRESS = "class-address"  # session key: the page's address when it was drawn
SETTLES = 5.0  # seconds
LINE = "atlas-class"
HELD = """<style>
.stMainBlockContainer :is(.stButton, .stPopover, .stPageLink, .stTextArea, .stTextInput,
  .stSelectbox, .stMultiSelect, .stButtonGroup, .stSlider, .stCheckbox, .stNumberInput,
  .stDownloadButton):not(.st-key-atlas-lesson *) { opacity: 0.5; cursor: not-allowed; }
</style>"""
STRANGE = "The class is at a lesson that is not here: {lesson}."


@dataclass(frozen=True)
class Seen:
    """What this session's page shows of a class."""

    code: str
    at: tuple[str, int]
    locked: bool
    change: int


def follow(title: str) -> None:
    """Go to the class's step where it has moved, or where the page was locked."""
    membership.arrive(title)
    here = member()
    if here is None:
        st.session_state.pop(SEEN, None)
        return
    room = look(here)
    if room is None:
        return
    seen: Seen | None = st.session_state.get(SEEN)
    now = st.session_state[SEEN] = _seen(room)
    if here.role == "teacher":
        return
    moved = seen is None or (seen.code, seen.at) != (now.code, now.at)
    if moved or (now.locked and seen is not None and not seen.locked):
        st.session_state[MOVED] = time.monotonic()
        to_class(room, title)
    elif course.PENDING in st.session_state or _opened_another(now):
        st.session_state.pop(MOVED, None)  # they have gone on by themselves


def _opened_another(seen: Seen) -> bool:
    return st.session_state.get(course.OPENED, seen.at) != seen.at


def seen_now(here: Member) -> None:
    """Take what this session has just done with the class for seen."""
    room = look(here)
    if room is not None:
        st.session_state[SEEN] = _seen(room)


def _seen(room: Room) -> Seen:
    return Seen(room.code, (room.lesson, room.step), room.locked, room.change)


def look(here: Member) -> Room | None:
    """The class; None where it cannot be read now, or is no more, which the page then says."""
    try:
        room = membership.room(here)
    except EngineError as error:
        st.session_state[SAID] = str(error)
        return None
    if room is None:
        membership.out()
    return room


def lesson_called(name: str) -> Lesson | None:
    """The lesson of an id, where it is here: one of the course, a school's, one behind a link."""
    try:
        return collection.find(name)
    except EngineError:
        return None


def lesson_of(room: Room) -> Lesson | None:
    """The lesson that a class is at, where it is here and has that step."""
    lesson = lesson_called(room.lesson)
    return lesson if lesson is not None and room.step <= len(lesson.steps) else None


def to_class(room: Room, title: str) -> None:
    """Open the class's step, with the lesson's own text."""
    lesson = lesson_of(room)
    if lesson is None:
        st.session_state[SAID] = STRANGE.format(lesson=room.lesson)
    elif state().page == title == lesson.steps[room.step - 1].page:
        course.open_step(lesson, room.step, own_text=False)
    else:
        course.turn_to(lesson, room.step)


def is_held() -> bool:
    """Whether this session is a pupil's whose controls are locked."""
    here, seen = member(), st.session_state.get(SEEN)
    return here is not None and here.role == "pupil" and seen is not None and seen.locked


def at_class(now: Now | None) -> bool:
    """Whether the page shows the step that the class is at."""
    seen: Seen | None = st.session_state.get(SEEN)
    return now is not None and seen is not None and seen.at == (now.lesson.id, now.number)


def hold(now: Now | None, title: str) -> None:
    """Bring a pupil back who is held and elsewhere; keep the browser's part on the page.

    The same for a moment after the class has moved: what a browser asks for before it has heard of
    that names the step before, and would lead back there.
    """
    moved = time.monotonic() - st.session_state.get(MOVED, float("-inf")) < SETTLES
    there = at_class(now) and now is not None and now.step.page == title
    if (is_held() or moved) and not there:
        here = member()
        room = look(here) if here is not None else None
        if room is not None and (lesson := lesson_of(room)) is not None:
            course.turn_to(lesson, room.step)
            course.go()
    membership.remember(title, locked=is_held())


def line(now: Now | None) -> None:
    """Say of which class this page is a part, and keep following it."""
    here = member()
    if said := st.session_state.pop(SAID, ""):
        st.info(plain(said), icon=":material/groups:")
    if here is None:
        return
    seen: Seen | None = st.session_state.get(SEEN)
    with st.container(key=LINE, horizontal=True, vertical_alignment="center", gap="small"):
        if here.role == "pupil":
            _pupils_line(here, seen, now)
        else:
            st.caption(f":material/co_present: You lead class **{here.code}**", width="content")
            if seen is not None and not at_class(now) and state().page != "Learn":
                _way_back("Go to the class", seen)  # Learn has its own way
    state().class_place = st.container()


def keep_up() -> None:
    """Let the page follow from now on, once all of it is drawn.

    The browser counts the seconds from when it hears of this part. Were it drawn first, it might
    ask just as a slow page ends, and Streamlit drops what such a page drew last.
    """
    place, state().class_place = state().class_place, None
    here = member()
    if place is not None:
        query = st.query_params
        st.session_state[ADDRESS] = {key: query.get_all(key) for key in query}
    if place is None or here is None:
        return
    room = look(here)
    if room is not None:
        with place:
            st.fragment(partial(_poll, here), run_every=room.patience)()


def _pupils_line(here: Member, seen: Seen | None, now: Now | None) -> None:
    words = [f":material/groups: Class **{here.code}**"]
    lesson = lesson_called(seen.at[0]) if seen is not None else None
    if seen is not None and lesson is not None:
        words.append(f"step {seen.at[1]} of {len(lesson.steps)}")
    words.append("your teacher leads")
    if here.number:
        words.append(f"you are number {here.number}")
    st.caption(" · ".join(words), width="content")
    if seen is not None and seen.locked:
        st.caption(":material/lock: Your teacher has locked the controls.", width="content")
        st.html(HELD)
        return
    if seen is not None and not at_class(now):
        _way_back("Go to the class's step", seen)
    st.button("Leave the class", key="class-leave", type="tertiary", on_click=membership.leave)


def _way_back(label: str, seen: Seen) -> None:
    lesson = lesson_called(seen.at[0])
    if lesson is not None and seen.at[1] <= len(lesson.steps):
        go = partial(course.open_step, lesson, seen.at[1], own_text=False)
        st.button(label, key="class-back", on_click=go)


def _mend_address() -> None:
    """Put the page's address right where a browser has asked from the page before.

    It had not heard of this page yet, and its late word made the old address the page's own.
    """
    values, query = state().values, st.query_params
    if all(query.get(key) == (values.get(key) or None) for key in (course.LESSON, course.STEP)):
        return
    kept = st.session_state.get(ADDRESS, {})
    for key in [key for key in query if key not in kept]:
        address.take_out(key)
    for key, said in kept.items():
        with suppress(StreamlitAPIException):  # a control's own, which the browser writes
            if query.get_all(key) != said:
                query[key] = said


def _poll(here: Member) -> None:
    """Run the page again where the class has changed; say that the step is answered where it is."""
    _mend_address()
    try:
        room = membership.room(here)
    except EngineError:
        return  # the next look may find it
    seen: Seen | None = st.session_state.get(SEEN)
    if room is None or seen is None or room.change != seen.change:
        st.rerun()
    if st.session_state.get(COUNTED) == (seen.code, *seen.at) and not room.shown:
        st.caption(":material/how_to_vote: Answer counted.")
