"""The generation replayed: a row more with each token, by hand or by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention.controls import UPTO_CONTROL
from pages.shell import player
from pages.shell.cache import engine
from pages.shell.frame import sentences

PLAYER = "growth"


def attention_growth(scene: Scene, card: Card, draw: Callable[[Scene, Card], None] | None) -> None:
    """Draw the picture as it was at a token, and under it the control that says at which.

    What was only read (an encoder's text) was there at once: there is nothing to step through.
    Without a picture the control stays, greyed: one that is not drawn leaves the link.
    """
    if scene.kind == "encoder" or _count(scene) < 2:
        if draw is not None:
            draw(scene, card)
    elif draw is None:
        player.leave(PLAYER)
        _control(scene, _count(scene), used=False)
    else:
        player.plays(PLAYER, _grown, scene, card, draw)


def _grown(scene: Scene, card: Card, draw: Callable[[Scene, Card], None]) -> None:
    with sentences():
        count = _count(scene)
        player.advance(PLAYER, _until() or count, count, _go)
        written = scene.reading.target is not None
        above, picture, below = st.container(), st.container(), st.container()
        with picture:
            draw(replace(scene, options=replace(scene.options, until=_until())), card)
        with above if written else below:
            _control(scene, count, used=True)


def _control(scene: Scene, count: int, *, used: bool) -> None:
    """Folded away where the text was typed; in sight where the model wrote it."""
    written = scene.reading.target is not None and used
    place = st.container()
    if not written:
        place = st.popover(
            "Replay generation", icon=":material/stairs:", key="grow", on_change="rerun"
        )
        if not place.open and not _until():
            return
    with place, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        until = UPTO_CONTROL.draw(
            disabled=not used,
            on_change=lambda: player.chosen(PLAYER, lambda step: step == _until(), _go),
        )
        if used:
            player.buttons(PLAYER, until or count, _first(scene, count), count, _go)


def _first(scene: Scene, count: int) -> int:
    """Where play begins: at the first token that the model wrote."""
    two = engine().card(scene.reading.model).family == "encoder-decoder"
    if two or scene.reading.target is None:
        return 1
    return min(len(engine().tokenized(scene.reading.model, scene.reading.text)), count)


def _count(scene: Scene) -> int:
    return len(engine().sides(scene.reading, scene.kind)[0])


def _until() -> int:
    return int(st.session_state.get("upto") or 0)


def _go(step: int) -> None:
    st.session_state["upto"] = step
