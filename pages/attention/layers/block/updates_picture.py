"""How much each part of each layer adds to a token's vector: bars, outputs at the top.

In: `Updates` and a position. Out: an SVG string, the same as a table, and a sentence. Layers are
the targets `n1, n2, ..`. Knows no model.
"""

from __future__ import annotations

import numpy as np

from engine.blocks.anatomy import Sublayer
from engine.blocks.parts import Updates
from pages.pictures import palette, svg

COLOURS: dict[Sublayer, str] = {
    "attention": palette.CATEGORIES[0],
    "cross-attention": palette.CATEGORIES[5],
    "feed-forward": palette.CATEGORIES[1],
}
NAMES: dict[Sublayer, str] = {
    "attention": "attention",
    "cross-attention": "cross-attention",
    "feed-forward": "feed-forward network",
}
WIDTH, LEFT, TEXT = 496.0, 46.0, 176.0
BAR = 18.0


def updates(found: Updates, position: int, *, layer: int, title: str, described: str) -> str:
    """Bars of one token; the chosen layer (0-based) is framed."""
    layers, kinds = found.norms.shape[:2]
    high = (kinds + 1) * BAR + 10
    lengths = [found.norms[:, :, position], found.stream[:, position, None]]
    top = max(float(np.nanmax(one, initial=0.0)) for one in lengths)
    scale = (WIDTH - LEFT - TEXT) / max(top, 1e-9)
    parts = _legend(found)
    for row in range(layers):
        y = 30 + (layers - 1 - row) * high
        drawn = [
            svg.tag(
                "rect",
                x=4.0,
                y=y - 3,
                width=WIDTH - 8,
                height=high - 3,
                rx=5,
                fill=palette.SURFACE if row == layer else "transparent",
                stroke=palette.ACCENT if row == layer else "transparent",
            ),
            svg.label(str(row + 1), LEFT - 12, y + high / 2, size=13, text_anchor="end"),
        ]
        lines = [
            (
                float(found.norms[row, kind, position]),
                COLOURS[found.sublayers[kind]],
                f"{found.sublayers[kind]} {found.norms[row, kind, position]:.3g}, cosine "
                f"{signed(found.cosines[row, kind, position])}",
            )
            for kind in range(kinds)
            if np.isfinite(found.norms[row, kind, position])
        ]
        leaving = float(found.stream[row + 1, position])
        for line, (size, colour, text) in enumerate(
            [*lines, (leaving, palette.BAR, f"leaves {leaving:.3g}")]
        ):
            at = y + line * BAR
            drawn += [
                svg.tag(
                    "rect", x=LEFT, y=at + 2, width=max(size * scale, 1.0), height=12.0, fill=colour
                ),
                svg.label(text, LEFT + size * scale + 7, at + 13, size=12),
            ]
        parts.append(
            svg.tag("g", drawn, data_id=f"n{row + 1}", data_name=f"layer {row + 1}", keep=True)
        )
    return svg.document(WIDTH, 32 + layers * high, parts, title, described)


def _legend(found: Updates) -> list[str]:
    def said(text: str, x: float) -> str:
        return svg.label(text, x, 16, size=12, fill=palette.MUTED)

    parts, x = [said("layer", 4), said("added by", LEFT)], LEFT + 56
    kinds = [(str(kind), COLOURS[kind]) for kind in found.sublayers]
    for name, colour in [*kinds, ("stream", palette.BAR)]:
        parts += [
            svg.tag("rect", x=x, y=6.0, width=11.0, height=11.0, fill=colour),
            said(name, x + 16),
        ]
        x += svg.text_width(name, 12, mono=False) + 32
    return parts


def signed(value: float) -> str:
    """A number with its sign: `signed(-0.416)` is "−0.42"."""
    return f"{value:+.2f}".replace("-", "−")


def table(found: Updates, position: int) -> dict[str, list[object]]:
    """A line for each layer and part."""
    layers, kinds = found.norms.shape[:2]
    places = [(row, kind) for row in range(layers) for kind in range(kinds)]
    return {
        "layer": [row + 1 for row, _ in places],
        "part": [found.sublayers[kind] for _, kind in places],
        "norm added": [float(found.norms[row, kind, position]) for row, kind in places],
        "added to norm": [float(found.into[row, kind, position]) for row, kind in places],
        "cosine": [float(found.cosines[row, kind, position]) for row, kind in places],
        "stream after the layer": [float(found.stream[row + 1, position]) for row, _ in places],
    }


def says(found: Updates, name: str, position: int) -> str:
    """Which part adds the longest vector, and which of the two adds more in how many layers."""
    layer, which = found.largest(position)
    kind = found.sublayers.index(which)
    size, into = (float(part[layer, kind, position]) for part in (found.norms, found.into))
    own, fed = (
        found.norms[:, found.sublayers.index(one), position]
        for one in ("attention", "feed-forward")
    )
    both = np.isfinite(own) & np.isfinite(fed)
    more = int((fed[both] > own[both]).sum())
    return (
        f"At “{svg.visible(name, limit=24)}” the {NAMES[which]} of layer {layer + 1} adds the "
        f"longest vector: {size:.3g}, to one of {into:.3g}. The feed-forward network adds more "
        f"than the attention in {more} of {both.sum()} layers."
    )
