"""Attention: every head of every layer, and one of them exactly."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.maps import Scene
from pages.sections.attention_architecture import attention_architecture
from pages.sections.attention_chosen import attention_chosen
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
from pages.shell.sending import send_now
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
        playing.leave("inside")
    if view == "What if":
        attention_whatif(scene, choice.card)


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
        with right:
            above, below = st.container(), st.container()
        so_far = walks.overview(scene.reading, scene.kind)
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
    if cache.gives_attention(choice.model, scene.kind):
        walks.watch(scene.reading, scene.kind)
