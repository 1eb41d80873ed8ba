"""All heads at a glance: one small picture a head, layers down the side, heads along the top.

In: the weights of every head (averaged in blocks for long texts), which cells are open, and
optionally a measure to sort by. Out: an SVG string whose targets are `h1.1, h1.2, ..` (layer and
head counted from 1). Each picture has its own darkest value, so that faint heads show their
shape too. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float

from engine.attention.transforms import blocks
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import top_value

CELLS = 32
LEFT, TOP = 46.0, 44.0
NARROW = 340.0  # pixels of the narrowest place the grid stands in
GAP = 4.0  # so that twelve heads side by side fit on a telephone


@dataclass(frozen=True, slots=True)
class Ranking:
    """Heads in an order: `heads` as (layer, head) counted from 0, with the value of each."""

    title: str
    heads: tuple[tuple[int, int], ...]
    values: tuple[float, ...]


def head_grid(
    weights: Float[np.ndarray, "layer head row column"],
    open_cells: Bool[np.ndarray, "row column"],
    *,
    title: str,
    chosen: tuple[int, int] | None = None,
    off: frozenset[tuple[int, int]] = frozenset(),
    groups: int = 1,
    ranking: Ranking | None = None,
    says: Mapping[tuple[int, int], str] = MappingProxyType({}),
    pictures: Sequence[str] | None = None,
) -> str:
    """The grid, or the pictures in the order of a ranking with the value under each.

    `groups` is how many query heads share one key head; `off` are ablated heads; `says` is
    what a head does, for its tooltip; `pictures` are `thumbnails` kept from an earlier drawing.
    """
    layers, heads = weights.shape[:2]
    size = side(heads)
    drawings = pictures or thumbnails(weights, open_cells)
    step = size + GAP
    places = _places(layers, heads, step, ranking)
    width = max((x for x, _ in places.values()), default=LEFT) + size + 8
    height = max((y for _, y in places.values()), default=TOP) + size + (22 if ranking else 8)
    placed = [
        (str(drawings[layer * heads + head]), *place) for (layer, head), place in places.items()
    ]
    parts = [
        _shades(placed, width, height),
        _veil(open_cells, size, list(places.values()), width, height),
    ]
    parts += _headings(layers, heads, step, size, groups) if ranking is None else []
    if ranking is not None:
        parts.append(svg.label(f"{ranking.title}, highest first", 4, 18, size=13, keep=True))
    for (layer, head), (x, y) in places.items():
        parts.append(
            _thumbnail(
                x=x,
                y=y,
                size=size,
                name=f"{layer + 1}.{head + 1}",
                chosen=(layer, head) == chosen,
                off=(layer, head) in off,
                says=says.get((layer, head), ""),
            )
        )
    if ranking is not None:
        parts += [
            svg.label(
                f"{layer + 1}.{head + 1}  {value * 100:.0f} %",
                places[layer, head][0] + size / 2,
                places[layer, head][1] + size + 13,
                size=12.0,
                text_anchor="middle",
                data_on=f"h{layer + 1}.{head + 1}",
            )
            for (layer, head), value in zip(ranking.heads, ranking.values, strict=True)
        ]
    described = "Rows of each small map attend to its columns; darker is more weight."
    width = max(width, 240.0)
    least = max(0.5, min(0.72, NARROW / width))  # the last head is never cut off unseen
    return svg.document(width, height, parts, title, described, least=least)


def place_of(target: str | None) -> tuple[int, int] | None:
    """Layer and head, counted from 0, of a target of the grid: `place_of("h2.1")` is (1, 0)."""
    if not target or not target.startswith("h"):
        return None
    layer, _, head = target[1:].partition(".")
    if not (layer.isdecimal() and head.isdecimal() and max(len(layer), len(head)) < 5):
        return None
    return (int(layer) - 1, int(head) - 1) if int(layer) and int(head) else None


def side(heads: int) -> float:
    """Pixels of a thumbnail's side in a grid of so many heads."""
    return float(np.clip(340 / heads, 28.0, 60.0))


def thumbnails(
    weights: Float[np.ndarray, "layer head row column"], open_cells: Bool[np.ndarray, "row column"]
) -> tuple[str, ...]:
    """The small picture of every head at the origin, layer by layer; the slow part of a grid."""
    size = side(weights.shape[1])
    return tuple(
        matrix.glass(one, width=size, height=size)
        for layer in weights
        for one in _small(layer, open_cells)
    )


