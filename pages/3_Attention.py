"""Attention: every head of every layer, and one of them exactly."""

import streamlit as st

from engine.maps import Scene
from pages.sections.attention_architecture import attention_architecture
from pages.sections.attention_compare import attention_compare
from pages.sections.attention_finder import attention_finder
from pages.sections.attention_followed import attention_followed
from pages.sections.attention_growth import attention_growth
from pages.sections.attention_inside import attention_inside
from pages.sections.attention_layers import attention_layers
from pages.sections.attention_lines import attention_lines
from pages.sections.attention_map import attention_map
from pages.sections.attention_overview import attention_overview
from pages.sections.attention_reading import attention_reading
from pages.sections.attention_setup import attention_setup
from pages.sections.attention_stream import attention_stream
from pages.sections.attention_text import attention_text
from pages.sections.attention_treatment import attention_treatment
from pages.sections.attention_whatif import attention_whatif
from pages.shell import cache, playing, walks
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


@st.fragment
def explore(choice: Choice, scene: Scene, view: str) -> None:
    """Grid and picture: choosing a head runs only this."""
    if (state().text, st.session_state["view"]) != (choice.text, view):
        st.rerun()  # a word was hidden from in here: the whole page is about another text
    with sentences():
        if not cache.gives_attention(choice.model, scene.kind):
            st.info(WITHOUT, icon=":material/info:")
            layers(choice, scene)
            return
        whole = st.container()  # as wide as the page: two towers would not fit beside the grid
        left, right = st.columns([5, 8], gap="large")
        with left:
            scene, here = attention_overview(scene, choice.card)
            attention_finder(scene)
        with right:
            if not here:
                st.caption(f"Layer {scene.layer + 1} will be here when it has been read.")
                return
            scene = attention_treatment(scene, view)
            if view == "Layers":
                with whole:
                    attention_architecture(scene, choice.card)
                layers(choice, scene)
            else:
                attention_reading(scene)
            attention_growth(scene, TREATED.get(view))
            if view == "Inside":
                attention_inside(scene)
            else:
                playing.leave("inside")
            if view == "What if":
                attention_whatif(scene, choice.card)


choice = frame("Attention")
with sentences():
    scene, view = attention_setup(choice)
    explore(choice, scene, view)
    if cache.gives_attention(choice.model, scene.kind):
        walks.watch(scene.reading, scene.kind)
