"""What is often said against what is right: how many times too much or too little. Pure.

In: `Claim`s. Out: SVG of those that are numbers, a sentence. A claim's id is `f<place>`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.landscape import amounts
from engine.landscape.notes import Claim
from pages.models.axes import NARROW, WIDE, Log, mark
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either

ROW, HEAD = 54.0, 26.0
TITLE = "Figures that are often said, and those of the papers"


def figures(found: Sequence[Claim], said: str) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    drawn = [_drawn(found, width, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def numeric(found: Sequence[Claim]) -> list[tuple[int, Claim]]:
    """Those that are numbers, with their places."""
    return [(place, one) for place, one in enumerate(found) if one.times is not None]


def _drawn(found: Sequence[Claim], width: float, said: str) -> str:
    rows = numeric(found)
    axis = Log(0.08, 12.0, 70, width - 70)
    foot = HEAD + ROW * len(rows)
    parts = []
    for times, words in ((0.1, "10 times too small"), (1.0, "right"), (10.0, "10 times too large")):
        x = axis(times)
        parts.append(tag("line", x1=x, x2=x, y1=HEAD - 4, y2=foot, stroke=palette.LINE,
                         stroke_width=2 if times == 1 else 1))  # fmt: skip
        anchor = "middle" if width == WIDE or times == 1 else "start" if times < 1 else "end"
        shift = 0 if anchor == "middle" else -66 if anchor == "start" else 66
        parts.append(label(words, x + shift, 14, size=12, fill=palette.MUTED, text_anchor=anchor))
    for row, (place, one) in enumerate(rows):
        y = HEAD + row * ROW
        x, middle = axis(one.times or 1), axis(1.0)
        told, right = (_amount(value, one.unit) for value in (one.told or 0, one.found or 0))
        words = f"said {told}, right {right}"
        inside = [
            tag("rect", x=0.0, y=y, width=width, height=ROW - 4, fill=palette.PAPER,
                fill_opacity=0),
            label(one.about, 2, y + 14, size=12.5, font_weight=600),
            tag("line", x1=x, x2=middle, y1=y + 33, y2=y + 33, stroke=palette.MUTED,
                stroke_width=2),
            mark(middle, y + 33, "dot", palette.RIGHT, hollow=False),
            mark(x, y + 33, "diamond", palette.WRONG, hollow=True),
            label(words, width - 2, y + (14 if width == WIDE else 50), size=12,
                  text_anchor="end", fill=palette.MUTED),
        ]  # fmt: skip
        parts.append(
            tag(
                "g",
                inside,
                data_id=f"f{place}",
                data_name=one.about,
                data_tip=f"{one.about}\noften said: {one.said}\nright: {one.right}",
            )
        )
    return document(width, foot + 8, parts, TITLE, said, least=1)


def _amount(value: float, unit: str) -> str:
    words = amounts.count(value)
    return words if unit == "parameters" else f"{words} {unit}"


def said(found: Sequence[Claim]) -> str:
    """Which number is furthest from its paper."""
    rows = [one for _, one in numeric(found)]
    far = max(rows, key=lambda one: max(one.times or 1, 1 / (one.times or 1)))
    times = max(far.times or 1, 1 / (far.times or 1))
    way = "large" if (far.times or 1) > 1 else "small"
    return (
        f"{len(found)} things are often said otherwise than the papers have them; {len(rows)} are "
        f"numbers. Furthest off is “{far.about}”: said {amounts.digits(times)} times too {way}. "
        "Diamond: often said. Dot: the paper's number. Pin a row to read both."
    )
