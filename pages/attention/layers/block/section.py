"""The rest of the block: what each part adds through the layers, and one block opened."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.attention.maps import Scene
from engine.blocks.parts import Parts
from engine.blocks.units import Pushes, strongest
from engine.models.bundle import Card
from engine.values import Side
from pages.attention.controls import PAGE
from pages.attention.layers import strip
from pages.attention.layers.block import (
    parts_picture,
    recipes,
    units_picture,
    updates_picture,
)
from pages.attention.layers.position import position
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.frame import plain, select, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

MOST_UNITS = 1_000_000
STRONGEST = 8  # units that are drawn
TOKENS = 96  # tokens of the text that a unit's strip draws, around the chosen one
UNIT_CONTROL = Control(
    "unit",
    "Hidden unit (0: the strongest here)",
    range(MOST_UNITS + 1),
    page=PAGE,
    widget="number",
    width=230,
    help="The unit of the feed-forward network whose activation tints the text below.",
)
EXPERTS = (
    "This is a mixture of experts: each token passes through networks of its own choice, so its "
    "blocks have no one set of hidden units, and they are not opened here. Which expert a token "
    "is sent to is shown below."
)
HIDDEN = (
    "This block is built in a way whose hidden units cannot be told apart in the exported graph, "
    "so it is not opened."
)
LEFT_OUT = "Left out is what later layers make of it."
HEADS = {
    "norm": "The numbers are logits: the unit's output vector times its activation, through the "
    "final norm (its scale held) and the output matrix.",
    "product": "The numbers are logits: the unit's output vector times its activation, through "
    "the output matrix; the norm at the end of the block is left out.",
    "own layers": "The prediction head is more than a norm and a matrix, so the numbers are its "
    "slope: logits along the unit's output vector times its activation.",
}
BETWEEN = "A norm between the network and the stream is left out, too."
NO_MATRIX = (
    "This side of the model has no output matrix, so there is nothing to push up or down; the "
    "units are shown with their activation."
)


def attention_block(scene: Scene, card: Card) -> None:
    """What the parts add in every layer, then the chosen layer opened."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    st.subheader("What attention and feed-forward add", anchor=False)
    with sentences():
        _updates(scene, card, side)
    st.subheader(f"Layer {scene.layer + 1}, opened", anchor=False)
    with sentences():
        found = engine().parts(scene.reading, side, scene.layer)
        if found.units is None:
            st.caption(EXPERTS if card.experts else HIDDEN)
            return
        if found.updates:
            _block(scene, side, found)
        _units(scene, side, found)


def _updates(scene: Scene, card: Card, side: Side) -> None:
    place, name = position(scene)
    layers = engine().stack(scene.reading.model, scene.kind).layers
    with st.spinner(f"Opening {layers} layers"):
        found = engine().updates(scene.reading, side)
    if not found.sublayers:
        st.caption(EXPERTS if card.experts else HIDDEN)
        return
    says = updates_picture.says(found, name, place)
    st.caption(
        "Norms of the vectors that the parts of each layer add to this token's vector, and their "
        "cosine with what was there: +1 lengthens it, −1 shortens it, 0 turns it. Click a layer "
        "to open it."
    )
    svg = updates_picture.updates(
        found,
        place,
        layer=scene.layer,
        title="What attention and feed-forward add",
        described=says,
    )
    picture(svg, key="layers-updates", alt=says, on_lock=_open)
    st.caption(plain(says))
    data = partial(updates_picture.table, found, place)
    share_menu(
        "updates",
        python=partial(recipes.updates, scene.reading, side, place),
        svg=lambda: svg,
        data=data,
        title="What attention and feed-forward add",
    )
    read_aloud("updates", data)


def _block(scene: Scene, side: Side, found: Parts) -> None:
    place, name = position(scene)
    says = parts_picture.says(found, name, place)
    order = (
        "Attention and feed-forward network read the same vector."
        if found.parallel
        else "Norm, attention, sum; norm, feed-forward network, sum."
    )
    if found.normed_after:
        order = "The sums are normalized after each part, so the lengths start anew."
    st.caption(f"{order} Numbers are norms (lengths) of vectors.")
    title = f"Layer {found.index + 1} at {visible(name, limit=24)}"
    svg = parts_picture.block(found, place, title=title, described=says)
    picture(svg, key="layers-block", alt=says)
    st.caption(plain(says))
    data = partial(parts_picture.table, found, place)
    share_menu(
        "block",
        python=partial(recipes.block, scene.reading, side, found.index, place),
        svg=lambda: svg,
        data=data,
        title=title,
    )
    read_aloud("block", data)


