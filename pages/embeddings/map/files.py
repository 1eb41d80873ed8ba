"""The map of a vector space as files: an SVG, and a Plotly figure for a web page of its own.

In: what `space` was given for the same map, and the camera it is looked at with. Out: the whole
map, seen from that side. Knows nothing of models or pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from pages.embeddings.map import cameras
from pages.embeddings.map.picture import NAME, Mark
from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, esc, label, tag, visible

WIDTH, HEIGHT = 900.0, 640.0


def drawing(
    places: Float[np.ndarray, "point axis"],
    own: Sequence[Mark],
    near: Sequence[Mark],
    axes: Sequence[str],
    *,
    flat: bool,
    camera: str | None = None,
) -> str:
    """The map as an SVG: the cloud as one image, marks and their names as shapes.

    A deep map is seen from the side of `camera` (see `cameras`), all of it in sight.
    """
    seen = None if flat else cameras.camera(camera)
    across = _across(places, seen)
    span = np.abs(across).max(initial=1e-9)
    spots = _across(_places([*own, *near]), seen)
    span = max(span, float(np.abs(spots).max(initial=0)))
    scale = (min(WIDTH, HEIGHT) / 2 - 30) / span
    parts = [_density(across * scale), _axes(axes, seen, reach=float(span * scale))]
    for number, (mark, spot) in enumerate(zip([*own, *near], spots, strict=True)):
        x, y = WIDTH / 2 + spot[0] * scale, HEIGHT / 2 - spot[1] * scale
        mine = number < len(own)
        dot = tag(
            "circle",
            cx=float(x),
            cy=float(y),
            r=5.5 if mine else 4.0,
            fill=palette.CHOSEN if mine else palette.KEPT,
            stroke=palette.PAPER,
        )
        name = label(visible(mark.text, limit=NAME), x, y - 9, size=13, mono=True,
                     text_anchor="middle", font_weight=600 if mine else None)  # fmt: skip
        parts.append(tag("g", dot + name, data_id=mark.id, data_tip=mark.hover or mark.text))
    return document(WIDTH, HEIGHT, parts, f"Map of {len(places):,} vectors")


def _places(found: Sequence[Mark]) -> np.ndarray:
    return np.array([mark.place for mark in found], dtype=np.float32).reshape(-1, 3)


def _across(places: np.ndarray, camera: cameras.Camera | None) -> np.ndarray:
    """Where places are on paper: the first two axes, or as the camera sees them."""
    return places[:, :2] if camera is None else camera.across(places)


def _density(across: np.ndarray) -> str:
    """The cloud as an image: the more points, the darker."""
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
        colour=palette.MUTED,
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


def figure(
    payload: dict[str, Any],
    places: Float[np.ndarray, "point axis"],
    groups: UInt8[np.ndarray, "point"],
    own: Sequence[Mark],
    axes: Sequence[str],
    *,
    camera: str | None = None,
) -> go.Figure:
    """The map as a Plotly figure, for a web page of its own; it begins at `camera`."""
    traces = []
    for number, entry in enumerate(payload["legend"]):
        at = np.flatnonzero(groups == number)
        traces.append(
            go.Scatter3d(
                **_columns(places[at]),
                mode="markers",
                name=entry["name"],
                text=[esc(payload["names"][i]) for i in at],
                hoverinfo="text",
                marker={"size": 2.5, "color": entry["colour"][0], "opacity": 0.5},
            )
        )
    if own:
        traces.append(
            go.Scatter3d(
                **_columns(_places(own)),
                mode="markers+text",
                name="tokens of the text",
                text=[esc(visible(mark.text, limit=NAME)) for mark in own],
                marker={"size": 6, "color": palette.hexadecimal(palette.CHOSEN)},
            )
        )
    titles = dict(zip(("xaxis", "yaxis", "zaxis"), axes, strict=False))
    scene: dict[str, Any] = {name: {"title": {"text": title}} for name, title in titles.items()}
    scene |= {"aspectmode": "data", "camera": cameras.camera(camera).plotly()}
    return go.Figure(traces, {"scene": scene, "margin": dict.fromkeys("lrtb", 0)})


def _columns(places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: places[:, k] for k, name in enumerate("xyz")}
