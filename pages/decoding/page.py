"""The Decoding page: its views, and how they are laid out."""

from __future__ import annotations

import streamlit as st

from pages.decoding import recipes
from pages.decoding.at_once.section import decoding_at_once
from pages.decoding.columns.section import decoding_columns
from pages.decoding.controls import (
    CONTEXT,
    FLAT,
    GAP,
    HEAT,
    LENGTH,
    MIN_P,
    RUNS,
    SEED,
    SHARP,
    TIMED,
    TINT,
    TOP_K,
    TOP_P,
)
from pages.decoding.cutoffs.section import decoding_cutoffs
from pages.decoding.fill_mask import decoding_gap
from pages.decoding.generate import decoding_write, eased
from pages.decoding.logit_lens import decoding_lens
from pages.decoding.next_token.section import decoding_next
from pages.decoding.predecessors.section import decoding_predecessors
from pages.decoding.runs.section import decoding_runs
from pages.decoding.setup import decoding_setup
from pages.decoding.tree.section import decoding_tree
from pages.shell.cache import engine
from pages.shell.frame import Choice, plain
from pages.shell.links import embed
from pages.shell.tasks import wrong_language
from pages.shell.views import View, choose_view

PREDECESSORS = "Before transformers"
WRITERS = ("decoder", "encoder-decoder")
OF_A_TOKEN = (recipes.next_token, recipes.lens)  # below every view
VIEWS = (
    View(
        "Columns",
        decoding_columns,
        (LENGTH, SEED, TINT),
        WRITERS,
        ("decoding-sheet",),
        (recipes.columns, recipes.branches, *OF_A_TOKEN),
    ),
    View(
        "Many runs",
        decoding_runs,
        (RUNS, LENGTH, SEED),
        WRITERS,
        ("decoding-tree",),
        (recipes.runs, recipes.first_tokens, *OF_A_TOKEN),
    ),
    View(
        "Sampling",
        decoding_cutoffs,
        (TOP_P, TOP_K, MIN_P, HEAT, SHARP, FLAT),
        WRITERS,
        ("cutoffs-",),
        (recipes.running_total, recipes.temperatures),
    ),
    View(
        PREDECESSORS,
        decoding_predecessors,
        (CONTEXT, SEED),
        ("decoder",),
        ("predecessors-next",),
        (
            recipes.predecessors_next,
            recipes.predecessors_influence,
            recipes.predecessors_states,
            recipes.predecessors_windows,
            recipes.predecessors_figures,
        ),
    ),
    View(
        "All at once",
        decoding_at_once,
        (TIMED,),
        ("decoder",),
        ("timing-reading", "timing-cache", "timing-bytes"),
        (recipes.reading_times, recipes.cache_times, recipes.cache_bytes),
    ),
    View("Fill mask", decoding_gap, (GAP,), ("encoder",), ("decoding-bars",), OF_A_TOKEN),
)


def decoding(choice: Choice) -> None:
    """The texts on top, their controls, the next token opened below, branches under it."""
    if not choice.card.predicts:
        st.info(
            f"{plain(choice.card.title)} has no prediction head: it makes vectors of a text, and "
            "predicts no tokens. Choose another model, or see its vectors on Embeddings.",
            icon=":material/info:",
        )
        return
    if choice.card.family == "encoder":
        embed.show(VIEWS[-1].pictures)
        plan, gap = decoding_gap(choice)
        decoding_lens(plan, decoding_next(plan, gap), None)
        return
    wrong_language(choice)
    picture = st.container()
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        buttons = st.container(horizontal=True, width="content", gap="small")
        chosen = choose_view(_offered(choice), choice.card.family)
    if chosen.draw in (decoding_predecessors, decoding_at_once, decoding_cutoffs):
        chosen.draw(choice)  # under the bar of views: these are long, and write nothing
        return
    plan = decoding_setup(choice, row, many=chosen.name == "Many runs")
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


def _offered(choice: Choice) -> tuple[View, ...]:
    """All views, but no predecessors where none is here, unless somebody asks for them."""
    asked = st.query_params.get("view", st.session_state.get("view"))
    if asked == PREDECESSORS or choice.card.family != "decoder":
        return VIEWS
    beside = (one for one in engine().standings(choice.model) if one.kind != "transformer")
    if any(not one.missing for one in beside):
        return VIEWS
    return tuple(view for view in VIEWS if view.name != PREDECESSORS)
