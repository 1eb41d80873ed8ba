"""Acts on the model and the text, where the click is: ablate a head, mask a word, and undo both.

Buttons write the controls that links carry (`off`, the text). What an ablation does is said beside
it: the most likely token before and after.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Reading, Tokens
from pages.attention import masking
from pages.attention.overview.picture import place_of
from pages.pictures.names import quoted
from pages.pictures.scale import number
from pages.shell.cache import engine
from pages.shell.frame import plain
from pages.shell.state import state


def ablated(layers: int, heads: int) -> list[tuple[int, int]]:
    """The ablated heads, layer and head from 0."""
    names = st.session_state.get("off") or []
    places = (place_of(f"h{name}") for name in names)
    return [place for place in places if place and place[0] < layers and place[1] < heads]


def flip(names: list[str]) -> None:
    """Ablate these heads, or restore them when all of them are ablated."""
    chosen = list(st.session_state.get("off") or [])
    gone = set(names) <= set(chosen)
    st.session_state["off"] = (
        [name for name in chosen if name not in names]
        if gone
        else sorted({*chosen, *names}, key=lambda name: [int(n) for n in name.split(".")])
    )


def ablate_act(target: str, name: str) -> None:
    """Ablate or restore the head `h1.2` of a picture, as was pressed there."""
    head = target[1:]
    if (name == "ablate") != (head in (st.session_state.get("off") or [])):
        flip([head])


def restore() -> None:
    """No head is ablated any more."""
    st.session_state["off"] = []


def ablate_button(scene: Scene) -> None:
    """Ablate the head that is shown, or restore it."""
    if scene.options.together != "one":
        return
    off = scene.name in (st.session_state.get("off") or [])
    st.button(
        f"{'Restore' if off else 'Ablate'} head {scene.name}",
        key="ablate",
        icon=":material/undo:" if off else ":material/block:",
        on_click=flip,
        args=([scene.name],),
        help="An ablated head adds nothing to the residual stream.",
    )


def consequences(scene: Scene, card: Card) -> None:
    """What the ablated heads change, with a button that restores them; nothing without any."""
    stack = engine().stack(scene.reading.model, scene.kind)
    off = ablated(stack.layers, stack.heads)
    if not off:
        return
    named = ", ".join(f"{layer + 1}.{head + 1}" for layer, head in off[:8])
    named += f" and {len(off) - 8} more" if len(off) > 8 else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(f"Ablated: {named}. {_consequence(scene, card, off)}"))
        st.button("Restore all", key="restore-here", icon=":material/undo:", on_click=restore)


def _consequence(scene: Scene, card: Card, off: list[tuple[int, int]]) -> str:
    intact = "Pictures of attention show the intact model."
    if not card.predicts:
        return intact
    reading = writing(scene, card)
    tokens = engine().tokens(reading, "decoder" if card.decoder else "encoder")
    position = predicted(card, tokens)
    if position is None:
        return f"Mask a word to see what this changes. {intact}"
    before, after = before_and_after(scene, reading, position, off)
    return f"{effect(scene, card, before, after)} {intact}"


def effect(scene: Scene, card: Card, before: np.ndarray, after: np.ndarray) -> str:
    """The most likely token with and without the ablated heads."""
    first, then = int(before.argmax()), int(after.argmax())
    side = "decoder" if card.decoder else "encoder"
    one, two = (quoted(t) for t in engine().texts(scene.reading.model, (first, then), side))
    what = where(card)
    if first != then:
        return (
            f"Most likely {what}: {one} ({number(float(before[first]), True)}) before, "
            f"{two} ({number(float(after[then]), True)}) after."
        )
    return (
        f"{one} stays most likely {what}: {number(float(before[first]), True)} before, "
        f"{number(float(after[first]), True)} after."
    )


def where(card: Card) -> str:
    """Where a prediction is made, in words."""
    return "at the mask" if card.decoder is None else "next"


def before_and_after(
    scene: Scene, reading: Reading, position: int, off: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [vocabulary] at a position, of the intact model and without some heads."""
    without = replace(reading, off=tuple((scene.kind, *place) for place in off))
    return probabilities(reading, position), probabilities(without, position)


def writing(scene: Scene, card: Card) -> Reading:
    """What predicts tokens: of two towers always the one that writes."""
    if card.family == "encoder-decoder" and scene.reading.target is None:
        return engine().translated(scene.reading.model, scene.reading.text)
    return scene.reading


def predicted(card: Card, tokens: Tokens) -> int | None:
    """Where tokens are predicted: the end of the text, or the first mask."""
    if card.decoder is not None:
        return len(tokens) - 1
    masks = np.flatnonzero(tokens.ids == card.mask)
    return int(masks[0]) if len(masks) else None


def restore_button() -> None:
    """Put back what was masked last."""
    text = masking.unmasked(state().text)
    if text is not None:
        st.button(
            "Restore the masked word",
            key="unmask",
            icon=":material/undo:",
            on_click=masking.unmask,
        )


def probabilities(reading: Reading, position: int) -> np.ndarray:
    """The probability of every token [vocabulary] at a position."""
    logits = engine().logits(reading, (position,)).logits[0].astype(np.float64)
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()
