"""For teachers: a lesson before the class, by a link to its first question."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.learn.lessons import Lesson
from pages.shell.address import plain
from pages.shell.frame import sentences
from pages.shell.lesson import present
from pages.shell.menu import FILES

SAID = (
    "Picture and question in large type, for a projector. Space or a remote's Page Down shows the "
    "answer, then the next question; Page Up goes back, T shows the step's text, Esc leaves. Each "
    "question and each answer has an address of its own."
)


@st.fragment
def for_teachers(lessons: Sequence[Lesson]) -> None:
    """Draw it; another lesson runs this part alone."""
    with sentences():
        st.subheader("For teachers", anchor="teachers")
        titles = {lesson.id: f"{lesson.id} {lesson.title}" for lesson in lessons}
        by_id = {lesson.id: lesson for lesson in lessons}
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            chosen = st.selectbox(
                "Lesson to present", list(titles), key="teachers-lesson",
                format_func=titles.__getitem__, width=360,
            )  # fmt: skip
            lesson = by_id[chosen or lessons[0].id]
            st.page_link(
                FILES[lesson.steps[0].page],
                label=f"Present {plain(lesson.title)}",
                icon=":material/slideshow:",
                query_params=present.query(lesson),
                width="content",
            )
        st.caption(SAID)
