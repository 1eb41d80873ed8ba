"""What says where a token stands: learned vectors, sines, or the angles of rotary positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from engine.attention import rotary
from engine.errors import NotOffered
from engine.space import projection
from pages.embeddings import controls, recipes
from pages.embeddings.map import charts as space_charts
from pages.embeddings.map import files, panel
from pages.embeddings.map import neighbours as lists
from pages.embeddings.map import picture as space
from pages.embeddings.map.component import space_map
from pages.embeddings.positions import dials
from pages.pictures import charts, palette
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu

NEAR = 12
WITHOUT = {
    "rotary": "rotates queries and keys by an angle that grows with the position (rotary); its "
    "bundle does not say by how much: export the model again",
    "alibi": "lowers attention with the distance (ALiBi)",
    "relative": "adds a number for each distance to the attention scores (relative)",
}


@dataclass(frozen=True)
class Subject:
    """The positions as vectors, what they are called, and their map."""

    vectors: np.ndarray
    what: str
    fitted: projection.Projection
    rotary: int | None = None  # how many are drawn where they are turned, not added


def embeddings_positions(choice: Choice) -> None:
    """Draw the positions and how alike they are."""
    subject = _subject(choice)
    vectors = subject.vectors
    controls.MAP.check()
    room = st.container()  # the picture stands above its control
    flat = controls.MAP.draw() == "2-D"
    point = selection("position", lambda i: _legal(i, len(vectors)), name="position") or "p0"
    number = int(point[1:])
    found = projection.neighbours(
        projection.prepared(vectors), vectors[number], NEAR, without=[number]
    )
    left, right = room.columns([3, 1.15], gap="medium")
    with left:
        _map(choice, subject, point, flat)
    with right:
        if choice.card.rotary and "position" not in choice.card.vectors:
            _dials(choice, number)
        _list(choice, subject, number, found)
    _alike(choice, subject, number)
    numbers = st.expander("Table", key="position-numbers", on_change="rerun")
    if numbers.open:
        numbers.dataframe(_table(subject.fitted), hide_index=True, height=320)


def _subject(choice: Choice) -> Subject:
    card = choice.card
    if "position" in card.vectors:
        vectors = engine().vectors(choice.model, "position")
        what = f"{card.positions} position embeddings of {card.width} numbers"
        return Subject(vectors, what, engine().position_map(choice.model))
    if card.rotary:
        count = min(rotary.SHOWN, card.limit or rotary.SHOWN)
        vectors = rotary.circles(card.rotary, count)
        what = f"positions, each as the cosine and sine of {len(card.rotary)} angles"
        return Subject(vectors, what, projection.pca(vectors, axes=10), count)
    how = WITHOUT.get(card.positions, f"has {card.positions} positions")
    raise NotOffered(f"{card.title} adds no position embeddings: it {how}.")


def _legal(point: str, size: int) -> bool:
    return point[:1] == "p" and point[1:].isdecimal() and len(point) < 9 and int(point[1:]) < size


def _map(choice: Choice, subject: Subject, point: str, flat: bool) -> None:
    fitted = subject.fitted
    places = fitted.coordinates[:, :3]
    groups, legend = space.banded(np.arange(1, len(places) + 1), "{low:,.0f}–{high:,.0f}")
    names = [f"{i + 1}" for i in range(len(places))]
    cloud = space.cloud(places, names, groups, legend, ids="p")
    chosen = [space.Mark(point, tuple(places[int(point[1:])]), names[int(point[1:])])]
    axes = space.axis_names(fitted)
    camera = panel.camera("positions-camera", flat=flat)
    marked, named = (
        [space.marks("", chosen, colour=palette.ACCENT, size=10)],
        space.labels(chosen, "chosen"),
    )
    paths = [{"places": places.round(5).tolist(), "colour": space.pair(palette.BAR), "width": 2}]
    space_map(
        cloud,
        key="position-map",
        axes=axes,
        flat=flat,
        dot=(4.0, 0.9),
        groups=marked,
        names=named,
        paths=paths,
        chosen=point,
        camera=camera,
        on_camera=partial(select, "positions-camera"),
        on_pick=partial(select, "position"),
        height=480,
    )
    share = 100 * float(fitted.explained[: 2 if flat else 3].sum())
    st.caption(
        plain(
            f"{len(places):,} {subject.what}; the axes explain {share:.0f} % of their variance. "
            f"The line goes from the first position to the last. {adjacent_told(subject.vectors)}"
        )
    )
    title = f"Positions of {choice.card.title}"
    shown = files.Shown(cloud, places, groups, marked, named, axes, flat, camera, paths)
    share_menu(
        "positions",
        python=partial(recipes.position_map, choice.model, subject.rotary),
        svg=lambda: files.drawing(shown, title),
        shown=False,
        figure=lambda: files.figure(shown, title),
        data=lambda: _table(fitted),
        vectors=lambda: panel.vector_table(
            [f"p{i}" for i in range(len(names))], names, subject.vectors
        ),
        title=title,
    )


def adjacent_told(vectors: np.ndarray) -> str:
    """How alike adjacent positions are beside any two, and the least alike of them."""
    if len(vectors) < 3:
        return ""
    unit = projection.unit(vectors).astype(np.float64)
    next_to = (unit[1:] * unit[:-1]).sum(axis=1)
    count, total = len(unit), float((unit.sum(axis=0) ** 2).sum())
    every = (total - float((unit**2).sum())) / (count * (count - 1))
    mean, least = float(next_to.mean()), int(np.argmin(next_to))
    told = "closer than" if mean > every + 0.005 else "no closer than"
    lines = (
        f"Adjacent positions are on average {told} any two: cosine {mean:.2f} against {every:.2f}."
    )
    if next_to[least] < every:
        lines += f" Not all: {least + 1} and {least + 2} have {next_to[least]:.2f}."
    return lines


def _table(fitted: projection.Projection) -> dict[str, Sequence[float]]:
    """Where every position is on the map."""
    places = fitted.coordinates.round(5)
    numbers: dict[str, Sequence[float]] = {"position": range(1, len(places) + 1)}
    return numbers | {name: places[:, k].tolist() for k, name in enumerate("xyz")}


def _dials(choice: Choice, number: int) -> None:
    """The angles of the chosen position."""
    turns = choice.card.rotary
    turned = rotary.angles(turns, number + 1)[number]
    periods = rotary.periods(turns)
    told = dials.told(periods, number + 1)
    svg = dials.dials(turned, periods)
    st.markdown(f"**Angles of position {number + 1}**")
    picture(svg, key="dials", alt=told)
    st.caption(plain(told))
    share_menu(
        "angles",
        python=partial(recipes.angles, choice.model, number),
        svg=svg,
        data={
            "pair": list(range(1, len(turns) + 1)),
            "radians": turned.tolist(),
            "positions per full turn": periods.tolist(),
        },
        title=f"Angles of position {number + 1}",
    )


def _list(choice: Choice, subject: Subject, number: int, found: projection.Neighbours) -> None:
    st.markdown(f"Nearest neighbors of **position {number + 1}**")
    ids = [int(i) for i in found.indices]
    listed = lists.Listed([f"p{i}" for i in ids], [f"position {i + 1}" for i in ids])
    svg = lists.neighbour_list(found, listed, "cosine")
    picture(
        svg,
        key="near",
        alt=f"Nearest neighbors of position {number + 1}",
        on_lock=partial(select, "position"),
    )
    picture(
        lists.strip(subject.vectors[number], f"The vector of position {number + 1}"),
        key="strip",
        alt=f"The numbers of the vector of position {number + 1}",
    )
    share_menu(
        "neighbors",
        python=partial(recipes.position_neighbors, choice.model, subject.rotary, number),
        svg=svg,
        data=lists.table(found, listed),
        title="Positions",
    )


def _alike(choice: Choice, subject: Subject, number: int) -> None:
    """The cosine of one position with every other."""
    cosine, _ = projection.distances(subject.vectors, subject.vectors[number])
    title = f"Cosine similarity of position {number + 1} to every position"
    st.markdown(f"**{title}**")
    chart = space_charts.along(cosine, dark=panel.dark())
    st.plotly_chart(chart, key="alike", config=space_charts.CONFIG)
    if len(cosine) > 1:
        step = number + 1 if number + 1 < len(cosine) else number - 1
        far = int(np.argmin(cosine))
        st.caption(
            plain(
                f"Position {step + 1}, next to it, has cosine {cosine[step]:.2f}; the least "
                f"similar is position {far + 1} with {cosine[far]:.2f}."
            )
        )
    named = {f"position {number + 1}": cosine.tolist()}
    share_menu(
        "alike",
        python=partial(recipes.position_cosines, choice.model, subject.rotary, number),
        svg=lambda: charts.lines(named, across="position", up="cosine", title=title, first=1),
        shown=False,
        data={"position": list(range(1, len(cosine) + 1)), "cosine": cosine.tolist()},
        title=title,
    )
