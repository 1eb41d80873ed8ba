"""The head that is shown: which it is, what it does with this text, and what one can do to it.

Which head and how is known from the session before any control is drawn, so that the picture that
somebody asked for can be the first thing that is sent to the browser.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.attention.maps import Scene
from pages.attention import first_head, interventions
from pages.attention.map_options import attention_options, name_of, with_options
from pages.attention.overview.picture import place_of
from pages.attention.words import CAVEAT, head_says, notable_says
from pages.shell.cache import engine
from pages.shell.components import pointed_at
from pages.shell.frame import plain, selection
from pages.shell.views import View


def chosen_head(scene: Scene, view: View) -> Scene:
    """The scene with its layer and head, those pointed at before those chosen, and its options."""
    held = selection("hold", ["1"], name="Hold") is not None
    place = None if held else place_of(pointed_at("head-grid"))
    stack = engine().stack(scene.reading.model, scene.kind)
    if place is None or place[0] >= stack.layers or place[1] >= stack.heads:
        layer, head = (int(st.session_state.get(key) or 1) - 1 for key in ("layer", "head"))
        place = min(layer, stack.layers - 1), min(head, stack.heads - 1)
    return with_options(replace(scene, layer=place[0], head=place[1]), view, st.session_state)


def head_heading(scene: Scene, view: View) -> None:
    """Name what is shown, with the acts on it and the options of the picture."""
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        gap="small",
    ):
        st.subheader(name_of(scene), anchor=False, width="content")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            interventions.ablate_button(scene)
            attention_options(scene, view)


def head_reading(scene: Scene, *, whole: bool) -> None:
    """Say what the head does here; `whole` when every layer has been read."""
    if scene.options.together != "one":
        return
    best = first_head.most_notable(scene) if whole else None
    if best is not None and (best.layer, best.head) == (scene.layer, scene.head):
        says = f", {notable_says(best)}"
    else:
        measures = engine().measures(scene.reading, scene.kind, scene.layer)
        names = engine().token_names(scene.reading, scene.kind)[1]
        says = f": {head_says(measures, scene.head, names)}"
    st.markdown(plain(f"Head {scene.name}{says}"))


def caveat() -> None:
    """What a weight is not."""
    st.caption(CAVEAT)
