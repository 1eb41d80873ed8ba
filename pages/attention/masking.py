"""Hide a word behind the model's mask, so that one sees what it would fill in.

In: a reading and the lock of a picture. Out: the text with a mask in it. Only for models that were
trained to fill gaps.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.attention.maps import Scene
from engine.tokenizers.tokens import piece_texts
from pages.shell import cache
from pages.shell.address import set_text


def masking(scene: Scene) -> Callable[[str], None] | None:
    """What a double click on a word does; None where the model has no mask or it is a pair."""
    card = cache.card(scene.reading.model)
    if card.mask is None or card.family != "encoder" or scene.reading.second is not None:
        return None

    def hide(ids: str) -> None:
        place = ids.split(" ")[0][1:]
        text = masked(scene, int(place)) if place.isdecimal() else None
        if text is not None:
            set_text(text)
            st.session_state["view"] = "What if"

    return hide


def masked(scene: Scene, place: int) -> str | None:
    """The text with token `place` behind the mask; None for a token that is no part of it."""
    reading = scene.reading
    card, tokens = cache.card(reading.model), cache.tokens(reading)
    if card.mask is None or not 0 <= place < len(tokens) or tokens.special[place]:
        return None
    start, end = (int(at) for at in tokens.spans[place])
    mask = piece_texts(cache.bundle(reading.model), [card.mask], side="encoder")[0]
    return reading.text[:start] + mask + reading.text[end:] if end > start else None
