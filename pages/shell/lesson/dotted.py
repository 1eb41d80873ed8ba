"""Dots under the glossary's terms: what a term means, and the way to its lesson.

Captions, labels of controls and pictures are drawn all over the pages; the browser marks the terms
in them, in one place.
"""

from __future__ import annotations

import json
from functools import cache as once

import streamlit as st
from streamlit.components.v2 import component

from engine.learn.glossary import terms
from engine.learn.reader import shipped
from pages.pictures import palette
from pages.shell.components import script
from pages.shell.lesson import course
from pages.shell.links import embed
from pages.shell.state import state

KEY = "glossary-terms"
OTHER_MEANING = {"Training": ("rank",)}  # of a matrix there, and not of a token


def dotted() -> None:
    """Mark the terms of this page; once a run, at the end of the page."""
    here = state()
    wanted, here.wants_terms = here.wants_terms, False
    if not wanted or embed.is_embedded():
        return
    dark = st.context.theme.type == "dark"
    left_out = OTHER_MEANING.get(here.page, ())
    _terms(
        key=KEY,
        data={
            "terms": _written(left_out),
            "ground": palette.hexadecimal(palette.SURFACE, dark=dark),
            "ink": palette.hexadecimal(palette.INK, dark=dark),
            "line": palette.hexadecimal(palette.LINE, dark=dark),
        },
        on_lesson_change=_open,
    )


@once
def _written(left_out: tuple[str, ...]) -> str:
    """All terms but some as JSON: written once, and not for every run of a page."""
    return json.dumps(
        [
            {"forms": list(one.forms), "says": one.says, "lesson": one.lesson, "step": one.step}
            for one in terms().values()
            if one.name not in left_out
        ],
        ensure_ascii=False,
    )


def _open() -> None:
    """Open the lesson that a browser names, as far as there is such a step."""
    told = dict(dict(st.session_state.get(KEY) or {}).get("lesson") or {})
    lesson, step = shipped().get(str(told.get("lesson"))), told.get("step")
    if lesson and type(step) is int and 1 <= step <= len(lesson.steps):
        course.open_step(lesson, step)


_terms = component("atlas_terms", html="<span hidden></span>", js=script("terms.js"))
