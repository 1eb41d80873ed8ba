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

WIDTH, HEIGHT = 206.0, 104.0  # of a card at its narrowest: letters are never drawn smaller
SIZE = 12
Box = tuple[float, float, float, float]  # left, top, right, bottom


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
            _mid(str(token_id), x + width / 2 - 1.5, y + 35, palette.MUTED, SIZE),
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
    spots = [
        (24 + float(u) * (WIDTH - 84), HEIGHT - 22 - float(v) * (HEIGHT - 40)) for u, v in flat
    ]
    for position, (x, y) in enumerate(spots):
        colour = palette.CATEGORIES[position % len(palette.CATEGORIES)]
        parts.append(tag("circle", cx=x, cy=y, r=4, fill=colour))
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in spots]
    for (x, y), text in zip(spots, texts, strict=True):
        place = _free(x, y, shortened(visible(text), 96, SIZE), taken)
        if place is not None:
            name, box = place
            parts.append(label(name, box[0], box[3] - 2, size=SIZE, mono=True))
            taken.append(box)
    return _small(parts, "Tokens as points")


def _free(x: float, y: float, name: str, taken: Sequence[Box]) -> tuple[str, Box] | None:
    """The name of the point at (x, y) with a box right or left of it that covers nothing."""
    wide = text_width(name, SIZE)
    for left in (x + 7, x - 7 - wide):
        box = (left, y - 6, left + wide, y + 6)
        inside = 16 <= left and left + wide <= WIDTH - 2
        if inside and not any(_touch(box, other) for other in taken):
            return name, box
    return None


def _touch(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def weights(grid: Float[np.ndarray, "query key"], texts: Sequence[str]) -> str:
    """One head's map."""
    cell = min(9.5, (HEIGHT - 10) / len(grid))
    side = cell * len(grid)
    x = (WIDTH - side) / 2 + 40
    parts = [
        raster(grid, x=x, y=5, width=side, height=side),
        tag("rect", x=x, y=5, width=side, height=side, fill="none", stroke=palette.LINE),
    ]
    every = -(-SIZE // cell)  # of rows lower than letters not each has room for its name
    for row, text in enumerate(texts):
        if row % every:
            continue
        parts.append(
            label(
                shortened(visible(text), x - 10, SIZE),
                x - 6,
                5 + cell * (row + 0.5) + 4,
                size=SIZE,
                mono=True,
                text_anchor="end",
                fill=palette.MUTED,
            )
        )
    return _small(parts, "What each token attends to")


def bridge(
    cross: Float[np.ndarray, "target source"], source: Sequence[str], target: Sequence[str]
) -> str:
    """The first words of two lines, as many as have room, and what joins them."""
    source, target = source[: _room(source)], target[: _room(target)]
    tops, ends = _spread(source), _spread(target)
    parts = []
    for query, row in enumerate(cross[: len(target), : len(source)]):
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
        _mid(visible(t), x, 20, palette.ENCODER, SIZE) for t, x in zip(source, tops, strict=True)
    ]
    parts += [
        _mid(visible(t), x, 90, palette.DECODER, SIZE) for t, x in zip(target, ends, strict=True)
    ]
    return _small(parts, "Two languages joined by attention")


def bars(texts: Sequence[str], probabilities: Sequence[float]) -> str:
    """Likely next tokens, the likeliest first."""
    parts = []
    for row, (text, probability) in enumerate(zip(texts, probabilities, strict=True)):
        y = 6 + 19.5 * row
        width = (WIDTH - 112) * probability / max(probabilities)
        colour = palette.CHOSEN if row == 0 else palette.BAR
        parts += [
            label(
                shortened(visible(text), 64, 12), 70, y + 12, size=12, mono=True, text_anchor="end"
            ),
            tag("rect", x=78, y=y, width=max(width, 1.5), height=15, rx=3, fill=colour),
            label(f"{probability:.0%}", 84 + width, y + 12, size=12, fill=palette.MUTED),
        ]
    return _small(parts, "Likely next tokens")


def _widths(texts: Sequence[str]) -> list[float]:
    return [text_width(visible(text), SIZE) + 4 for text in texts]


def _room(texts: Sequence[str]) -> int:
    """How many of the texts stand in a line."""
    return max(1, int((np.cumsum(_widths(texts)) <= WIDTH).sum()))


def _spread(texts: Sequence[str]) -> list[float]:
    edges = np.cumsum([0.0, *_widths(texts)])
    left = (WIDTH - edges[-1]) / 2
    return [float(left + (a + b) / 2) for a, b in zip(edges, edges[1:], strict=False)]


def _mid(text: str, x: float, y: float, colour: str, size: float) -> str:
    return label(text, x, y, size=size, mono=True, text_anchor="middle", fill=colour)


def _small(parts: Sequence[str], title: str) -> str:
    return document(WIDTH, HEIGHT, parts, title)
