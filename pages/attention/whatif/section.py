"""What if heads were switched off: the model's next word before and after, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from engine.attention.maps import Scene, labels
from engine.errors import NotOffered
from engine.models.bundle import Card
from engine.values import Reading, Tokens
from pages.attention.masking import masked
from pages.attention.whatif.picture import most_changed, probability_changes
from pages.pictures.names import quoted
from pages.pictures.scale import number
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, set_text
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SHOWN = 10


def attention_whatif(scene: Scene, card: Card) -> None:
    """Choose heads to switch off; show how what the model says next changes."""
    if not card.predicts:
        raise NotOffered(f"{card.title} makes vectors: it predicts no words that could change.")
    off = _heads(scene, card)
    reading = _reading(scene, card)
    queries = engine().tokens(reading, "decoder" if card.decoder else "encoder")
    position = _position(card, queries)
    if position is None:
        _offer_mask(card, queries, scene)
        return
    after_reading = replace(reading, off=tuple((scene.kind, *place) for place in off))
    before = _probabilities(reading, position)
    after = _probabilities(after_reading, position)
    best = most_changed(before, after, SHOWN)
    side = "decoder" if card.decoder else "encoder"
    names = list(engine().texts(reading.model, best, side))
    what = "at the mask" if card.decoder is None else "next"
    svg = probability_changes(
        names, before[best].tolist(), after[best].tolist(), title=f"What the model says {what}"
    )
    picture(svg, key="attention-changes", alt=f"Probabilities {what}, before and after")
    table = {"word": names, "before": before[best], "after": after[best]}
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu(
            "changes",
            svg=lambda: svg,
            data=lambda: table,
            title=f"What the model says {what}",
        )
        st.caption(_says(names, before[best], after[best], off, what))
    read_aloud("changes", lambda: table)


def _heads(scene: Scene, card: Card) -> list[tuple[int, int]]:
    stack = (card.encoder if scene.kind == "encoder" else card.decoder) or card.tower
    every = [f"{i + 1}.{j + 1}" for i in range(stack.layers) for j in range(stack.heads)]
    chosen = st.multiselect(
        "Heads switched off (layer.head)",
        every,
        key="off",
        bind="query-params",
        help="A head that is off adds nothing to the residual stream.",
    )
    layer = [name for name in every if name.split(".")[0] == str(scene.layer + 1)]
    with st.container(horizontal=True):
        st.button(f"Switch head {scene.name}", on_click=_flip, args=([scene.name],))
        st.button(f"Switch all of layer {scene.layer + 1}", on_click=_flip, args=(layer,))
        st.button("All on again", on_click=_clear, disabled=not chosen)
    return [(int(a) - 1, int(b) - 1) for a, b in (name.split(".") for name in chosen)]


def _flip(names: list[str]) -> None:
    """Switch these off, or on again when all of them are off."""
    chosen = list(st.session_state.get("off") or [])
    gone = set(names) <= set(chosen)
    st.session_state["off"] = (
        [name for name in chosen if name not in names]
        if gone
        else sorted({*chosen, *names}, key=lambda name: [int(n) for n in name.split(".")])
    )


def _clear() -> None:
    st.session_state["off"] = []


def _reading(scene: Scene, card: Card) -> Reading:
    """What predicts words: of two towers always the one that writes."""
    if card.family == "encoder-decoder" and scene.reading.target is None:
        return engine().translated(scene.reading.model, scene.reading.text)
    return scene.reading


def _position(card: Card, tokens: Tokens) -> int | None:
    """Where words are predicted: the end of the text, or the first mask."""
    if card.decoder is not None:
        return len(tokens) - 1
    masks = np.flatnonzero(tokens.ids == card.mask)
    return int(masks[0]) if len(masks) else None


def _offer_mask(card: Card, tokens: Tokens, scene: Scene) -> None:
    """This family fills gaps: let the person make one."""
    if card.mask is None:
        raise NotOffered(f"{card.title} has no mask token, so there is no gap to fill.")
    mask = engine().texts(scene.reading.model, [card.mask])[0]
    st.markdown(
        f"This model fills gaps. Choose a word to hide behind {plain(mask)}, "
        "or double-click it in any picture:"
    )
    names = labels(tokens)
    with st.container(horizontal=True):
        for index in range(min(len(tokens), 40)):
            if (text := masked(scene, index)) is not None:
                st.button(
                    plain(visible(names[index])),
                    key=f"mask-{index}",
                    on_click=set_text,
                    args=(text,),
                )


def _probabilities(reading: Reading, position: int) -> np.ndarray:
    logits = engine().logits(reading, (position,)).logits[0].astype(np.float64)
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def _says(names: list[str], before, after, off: list[tuple[int, int]], what: str) -> str:
    if not off:
        return "Nothing is switched off yet: both bars are the model as it is."
    first, then = int(np.argmax(before)), int(np.argmax(after))
    count = f"{len(off)} {'head' if len(off) == 1 else 'heads'} off"
    if first != then:
        was, now = quoted(names[first]), quoted(names[then])
        text = f"{count}: the most probable token {what} changes from {was} to {now}."
    else:
        text = (
            f"{count}: {quoted(names[first])} stays the most probable token {what}, "
            f"{number(before[first], True)} before, {number(after[first], True)} after."
        )
    return plain(text)
