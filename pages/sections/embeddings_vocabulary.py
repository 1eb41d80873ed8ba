"""The vocabulary as a map, the text's tokens among it, and the neighbours of what is picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine import projection
from engine.projection import Measure, Neighbours
from engine.values import Hidden, Reading
from engine.vocabulary import Vocabulary, find
from pages.shell import cache, cache_maps, points
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.layouts import NAMES, Layout, layout
from pages.shell.link import typed
from pages.shell.share import share_menu
from pages.shell.space import space_map
from pages.views import neighbours as lists
from pages.views import plain_charts, space, space_charts, space_words
from pages.views.svg import visible
from pages.views.tokens import face

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
    whole = cache_maps.vocabulary(choice.model)
    hidden = cache.hidden(Reading(choice.model, choice.text)) if choice.text.strip() else None
    look = _controls(choice, hidden)
    fitted = layout(choice.model, whole, look.layout, unit=look.unit, flat=look.flat)
    own = _own(hidden, look, fitted)
    legal = {f"t{i}" for i in range(len(own))}
    point = selection("point", lambda i: i in legal or _is_id(i, len(whole)), name="point")
    found = _near(choice, whole, hidden, look, point)
    near = _marks(whole, fitted, found, point)
    area = points.area("area", lambda i: i in legal or _is_id(i, len(whole)))
    left, right = st.columns([3, 1.15], gap="medium")
    with right:
        alone = points.area_panel("area", area, space_words.area_told(whole, own, area))
    with left:
        _map(choice, whole, hidden, look, fitted, own, near, point, area, alone)
    with right:
        _list(choice, whole, hidden, look, point, found)
        _shares(choice, look, fitted)
    with st.expander("The numbers as a table"):
        st.dataframe(_table(whole, fitted, own), hide_index=True, height=320)


def _controls(choice: Choice, hidden: Hidden | None) -> Look:
    checked("colour", list(space.COLOURS), name="colour")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        checked("layout", list(NAMES), name="layout")
        name = st.selectbox("Layout", NAMES, key="layout", bind="query-params", width=130)
        flat = points.flat()
        colour = st.selectbox("Colour", space.COLOURS, key="colour", bind="query-params", width=210)
        measure = points.measure()
        typed("search")
        query = st.text_input(
            "Search the vocabulary",
            key="search",
            bind="query-params",
            max_chars=60,
            placeholder="cat, 2540 or E2 82",
            width=210,
        )
        unit = points.unit()
    after = 0
    if hidden is not None:
        after = points.after(
            len(hidden.states) - 1,
            "The text's tokens after layer",
            "0 is what enters layer 1. The map itself stays: its directions are the vocabulary's.",
        )
    return Look(flat, unit, str(colour), measure, after, query, name)


def _is_id(point: str, size: int) -> bool:
    return point[:1] == "v" and point[1:].isdecimal() and len(point) < 9 and int(point[1:]) < size


def _own(hidden: Hidden | None, look: Look, fitted: Layout) -> list[space.Mark]:
    """The text's tokens after the chosen layer, on the vocabulary's map."""
    if hidden is None:
        return []
    places = fitted.place(hidden.states[look.after])
    names = [face(hidden.tokens, i) for i in range(len(hidden.tokens))]
    return [
        space.Mark(f"t{i}", tuple(places[i, :3]), name, f"{name}, token {i + 1} of the text")
        for i, name in enumerate(names)
    ]


def _vector(choice: Choice, hidden: Hidden | None, look: Look, point: str) -> np.ndarray:
    if point[0] == "t" and hidden is not None:
        return hidden.states[look.after][int(point[1:])]
    return cache_maps.vocabulary_space(choice.model).vectors[int(point[1:])]


def _near(
    choice: Choice, whole: Vocabulary, hidden: Hidden | None, look: Look, point: str | None
) -> Neighbours | None:
    if point is None:
        return None
    return projection.neighbours(
        cache_maps.vocabulary_space(choice.model),
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
    hidden: Hidden | None,
    look: Look,
    fitted: Layout,
    own: list[space.Mark],
    near: list[space.Mark],
    point: str | None,
    area: list[str],
    alone: bool,
) -> None:
    lengths = cache_maps.vocabulary_space(choice.model).norms
    groups, legend = space.classes(whole, lengths, look.colour)
    places, axes = fitted.places, fitted.axes
    cloud = space.cloud(places, whole.texts, groups, legend)
    only = _only(whole, look.query)
    room, below = st.container(), st.container()
    with below:
        lit = _betrayed(whole, fitted)
    inside = [int(one[1:]) for one in area if one[0] == "v"]
    if alone:
        only = inside
    elif inside:
        lit.append(space.lit("in the area", inside, len(whole)))
    chosen = [mark for mark in [*own, *near] if mark.id == point]
    with room:
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
            lit=lit,
            chosen=point,
            on_pick=partial(select, "point"),
            on_area=partial(points.choose_area, "area"),
        )
        st.caption(plain(fitted.told))
    share_menu(
        "map",
        svg=lambda: space.drawing(places, own, near, axes, flat=look.flat),
        shown=False,
        figure=lambda: space.figure(cloud, places, groups, own, axes),
        data=lambda: _table(whole, fitted, own),
        vectors=lambda: _vectors(choice, whole, hidden, look, [*area, *(m.id for m in near)]),
        title=f"The vocabulary of {choice.card.title}",
    )


def _betrayed(whole: Vocabulary, fitted: Layout) -> list[dict[str, Any]]:
    """The points that the map betrays most, where they are to be lit, and how much it does."""
    if fitted.quality is None or not points.light():
        return []
    rows = space.betrayed(fitted.quality)
    st.caption(plain(space_words.betrayed_told(whole.texts, fitted.quality, rows)))
    name, red = "betrayed most", space.palette.WRONG
    return [space.lit(name, rows, len(whole), colour=red, size=4.5, symbol="diamond")]


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


def _vectors(
    choice: Choice,
    whole: Vocabulary,
    hidden: Hidden | None,
    look: Look,
    some: Sequence[str],
) -> dict[str, Sequence[object]]:
    """Vectors of the text's tokens and the vocabulary; of a large one those chosen."""
    vectors = cache_maps.vocabulary_space(choice.model).vectors
    every = vectors.size <= points.CELLS
    ids = range(len(whole)) if every else sorted({int(i[1:]) for i in some if i[0] == "v"})
    rows, names, own = [vectors[list(ids)]], [visible(whole.texts[i]) for i in ids], list[str]()
    if hidden is not None:
        rows.insert(0, hidden.states[look.after])
        own = [face(hidden.tokens, i) for i in range(len(hidden.tokens))]
    labels = [f"t{i}" for i in range(len(own))] + [f"v{i}" for i in ids]
    return points.vector_table(labels, own + names, np.concatenate(rows))


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
        told = _told(whole, hidden, look, point, found)
        vector = _vector(choice, hidden, look, point)
        points.near_list("point", found, listed, look.measure, vector, name=name, told=told)


