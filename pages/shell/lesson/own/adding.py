""" "Add this view to a lesson", in the Share panel of every page that has a view."""

from __future__ import annotations

import streamlit as st

from pages.shell.address import plain
from pages.shell.lesson.own import acts, shelf
from pages.shell.lesson.own.keeper import keeper
from pages.shell.lesson.own.leaving import said
from pages.shell.lesson.own.view import is_view

NEW = "a new lesson"
PANEL, ADDED = "share-panel", "own-added"  # the popover that this stands in; a session key


def add_to_lesson() -> None:
    """Draw the choice of a lesson and the button; the author's panel opens at the new step."""
    if not is_view():
        return
    keeper("share")
    here = shelf.own()
    name = ""
    if here.drafts:
        names = [*reversed(here.drafts), NEW]
        first = here.latest if here.latest in here.drafts else names[0]
        name = st.selectbox(
            "Lesson",
            names,
            names.index(first),
            key=f"own-lesson-{here.stamp}",
            format_func=lambda one: NEW if one == NEW else plain(here.drafts[one].named),
        )
    st.button(
        "Add this view to a lesson",
        key="own-add-view",
        icon=":material/school:",
        width="stretch",
        on_click=_add,
        args=("" if name == NEW else name,),
        help="A step of a lesson of your own: you write its text and choose its question.",
    )
    said()


def after_adding() -> None:
    """Draw the page anew where a view was just added: the author's panel stands beside it."""
    if st.session_state.pop(ADDED, False):
        st.rerun()


def _add(name: str) -> None:
    acts.add_view(name)
    if not shelf.own().said:
        # The Share panel closes, and runs alone: the page is still to be drawn.
        st.session_state[PANEL], st.session_state[ADDED] = False, True
