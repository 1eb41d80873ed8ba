"""Axes of powers of ten, and rows of parts: what several pictures of Models draw with. Pure.

In: numbers. Out: SVG. Marks have targets of 24 pixels; text is 12 pixels or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.pictures.widths import either

WIDE, NARROW = 900.0, 350.0
ROW, BAR, SIZE = 34.0, 16.0, 13.0
TARGET = 12.0  # radius of what can be pointed at


@dataclass(frozen=True)
class Log:
    """A logarithmic axis: `low` lies at pixel `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 8) -> list[float]:
        """Powers of ten between the ends, at most so many."""
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        step = max(1, math.ceil((last - first + 1) / most))
        return [10.0**k for k in range(first, last + 1, step)]


def across(axis: Log, top: float, bottom: float, shown: Callable[[float], str], most: int) -> str:
    """Rules of an axis from left to right, its numbers below."""
    parts = []
    for value in axis.ticks(most):
        x = axis(value)
        parts.append(tag("line", x1=x, x2=x, y1=top, y2=bottom, stroke=palette.LINE))
        parts.append(
            label(shown(value), x, bottom + 17, size=12, fill=palette.MUTED, text_anchor="middle")
        )
    return "".join(parts)


def upward(axis: Log, left: float, right: float, shown: Callable[[float], str]) -> str:
    """Rules of an axis from bottom to top, its numbers on the left."""
    parts = []
    for value in axis.ticks():
        y = axis(value)
        parts.append(tag("line", x1=left, x2=right, y1=y, y2=y, stroke=palette.LINE))
        parts.append(
            label(shown(value), left - 7, y + 4, size=12, fill=palette.MUTED, text_anchor="end")
        )
    return "".join(parts)


def mark(x: float, y: float, form: str, colour: str, *, hollow: bool, size: float = 5.0) -> str:
    """A dot, a square or a diamond with its target; hollow says that the figure is not sure."""
    fill = palette.PAPER if hollow else colour
    given = {"fill": fill, "stroke": colour, "stroke_width": 1.6}
    if form == "square":
        drawn = tag("rect", x=x - size + 0.5, y=y - size + 0.5, width=2 * size - 1,
                    height=2 * size - 1, **given)  # fmt: skip
    elif form == "diamond":
        r = size + 1
        d = f"M{x:.1f} {y - r:.1f}L{x + r:.1f} {y:.1f}L{x:.1f} {y + r:.1f}L{x - r:.1f} {y:.1f}Z"
        drawn = tag("path", d=d, **given)
    else:
        drawn = tag("circle", cx=x, cy=y, r=size, **given)
    return tag("circle", cx=x, cy=y, r=TARGET, fill=palette.PAPER, fill_opacity=0.01) + drawn


@dataclass(frozen=True)
class Part:
    """One row of a sum: `id` is what pictures and links call it."""

    id: str
    name: str
    value: float
    tip: str = ""


@dataclass(frozen=True)
class Gauge:
    """A vessel below a sum: how much of it the sum fills (0 to 1), and what is written there."""

    id: str
    name: str
    share: float
    said: str


def parts_of(
    parts: Sequence[Part],
    shown: Callable[[float], str],
    *,
    title: str,
    said: str,
    gauges: Sequence[Gauge] = (),
    heading: str = "",
) -> tuple[str, str]:
    """A sum as steps, each part beginning where the one before ended; (for both widths, wide)."""
    drawn = [_steps(parts, shown, width, title, said, gauges, heading) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _steps(
    parts: Sequence[Part],
    shown: Callable[[float], str],
    width: float,
    title: str,
    said: str,
    gauges: Sequence[Gauge],
    heading: str,
) -> str:
    total = sum(one.value for one in parts)
    most = max(total, 1e-9)
    names = [*(one.name for one in parts), *(one.name for one in gauges)]
    longest = max((text_width(name, SIZE, mono=False) for name in names), default=0.0)
    left = 170.0 if width == WIDE else min(150.0, max(118.0, longest + 14))
    room = width - left - (120.0 if width == WIDE else 88.0)
    y, begun, rows = 4.0, 0.0, []
    for number, one in enumerate(parts):
        share = f" · {100 * one.value / total:.1f} %" if width == WIDE and total else ""
        colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
        x = left + room * begun / most
        rows.append(
            _row(one.id, one.name, x, room * one.value / most, y, left, colour,
                 shown(one.value) + share, one.tip or f"{one.name}: {shown(one.value)}")
        )  # fmt: skip
        begun += one.value
        y += ROW
    rows.append(tag("line", x1=0.0, x2=width, y1=y - 3, y2=y - 3, stroke=palette.LINE))
    rows.append(_row("total", "total", left, room * total / most, y, left, palette.INK,
                     shown(total), f"total: {shown(total)}", bold=True))  # fmt: skip
    y += ROW
    if gauges:
        rows.append(label(heading, 0, y + 15, size=12.5, fill=palette.MUTED))
        y += 26
        for one in gauges:
            rows.append(_gauge(one, y, left, room))
            y += ROW
    return document(width, y + 6, rows, title, said, least=1)


def _row(
    id: str, name: str, x: float, long: float, y: float, left: float, colour: str, said: str,
    tip: str, *, bold: bool = False,
) -> str:  # fmt: skip
    weight = 700 if bold else 400
    end = x + max(long, 2.0)
    inside = [
        tag("rect", x=0.0, y=y, width=left + 4, height=ROW - 6, fill=palette.PAPER, fill_opacity=0),
        label(shortened(name, left - 12, SIZE, mono=False), 0, y + 18, size=SIZE,
              font_weight=weight),
        tag("rect", x=x, y=y + 5, width=max(long, 2.0), height=BAR, rx=2.0, fill=colour),
        label(said, end + 6, y + 18, size=12.5, font_weight=weight),
    ]  # fmt: skip
    return tag("g", inside, data_id=id, data_tip=tip, data_name=name)


def _gauge(one: Gauge, y: float, left: float, room: float) -> str:
    inside = [
        tag("rect", x=0.0, y=y, width=left + 4, height=ROW - 6, fill=palette.PAPER, fill_opacity=0),
        label(shortened(one.name, left - 12, SIZE, mono=False), 0, y + 18, size=SIZE),
        tag("rect", x=left, y=y + 5, width=room * min(1.0, one.share), height=BAR, rx=2.0,
            fill=palette.BAR),
        tag("rect", x=left, y=y + 5, width=room, height=BAR, rx=2.0, fill="none",
            stroke=palette.FAINT),
        label(one.said, left + room + 6, y + 18, size=12.5),
    ]  # fmt: skip
    return tag("g", inside, data_id=one.id, data_tip=f"{one.name}: {one.said}", data_name=one.name)


def key_of(marks: Mapping[str, str], x: float, y: float, width: float) -> tuple[str, float]:
    """A legend: drawn marks (SVG around the origin) by their words; returns it and its height."""
    parts, at, line = [], x, y
    for words, drawn in marks.items():
        long = 26 + text_width(words, 12.5, mono=False)
        if at + long > width and at > x:
            at, line = x, line + 21
        parts.append(tag("g", drawn, transform=f"translate({at + 8:.1f} {line - 4:.1f})"))
        parts.append(label(words, at + 20, line, size=12.5, fill=palette.MUTED))
        at += long + 12
    return tag("g", parts, keep=True), line - y + 21
