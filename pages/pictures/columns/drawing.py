"""Finished columns as one picture: three side by side, tokens tinted as on the screen.

In: a `Sheet`. Out: an SVG; every token can be pointed at (ids `c2t14`). Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence

from pages.pictures import palette
from pages.pictures.columns.sheet import Sheet, summary, tail
from pages.pictures.svg import document, label, shortened, tag, text_width

WIDTH, PAD, SIZE, LEADING = 250.0, 12.0, 13.0, 21.0
FULL = 0.505  # strength of the tint at 100 %, as on the screen


def picture(sheet: Sheet, title: str, *, said: str | None = None) -> str:
    """The columns as an SVG: three side by side, tokens tinted as on the screen.

    `said` is what is to be seen in them; at first how decoding settings differ.
    """
    across = min(3, max(1, len(sheet.columns)))
    parts, y, names = [], 10.0, sheet.names
    for start in range(0, len(sheet.columns), across):
        bottoms = [y]
        for place, number in enumerate(range(start, min(start + across, len(sheet.columns)))):
            drawn, bottom = _drawn(sheet, names, number, place * (WIDTH + 16) + 8, y)
            parts += drawn
            bottoms.append(bottom)
        y = max(bottoms) + 18
    return document(
        across * (WIDTH + 16), y, parts, title, summary(sheet) if said is None else said
    )


def _drawn(
    sheet: Sheet, names: Sequence[str], number: int, x: float, y: float
) -> tuple[list[str], float]:
    column, hue = sheet.columns[number], palette.CATEGORIES[number % len(palette.CATEGORIES)]
    name = shortened(f"{number + 1}  {names[number]}", WIDTH, 14, mono=False)
    parts = [
        tag("rect", x=x, y=y, width=WIDTH, height=3.0, fill=hue),
        label(name, x, y + 22, size=14, font_weight=600),
    ]
    flow = _Flow(x, y + 48)
    for piece in _lines(tail(sheet.prompt)):
        parts += flow.put(piece, palette.MUTED, "", "")
    for place, token in enumerate(column.tokens):
        ground, strength = _ground(sheet.tint, token.probability, token.rank)
        tip = (
            f"model probability {100 * token.probability:.3g} %, rank {token.rank:,}\n"
            f"after filters {100 * token.after:.3g} %\nentropy {token.entropy:.1f} bits"
        )
        where = f"c{number + 1}t{place + 1}"
        parts += flow.put(column.texts[place], palette.INK, where, tip, ground, strength)
    return parts, flow.y + 10


def _ground(tint: str, probability: float, rank: int) -> tuple[str, float]:
    if tint == "rank":
        return palette.rank_band(rank), 1.0
    return palette.PROBABILITY, FULL * probability


class _Flow:
    """Sets tokens one after the other into lines of a column."""

    def __init__(self, x: float, y: float) -> None:
        self.left, self.x, self.y = x, x, y

    def put(
        self, text: str, fill: str, where: str, tip: str, ground: str = "", strength: float = 0.0
    ) -> list[str]:
        """One token's rectangle and text; line breaks break the line."""
        parts = []
        for i, line in enumerate(text.split("\n")):
            if i:
                self.x, self.y = self.left, self.y + LEADING
            width = text_width(line, SIZE, mono=False)
            if self.x + width > self.left + WIDTH and self.x > self.left:
                self.x, self.y, line = self.left, self.y + LEADING, line.lstrip(" ")
                width = text_width(line, SIZE, mono=False)
            if not line:
                continue
            box = (
                tag(
                    "rect",
                    x=self.x,
                    y=self.y - SIZE - 1,
                    width=width,
                    height=SIZE + 5,
                    rx=3,
                    fill=ground,
                    fill_opacity=strength,
                )
                if ground
                else ""
            )
            words = label(line, self.x, self.y, size=SIZE, fill=fill, textLength=width)
            parts.append(
                tag("g", box + words, data_id=where, data_tip=tip) if where else box + words
            )
            self.x += width
        return parts


def _lines(text: str) -> list[str]:
    """A text in words, each with the space before it."""
    words = text.split(" ")
    return [words[0], *(" " + word for word in words[1:])]
