"""From a word to a word: choose both, see every head ranked by how far it exceeds its baseline."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.attention.baselines import Links
from engine.attention.maps import Scene
from pages.attention import recipes
from pages.attention.overview.picture import place_of
from pages.attention.word_links import words as links
from pages.attention.word_links.picture import Row, ranking
from pages.attention.word_links.words import Link
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, samples, select, selection
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud

HEIGHT = 290  # pixels of the ranking: ten heads, the others are scrolled to
HELP = "Or click a cell of the map: its row is the query, its column the key."


def word_links(scene: Scene) -> None:
    """Draw the two choices, and every head ranked once both are made."""
    st.markdown("**From a word to a word**", help=HELP)
    link = _choose(scene)
    if link is None:
        st.caption(
            "Choose the word that attends and the word attended to: all heads are ranked by how "
            "far that link exceeds what other tokens give the same word."
        )
        return
    found = _read(scene, link)
    sinks = _sinks(scene, link, len(found))
    says = links.link_says(link, found, sinks=sinks)
    st.markdown(plain(says))
    if not found[0].open:
        return
    rows = _rows(found, sinks)
    svg = ranking(rows, title=f"Heads from {link.name}", chosen=scene.name)
    picture(
        svg,
        key="word-links",
        alt=says,
        height=HEIGHT,
        locked=None,
        on_lock=_show(link),
    )
    share_menu(
        "links",
        python=partial(
            recipes.word_links, scene.reading, scene.kind, len(found), link.queries, link.keys
        ),
        svg=lambda: svg,
        data=lambda: _table(rows, link),
        title=f"Heads from {link.name}",
    )
    read_aloud("links", lambda: _table(rows, link))


def suggested(scene: Scene) -> Link | None:
    """The link of two pinned words, else of the two that belong together in a sample."""
    sides = engine().sides(scene.reading, scene.kind)
    names = engine().token_names(scene.reading, scene.kind)
    spot = _locked(scene)
    if spot[0] is not None and spot[1] is not None:
        return links.link(sides, names, spot[0], spot[1])
    if spot != (None, None):
        return None
    sample = next((one for one in samples() if one.pair and one.text == scene.reading.text), None)
    if sample is None:
        return None
    one, two = (
        links.last_occurrence(tokens, named, word)
        for tokens, named, word in zip(sides, names, sample.pair, strict=True)
    )
    return links.link(sides, names, one, two) if one is not None and two is not None else None


def _locked(scene: Scene) -> tuple[int | None, int | None]:
    sizes = tuple(len(side) for side in engine().sides(scene.reading, scene.kind))
    spot = selection("spot", lambda spot: links.locked(spot, *sizes) is not None, name="Word")
    return links.locked(spot or "", *sizes) or (None, None)


def _choose(scene: Scene) -> Link | None:
    """Two selects, which follow what is pinned in the pictures and pin what is chosen here."""
    found = suggested(scene)
    sides = engine().sides(scene.reading, scene.kind)
    spot = (found.queries[0], found.keys[0]) if found is not None else _locked(scene)
    with st.container(horizontal=True, gap="small"):
        named = engine().token_names(scene.reading, scene.kind)
        for letter, label, tokens, own, place in zip(
            "qk", ("From (query)", "To (key)"), sides, named, spot, strict=True
        ):
            names = links.whole_words(tokens, own)
            now = None if place is None else links.first_of(tokens, place)
            st.session_state[f"link-{letter}"] = now
            st.selectbox(
                label,
                list(names),
                index=None,
                key=f"link-{letter}",
                placeholder="Choose a word",
                format_func=lambda at, names=names: links.choice(at, names),
                on_change=_pin,
            )
    return found


def _pin() -> None:
    chosen = ((letter, st.session_state.get(f"link-{letter}")) for letter in "qk")
    select("spot", " ".join(f"{letter}{at}" for letter, at in chosen if at is not None) or None)


def _read(scene: Scene, link: Link) -> list[Links]:
    """The link in every layer; a long text's layers are read one after another, and said."""
    count = engine().stack(scene.reading.model, scene.kind).layers
    bar = st.progress(0.0) if engine().is_long(scene.reading, scene.kind) else None
    found = []
    for layer in range(count):
        if bar is not None:
            bar.progress(layer / count, text=f"Reading layer {layer + 1} of {count}")
        found.append(engine().links(scene.reading, scene.kind, layer, link.queries, link.keys))
    if bar is not None:
        bar.empty()
    return found


def _sinks(scene: Scene, link: Link, layers: int) -> frozenset[tuple[int, int]]:
    """The heads in which the word attended to is an attention sink."""
    return frozenset(
        (layer, head)
        for layer in range(layers)
        for head, sink in enumerate(engine().measures(scene.reading, scene.kind, layer).sinks)
        if sink is not None and sink.key in link.keys
    )


def _rows(found: list[Links], sinks: frozenset[tuple[int, int]]) -> list[Row]:
    excess = np.stack([one.excess for one in found])
    order = np.argsort(-excess, axis=None, kind="stable")
    rows = []
    for place in order.tolist():
        layer, head = divmod(place, excess.shape[1])
        one = found[layer]
        others = float(one.others[head])
        rows.append(
            Row(
                layer=layer,
                head=head,
                weight=float(one.weight[head]),
                others=others if np.isfinite(others) else one.uniform,
                excess=float(excess[layer, head]),
                sink=(layer, head) in sinks,
            )
        )
    return rows


def _show(link: Link):
    """What a click on a head of the ranking does: show it, with the link pinned in its map."""

    def show(target: str | None) -> None:
        place = place_of(target)
        if place is not None:
            st.session_state["layer"], st.session_state["head"] = place[0] + 1, place[1] + 1
            select("hold", "1")
            select("spot", link.spot)

    return show


def _table(rows: list[Row], link: Link) -> Table:
    return {
        "head": [row.name for row in rows],
        "query": [link.query] * len(rows),
        "key": [link.key] * len(rows),
        "weight": [row.weight for row in rows],
        "mean of others": [row.others for row in rows],
        "excess": [row.excess for row in rows],
        "attention sink": ["yes" if row.sink else "no" for row in rows],
    }
