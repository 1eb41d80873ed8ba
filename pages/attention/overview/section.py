"""All heads at a glance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine.attention.heads import MEASURES, allowed
from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention import blockwise
from pages.attention.overview.picture import Ranking, head_grid, place_of, thumbnails
from pages.attention.words import head_says
from pages.shell.cache import drawn, engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def attention_overview(scene: Scene, card: Card, so_far: blockwise.SoFar) -> None:
    """Draw the grid of the heads that were read so far, with its controls."""
    found = so_far.overview
    layers, heads = found.weights.shape[:2]
    with st.container(horizontal=True):
        layer = st.number_input("Layer", 1, layers, key="layer", bind="query-params")
        head = st.number_input("Head", 1, heads, key="head", bind="query-params")
    chosen = replace(scene, layer=int(layer) - 1, head=int(head) - 1)
    order = _order(scene, so_far)
    blockwise.show(so_far, scene.reading, scene.kind)
    draw = partial(_grid, scene, so_far, order, _group(card, scene))
    svg = draw(None)
    held = selection("hold", ["1"], name="Hold") is not None
    picture(
        svg,
        key="head-grid",
        alt=f"{layers} layers of {heads} heads, a small attention map each; "
        f"layer {layer}, head {head} is chosen",
        locked=f"h{chosen.name}" if held else None,
        on_lock=_choose,
        report_hover=not held,
        marked=f"h{chosen.name}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu(
            "heads",
            svg=lambda: draw((chosen.layer, chosen.head)),
            data=lambda: _table(scene, so_far.layers),
            title="All heads",
            shown=False,
        )
        st.caption(
            "Point at a head to preview it, click to keep it, Esc to let go. "
            "Each small picture has its own darkest value."
        )
    read_aloud("heads", lambda: _table(scene, so_far.layers))
    if found.block > 1:
        st.caption(f"A long text: each cell is the mean of {found.block} × {found.block} tokens.")
    if order is not None and not order.heads:
        st.caption("No head reaches that value: lower it.")


def _grid(
    scene: Scene,
    so_far: blockwise.SoFar,
    order: Ranking | None,
    groups: int,
    chosen: tuple[int, int] | None,
) -> str:
    """The grid; without a `chosen` head it is kept, the same for all of them."""
    weights, off = so_far.overview.weights, _switched_off()
    layers, heads = weights.shape[:2]
    open_cells = allowed(scene.kind, *weights.shape[2:])

    def make() -> str:
        return head_grid(
            weights,
            open_cells,
            title=f"Attention of all heads: {layers} layers of {heads}",
            chosen=chosen,
            off=off,
            groups=groups,
            ranking=order,
            pictures=_drawings(scene, so_far, open_cells),
            says=_says(scene, layers, heads) if so_far.whole else {},
        )

    if chosen is not None or not so_far.whole:
        return make()
    return drawn(scene.reading.model, ("grid", scene.reading, scene.kind, order, off, groups), make)


def _drawings(scene: Scene, so_far: blockwise.SoFar, open_cells: np.ndarray) -> tuple[str, ...]:
    """The thumbnails of all heads; those of layers that are not read yet are empty."""
    weights = so_far.overview.weights
    layers, heads = weights.shape[:2]
    rows = [
        drawn(
            scene.reading.model,
            ("thumbnails", scene.reading, scene.kind, layer),
            lambda layer=layer: thumbnails(weights[layer : layer + 1], open_cells),
        )
        for layer in range(so_far.layers)
    ]
    missing = ("",) * (heads * (layers - so_far.layers))
    return (*(one for row in rows for one in row), *missing)


def _order(scene: Scene, so_far: blockwise.SoFar) -> Ranking | None:
    """The controls that sort and filter heads, and the ranking they ask for."""
    offered = [m for m in MEASURES if scene.kind in m.kinds]
    left, right = st.columns([3, 2])
    with left:
        title = st.selectbox(
            "Order",
            ("Layer and head", *(m.title for m in offered)),
            key="order",
            bind="query-params",
            help="Sort heads by what they do. "
            + " · ".join(f"**{m.title}**: {plain(m.formula)}" for m in offered),
        )
    measure = next((m for m in offered if m.title == title), None)
    if measure is None:
        return None
    with right:
        least = st.slider("At least (%)", 0, 100, key="least", bind="query-params")
    if not so_far.whole:
        st.caption("Heads are sorted when all layers have been read.")
        return None
    layers = so_far.layers
    values = np.stack(
        [engine().measures(scene.reading, scene.kind, k)[measure.name][:-1] for k in range(layers)]
    )
    if np.isnan(values).all():
        st.caption("This text has nothing to measure that by.")
    known = np.nan_to_num(values, nan=-2.0)
    order = np.argsort(-known, axis=None, kind="stable")
    places = [divmod(int(i), values.shape[1]) for i in order if known.flat[i] >= least / 100]
    return Ranking(
        title=measure.title,
        heads=tuple(places),
        values=tuple(float(values[place]) for place in places),
    )


def _says(scene: Scene, layers: int, heads: int) -> dict[tuple[int, int], str]:
    kept = [engine().measures(scene.reading, scene.kind, layer) for layer in range(layers)]
    return {
        (layer, head): head_says(kept[layer], head)
        for layer in range(layers)
        for head in range(heads)
    }


def _group(card: Card, scene: Scene) -> int:
    stack = (card.encoder if scene.kind == "encoder" else card.decoder) or card.tower
    return stack.heads // max(1, stack.key_heads)


def _switched_off() -> frozenset[tuple[int, int]]:
    names = st.session_state.get("off") or []
    return frozenset(place for name in names if (place := place_of(f"h{name}")) is not None)


def _choose(target: str | None) -> None:
    place = place_of(target.split(" ")[-1] if target else None)
    select("hold", "1" if place else None)
    if place is not None:
        st.session_state["layer"], st.session_state["head"] = place[0] + 1, place[1] + 1


def _table(scene: Scene, layers: int) -> dict[str, list[object]]:
    rows = [engine().measures(scene.reading, scene.kind, layer) for layer in range(layers)]
    heads = range(len(next(iter(rows[0].values()))) - 1)
    table: dict[str, list[object]] = {
        "layer": [layer + 1 for layer in range(layers) for _ in heads],
        "head": [head + 1 for _ in range(layers) for head in heads],
    }
    for name in rows[0]:
        table[name] = [float(row[name][head]) for row in rows for head in heads]
    return table
