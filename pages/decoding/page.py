"""The Decoding page: its views, and how they are laid out."""

from __future__ import annotations

import streamlit as st

from pages.decoding.columns.section import decoding_columns
from pages.decoding.controls import GAP, LENGTH, RUNS, SEED, TINT
from pages.decoding.fill_mask import decoding_gap
from pages.decoding.generate import decoding_write, eased
from pages.decoding.logit_lens import decoding_lens
from pages.decoding.next_token.section import decoding_next
from pages.decoding.runs.section import decoding_runs
from pages.decoding.setup import decoding_setup
from pages.decoding.tree.section import decoding_tree
from pages.shell.frame import Choice
from pages.shell.links import embed
from pages.shell.tasks import wrong_language
from pages.shell.views import View, choose_view

WRITERS = ("decoder", "encoder-decoder")
VIEWS = (
    View("Columns", decoding_columns, (LENGTH, SEED, TINT), WRITERS, ("decoding-sheet",)),
    View("Many runs", decoding_runs, (RUNS, LENGTH, SEED), WRITERS, ("decoding-tree",)),
    View("Fill mask", decoding_gap, (GAP,), ("encoder",), ("decoding-bars",)),
)


def decoding(choice: Choice) -> None:
    """The texts on top, their controls, the next token opened below, branches under it."""
    if choice.card.family == "encoder":
        embed.show(VIEWS[2].pictures)
        plan, gap = decoding_gap(choice)
        decoding_lens(plan, decoding_next(plan, gap), None)
        return
    wrong_language(choice)
    picture = st.container()
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    chosen = VIEWS[0]

    def many() -> bool:
        nonlocal chosen
        chosen = choose_view(VIEWS, choice.card.family)
        return chosen.name == "Many runs"

    plan, buttons = decoding_setup(choice, row, many)
    plan = eased(plan)
    texts, live = decoding_write(plan, buttons)
    with picture:
        chosen.draw(plan, texts, live)
    column = texts[0 if plan.runs else plan.column]
    spot = decoding_next(plan, column)
    # Under the bars in which one forces a token: above them, it would push them away.
    if not plan.runs:
        decoding_tree(plan, texts, live)
    decoding_lens(plan, spot, column)
