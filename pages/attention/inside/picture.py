"""Inside one head: how one query and one key become a weight, and what it contributes.

In: an `engine.attention.transforms.Inside` and the names of the tokens. Out: an SVG string that
plays four stages (product, scale, softmax, value); `attention_formulas` writes the same as
formulas. Dimensions are the targets `d0, d1, ..`, keys `k0, k1, ..`. Knows no model and no page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.attention.transforms import Inside
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import number

STAGES = ("product", "scale", "softmax", "value")
WIDTH = 760.0
LEFT = 96.0
STRIP = 26.0
MOST_KEYS = 24


def attention_inside(
    inside: Inside,
    *,
    query: str,
    key: str,
    column: int,
    keys: Sequence[str],
    stage: str,
    title: str,
) -> str:
    """The picture up to and including `stage`; `column` is the chosen key among `keys`."""
    until = STAGES.index(stage)
    query, key = svg.visible(query, limit=12), svg.visible(key, limit=12)
    parts, y = _product(inside, query, key)
    if until >= 1:
        more, y = _scale(inside, y + 26)
        parts += more
    if until >= 2:
        more, y = _softmax(inside, column, keys, y + 26)
        parts += more
    if until >= 3:
        more, y = _value(inside, key, y + 30, column)
        parts += more
    return svg.document(WIDTH, y + 12, parts, title, f"{query} attends to {key}.")


def _product(inside: Inside, query: str, key: str) -> tuple[list[str], float]:
    n = len(inside.query)
    high = float(max(np.abs(inside.query).max(), np.abs(inside.key).max()))
    parts = [_step("1", "Dot product of query and key: multiply by dimension, then sum", 18.0)]
    parts += _strip(inside.query, 34, f"q  {query}", palette.QUERY, high, "query")
    parts += _strip(inside.key, 34 + STRIP + 8, f"k  {key}", palette.KEY, high, "key")
    y = 34 + 2 * (STRIP + 8)
    parts += _strip(inside.products, y, "q × k", palette.INK, None, "product")
    best = np.argsort(-np.abs(inside.products))[: min(3, n)]
    said = ", ".join(f"{inside.products[i]:+.2f} from {i + 1}" for i in best.tolist())
    parts.append(
        svg.label(
            f"sum of {n} products = {inside.dot:.2f}   (largest: {said})",
            LEFT,
            y + STRIP + 20,
            size=13.5,
            keep=True,
        )
    )
    y += STRIP + 34
    parts.append(
        matrix.legend(
            LEFT,
            y,
            low=f"{-high:.2f}",
            high=f"{high:.2f}",
            width=150,
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
        )
    )
    most = float(np.abs(inside.products).max())
    parts.append(svg.label("q and k", LEFT + 160, y + 8, size=12, fill=palette.MUTED, keep=True))
    parts.append(svg.label("q × k", LEFT + 410, y + 8, size=12, fill=palette.MUTED, keep=True))
    parts.append(
        matrix.legend(
            LEFT + 250,
            y,
            low=f"{-most:.2f}",
            high=f"{most:.2f}",
            width=150,
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
        )
    )
    return parts, y + 28


def _scale(inside: Inside, y: float) -> tuple[list[str], float]:
    root = math.isclose(inside.scale, len(inside.query) ** -0.5, rel_tol=1e-4)
    by = f"÷ √{len(inside.query)}" if root else f"× {inside.scale:.3g}"
    text = f"{inside.dot:.2f}  {by}"
    if inside.bias:
        text += f"  {'+' if inside.bias > 0 else '−'} {abs(inside.bias):.2f} (position bias)"
    if np.isfinite(inside.score):
        text += f"  =  {inside.score:.2f}"
        name = (
            "Scale by √d, so that large dot products do not saturate the softmax"
            if root
            else "Scale"
        )
    else:
        text += "  →  −∞, masked"
        name = "Scale, then mask: this query may not attend to this key"
    return [
        _step("2", name, y),
        svg.label(text, LEFT, y + 26, size=16, mono=True, keep=True),
    ], y + 34


def _softmax(inside: Inside, column: int, keys: Sequence[str], y: float) -> tuple[list[str], float]:
    seen = np.flatnonzero(np.isfinite(inside.scores))
    best = seen[np.argsort(-inside.weights[seen], kind="stable")][: MOST_KEYS - 1]
    shown = sorted({*best.tolist(), column})
    over = "all keys and the sink" if inside.sink else "all keys"
    parts = [_step("3", f"Softmax over {over}: scores become weights that sum to 100 %", y)]
    high = float(inside.weights.max())
    y += 24
    for text, x in (("score", LEFT + 62), ("weight", LEFT + 122)):
        parts.append(
            svg.label(text, x, y, size=12, fill=palette.MUTED, text_anchor="end", keep=True)
        )
    for place in shown:
        y += 19
        weight, score = float(inside.weights[place]), float(inside.scores[place])
        chosen = place == column
        open_key = math.isfinite(score)
        ink = palette.INK if open_key else palette.FAINT
        name = svg.shortened(svg.visible(keys[place]), LEFT - 10, 13)
        parts.append(
            svg.tag(
                "g",
                [
                    svg.tag(
                        "rect",
                        x=0.0,
                        y=y - 13,
                        width=WIDTH,
                        height=19.0,
                        fill=palette.GLOW if chosen else "transparent",
                    ),
                    svg.label(
                        name,
                        LEFT - 6,
                        y,
                        size=13,
                        mono=True,
                        text_anchor="end",
                        fill=palette.KEY,
                        font_weight=700 if chosen else None,
                    ),
                    svg.label(
                        f"{score:.2f}" if open_key else "masked",
                        LEFT + 62,
                        y,
                        size=12.5,
                        mono=True,
                        text_anchor="end",
                        fill=ink,
                    ),
                    svg.label(
                        number(weight, True) if open_key else "–",
                        LEFT + 122,
                        y,
                        size=12.5,
                        mono=True,
                        text_anchor="end",
                        fill=ink,
                    ),
                    svg.tag(
                        "rect",
                        x=LEFT + 134,
                        y=y - 10,
                        height=12.0,
                        rx=2,
                        width=max(0.0, (WIDTH - LEFT - 160) * weight / high) if high else 0.0,
                        fill=palette.ATTENTION,
                    ),
                ],
                data_id=f"k{place}",
                keep=chosen,
            )
        )
    rest = len(seen) - len(best)
    notes = []
    if rest > 0:
        share = max(1 - inside.sink - float(inside.weights[shown].sum()), 0.0)
        notes.append(f"{rest} more keys: {number(share, True)} together")
    if inside.sink:
        notes.append(f"{number(inside.sink, True)} to the sink, no token")
    if hidden := len(keys) - len(seen):
        notes.append(f"{hidden} {'token is' if hidden == 1 else 'tokens are'} masked: −∞, 0 %")
    if notes:
        y += 19
        text = " · ".join(notes)
        parts.append(svg.label(text, LEFT + 134, y, size=12, fill=palette.MUTED, keep=True))
    return parts, y + 8


def _value(inside: Inside, key: str, y: float, column: int) -> tuple[list[str], float]:
    weight = float(inside.weights[column])
    high = float(max(np.abs(inside.value).max(), np.abs(inside.output).max()))
    parts = [_step("4", "Weighted sum of the value vectors", y)]
    y += 16
    rows = (
        (inside.value, f"v  {key}", palette.VALUE, "value"),
        (inside.value * weight, f"× {number(weight, True)}", palette.VALUE, "weight × value"),
        (inside.output, "output", palette.OUTPUT, "sum over all keys"),
    )
    for vector, name, colour, what in rows:
        parts += _strip(vector, y, name, colour, high, what)
        y += STRIP + 8
    parts.append(
        matrix.legend(
            LEFT,
            y + 4,
            low=f"{-high:.2f}",
            high=f"{high:.2f}",
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
        )
    )
    return parts, y + 34


def _strip(
    vector: Float[np.ndarray, "dim"],
    y: float,
    name: str,
    colour: str,
    high: float | None,
    what: str,
) -> list[str]:
    """One row of cells, a dimension each, blue above zero and orange below."""
    n = len(vector)
    cell = (WIDTH - LEFT - 12) / n
    high = float(np.abs(vector).max()) if high is None else high
    parts = [
        svg.label(
            svg.shortened(name, LEFT - 10, 13),
            LEFT - 8,
            y + STRIP / 2 + 1,
            size=13,
            mono=True,
            fill=colour,
            text_anchor="end",
            dominant_baseline="central",
            keep=True,
        ),
        matrix.raster(
            vector[None, :],
            x=LEFT,
            y=y,
            width=cell * n,
            height=STRIP,
            high=high,
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
        ),
        svg.tag(
            "rect", x=LEFT, y=y, width=cell * n, height=STRIP, fill="none", stroke=palette.LINE
        ),
    ]
    for index, value in enumerate(vector.tolist()):
        inner = (
            svg.label(
                f"{value:.2f}",
                LEFT + cell * (index + 0.5),
                y + STRIP / 2 + 1,
                size=12,
                mono=True,
                text_anchor="middle",
                dominant_baseline="central",
                paint_order="stroke",
                stroke=palette.PAPER,
                stroke_width=2.5,
            )
            if cell >= 36
            else ""
        )
        box = svg.tag(
            "rect", x=LEFT + cell * index, y=y, width=cell, height=STRIP, fill="transparent"
        )
        parts.append(
            svg.tag(
                "g",
                box + inner,
                data_id=f"d{index}",
                data_tip=f"dimension {index + 1}\n{what} {value:.4f}",
                keep=True,
            )
        )
    return parts


def _step(mark: str, text: str, y: float) -> str:
    return svg.tag(
        "g",
        svg.tag("circle", cx=12.0, cy=y - 4.5, r=9.5, fill=palette.ACCENT)
        + svg.label(mark, 12, y, size=12, fill=palette.PAPER, text_anchor="middle", font_weight=700)
        + svg.label(text, 30, y, size=14, font_weight=600),
        keep=True,
    )
