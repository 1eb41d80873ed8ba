"""Heads off: the model's prediction with and without the ablated heads, side by side."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene, labels
from engine.errors import NotOffered
from engine.models.bundle import Card
from engine.values import Side, Tokens
from pages.attention import interventions, recipes
from pages.attention.controls import OFF_CONTROL
from pages.attention.masking import mask_word, masked
from pages.attention.whatif.picture import most_changed, probability_changes
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SHOWN = 10


def heads_off(scene: Scene, card: Card) -> None:
    """Show how the model's prediction changes without some heads, and choose which."""
    if not card.predicts:
        st.info(
            f"{plain(card.title)} has no prediction head: it makes vectors, "
            "and predicts no tokens.",
            icon=":material/info:",
        )
        return
    reading = interventions.writing(scene, card)
    queries = engine().tokens(reading, "decoder" if card.decoder else "encoder")
    position = interventions.predicted(card, queries)
    if position is None:
        _offer_mask(card, queries, scene)
        _heads(scene)
        return
    stack = engine().stack(scene.reading.model, scene.kind)
    off = interventions.ablated(stack.layers, stack.heads)
    before, after = interventions.before_and_after(scene, reading, position, off)
    best = most_changed(before, after, SHOWN)
    side: Side = "decoder" if card.decoder else "encoder"
    names = list(engine().texts(reading.model, best, side))
    title = f"Prediction {interventions.where(card)}"
    svg = probability_changes(
        names, before[best].tolist(), after[best].tolist(), title=title, marked=bool(off)
    )
    says = _says(scene, card, off, before, after)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(says), width="content")
        interventions.restore_button()
    picture(svg, key="attention-changes", alt=f"{title}, before and after. {says}")
    table = {"token": names, "before": before[best], "after": after[best]}
    share_menu(
        "changes",
        python=partial(recipes.ablation, reading, scene.kind, off, position, side),
        svg=lambda: svg,
        data=lambda: table,
        title=title,
    )
    _heads(scene)
    read_aloud("changes", lambda: table)


def _heads(scene: Scene) -> None:
    """Which heads are ablated: one at a time, a layer at a time, or from a list."""
    stack = engine().stack(scene.reading.model, scene.kind)
    layer = [f"{scene.layer + 1}.{head + 1}" for head in range(stack.heads)]
    chosen = st.session_state.get("off") or []
    with st.container(horizontal=True):
        whole = set(layer) <= set(chosen)
        st.button(
            f"{'Restore' if whole else 'Ablate'} layer {scene.layer + 1}",
            key="ablate-layer",
            on_click=interventions.flip,
            args=(layer,),
        )
        st.button(
            "Restore all", key="restore-all", on_click=interventions.restore, disabled=not chosen
        )
    OFF_CONTROL.draw()


def _says(scene: Scene, card: Card, off: list[tuple[int, int]], before, after) -> str:
    if not off:
        return "No head is ablated yet: both bars are the intact model."
    count = f"{len(off)} {'head' if len(off) == 1 else 'heads'} ablated. "
    return count + interventions.effect(scene, card, before, after)


def _offer_mask(card: Card, tokens: Tokens, scene: Scene) -> None:
    """This family fills masks: let the person make one."""
    if card.mask is None:
        raise NotOffered(f"{card.title} has no mask token, so it has nothing to fill in.")
    mask = engine().texts(scene.reading.model, [card.mask])[0]
    st.markdown(
        f"This model fills in masked words. Choose a word to replace by {plain(mask)}, "
        "or double-click it in any picture:"
    )
    names = labels(tokens)
    with st.container(horizontal=True):
        for index in range(min(len(tokens), 40)):
            if masked(scene, index) is not None:
                st.button(
                    plain(visible(names[index])),
                    key=f"mask-{index}",
                    on_click=mask_word,
                    args=(scene, index),
                )
