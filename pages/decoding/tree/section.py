"""The branches that grew from forced tokens: walked by a click, compared, folded and unfolded."""

from __future__ import annotations

import streamlit as st

from engine.decoding import writing
from engine.decoding.writing import Column
from pages.decoding import continuations
from pages.decoding.plan import FOLDED, Plan
from pages.decoding.tree import picture as view
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def decoding_tree(plan: Plan, columns: tuple[Column, ...], live: bool) -> None:
    """Draw the tree where there is one; while its texts grow it is drawn when they are done."""
    rows = view.twigs((*plan.lines, *plan.folded), columns, len(plan.lines))
    if not rows or live or not writing.finished(columns):
        return
    here = next((i for i, row in enumerate(rows) if row.line == plan.line), None)
    svg, words = view.tree(rows, here), view.summary(rows, here)
    st.markdown("**Branches**")

    def go(ids: str | None) -> None:
        row = rows[int(ids[1:])] if ids else None
        if row is not None:
            continuations.walk(plan, row.line, row.fork)

    picture(
        svg,
        key="decoding-branches",
        alt=words or f"{len(rows)} branches",
        on_lock=go,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        share_menu("branches", svg=svg, data=lambda: view.table(rows), title="Branches")
        _buttons(plan)
        st.caption(plain(words or "Press Write to let the branches grow."))
    read_aloud("branches", lambda: view.table(rows))


def _buttons(plan: Plan) -> None:
    if not plan.folded:
        return
    continuations.button(
        "Side by side",
        continuations.unfold,
        plan,
        key="decoding-unfold",
        icon="view_column",
        refused=continuations.full(plan),
        help="Show folded branches in columns of their own.",
    )
    continuations.button(
        "Forget folded",
        continuations.forget,
        plan,
        key="decoding-forget",
        icon="delete_sweep",
        help=f"Keep only what is in columns. The latest {FOLDED} folded branches are kept.",
    )