def _units(scene: Scene, side: Side, found: Parts) -> None:
    """The strongest units with what they push, then one of them along the text."""
    assert found.units is not None
    place, name = position(scene)
    st.markdown("**Hidden units of the feed-forward network**")
    chosen = _chosen(found, place)
    shown = strongest(found, place, STRONGEST)
    if chosen not in shown:
        shown = (*shown, chosen)
    pushed = engine().pushes(scene.reading, side, scene.layer, place, shown)
    raised, lowered = (_spelt(scene, side, ids) for ids in (pushed.raised, pushed.lowered))
    says = units_picture.units_say(pushed, raised, lowered, name, found.units.shape[1])
    st.caption(_explained(pushed))
    svg = units_picture.units(
        pushed, raised, lowered, chosen=chosen, title="Hidden units", described=says
    )
    picture(svg, key="layers-units", alt=says, on_lock=_choose)
    st.caption(plain(says))
    data = partial(units_picture.units_table, pushed, raised, lowered)
    share_menu(
        "units",
        python=partial(recipes.units, scene.reading, side, scene.layer, place, shown),
        svg=lambda: svg,
        data=data,
        title=f"Hidden units of layer {scene.layer + 1}",
    )
    read_aloud("units", data)
    _firing(scene, side, found, chosen)


def _firing(scene: Scene, side: Side, found: Parts, unit: int) -> None:
    assert found.units is not None
    place, _ = position(scene)
    names = engine().token_names(scene.reading, scene.kind)[0]
    activations = found.units[:, unit]
    start = max(0, min(place - TOKENS // 2, len(names) - TOKENS))
    shown = range(start, min(start + TOKENS, len(names)))
    says = units_picture.firing_says(activations, names, unit)
    st.markdown(f"**Where unit {unit + 1:,} fires in this text**")
    UNIT_CONTROL.draw()
    if len(shown) < len(names):
        st.caption(f"Tokens {shown[0] + 1}–{shown[-1] + 1} of {len(names)} are drawn.")
    title = f"Unit {unit + 1} of layer {scene.layer + 1} along the text"
    drawn = units_picture.firing(activations, names, shown, unit=unit, chosen=place)
    picture(
        strip.html(drawn),
        key="layers-firing",
        alt=says,
        on_lock=lambda ids: select("spot", ids),
    )
    st.caption(plain(says))
    data = partial(units_picture.firing_table, activations, names)
    share_menu(
        "firing",
        python=partial(recipes.firing, scene.reading, side, scene.layer, unit),
        svg=lambda: strip.drawing(drawn, title=title, described=says),
        data=data,
        title=title,
        shown=False,
    )
    read_aloud("firing", data)


def _chosen(found: Parts, place: int) -> int:
    """The unit asked for, 0-based; one that this network lacks is said, the strongest shown."""
    assert found.units is not None
    count = found.units.shape[1]
    asked = int(UNIT_CONTROL.value or 0)
    if asked > count:
        st.caption(
            f"Unit {asked:,}: this network has {count:,} hidden units; showing the strongest."
        )
    return asked - 1 if 0 < asked <= count else strongest(found, place, 1)[0]


def _explained(pushed: Pushes) -> str:
    first = (
        "After the nonlinearity, the units of largest activation at this token; of gated networks "
        "the product of gate and value."
    )
    if pushed.head is None:
        return f"{first} {NO_MATRIX}"
    between = f" {BETWEEN}" if pushed.normed else ""
    return f"{first} {HEADS[pushed.head]}{between} {LEFT_OUT}"


def _spelt(scene: Scene, side: Side, ids: np.ndarray) -> list[tuple[str, ...]]:
    flat = engine().texts(scene.reading.model, ids.ravel().tolist(), side=side)
    wide = ids.shape[1]
    return [tuple(flat[row * wide : (row + 1) * wide]) for row in range(len(ids))]


def _open(ids: str | None) -> None:
    number = (ids or "").split(" ")[-1][1:]
    if number.isdecimal():
        st.session_state["layer"] = int(number)


def _choose(ids: str | None) -> None:
    number = (ids or "").split(" ")[-1][1:]
    st.session_state[UNIT_CONTROL.key] = int(number) if number.isdecimal() else 0
