"""Two sentences under the same head: both maps, and their difference where they are as long."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine.attention.maps import Map, Scene, shared
from engine.errors import EmptyText
from engine.models.bundle import Card
from engine.values import Reading
from pages.attention import recipes
from pages.attention.controls import PAGE
from pages.attention.map.picture import attention_map, difference_map
from pages.attention.words import favourites, fits, links_of, map_says, row_of
from pages.pictures.scale import number
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.frame import plain, select, selection
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud

MOST = 48
OTHER_SENTENCE = "Another sentence"
WITH_CONTROL = Control("with", "Compare with", page=PAGE, widget="select")
OTHER_CONTROL = Control(
    "other",
    "Second sentence",
    page=PAGE,
    widget="text",
    placeholder="The same sentence with one word changed",
)


def attention_compare(scene: Scene, card: Card) -> None:
    """Ask for the second sentence; draw it beside the first."""
    second = _second(scene)
    if second is None:
        st.caption("Type a second sentence to compare: the same head reads both.")
        return
    names = (
        ("First sentence", "Second sentence")
        if second.reading.model == scene.reading.model
        else (scene.reading.model, f"{second.reading.model}, head {second.name}")
    )
    one, two = engine().attention_map(scene), engine().attention_map(second)
    if max(*one.weights.shape, *two.weights.shape) > MOST:
        raise EmptyText(
            f"Two maps side by side hold at most {MOST} words each; "
            f"these have {len(one.rows)} and {len(two.rows)}."
        )
    spot = selection("spot", lambda spot: fits(one, spot), name="Word")
    keys = ("compare-first", "compare-second")
    for place, own, shown, name, key in zip(
        st.columns(2), (scene, second), (one, two), names, keys, strict=True
    ):
        with place:
            here = spot if spot and fits(shown, spot) else None
            svg = attention_map(shown, title=name, scale=scene.scale, per=scene.per, side=300)
            st.caption(plain(name))
            picture(
                svg,
                key=key,
                alt=f"{name}: {map_says(shown, row_of(shown, here))}",
                locked=here,
                on_lock=lambda ids: select("spot", ids),
            )
            st.caption(plain(map_says(shown, row_of(shown, here))))
            share_menu(
                key,
                python=partial(recipes.head_map, own),
                svg=lambda svg=svg: svg,
                data=lambda shown=shown: links_of(shown),
                title=name,
            )
            read_aloud(key, lambda shown=shown: favourites(shown))
    _difference(scene, second, one, two)


def _difference(scene: Scene, second: Scene, one: Map, two: Map) -> None:
    """Second minus first where both have the same words; two models are compared word by word."""
    if second.reading.model != scene.reading.model:
        scene, second = (
            replace(each, options=replace(each.options, whole_words=True))
            for each in (scene, second)
        )
        one, two = engine().attention_map(scene), engine().attention_map(second)
    st.subheader("Difference (second − first)", anchor=False)
    counts = len(one.rows), len(two.rows)
    whole = one.weights.shape == two.weights.shape
    one, two = shared(one, two)
    difference = two.weights - one.weights
    if not np.isfinite(difference).any():
        st.caption("The two have no words in common that could be compared cell by cell.")
        return
    if not whole:
        st.caption(
            f"Over the {len(one.rows)} words that both share ({counts[0]} and {counts[1]} in all): "
            "attention to the other words is left out, so rows need not sum to 100 %."
        )
    spot = selection("spot", lambda spot: True)
    svg = difference_map(one, two, title="Difference (second − first)")
    at = np.unravel_index(int(np.nanargmax(np.abs(difference))), difference.shape)
    picture(
        svg,
        key="compare-difference",
        alt="Difference of the two maps",
        locked=spot if spot and fits(two, spot) else None,
        on_lock=lambda ids: select("spot", ids),
    )
    points = "points" if one.share else "units"
    value = float(difference[at]) * (100 if one.share else 1)
    st.caption(
        plain(
            f"Largest change: “{two.rows[at[0]]}” to “{two.columns[at[1]]}”, "
            f"{number(float(one.weights[at]), one.share)} before, {value:+.1f} {points}."
        )
    )
    share_menu(
        "difference",
        python=partial(recipes.difference, scene, second),
        svg=lambda: svg,
        data=lambda: _table(one, two, difference),
        title="Difference (second − first)",
    )
    read_aloud("difference", lambda: _table(one, two, difference, most=40))


def _table(one: Map, two: Map, difference: np.ndarray, most: int | None = None) -> Table:
    """A line for each link that both have, or for those that changed most."""
    i, j = np.nonzero(np.isfinite(difference))
    order = np.argsort(-np.abs(difference[i, j]), kind="stable")[:most]
    i, j = (i, j) if most is None else (i[order], j[order])
    return {
        "query": [two.rows[at] for at in i],
        "key": [two.columns[at] for at in j],
        "first": one.weights[i, j],
        "second": two.weights[i, j],
        "difference": difference[i, j],
    }


def _second(scene: Scene) -> Scene | None:
    """What stands beside: another sentence for this head, or this head's place in another model."""
    rivals = engine().others_with(scene.reading.model, scene.kind)
    chosen = WITH_CONTROL.draw()
    if chosen in rivals:
        stack = engine().stack(chosen, scene.kind)
        here = [(a, b) for a, b in scene.options.several if a < stack.layers and b < stack.heads]
        return replace(
            scene,
            options=replace(scene.options, several=tuple(here)),
            reading=_reading(scene, chosen),
            layer=min(scene.layer, stack.layers - 1),
            head=min(scene.head, stack.heads - 1),
        )
    other = str(OTHER_CONTROL.draw() or "")
    return replace(scene, reading=_reading(scene, None, other)) if other.strip() else None


def _reading(scene: Scene, model: str | None, text: str | None = None) -> Reading:
    """The same text in another model, or another text in the same model."""
    model, text = model or scene.reading.model, text or scene.reading.text
    if scene.kind != "encoder" and engine().card(model).family == "encoder-decoder":
        return engine().translated(model, text)
    return Reading(model, text)
