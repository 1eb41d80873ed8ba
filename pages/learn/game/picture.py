"""The game's pictures: two probabilities of each word, and the bits that both pay, word by word.

In: rows of names and pairs of numbers. Out: a picture in two widths; row i has the id `g<i>`. What
is the player's and what the model's is told by words and by place, not by color alone. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.pictures.widths import either

WIDE, NARROW = 640.0, 350.0
ROW, HEAD, BAR, SIZE = 44.0, 30.0, 13.0, 13.0
YOURS, MODELS = palette.CHOSEN, palette.BAR


@dataclass(frozen=True)
class Row:
    """A word with the player's number and the model's; `came` marks the word of the text."""

    name: str
    yours: float
    models: float
    came: bool = False


def shares(rows: Sequence[Row], title: str, said: str) -> str:
    """Probabilities (0 to 1) on one scale from 0 to 100 %."""
    return _both(rows, 1.0, lambda value: _percent(value), title, said)


def bits(rows: Sequence[Row], title: str, said: str) -> str:
    """Bits of each turn, the shorter the better, on the scale of the largest."""
    most = max([1.0, *(max(row.yours, row.models) for row in rows)])
    return _both(rows, most, lambda value: f"{value:.1f} bits", title, said)


def _both(
    rows: Sequence[Row], most: float, shown: Callable[[float], str], title: str, said: str
) -> str:
    drawn = [_drawn(rows, most, shown, width, title, said) for width in (WIDE, NARROW)]
    return either(*drawn)


def _drawn(
    rows: Sequence[Row],
    most: float,
    shown: Callable[[float], str],
    width: float,
    title: str,
    said: str,
) -> str:
    left = 150.0 if width == WIDE else 112.0
    longest = width - left - 74
    parts = [*_legend(left)]
    for place, row in enumerate(rows):
        y = HEAD + place * ROW
        mark = "✓ " if row.came else ""
        name = mark + shortened(row.name, left - 14 - text_width(mark, SIZE), SIZE)
        bold = 700 if row.came else 400
        inner = [
            tag("rect", x=0.0, y=y, width=width, height=ROW - 2, fill=palette.PAPER,
                fill_opacity=0),
            label(name, 0, y + 20, size=SIZE, mono=True, font_weight=bold),
        ]  # fmt: skip
        for offset, value, colour in ((2.0, row.yours, YOURS), (20.0, row.models, MODELS)):
            long = max(1.0, longest * min(1.0, value / most))
            inner.append(
                tag("rect", x=left, y=y + offset, width=long, height=BAR, rx=2.0, fill=colour)
            )
            inner.append(label(shown(value), left + long + 6, y + offset + 11, size=12))
        tip = f"{row.name}: you {shown(row.yours)}, the model {shown(row.models)}"
        parts.append(tag("g", inner, data_id=f"g{place}", data_name=row.name, data_tip=tip))
    return document(width, HEAD + ROW * len(rows), parts, title, said)


def _legend(left: float) -> list[str]:
    parts = []
    for x, name, colour in ((left, "you", YOURS), (left + 70, "the model", MODELS)):
        parts.append(tag("rect", x=x, y=4.0, width=12.0, height=12.0, rx=2.0, fill=colour))
        parts.append(label(name, x + 18, 15, size=12.5))
    return parts


def _percent(share: float) -> str:
    if share >= 0.0995 or share <= 0:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
