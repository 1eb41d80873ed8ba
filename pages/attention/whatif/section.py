"""What if the model were another: heads off, positions off or shuffled, a decoder's mask off.

Each is marked in red as not how the model was made; the numbers of other views stay the intact
model's.
"""

from __future__ import annotations

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention.whatif.controls import CHANGE_CONTROL, HEADS, OFF, SHUFFLED, UNMASKED
from pages.attention.whatif.heads import heads_off
from pages.attention.whatif.mask import mask_off
from pages.attention.whatif.positions import positions_off, positions_shuffled
from pages.pictures.not_as_made import WORDS

DRAWN = {
    HEADS: heads_off,
    OFF: positions_off,
    SHUFFLED: positions_shuffled,
    UNMASKED: mask_off,
}


def attention_whatif(scene: Scene, card: Card) -> None:
    """Choose what is changed, and show what that changes."""
    change = str(CHANGE_CONTROL.draw())
    if change != HEADS or st.session_state.get("off"):
        st.badge(WORDS, icon=":material/warning:", color="red")
    DRAWN[change](scene, card)
