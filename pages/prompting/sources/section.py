"""Where the answer's first token attends to: all heads, and the chosen one on the prompt."""

from __future__ import annotations

import re
from functools import partial

import streamlit as st

from engine.errors import NotOffered
from pages.prompting import recipes
from pages.prompting.columns import check
from pages.prompting.controls import HEAD
from pages.prompting.plan import Plan
from pages.prompting.sources import picture as view
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

CELL = re.compile(r"l(\d+) h(\d+)")


def prompting_sources(plan: Plan) -> None:
    """Draw the matrix of heads beside the prompt tinted by one of them."""
    check(plan)
    if not plan.looked_at:
        if plan.fit > 0:
            raise NotOffered(
                "The prompt that is looked at has no example. Choose a column with some in the "
                "view Columns."
            )
        raise NotOffered("There is no example that the answer could attend to. Add one below.")
    found = engine().sources(plan.model, plan.prompt, plan.looked_at)
    layers, heads = found.to_answers.shape
    every = [f"{a}.{b}" for a in range(1, layers + 1) for b in range(1, heads + 1)]
    best = f"{found.copying[0] + 1}.{found.copying[1] + 1}"
    chosen = str(HEAD.check(every, default=best))
    layer, head = (int(part) - 1 for part in chosen.split("."))
    written = engine().texts(plan.model, [found.next_id], "decoder")[0]
    words = view.said(found, layer, head, written)
    left, right = st.columns([1, 1.8], gap="medium")
    with left:
        grid = view.heads(found, layer, head, words)
        picture(grid, key="sources-heads", alt=words, locked=None, on_lock=_locked)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            HEAD.draw()
            share_menu(
                "heads-on-answers",
                python=partial(recipes.heads, plan.model, plan.prompt, plan.looked_at),
                svg=grid,
                data=lambda: view.heads_table(found),
                title="Heads that attend to the examples' answers",
            )
    with right:
        svg = view.text(found, layer, head, words)
        picture(svg, key="sources-text", alt=words)
        share_menu(
            "attention-to-examples",
            python=partial(recipes.sources, plan.model, plan.prompt, plan.looked_at, layer, head),
            svg=svg,
            data=lambda: view.table(found, layer, head),
            title="Attention of the answer to the examples",
        )
    st.caption(plain(words))
    read_aloud("attention-to-examples", lambda: view.table(found, layer, head))


def _locked(ids: str | None) -> None:
    cell = CELL.fullmatch(ids or "")
    if cell:
        st.session_state[HEAD.key] = f"{cell[1]}.{cell[2]}"
