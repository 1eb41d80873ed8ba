"""The vocabulary as a map, the text's tokens among it, and the neighbours of what is picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from engine import projection
from engine.projection import Measure, Neighbours
from engine.values import Hidden, Reading
from engine.vocabulary import Vocabulary, find
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.layouts import NAMES, Layout, layout
from pages.shell.link import typed
from pages.shell.share import share_menu
from pages.shell.space import space_map
from pages.views import neighbours as lists
from pages.views import space, space_charts
from pages.views import tokens as chips
from pages.views.svg import visible

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


def embeddings_vocabulary(choice: Choice) -> None:
    """Draw the map of the vocabulary."""
    whole = cache.vocabulary(choice.model)
    hidden = cache.hidden(Reading(choice.model, choice.text)) if choice.text.strip() else None
    look = _controls(choice, hidden)
    fitted = layout(choice.model, whole, look.layout, unit=look.unit, flat=look.flat)
    own = _own(hidden, look, fitted)
    legal = {f"t{i}" for i in range(len(own))}
    point = selection("point", lambda i: i in legal or _is_id(i, len(whole)), name="point")
    found = _near(choice, whole, hidden, look, point)
    near = _marks(whole, fitted, found, point)
    left, right = st.columns([3, 1.15], gap="medium")
    with left:
        _map(choice, whole, look, fitted, own, near, point)
    with right:
        _list(choice, whole, hidden, look, point, found)
        _shares(choice, look, fitted)
    with st.expander("The numbers as a table"):
        st.dataframe(_table(whole, fitted, own), hide_index=True, height=320)


def _controls(choice: Choice, hidden: Hidden | None) -> Look:
    checked("map", ["3-D", "2-D"], name="map")
    checked("colour", list(space.COLOURS), name="colour")
    checked("measure", list(projection.MEASURES), name="measure")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        checked("layout", list(NAMES), name="layout")
        name = st.selectbox("Layout", NAMES, key="layout", bind="query-params", width=130)
        flat = st.segmented_control(
            "Map", ["3-D", "2-D"], key="map", bind="query-params", default="3-D", required=True
        )
        colour = st.selectbox("Colour", space.COLOURS, key="colour", bind="query-params", width=210)
        measure = st.segmented_control(
            "Nearness",
            projection.MEASURES,
            key="measure",
            bind="query-params",
            default="cosine",
            required=True,
            format_func=str,
        )
        typed("search")
        query = st.text_input(
            "Search the vocabulary",
            key="search",
            bind="query-params",
            max_chars=60,
            placeholder="cat, 2540 or E2 82",
            width=210,
        )
        checked("directions", [True, False], default=True, shown=lambda on: str(on).lower())
        unit = st.toggle(
            "Directions only",
            key="directions",
            bind="query-params",
            value=True,
            help="All vectors at length 1, as the cosine sees them. Off: with their own lengths.",
        )
    after = _after(hidden)
    return Look(flat == "2-D", unit, str(colour), cast("Measure", measure), after, query, name)


def _after(hidden: Hidden | None) -> int:
    if hidden is None:
        return 0
    last = len(hidden.states) - 1
    checked("after", range(last + 1), default=0, name="after")
    return st.slider(
        "The text's tokens after layer",
        0,
        last,
        key="after",
        bind="query-params",
        help="0 is what enters layer 1. The map itself stays: its directions are the vocabulary's.",
    )


def _is_id(point: str, size: int) -> bool:
    return point[:1] == "v" and point[1:].isdecimal() and len(point) < 9 and int(point[1:]) < size


def _own(hidden: Hidden | None, look: Look, fitted: Layout) -> list[space.Mark]:
    """The text's tokens after the chosen layer, on the vocabulary's map."""
    if hidden is None:
        return []
    places = fitted.place(hidden.states[look.after])
    names = [chips.face(hidden.tokens, i) for i in range(len(hidden.tokens))]
    return [
        space.Mark(f"t{i}", tuple(places[i, :3]), name, f"{name}, token {i + 1} of the text")
        for i, name in enumerate(names)
    ]


def _vector(choice: Choice, hidden: Hidden | None, look: Look, point: str) -> np.ndarray:
    if point[0] == "t" and hidden is not None:
        return hidden.states[look.after][int(point[1:])]
    return cache.vocabulary_space(choice.model).vectors[int(point[1:])]


def _near(
    choice: Choice, whole: Vocabulary, hidden: Hidden | None, look: Look, point: str | None
) -> Neighbours | None:
    if point is None:
        return None
    return projection.neighbours(
        cache.vocabulary_space(choice.model),
        _vector(choice, hidden, look, point),
        NEAR,
        measure=look.measure,
        without=[int(point[1:])] if point[0] == "v" else (),
    )


def _marks(
    whole: Vocabulary, fitted: Layout, found: Neighbours | None, point: str | None
) -> list[space.Mark]:
    """Neighbours on the map, and the picked piece of the vocabulary itself."""
    ids = [] if found is None else [int(i) for i in found.indices]
    if point and point[0] == "v":
        ids.append(int(point[1:]))
    places = fitted.places
    return [
        space.Mark(
            f"v{i}", tuple(places[i, :3]), whole.texts[i], f"{visible(whole.texts[i])}, id {i}"
        )
        for i in ids
    ]


def _map(
    choice: Choice,
    whole: Vocabulary,
    look: Look,
    fitted: Layout,
    own: list[space.Mark],
    near: list[space.Mark],
    point: str | None,
) -> None:
    lengths = cache.vocabulary_space(choice.model).norms
    groups, legend = space.classes(whole, lengths, look.colour)
    places = fitted.places
    cloud = space.cloud(places, whole.texts, groups, legend)
    axes = fitted.axes
    only = _only(whole, look.query)
    chosen = [mark for mark in [*own, *near] if mark.id == point]
    space_map(
        cloud,
        key="vocabulary-map",
        axes=axes,
        flat=look.flat,
        groups=[
            space.marks("neighbours", near, colour=space.palette.KEPT, size=5),
            space.marks("tokens of the text", own, colour=space.palette.CHOSEN, size=6.5),
            space.marks("", chosen, colour=space.palette.ACCENT, size=10),
        ],
        names=[
            *space.labels(chosen, "chosen"),
            *space.labels([m for m in own if m.id != point], "own"),
            *space.labels([m for m in near if m.id != point], "near"),
        ],
        only=only,
        chosen=point,
        on_pick=partial(select, "point"),
    )
    st.caption(plain(fitted.told))
    share_menu(
        "map",
        svg=space.drawing(places, own, near, axes, flat=look.flat),
        shown=False,
        figure=lambda: space.figure(cloud, places, groups, own, axes),
        data=lambda: _table(whole, fitted, own),
        title=f"The vocabulary of {choice.card.title}",
    )


def _only(whole: Vocabulary, query: str) -> list[int] | None:
    """The points that a search leaves on the map."""
    if not query.strip():
        return None
    ids = find(whole, query.strip())
    told = f"{len(ids):,} of {len(whole):,} pieces fit “{query.strip()}”"
    if len(ids) > FOUND:
        told += f"; the first {FOUND} are on the map"
    st.caption(plain(f"{told}." if len(ids) else f"Nothing in this vocabulary fits “{query}”."))
    return [int(i) for i in ids[:FOUND]]


def _list(
    choice: Choice,
    whole: Vocabulary,
    hidden: Hidden | None,
    look: Look,
    point: str | None,
    found: Neighbours | None,
) -> None:
    if point is None or found is None:
        st.markdown("**Pick a point** on the map, or one of these tokens of your text:")
        _choose(hidden)
    else:
        name = _name(whole, hidden, point)
        st.markdown(f"**{plain(visible(name))}** and its nearest neighbours in the real space")
        ids = [int(i) for i in found.indices]
        listed = lists.Listed([f"v{i}" for i in ids], [whole.texts[i] for i in ids])
        svg = lists.neighbour_list(found, listed, look.measure)
        picture(svg, key="near", alt=_told(whole, hidden, look, point, found), on_lock=_picked)
        st.caption(plain(_told(whole, hidden, look, point, found)))
        vector = _vector(choice, hidden, look, point)
        strip = lists.strip(vector, f"The vector of {visible(name)}")
        picture(strip, key="strip", alt=f"{len(vector)} numbers of the vector of {visible(name)}")
        share_menu(
            "neighbours",
            svg=svg,
            data=lists.table(found, listed),
            title=f"Neighbours of {visible(name)}",
        )
        st.button("Let go of the point", on_click=select, args=("point", None))


def _shares(choice: Choice, look: Look, fitted: Layout) -> None:
    """How much each direction holds; a layout without directions shows none of them in colour."""
    explained, used = fitted.explained, 2 if look.flat else 3
    if explained is None:
        explained, used = cache.vocabulary_map(choice.model, look.unit).explained, 0
    st.plotly_chart(
        space_charts.shares(explained, used), key="shares", config={"displayModeBar": False}
    )


def _picked(ids: str | None) -> None:
    select("point", ids)


def _choose(hidden: Hidden | None) -> None:
    """The text's tokens as buttons: the map's points for a keyboard."""
    if hidden is None:
        st.caption("Type a text to see its tokens among the vocabulary.")
        return
    with st.container(horizontal=True, gap="xsmall"):
        for i in range(min(len(hidden.tokens), 24)):
            st.button(
                plain(chips.face(hidden.tokens, i)),
                key=f"pick-{i}",
                on_click=select,
                args=("point", f"t{i}"),
            )


def _name(whole: Vocabulary, hidden: Hidden | None, point: str) -> str:
    number = int(point[1:])
    if point[0] == "t" and hidden is not None:
        return chips.face(hidden.tokens, number)
    return whole.texts[number]


def _told(
    whole: Vocabulary, hidden: Hidden | None, look: Look, point: str, found: Neighbours
) -> str:
    """What the list says, with its own numbers."""
    if not len(found.indices):
        return "There is no other point."
    first = visible(whole.texts[int(found.indices[0])], limit=24)
    lines = [f"Nearest is “{first}”: cosine {found.cosine[0]:.2f}, {found.degrees[0]:.0f}°."]
    if point[0] == "t" and hidden is not None:
        number = int(hidden.tokens.ids[int(point[1:])])
        rank = list(found.indices).index(number) + 1 if number in found.indices else None
        where = f"neighbour no. {rank}" if rank else f"not among the first {len(found.indices)}"
        lines.append(
            f"Its own row of the table, id {number}, is {where}: "
            + (
                "this is the row plus what the position adds."
                if look.after == 0
                else f"{look.after} layer{'s' if look.after > 1 else ''} of context moved it."
            )
        )
    return " ".join(lines)


def _table(
    whole: Vocabulary, fitted: Layout, own: Sequence[space.Mark]
) -> dict[str, Sequence[object]]:
    """Coordinates of everything on the map: the text's tokens, then the vocabulary."""
    places = np.concatenate(
        [
            np.array([m.place for m in own], dtype=np.float32).reshape(-1, 3),
            fitted.places,
        ]
    )
    names = [m.text for m in own] + [visible(text) for text in whole.texts]
    points = [m.id for m in own] + [f"v{i}" for i in range(len(whole))]
    axes = {name: places[:, k].round(5).tolist() for k, name in enumerate("xyz")}
    return {"point": points, "text": names, **axes}
