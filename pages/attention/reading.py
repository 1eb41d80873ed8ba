"""What this head does with this text, in words, and the caveat that belongs beside it."""

from __future__ import annotations

import streamlit as st

from engine.attention.maps import Scene
from pages.attention.words import CAVEAT, head_says
from pages.shell.cache import engine
from pages.shell.frame import plain


def attention_reading(scene: Scene) -> None:
    """Say what the head does here."""
    if scene.treatment.together == "one":
        measures = engine().measures(scene.reading, scene.kind, scene.layer)
        st.markdown(plain(f"Head {scene.name}: {head_says(measures, scene.head)}"))
    st.caption(CAVEAT)
