"""The map of a vector space: points, marks, labels, and the words beside them.

In: coordinates, names and classes of points. Out: plain dictionaries that `assets/components`
`cloud.js` (the many points, sent once) and `space.js` (what changes) draw, an SVG and a Plotly
figure of the same map for files. A point of the cloud has the id prefix + number (`v12`).
Colours are pairs (light, dark). Knows nothing of models or pages.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from engine.projection import Projection, Quality
from engine.vocabulary import KINDS, Vocabulary
from pages.views import palette
from pages.views.svg import document, esc, label, raster, tag, visible

Pair = tuple[str, str]
COLOURS = (
    "Kind of piece",
    "Order in the vocabulary",
    "Length of the piece",
    "Length of the vector",
)
BANDS = 6
NAME = 24


@dataclass(frozen=True, slots=True)
class Legend:
    """One class of points: its name and its colour in light and dark."""

    name: str
    colour: Pair


@dataclass(frozen=True, slots=True)
class Mark:
    """One point drawn above the cloud: a token of the text, a neighbour, the chosen one."""

    id: str
    place: tuple[float, float, float]
    text: str
    hover: str = ""


def pair(colour: str) -> Pair:
    """A palette constant's two values."""
    return palette.hexadecimal(colour), palette.hexadecimal(colour, dark=True)


def band(share: float, *, low: str = palette.BAR, high: str = palette.CHOSEN) -> Pair:
    """A colour between two palette constants: `share` 0 is `low`, 1 is `high`."""
    ends = zip(pair(low), pair(high), strict=True)
    first, second = (_between(a, b, share) for a, b in ends)
    return first, second


