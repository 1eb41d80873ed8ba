"""The controls above the columns: seed, length, stop text; and what the link asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from engine.decoding.continuation import Line
from engine.decoding.sampling import LIMITS, OFF
from engine.decoding.writing import Task
from engine.errors import NotOffered
from engine.values import Reading
from pages.decoding import continuations as lines_of
from pages.decoding.plan import LONGEST, Plan, place
from pages.shell.address import fresh
from pages.shell.cache import engine
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.tasks import task_and_language

SEEDS = 2**32
RUNS = (8, 16, 32, 64)


def decoding_setup(choice: Choice) -> tuple[Plan, Any]:
    """Draw the row of controls; return what they say and the place for the buttons.

    Raises `EmptyText` and `TextTooLong`.
    """
    lines, folded = lines_of.read()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        runs = _view()
        reading, language = task_and_language(choice)
    ids, source = _begin(choice, reading, language)
    room = min(LONGEST, engine().room_left(choice.model, len(ids)))
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    buttons = row.container(horizontal=True, width="content", gap="small")
    with row:
        seed, limit = _numbers(room)
        stop = _stop_text()
    at = selection("at", lambda at: place(at, len(lines)) is not None, name="Place")
    column, token = place(at, len(lines)) or (0, None)
    lines = _shortcuts(lines, column)
    write = selection("write", ("yes",), name="write") == "yes"
    task = Task(choice.model, ids, source=source, seed=seed, limit=limit, stop=stop)
    prompt = "" if source else choice.text
    plan = Plan(task, prompt, lines, column, token, write, runs, folded, reading)
    return plan, buttons


def _begin(
    choice: Choice, reading: Reading, language: str | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the decoder begins with, and what an encoder reads before it."""
    ids = tuple(engine().tokens(reading).ids.tolist())
    if choice.card.family != "encoder-decoder":
        return ids, ()
    rules = choice.card.generation
    if rules.start is None:
        raise NotOffered("This model's card names no start token, so it cannot write.")
    begun = (rules.start,) if language is None else (rules.start, rules.languages[language])
    return begun, ids


def _view() -> int:
    """Whether columns are compared (0) or one of them is run many times (how many)."""
    names = ("Columns", "Many runs")
    view = checked("view", names, default=names[0], name="View")
    st.segmented_control(
        "View", names, default=names[0], key="view", bind="query-params", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    runs = checked("runs", RUNS, default=16, name="Runs")
    if view == names[1]:
        st.segmented_control(
            "Runs", RUNS, default=16, key="runs", bind="query-params", required=True,
            label_visibility="collapsed", format_func=lambda n: f"{n} runs",
        )  # fmt: skip
    return runs if view == names[1] else 0


def _shortcuts(lines: tuple[Line, ...], column: int) -> tuple[Line, ...]:
    """Let a link set one number of the chosen column: `?temperature=0.9&top_p=0.8`."""
    values: dict[str, float] = {}
    for name in OFF:
        given = fresh(name)
        if not given:
            continue
        del st.query_params[name]
        try:
            values[name] = (int if LIMITS[name].whole else float)(given[-1])
            replace(lines[column].sampling, **{name: values[name]})
        except ValueError as error:
            values.pop(name, None)
            why = error if "must be" in str(error) else f"{name} {given[-1][:40]} is not a number"
            st.warning(plain(f"{why}; column {column + 1} stays as it is."), icon=":material/link:")
    if not values:
        return lines
    line = replace(lines[column], sampling=replace(lines[column].sampling, **values), beams=0)
    changed = (*lines[:column], line, *lines[column + 1 :])
    for number, one in enumerate(changed):
        select(f"c{number + 1}", str(one))
    return changed


def _numbers(room: int) -> tuple[int, int]:
    seed = checked("seed", range(SEEDS), default=1, name="Seed")
    st.number_input(
        "Seed",
        0,
        SEEDS - 1,
        1,
        key="seed",
        bind="query-params",
        width=130,
        help="One number for all columns: the same seed gives the same chances, so that columns "
        "differ only where their settings do.",
    )
    limit = checked("length", range(1, room + 1), default=min(40, room), name="New tokens")
    st.number_input(
        "New tokens",
        1,
        room,
        min(40, room),
        key="length",
        bind="query-params",
        width=130,
        help=f"At most {room:,}: as many as fit after this text, {LONGEST} on this page.",
    )
    return seed, limit


def _stop_text() -> str:
    stop = selection("stop", lambda text: True) or ""
    st.session_state["stop-text"] = stop
    st.text_input(
        "Stop text",
        key="stop-text",
        max_chars=40,
        width=150,
        placeholder="none",
        on_change=lambda: select("stop", st.session_state["stop-text"] or None),
        help="A column ends when it has written this, a full stop for example. If it never comes, "
        "the column ends at the number of new tokens.",
    )
    return stop
