"""Chosen tokens tracked through the layers: rank and probability of each by the logit lens.

In: for every layer and word its rank and probability. Out: an SVG string, inputs at the bottom,
outputs at the top, and the same as a table. Words are the targets `w0, w1, ..`. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pages.pictures import palette, svg
from pages.pictures.logit_lens import TINT
from pages.pictures.scale import number

LEFT, WIDTH, ROW = 74.0, 136.0, 28.0


def token_ranks(
    names: Sequence[str],
    ranks: Int[np.ndarray, "layers_plus_1 word"],
    shares: Float[np.ndarray, "layers_plus_1 word"],
    *,
    title: str,
) -> str:
    """A column a token: its rank in the vocabulary with an arrow, and its probability as a tint."""
    layers = len(ranks)
    parts = [svg.label("layer", 6, 16, size=12, fill=palette.MUTED, keep=True)]
    for word, name in enumerate(names):
        x = LEFT + word * WIDTH
        shown = svg.shortened(svg.visible(name), WIDTH - 10, 13)
        cells = [
            svg.label(
                shown, x + WIDTH / 2, 16, size=13, mono=True, text_anchor="middle", font_weight=700
            )
        ]
        for layer in range(layers):
            before = int(ranks[max(layer - 1, 0), word])
            cells += _cell(x, _y(layer, layers), int(ranks[layer, word]), before,
                           float(shares[layer, word]))  # fmt: skip
        tip = "\n".join(
            f"{_layer(layer)}: rank {ranks[layer, word]:,}, {number(shares[layer, word], True)}"
            for layer in reversed(range(layers))
        )
        parts.append(svg.tag("g", cells, data_id=f"w{word}", data_name=name, data_tip=tip))
    parts += [
        svg.label(
            _layer(layer),
            LEFT - 12,
            _y(layer, layers) + 18,
            size=12,
            fill=palette.MUTED,
            text_anchor="end",
            keep=True,
        )
        for layer in range(layers)
    ]
    width = LEFT + max(WIDTH * len(names), 200.0) + 6
    return svg.document(width, 34 + layers * ROW, parts, title, "Output at the top.")


def table(
    names: Sequence[str],
    ranks: Int[np.ndarray, "layers_plus_1 word"],
    shares: Float[np.ndarray, "layers_plus_1 word"],
) -> dict[str, list[object]]:
    """One line for each layer and word."""
    places = [(layer, word) for layer in range(len(ranks)) for word in range(len(names))]
    return {
        "after_layer": [layer for layer, _ in places],
        "word": [names[word] for _, word in places],
        "rank": [int(ranks[place]) for place in places],
        "probability": [float(shares[place]) for place in places],
    }


def _cell(x: float, y: float, rank: int, before: int, share: float) -> list[str]:
    arrow = "▲" if rank < before else "▼" if rank > before else " "
    ink = palette.RIGHT if rank < before else palette.WRONG if rank > before else palette.INK
    box = {"x": x + 2, "y": y + 1, "width": WIDTH - 4, "height": ROW - 2}
    return [
        svg.tag("rect", "", **box, rx=3, fill=palette.SURFACE),
        svg.tag(
            "rect", "", **box, rx=3, fill=palette.PROBABILITY, fill_opacity=round(share * TINT, 2)
        ),
        svg.label(f"{arrow} #{rank:,}", x + 64, y + 18, size=12.5, fill=ink, text_anchor="end"),
        svg.label(number(share, True), x + WIDTH - 10, y + 18, size=12, text_anchor="end"),
    ]


def _layer(layer: int) -> str:
    return str(layer) if layer else "input"


def _y(layer: int, layers: int) -> float:
    return 26 + (layers - 1 - layer) * ROW
