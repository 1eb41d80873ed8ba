"""Put a word behind the model's mask, so that one sees what it would fill in, and take it back.

In: a reading and the lock of a picture. Out: the text with a mask in it. Only for models that were
trained to fill masks.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.attention.maps import Scene
from pages.shell.address import set_text
from pages.shell.cache import engine
from pages.shell.state import state

BEFORE = "before-mask"  # session key: texts with a mask, and what each was before
KEPT = 20


def masking(scene: Scene) -> Callable[[str], None] | None:
    """What a double click on a word does; None where the model has no mask or it is a pair."""
    card = engine().card(scene.reading.model)
    if card.mask is None or card.family != "encoder" or scene.reading.second is not None:
        return None

    def hide(ids: str) -> None:
        place = ids.split(" ")[0][1:]
        if place.isdecimal():
            mask_word(scene, int(place))

    return hide


def mask_word(scene: Scene, place: int) -> None:
    """Mask a token of the text and show what the model predicts there."""
    text = masked(scene, place)
    if text is None:
        return
    kept = dict(list(st.session_state.get(BEFORE, {}).items())[1 - KEPT :])
    st.session_state[BEFORE] = kept | {text: scene.reading.text}
    set_text(text)
    st.session_state["view"] = "What if"


def unmasked(text: str) -> str | None:
    """What a text was before its last word was masked here."""
    return st.session_state.get(BEFORE, {}).get(text)


def unmask() -> None:
    """Put back what was masked last."""
    text = unmasked(state().text)
    if text is not None:
        set_text(text)


def masked(scene: Scene, place: int) -> str | None:
    """The text with token `place` behind the mask; None for a token that is no part of it."""
    reading = scene.reading
    card, tokens = engine().card(reading.model), engine().tokens(reading)
    if card.mask is None or not 0 <= place < len(tokens) or tokens.special[place]:
        return None
    start, end = (int(at) for at in tokens.spans[place])
    mask = engine().texts(reading.model, [card.mask])[0]
    return reading.text[:start] + mask + reading.text[end:] if end > start else None
