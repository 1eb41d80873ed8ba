"""The panel of a lesson: title, text, question, Back, Next, Leave the lesson.

It stands in a column of its own on the right, which the page leaves free; in a narrow window it
stands at the lower edge, and the page ends above it; menu, model and text then come after the
picture. So it never covers what it speaks about. Its text comes first, its question after the
page's picture, which is what people wait for.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.pictures import palette
from pages.shell.address import plain
from pages.shell.lesson import course, progress
from pages.shell.lesson.course import Now
from pages.shell.lesson.question import question
from pages.shell.lesson.words import markdown
from pages.shell.state import state

KEY = "atlas-lesson"
WIDE = 1100  # pixels from which the panel stands beside the page
_STYLE = """<style>
.st-key-{key} {{ background: {ground}; position: fixed; z-index: 90; overflow-y: auto;
  padding: 0.9rem 1.1rem 1.1rem; border: 1px solid {line}; overscroll-behavior: contain; }}
@media (min-width: {wide}px) {{
  .stMainBlockContainer:has(.st-key-{key}) {{ padding-right: 25.5rem; }}
  .st-key-{key} {{ right: 1rem; top: 4rem; width: 23rem; max-height: calc(100vh - 5rem);
    border-radius: 0.6rem; }}
}}
@media not all and (min-width: {wide}px) {{
  .stMainBlockContainer:has(.st-key-{key}) {{ padding-bottom: 52vh; }}
  .st-key-{key} {{ left: 0; right: 0; bottom: 0; width: 100%; max-height: 46vh; }}
  .stMainBlockContainer:has(.st-key-{key}) :is(.st-key-atlas-menu, .st-key-atlas-top),
  .stMainBlockContainer:has(.st-key-{key}) :has(> :is(.st-key-atlas-menu, .st-key-atlas-top)) {{
    order: 1; }}
}}
@media print {{ .st-key-{key} {{ position: static; }} }}
</style>"""


def panel(now: Now) -> None:
    """Draw the panel and keep the place of its question, which `complete` fills."""
    lesson, step, here = now.lesson, now.step, state()
    with st.container(key=KEY, gap="small"):
        st.html(_style())
        progress.note(lesson, now.number)
        st.caption(f"Lesson {lesson.id} · step {now.number} of {len(lesson.steps)}")
        st.markdown(f"#### {plain(lesson.title)}")
        st.markdown(markdown(step.text))
        for source in step.sources:
            st.caption(f"Source: [{plain(source.name)}]({source.link})")
        place = st.container(gap="small")
        _own_text(now)
        _ways(now)
    if step.page != here.page:
        with place:
            st.info(f"This step is about the page {step.page}.", icon=":material/info:")
            _button("Open it", now, now.number, key="lesson-open", kind="primary")
    elif step.question is not None or now.last:
        here.lesson_place = (place, now)


def complete() -> None:
    """Ask the step's question, now that the page is drawn."""
    here = state()
    kept, here.lesson_place = here.lesson_place, None
    here.asked.clear()  # a page knows all its controls by now
    if kept is None:
        return
    place, now = kept
    with place:
        question(now)


def _ways(now: Now) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _button("Back", now, now.number - 1, key="lesson-back", shortcut="B")
        if now.last:
            st.button("Finish", key="lesson-finish", type="primary", on_click=course.finish)
        else:
            _button("Next", now, now.number + 1, key="lesson-next", shortcut="N", kind="primary")
        st.button("Leave the lesson", key="lesson-leave", type="tertiary", on_click=course.leave)


def _button(
    label: str, now: Now, number: int, *, key: str, shortcut: str | None = None, kind: str = ""
) -> None:
    st.button(
        label,
        key=key,
        type="primary" if kind else "secondary",
        shortcut=shortcut,
        disabled=number < 1,
        on_click=partial(course.open_step, now.lesson, number),
    )


def _own_text(now: Now) -> None:
    """Who typed a text of their own may keep it for the steps that follow."""
    here = state()
    if not here.touched or here.text == now.step.sentence or here.page != now.step.page:
        return

    def turned() -> None:
        st.session_state[course.OWN_TEXT] = st.session_state["lesson-own-toggle"]

    st.caption("The words above speak of the lesson's own text; the question is about yours.")
    st.session_state["lesson-own-toggle"] = bool(st.session_state.get(course.OWN_TEXT))
    st.toggle("Go on with my text", key="lesson-own-toggle", on_change=turned)


def _style() -> str:
    dark = st.context.theme.type == "dark"
    ground, line = (
        palette.hexadecimal(colour, dark=dark) for colour in (palette.SURFACE, palette.LINE)
    )
    return _STYLE.format(key=KEY, wide=WIDE, ground=ground, line=line)
