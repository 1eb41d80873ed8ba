"""The tokens of one or more sentences on their way through the layers, on one map that stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine.errors import EmptyText
from engine.space import projection
from engine.space.projection import Measure, Neighbours, Projection, Quality
from engine.values import Reading
from pages.embeddings import controls, recipes
from pages.embeddings.after import check_after
from pages.embeddings.map import charts as space_charts
from pages.embeddings.map import files, panel, words
from pages.embeddings.map import neighbours as lists
from pages.embeddings.map import picture as space
from pages.embeddings.map.component import space_map
from pages.embeddings.through_layers import crowd as crowds
from pages.embeddings.through_layers.crowd import Crowd
from pages.pictures import charts, palette
from pages.shell.cache import engine
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.state import pointed_ids

NEAR = 12
SENTENCES = 6
BETRAYED = 8
OTHERS = "She put all her money in the bank.\nThey sat on the bank of the river."


@dataclass(frozen=True)
class Look:
    """What the controls say; `basis` is the layer whose own directions are drawn, or None."""

    flat: bool
    unit: bool
    trails: bool
    measure: Measure
    after: int
    colour: str
    basis: int | None


def embeddings_text(choice: Choice) -> None:
    """Draw the way of the tokens through the layers."""
    if not choice.text.strip():
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    room = st.container()  # the picture stands above its controls
    tuning, more = st.container(), st.container()
    with more:
        readings = _readings(choice)
    crowd = crowds.crowd(readings, [engine().hidden(reading) for reading in readings])
    with tuning:
        look = _controls(choice, crowd)
    fitted = engine().crowd_map(readings, look.unit, look.basis)
    places = fitted.coordinates[:, :3].reshape(*crowd.states.shape[:2], 3)
    legal = {f"t{i}" for i in range(len(crowd.names))}
    point = selection("token", legal.__contains__, name="token")
    area = panel.area("area", legal.__contains__)
    left, right = room.columns([3, 1.15], gap="medium")
    with right:
        told = ", ".join(crowd.short(int(one[1:])) for one in area[:12])
        alone = set(area) if panel.area_panel("area", area, told) else legal
        _list(crowd, look, point)
    with left:
        _map(choice, crowd, look, fitted, places, point, alone)
    numbers = st.expander("Table", key="crowd-table", on_change="rerun")
    if numbers.open:
        numbers.dataframe(crowds.table(crowd, places), hide_index=True, height=320)


def _readings(choice: Choice) -> tuple[Reading, ...]:
    """The page's text and up to five further sentences, one a line."""
    controls.OTHERS.check()
    others = st.text_area(
        controls.OTHERS.label,
        key=controls.OTHERS.key,
        bind="query-params",
        placeholder=OTHERS,
        height=84,
        max_chars=controls.OTHERS.longest,
    )
    lines = [line.strip() for line in (others or "").splitlines() if line.strip()]
    if len(lines) >= SENTENCES:
        st.caption(f"The first {SENTENCES - 1} of {len(lines)} further sentences are drawn.")
    return tuple(Reading(choice.model, text) for text in [choice.text, *lines[: SENTENCES - 1]])


