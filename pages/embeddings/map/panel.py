"""What stands beside the maps of the Embeddings page: an area, a point and its list.

In: points by id (`v12` of the vocabulary, `t3` of the text, `p7` of a position). Out: what the
person chose. An area of a few points is part of the link; a large one stays in the session, as no
link could carry it. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from engine.space.projection import Measure, Neighbours
from pages.embeddings import controls
from pages.embeddings.map import cameras
from pages.embeddings.map import neighbours as lists
from pages.pictures.svg import visible
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu

IN_LINK = 200  # characters of an area's ids
CELLS = 2_000_000
"""Numbers in a file of vectors; a vocabulary beyond it gives those of the chosen points."""


def camera(key: str, *, flat: bool) -> str | None:
    """From where a map was last looked at, here or by a link; None: as it first stands."""
    return selection(key, lambda text: cameras.legal(text, flat=flat), name="camera")


def dark() -> bool:
    """Whether the page is dark: charts of Plotly are given colours, not names of them."""
    return st.context.theme.type == "dark"


# ---------------------------------------------------------------------------- an area


def area(key: str, legal: Callable[[str], bool]) -> list[str]:
    """The ids in the area drawn around points, those that exist in the current data."""
    told = selection(key, lambda ids: all(legal(one) for one in ids.split()), name="area")
    if told:
        return told.split()
    return [one for one in st.session_state.get(f"{key}-many", ()) if legal(one)]


def choose_area(key: str, ids: Sequence[str]) -> None:
    """Keep an area; call it in a callback. No ids: clear it."""
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
    st.markdown(f"**{len(ids):,} points selected**")
    st.caption(plain(told))
    controls.ISOLATE.check()
    alone = controls.ISOLATE.draw()
    st.button("Clear selection", key=f"{key}-drop", on_click=choose_area, args=(key, ()))
    if len(" ".join(ids)) > IN_LINK:
        st.caption("Too many points for a link: a copied link leaves the selection out.")
    return alone


# ---------------------------------------------------------------------------- beside the map


def near_list(
    key: str,
    found: Neighbours,
    listed: lists.Listed,
    by: Measure,
    vector: np.ndarray,
    *,
    python: Callable[[], str],
    name: str,
    told: str,
) -> None:
    """Neighbors that can be selected, the point's vector as a strip, both as files."""
    svg = lists.neighbour_list(found, listed, by)
    picture(svg, key="near", alt=told, on_lock=partial(select, key))
    st.caption(plain(told))
    strip = lists.strip(vector, f"The vector of {visible(name)}")
    picture(strip, key="strip", alt=f"{len(vector)} numbers of the vector of {visible(name)}")
    share_menu(
        "neighbors",
        python=python,
        svg=svg,
        data=lists.table(found, listed),
        vectors=lambda: vector_table([visible(name)], [visible(name)], vector[None]),
        title=f"Neighbors of {visible(name)}",
    )
    st.button("Clear selection", on_click=select, args=(key, None))


def vector_table(
    points: Sequence[str], names: Sequence[str], vectors: np.ndarray
) -> dict[str, Sequence[object]]:
    """Vectors as a table: a row a point, a column a number."""
    columns = {f"v{k + 1}": vectors[:, k].round(6).tolist() for k in range(vectors.shape[1])}
    return {"point": list(points), "text": list(names), **columns}
