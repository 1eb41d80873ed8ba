"""All heads at a glance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine.attention.heads import MEASURES, allowed
from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention import blockwise, first_head, recipes
from pages.attention.controls import (
    HEAD_CONTROL,
    LAYER_CONTROL,
    LEAST_CONTROL,
    ORDER_CONTROL,
    POSITION,
)
from pages.attention.interventions import ablate_act, ablated
from pages.attention.overview.picture import Ranking, head_grid, place_of, thumbnails
from pages.attention.words import head_says
from pages.shell.cache import drawn, engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud

COLUMNS = {"marks": "punctuation", "broad": "entropy", "diagonal": "alignment", "same": "current"}
"""Names of measures in the table, where they are not the measure's own."""


def attention_overview(scene: Scene, card: Card, so_far: blockwise.SoFar) -> None:
    """Draw the grid of the heads that were read so far; what chooses among them comes after it."""
    found = so_far.overview
    layers, heads = found.weights.shape[:2]
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        saving = st.container(width="content")
        with st.popover("Find a head", icon=":material/search:"):
            layer, head = _numbers()
            order, notes = _order(scene, so_far)
    chosen = replace(scene, layer=layer - 1, head=head - 1)
    draw = partial(_grid, scene, so_far, order, _group(card, scene))
    held = selection("hold", ["1"], name="Hold") is not None
    with above:
        blockwise.show(so_far, scene.reading, scene.kind)
        picture(
            draw(None),
            key="head-grid",
            alt=f"{layers} layers of {heads} heads, a small attention map each; "
            f"layer {layer}, head {head} is chosen",
            locked=f"h{chosen.name}" if held else None,
            on_lock=_choose,
            on_act=ablate_act,
            report_hover=not held,
            marked=f"h{chosen.name}",
        )
    with saving:
        share_menu(
            "heads",
            python=partial(recipes.all_heads, scene.reading, scene.kind, so_far.layers, COLUMNS),
            svg=lambda: draw((chosen.layer, chosen.head)),
            data=lambda: _table(scene, so_far.layers),
            title="All heads",
            shown=False,
        )
    for note in notes:
        st.caption(note)
    st.caption(
        "Hover to preview a head, click to pin it, Esc to unpin. Each map has its own color scale."
    )
    if found.block > 1:
        st.caption(f"A long text: each cell is the mean of {found.block} × {found.block} tokens.")


def _numbers() -> tuple[int, int]:
    """Layer and head by number, as the keyboard has it."""
    with st.container(horizontal=True, gap="small"):
        layer = LAYER_CONTROL.draw(on_change=first_head.chose)
        head = HEAD_CONTROL.draw(on_change=first_head.chose)
    return int(layer), int(head)


def _grid(
    scene: Scene,
    so_far: blockwise.SoFar,
    order: Ranking | None,
    groups: int,
    chosen: tuple[int, int] | None,
) -> str:
    """The grid; without a `chosen` head it is kept, the same for all of them."""
    weights = so_far.overview.weights
    layers, heads = weights.shape[:2]
    off = frozenset(ablated(layers, heads))
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


def _order(scene: Scene, so_far: blockwise.SoFar) -> tuple[Ranking | None, list[str]]:
    """The controls that sort and filter heads, the ranking they ask for, and what to say of it."""
    offered = [m for m in MEASURES if scene.kind in m.kinds]
    formulas = " · ".join(f"**{m.title}**: {plain(m.formula)}" for m in offered)
    title = ORDER_CONTROL.draw(help=f"Sort heads by what they do. {formulas}")
    measure = next((m for m in offered if m.title == title), None)
    least = LEAST_CONTROL.draw(disabled=title == POSITION)
    if measure is None:
        return None, []
    if not so_far.whole:
        return None, ["Heads are sorted when all layers have been read."]
    values = np.stack(
        [
            engine().measures(scene.reading, scene.kind, k).of(measure.name)
            for k in range(so_far.layers)
        ]
    )
    known = np.nan_to_num(values, nan=-2.0)
    order = np.argsort(-known, axis=None, kind="stable")
    places = [divmod(int(i), values.shape[1]) for i in order if known.flat[i] >= least / 100]
    ranking = Ranking(
        title=measure.title,
        heads=tuple(places),
        values=tuple(float(values[place]) for place in places),
    )
    if np.isnan(values).all():
        return ranking, [f"{measure.title} cannot be measured: {_why_not(measure.name)}."]
    return ranking, [] if places else ["No head reaches that score: lower the minimum."]


def _why_not(name: str) -> str:
    """Why a text gives a measure nothing to count."""
    if name == "induction":
        return "no token of this text occurs twice"
    if name == "marks":
        return "this text has no punctuation and no special tokens"
    return "the text is too short"


def _says(scene: Scene, layers: int, heads: int) -> dict[tuple[int, int], str]:
    names = engine().token_names(scene.reading, scene.kind)[1]
    kept = [engine().measures(scene.reading, scene.kind, layer) for layer in range(layers)]
    return {
        (layer, head): head_says(kept[layer], head, names)
        for layer in range(layers)
        for head in range(heads)
    }


def _group(card: Card, scene: Scene) -> int:
    stack = (card.encoder if scene.kind == "encoder" else card.decoder) or card.tower
    return stack.heads // max(1, stack.key_heads)


def _choose(target: str | None) -> None:
    place = place_of(target.split(" ")[-1] if target else None)
    select("hold", "1" if place else None)
    if place is not None:
        st.session_state["layer"], st.session_state["head"] = place[0] + 1, place[1] + 1


def _table(scene: Scene, layers: int) -> Table:
    """Every measure of every head; one that this text gives nothing to count is left out."""
    rows = [engine().measures(scene.reading, scene.kind, layer) for layer in range(layers)]
    heads = range(rows[0].values.shape[1] if rows else 0)
    table: dict[str, list[object]] = {
        "layer": [layer + 1 for layer in range(layers) for _ in heads],
        "head": [head + 1 for _ in range(layers) for head in heads],
    }
    for name in rows[0].names if rows else ():
        found = [float(row.of(name)[head]) for row in rows for head in heads]
        if not np.isnan(found).all():
            table[COLUMNS.get(name, name)] = list(found)
    return table


def heads_table(scene: Scene, so_far: blockwise.SoFar) -> None:
    """The measures of all heads as a table; it is narrow, so scores are whole percents."""
    layers = so_far.layers
    read_aloud("heads", lambda: _short(_table(scene, layers)))
    if st.session_state.get("table-heads"):
        st.caption(_left_out(scene, layers))


def _short(table: Table) -> Table:
    places = {"layer", "head"}
    return {
        name: column if name in places else [_percent(value) for value in column]
        for name, column in table.items()
    }


def _percent(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    return "–" if np.isnan(number) else f"{100 * number:.0f}"


def _left_out(scene: Scene, layers: int) -> str:
    """Which measures are left out of the table, and why."""
    if not layers:
        return ""
    first = engine().measures(scene.reading, scene.kind, 0)
    gone = [m for m in MEASURES if m.name in first.names and np.isnan(first.of(m.name)).all()]
    said = [f"{m.title} is left out: {_why_not(m.name)}." for m in gone]
    return " ".join(["Scores in %.", *said])
