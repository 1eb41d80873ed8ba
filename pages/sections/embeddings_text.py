"""The tokens of one or more sentences on their way through the layers, on one map that stays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from engine import projection
from engine.errors import EmptyText
from engine.projection import Measure, Neighbours, Projection
from engine.values import Hidden, Reading
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.link import typed
from pages.shell.share import share_menu
from pages.shell.space import space_map
from pages.views import neighbours as lists
from pages.views import palette, space, space_charts
from pages.views import tokens as chips
from pages.views.svg import visible

NEAR = 12
SENTENCES = 6
OTHERS = "She put all her money in the bank.\nThey sat on the bank of the river."


@dataclass(frozen=True)
class Crowd:
    """The tokens of all sentences together; point i has the id `t<i>`."""

    states: np.ndarray  # [layers + 1, token, width]
    names: list[str]
    sentence: list[int]
    place: list[int]


@dataclass(frozen=True)
class Look:
    """What the controls say."""

    flat: bool
    unit: bool
    trails: bool
    measure: Measure
    after: int


def embeddings_text(choice: Choice) -> None:
    """Draw the way of the tokens through the layers."""
    if not choice.text.strip():
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    readings = _readings(choice)
    crowd = _crowd([cache.hidden(reading) for reading in readings])
    look = _controls(crowd)
    fitted = cache.crowd_map(readings, look.unit)
    places = fitted.coordinates[:, :3].reshape(*crowd.states.shape[:2], 3)
    legal = {f"t{i}" for i in range(len(crowd.names))}
    point = selection("token", lambda ids: ids in legal, name="token")
    found = _near(crowd, look, point)
    left, right = st.columns([3, 1.15], gap="medium")
    with left:
        _map(choice, crowd, look, fitted, places, point, found)
    with right:
        _list(crowd, look, point, found)
    with st.expander("The numbers as a table"):
        st.dataframe(_table(crowd, places), hide_index=True, height=320)


def _readings(choice: Choice) -> tuple[Reading, ...]:
    """The page's text and up to five further sentences, one a line."""
    typed("others")
    others = st.text_area(
        "More sentences, one a line: the same word elsewhere",
        key="others",
        bind="query-params",
        placeholder=OTHERS,
        height=84,
        max_chars=1000,
    )
    lines = [line.strip() for line in (others or "").splitlines() if line.strip()]
    if len(lines) >= SENTENCES:
        st.caption(f"The first {SENTENCES - 1} of {len(lines)} further sentences are drawn.")
    return tuple(Reading(choice.model, text) for text in [choice.text, *lines[: SENTENCES - 1]])


def _crowd(read: list[Hidden]) -> Crowd:
    names, sentence, place = [], [], []
    for number, hidden in enumerate(read):
        for i in range(len(hidden.tokens)):
            names.append(chips.face(hidden.tokens, i))
            sentence.append(number)
            place.append(i)
    return Crowd(np.concatenate([h.states for h in read], axis=1), names, sentence, place)


def _controls(crowd: Crowd) -> Look:
    checked("map", ["3-D", "2-D"], name="map")
    checked("measure", list(projection.MEASURES), name="measure")
    last = len(crowd.states) - 1
    checked("after", range(last + 1), default=0, name="after")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        flat = st.segmented_control(
            "Map", ["3-D", "2-D"], key="map", bind="query-params", default="3-D", required=True
        )
        measure = st.segmented_control(
            "Nearness",
            projection.MEASURES,
            key="measure",
            bind="query-params",
            default="cosine",
            required=True,
        )
        checked("directions", [True, False], default=True, shown=lambda on: str(on).lower())
        checked("trails", [True, False], default=True, shown=lambda on: str(on).lower())
        unit = st.toggle(
            "Directions only",
            key="directions",
            bind="query-params",
            value=True,
            help="All vectors at length 1, as the cosine sees them. Off: with their own lengths.",
        )
        trails = st.toggle(
            "Trails",
            key="trails",
            bind="query-params",
            value=True,
            help="The way of each token from what enters layer 1 to the layer chosen.",
        )
    after = st.slider(
        "After layer",
        0,
        last,
        key="after",
        bind="query-params",
        help="0 is what enters layer 1. The map is fitted over all layers at once, so it stays.",
    )
    return Look(flat == "2-D", unit, trails, cast("Measure", measure), after)


