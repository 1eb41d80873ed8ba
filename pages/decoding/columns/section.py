"""All columns, written live at the same time: the sheet, and what is seen in it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from engine.decoding.generated import Generated
from pages.decoding import continuations, generate, recipes
from pages.decoding.controls import TINT
from pages.decoding.plan import MOST, Plan, height
from pages.pictures.columns import sheet as view
from pages.pictures.columns.drawing import picture as drawn
from pages.pictures.columns.sheet import Sheet
from pages.shell.cache import engine
from pages.shell.components import columns
from pages.shell.fragments import Runs, catch_up, fragment
from pages.shell.frame import plain, select
from pages.shell.share import share_menu
from pages.shell.state import state

EVERY = 0.1  # seconds between two looks at what is being written
TITLE = "One prompt, several settings"


def decoding_columns(plan: Plan, texts: tuple[Generated, ...], live: bool) -> None:
    """Show the columns as they fill, and what is seen in them when they are done.

    Hidden branches among `texts` are written with them, and not shown here.
    """
    # A fragment in both cases: the component would be made anew if it moved out of one.
    fragment(_watch, generate.every(EVERY) if live else None, plan, texts, live)
    error = generate.problem(texts)
    if error is not None:
        raise error


def _sheet(plan: Plan, texts: tuple[Generated, ...]) -> Sheet:
    pieces: dict[int, str] = {}

    def spell(token_id: int) -> str:
        if token_id not in pieces:
            pieces[token_id] = engine().texts(plan.task.model, [token_id], "decoder")[0]
        return pieces[token_id]

    columns = texts[: len(plan.lines)]
    return Sheet(
        columns=columns,
        prompt=plan.prompt,
        spell=spell,
        chosen=plan.column,
        held=plan.token,
        tint=TINT.value,
        idle="" if plan.write else "press Generate",
        height=height(plan.task.limit, min(MOST, len(columns) + 1)),
        room=len(columns) < MOST,
    )


def _watch(runs: Runs, plan: Plan, texts: tuple[Generated, ...], live: bool) -> None:
    """One look at the columns; runs alone ten times a second while they are written (`live`)."""
    if live and not runs.first:
        texts = generate.look(plan)
    # Never in the page's own run: `st.rerun` throws away what was not sent yet.
    over = live and not runs.first and not any(text.writing for text in texts)
    sheet = _sheet(plan, texts)
    turned = not runs.first and sheet.tint != runs.kept
    runs.kept = sheet.tint
    if over and generate.problem(texts) is not None:
        generate.give_up()  # or the page would try again at once, for ever
    data = view.payload(sheet) | {"held": sheet.at, "seq": _own().get("seq", 0)}
    columns(
        key="decoding-sheet",
        data=data,
        on_lock_change=_locked,
        on_add_change=lambda: continuations.add(plan),
    )
    _below(plan, sheet, done=not live)
    if over or state().values.get("at") not in (None, sheet.at):
        st.rerun()
    if turned and not live:
        catch_up()  # the link that can be copied


def _below(plan: Plan, sheet: Sheet, *, done: bool) -> None:
    """What one sees; the tint, here so that another one runs the sheet alone; the files."""
    said = done and any(text.tokens for text in sheet.columns)
    if said:
        st.caption(plain(f"{_run(plan)}{view.summary(sheet)}"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        TINT.draw()
        if said:
            share_menu(
                "columns",
                python=partial(recipes.columns, plan.task, plan.lines),
                svg=lambda: drawn(sheet, TITLE),
                data=lambda: view.table(sheet),
                title=TITLE,
                shown=False,
            )


def _own() -> dict[str, Any]:
    """What the component last reported: the place clicked and the number of the click."""
    lock = dict(st.session_state.get("decoding-sheet") or {}).get("lock")
    return dict(lock) if isinstance(lock, dict) else {}


def _locked() -> None:
    select("at", str(_own().get("at") or "")[:20] or None)
    select("candidate", None)


def _run(plan: Plan) -> str:
    """What a fresh page shows, said once; nothing once somebody chose for themselves."""
    if not plan.untouched:
        return ""
    return f"A quick first run: {len(plan.lines)} settings, {plan.task.limit} new tokens each. "
