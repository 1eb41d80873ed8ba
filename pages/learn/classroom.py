"""Classes on Learn: a pupil joins one, a teacher opens one and shows how it is joined.

Whoever comes by the link of a class finds its code filled in, before everything else.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial

import streamlit as st

from engine.errors import EngineError
from engine.learn.classes.codes import LONGEST_NAME
from engine.learn.lessons import Lesson
from engine.settings import settings
from pages.pictures.svg import esc
from pages.shell import components
from pages.shell.address import plain
from pages.shell.lesson.classroom import following, membership
from pages.shell.lesson.classroom.membership import ASKED, CLASS, TEACH, Member
from pages.shell.lesson.course import query_of
from pages.shell.links import making
from pages.shell.links.qr import qr_code
from pages.shell.menu import FILES

CODE, NAME, LESSON = "class-code", "class-name", "class-lesson"
EVERY = 2.0  # seconds between two looks at who has joined
KEPT = (
    "No account and no e-mail. Your answers are kept under a number for your teacher's screen and "
    "deleted after 24 hours."
)
FOR_TEACHERS = (
    "Pupils join by a code, without accounts. Their pages follow yours from step to step, their "
    "answers arrive on your screen, and you reveal the right one. All is deleted after 24 hours."
)
KEEP = (
    "Whoever has this link leads the class: keep it to yourself. This browser leads it without one."
)
HERE_ONLY = (
    "It opens on this computer only. Open this page by the address that pupils reach it at, or set "
    "ATLAS_PUBLIC_URL."
)


def classroom(lessons: Sequence[Lesson], suggested: Lesson) -> None:
    """Draw what one may do with a class; `suggested` is the lesson that is offered first."""
    here = membership.member()
    if here is not None and here.role == "teacher":
        _own_class(here)
        return
    asked = str(st.session_state.get(ASKED, ""))
    if asked:
        with st.container(border=True, key="class-asked-for"):
            _join(asked)
    elif here is None:  # else the line of the class says all there is
        with st.container(horizontal=True, gap="small"):
            with st.popover("Join a class", icon=":material/groups:"):
                _join("")
            if settings().classes == "yes":
                with st.popover("Teach a class", icon=":material/co_present:"):
                    _open(lessons, suggested)


def _join(asked: str) -> None:
    if asked and CODE not in st.session_state:
        st.session_state[CODE] = asked
    with st.form("class-join", border=False):
        st.text_input("Class code", key=CODE, max_chars=12, placeholder="K7Q2MP", width=200)
        if settings().nicknames == "yes":
            st.text_input("Nickname (optional)", key=NAME, max_chars=LONGEST_NAME, width=200)
        st.form_submit_button("Join", type="primary", on_click=_joined)
    st.caption(KEPT)


def _joined() -> None:
    membership.join(str(st.session_state[CODE]), str(st.session_state.get(NAME, "")))


def _open(lessons: Sequence[Lesson], suggested: Lesson) -> None:
    st.caption(FOR_TEACHERS)
    st.session_state.setdefault(LESSON, suggested.id)
    titles = {lesson.id: f"{lesson.id} {lesson.title}" for lesson in lessons}
    st.selectbox("Lesson", list(titles), key=LESSON, format_func=lambda name: titles[name])
    st.button("Open a class", key="class-open", type="primary", on_click=_opened)


def _opened() -> None:
    membership.open_class(str(st.session_state[LESSON]), 1)


def _own_class(here: Member) -> None:
    """How the class is joined, large enough for a wall, and where it goes on."""
    link = f"{making.base()}/Learn?{CLASS}={here.code}"
    with st.container(border=True, key="class-own"):
        code, image = st.columns([3, 1], vertical_alignment="center")
        with code:
            st.markdown("Join at **Learn** with this code, or by the link:")
            st.html(_large(here.code))
            components.field(link, key="class-link", label="Link for pupils")
            if making.here_only(link):
                st.caption(HERE_ONLY)
            st.fragment(partial(_joined_by_now, here), run_every=EVERY)()
        with image:
            data = base64.b64encode(qr_code(link).encode()).decode()
            st.html(
                f'<img src="data:image/svg+xml;base64,{data}" alt="QR code of the link for pupils" '
                'style="display:block;width:min(100%,18rem);margin:0 auto;border-radius:8px">'
            )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _begin(here)
            with st.popover("Lead from another device", type="tertiary"):
                st.caption(KEEP)
                own = f"{link}&{TEACH}={here.key}"
                components.field(own, key="class-teach", label="Teacher's link")
            with st.popover("End the class", type="tertiary"):
                st.caption("All its answers are deleted; pupils may go on alone.")
                st.button("Delete and end", key="class-end", on_click=membership.leave)


def _begin(here: Member) -> None:
    room = following.look(here)
    lesson = following.lesson_of(room) if room is not None else None
    if room is None or lesson is None:
        return
    st.page_link(
        FILES[lesson.steps[room.step - 1].page],
        label=f"**Lead: {plain(lesson.title)}, step {room.step}**",
        icon=":material/play_circle:",
        query_params=query_of(lesson, room.step),
    )


def _joined_by_now(here: Member) -> None:
    try:
        room = membership.room(here)
    except EngineError as error:
        st.caption(plain(str(error)))
        return
    if room is not None:
        count = "1 pupil has" if room.pupils == 1 else f"{room.pupils} pupils have"
        st.markdown(f"**{count} joined.** The class is deleted in {_hours(room.left)}.")


def _hours(seconds: int) -> str:
    if seconds < 3600:
        return f"{max(1, seconds // 60)} min"
    return f"{round(seconds / 3600)} h"


def _large(code: str) -> str:
    return (
        '<p style="font:600 clamp(2.6rem,7vw,5rem)/1.1 ui-monospace,monospace;letter-spacing:.12em;'
        f'margin:0" aria-label="{esc(" ".join(code))}">{esc(code)}</p>'
    )