def _near(crowd: Crowd, look: Look, point: str | None) -> Neighbours | None:
    if point is None:
        return None
    number = int(point[1:])
    here = projection.prepared(crowd.states[look.after])
    return projection.neighbours(
        here, here.vectors[number], NEAR, measure=look.measure, without=[number]
    )


def _colour(sentence: int) -> space.Pair:
    return space.pair(palette.CATEGORIES[sentence % len(palette.CATEGORIES)])


def _map(
    choice: Choice,
    crowd: Crowd,
    look: Look,
    fitted: Projection,
    places: np.ndarray,
    point: str | None,
    found: Neighbours | None,
) -> None:
    here = places[look.after]
    own = [
        space.Mark(f"t{i}", tuple(here[i]), name, _where(crowd, i))
        for i, name in enumerate(crowd.names)
    ]
    groups = [
        space.marks(
            f"sentence {number + 1}",
            [mark for mark, s in zip(own, crowd.sentence, strict=True) if s == number],
            colours=[_colour(number)] * crowd.sentence.count(number),
            colour=palette.CATEGORIES[number % len(palette.CATEGORIES)],
        )
        for number in range(max(crowd.sentence) + 1)
    ]
    chosen = [mark for mark in own if mark.id == point]
    near = [] if found is None else [own[int(i)] for i in found.indices[:4]]
    groups.append(space.marks("", chosen, colour=palette.ACCENT, size=11))
    layers = np.repeat(np.arange(len(places)), places.shape[1]).astype(np.uint8)
    legend = [space.Legend("", space.band(k / max(len(places) - 1, 1))) for k in range(len(places))]
    flat_places = places.reshape(-1, 3)
    names = [name for _ in range(len(places)) for name in crowd.names]
    cloud = space.cloud(flat_places, names, layers, legend, ids="p")
    axes = space.axis_names(fitted)
    space_map(
        cloud,
        key="text-map",
        axes=axes,
        flat=look.flat,
        groups=groups,
        names=[
            *space.labels(chosen, "chosen"),
            *space.labels([m for m in near if m.id != point], "own"),
            *space.labels([m for m in own if m.id != point and m not in near], "own"),
        ],
        paths=_trails(crowd, places, look, point) if look.trails else [],
        only=[],
        chosen=point,
        on_pick=partial(select, "token"),
    )
    quality = _quality(crowd, look, here)
    told = space.told(
        fitted, places.shape[0] * places.shape[1], choice.card.width, quality, look.flat
    )
    st.caption(plain(told))
    share_menu(
        "map",
        svg=space.drawing(flat_places, own, [], axes, flat=look.flat),
        shown=False,
        figure=lambda: space.figure(cloud, flat_places, layers, own, axes),
        data=lambda: _table(crowd, places),
        title=f"Tokens after layer {look.after} of {choice.card.title}",
    )


def _where(crowd: Crowd, i: int) -> str:
    return f"{crowd.names[i]}\ntoken {crowd.place[i] + 1} of sentence {crowd.sentence[i] + 1}"


def _trails(
    crowd: Crowd, places: np.ndarray, look: Look, point: str | None
) -> list[dict[str, object]]:
    """The way of each token so far; of the picked one alone where one is picked."""
    if look.after == 0:
        return []
    which = range(len(crowd.names)) if point is None else [int(point[1:])]
    return [
        {
            "places": places[: look.after + 1, i].round(5).tolist(),
            "colour": _colour(crowd.sentence[i]),
            "width": 2 if point is None else 4,
        }
        for i in which
    ]