def _small(
    weights: Float[np.ndarray, "head row column"], open_cells: Bool[np.ndarray, "row column"]
) -> Float[np.ndarray, "head small_row small_column"]:
    """At most `CELLS` cells a side in 16 shades: what a thumbnail can show, in few bytes."""
    grids = np.where(open_cells, weights, np.float32(np.nan))
    block = -(-max(open_cells.shape) // CELLS)
    if block > 1:
        grids = blocks(grids, block)
    high = np.array([top_value(grid) for grid in grids], np.float32)[:, None, None]
    shares = np.nan_to_num(grids) / np.where(high > 0, high, 1.0)
    return np.round(np.minimum(shares, 1.0) * 15) / 15


def _shades(drawings: Sequence[tuple[str, float, float]], width: float, height: float) -> str:
    """All small pictures in one colour, through one mask; a head that is not read yet has none."""
    placed = [
        svg.tag("g", drawing, transform=f"translate({x:.1f} {y:.1f})")
        for drawing, x, y in drawings
        if drawing
    ]
    return matrix.through(placed, palette.ATTENTION, width=width, height=height)


def _veil(
    open_cells: Bool[np.ndarray, "row column"],
    size: float,
    places: Sequence[tuple[float, float]],
    width: float,
    height: float,
) -> str:
    """The hatching of masked cells: one image, used at the place of every head."""
    block = -(-max(open_cells.shape) // CELLS)
    closed = np.isnan(blocks(np.where(open_cells, 0.0, np.nan).astype(np.float32), block))
    if not closed.any():
        return ""
    picture = svg.tag("g", matrix.glass(closed, width=size, height=size), id="veil")
    used = [svg.tag("use", href="#veil", x=x, y=y) for x, y in places]
    drawn = matrix.through(used, "url(#hatch)", width=width, height=height)
    return svg.tag("defs", picture) + matrix.hatching() + drawn


def _thumbnail(
    *,
    x: float,
    y: float,
    size: float,
    name: str,
    chosen: bool,
    off: bool,
    says: str,
) -> str:
    layer, head = name.split(".")
    box: dict[str, object] = {"x": x - 1, "y": y - 1, "width": size + 2, "height": size + 2}
    parts = [
        svg.tag("rect", "", **box, fill="transparent"),
        svg.tag(
            "rect",
            "",
            **box,
            rx=2,
            fill="none",
            class_="border",
            stroke=palette.ACCENT if chosen else palette.LINE,
            stroke_width=5.0 if chosen else 1.0,
        ),
    ]
    if off:
        cross = f"M{x:.1f} {y:.1f}l{size:.1f} {size:.1f}m0 {-size:.1f}l{-size:.1f} {size:.1f}"
        parts.append(svg.tag("path", d=cross, stroke=palette.WRONG, stroke_width=2.0))
    said = f"Layer {layer}, head {head}" + (" (ablated)" if off else "")
    return svg.tag(
        "g",
        parts,
        data_id=f"h{name}",
        data_act=f"restore Restore head {name}" if off else f"ablate Ablate head {name}",
        data_tip=f"{said}\n{says}" if says else said,
        data_name=said,
        keep=True,
    )


def _places(
    layers: int, heads: int, step: float, ranking: Ranking | None
) -> dict[tuple[int, int], tuple[float, float]]:
    if ranking is None:
        return {
            (layer, head): (LEFT + head * step, TOP + layer * step)
            for layer in range(layers)
            for head in range(heads)
        }
    step = max(step, 54.0)
    across = max(1, int(460 / step))
    return {
        place: (8 + (index % across) * step, 30 + (index // across) * (step + 16))
        for index, place in enumerate(ranking.heads)
    }


def _headings(layers: int, heads: int, step: float, size: float, groups: int) -> list[str]:
    middle = size / 2
    parts = [
        svg.label("head", LEFT, 14, size=15, fill=palette.MUTED, keep=True),
        svg.label("layer", 2, TOP - 8, size=15, fill=palette.MUTED, keep=True),
    ]
    for head in range(heads):
        on = " ".join(f"h{layer + 1}.{head + 1}" for layer in range(layers))
        parts.append(
            svg.label(
                str(head + 1),
                LEFT + head * step + middle,
                TOP - 8,
                size=15,
                text_anchor="middle",
                data_on=on,
            )
        )
    for layer in range(layers):
        on = " ".join(f"h{layer + 1}.{head + 1}" for head in range(heads))
        parts.append(
            svg.label(
                str(layer + 1),
                LEFT - 12,
                TOP + layer * step + middle,
                size=15,
                text_anchor="end",
                dominant_baseline="central",
                data_on=on,
            )
        )
    if groups > 1:
        for first in range(0, heads, groups):
            x, end = LEFT + first * step, LEFT + (first + groups - 1) * step + size
            bracket = f"M{x:.1f} 24v-4H{end:.1f}v4"
            parts.append(
                svg.tag(
                    "path",
                    d=bracket,
                    fill="none",
                    stroke=palette.KEY,
                    stroke_width=1.2,
                    data_tip=f"Heads {first + 1}–{first + groups} share keys and values",
                    keep=True,
                )
            )
    return parts
