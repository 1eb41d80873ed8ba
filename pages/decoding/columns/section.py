"""All columns, written live at the same time: the buttons, the sheet, what is seen in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache as once
from typing import Any

import streamlit as st
from streamlit.components import v2 as components

from engine.decoding import writing
from engine.decoding.continuation import Line
from engine.decoding.writing import Column, Task
from pages.decoding.columns import sheet as view
from pages.decoding.columns.picture import picture as drawn
from pages.decoding.columns.sheet import Sheet
from pages.decoding.plan import Plan, height
from pages.pictures import palette
from pages.shell.cache import engine
from pages.shell.components import picture, script, styles
from pages.shell.fragments import Runs, catch_up, fragment
from pages.shell.frame import checked, plain, select
from pages.shell.share import share_menu
from pages.shell.state import state

SHOWN = "decoding-shown"
TINTS = ("probability", "rank")
EVERY = 0.1  # seconds between two looks at what is being written


def decoding_write(
    plan: Plan, lines: tuple[Line, ...], buttons: Any
) -> tuple[tuple[Column, ...], bool]:
    """Draw the buttons and begin what is to be written; the columns, and whether they still fill.

    That answer holds for the whole run, or buttons and sheet could disagree.
    """
    if plan.write:
        columns = engine().columns(plan.task, lines, viewer=state().viewer)
    else:
        columns = _left(plan.task, lines)
    _leave(columns)
    st.session_state[SHOWN] = (plan.task, columns)
    live = not writing.finished(columns)
    _buttons(buttons, columns, live=live)
    return columns, live


def decoding_columns(plan: Plan, columns: tuple[Column, ...], live: bool) -> None:
    """Show the columns as they fill, and what is seen in them when they are done.

    Folded branches among `columns` are written with them, and not shown here.
    """
    sheet = _sheet(plan, columns[: len(plan.lines)])
    # A fragment in both cases: the component would be made anew if it moved out of one.
    fragment(_watch, EVERY if live else None, sheet, columns, live)
    error = writing.problem(columns)
    if error is not None:
        raise error
    if not live and any(column.tokens for column in columns):
        _after(sheet)


def _shown() -> tuple[Task | None, tuple[Column, ...]]:
    """What the last run of this session showed."""
    return st.session_state.get(SHOWN, (None, ()))


def _left(task: Task, lines: tuple[Line, ...]) -> tuple[Column, ...]:
    """What was written before a stop, where it is still what is asked for."""
    before, shown = _shown()
    kept = {column.line: column for column in shown} if before == task else {}
    return tuple(kept.get(line) or Column(line) for line in lines)


def _leave(columns: tuple[Column, ...]) -> None:
    """Stop looking at what the last run showed and this one does not."""
    here = {column.job for column in columns}
    gone = [column for column in _shown()[1] if column.job not in here]
    writing.stop(gone, state().viewer)


def _sheet(plan: Plan, columns: tuple[Column, ...]) -> Sheet:
    pieces: dict[int, str] = {}

    def spell(token_id: int) -> str:
        if token_id not in pieces:
            pieces[token_id] = engine().texts(plan.task.model, [token_id], "decoder")[0]
        return pieces[token_id]

    return Sheet(
        columns=columns,
        names=tuple(str(line) for line in plan.lines),
        prompt=plan.prompt,
        spell=spell,
        chosen=plan.column,
        held=plan.token,
        idle="" if plan.write else "press Write",
        height=height(plan.task.limit, len(columns)),
    )


def _buttons(place: Any, columns: tuple[Column, ...], *, live: bool) -> None:
    begun = any(column.tokens for column in columns)
    whole = all(column.end for column in columns)
    with place:
        st.button(
            "Continue" if begun and not live and not whole else "Write",
            key="decoding-write",
            type="primary",
            icon=":material/edit_note:",
            disabled=live or whole,
            on_click=select,
            args=("write", "yes"),
            shortcut=None if live or whole else "Space",
            help="The space bar writes and stops; arrow keys go from token to token.",
        )
        st.button(
            "Stop",
            key="decoding-stop",
            icon=":material/stop:",
            disabled=not live,
            on_click=_stop,
            args=(columns,),
            shortcut="Space" if live else None,
        )
        st.button(
            "Other seed",
            key="decoding-seed",
            icon=":material/casino:",
            help="Throw the dice again: the next seed, all columns.",
            on_click=_other_seed,
        )


def _stop(columns: tuple[Column, ...]) -> None:
    task, _ = _shown()
    writing.stop(columns, state().viewer)
    st.session_state[SHOWN] = (task, tuple(column.frozen() for column in columns))
    select("write", None)


def _other_seed() -> None:
    st.session_state["seed"] = (st.session_state["seed"] + 1) % 2**32


def _watch(runs: Runs, sheet: Sheet, every: tuple[Column, ...], live: bool) -> None:
    """One look at columns; runs alone eight times a second while they are written (`live`).

    `every` are the sheet's columns and the folded ones that are written beside them.
    """
    writing.watch(every, state().viewer)
    tint = checked("tint", TINTS, default=TINTS[0], name="Tint")
    sheet = replace(sheet, tint=tint)
    # Never in the page's own run: `st.rerun` throws away what was not sent yet.
    over = live and not runs.first and writing.finished(every)
    turned = not runs.first and tint != runs.kept
    runs.kept = tint
    if over and writing.problem(every) is not None:
        select("write", None)  # or the page would try again at once, for ever
    data = view.payload(sheet) | {"held": sheet.at, "seq": _own().get("seq", 0)}
    _component()(key="decoding-sheet", data=data, on_lock_change=_locked)
    _tint()  # here, not above with the page's controls: another tint runs the sheet alone
    if over or state().values.get("at") not in (None, sheet.at):
        st.rerun()
    if turned and not live:
        catch_up()  # the picture of the columns below, and the link that can be copied


def _tint() -> None:
    st.segmented_control(
        "Tint by",
        TINTS,
        default=TINTS[0],
        key="tint",
        bind="query-params",
        required=True,
        help="Probability: how likely the model itself found the token. Rank: its place in the "
        "model's own order, in four bands.",
    )


def _own() -> dict[str, Any]:
    """What the component last reported: the place clicked and the number of the click."""
    lock = dict(st.session_state.get("decoding-sheet") or {}).get("lock")
    return dict(lock) if isinstance(lock, dict) else {}


def _locked() -> None:
    select("at", str(_own().get("at") or "")[:20] or None)
    select("candidate", None)


@once
def _component() -> Any:
    return components.component(
        "atlas_columns",
        html='<div class="atlas sheet"><div class="grid"></div>\n'
        '<p class="key"></p><div class="tip" role="tooltip" hidden></div></div>',
        css="\n".join((palette.stylesheet(), styles("picture.css"), styles("columns.css"))),
        js=script("columns.js"),
    )


def _after(sheet: Sheet) -> None:
    """Below finished columns: what one sees, and the ways out."""
    save, words = st.columns([1, 9], vertical_alignment="center")
    with save:
        share_menu("columns", data=lambda: view.table(sheet))
    words.caption(plain(view.summary(sheet)))
    still = st.expander("The columns as one picture", on_change="rerun", key="decoding-still")
    if still.open:
        with still:
            svg = drawn(sheet, "One prompt, several settings")
            picture(svg, key="decoding-picture", alt=view.summary(sheet))
            share_menu("columns-picture", svg=svg, title="One prompt, several settings")
