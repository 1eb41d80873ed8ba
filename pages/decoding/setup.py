"""The controls under the picture: view, seed, length, stop texts; and what the link asks for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine import policy
from engine.decoding.continuation import Line, Task
from engine.decoding.sampling import BY_NAME, OFF
from engine.decoding.stopping import LONGEST as STOP_LENGTH
from engine.decoding.stopping import MOST as STOPS
from engine.decoding.stopping import escaped, unescaped
from engine.errors import NotOffered
from engine.values import Reading
from pages.decoding import continuations
from pages.decoding.controls import LENGTH, RUNS, SEED, TINT
from pages.decoding.plan import LONGEST, QUICK, Plan, place, sampled
from pages.shell.address import fresh, keep
from pages.shell.cache import engine
from pages.shell.controls import built
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.tasks import task_and_language

VIEW = "decoding-view"
STOP_KEYS = ("stop", *(f"stop{number}" for number in range(2, STOPS + 1)))


def decoding_setup(choice: Choice, row: Any, *, many: bool) -> Plan:
    """Draw the controls in a `row` and return what they say.

    `many` tells whether one setting is run many times. Raises `EmptyText` and `TextTooLong`.
    """
    lines, hidden = continuations.read()
    with row:
        reading, language = task_and_language(choice)
        options = st.popover(
            "Options", icon=":material/tune:", key="decoding-options", on_change="rerun"
        )
    ids, source = _begin(choice, reading, language)
    runs, seed = RUNS.check(), SEED.check()
    columns = max(runs if many else 0, sum(max(1, line.beams) for line in (*lines, *hidden)))
    room = policy.tokens_each(columns, min(LONGEST, engine().room_left(choice.model, len(ids))))
    limit = LENGTH.check(range(1, room + 1), default=min(QUICK, room))
    TINT.check()
    numbers = (LENGTH, SEED, *([RUNS] if many else []))
    stops = [selection(key, _is_stop, name="Stop text") for key in STOP_KEYS]
    if built(options, *numbers):
        with options:
            for control in numbers:
                control.draw()
            _stop_fields(stops)
    column, token = _place(lines, many)
    lines = _shortcuts(lines, column)
    write = selection("write", ("yes", "no"), name="write") != "no"
    task = Task(choice.model, ids, source=source, seed=seed, limit=limit, stops=_unescaped(stops))
    prompt = "" if source else choice.text
    return Plan(
        task,
        prompt,
        lines,
        column,
        token,
        write,
        runs if many else 0,
        hidden,
        reading,
        room,
    )


def _begin(
    choice: Choice, reading: Reading, language: str | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the decoder begins with, and what an encoder reads before it."""
    ids = tuple(engine().tokens(reading).ids.tolist())
    if choice.card.family != "encoder-decoder":
        return ids, ()
    rules = choice.card.generation
    if rules.start is None:
        raise NotOffered("This model's card names no start token, so it cannot generate text.")
    begun = (rules.start,) if language is None else (rules.start, rules.languages[language])
    return begun, ids


def _place(lines: tuple[Line, ...], many: bool) -> tuple[int, int | None]:
    """The column and token looked at; many runs open on a setting in which chance has a say."""
    at = selection("at", lambda at: place(at, len(lines)) is not None, name="Place")
    column, token = place(at, len(lines)) or (0, None)
    turned = st.session_state.get(VIEW) is False and many
    st.session_state[VIEW] = many
    if many and (at is None or turned) and (other := sampled(lines, column)) != column:
        select("at", f"c{other + 1}")
        return other, None
    return column, token


def _shortcuts(lines: tuple[Line, ...], column: int) -> tuple[Line, ...]:
    """Let a link set one number of the chosen column: `?temperature=0.9&top_p=0.8`."""
    values: dict[str, float] = {}
    for name in OFF:
        given = fresh(name)
        if not given:
            continue
        del st.query_params[name]
        try:
            values[name] = _number(name, given[-1])
            lines[column].sampling.changed(**{name: values[name]})
        except ValueError as error:
            values.pop(name, None)
            why = error if "must be" in str(error) else f"{name} {given[-1][:40]} is not a number"
            st.warning(plain(f"{why}; column {column + 1} stays as it is."), icon=":material/link:")
    if not values:
        return lines
    setting = lines[column].sampling.changed(**values)
    line = replace(lines[column], sampling=setting, beams=0, length_penalty=1.0)
    changed = (*lines[:column], line, *lines[column + 1 :])
    for number, one in enumerate(changed):
        keep(f"c{number + 1}", one)
    return changed


def _number(name: str, text: str) -> float:
    if name not in BY_NAME:
        return {"true": True, "false": False}[text] if text in ("true", "false") else float("nan")
    return int(text) if BY_NAME[name].range.whole else float(text)


def _stop_fields(given: list[str | None]) -> None:
    """Up to four texts that end a column; one more field than are given."""
    used = sum(text is not None for text in given)
    for number, (key, text) in enumerate(zip(STOP_KEYS, given, strict=True)):
        if text is None and number > used:
            continue
        st.session_state[f"{key}-text"] = text or ""
        st.text_input(
            "Stop text" if number == 0 else f"Stop text {number + 1}",
            key=f"{key}-text",
            max_chars=2 * STOP_LENGTH,
            placeholder="none",
            on_change=partial(_stop_typed, key),
            help=r"Ends a column where its text contains this. Type \n for a line break, \t for a "
            r"tab, \\ for a backslash."
            if number == 0
            else None,
        )


def _unescaped(given: list[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unescaped(text) for text in given if text is not None))


def _stop_typed(key: str) -> None:
    text = st.session_state[f"{key}-text"] or ""
    select(key, escaped(unescaped(text)[:STOP_LENGTH]) or None)


def _is_stop(text: str) -> bool:
    return 0 < len(unescaped(text)) <= STOP_LENGTH
