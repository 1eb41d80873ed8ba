"""Chips as an SVG, for files and slides.

In: `Tokens` and a window of them. Out: the same boxes as `chips` draws on a page, wrapped at a
width of our own. Token i has the id `t<i>`.
"""

from __future__ import annotations

from engine.values import Tokens
from pages.pictures import palette
from pages.pictures.svg import document, label, tag, text_width
from pages.pictures.tokens import Below, counts, face, groups, lines, rtl, tip, under

ROW, PAD, GAP = 46.0, 14.0, 4.0


def drawing(
    tokens: Tokens,
    *,
    first: int = 0,
    last: int | None = None,
    below: Below = "id",
    special: bool = True,
    width: float = 960,
) -> str:
    """The chips as an SVG, wrapped at `width`, for files and slides."""
    parts: list[str] = []
    x, y = PAD, PAD
    for line in lines(tokens, groups(tokens, first, last), special=special):
        leftward = rtl(tokens, line)
        for group in line:
            names = [face(tokens, i) for i in range(group.first, group.last)]
            smalls = [under(tokens, i, below) for i in range(group.first, group.last)]
            sizes = [
                max(text_width(name, 15), text_width(small, 12)) + 12
                for name, small in zip(names, smalls, strict=True)
            ]
            if x + sum(sizes) > width - PAD and x > PAD:
                x, y = PAD, y + ROW
            for offset, size in enumerate(sizes):
                left = width - x - size if leftward else x
                index = group.first + offset
                parts.append(_box(tokens, index, left, y, size, names[offset], smalls[offset]))
                x += size + GAP
        x, y = PAD, y + ROW
    total = counts(tokens)
    title = f"{total.tokens} tokens for {total.characters} characters"
    return document(width, y + PAD, parts, title)


def _box(
    tokens: Tokens, index: int, x: float, y: float, width: float, name: str, small: str
) -> str:
    marked = bool(tokens.special[index])
    ground = palette.SPECIAL if marked else palette.chip(index)
    box = tag(
        "rect", x=x, y=y, width=width, height=40.0, rx=6, fill=ground,
        stroke=palette.KEPT if marked else None,
    )  # fmt: skip
    middle = {"text_anchor": "middle"}
    return tag(
        "g",
        box
        + label(name, x + width / 2, y + 19, size=15, mono=True, **middle)
        + label(small, x + width / 2, y + 34, size=12, mono=True, fill=palette.MUTED, **middle),
        data_id=f"t{index}",
        data_tip=tip(tokens, index),
    )
