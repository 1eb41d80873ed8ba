"""The alignment matrix: written tokens down the side, source tokens across, weight as colour.

In: an `engine.attention.alignment.Alignment`, or all heads of all layers for the small pictures.
Out: SVG strings. Row i has id `t{token}`, column j `s{token}`, as on the stage.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.attention.alignment import Alignment
from pages.pictures import matrix as cells
from pages.pictures import palette, svg
from pages.translation.story import percent


def matrix(found: Alignment, *, title: str) -> str:
    """One matrix large enough to read, with its legend."""
    rows, columns = _names(found.rows), _names(found.columns)
    cell = float(np.clip(640 / max(len(rows), len(columns)), 14, 40))
    size = float(np.clip(cell * 0.8, 12.0, 13.0))
    left = 22 + max(svg.text_width(name, size) for name in rows)
    slant = max(svg.text_width(name, size) for name in columns)
    top = 30 + slant * 0.72
    ids = (
        [f"t{start}" for start in found.row_starts],
        [f"s{start}" for start in found.column_starts],
    )
    parts = [
        svg.label(
            name, left - 8, top + (i + 0.5) * cell + size / 3, size=size, mono=True,
            text_anchor="end", data_id=ids[0][i],
        )
        for i, name in enumerate(rows)
    ]  # fmt: skip
    for j, name in enumerate(columns):
        x, y = left + (j + 0.5) * cell, top - 8
        parts.append(
            svg.label(
                name, x, y, size=size, mono=True, data_id=ids[1][j],
                transform=f"rotate(-46 {x:.1f} {y:.1f})",
            )
        )  # fmt: skip
    high = float(found.weights.max())
    parts.append(
        cells.matrix(
            found.weights, x=left, y=top, cell=cell, rows=ids[0], columns=ids[1],
            row_labels=rows, column_labels=columns, colour=palette.CROSS, high=high,
            quantity="weight",
        )
    )  # fmt: skip
    bottom = top + cell * len(rows) + 16
    parts.append(cells.legend(left, bottom, low="0 %", high=percent(high), colour=palette.CROSS))
    width = left + cell * len(columns) + slant * 0.72 + 24
    return svg.document(max(width, 420.0), bottom + 34, parts, title)


def grid(
    cross: Float[np.ndarray, "layer head target source"], *, picked: tuple[int, int] | None
) -> str:
    """Every head as a small picture, a row for each layer; `h0.3` is layer 1, head 4."""
    layers, heads = cross.shape[:2]
    size = float(np.clip(420 / heads, 30, 84))
    tall = float(np.clip(size * cross.shape[2] / cross.shape[3], 24, 110))
    parts = [
        svg.label(str(h + 1), 70 + (h + 0.5) * size, 16, size=12, text_anchor="middle",
                  fill=palette.MUTED, keep=True)
        for h in range(heads)
    ]  # fmt: skip
    for layer in range(layers):
        y = 24 + layer * (tall + 8)
        parts.append(svg.label(f"layer {layer + 1}", 8, y + tall / 2 + 4, size=12, keep=True))
        for head in range(heads):
            x, weights = 70 + head * size, cross[layer, head]
            image = cells.raster(
                weights, x=x + 2, y=y, width=size - 6, height=tall, colour=palette.CROSS
            )
            here = (layer, head) == picked
            frame = svg.tag(
                "rect", x=x + 2, y=y, width=size - 6, height=tall, fill="none",
                stroke=palette.ACCENT if here else palette.LINE, stroke_width=3.0 if here else 1.0,
            )  # fmt: skip
            # A plain ground first: what is empty must be clickable too.
            ground = svg.tag("rect", x=x + 2, y=y, width=size - 6, height=tall, fill=palette.PAPER)
            most = percent(float(weights.max(axis=1).mean()))
            parts.append(
                svg.tag(
                    "g", ground + image + frame, data_id=f"h{layer}.{head}",
                    data_name=f"layer {layer + 1}, head {head + 1}",
                    data_tip=f"layer {layer + 1}, head {head + 1}\nstrongest weight of a row, "
                    f"on average {most}",
                )
            )  # fmt: skip
    height = 24 + layers * (tall + 8) + 6
    return svg.document(76 + heads * size, height, parts, "All cross-attention heads")


def _names(pieces: tuple[str, ...]) -> list[str]:
    return [svg.visible(piece.strip() or piece, limit=18) for piece in pieces]
