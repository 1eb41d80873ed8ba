"""Positions off or shuffled: whether the model can still tell the order of the words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from engine.attention.maps import Scene, labels
from engine.models.bundle import Card
from engine.values import Change, Side
from engine.whatif.orders import Orders, Positions
from pages.attention.whatif import recipes, words
from pages.attention.whatif.controls import ORDER_SEED_CONTROL
from pages.attention.whatif.orders_picture import order_changes
from pages.attention.whatif.prediction import prediction
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud


def positions_off(scene: Scene, card: Card) -> None:
    """Read the text, and its words in another order, without positions."""
    _positions(scene, card, "off")


def positions_shuffled(scene: Scene, card: Card) -> None:
    """Give the words each other's positions; compare with the words put in that order."""
    _positions(scene, card, "shuffled")


def _positions(scene: Scene, card: Card, how: Positions) -> None:
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    seed = int(ORDER_SEED_CONTROL.value or 0)
    found = engine().orders(scene.reading, side, how, seed)
    says = words.orders_said(found, masked=side == "decoder")
    title = f"{words.SAYS[how]}: another order, layer by layer"
    svg = order_changes(found, title=title)
    with st.container(key="attention-orders-said"):  # covered with the picture by a guess
        st.markdown(plain(says))
    picture(svg, key="attention-orders", alt=f"{title}. {says}")
    share_menu(
        "orders",
        python=partial(recipes.orders, scene.reading, side, how, seed),
        svg=lambda: svg,
        data=lambda: _table(found),
        title=title,
    )
    names = [visible(name) for name in labels(found.tokens)]
    st.caption(plain(f"The other order: {words.order_text(found, names)}"))
    ORDER_SEED_CONTROL.draw()
    read_aloud("orders", lambda: _table(found))
    order = tuple(found.order.tolist()) if how == "shuffled" else ()
    change = Change(side, positions=how, order=order)
    prediction(scene, card, replace(scene.reading, change=change))


def _table(found: Orders) -> Table:
    return {
        "after layer": list(range(len(found.changed))),
        "as made": found.as_made,
        f"positions {found.positions}": found.changed,
    }