def _shares(choice: Choice, look: Look, fitted: Layout) -> None:
    """How much each direction holds; a layout without directions shows none of them in colour."""
    explained, used = fitted.explained, 2 if look.flat else 3
    if explained is None:
        explained, used = cache_maps.vocabulary_map(choice.model, look.unit).explained, 0
    st.plotly_chart(
        space_charts.shares(explained, used), key="shares", config={"displayModeBar": False}
    )
    percent, title = (100 * explained).round(3).tolist(), "Variance by direction"
    share_menu(
        "variance",
        svg=lambda: plain_charts.bars(
            percent, used=used, across="direction", up="% of variance", title=title
        ),
        shown=False,
        data={"direction": list(range(1, len(percent) + 1)), "percent": percent},
        title=title,
    )


def _choose(hidden: Hidden | None) -> None:
    """The text's tokens as buttons: the map's points for a keyboard."""
    if hidden is None:
        st.caption("Type a text to see its tokens among the vocabulary.")
        return
    with st.container(horizontal=True, gap="xsmall"):
        for i in range(min(len(hidden.tokens), 24)):
            st.button(
                plain(face(hidden.tokens, i)),
                key=f"pick-{i}",
                on_click=select,
                args=("point", f"t{i}"),
            )


def _name(whole: Vocabulary, hidden: Hidden | None, point: str) -> str:
    number = int(point[1:])
    if point[0] == "t" and hidden is not None:
        return face(hidden.tokens, number)
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
