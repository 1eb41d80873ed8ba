"""Probabilities before and after a change to the model, word by word.

In: names and two probabilities for each, best first. Out: an SVG string; what rose and what fell
is written, not only coloured. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pages.pictures import not_as_made, palette, svg
from pages.pictures.scale import number

WIDTH = 480.0
LEFT = 108.0
ROW = 38.0


def most_changed(
    before: Float[np.ndarray, "vocabulary"], after: Float[np.ndarray, "vocabulary"], count: int
) -> list[int]:
    """Ids to show: the likeliest before and after, at most `count`, likeliest first."""
    best = np.maximum(before, after)
    return np.argsort(-best, kind="stable")[:count].tolist()


def probability_changes(
    names: Sequence[str],
    before: Sequence[float],
    after: Sequence[float],
    *,
    title: str,
    marked: bool = False,
) -> str:
    """Two bars a word, with both numbers and the difference in points.

    `marked` says that "after" is of a model that was not made so.
    """
    high = max([*before, *after, 1e-9])
    scale = (WIDTH - LEFT - 152) / high
    above = not_as_made.HEIGHT if marked else 0.0
    parts = [
        _mark(LEFT, "before", palette.BAR),
        _mark(LEFT + 90, "after", palette.CHOSEN),
        svg.label("change", WIDTH - 8, 16, size=12, fill=palette.MUTED, text_anchor="end"),
    ]
    for index, (name, first, then) in enumerate(zip(names, before, after, strict=True)):
        y = 32 + index * ROW
        points = 100 * (then - first)
        arrow = "▲" if points > 0.05 else "▼" if points < -0.05 else "="
        ink = palette.RIGHT if arrow == "▲" else palette.WRONG if arrow == "▼" else palette.MUTED
        bars = [
            _bar(y + 2, first * scale, palette.BAR, first),
            _bar(y + 16, then * scale, palette.CHOSEN, then),
            svg.label(
                svg.shortened(svg.visible(name), LEFT - 14, 14),
                LEFT - 8,
                y + 19,
                size=14,
                mono=True,
                text_anchor="end",
            ),
            svg.label(
                f"{arrow} {points:+.1f} points" if arrow != "=" else "= no change",
                WIDTH - 8,
                y + 19,
                size=12.5,
                fill=ink,
                text_anchor="end",
            ),
        ]
        tip = f"{svg.visible(name)}\nbefore {number(first, True)}, after {number(then, True)}"
        parts.append(svg.tag("g", bars, data_id=f"w{index}", data_tip=tip))
    described = f"{len(names)} words with their probability before and after."
    if marked:
        moved = svg.tag("g", parts, transform=f"translate(0 {above:g})")
        parts = [not_as_made.mark(), moved]
    return svg.document(WIDTH, 38 + above + len(names) * ROW, parts, title, described)


def _bar(y: float, width: float, colour: str, value: float) -> str:
    return svg.tag(
        "rect", x=LEFT, y=y, width=max(width, 1.0), height=12.0, rx=2, fill=colour
    ) + svg.label(
        number(value, True), LEFT + max(width, 1.0) + 6, y + 10.5, size=12.5, fill=palette.MUTED
    )


def _mark(x: float, text: str, colour: str) -> str:
    square = svg.tag("rect", x=x, y=6.0, width=12.0, height=12.0, rx=2, fill=colour)
    return svg.tag("g", square + svg.label(text, x + 18, 16, size=12), keep=True)
