"""The vectors that say where a token stands: learned ones, or the sines of the first paper."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine import projection
from engine.errors import NotOffered
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.space import space_map
from pages.views import neighbours as lists
from pages.views import palette, space, space_charts

NEAR = 12
WITHOUT = {
    "rotary": "turns queries and keys by an angle that grows with the position (rotary)",
    "alibi": "lowers attention with the distance (ALiBi)",
    "relative": "adds a number for each distance to the attention scores (relative)",
}


def embeddings_positions(choice: Choice) -> None:
    """Draw the position vectors and how alike they are."""
    if "position" not in choice.card.vectors:
        how = WITHOUT.get(choice.card.positions, f"has {choice.card.positions} positions")
        raise NotOffered(f"{choice.card.title} adds no position vectors: it {how}.")
    vectors = cache.bundle(choice.model).vectors("position")
    flat = _flat()
    fitted = cache.position_map(choice.model)
    point = selection("position", lambda i: _legal(i, len(vectors)), name="position") or "p0"
    number = int(point[1:])
    found = projection.neighbours(
        projection.prepared(vectors), vectors[number], NEAR, without=[number]
    )
    left, right = st.columns([3, 1.15], gap="medium")
    with left:
        _map(choice, fitted, point, flat)
    with right:
        _list(vectors, number, found)
    _alike(choice, vectors, number)


def _flat() -> bool:
    checked("map", ["3-D", "2-D"], name="map")
    return "2-D" == st.segmented_control(
        "Map", ["3-D", "2-D"], key="map", bind="query-params", default="3-D", required=True
    )


def _legal(point: str, size: int) -> bool:
    return point[:1] == "p" and point[1:].isdecimal() and len(point) < 9 and int(point[1:]) < size


def _map(choice: Choice, fitted: projection.Projection, point: str, flat: bool) -> None:
    places = fitted.coordinates[:, :3]
    groups, legend = space.banded(np.arange(1, len(places) + 1), "{low:,.0f}–{high:,.0f}")
    names = [f"{i + 1}" for i in range(len(places))]
    cloud = space.cloud(places, names, groups, legend, ids="p")
    chosen = [space.Mark(point, tuple(places[int(point[1:])]), names[int(point[1:])])]
    axes = space.axis_names(fitted)
    space_map(
        cloud,
        key="position-map",
        axes=axes,
        flat=flat,
        dot=(4.0, 0.9),
        groups=[space.marks("", chosen, colour=palette.ACCENT, size=10)],
        names=space.labels(chosen, "chosen"),
        paths=[{"places": places.round(5).tolist(), "colour": space.pair(palette.BAR), "width": 2}],
        chosen=point,
        on_pick=partial(select, "position"),
        height=480,
    )
    share = 100 * float(fitted.explained[: 2 if flat else 3].sum())
    st.caption(
        plain(
            f"{len(places):,} {choice.card.positions} position vectors of {choice.card.width} "
            f"numbers; {share:.0f} % of their variance is in sight. The line goes from the first "
            "position to the last: neighbours in the text are neighbours in space."
        )
    )
    share_menu(
        "positions",
        svg=space.drawing(places, chosen, [], axes, flat=flat),
        shown=False,
        figure=lambda: space.figure(cloud, places, groups, chosen, axes),
        data=lambda: {"position": names} | {n: places[:, k].tolist() for k, n in enumerate("xyz")},
        title=f"Positions of {choice.card.title}",
    )


def _list(vectors: np.ndarray, number: int, found: projection.Neighbours) -> None:
    st.markdown(f"**Position {number + 1}** and those most like it")
    ids = [int(i) for i in found.indices]
    listed = lists.Listed([f"p{i}" for i in ids], [f"position {i + 1}" for i in ids])
    svg = lists.neighbour_list(found, listed, "cosine")
    picture(
        svg,
        key="near",
        alt=f"Positions most like position {number + 1}",
        on_lock=partial(select, "position"),
    )
    picture(
        lists.strip(vectors[number], f"The vector of position {number + 1}"),
        key="strip",
        alt=f"The numbers of the vector of position {number + 1}",
    )
    share_menu("neighbours", svg=svg, data=lists.table(found, listed), title="Positions")


def _alike(choice: Choice, vectors: np.ndarray, number: int) -> None:
    """The cosine of one position with every other."""
    cosine, _ = projection.distances(vectors, vectors[number])
    st.markdown(f"**How alike position {number + 1} is to every other**")
    st.plotly_chart(space_charts.along(cosine), key="alike", config={"displayModeBar": False})
    step = min(number + 1, len(cosine) - 1) if number + 1 < len(cosine) else number - 1
    far = int(np.argmin(cosine))
    st.caption(
        plain(
            f"The position next to it has cosine {cosine[step]:.2f}, the least alike is position "
            f"{far + 1} with {cosine[far]:.2f}."
        )
    )
