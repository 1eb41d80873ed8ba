"""Which step of which lesson is shown, and how a step is opened.

The address says `lesson=1.4&lesson_step=2` on any page (`step` alone is a control of two pages).
Opening a step makes its state the page's: what it names is set as by a link, everything else goes
back to its default. A link that names the step alone gets the rest here; what it names besides
wins. Session keys: `lesson-opened` (the step whose state was set), `lesson-pending` (the page to go
to), `lesson-own-text` (the learner's text stays), `lesson-shown` (a state that `show` waits with).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from engine.learn.lessons import Lesson, Step
from pages.shell import address
from pages.shell.address import TEXT_IN_LINK, selection
from pages.shell.lesson import collection
from pages.shell.lesson.own.keeper import keeper
from pages.shell.menu import FILES
from pages.shell.state import state

LESSON, STEP = "lesson", "lesson_step"
PRESENT = "present"  # which face of the step is shown to a class, if any
OPENED, PENDING, OWN_TEXT = "lesson-opened", "lesson-pending", "lesson-own-text"
SHOWN = "lesson-shown"
State = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Now:
    """The step that is shown; `number` counts from 1."""

    lesson: Lesson
    number: int

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.lesson.steps[self.number - 1]

    @property
    def last(self) -> bool:
        """Whether the lesson ends here."""
        return self.number == len(self.lesson.steps)


def arrive(title: str) -> Now | None:
    """The step that the address asks for; on its page its state is set before it is read.

    To be called before the text and any control are read.
    """
    page, wanted = st.session_state.pop(SHOWN, ("", {}))
    if page == title:
        state().values.clear()
        _ask(wanted)
    asked = str(st.query_params.get(LESSON) or state().values.get(LESSON) or "")
    if asked and collection.is_waited_for(asked):
        keeper("arriving")  # it runs the page once more
        return None
    name = selection(LESSON, lambda one: collection.find(one) is not None, name="Lesson")
    lesson = collection.find(name) if name else None
    if name is None or lesson is None:
        st.session_state.pop(OPENED, None)
        for key in (STEP, PRESENT):
            selection(key, lambda _: False)
        return None
    numbers = [str(number) for number in range(1, len(lesson.steps) + 1)]
    now = Now(lesson, int(selection(STEP, numbers, name="Step of the lesson") or 1))
    if st.session_state.get(OPENED) != (name, now.number) and now.step.page == title:
        st.session_state[OPENED] = (name, now.number)
        _set(now.step.state)
    return now


def query_of(lesson: Lesson, number: int) -> dict[str, str]:
    """The address of a step, as short as it can be."""
    return {LESSON: lesson.id, STEP: str(number)}


def open_step(
    lesson: Lesson,
    number: int,
    *,
    own_text: bool | None = None,
    also: Mapping[str, str] | None = None,
) -> None:
    """Open a step (in a callback); `own_text` False takes the lesson's text in any case.

    `also` are further values of its address, which are no step's.
    """
    step, here = lesson.steps[number - 1], state()
    keeps = bool(st.session_state.get(OWN_TEXT)) if own_text is None else own_text
    if not keeps:
        st.session_state[OWN_TEXT] = False
    if here.page != step.page:
        st.session_state.pop(OPENED, None)
        query = query_of(lesson, number) | dict(also or {})
        if keeps and len(here.text) <= TEXT_IN_LINK:
            query["text"] = here.text
        st.session_state[PENDING] = (step.page, query)
        return
    wanted = dict(step.state) | query_of(lesson, number) | ({"text": here.text} if keeps else {})
    _forget(wanted)
    _ask(wanted)
    here.values |= query_of(lesson, number) | dict(also or {})
    st.session_state[OPENED] = (lesson.id, number)


def show(page: str, wanted: State) -> None:
    """Make a state a page's, without a lesson, and turn to that page (in a callback)."""
    here = state()
    leave()
    if here.page != page:
        # Not by the address: a value that is bound to a widget cannot be put there.
        st.session_state[PENDING], st.session_state[SHOWN] = (page, {}), (page, wanted)
        return
    _forget(wanted)
    _ask(wanted)


def take_model(name: str) -> None:
    """Show the step by another model (in a callback); all else stays."""
    state().model = name
    st.session_state["model"] = name


def turn_to(lesson: Lesson, number: int) -> None:
    """Let the next `go` open a step with the lesson's own text, from wherever one is."""
    st.session_state.pop(OPENED, None)
    st.session_state[OWN_TEXT] = False
    st.session_state[PENDING] = (lesson.steps[number - 1].page, query_of(lesson, number))


def leave() -> None:
    """End the lesson (in a callback); the page stays as it is."""
    for key in (LESSON, STEP, PRESENT):
        state().values[key] = None
    st.session_state.pop(OPENED, None)


def finish() -> None:
    """End the lesson and go to the course."""
    leave()
    st.session_state[PENDING] = ("Learn", {})


def go() -> None:
    """Turn to the page of a step that was opened; call it first in a page's run."""
    pending = st.session_state.pop(PENDING, None)
    if pending is not None:
        st.switch_page(FILES[pending[0]], query_params=pending[1])


def _set(wanted: State) -> None:
    """Ask for a step's state as a link would; what the address itself says goes before it."""
    here = state()
    given = set(st.query_params)
    for key in given & set(wanted):
        here.seen.pop(key, None)
        here.written.pop(key, None)
    for key in [key for key in here.values if key not in given]:
        del here.values[key]  # what was locked on another page or for another text
    _ask({key: value for key, value in wanted.items() if key not in given})


def _ask(wanted: State) -> None:
    here = state()
    if "text" in wanted and (not here.touched or here.text != wanted["text"]):
        address.set_text(str(wanted["text"]))
    here.asked = {
        key: [value] if isinstance(value, str) else list(value)
        for key, value in wanted.items()
        if key not in ("text", LESSON, STEP)
    }


def _forget(wanted: State) -> None:
    """Give everything that a step does not name its default back."""
    here = state()
    here.values.clear()
    for key, listed in here.listed.items():
        if key in wanted or key not in st.session_state:
            continue
        here.written.pop(key, None)
        default = listed.default if listed.value is None else listed.value
        st.session_state[key] = list(default) if isinstance(default, list | tuple) else default
