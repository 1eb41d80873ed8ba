"""The small pictures on Home's cards, each drawn from a model's own numbers.

In: tokens, points, weights or probabilities of a sample. Out: SVGs of one size, to be looked at
only. They say no more than what a page is about. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

WIDTH, HEIGHT = 260.0, 104.0


def chips(texts: Sequence[str], ids: Sequence[int]) -> str:
    """Tokens with their numbers, in two lines."""
    parts, x, y = [], 4.0, 8.0
    for position, (text, token_id) in enumerate(zip(texts, ids, strict=True)):
        shown = visible(text)
        width = max(text_width(shown, 12) + 10, 30)
        if x + width > WIDTH - 4:
            x, y = 4.0, y + 48
        if y > HEIGHT - 40:
            break
        parts += [
            tag("rect", x=x, y=y, width=width - 3, height=22, rx=5, fill=palette.chip(position)),
            _mid(shown, x + width / 2 - 1.5, y + 15, palette.INK, 12),
            _mid(str(token_id), x + width / 2 - 1.5, y + 35, palette.MUTED, 9.5),
        ]
        x += width
    return _small(parts, "Tokens and their IDs")


def space(points: Float[np.ndarray, "token 2"], texts: Sequence[str]) -> str:
    """Tokens as points of a plane, labelled where there is room."""
    low, high = points.min(axis=0), points.max(axis=0)
    flat = (points - low) / np.maximum(high - low, 1e-9)
    parts = [
        tag("path", d=f"M14 8V{HEIGHT - 12}H{WIDTH - 6}", fill="none", stroke=palette.LINE),
    ]
    taken: list[tuple[float, float]] = []
    for position, (u, v) in enumerate(flat):
        x, y = 24 + float(u) * (WIDTH - 84), HEIGHT - 22 - float(v) * (HEIGHT - 40)
        colour = palette.CATEGORIES[position % len(palette.CATEGORIES)]
        parts.append(tag("circle", cx=x, cy=y, r=4, fill=colour))
        if all(abs(x - a) > 56 or abs(y - b) > 11 for a, b in taken):
            parts.append(label(visible(texts[position]), x + 7, y + 4, size=11, mono=True))
            taken.append((x, y))
    return _small(parts, "Tokens as points")


def weights(grid: Float[np.ndarray, "query key"], texts: Sequence[str]) -> str:
    """One head's map."""
    cell = min(9.5, (HEIGHT - 10) / len(grid))
    side = cell * len(grid)
    x = (WIDTH - side) / 2 + 40
    parts = [
        raster(grid, x=x, y=5, width=side, height=side),
        tag("rect", x=x, y=5, width=side, height=side, fill="none", stroke=palette.LINE),
    ]
    size = min(10.0, cell + 1)
    for row, text in enumerate(texts):
        parts.append(
            label(
                shortened(visible(text), 90, size),
                x - 6,
                5 + cell * (row + 0.8),
                size=size,
                mono=True,
                text_anchor="end",
                fill=palette.MUTED,
            )
        )
    return _small(parts, "What each token attends to")


def bridge(
    cross: Float[np.ndarray, "target source"], source: Sequence[str], target: Sequence[str]
) -> str:
    """Two lines of words and what joins them."""
    tops = _spread(source)
    ends = _spread(target)
    parts = []
    for query, row in enumerate(cross):
        for key in np.argsort(-row)[:2]:
            weight = float(row[key])
            if weight >= 0.15:
                a, b = tops[int(key)], ends[query]
                parts.append(
                    tag(
                        "path",
                        d=f"M{a:.1f} 28C{a:.1f} 52 {b:.1f} 52 {b:.1f} 76",
                        fill="none",
                        stroke=palette.CROSS,
                        stroke_width=0.6 + 4 * weight,
                        stroke_opacity=0.2 + 0.6 * weight,
                    )
                )
    parts += [
        _mid(visible(t), x, 20, palette.ENCODER, 11) for t, x in zip(source, tops, strict=True)
    ]
    parts += [
        _mid(visible(t), x, 90, palette.DECODER, 11) for t, x in zip(target, ends, strict=True)
    ]
    return _small(parts, "Two languages joined by attention")


def bars(texts: Sequence[str], probabilities: Sequence[float]) -> str:
    """Likely next tokens, the likeliest first."""
    parts = []
    for row, (text, probability) in enumerate(zip(texts, probabilities, strict=True)):
        y = 6 + 19.5 * row
        width = 150 * probability / max(probabilities)
        colour = palette.CHOSEN if row == 0 else palette.BAR
        parts += [
            label(
                shortened(visible(text), 64, 12), 70, y + 12, size=12, mono=True, text_anchor="end"
            ),
            tag("rect", x=78, y=y, width=max(width, 1.5), height=15, rx=3, fill=colour),
            label(f"{probability:.0%}", 84 + width, y + 12, size=10.5, fill=palette.MUTED),
        ]
    return _small(parts, "Likely next tokens")


def _spread(texts: Sequence[str]) -> list[float]:
    widths = [text_width(visible(text), 11) + 8 for text in texts]
    scale = min(1.0, (WIDTH - 8) / sum(widths))
    edges = np.cumsum([0.0, *widths]) * scale
    left = (WIDTH - edges[-1]) / 2
    return [float(left + (a + b) / 2) for a, b in zip(edges, edges[1:], strict=False)]


def _mid(text: str, x: float, y: float, colour: str, size: float) -> str:
    return label(text, x, y, size=size, mono=True, text_anchor="middle", fill=colour)


def _small(parts: Sequence[str], title: str) -> str:
    return document(WIDTH, HEIGHT, parts, title)
