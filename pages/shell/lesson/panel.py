"""The panel of a lesson: title, text, question, Back, Next, Leave the lesson.

It stands in a column of its own on the right, which the page leaves free; in a narrow window it
stands at the lower edge, and the page ends above it; menu, model and text then come after the
picture. So it never covers what it speaks about. Its text comes first, its question after the
page's picture, which is what people wait for.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.learn.lessons import Step
from pages.pictures import palette
from pages.shell.address import plain
from pages.shell.lesson import (
    collection,
    course,
    game,
    highlights,
    models,
    present,
    printing,
    progress,
)
from pages.shell.lesson.classroom import following, screen
from pages.shell.lesson.course import Now
from pages.shell.lesson.own import acts
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
    here.pointing = highlights.pointing(step) if step.page == here.page else None
    if step.page == here.page:
        printing.watch(now)
    shown = present.face()
    if shown is not None:
        screen.present(now, answer=shown == present.ANSWER)
        present.present(now, shown)
        return
    with st.container(key=KEY, gap="small"):
        st.html(_style(step))
        progress.note(lesson, now.number)
        screen.head(now)
        st.caption(f"{lesson.called} · step {now.number} of {len(lesson.steps)}")
        st.markdown(f"#### {plain(lesson.title)}")
        st.markdown(markdown(step.text))
        for source in step.sources:
            st.caption(f"Source: [{plain(source.name)}]({source.link})")
        place = st.container(gap="small")
        if step.page == here.page and not models.is_here(step.model):
            models.others(now)
        _own_text(now)
        _ways(now)
        paper = st.empty()
    if step.page != here.page:
        with place:
            st.info(f"This step is about the page {step.page}.", icon=":material/info:")
            _button("Open it", now, now.number, key="lesson-open", kind="primary")
    else:
        here.lesson_place = (place, paper, now)


def complete() -> None:
    """Ask the step's question and offer its paper, now that the page is drawn."""
    here = state()
    kept, here.lesson_place = here.lesson_place, None
    here.asked.clear()  # a page knows all its controls by now
    if kept is None:
        return
    place, paper, now = kept
    if paper in present.FACES:
        with place:
            present.ask(now, paper)
        return
    with place:
        if not screen.took_over(now) and (now.step.question is not None or now.last):
            question(now)
    with paper, st.container(horizontal=True, gap="small", vertical_alignment="center"):
        present.present_button(now)
        game.game_link(now.lesson)
        printing.print_button(now)


def _ways(now: Now) -> None:
    if following.is_held():
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _button("Back", now, now.number - 1, key="lesson-back", shortcut="B")
        if now.last:
            end = partial(_finish, now)
            st.button("Finish", key="lesson-finish", type="primary", on_click=end)
        else:
            _button("Next", now, now.number + 1, key="lesson-next", shortcut="N", kind="primary")
        st.button("Leave the lesson", key="lesson-leave", type="tertiary", on_click=course.leave)
        if now.lesson.id.startswith(collection.OWN):
            back = partial(acts.edit, now.lesson.id, now.number - 1)
            st.button("Edit this step", key="lesson-edit", icon=":material/edit:", on_click=back)


def _finish(now: Now) -> None:
    progress.finished(now.lesson)
    course.finish()


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


def beside(key: str) -> str:
    """The style that puts the container of a key beside the page, or under it on a phone."""
    dark = st.context.theme.type == "dark"
    ground, line = (
        palette.hexadecimal(colour, dark=dark) for colour in (palette.SURFACE, palette.LINE)
    )
    return _STYLE.format(key=key, wide=WIDE, ground=ground, line=line)


def _style(step: Step) -> str:
    pointed = palette.hexadecimal(palette.HIGHLIGHT, dark=st.context.theme.type == "dark")
    return beside(KEY) + f"<style>{highlights.controls_pointed_at(step, pointed)}</style>"
