"""The branches that grew from forced tokens: gone to by a click, compared, hidden and shown."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.decoding.generated import Generated
from pages.decoding import continuations, recipes
from pages.decoding.plan import HIDDEN, Plan
from pages.decoding.tree import picture as view
from pages.decoding.tree import words as say
from pages.decoding.tree.branches import branches
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def decoding_tree(plan: Plan, texts: tuple[Generated, ...], live: bool) -> None:
    """Draw the tree where there is one; while its texts grow it is drawn when they are done."""
    rows = branches(texts, len(plan.lines))
    if not rows or live:
        return

    def spell(token_id: int) -> str:
        return engine().texts(plan.task.model, [token_id], "decoder")[0]

    here = next((i for i, row in enumerate(rows) if row.line == plan.line), None)
    svg, words = view.tree(rows, spell, here), say.summary(rows, spell, here)
    st.markdown("**Branches**")

    def go(ids: str | None) -> None:
        row = rows[int(ids[1:])] if ids else None
        if row is not None:
            continuations.go_to(plan, row.line, row.fork)

    picture(
        svg,
        key="decoding-branches",
        alt=words or f"{len(rows)} branches",
        on_lock=go,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        share_menu(
            "branches",
            python=partial(recipes.branches, plan.task, [row.line for row in rows]),
            svg=svg,
            data=lambda: say.table(rows, spell),
            title="Branches",
        )
        _buttons(plan)
        st.caption(plain(words or "Press Generate to write the branches."))
    read_aloud("branches", lambda: say.table(rows, spell))


def _buttons(plan: Plan) -> None:
    if not plan.hidden:
        return
    continuations.button(
        "Show branches side by side",
        continuations.show_hidden,
        plan,
        key="decoding-unfold",
        icon="view_column",
        refused=continuations.full(plan),
        help="Give hidden branches columns of their own.",
    )
    continuations.button(
        "Delete hidden branches",
        continuations.delete_hidden,
        plan,
        key="decoding-forget",
        icon="delete_sweep",
        help=f"Keep only the columns. At most the latest {HIDDEN} hidden branches are kept.",
    )
