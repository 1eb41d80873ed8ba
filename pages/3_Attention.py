"""Attention: every head of every layer, and one of them exactly."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.attention.maps import Scene
from pages.attention import blockwise
from pages.attention.chosen import attention_chosen
from pages.attention.compare import attention_compare
from pages.attention.growth import attention_growth
from pages.attention.inside.section import attention_inside
from pages.attention.layers.architecture import attention_architecture
from pages.attention.layers.section import attention_layers
from pages.attention.layers.stream import attention_stream
from pages.attention.layers.token_ranks import attention_followed
from pages.attention.lines.section import attention_lines
from pages.attention.map.section import attention_map
from pages.attention.map_options import attention_treatment
from pages.attention.notable_heads import attention_finder
from pages.attention.overview.section import attention_overview
from pages.attention.reading import attention_reading
from pages.attention.setup import attention_setup
from pages.attention.text.section import attention_text
from pages.attention.whatif.section import attention_whatif
from pages.shell import player
from pages.shell.cache import engine
from pages.shell.fragments import send_now
from pages.shell.frame import Choice, frame, sentences
from pages.shell.state import state

TREATED = {
    "Map": attention_map,
    "Lines": attention_lines,
    "Text": attention_text,
    "Compare": attention_compare,
}
WITHOUT = (
    "The attention weights of this model were not exported, so there are no heads to show. What "
    "its layers do is below; export the model again for its heads."
)


def layers(choice: Choice, scene: Scene) -> None:
    """What the layers do at one position."""
    attention_layers(scene, choice.card)
    attention_followed(scene, choice.card)
    attention_stream(scene)


def large(choice: Choice, scene: Scene, view: str, whole: DeltaGenerator) -> None:
    """The picture of the chosen head, or of what the layers do."""
    if view == "Layers":
        with whole:
            attention_architecture(scene, choice.card)
        layers(choice, scene)
    attention_growth(scene, TREATED.get(view))
    if view == "Inside":
        attention_inside(scene)
    else:
        player.leave("inside")
    if view == "What if":
        attention_whatif(scene, choice.card)


@st.fragment
def explore(choice: Choice, scene: Scene, view: str) -> None:
    """Grid and picture: choosing a head runs only this."""
    if (state().text, st.session_state["view"]) != (choice.text, view):
        st.rerun()  # a word was hidden from in here: the whole page is about another text
    with sentences():
        if not engine().gives_attention(choice.model, scene.kind):
            st.info(WITHOUT, icon=":material/info:")
            layers(choice, scene)
            return
        whole = st.container()  # as wide as the page: two towers would not fit beside the grid
        left, right = st.columns([5, 8], gap="large")
        with right:
            above, below = st.container(), st.container()
        so_far = blockwise.overview(scene.reading, scene.kind)
        shown = attention_chosen(scene, view)
        here = so_far.reaches(shown.layer)
        # What was asked for is made and sent first; the controls around it follow.
        with below, sentences():
            if here:
                large(choice, shown, view, whole)
            else:
                st.caption(f"Layer {shown.layer + 1} will be here when it has been read.")
        if st.session_state.get("attention-drawn") not in (None, shown):
            send_now()
        st.session_state["attention-drawn"] = shown
        if here:
            with above:
                attention_treatment(shown, view)
                if view != "Layers":
                    attention_reading(shown)
        with left:
            attention_overview(scene, choice.card, so_far)
            if so_far.whole:
                attention_finder(shown)


choice = frame("Attention")
with sentences():
    scene, view = attention_setup(choice)
    explore(choice, scene, view)
    if engine().gives_attention(choice.model, scene.kind):
        blockwise.watch(scene.reading, scene.kind)
