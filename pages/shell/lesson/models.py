"""Which models can show a step whose own is not installed here: one click each.

A lesson that was written on another machine may name a model that is not here. Its question is then
asked of the model that is chosen, as it would be of any other.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EngineError
from engine.learn.answers import ANSWERS
from engine.learn.lessons import Step
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.lesson import course
from pages.shell.lesson.course import Now
from pages.shell.state import state

MOST = 4


def is_here(name: str) -> bool:
    """Whether a model is installed."""
    try:
        engine().find(name)
    except EngineError:
        return False
    return True


def able(step: Step) -> list[str]:
    """Models that the page shows and that can answer the step's question."""
    families = ANSWERS[step.question.answer].families if step.question else None
    found = []
    for name in state().models:
        family = engine().card(name).family
        if families is None or family in families:
            found.append(name)
    return found


def others(now: Now) -> None:
    """Say that the step's model is not here, and offer those that can show it."""
    names = able(now.step)
    shown = str(st.session_state["model"])
    model = plain(now.step.model, 80)
    if not names:
        st.info(
            f"This step was made with {model}, which is not installed here, and no installed "
            "model can answer its question. Models are added on Home.",
            icon=":material/info:",
        )
        return
    st.info(
        f"This step was made with {model}, which is not installed here. These models can show it:",
        icon=":material/info:",
    )
    with st.container(horizontal=True, gap="small"):
        for name in names[:MOST]:
            st.button(
                plain(name),
                key=f"lesson-model-{name}",
                disabled=name == shown,
                on_click=partial(course.take_model, name),
            )
