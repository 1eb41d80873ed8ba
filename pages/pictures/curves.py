"""Lines over a logarithmic scale, each with the spread of what was measured.

In: numbers, their names and tips. Out: SVG in a wide and a narrow form; the column at place i of
the axis has the id `x<i>`. Knows nothing of what the numbers are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.pictures.widths import either

WIDE, NARROW = 960.0, 350.0
LEFT, RIGHT, TOP, BOTTOM = 76.0, 18.0, 26.0, 290.0
TICKS = 8  # rules across, at most
DASHES = (None, "7 4", "2 3", "10 3 2 3")  # so that no line is told by its colour alone
NEXT = 19.0  # pixels from a line of the legend to the next


@dataclass(frozen=True)
class Line:
    """One line; None is a place without a number. `low` and `high` are the ends of its band.

    `formula` stands behind its name. `joined` False draws the points alone. `look` chooses colour,
    dashes and marks (0, 1, ...); None: by its place among the lines.
    """

    name: str
    values: Sequence[float | None]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    formula: str = ""
    joined: bool = True
    look: int | None = None


@dataclass(frozen=True)
class Axes:
    """The names under the rule, what stands under them and above the scale, a tip for each place.

    `shown` writes a number of the scale.
    """

    places: Sequence[str]
    across: str
    up: str
    tips: Sequence[str]
    shown: Callable[[float], str]


def curves(lines: Sequence[Line], axes: Axes, title: str, said: str) -> str:
    """The picture as it is shown."""
    return either(wide(lines, axes, title, said), _drawn(lines, axes, title, said, NARROW))


def wide(lines: Sequence[Line], axes: Axes, title: str, said: str) -> str:
    """Its wide form, for files."""
    return _drawn(lines, axes, title, said, WIDE)


def _drawn(lines: Sequence[Line], axes: Axes, title: str, said: str, width: float) -> str:
    low, high = _ends(lines)
    step = (width - LEFT - RIGHT) / max(len(axes.places) - 1, 1)

    def x(place: int) -> float:
        return LEFT + place * step

    def y(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return BOTTOM - share * (BOTTOM - TOP)

    parts = _scale(low, high, y, axes, width)
    for number, line in enumerate(lines):
        parts += _line(line, _look(line, number), x, y)
    least = 34.0
    every = max(1, math.ceil(least / step)) if len(axes.places) > 1 else 1
    for place, name in enumerate(axes.places):
        if place % every == 0 or place == len(axes.places) - 1:
            parts.append(label(name, x(place), BOTTOM + 18, size=12, fill=palette.MUTED,
                               text_anchor="middle"))  # fmt: skip
        spot = max(min(step, 90.0), 24.0)
        parts.append(tag("rect", x=x(place) - spot / 2, y=TOP, width=spot,
                         height=BOTTOM - TOP + 24, fill="none", pointer_events="all",
                         data_id=f"x{place}", data_tip=axes.tips[place]))  # fmt: skip
    parts.append(label(axes.across, (LEFT + width - RIGHT) / 2, BOTTOM + 38, size=12,
                       fill=palette.MUTED, text_anchor="middle"))  # fmt: skip
    legend, height = _legend(lines, width)
    return document(width, height, parts + legend, title, said)


def _ends(lines: Sequence[Line]) -> tuple[float, float]:
    """Where the scale begins and ends, as powers of ten: at 1, 2 or 5 times such a power."""
    every = [
        value
        for line in lines
        for value in (*line.values, *line.low, *line.high)
        if value is not None and value > 0
    ]
    least, most = min(every, default=1.0), max(every, default=10.0)
    low = max(one for one in _round(least, most) if one <= least * 1.0001)
    high = min(one for one in _round(least, most) if one >= most / 1.0001 and one > low)
    return math.log10(low), math.log10(high)


def _round(least: float, most: float) -> list[float]:
    """1, 2, 5, 10, 20 ... from below the least to above the most."""
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5)]


def _ticks(low: float, high: float) -> list[float]:
    """The numbers of the scale: powers of ten, between them 2 and 5 where there is room."""
    inside = [
        one for one in _round(10.0**low, 10.0**high)
        if low - 1e-6 <= math.log10(one) <= high + 1e-6
    ]  # fmt: skip
    tens = [one for one in inside if math.isclose(math.log10(one) % 1, 0, abs_tol=1e-6)
            or math.isclose(math.log10(one) % 1, 1, abs_tol=1e-6)]  # fmt: skip
    if len(inside) <= TICKS:
        return inside
    return tens[:: max(1, math.ceil(len(tens) / TICKS))]


def _scale(
    low: float, high: float, y: Callable[[float], float], axes: Axes, width: float
) -> list[str]:
    parts = []
    for value in _ticks(low, high):
        at = y(value)
        parts.append(tag("line", x1=LEFT, x2=width - RIGHT, y1=at, y2=at, stroke=palette.LINE))
        parts.append(label(axes.shown(value), LEFT - 8, at + 4, size=12,
                           fill=palette.MUTED, text_anchor="end"))  # fmt: skip
    parts.append(label(axes.up, 4, 14, size=12, fill=palette.MUTED))
    return parts


def _line(
    line: Line, number: int, x: Callable[[int], float], y: Callable[[float], float]
) -> list[str]:
    colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
    there = [(place, value) for place, value in enumerate(line.values) if value is not None]
    parts = []
    if line.low and line.high:
        over = [f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(line.high)]
        under = [f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(line.low)]
        parts.append(tag("polygon", points=" ".join([*over, *reversed(under)]), fill=colour,
                         fill_opacity=0.14))  # fmt: skip
    if line.joined:
        path = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in there)
        parts.append(tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2,
                         stroke_dasharray=DASHES[number % len(DASHES)]))  # fmt: skip
    parts += [_mark(number, x(place), y(value), colour) for place, value in there]
    return parts


def _mark(number: int, x: float, y: float, colour: str) -> str:
    """A disc, a square, a triangle, a ring."""
    match number % 4:
        case 0:
            return tag("circle", cx=x, cy=y, r=4.0, fill=colour)
        case 1:
            return tag("rect", x=x - 3.6, y=y - 3.6, width=7.2, height=7.2, fill=colour)
        case 2:
            corners = (
                f"{x:.1f},{y - 4.8:.1f} {x - 4.6:.1f},{y + 3.6:.1f} {x + 4.6:.1f},{y + 3.6:.1f}"
            )
            return tag("polygon", points=corners, fill=colour)
        case _:
            return tag("circle", cx=x, cy=y, r=4.0, fill=palette.PAPER, stroke=colour,
                       stroke_width=2)  # fmt: skip


def _look(line: Line, place: int) -> int:
    return place if line.look is None else line.look


def _legend(lines: Sequence[Line], width: float) -> tuple[list[str], float]:
    """Each line's name with its formula behind it, or below it where there is no room."""
    parts, at = [], BOTTOM + 64
    for place, line in enumerate(lines):
        number = _look(line, place)
        colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
        left = LEFT if width > NARROW else 6.0
        if line.joined:
            dashes = DASHES[number % len(DASHES)]
            parts.append(tag("line", x1=left, x2=left + 30, y1=at - 4, y2=at - 4, stroke=colour,
                             stroke_width=2, stroke_dasharray=dashes))  # fmt: skip
        parts.append(_mark(number, left + 15, at - 4, colour))
        room = width - left - 44
        parts.append(label(shortened(line.name, room, 13, mono=False), left + 38, at, size=13))
        if line.formula:
            behind = text_width(line.name, 13, mono=False) + 20
            below = behind + text_width(line.formula, 12, mono=False) > room
            at += NEXT if below else 0
            parts.append(label(shortened(line.formula, room - (0 if below else behind), 12,
                                         mono=False),
                               left + 38 + (0 if below else behind), at, size=12,
                               fill=palette.MUTED))  # fmt: skip
        at += NEXT + 3
    return parts, at - 8
