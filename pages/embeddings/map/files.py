"""The map of a vector space as files: an SVG, and a Plotly figure for a web page of its own.

In: what the map on the screen was given (`Shown`). Out: the same map, seen from the same side, with
its colors, legend and title. Knows nothing of models or pages.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from pages.embeddings.map import cameras
from pages.embeddings.map import picture as space
from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, esc, label, tag

WIDTH, HEIGHT = 900.0, 640.0


@dataclass(frozen=True)
class Shown:
    """What the map on the screen was given (see `component.space_map`), so that a file shows that.

    `classes` are the places of the cloud's points in its legend.
    """

    cloud: Mapping[str, Any]
    places: Float[np.ndarray, "point axis"]
    classes: UInt8[np.ndarray, "point"]
    groups: Sequence[Mapping[str, Any]]
    names: Sequence[Mapping[str, Any]]
    axes: Sequence[str]
    flat: bool
    camera: str | None = None
    paths: Sequence[Mapping[str, Any]] = ()
    only: Sequence[int] | None = None
    lit: Sequence[Mapping[str, Any]] = ()
    rings: Sequence[Mapping[str, Any]] = ()

    def rows(self, number: int) -> np.ndarray:
        """The points in sight of one class."""
        rows = np.flatnonzero(self.classes == number)
        return rows if self.only is None else rows[np.isin(rows, np.array(self.only, dtype=int))]

    def pointed_out(self, one: Mapping[str, Any]) -> np.ndarray:
        """The points that an entry of `lit` points out."""
        bits = np.unpackbits(
            np.frombuffer(base64.b64decode(one["bits"]), np.uint8), bitorder="little"
        )
        rows = np.flatnonzero(bits[: len(self.places)])
        return rows if self.only is None else rows[np.isin(rows, np.array(self.only, dtype=int))]


def drawing(shown: Shown, title: str) -> str:
    """The map as an SVG: an image for each class of the cloud, marks and names as shapes.

    A deep map is seen from the side of its camera.
    """
    seen = None if shown.flat else cameras.camera(shown.camera)
    across = _across(shown.places, seen)
    marked = [_across(_places(group["places"]), seen) for group in shown.groups]
    span = max(float(np.abs(spots).max(initial=1e-9)) for spots in (across, *marked))
    scale = (min(WIDTH, HEIGHT) / 2 - 30) / span
    parts = [
        _density(across[shown.rows(number)] * scale, entry["colour"][0])
        for number, entry in enumerate(shown.cloud["legend"])
    ]
    parts.append(_axes(shown.axes, seen, reach=float(span * scale)))
    for path in shown.paths:
        way = [_on_paper(spot) for spot in _across(_places(path["places"]), seen) * scale]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
        parts.append(
            tag("polyline", points=points, fill="none", stroke=path["colour"][0],
                stroke_width=path["width"], stroke_opacity=0.6)
        )  # fmt: skip
    for one in shown.lit:
        for row in shown.pointed_out(one):
            parts.append(_dot("", across[row] * scale, one["colour"][0], size=one["size"]))
    for group, spots in zip(shown.groups, marked, strict=True):
        hues = [hue[0] for hue in group["colours"] or [group["colour"]] * len(spots)]
        for point, spot, hue in zip(group["ids"], spots, hues, strict=True):
            parts.append(_dot(point, spot * scale, hue, size=group["size"]))
    for ring in shown.rings:
        parts.append(_ring(ring["name"], _across(_places([ring["place"]]), seen)[0] * scale))
    for name in shown.names:
        x, y = _on_paper(_across(_places([name["place"]]), seen)[0] * scale)
        strong = 400 if name["kind"] == "near" else 600
        parts.append(
            label(name["text"], x, y - 9, size=13, mono=True, text_anchor="middle",
                  font_weight=strong)
        )  # fmt: skip
    parts.append(label(title, 12, 24, size=16, font_weight=600))
    parts += _legend(_entries(shown))
    return document(WIDTH, HEIGHT, parts, title)


def _dot(point: str, spot: np.ndarray, hue: str, *, size: float) -> str:
    x, y = _on_paper(spot)
    return tag(
        "circle", cx=x, cy=y, r=size * 0.75, fill=hue, stroke=palette.PAPER, data_id=point or None
    )


def _ring(name: str, spot: np.ndarray) -> str:
    """What a lesson points at: its outline is that of all pictures."""
    x, y = _on_paper(spot)
    return tag(
        "circle",
        class_="pointed",
        data_highlight=name,
        cx=x,
        cy=y,
        r=15.0,
        fill="none",
        stroke=palette.HIGHLIGHT,
        stroke_width=3,
        stroke_dasharray="7 4",
    )


def _on_paper(spot: np.ndarray) -> tuple[float, float]:
    return float(WIDTH / 2 + spot[0]), float(HEIGHT / 2 - spot[1])


def _entries(shown: Shown) -> list[tuple[str, str]]:
    """Name and color of everything that has a name and points."""
    cloud = [
        (entry["name"], entry["colour"][0])
        for number, entry in enumerate(shown.cloud["legend"])
        if entry["name"] and len(shown.rows(number))
    ]
    lit = [(one["name"], one["colour"][0]) for one in shown.lit]
    return (
        cloud + lit + [(g["name"], g["colour"][0]) for g in shown.groups if g["name"] and g["ids"]]
    )


def _legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    parts: list[str] = []
    for row, (name, hue) in enumerate(entries):
        y = 50.0 + 20 * row
        parts.append(tag("circle", cx=18.0, cy=y - 4, r=5.0, fill=hue))
        parts.append(label(name, 30, y, size=12.5))
    return parts


def _places(found: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array(found, dtype=np.float32).reshape(-1, 3)


def _across(places: np.ndarray, camera: cameras.Camera | None) -> np.ndarray:
    """Where places are on paper: the first two axes, or as the camera sees them."""
    return places[:, :2] if camera is None else camera.across(places)


def _density(across: np.ndarray, colour: str) -> str:
    """Points of one class as an image: the more of them, the darker."""
    if not len(across):
        return ""
    cells = (320, 450)
    rows = np.clip((HEIGHT / 2 - across[:, 1]) / HEIGHT * cells[0], 0, cells[0] - 1).astype(int)
    columns = np.clip((WIDTH / 2 + across[:, 0]) / WIDTH * cells[1], 0, cells[1] - 1).astype(int)
    grid = np.zeros(cells, dtype=np.float32)
    np.add.at(grid, (rows, columns), 1)
    return raster(
        np.minimum(grid, 3),
        x=0,
        y=0,
        width=WIDTH,
        height=HEIGHT,
        colour=colour,
        scale="sqrt",
    )


def _axes(axes: Sequence[str], camera: cameras.Camera | None, *, reach: float) -> str:
    ends = np.eye(3)[: 2 if camera is None else 3]
    parts: list[str] = []
    for name, end in zip(axes, _across(ends, camera), strict=False):
        x, y = WIDTH / 2 + end[0] * reach, HEIGHT / 2 - end[1] * reach
        parts.append(
            tag("line", x1=WIDTH / 2, y1=HEIGHT / 2, x2=float(x), y2=float(y), stroke=palette.LINE)
        )
        parts.append(label(name, x, y, size=12, fill=palette.MUTED, text_anchor="middle"))
    return tag("g", parts, keep=True)


def figure(shown: Shown, title: str) -> go.Figure:
    """The map as a Plotly figure, for a web page of its own; it begins at `camera`."""
    flat, texts = shown.flat, {name["id"]: esc(name["text"]) for name in shown.names}
    traces = []
    for number, entry in enumerate(shown.cloud["legend"]):
        rows = shown.rows(number)
        if len(rows):
            dots = {"size": 2.5, "color": entry["colour"][0], "opacity": 0.5}
            told = [esc(shown.cloud["names"][i]) for i in rows]
            traces.append(_points(shown.places[rows], flat, entry["name"], told, dots))
    for one in shown.lit:
        rows = shown.pointed_out(one)
        dots = {"size": one["size"], "color": one["colour"][0], "symbol": one["symbol"]}
        told = [esc(shown.cloud["names"][i]) for i in rows]
        traces.append(_points(shown.places[rows], flat, one["name"], told, dots))
    for path in shown.paths:
        line = {"color": path["colour"][0], "width": path["width"]}
        way = _places(path["places"])
        traces.append(
            _trace(way, flat, mode="lines", line=line, showlegend=False, hoverinfo="skip")
        )
    for group in shown.groups:
        if group["ids"]:
            hues = [hue[0] for hue in group["colours"]] if group["colours"] else group["colour"][0]
            dots = {"size": group["size"], "color": hues, "symbol": group["symbol"]}
            names = [texts.get(point, "") for point in group["ids"]]
            spots = _places(group["places"])
            traces.append(_points(spots, flat, group["name"], group["texts"], dots, names=names))
    if shown.rings:
        ring = {"size": 20, "color": space.pair(palette.HIGHLIGHT)[0], "symbol": "circle-open"}
        spots = _places([one["place"] for one in shown.rings])
        told = [f"The lesson points here: {esc(one['name'])}" for one in shown.rings]
        traces.append(_points(spots, flat, "what the lesson points at", told, ring))
    titles = zip(("xaxis", "yaxis", "zaxis"), shown.axes, strict=False)
    scene: dict[str, Any] = {name: {"title": {"text": esc(text)}} for name, text in titles}
    if flat:
        scene.pop("zaxis", None)
        scene["yaxis"]["scaleanchor"] = "x"
    else:
        camera = cameras.camera(shown.camera).plotly()
        scene = {"scene": scene | {"aspectmode": "data", "camera": camera}}
    head = {"title": {"text": esc(title)}, "margin": {"l": 10, "r": 10, "t": 50, "b": 10}}
    return go.Figure(traces, scene | head | {"legend": {"itemsizing": "constant"}})


def _points(
    places: np.ndarray,
    flat: bool,
    name: str,
    told: Sequence[str],
    dots: Mapping[str, Any],
    *,
    names: Sequence[str] | None = None,
) -> Any:
    return _trace(
        places,
        flat,
        name=esc(name),
        showlegend=bool(name),
        mode="markers" if names is None else "markers+text",
        text=names,
        textposition="top center",
        hovertext=told,
        hoverinfo="text",
        marker=dict(dots),
    )


def _trace(places: np.ndarray, flat: bool, **given: Any) -> Any:
    columns = _columns(places)
    if not flat:
        return go.Scatter3d(**columns, **given)
    return go.Scatter(x=columns["x"], y=columns["y"], **given)


def _columns(places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: places[:, k] for k, name in enumerate("xyz")}
