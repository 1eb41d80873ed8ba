"""What the maps of the Embeddings page share: their controls, an area, the list beside the map.

In: points by id (`v12` of the vocabulary, `t3` of the text, `p7` of a position). Out: what the
person chose. An area of a few points is part of the link; a large one stays in the session, as no
link could carry it. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from engine.space import projection
from engine.space.projection import Measure, Neighbours
from pages.embeddings.map import cameras
from pages.embeddings.map import neighbours as lists
from pages.pictures.svg import visible
from pages.shell.components import picture
from pages.shell.frame import checked, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.switch import switch

IN_LINK = 200  # characters of an area's ids
CELLS = 2_000_000
"""Numbers in a file of vectors; a vocabulary beyond it gives those of the chosen points."""


def flat() -> bool:
    """Whether the map is flat."""
    checked("map", ["3-D", "2-D"], name="map")
    return "2-D" == st.segmented_control(
        "Map", ["3-D", "2-D"], key="map", bind="query-params", default="3-D", required=True
    )


def measure() -> Measure:
    """What nearness means in the lists."""
    checked("measure", list(projection.MEASURES), name="measure")
    chosen = st.segmented_control(
        "Nearness",
        projection.MEASURES,
        key="measure",
        bind="query-params",
        default="cosine",
        required=True,
    )
    return cast("Measure", chosen)


def unit() -> bool:
    """Whether vectors count by their direction alone."""
    return switch(
        "directions",
        "Directions only",
        on=True,
        help="All vectors at length 1, as the cosine sees them. Off: with their own lengths.",
    )


def after(last: int, label: str, help: str) -> int:
    """The layer after which tokens are looked at; 0 is what enters layer 1."""
    checked("after", range(last + 1), default=0, name="after")
    return st.slider(label, 0, last, key="after", bind="query-params", help=help)


def camera(key: str, *, flat: bool) -> str | None:
    """From where a map was last looked at, here or by a link; None: as it first stands."""
    return selection(key, lambda text: cameras.legal(text, flat=flat), name="camera")


def dark() -> bool:
    """Whether the page is dark: charts of Plotly are given colours, not names of them."""
    return st.context.theme.type == "dark"


def light() -> bool:
    """Whether the points are lit that the map betrays most."""
    return switch(
        "betrayed",
        "Light the points it betrays most",
        on=False,
        help="Those of whose true neighbours the fewest stand near them on this map.",
    )


# ---------------------------------------------------------------------------- an area


def area(key: str, legal: Callable[[str], bool]) -> list[str]:
    """The ids in the area drawn around points, those that exist in the current data."""
    told = selection(key, lambda ids: all(legal(one) for one in ids.split()), name="area")
    if told:
        return told.split()
    return [one for one in st.session_state.get(f"{key}-many", ()) if legal(one)]


def choose_area(key: str, ids: Sequence[str]) -> None:
    """Keep an area; call it in a callback. No ids: let go of it."""
    told = " ".join(ids)
    fits = len(told) <= IN_LINK
    select(key, told if fits and told else None)
    st.session_state.pop(f"{key}-many", None)
    if not fits:
        st.session_state[f"{key}-many"] = tuple(ids)


def area_panel(key: str, ids: Sequence[str], told: str) -> bool:
    """What is in the area, and whether the map shows it alone."""
    if not ids:
        return False
    st.markdown(f"**{len(ids):,} points in the area**")
    st.caption(plain(told))
    alone = switch(f"{key}-alone", "Show these alone", on=False)
    st.button("Let go of the area", key=f"{key}-drop", on_click=choose_area, args=(key, ()))
    if len(" ".join(ids)) > IN_LINK:
        st.caption("Too many for a link: a copied link leaves the area out.")
    return alone


# ---------------------------------------------------------------------------- beside the map


def near_list(
    key: str,
    found: Neighbours,
    listed: lists.Listed,
    by: Measure,
    vector: np.ndarray,
    *,
    name: str,
    told: str,
) -> None:
    """Neighbours that can be picked, the point's vector as a strip, both as files, and let go."""
    svg = lists.neighbour_list(found, listed, by)
    picture(svg, key="near", alt=told, on_lock=partial(select, key))
    st.caption(plain(told))
    strip = lists.strip(vector, f"The vector of {visible(name)}")
    picture(strip, key="strip", alt=f"{len(vector)} numbers of the vector of {visible(name)}")
    share_menu(
        "neighbours",
        svg=svg,
        data=lists.table(found, listed),
        vectors=lambda: vector_table([visible(name)], [visible(name)], vector[None]),
        title=f"Neighbours of {visible(name)}",
    )
    st.button("Let go of the point", on_click=select, args=(key, None))


def vector_table(
    points: Sequence[str], names: Sequence[str], vectors: np.ndarray
) -> dict[str, Sequence[object]]:
    """Vectors as a table: a row a point, a column a number."""
    columns = {f"v{k + 1}": vectors[:, k].round(6).tolist() for k in range(vectors.shape[1])}
    return {"point": list(points), "text": list(names), **columns}
