"""The map component: the cloud travels once, packed; what changes travels with each run.

In: payloads of `pages.embeddings.map.picture`. Out, through callbacks: the id of the point that was
picked, an area, the camera once it rests (`pages.embeddings.map.cameras`), which costs a run but
draws nothing. plotly.js is not ours to send: the page must hold a Plotly chart of Streamlit, whose
copy of the library the map uses (measured: 4.8 MB that the browser keeps, against 4.8 MB with each
change of a component's data). `tests/browser` guards it and the bytes on the wire.
A map of many points needs none of it: `surface.js` draws that, whose code travels once a session.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from pages.embeddings.map import picture as space
from pages.pictures import palette
from pages.shell.components import script, styles

PACE = 700
"""Milliseconds a layer while the way through them is played."""


def space_map(
    cloud: Mapping[str, Any],
    *,
    key: str,
    axes: list[str],
    groups: list[dict[str, Any]],
    names: list[dict[str, Any]],
    flat: bool = False,
    dot: tuple[float, float] = (2.4, 0.5),
    paths: list[dict[str, Any]] | None = None,
    only: list[int] | None = None,
    lit: list[dict[str, Any]] | None = None,
    rings: list[dict[str, Any]] | None = None,
    frames: Mapping[str, list[list[float]]] | None = None,
    chosen: str | None = None,
    camera: str | None = None,
    on_camera: Callable[[str | None], None],
    on_pick: Callable[[str | None], None],
    on_area: Callable[[list[str]], None] | None = None,
    on_played: Callable[[int], None] | None = None,
    height: int = 600,
) -> None:
    """Draw a cloud with groups of marks above it; `on_pick(id)` is called before the next run.

    What comes back is text from a browser: check it against the current data. `dot` is the size and
    opacity of a point of the cloud. `only` leaves the other points of the cloud out of sight, `lit`
    (see `space.lit`) points some out; `rings` (see `space.pointed`) are what a lesson points at.
    With `on_area` a box or a line can be drawn around points:
    it gets their ids. With `frames`, for each mark its place after every layer, there is a play
    button, and `on_played` gets the last layer at the end.
    """

    def picking() -> None:
        point = _told(key, "pick").get("id")
        on_pick(point if isinstance(point, str) else None)

    def taking() -> None:
        if on_area is not None:
            on_area(area_ids(_told(key, "area"), str(cloud["ids"])))

    def played() -> None:
        layer = _told(key, "played").get("layer")
        if on_played is not None and isinstance(layer, int):
            on_played(layer)

    def resting() -> None:
        view = _told(key, "camera").get("view")
        on_camera(view if isinstance(view, str) else None)

    with st.container(gap=None):  # nothing of these is to be seen
        _cloud(key=f"{key}-cloud", data=cloud["packed"])
        _painters(key=f"{key}-painters")
        _surface(key=f"{key}-surface")
    told = [_told(key, name).get("seq") for name in ("pick", "area", "played", "camera")]
    _space(
        key=key,
        data={
            "cloud": cloud["digest"],
            "axes": axes,
            "marks": groups,
            "labels": names,
            "flat": flat,
            "dot": {"size": dot[0], "opacity": dot[1]},
            "paths": paths or [],
            "only": only,
            "chosen": chosen,
            "camera": camera or "",
            "colours": space.colours(),
            "height": height,
            "lit": lit or [],
            "rings": rings or [],
            "frames": frames,
            "pace": PACE,
            "select": on_area is not None,
            "seq": max((seq for seq in told if isinstance(seq, int)), default=0),
        },
        on_pick_change=picking,
        on_area_change=taking,
        on_played_change=played,
        on_camera_change=resting,
    )


def area_ids(told: Mapping[str, Any], prefix: str) -> list[str]:
    """The ids inside an area as the browser tells them: bits for the cloud, names for marks."""
    try:
        bits = np.frombuffer(base64.b64decode(str(told.get("bits", ""))), np.uint8)
    except ValueError:
        return []
    points = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
    named = told.get("ids")
    marks = [str(one)[:12] for one in named][:5000] if isinstance(named, list) else []
    return list(dict.fromkeys([*marks, *(f"{prefix}{i}" for i in points)]))


def _told(key: str, name: str) -> dict[str, Any]:
    """What the browser last reported under a name, or nothing."""
    told = dict(st.session_state.get(key) or {}).get(name)
    return told if isinstance(told, dict) else {}


_cloud = component("atlas_cloud", html="<div hidden></div>\n", js=script("cloud.js"))
_painters = component("atlas_painters", html="<div hidden></div>\n", js=script("painters.js"))
_surface = component("atlas_surface", html="<div hidden></div>\n", js=script("surface.js"))
_space = component(
    "atlas_space",
    html='<div class="space atlas"><div class="plot"></div>\n<div class="labels"></div>'
    '<svg class="ink" aria-hidden="true"><path/></svg><div class="tools" role="toolbar" '
    'aria-label="Map"></div><div class="note" role="status"></div></div>',
    css=palette.stylesheet() + "\n" + styles("space.css"),
    js=script("space.js"),
)
