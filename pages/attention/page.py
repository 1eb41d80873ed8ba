"""The Attention page: all heads at a glance, one of them large, and what chooses among them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.attention.maps import Scene
from engine.values import Reading
from pages.attention import blockwise, recipes
from pages.attention.compare import OTHER_CONTROL, WITH_CONTROL, attention_compare
from pages.attention.controls import (
    HIDE_CONTROL,
    OF_EVERY_VIEW,
    OF_MAPS,
    OF_WEIGHTS,
)
from pages.attention.growth import attention_growth
from pages.attention.head import caveat, chosen_head, head_heading, head_reading
from pages.attention.inside.section import STAGE_CONTROL, attention_inside
from pages.attention.interventions import consequences
from pages.attention.layers.architecture import attention_architecture
from pages.attention.layers.block import recipes as block_recipes
from pages.attention.layers.block.section import UNIT_CONTROL
from pages.attention.layers.section import attention_layers
from pages.attention.layers.token_ranks import TRACK_CONTROL
from pages.attention.lines.section import attention_lines
from pages.attention.map.section import attention_map
from pages.attention.notable_heads import notable_heads
from pages.attention.overview.section import attention_overview, heads_table
from pages.attention.patching.section import OF_PATCHING, attention_patching
from pages.attention.setup import check_controls, choose_kind, choose_reading
from pages.attention.text.section import attention_text
from pages.attention.whatif import recipes as changes
from pages.attention.whatif.controls import OF_WHATIF
from pages.attention.whatif.section import attention_whatif
from pages.attention.word_links.section import word_links
from pages.shell import player
from pages.shell.cache import engine
from pages.shell.fragments import send_now
from pages.shell.frame import Choice, sentences
from pages.shell.state import state
from pages.shell.tasks import wrong_language
from pages.shell.views import View, choose_view

MAPS = ("attention-map", "attention-blocks")
OF_ALL_HEADS = (recipes.all_heads, recipes.word_links)  # beside every view
VIEWS = (
    View(
        "Map",
        attention_map,
        (*OF_EVERY_VIEW, *OF_MAPS),
        pictures=MAPS,
        recipes=(recipes.head_map, *OF_ALL_HEADS),
    ),
    View(
        "Lines",
        attention_lines,
        (*OF_EVERY_VIEW, *OF_WEIGHTS),
        pictures=("attention-lines",),
        recipes=(recipes.head_map, *OF_ALL_HEADS),
    ),
    View(
        "Text",
        attention_text,
        (*OF_EVERY_VIEW, *OF_WEIGHTS),
        pictures=("attention-text",),
        recipes=(recipes.head_map, *OF_ALL_HEADS),
    ),
    View(
        "Inside",
        attention_inside,
        (*OF_EVERY_VIEW, STAGE_CONTROL),
        pictures=("attention-inside",),
        recipes=(recipes.inside, *OF_ALL_HEADS),
    ),
    View(
        "What if",
        attention_whatif,
        (*OF_EVERY_VIEW, *OF_WHATIF),
        pictures=("attention-changes", "attention-orders", "attention-surprise", "whatif-"),
        recipes=(
            recipes.ablation,
            changes.changed,
            changes.orders,
            changes.surprise,
            recipes.head_map,
            *OF_ALL_HEADS,
        ),
    ),
    View(
        "Layers",
        attention_layers,
        (*OF_EVERY_VIEW, TRACK_CONTROL, UNIT_CONTROL),
        pictures=("layers-",),
        recipes=(
            recipes.towers,
            recipes.lens,
            recipes.top_tokens,
            recipes.token_ranks,
            recipes.norms,
            recipes.experts,
            block_recipes.commitment,
            block_recipes.updates,
            block_recipes.block,
            block_recipes.units,
            block_recipes.firing,
            *OF_ALL_HEADS,
        ),
    ),
    View(
        "Compare",
        attention_compare,
        (*OF_EVERY_VIEW, *OF_MAPS, WITH_CONTROL, OTHER_CONTROL),
        pictures=("compare-",),
        recipes=(recipes.head_map, recipes.difference, *OF_ALL_HEADS),
    ),
    View(
        "Patching",
        attention_patching,
        (*OF_EVERY_VIEW, *OF_PATCHING),
        ("decoder", "encoder"),
        ("patching-",),
        recipes=(recipes.patching,),
    ),
)
NO_WEIGHTS = (
    "The attention weights of this model were not exported, so there are no heads to show. What "
    "its layers do is below; export the model again for its heads."
)


def attention_page(choice: Choice) -> None:
    """Choose what is read and how; draw it, choosing among heads without a run of the page."""
    with sentences():
        wrong_language(choice)
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            kind = choose_kind(choice)
            view = choose_view(VIEWS, choice.card.family)
            patching = view.draw is attention_patching  # of two sentences, neither extended
            reading = (
                Reading(choice.model, choice.text) if patching else choose_reading(choice, kind)
            )
        scene = Scene(reading, kind)
        check_controls(choice, scene, lined=view.name == "Lines")
        if patching:
            attention_patching(choice)
            return
        _explore(choice, scene, view)
        if engine().gives_attention(choice.model, kind):
            blockwise.watch(reading, kind)


@st.fragment
def _explore(choice: Choice, scene: Scene, view: View) -> None:
    """Grid and picture: choosing a head runs only this."""
    if (state().text, st.session_state["view"]) != (choice.text, view.name):
        st.rerun()  # a word was masked from in here: the whole page is about another text
    with sentences():
        if not engine().gives_attention(choice.model, scene.kind):
            st.info(NO_WEIGHTS, icon=":material/info:")
            attention_layers(scene, choice.card)
            return
        whole = st.container()  # as wide as the page: two towers would not fit beside the grid
        left, right = st.columns([5, 7], gap="medium")
        with right:
            above, below = st.container(), st.container()
        so_far = blockwise.overview(scene.reading, scene.kind)
        shown = chosen_head(scene, view)
        here = so_far.reaches(shown.layer)
        # What was asked for is made and sent first; the controls around it follow.
        with below, sentences():
            if here:
                _large(choice, shown, view, whole)
            else:
                st.caption(f"Layer {shown.layer + 1} appears here when it has been read.")
        if st.session_state.get("attention-drawn") not in (None, shown):
            send_now()
        st.session_state["attention-drawn"] = shown
        if here:
            with above:
                head_heading(shown, view)
                if view.name != "Layers":
                    head_reading(shown, whole=so_far.whole)
                if view.name != "What if":
                    consequences(shown, choice.card)
            with below:
                caveat()
        with left:
            attention_overview(scene, choice.card, so_far)
            heads_table(scene, so_far)
        if so_far.whole:
            with below:
                notable_heads(shown)
                word_links(shown)


def _large(choice: Choice, scene: Scene, view: View, whole: DeltaGenerator) -> None:
    """The picture of the chosen head, or of what the layers do."""
    if view.name == "Layers":
        with whole:
            attention_architecture(scene, choice.card)
    if view.name != "Inside":
        player.leave("inside")
    if HIDE_CONTROL in view.controls:
        attention_growth(scene, choice.card, view.draw)
    else:
        with sentences():
            view.draw(scene, choice.card)
        attention_growth(scene, choice.card, None)  # the control stays, and with it the link
