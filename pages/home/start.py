"""Home's first line for whoever is new: the first lesson, and the course."""

from __future__ import annotations

import streamlit as st

from engine.learn.reader import shipped
from pages.shell.address import plain
from pages.shell.lesson.course import query_of
from pages.shell.menu import FILES


def start() -> None:
    """A way into the first lesson and into the course."""
    lessons = list(shipped().values())
    if not lessons:
        return
    first = lessons[0]
    with st.container(
        horizontal=True, gap="medium", vertical_alignment="center", key="atlas-start"
    ):
        st.page_link(
            FILES[first.steps[0].page],
            label=f"**Start here: {plain(first.title)}** ({first.minutes} minutes)",
            icon=":material/play_circle:",
            query_params=query_of(first, 1),
        )
        st.page_link(FILES["Learn"], label="All lessons", icon=":material/school:")