def _between(low: str, high: str, share: float) -> str:
    pairs = ((int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


# ---------------------------------------------------------------------------- classes


def classes(
    whole: Vocabulary, lengths: Float[np.ndarray, "point"], colour: str
) -> tuple[UInt8[np.ndarray, "point"], list[Legend]]:
    """The class of every token of a vocabulary under one of `COLOURS`, and the legend."""
    if colour == COLOURS[0]:
        legend = [Legend(name, pair(palette.CATEGORIES[k])) for k, name in enumerate(KINDS)]
        return whole.kinds, legend
    if colour == COLOURS[1]:
        return banded(np.arange(len(whole)), "id {low:,.0f}–{high:,.0f}")
    if colour == COLOURS[2]:
        sizes = np.minimum(whole.sizes, BANDS)
        names = ["1 character", *(f"{n}" for n in range(2, BANDS)), f"{BANDS} and more"]
        legend = [Legend(name, band(k / (BANDS - 1))) for k, name in enumerate(names)]
        return (np.maximum(sizes, 1) - 1).astype(np.uint8), legend
    return banded(lengths, "{low:.2f}–{high:.2f}")


def banded(values: np.ndarray, words: str) -> tuple[UInt8[np.ndarray, "point"], list[Legend]]:
    """Values in at most `BANDS` classes of equal size, each named by its ends."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BANDS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    count = len(edges) - 1
    found = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, count - 1)
    legend = [
        Legend(words.format(low=edges[k], high=edges[k + 1]), band(k / max(count - 1, 1)))
        for k in range(count)
    ]
    return found.astype(np.uint8), legend


# ---------------------------------------------------------------------------- for the browser


def cloud(
    places: Float[np.ndarray, "point axis"],
    names: Sequence[str],
    groups: UInt8[np.ndarray, "point"],
    legend: Sequence[Legend],
    *,
    ids: str = "v",
) -> dict[str, Any]:
    """The points of a map as they travel: 6 bytes of place, 1 of class and a short name each."""
    reach = float(np.abs(places).max(initial=0)) or 1.0
    scale = reach / 32767
    whole = np.round(places / scale).astype("<i2")
    short = [visible(name, limit=NAME) for name in names]
    told = [(entry.name, entry.colour) for entry in legend]
    proof = hashlib.blake2b(
        whole.tobytes() + groups.tobytes() + repr((short, told, ids)).encode(), digest_size=12
    )
    return {
        "digest": proof.hexdigest(),
        "places": base64.b64encode(whole.tobytes()).decode(),
        "scale": scale,
        "classes": base64.b64encode(groups.tobytes()).decode(),
        "names": short,
        "legend": [{"name": name, "colour": colour} for name, colour in told],
        "ids": ids,
    }


def marks(
    name: str,
    found: Sequence[Mark],
    *,
    colour: str = palette.CHOSEN,
    colours: Sequence[Pair] | None = None,
    size: float = 7,
    symbol: str = "circle",
) -> dict[str, Any]:
    """A group of marks as the map draws it."""
    return {
        "name": name,
        "ids": [mark.id for mark in found],
        "places": [[round(float(v), 5) for v in mark.place] for mark in found],
        "texts": [esc(mark.hover or mark.text).replace("\n", "<br>") for mark in found],
        "colour": pair(colour),
        "colours": colours,
        "size": size,
        "symbol": symbol,
    }


def labels(found: Sequence[Mark], kind: str) -> list[dict[str, Any]]:
    """Names that should stand on the map: `own`, `near` or `chosen`; the first go first."""
    return [
        {
            "id": mark.id,
            "place": [round(float(v), 5) for v in mark.place],
            "text": visible(mark.text, limit=NAME),
            "kind": kind,
        }
        for mark in found
    ]


def lit(
    name: str,
    points: Sequence[int],
    count: int,
    *,
    colour: str = palette.ACCENT,
    size: float = 5,
    symbol: str = "circle",
) -> dict[str, Any]:
    """Some of the `count` points of a cloud, pointed out: one bit a point travels."""
    chosen = np.zeros(count, dtype=bool)
    chosen[list(points)] = True
    packed = np.packbits(chosen, bitorder="little").tobytes()
    return {
        "name": name,
        "bits": base64.b64encode(packed).decode(),
        "colour": pair(colour),
        "size": size,
        "symbol": symbol,
    }


def betrayed(quality: Quality, most: int = 30) -> list[int]:
    """The points (of those looked at) that keep the fewest of their true neighbours on the map."""
    order = np.argsort(quality.kept, kind="stable")[:most]
    return [int(quality.rows[i]) for i in order if quality.kept[i] < quality.size]


def axis_names(projection: Projection, name: str = "PC") -> list[str]:
    """ "PC 1 · 21.9 %" for each axis."""
    return [
        f"{name} {k + 1} · {100 * share:.1f} %" for k, share in enumerate(projection.explained[:3])
    ]


def colours() -> dict[str, Pair]:
    """What the map itself is painted with."""
    return {
        "ink": pair(palette.INK),
        "muted": pair(palette.MUTED),
        "line": pair(palette.LINE),
        "paper": pair(palette.PAPER),
    }


# ---------------------------------------------------------------------------- words


def told(
    projection: Projection, points: int, width: int, quality: Quality | None, flat: bool
) -> str:
    """How much of the truth is on this map, in plain text."""
    axes = 2 if flat else 3
    share = 100 * float(projection.explained[:axes].sum())
    lines = [
        f"{points:,} vectors of {width:,} numbers, drawn on the {'two' if flat else 'three'} "
        f"directions in which they differ most: {share:.0f} % of the variance is in sight."
    ]
    if quality is not None:
        kept = float(quality.kept.mean())
        lines.append(
            f"Of a point's {quality.size} true neighbours {kept:.1f} are also among its nearest "
            f"on the map (trustworthiness {quality.trustworthiness:.2f}, "
            f"continuity {quality.continuity:.2f})."
        )
    lines.append(f"Distances in {axes}-D are approximate; the list uses the real space.")
    return " ".join(lines)


# ---------------------------------------------------------------------------- files

WIDTH, HEIGHT = 900.0, 640.0


def drawing(
    places: Float[np.ndarray, "point axis"],
    own: Sequence[Mark],
    near: Sequence[Mark],
    axes: Sequence[str],
    *,
    flat: bool,
) -> str:
    """The map as an SVG: the cloud as one image, marks and their names as shapes."""
    across = _across(places, flat=flat)
    span = np.abs(across).max(initial=1e-9)
    spots = _across(_places([*own, *near]), flat=flat)
    span = max(span, float(np.abs(spots).max(initial=0)))
    scale = (min(WIDTH, HEIGHT) / 2 - 30) / span
    parts = [_density(across * scale), _axes(axes, flat=flat, reach=float(span * scale))]
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


def _across(places: np.ndarray, *, flat: bool) -> np.ndarray:
    """Where places are on paper: the first two axes, or the view from the map's first camera."""
    if flat:
        return places[:, :2]
    eye = np.array([1.05, 1.15, 0.75])
    back = eye / np.linalg.norm(eye)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    return places[:, :3] @ np.stack([right, np.cross(back, right)], axis=1)


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


def _axes(axes: Sequence[str], *, flat: bool, reach: float) -> str:
    ends = np.eye(3)[: 2 if flat else 3]
    parts: list[str] = []
    for name, end in zip(axes, _across(ends, flat=flat), strict=False):
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
) -> go.Figure:
    """The map as a Plotly figure, for a web page of its own."""
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
    scene = {name: {"title": {"text": title}} for name, title in titles.items()}
    return go.Figure(
        traces, {"scene": {"aspectmode": "data", **scene}, "margin": dict.fromkeys("lrtb", 0)}
    )


def _columns(places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: places[:, k] for k, name in enumerate("xyz")}
