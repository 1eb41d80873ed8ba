"""The continuations of the Decoding page: its columns, and branches that no column shows.

In: a `Plan` and what a person did. Out: the session's `c1`..`c6` (columns) and `b1`..`b8` (hidden
branches), which are `Line` values in the session and text in the link alone; a memory for Undo, and
the buttons that change them. What changes them is for callbacks. Knows nothing of texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from engine.decoding.continuation import Line
from pages.decoding.plan import HIDDEN, MOST, START, Plan, place, spare
from pages.shell import address
from pages.shell.address import select
from pages.shell.state import state

UNDO = "decoding-undo"
MOVED = "decoding-moved"  # the column that was looked at before one was given, and since when
DEEP = 30  # steps that can be undone

State = tuple[tuple[Line, ...], tuple[Line, ...], tuple[int, int | None], bool]


def read() -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Columns and hidden branches of the link or session; nonsense is said and left out."""
    lines = _lines("c", MOST, "Column") or START
    hidden = _lines("b", HIDDEN, "Branch")
    return lines, tuple(line for line in dict.fromkeys(hidden) if line not in lines)


def _lines(letter: str, count: int, name: str) -> tuple[Line, ...]:
    numbers = range(1, count + 1)
    found = [address.kept(f"{letter}{n}", Line.parse, name=f"{name} {n}") for n in numbers]
    return tuple(line for line in found if line is not None)


def asked() -> State:
    """What callbacks have made of columns, hidden branches, the place looked at, and writing."""
    values = state().values
    lines, hidden = (
        tuple(line for n in range(count) if (line := values.get(f"{letter}{n + 1}")))
        for letter, count in (("c", MOST), ("b", HIDDEN))
    )
    lines = lines or START
    where = place(values.get("at"), len(lines)) or (0, None)
    return lines, hidden, where, values.get("write") != "no"


def moved(plan: Plan, before: State) -> Plan | None:
    """The plan with another setting of its column, where that is all that was changed since.

    None where more was: then nothing of the plan may be shown as it is.
    """
    lines, *rest = asked()
    old, at = before[0], plan.column
    others = lines[:at] + lines[at + 1 :] == old[:at] + old[at + 1 :]
    if rest != list(before[1:]) or not others or len(lines) <= at:
        return None
    line = lines[at]
    if line == plan.line:
        return plan
    if line.beams or plan.line.beams or line.forced != plan.line.forced:
        return None
    return replace(plan, lines=(*plan.lines[:at], line, *plan.lines[at + 1 :]))


def keep(
    lines: tuple[Line, ...],
    hidden: tuple[Line, ...] = (),
    column: int | None = None,
    token: int | None = None,
) -> None:
    """Make these the columns and hidden branches; `column` is looked at then, at `token`."""
    if column is not None:
        st.session_state[MOVED] = (asked()[2][0], time.monotonic())
    rest = [line for line in dict.fromkeys(hidden) if line not in lines][-HIDDEN:]
    for letter, count, kept in (("c", MOST, lines), ("b", HIDDEN, rest)):
        for number in range(count):
            address.keep(f"{letter}{number + 1}", kept[number] if number < len(kept) else None)
    if column is not None:
        select("at", f"c{column + 1}" + ("" if token is None else f" t{token + 1}"))
        select("candidate", None)


def change(plan: Plan, line: Line, *, hide: bool = False) -> None:
    """Give the chosen column another line; with `hide` the old one stays as a hidden branch."""
    remember(plan)
    lines = list(plan.lines)
    lines[plan.column] = line
    hidden = (*plan.hidden, plan.line) if hide else plan.hidden
    keep(tuple(lines), hidden)


def remember(plan: Plan) -> None:
    """Note how it is now, for Undo."""
    past = st.session_state.setdefault(UNDO, [])
    past.append((plan.lines, plan.hidden, plan.column, plan.token))
    del past[:-DEEP]


def undo() -> None:
    """Go back by one change."""
    keep(*st.session_state[UNDO].pop())


def can_undo() -> bool:
    """Whether there is a change to undo."""
    return bool(st.session_state.get(UNDO))


def add(plan: Plan) -> None:
    """One more column, with a preset that is not there yet."""
    remember(plan)
    keep((*plan.lines, spare(plan.lines)), plan.hidden, len(plan.lines))


def remove(plan: Plan) -> None:
    """Remove the chosen column; hidden branches stay."""
    remember(plan)
    lines = plan.lines[: plan.column] + plan.lines[plan.column + 1 :]
    keep(lines, plan.hidden, max(0, plan.column - 1))


def force(plan: Plan, branch: Line, spot: int, *, beside: bool) -> None:
    """Continue from a forced token: in the chosen column, the old text hidden, or in a new one."""
    if beside:
        remember(plan)
        lines = plan.lines[: plan.column + 1] + (branch,) + plan.lines[plan.column + 1 :]
        keep(lines, plan.hidden, plan.column + 1)
        select("at", f"c{plan.column + 2} t{spot + 1}")
    else:
        change(plan, branch, hide=True)
    select("candidate", None)
    select("write", None)


def unforce(plan: Plan, spot: int) -> None:
    """Take back what forced the token at `spot`: the last change, if it did, else the token."""
    past, token = st.session_state.get(UNDO), (spot, dict(plan.line.forced).get(spot))
    if past and not any(token in line.forced for line in past[-1][0]):
        undo()
    else:
        kept = tuple((place, token) for place, token in plan.line.forced if place < spot)
        change(plan, replace(plan.line, forced=kept))
        select("write", None)
    select("candidate", None)


def go_to(plan: Plan, line: Line, spot: int) -> None:
    """Go to a branch, at the token where it begins: its column, or the chosen one shows it."""
    if line in plan.lines:
        column = plan.lines.index(line)
    else:
        column = plan.column
        change(plan, line, hide=True)
    select("at", f"c{column + 1} t{spot + 1}")
    select("candidate", None)


def show_hidden(plan: Plan) -> None:
    """Show hidden branches in columns of their own, as many as there is room for."""
    remember(plan)
    room = MOST - len(plan.lines)
    keep((*plan.lines, *plan.hidden[:room]), plan.hidden[room:])


def delete_hidden(plan: Plan) -> None:
    """Delete the hidden branches."""
    remember(plan)
    keep(plan.lines)


def button(
    label: str,
    act: Callable[..., None],
    *given: object,
    key: str,
    icon: str,
    help: str | None = None,
    refused: str = "",
    **options: object,
) -> None:
    """A button that changes lines by `act(*given, **options)`; `refused`: why it is disabled."""
    st.button(
        label,
        key=key,
        icon=f":material/{icon}:",
        disabled=bool(refused),
        on_click=act,
        args=given,
        kwargs=options,
        help=refused or help,
    )


def full(plan: Plan) -> str:
    """Why there can be no more columns, "" while there can."""
    return "" if len(plan.lines) < MOST else f"At most {MOST} columns: remove one first."