def _quality(crowd: Crowd, look: Look, here: np.ndarray) -> projection.Quality | None:
    states = crowd.states[look.after]
    size = min(10, (len(states) - 1) // 2 - 1)
    if size < 1:
        return None
    vectors = projection.unit(states) if look.unit else states
    return projection.quality(vectors, here[:, : 2 if look.flat else 3], size=size)


def _list(crowd: Crowd, look: Look, point: str | None, found: Neighbours | None) -> None:
    if point is None or found is None:
        st.markdown("**Pick a token** on the map, or here:")
        with st.container(horizontal=True, gap="xsmall"):
            for i in range(min(len(crowd.names), 40)):
                st.button(
                    plain(crowd.names[i]),
                    key=f"pick-{i}",
                    on_click=select,
                    args=("token", f"t{i}"),
                )
    else:
        name = crowd.names[int(point[1:])]
        st.markdown(f"**{plain(name)}** and the tokens nearest to it after layer {look.after}")
        ids = [int(i) for i in found.indices]
        listed = lists.Listed([f"t{i}" for i in ids], [_short(crowd, i) for i in ids])
        svg = lists.neighbour_list(found, listed, look.measure)
        picture(svg, key="near", alt=f"Tokens nearest to {name}", on_lock=partial(select, "token"))
        strip = lists.strip(crowd.states[look.after][int(point[1:])], f"The vector of {name}")
        picture(strip, key="strip", alt=f"The numbers of the vector of {visible(name)}")
        share_menu(
            "neighbours", svg=svg, data=lists.table(found, listed), title=f"Neighbours of {name}"
        )
        st.button("Let go of the token", on_click=select, args=("token", None))
    _drift(crowd, point)


def _short(crowd: Crowd, i: int) -> str:
    if max(crowd.sentence):
        return f"{crowd.names[i]} ({crowd.sentence[i] + 1}:{crowd.place[i] + 1})"
    return f"{crowd.names[i]} ({crowd.place[i] + 1})"


def _drift(crowd: Crowd, point: str | None) -> None:
    """How alike two tokens are, layer by layer: those of one spelling, or all to their start."""
    number = 0 if point is None else int(point[1:])
    twins = [
        i
        for i, name in enumerate(crowd.names)
        if i != number and name.strip("·").casefold() == crowd.names[number].strip("·").casefold()
    ]
    if point is None:
        pairs = space_charts.twins(crowd.names)
        lines = {
            f"{crowd.names[a].strip('·')} {_tag(crowd, a)} and {_tag(crowd, b)}": (a, b)
            for a, b in pairs
        }
    else:
        lines = {f"{_tag(crowd, number)} and {_tag(crowd, i)}": (number, i) for i in twins[:6]}
    start = {} if lines else {"all tokens and where they began": None}
    values = {
        name: [float(projection.distances(s[[a]], s[b])[0][0]) for s in crowd.states]
        for name, (a, b) in lines.items()
    }
    for name in start:
        first = crowd.states[0]
        values[name] = [
            float(
                np.mean([projection.distances(s[[i]], first[i])[0][0] for i in range(len(first))])
            )
            for s in crowd.states
        ]
    st.markdown("**How alike, layer by layer**" if lines else "**How far from where they began**")
    st.plotly_chart(space_charts.over_layers(values), key="drift", config={"displayModeBar": False})
    st.caption(plain(space_charts.drift_told(values)))


def _tag(crowd: Crowd, i: int) -> str:
    return f"({crowd.sentence[i] + 1}:{crowd.place[i] + 1})"


def _table(crowd: Crowd, places: np.ndarray) -> dict[str, list[str | int | float]]:
    layers, count = places.shape[:2]
    table: dict[str, list[str | int | float]] = {
        "after layer": [k for k in range(layers) for _ in range(count)],
        "sentence": [s + 1 for _ in range(layers) for s in crowd.sentence],
        "token": [p + 1 for _ in range(layers) for p in crowd.place],
        "text": [name for _ in range(layers) for name in crowd.names],
    }
    flat = places.reshape(-1, 3).round(5)
    return table | {name: flat[:, k].tolist() for k, name in enumerate("xyz")}
