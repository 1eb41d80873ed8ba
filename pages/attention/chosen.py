"""Which head is shown and how, as the session knows it: before any control is drawn.

So the picture that somebody asked for can be the first thing that is sent to the browser.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.attention.maps import Scene
from pages.attention.choices import treated
from pages.attention.overview.picture import place_of
from pages.shell.cache import engine
from pages.shell.components import pointed_at
from pages.shell.frame import selection


def attention_chosen(scene: Scene, view: str) -> Scene:
    """The scene with its layer and head, those pointed at before those chosen, and treatment."""
    held = selection("hold", ["1"], name="Hold") is not None
    place = None if held else place_of(pointed_at("head-grid"))
    stack = engine().stack(scene.reading.model, scene.kind)
    if place is None or place[0] >= stack.layers or place[1] >= stack.heads:
        layer, head = (int(st.session_state.get(key) or 1) - 1 for key in ("layer", "head"))
        place = min(layer, stack.layers - 1), min(head, stack.heads - 1)
    return treated(replace(scene, layer=place[0], head=place[1]), view, st.session_state)