def _controls(choice: Choice, crowd: Crowd) -> Look:
    controls.COLOR.check(controls.ORDERED)
    shared = (controls.MAP, controls.DISTANCE, controls.BASIS, controls.NORMALIZE)
    for control in (*shared, controls.TRAJECTORIES):
        control.check()
    check_after(choice, len(crowd.states) - 1, crowd.parting)
    after = controls.AFTER.draw(
        help="0 is the input of layer 1. Play on the map shows every layer."
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        flat, measure = controls.MAP.draw() == "2-D", controls.DISTANCE.draw()
        color, basis = controls.COLOR.draw(), controls.BASIS.draw()
        unit, trails = controls.NORMALIZE.draw(), controls.TRAJECTORIES.draw()
    own = after if basis == controls.THIS_LAYER else None
    return Look(flat, unit, trails, measure, after, str(color), own)


def _near(crowd: Crowd, look: Look, number: int) -> Neighbours:
    here = projection.prepared(crowd.states[look.after])
    return projection.neighbours(
        here, here.vectors[number], NEAR, measure=look.measure, without=[number]
    )


def _hues(crowd: Crowd, look: Look) -> list[space.Pair]:
    """A colour for each token: by its sentence, or by its place in it."""
    if look.colour == controls.ORDERED[0]:
        return [_hue(number) for number in crowd.sentence]
    last = max(*crowd.place, 1)
    return [space.band(place / last, low=palette.KEPT) for place in crowd.place]


def _hue(sentence: int) -> space.Pair:
    return space.pair(palette.CATEGORIES[sentence % len(palette.CATEGORIES)])


def _map(
    choice: Choice,
    crowd: Crowd,
    look: Look,
    fitted: Projection,
    places: np.ndarray,
    point: str | None,
    alone: set[str],
) -> None:
    here, hues = places[look.after], _hues(crowd, look)
    # Until somebody selects a token, the same word in two places is what to look at.
    twins = {f"t{i}" for i in crowd.twins[0]} if crowd.twins else set[str]()
    own = [
        space.Mark(f"t{i}", tuple(here[i]), name, crowd.where(i))
        for i, name in enumerate(crowd.shown)
        if f"t{i}" in alone
    ]
    chosen = [mark for mark in own if mark.id == point or (point is None and mark.id in twins)]
    near = _nearest(crowd, look, own, point)
    flat_places, axes = places.reshape(-1, 3), space.axis_names(fitted)
    layers = np.repeat(np.arange(len(places)), places.shape[1]).astype(np.uint8)
    legend = [space.Legend("", space.band(k / max(len(places) - 1, 1))) for k in range(len(places))]
    names = [name for _ in range(len(places)) for name in crowd.names]
    cloud = space.cloud(flat_places, names, layers, legend, ids="p")
    quality = _quality(crowd, look, here)
    room, below = st.container(), st.container()
    with below:
        lost = _betrayed(crowd, quality, own)
    with room:
        camera = panel.camera("layers-camera", flat=look.flat)
        marked = [
            *_groups(crowd, own, hues),
            space.marks(
                "worst preserved", lost, colour=palette.WRONG, size=14, symbol="circle-open"
            ),
            space.marks("", chosen, colour=palette.ACCENT, size=11),
        ]
        named = [
            *space.labels(chosen, "chosen"),
            *space.labels(near, "own"),
            *space.labels([m for m in own if m not in chosen and m not in near], "own"),
        ]
        rings = space.pointed(own, pointed_ids())
        paths = _trails(crowd, places, look, point, alone, hues) if look.trails else []
        space_map(
            cloud,
            key="text-map",
            axes=axes,
            flat=look.flat,
            groups=marked,
            names=named,
            paths=paths,
            only=[],
            rings=rings,
            frames={mark.id: places[:, int(mark.id[1:])].round(4).tolist() for mark in own},
            chosen=point,
            camera=camera,
            on_camera=partial(select, "layers-camera"),
            on_pick=partial(select, "token"),
            on_area=partial(panel.choose_area, "area"),
            on_played=_played,
        )
        told = space.told(fitted, len(flat_places), choice.card.width, quality, look.flat)
        st.caption(plain(told))
    title = f"Tokens after layer {look.after} of {choice.card.title}"
    shown = files.Shown(
        cloud,
        flat_places,
        layers,
        marked,
        named,
        axes,
        look.flat,
        camera,
        paths,
        only=[],
        rings=rings,
    )
    share_menu(
        "map",
        python=partial(recipes.through_layers, crowd.readings, unit=look.unit, basis=look.basis),
        svg=lambda: files.drawing(shown, title),
        shown=False,
        figure=lambda: files.figure(shown, title),
        data=lambda: crowds.table(crowd, places),
        vectors=lambda: panel.vector_table(
            [f"t{i}" for i in range(len(crowd.names))], crowd.names, crowd.states[look.after]
        ),
        title=title,
    )


def _played(layer: int) -> None:
    """The play ended at the last layer: the slider follows."""
    st.session_state["after"] = layer


def _groups(
    crowd: Crowd, own: Sequence[space.Mark], hues: Sequence[space.Pair]
) -> list[dict[str, Any]]:
    """The tokens, those of one sentence together."""
    groups = []
    for number in range(max(crowd.sentence) + 1):
        marks = [mark for mark in own if crowd.sentence[int(mark.id[1:])] == number]
        colours = [hues[int(mark.id[1:])] for mark in marks]
        colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
        name = f"sentence {number + 1}"
        groups.append(space.marks(name, marks, colours=colours, colour=colour))
    return groups


def _nearest(
    crowd: Crowd, look: Look, own: Sequence[space.Mark], point: str | None
) -> list[space.Mark]:
    """The marks nearest to the picked token: their names come first."""
    if point is None:
        return []
    ids = [f"t{i}" for i in _near(crowd, look, int(point[1:])).indices[:4]]
    return [mark for mark in own if mark.id in ids]


def _betrayed(crowd: Crowd, quality: Quality | None, own: Sequence[space.Mark]) -> list[space.Mark]:
    """The tokens that the map betrays most, where they are to be lit."""
    if quality is None or not _highlight():
        return []
    rows = space.betrayed(quality, BETRAYED)
    st.caption(plain(words.betrayed_told(crowd.shown, quality, rows)))
    lost = {f"t{i}" for i in rows}
    return [mark for mark in own if mark.id in lost]


def _highlight() -> bool:
    controls.WORST.check()
    return bool(controls.WORST.draw())


def _trails(
    crowd: Crowd,
    places: np.ndarray,
    look: Look,
    point: str | None,
    alone: set[str],
    hues: Sequence[space.Pair],
) -> list[dict[str, object]]:
    """The way of each token so far; of the picked one alone where one is picked."""
    if look.after == 0:
        return []
    which = sorted(alone) if point is None else [point]
    first = crowd.twins[0] if crowd.twins else ()
    return [
        {
            "places": places[: look.after + 1, i].round(5).tolist(),
            "colour": hues[i],
            "width": 4 if point is not None or i in first else 2,
        }
        for i in (int(one[1:]) for one in which)
    ]


def _quality(crowd: Crowd, look: Look, here: np.ndarray) -> Quality | None:
    states = crowd.states[look.after]
    size = min(10, (len(states) - 1) // 2 - 1)
    if size < 1:
        return None
    vectors = projection.unit(states) if look.unit else states
    return projection.quality(vectors, here[:, : 2 if look.flat else 3], size=size)


def _list(crowd: Crowd, look: Look, point: str | None) -> None:
    pairs, values = crowds.drift(crowd, None if point is None else int(point[1:]))
    st.caption(plain(space_charts.drift_told(values)))
    if point is None:
        st.markdown("**Select a token** on the map, or here:")
        with st.container(horizontal=True, gap="xsmall"):
            for i in range(min(len(crowd.names), 40)):
                st.button(
                    plain(crowd.shown[i]),
                    key=f"pick-{i}",
                    on_click=select,
                    args=("token", f"t{i}"),
                )
    else:
        number = int(point[1:])
        name, found = crowd.shown[number], _near(crowd, look, number)
        st.markdown(f"**{plain(name)}** and its nearest neighbors after layer {look.after}")
        ids = [int(i) for i in found.indices]
        listed = lists.Listed(
            [f"t{i}" for i in ids], [crowd.short(i) for i in ids], [crowd.contexts[i] for i in ids]
        )
        told = "There is no other token."
        if ids:
            told = (
                f"Nearest is {crowd.short(ids[0])}: cosine {found.cosine[0]:.2f}, "
                f"{found.degrees[0]:.0f}°."
            )
        vector = crowd.states[look.after][number]
        panel.near_list(
            "token",
            found,
            listed,
            look.measure,
            vector,
            python=partial(
                recipes.crowd_neighbors, crowd.readings, look.after, number, look.measure
            ),
            name=name,
            told=told,
        )
    _drift(crowd, values, pairs)


def _drift(crowd: Crowd, values: dict[str, list[float]], pairs: Sequence[tuple[int, int]]) -> None:
    """How alike two tokens are, layer by layer: those of one spelling, or all to their start."""
    title = "Cosine similarity by layer" if pairs else "Cosine similarity to the input of layer 1"
    st.markdown(f"**{title}**")
    chart = space_charts.over_layers(values, dark=panel.dark())
    st.plotly_chart(chart, key="drift", config=space_charts.CONFIG)
    share_menu(
        "drift",
        python=partial(recipes.drift, crowd.readings, pairs),
        svg=lambda: charts.lines(values, across="after layer", up="cosine", title=title),
        shown=False,
        data=lambda: {"after layer": list(range(len(crowd.states))), **values},
        title=title,
    )
