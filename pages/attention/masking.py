"""Put a word behind the model's mask, so that one sees what it would fill in, and take it back.

In: a reading and the lock of a picture. Out: the text with a mask in it. Only for models that were
trained to fill masks.
"""

from __future__ import annotations

from collections.abc import Callable
from os.path import commonprefix

import streamlit as st

from engine.attention.maps import Scene
from pages.pictures.svg import visible
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


def mask_acts(scene: Scene) -> dict[str, str]:
    """What can be done with each word of a picture: mask it, or restore the one masked last."""
    if masking(scene) is None:
        return {}
    tokens, text = engine().tokens(scene.reading), scene.reading.text
    before = unmasked(text)
    last = None if before is None else len(commonprefix((before, text)))
    found = {}
    for place, (special, (start, end)) in enumerate(
        zip(tokens.special.tolist(), tokens.spans.tolist(), strict=True)
    ):
        act = None
        if not special and end > start:
            act = f"mask Mask “{visible(text[start:end].strip(), limit=20)}”"
        elif special and end > start == last and before is not None:
            word = before[start : len(before) - len(text) + end]
            act = f"restore Restore “{visible(word.strip(), limit=20)}”"
        if act is not None:
            found |= {f"q{place}": act, f"k{place}": act}
    return found


def mask_act(scene: Scene, target: str, name: str) -> None:
    """Do what was pressed at a word."""
    if name == "restore":
        unmask()
    else:
        mask_word(scene, int(target[1:]))


def mask_word(scene: Scene, place: int) -> None:
    """Mask a token of the text and show what the model predicts there."""
    text = masked(scene, place)
    if text is None:
        return
    kept = dict(list(st.session_state.get(BEFORE, {}).items())[1 - KEPT :])
    st.session_state[BEFORE] = kept | {text: (scene.reading.text, st.session_state.get("view"))}
    set_text(text)
    st.session_state["view"] = "What if"


def unmasked(text: str) -> str | None:
    """What a text was before its last word was masked here."""
    return st.session_state.get(BEFORE, {}).get(text, (None, None))[0]


def unmask() -> None:
    """Put back what was masked last, and show the view where it was."""
    text, view = st.session_state.get(BEFORE, {}).get(state().text, (None, None))
    if text is not None:
        set_text(text)
        if view is not None:
            st.session_state["view"] = view


def masked(scene: Scene, place: int) -> str | None:
    """The text with token `place` behind the mask; None for a token that is no part of it."""
    reading = scene.reading
    card, tokens = engine().card(reading.model), engine().tokens(reading)
    if card.mask is None or not 0 <= place < len(tokens) or tokens.special[place]:
        return None
    start, end = (int(at) for at in tokens.spans[place])
    mask = engine().texts(reading.model, [card.mask])[0]
    return reading.text[:start] + mask + reading.text[end:] if end > start else None
