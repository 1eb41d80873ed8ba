"""The vocabulary as a map, the text's tokens among it, and the neighbours of what is picked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine.space import projection
from engine.space.projection import Measure, Neighbours
from engine.tokenizers.vocabulary import find
from engine.values import Hidden, Reading
from pages.embeddings import controls, recipes
from pages.embeddings.after import check_after
from pages.embeddings.map import charts as space_charts
from pages.embeddings.map import files, panel, words
from pages.embeddings.map import neighbours as lists
from pages.embeddings.map import picture as space
from pages.embeddings.map.component import space_map
from pages.embeddings.vocabulary import pieces
from pages.embeddings.vocabulary.layouts import Layout, layout
from pages.embeddings.vocabulary.pieces import Pieces
from pages.pictures import charts
from pages.pictures.svg import visible
from pages.shell.cache import drawn, engine
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.state import pointed_ids

NEAR = 12
FOUND = 400


@dataclass(frozen=True)
class Look:
    """What the controls say."""

    flat: bool
    unit: bool
    colour: str
    measure: Measure
    after: int
    query: str
    layout: str


@dataclass(frozen=True)
class Chosen:
    """What is picked: a point with its neighbours, an area, and whether that stands alone."""

    point: str | None
    found: Neighbours | None
    area: list[str]
    alone: bool


def embeddings_vocabulary(choice: Choice) -> None:
    """Draw the map of the vocabulary."""
    whole = engine().vocabulary(choice.model)
    reading = _reading(choice)
    hidden = None if reading is None else engine().hidden(reading)
    room = st.container()  # the picture stands above its controls
    look = _controls(choice, hidden)
    vectors = engine().vocabulary_space(choice.model).vectors
    them = Pieces(whole, vectors, hidden, look.after)
    fitted = layout(choice.model, whole, look.layout, unit=look.unit, flat=look.flat)
    own = them.tokens(fitted.place(them.states))
    point = selection("point", them.has, name="point")
    found = _near(choice, them, look, point)
    area = panel.area("area", them.has)
    left, right = room.columns([3, 1.15], gap="medium")
    with right:
        alone = panel.area_panel("area", area, words.area_told(whole, own, area))
    with left:
        _map(choice, them, look, fitted, own, Chosen(point, found, area, alone))
    with right:
        _list(choice, them, look, point, found)
        _shares(choice, look, fitted)
    # A large vocabulary is a megabyte of table: it travels when somebody asks for it.
    numbers = st.expander("Table", key="numbers", on_change="rerun")
    if numbers.open:
        numbers.dataframe(pieces.table(them, own, fitted.places), hide_index=True, height=320)


def _reading(choice: Choice) -> Reading | None:
    return Reading(choice.model, choice.text) if choice.text.strip() else None


def _controls(choice: Choice, hidden: Hidden | None) -> Look:
    """Check and draw what is chosen."""
    controls.COLOR.check(space.COLOURS)
    shared = (controls.LAYOUT, controls.MAP, controls.DISTANCE, controls.SEARCH, controls.NORMALIZE)
    for control in shared:
        control.check()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        name = controls.LAYOUT.draw()
        flat = controls.MAP.draw() == "2-D"
        color = controls.COLOR.draw()
        measure = controls.DISTANCE.draw()
        query = controls.SEARCH.draw()
        unit = controls.NORMALIZE.draw()
    after = 0
    if hidden is not None:
        check_after(choice, len(hidden.states) - 1, 0)
        after = controls.AFTER.draw(
            label="Text tokens after layer",
            help="0 is the input of layer 1. The map stays: its axes are those of the vocabulary.",
        )
    return Look(flat, unit, str(color), measure, after, query, name)


def _highlight() -> bool:
    controls.WORST.check()
    return bool(controls.WORST.draw())


def _near(choice: Choice, them: Pieces, look: Look, point: str | None) -> Neighbours | None:
    if point is None:
        return None
    return projection.neighbours(
        engine().vocabulary_space(choice.model),
        them.vector(point),
        NEAR,
        measure=look.measure,
        without=[int(point[1:])] if point[0] == "v" else (),
    )


def _map(
    choice: Choice,
    them: Pieces,
    look: Look,
    fitted: Layout,
    own: list[space.Mark],
    now: Chosen,
) -> None:
    whole, places, axes = them.whole, fitted.places, fitted.axes
    groups, cloud = _cloud(choice, them, places, look.colour)
    ids = [] if now.found is None else [int(i) for i in now.found.indices]
    near = them.marks(ids, places)
    picked = [mark for mark in own if mark.id == now.point]
    if now.point and now.point[0] == "v":
        picked = them.marks([int(now.point[1:])], places)
    only = _only(them, look.query)
    room, below = st.container(), st.container()
    with below:
        lit = _betrayed(them, fitted)
    inside = [int(one[1:]) for one in now.area if one[0] == "v"]
    if now.alone:
        only = inside
    elif inside:
        lit.append(space.lit("selected", inside, len(whole)))
    with room:
        camera = panel.camera("camera", flat=look.flat)
        marked = [
            space.marks("neighbors", near, colour=space.palette.KEPT, size=5),
            space.marks("tokens of the text", own, colour=space.palette.INK, size=6.5),
            space.marks("", picked, colour=space.palette.ACCENT, size=10),
        ]
        named = [
            *space.labels(picked, "chosen"),
            *space.labels([m for m in own if m.id != now.point], "own"),
            *space.labels(near, "near"),
        ]
        rings = _rings(them, places, own)
        space_map(
            cloud,
            key="vocabulary-map",
            axes=axes,
            flat=look.flat,
            groups=marked,
            names=named,
            only=only,
            lit=lit,
            rings=rings,
            chosen=now.point,
            camera=camera,
            on_camera=partial(select, "camera"),
            on_pick=partial(select, "point"),
            on_area=partial(panel.choose_area, "area"),
        )
        st.caption(plain(fitted.told))
    title = f"Vocabulary of {choice.card.title}"
    shown = files.Shown(
        cloud,
        places,
        groups,
        marked,
        named,
        axes,
        look.flat,
        camera,
        only=only,
        lit=lit,
        rings=rings,
    )
    share_menu(
        "map",
        python=partial(
            recipes.vocabulary_map,
            choice.model,
            _reading(choice),
            look.after,
            unit=look.unit,
            axis=fitted.axis,
            method=fitted.method,
        ),
        svg=lambda: files.drawing(shown, title),
        shown=False,
        figure=lambda: files.figure(shown, title),
        data=lambda: pieces.table(them, own, places),
        vectors=lambda: panel.vector_table(
            *pieces.chosen(them, [*now.area, *(m.id for m in [*near, *picked])], panel.CELLS)
        ),
        title=title,
    )


def _rings(them: Pieces, places: np.ndarray, own: list[space.Mark]) -> list[dict[str, Any]]:
    """What a lesson points at: tokens of the text, and tokens of the vocabulary."""
    named = pointed_ids()
    there = [int(one[1:]) for one in named if one[0] == "v" and them.has(one)]
    return space.pointed([*own, *them.marks(there, places)], named)


def _cloud(
    choice: Choice, them: Pieces, places: np.ndarray, colour: str
) -> tuple[np.ndarray, dict[str, Any]]:
    """The classes of all points and the points as they travel; kept, as names take their time."""

    def make() -> tuple[np.ndarray, dict[str, Any]]:
        lengths = engine().vocabulary_space(choice.model).norms
        groups, legend = space.classes(them.whole, lengths, colour)
        return groups, space.cloud(places, them.whole.texts, groups, legend)

    which = hashlib.blake2b(places.tobytes(), digest_size=12).hexdigest()
    return drawn(choice.model, ("cloud", which, colour), make)


def _betrayed(them: Pieces, fitted: Layout) -> list[dict[str, Any]]:
    """The points that the map betrays most, where they are to be lit, and how much it does."""
    if fitted.quality is None or not _highlight():
        return []
    rows = space.betrayed(fitted.quality)
    st.caption(plain(words.betrayed_told(them.whole.texts, fitted.quality, rows)))
    name, red = "worst preserved", space.palette.WRONG
    return [space.lit(name, rows, len(them.whole), colour=red, size=4.5, symbol="diamond")]


def _only(them: Pieces, query: str) -> list[int] | None:
    """The points that a search leaves on the map."""
    if not query.strip():
        return None
    ids = find(them.whole, query.strip())
    told = f"{len(ids):,} of {len(them.whole):,} tokens match “{query.strip()}”"
    if len(ids) > FOUND:
        told += f"; the first {FOUND} are on the map"
    st.caption(plain(f"{told}." if len(ids) else f"No token of this vocabulary matches “{query}”."))
    return [int(i) for i in ids[:FOUND]]


def _list(
    choice: Choice, them: Pieces, look: Look, point: str | None, found: Neighbours | None
) -> None:
    if point is None or found is None:
        st.markdown("**Select a point** on the map, or a token of the text:")
        _choose(them)
        return
    name = them.name(point)
    st.markdown(f"**{plain(visible(name))}** and its nearest neighbors in the original space")
    ids = [int(i) for i in found.indices]
    listed = lists.Listed([f"v{i}" for i in ids], [them.whole.texts[i] for i in ids])
    told = pieces.told(them, point, found)
    panel.near_list(
        "point",
        found,
        listed,
        look.measure,
        them.vector(point),
        python=partial(
            recipes.vocabulary_neighbors,
            choice.model,
            point,
            _reading(choice),
            look.after,
            look.measure,
        ),
        name=name,
        told=told,
    )


def _shares(choice: Choice, look: Look, fitted: Layout) -> None:
    """How much each direction holds; a layout without directions shows none of them in colour."""
    explained, used = fitted.explained, 2 if look.flat else 3
    if explained is None:
        explained, used = engine().vocabulary_map(choice.model, look.unit).explained, 0
    chart = space_charts.shares(explained, used, dark=panel.dark())
    st.plotly_chart(chart, key="shares", config=space_charts.CONFIG)
    percent, title = (100 * explained).round(3).tolist(), "Explained variance by component"
    share_menu(
        "variance",
        python=partial(recipes.variance, choice.model, unit=look.unit, axis=fitted.axis),
        svg=lambda: charts.bars(
            percent, used=used, across="component", up="% of variance", title=title
        ),
        shown=False,
        data={"component": list(range(1, len(percent) + 1)), "percent": percent},
        title=title,
    )


def _choose(them: Pieces) -> None:
    """The text's tokens as buttons: the map's points for a keyboard."""
    if them.hidden is None:
        st.caption("Type a text to see its tokens among the vocabulary.")
        return
    with st.container(horizontal=True, gap="xsmall"):
        for i, name in enumerate(them.names[:24]):
            st.button(plain(name), key=f"pick-{i}", on_click=select, args=("point", f"t{i}"))
