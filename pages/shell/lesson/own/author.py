"""The author's panel: a lesson that is being written, beside the page whose view it adds.

It stands where the panel of a lesson stands. Each field is a step's own part, put into the draft
when it is left; a full page is drawn each time, as a step may point at what the page shows. The
panel is filled at the end of a page's run, when the page has named all its values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.learn import drafts, markup
from engine.learn.drafts import TYPED, Draft, DraftStep
from engine.learn.reader import LONGEST, WORDS
from pages.shell.address import plain
from pages.shell.lesson.own import acts, shelf
from pages.shell.lesson.own.keeper import keeper
from pages.shell.lesson.own.leaving import leaving
from pages.shell.lesson.own.pointing import highlights
from pages.shell.lesson.own.question import question
from pages.shell.lesson.own.view import is_view, view
from pages.shell.lesson.panel import beside
from pages.shell.state import state

KEY = "atlas-author"
MARKS = "At most 70 words. `**bold**`, `*italics*`, and code between backticks."
EMPTY = "No step yet. Go to any page, choose what it shows, and add its view here."


def reserve() -> None:
    """Keep the place of the panel, where a lesson is open and the page has a view for it."""
    here = shelf.own()
    if here.editing and here.editing[0] in here.drafts and is_view():
        state().author_place = st.container(key=KEY, gap="small")


def complete() -> None:
    """Draw the panel, now that the page is drawn."""
    here = state()
    place, here.author_place = here.author_place, None
    own = shelf.own()
    if place is None or own.editing is None:
        return
    name, at = own.editing
    draft = own.drafts[name]
    with place:
        # A field would give way to those below it, down to nothing, before the panel scrolls.
        st.html(beside(KEY) + f"<style>.st-key-{KEY} > * {{ flex-shrink: 0; }}</style>")
        keeper("author")
        count = len(draft.steps)
        st.caption(f"Your lesson · step {at + 1} of {count}" if count else "Your lesson · new")
        _about(name, draft)
        if own.said:
            st.error(plain(own.said), icon=":material/info:")
        if count:
            _step(name, at, draft.steps[at])
            _order(name, at, count)
        else:
            st.info(EMPTY, icon=":material/info:")
        _ways(name, at, draft)


def field(name: str, at: int, part: str) -> str:
    """The key of a step's field: another one whenever something else changed what it shows."""
    return f"own-{part}-{name}-{at}-{shelf.own().stamp}"


def change(name: str, at: int, key: str, part: str) -> None:
    """Put what a field holds into its step (a callback)."""
    shelf.keep(
        name,
        drafts.changed(shelf.own().drafts[name], at, **{part: _typed(st.session_state[key])}),
        typed=True,
    )


def _typed(value: Any) -> Any:
    return value[:TYPED] if isinstance(value, str) else value


def _about(name: str, draft: Draft) -> None:
    """Title, minutes, and what one can say afterwards."""
    key = f"own-title-{name}-{shelf.own().stamp}"
    st.text_input(
        "Title of the lesson",
        draft.title,
        key=key,
        max_chars=LONGEST["title"],
        on_change=_change_about,
        args=(name, key, "title"),
    )
    with st.expander("Minutes and aim", expanded=bool(draft.title and not draft.can_say)):
        key = f"own-aim-{name}-{shelf.own().stamp}"
        st.text_input(
            "What one can say afterwards, in one sentence",
            draft.can_say,
            key=key,
            max_chars=LONGEST["can_say"],
            on_change=_change_about,
            args=(name, key, "can_say"),
        )
        key = f"own-minutes-{name}-{shelf.own().stamp}"
        st.number_input(
            "Minutes",
            1,
            30,
            max(1, min(draft.minutes, 30)),
            key=key,
            on_change=_change_about,
            args=(name, key, "minutes"),
        )


def _change_about(name: str, key: str, part: str) -> None:
    draft = shelf.own().drafts[name]
    shelf.keep(name, replace(draft, **{part: _typed(st.session_state[key])}), typed=True)


def _step(name: str, at: int, step: DraftStep) -> None:
    """The step's own parts: text, question, what it points at."""
    if not _is_shown(step):
        st.caption(f"This step shows {plain(step.page)}: “{plain(str(step.state['text']), 80)}”")
        with st.container(horizontal=True, gap="small"):
            st.button("Show its view", key="own-show", on_click=acts.edit, args=(name, at))
            st.button(
                "Use this view instead",
                key="own-take",
                on_click=acts.take_view,
                args=(name, at),
                help="The step then shows what the page shows now; its words stay.",
            )
    key = field(name, at, "text")
    st.text_area(
        "Text of the step",
        step.text,
        key=key,
        height=140,
        max_chars=TYPED,
        help=MARKS,
        placeholder="What is to be seen here, or thought about first?",
        on_change=change,
        args=(name, at, key, "text"),
    )
    wrong = _wrong(step.text)
    if wrong:
        st.caption(f":material/info: {plain(wrong)}")
    question(name, at, step)
    highlights(name, at, step)


def _is_shown(step: DraftStep) -> bool:
    """Whether the page shows this very view."""
    try:
        now = view()
    except EngineError:
        return False
    return (now.page, dict(now.state)) == (step.page, dict(step.state))


def _wrong(text: str) -> str:
    """What keeps a text from being a step's, "" where nothing does."""
    count = markup.words(text)
    if count > WORDS:
        return f"{count} words; at most {WORDS} may stand here."
    try:
        markup.spans(text)
    except ValueError as error:
        return f"{str(error).capitalize()}."
    return ""


def _order(name: str, at: int, count: int) -> None:
    """From step to step, and what is done with one."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _button("Back", "back", acts.edit, name, at - 1, off=at == 0)
        _button("Next", "next", acts.edit, name, at + 1, off=at + 1 >= count)
        _button("Move up", "up", acts.move, name, at, at - 1, off=at == 0)
        _button("Move down", "down", acts.move, name, at, at + 1, off=at + 1 >= count)
        _button("Delete step", "delete", acts.remove, name, at)


def _ways(name: str, at: int, draft: Draft) -> None:
    here, count = shelf.own(), len(draft.steps)
    full = count >= drafts.MOST
    st.button(
        f"Add this view as step {count + 1}" if not full else f"{drafts.MOST} steps: no more fit",
        key="own-add",
        type="primary",
        width="stretch",
        disabled=full,
        icon=":material/add:",
        on_click=acts.add_view,
        args=(name,),
    )
    lacks = acts.missing(name, draft)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Try it",
            key="own-try",
            disabled=bool(lacks),
            on_click=acts.attempt,
            args=(name, at),
            help="Plays the lesson from this step, as its readers see it.",
        )
        _button("Undo", "undo", acts.undo, off=not here.before)
        with st.popover("Save, share", icon=":material/share:"):
            leaving(name, draft, "author")
        st.button("Close", key="own-close", type="tertiary", on_click=acts.close)
    if lacks:
        st.caption(f"Before it can be played: {plain(lacks)}")
    if here.unkept:
        st.caption("This browser keeps nothing: save the lesson as a file before you leave.")


def _button(label: str, key: str, act: Any, *given: Any, off: bool = False) -> None:
    st.button(label, key=f"own-{key}", disabled=off, on_click=partial(act, *given))
