"""Heads that stand out in this text, found by measuring all of them: one click goes there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.attention.heads import linking, standing_out
from engine.attention.maps import Scene, labels
from engine.attention.transforms import words
from engine.values import Tokens
from pages.pictures.scale import number
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.frame import plain, samples, select, selection

MOST = 4


@dataclass(frozen=True)
class Link:
    """A word that looks and a word that is looked at, each as its tokens."""

    queries: tuple[int, ...]
    keys: tuple[int, ...]
    name: str
    spot: str


def attention_finder(scene: Scene) -> None:
    """Draw a button for the head that each measure singles out, and for the pair of words."""
    layers = engine().stack(scene.reading.model, scene.kind).layers
    found = standing_out(
        [engine().measures(scene.reading, scene.kind, layer) for layer in range(layers)]
    )[:MOST]
    link = _link(scene)
    if not found and link is None:
        st.caption("No head stands out in this text: all look about evenly.")
        return
    st.caption("Heads that stand out in this text:")
    with st.container(horizontal=True, gap="xsmall"):
        if link is not None:
            _button(link.name, *_strongest(scene, link, layers), share=True, spot=link.spot)
        for best in found:
            title = best.measure.title
            _button(title, best.layer, best.head, best.value, share=best.measure.share)


def _button(
    title: str, layer: int, head: int, value: float, *, share: bool, spot: str | None = None
) -> None:
    shown = number(value, True) if share else f"{value:.2f}"
    st.button(
        plain(f"{title}: {layer + 1}.{head + 1} ({shown})"),
        key=f"find-{title}",
        on_click=_go,
        args=(layer + 1, head + 1, spot),
        help=plain(f"Go to layer {layer + 1}, head {head + 1}."),
    )


def _go(layer: int, head: int, spot: str | None) -> None:
    st.session_state["layer"], st.session_state["head"] = layer, head
    select("hold", "1")
    if spot is not None:
        select("spot", spot)


def _strongest(scene: Scene, link: Link, layers: int) -> tuple[int, int, float]:
    """The head that leads most from the one word to the other."""
    values = np.stack(
        [
            linking(
                engine().attention(scene.reading, scene.kind, layer).weights,
                link.queries,
                link.keys,
            )
            for layer in range(layers)
        ]
    )
    layer, head = (int(i) for i in np.unravel_index(int(values.argmax()), values.shape))
    return layer, head, float(values[layer, head])


def _link(scene: Scene) -> Link | None:
    """The pair of words that is locked, else the one that belongs to the sample."""
    if engine().is_long(scene.reading, scene.kind):
        return None  # every layer of it would have to be fetched
    queries, keys = engine().sides(scene.reading, scene.kind)
    sizes = len(queries), len(keys)
    spot = selection("spot", lambda spot: _locked(spot, *sizes) is not None, name="Word")
    chosen = _locked(spot or "", *sizes)
    if chosen is not None and chosen[0] >= 0 and chosen[1] >= 0:
        return _named((chosen[0],), (chosen[1],), queries, keys)
    sample = next((one for one in samples() if one.pair and one.text == scene.reading.text), None)
    if sample is None:
        return None
    looks, seen = _places(queries, sample.pair[0]), _places(keys, sample.pair[1])
    return _named(looks, seen, queries, keys) if looks and seen else None


def _locked(spot: str, n_query: int, n_key: int) -> tuple[int, int] | None:
    """Row and column of a lock, -1 where it names none; None where it does not fit the text."""
    found = {"q": -1, "k": -1}
    for name in spot.split(" ") if spot else ():
        letter, place = name[:1], name[1:]
        if letter not in found or not place.isdecimal() or len(place) > 6:
            return None
        found[letter] = int(place)
    return (found["q"], found["k"]) if found["q"] < n_query and found["k"] < n_key else None


def _named(looks: tuple[int, ...], seen: tuple[int, ...], queries: Tokens, keys: Tokens) -> Link:
    who, whom = (
        "".join(labels(tokens)[place] for place in places)
        for tokens, places in ((queries, looks), (keys, seen))
    )
    name = f"“{visible(who, limit=16)}” → “{visible(whom, limit=16)}”"
    return Link(looks, seen, name, f"q{looks[0]} k{seen[0]}")


def _places(tokens: Tokens, word: str) -> tuple[int, ...]:
    """The tokens of the last occurrence of a word."""
    groups, names = words(tokens), labels(tokens)
    for group in range(int(groups.max()), -1, -1):
        places = tuple(int(i) for i in np.flatnonzero(groups == group))
        whole = "".join(names[place] for place in places)
        if re.fullmatch(re.escape(word), whole, re.IGNORECASE):
            return places
    return ()
