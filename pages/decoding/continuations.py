"""The lines of the Decoding page: its columns, and the branches folded away beside them.

In: a `Plan` and what a person did. Out: the session's and the link's `c1`..`c6` (columns) and
`b1`..`b8` (branches that no column shows), a memory for Undo, and the buttons that change them.
What changes them is for callbacks. Knows nothing of texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from engine.decoding.continuation import Line
from pages.decoding.plan import FOLDED, MOST, START, Plan, place, spare
from pages.shell.address import plain, select, selection
from pages.shell.state import state

UNDO = "decoding-undo"
DEEP = 30  # steps that can be taken back


def read() -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Columns and folded branches of the link or session; nonsense is said and left out."""
    lines = _lines("c", MOST, "Column") or tuple(Line.parse(text) for text in START)
    folded = _lines("b", FOLDED, "Branch")
    return lines, tuple(line for line in dict.fromkeys(folded) if line not in lines)


def _lines(letter: str, count: int, name: str) -> tuple[Line, ...]:
    texts = [selection(f"{letter}{number + 1}", lambda text: True) for number in range(count)]
    lines = []
    for number, text in enumerate(texts):
        if text is None:
            continue
        try:
            lines.append(Line.parse(text))
        except ValueError as error:
            st.warning(plain(f"{name} {number + 1}: {error}; it is left out."))
            select(f"{letter}{number + 1}", None)
    return tuple(lines)


State = tuple[tuple[Line, ...], tuple[Line, ...], tuple[int, int | None], bool]


def asked() -> State:
    """What callbacks have made of columns, folded branches, the place looked at, and writing."""
    values = state().values
    lines, folded = (
        tuple(Line.parse(text) for n in range(count) if (text := values.get(f"{letter}{n + 1}")))
        for letter, count in (("c", MOST), ("b", FOLDED))
    )
    lines = lines or tuple(Line.parse(text) for text in START)
    where = place(values.get("at"), len(lines)) or (0, None)
    return lines, folded, where, values.get("write") == "yes"


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


def keep(lines: tuple[Line, ...], folded: tuple[Line, ...] = (), column: int | None = None) -> None:
    """Make these the columns and folded branches; `column` is looked at then."""
    rest = [line for line in dict.fromkeys(folded) if line not in lines][-FOLDED:]
    for letter, count, kept in (("c", MOST, lines), ("b", FOLDED, rest)):
        for number in range(count):
            text = str(kept[number]) if number < len(kept) else None
            select(f"{letter}{number + 1}", text)
    if column is not None:
        select("at", f"c{column + 1}")
        select("candidate", None)


def change(plan: Plan, line: Line, *, fold: bool = False) -> None:
    """Give the chosen column another line; with `fold` the old one stays as a branch."""
    remember(plan)
    lines = list(plan.lines)
    lines[plan.column] = line
    folded = (*plan.folded, plan.line) if fold else plan.folded
    keep(tuple(lines), folded)


def remember(plan: Plan) -> None:
    """Note how it is now, for Undo."""
    past = st.session_state.setdefault(UNDO, [])
    past.append((plan.lines, plan.folded, plan.column))
    del past[:-DEEP]


def undo() -> None:
    """Go back by one change."""
    lines, folded, column = st.session_state[UNDO].pop()
    keep(lines, folded, column)


def can_undo() -> bool:
    """Whether there is a change to take back."""
    return bool(st.session_state.get(UNDO))


def add(plan: Plan) -> None:
    """One more column, with a preset that is not there yet."""
    remember(plan)
    keep((*plan.lines, spare(plan.lines)), plan.folded, len(plan.lines))


def remove(plan: Plan) -> None:
    """Take the chosen column away; what was folded stays."""
    remember(plan)
    lines = plan.lines[: plan.column] + plan.lines[plan.column + 1 :]
    keep(lines, plan.folded, max(0, plan.column - 1))


def force(plan: Plan, branch: Line, spot: int, *, beside: bool) -> None:
    """Let a branch grow at a place: in the chosen column, the old text folded, or beside it."""
    if beside:
        remember(plan)
        lines = plan.lines[: plan.column + 1] + (branch,) + plan.lines[plan.column + 1 :]
        keep(lines, plan.folded, plan.column + 1)
        select("at", f"c{plan.column + 2} t{spot + 1}")
    else:
        change(plan, branch, fold=True)
    select("candidate", None)
    select("write", "yes")


def walk(plan: Plan, line: Line, spot: int) -> None:
    """Go to a branch, at the token where it begins: its column, or the chosen one shows it."""
    if line in plan.lines:
        column = plan.lines.index(line)
    else:
        column = plan.column
        change(plan, line, fold=True)
    select("at", f"c{column + 1} t{spot + 1}")
    select("candidate", None)


def unfold(plan: Plan) -> None:
    """Show folded branches in columns of their own, as many as there is room for."""
    remember(plan)
    room = MOST - len(plan.lines)
    keep((*plan.lines, *plan.folded[:room]), plan.folded[room:])


def forget(plan: Plan) -> None:
    """Let go of the folded branches."""
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
    """A button that changes lines by `act(*given, **options)`; `refused` says why it is greyed."""
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
    return "" if len(plan.lines) < MOST else f"{MOST} columns are the most: remove one first."
