"""Generating: what the plan asks for is begun or joined, and the buttons that go on and stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from pages.decoding.controls import LENGTH, SEED
from pages.decoding.plan import QUICK, Plan
from pages.shell.cache import engine
from pages.shell.frame import select
from pages.shell.state import state

SHOWN = "decoding-shown"
ASKED = "decoding-asked"
SOON = 0.3  # seconds for which nobody needs to be told what is being done
RARELY = 1.0  # seconds between two looks, at most
CROWD = 3  # batches under way: two of them step at once, so one waits for its turn already


def decoding_write(plan: Plan, buttons: Any) -> tuple[tuple[Generated, ...], bool]:
    """Draw the buttons and begin what is to be written; the texts, and whether they still grow.

    That answer holds for the whole run, or buttons and picture could disagree.
    """
    if plan.write:
        # A short run is drawn once, whole: drawn while it grows the page would run twice and look
        # at it in between, which took as long as the writing.
        patience = SOON if plan.task.limit <= QUICK else 0.0
        viewer = state().viewer
        texts = engine().write(plan.task, plan.wanted, viewer=viewer, patience=patience)
    else:
        texts = _before(plan.task, plan.wanted)
    st.session_state[SHOWN] = (plan.task, texts)
    live = any(text.writing for text in texts)
    _buttons(buttons, plan, texts, live=live)
    return texts, live


def eased(plan: Plan) -> Plan:
    """The plan, without the first run of a fresh page where many are writing already.

    What somebody asked for goes before what nobody did; a text that is there or under way is
    joined, as that costs nothing.
    """
    by_itself = plan.write and plan.untouched and not st.session_state.get(ASKED)
    if not by_itself or engine().texts_under_way() < CROWD:
        return plan
    there = engine().look(plan.task, plan.wanted, viewer=state().viewer)
    begun = all(text.writing or text.end for text in there)
    return plan if begun else replace(plan, write=False)


def look(plan: Plan) -> tuple[Generated, ...]:
    """The same texts as they are now, for a picture that is drawn while they grow."""
    texts = engine().look(plan.task, plan.wanted, viewer=state().viewer)
    st.session_state[SHOWN] = (plan.task, texts)
    return texts


def every(seconds: float) -> float:
    """The time between two looks at what grows; who look at the same time share the processor."""
    return min(seconds * max(1, engine().texts_under_way()), max(RARELY, seconds))


def problem(texts: Sequence[Generated]) -> Exception | None:
    """Why a text grows no more, where that is an error."""
    return next((text.problem for text in texts if text.problem), None)


def give_up() -> None:
    """Begin nothing again by itself, after an error."""
    select("write", "no")


def _before(task: Task, lines: Sequence[Line]) -> tuple[Generated, ...]:
    """What was written before a stop, where it is still what is asked for."""
    before, shown = st.session_state.get(SHOWN, (None, ()))
    kept = {text.line: text for text in shown} if before == task else {}
    return tuple(kept.get(line) or Generated(line) for line in lines)


def _buttons(place: Any, plan: Plan, texts: Sequence[Generated], *, live: bool) -> None:
    more = min(QUICK, plan.room - plan.task.limit)
    whole = all(text.end for text in texts)
    label, refused = f"Generate {more} more tokens", ""
    if not (whole or live):
        label = "Continue" if any(text.tokens for text in texts) else "Generate"
    elif not any(text.end == "limit" for text in texts) and not live:
        label, refused = "Generate more", "Every text has ended."
    elif more <= 0:
        label, refused = "Generate more", f"{plan.task.limit} new tokens are the most here."
    with place:
        st.button(
            label,
            key="decoding-write",
            type="primary",
            icon=":material/edit_note:",
            disabled=live or bool(refused),
            on_click=_generate,
            args=(plan.task.limit + more if whole else plan.task.limit,),
            shortcut=None if live or refused else "Space",
            help=refused or "The space bar generates and stops; arrow keys go from token to token.",
        )
        st.button(
            "Stop",
            key="decoding-stop",
            icon=":material/stop:",
            disabled=not live,
            on_click=_stop,
            args=(plan,),
            shortcut="Space" if live else None,
        )
        st.button(
            "New seed",
            key="decoding-seed",
            icon=":material/casino:",
            help="Generate again with the next seed, in all columns.",
            on_click=_new_seed,
        )


def _generate(limit: int) -> None:
    st.session_state[ASKED] = True
    LENGTH.put(limit)
    select("write", None)


def _stop(plan: Plan) -> None:
    texts = look(plan)
    engine().stop_writing(plan.task, plan.wanted, viewer=state().viewer)
    ended = tuple(_ended(text) for text in texts)
    st.session_state[SHOWN] = (plan.task, ended)
    select("write", "no")


def _ended(text: Generated) -> Generated:
    """As it is, for a person who stopped while others look on."""
    return Generated(text.line, text.tokens, text.texts, text.seconds)


def _new_seed() -> None:
    SEED.put((st.session_state["seed"] + 1) % 2**32)
