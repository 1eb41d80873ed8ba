"""What this head does with this text, in words, and the caveat that belongs beside it."""

from __future__ import annotations

import streamlit as st

from engine.maps import Scene
from pages.shell import cache
from pages.shell.frame import plain
from pages.views.attention_words import CAVEAT, head_says


def attention_reading(scene: Scene) -> None:
    """Name the head and say what it does here."""
    measures = cache.measures(scene.reading, scene.kind, scene.layer)
    together = scene.treatment.together
    says = head_says(measures, scene.head)
    if together == "rollout":
        name = f"Layers 1 to {scene.layer + 1}, all heads"
    elif together != "one":
        name = f"Layer {scene.layer + 1}, all heads"
    else:
        name = f"Layer {scene.layer + 1}, head {scene.head + 1}"
    st.subheader(name, anchor=False)
    if together == "one":
        st.markdown(plain(f"Head {scene.name}: {says}"))
    st.caption(CAVEAT)
