"""Heads that stand out in this text, found by measuring all of them: one click goes there."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.attention.maps import Scene
from engine.attention.notable import Best, strongest
from pages.attention.word_links.section import suggested
from pages.attention.word_links.words import Link
from pages.pictures.scale import number
from pages.shell.cache import engine
from pages.shell.frame import plain, select

MOST = 4


def notable_heads(scene: Scene) -> None:
    """A button for the head that each measure singles out, and for the link of two words."""
    layers = engine().stack(scene.reading.model, scene.kind).layers
    found = engine().notable_heads(scene.reading, scene.kind, layers)[:MOST]
    long = engine().is_long(scene.reading, scene.kind)
    link = None if long else suggested(scene)  # of a long one every layer would have to be fetched
    st.markdown(
        "**Notable heads for this text**",
        help="The head that each pattern singles out, where it exceeds both baselines by 10 points "
        "or more: uniform attention, and the same head if it treated every query alike.",
    )
    if not found and link is None:
        st.caption("No head stands out in this text: all are close to their baselines.")
        return
    with st.container(horizontal=True, gap="xsmall"):
        if link is not None:
            _link_button(scene, link, layers)
        for best in found:
            _button(best)


def _link_button(scene: Scene, link: Link, layers: int) -> None:
    """The head whose link exceeds most what other tokens give the same word."""
    found = [
        engine().links(scene.reading, scene.kind, layer, link.queries, link.keys)
        for layer in range(layers)
    ]
    if not found[0].open:
        return
    excess = np.stack([one.excess for one in found])
    layer, head = strongest(excess)
    weight, others = float(found[layer].weight[head]), float(found[layer].others[head])
    level = others if np.isfinite(others) else found[layer].uniform
    st.button(
        plain(f"{link.name}: {layer + 1}.{head + 1} ({number(weight, True)})"),
        key="find-link",
        on_click=_go,
        args=(layer + 1, head + 1, link.spot),
        help=plain(
            f"Go to layer {layer + 1}, head {head + 1}: {number(weight, True)}, where other tokens "
            f"give “{link.key}” {number(level, True)} on average."
        ),
    )


def _button(best: Best) -> None:
    def shown(value: float) -> str:
        return number(max(value, 0.0), True) if best.measure.share else f"{max(value, 0.0):.2f}"

    title = best.measure.title
    st.button(
        plain(f"{title}: {best.layer + 1}.{best.head + 1} ({shown(best.value)})"),
        key=f"find-{title}",
        on_click=_go,
        args=(best.layer + 1, best.head + 1, None),
        help=plain(
            f"Go to layer {best.layer + 1}, head {best.head + 1}. Uniform attention: "
            f"{shown(best.uniform)}; the same head if it treated every query alike: "
            f"{shown(best.columns)}."
        ),
    )


def _go(layer: int, head: int, spot: str | None) -> None:
    st.session_state["layer"], st.session_state["head"] = layer, head
    select("hold", "1")
    if spot is not None:
        select("spot", spot)
