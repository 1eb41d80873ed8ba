"""The controls of Preference checked and put together; completions written, looked at, stopped.

In: the choice on top of the page. Out: a `Plan`, and the completions as far as they are written.
"""

from __future__ import annotations

import streamlit as st

from engine import policy
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.errors import NotOffered
from engine.preference import samples
from engine.preference.measures import MEASURES
from engine.values import Reading
from pages.shell.address import select, selection
from pages.shell.cache import engine
from pages.shell.controls import built
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import Choice
from pages.shell.state import state
from pages.training.preference import controls
from pages.training.preference.plan import Plan

LARGE = 50_000_000  # parameters from which fewer completions are drawn until somebody asks for more
EVERY, SOON = 0.25, 0.4  # seconds between two looks; for which nobody is told what is being done
STOPPED = "preference_writes"


def plan(choice: Choice) -> Plan:
    """All controls checked, and what they ask for. Raises `NotOffered`, `EmptyText`, ..."""
    ids = tuple(engine().tokens(Reading(choice.model, choice.text)).ids.tolist())
    room = engine().room_left(choice.model, len(ids))
    most = min(controls.LONGEST, room)
    length = int(
        controls.LENGTH.check(
            range(1, most + 1),
            default=min(samples.LENGTH, most),
            because=f"the prompt has {len(ids):,} tokens, which leaves room for {room:,}"
            if room < controls.LONGEST
            else f"a completion has at most {controls.LONGEST} tokens here",
        )
    )
    fits = policy.columns_that_fit(samples.MOST, length)
    legal = tuple(sorted({fits, *(count for count in controls.DRAWN if count <= fits)}))
    usual = legal[0] if choice.card.parameters > LARGE else legal[-1]
    count = int(controls.COUNT.check(legal, default=usual))
    if count < 2:
        raise NotOffered(
            f"{length} new tokens leave room for one completion (ATLAS_WRITING_TOKENS), and there "
            "is nothing to choose from. Ask for fewer new tokens."
        )
    n = int(
        controls.N.check(range(1, count + 1), default=min(16, count), because=_because(count, fits))
    )
    setting = str(controls.SETTING.check())
    stops = controls.STOP_TEXTS[str(controls.STOP.check())]
    seed = int(controls.SEED.check())
    task = Task(choice.model, ids, seed=seed, limit=length, stops=stops)
    lines = tuple(samples.lines(Line.parse(setting).sampling, count))
    return Plan(task, lines, n, MEASURES[str(controls.SECOND.check())])


def _because(count: int, fits: int) -> str:
    if fits < samples.MOST:
        return f"at most {fits} completions of this length are written at once here"
    return f"{count} completions are drawn"


def written(asked: Plan) -> tuple[Generated, ...] | None:
    """The completions, once all are whole; None while they are being written, or were stopped."""
    write = selection(STOPPED, ("no",), name="writes") != "no"
    viewer, lines = state().viewer, asked.lines
    if write:
        texts = engine().write(asked.task, lines, viewer=viewer, patience=SOON)
    else:
        texts = engine().look(asked.task, lines, viewer=viewer)
    problem = next((text.problem for text in texts if text.problem), None)
    if problem is not None:
        raise problem
    if all(text.end for text in texts):
        return texts
    live = any(text.writing for text in texts)
    fragment(_watch, EVERY if live else None, asked, live)
    if live:
        st.button("Stop", key="preference-stop", icon=":material/stop:", on_click=_stop,
                  args=(asked,))  # fmt: skip
    else:
        st.button("Draw completions", key="preference-draw", icon=":material/edit_note:",
                  type="primary", on_click=select, args=(STOPPED, None))  # fmt: skip
    return None


def _watch(runs: Runs, asked: Plan, live: bool) -> None:
    texts = engine().look(asked.task, asked.lines, viewer=state().viewer)
    done = sum(bool(text.end) for text in texts)
    share = max((len(text.tokens) for text in texts), default=0) / asked.task.limit
    if not live:
        st.caption(f"Stopped: {done} of {asked.count} completions are whole.")
        return
    st.caption(f"Generating {asked.count} completions: {done} are whole.")
    st.progress(min(1.0, share))
    if not runs.first and not any(text.writing for text in texts):
        st.rerun()


def _stop(asked: Plan) -> None:
    engine().stop_writing(asked.task, asked.lines, viewer=state().viewer)
    select(STOPPED, "no")


def draw_options() -> None:
    """What changes the completions themselves, folded."""
    offered = (controls.COUNT, controls.LENGTH, controls.SETTING, controls.STOP, controls.SEED)
    place = st.expander("Options", key="preference-options", on_change="rerun")
    if built(place, *offered):
        with (
            place,
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            for control in offered:
                control.draw()
