"""How much the words in another order change, layer by layer, as lines on a logarithmic scale.

In: `Orders`. Out: an SVG string; both numbers of every layer can be pointed at. Knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.whatif.orders import Orders
from pages.pictures import not_as_made, palette, svg

WIDTH, HEIGHT = 356.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 16.0, 52.0, 44.0
LOW, HIGH = -8, 2  # powers of ten
RAISED = str.maketrans("2468", "²⁴⁶⁸")
NAMES = {"off": "positions off", "shuffled": "positions shuffled"}


def order_changes(found: Orders, *, title: str) -> str:
    """Two lines: the model as it was made, and changed; 0 stands at the foot."""
    parts = [not_as_made.mark(), *_frame(len(found.changed))]
    series = (
        ("as made", found.as_made.tolist(), palette.MUTED, "6 4"),
        (NAMES[found.positions], found.changed.tolist(), palette.CHOSEN, None),
    )
    for number, (name, values, colour, dash) in enumerate(series):
        parts += _line(values, colour, dash, circle=number == 1)
        x = LEFT + number * 120
        parts.append(
            svg.tag("line", x1=x, y1=40.0, x2=x + 22, y2=40.0, stroke=colour, stroke_width=2.4,
                    stroke_dasharray=dash)
        )  # fmt: skip
        parts.append(svg.label(name, x + 28, 44, size=12.5))
    for layer in range(len(found.changed)):
        parts.append(_spot(found, layer))
    return svg.document(WIDTH, HEIGHT, parts, title, f"{len(found.changed)} steps through layers.")


def shown(value: float) -> str:
    """A difference as it is written: `12.3`, `0.000002`, `0`."""
    if value == 0:
        return "0"
    if value >= 0.01:
        return f"{value:.3g}"
    return f"{value:.{1 - math.floor(math.log10(value)) - 1}f}"


def _frame(count: int) -> list[str]:
    parts = []
    for power in range(LOW, HIGH + 1, 2):
        y = _y(10.0**power)
        name = (
            "0"
            if power == LOW
            else f"{10.0**power:g}"
            if power > -3
            else "10⁻" + str(-power).translate(RAISED)
        )
        parts.append(svg.tag("line", x1=LEFT, y1=y, x2=WIDTH - RIGHT, y2=y, stroke=palette.LINE))
        parts.append(
            svg.label(name, LEFT - 8, y + 4, size=12, fill=palette.MUTED, text_anchor="end")
        )
    for layer in range(count):
        if layer % -(-count // 13) == 0:
            parts.append(
                svg.label(str(layer) if layer else "in", _x(layer, count), HEIGHT - BOTTOM + 18,
                          size=12, fill=palette.MUTED, text_anchor="middle")
            )  # fmt: skip
    words = "after layer (in: entering layer 1); up: difference"
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        svg.label(words, middle, HEIGHT - 6, size=12, fill=palette.MUTED, text_anchor="middle")
    )
    return [svg.tag("g", parts, keep=True)]


def _line(values: Sequence[float], colour: str, dash: str | None, *, circle: bool) -> list[str]:
    spots = [(_x(k, len(values)), _y(value)) for k, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    line = svg.tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2.4,
                   stroke_dasharray=dash)  # fmt: skip
    if not circle:
        return [line]
    return [line, *(svg.tag("circle", cx=x, cy=y, r=4.0, fill=colour) for x, y in spots)]


def _spot(found: Orders, layer: int) -> str:
    count = len(found.changed)
    step = (WIDTH - LEFT - RIGHT) / max(count - 1, 1)
    x = max(_x(layer, count) - step / 2, LEFT)
    right = min(_x(layer, count) + step / 2, WIDTH - RIGHT)
    where = f"after layer {layer}" if layer else "what enters layer 1"
    tip = (
        f"{where}\nas made: {shown(float(found.as_made[layer]))}\n"
        f"{NAMES[found.positions]}: {shown(float(found.changed[layer]))}"
    )
    box = svg.tag("rect", x=x, y=TOP, width=right - x, height=HEIGHT - TOP - BOTTOM,
                  fill=palette.PAPER, fill_opacity=0)  # fmt: skip
    return svg.tag("g", box, data_id=f"l{layer}", data_tip=tip)


def _x(layer: int, count: int) -> float:
    return LEFT + layer * (WIDTH - LEFT - RIGHT) / max(count - 1, 1)


def _y(value: float) -> float:
    power = math.log10(max(value, 10.0**LOW))
    share = (min(power, HIGH) - LOW) / (HIGH - LOW)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
