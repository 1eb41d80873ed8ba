"""From an idea to an application: stages in a row that turns, what is connected below. Pure.

In: `Stage`s. Out: SVG, a sentence. A stage's id is `s-<id>`; what lies outside is dashed.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.landscape.stages import Stage
from pages.models.axes import NARROW, WIDE
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either

TITLE = "From idea to application"
TALL, GAP = 64.0, 30.0


def lifecycle(stages: Sequence[Stage], said: str) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    drawn = [_drawn(stages, width, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _drawn(stages: Sequence[Stage], width: float, said: str) -> str:
    columns = 4 if width == WIDE else 2
    step = width / columns
    inside = [one for one in stages if not one.outside]
    outside = [one for one in stages if one.outside]
    spots = {}
    for place, one in enumerate(inside):
        row, column = divmod(place, columns)
        column = columns - 1 - column if row % 2 else column  # the row turns
        spots[one.id] = (column * step + 8, 6 + row * (TALL + GAP))
    foot = 6 + -(-len(inside) // columns) * (TALL + GAP)
    parts = [
        _arrow(spots[a.id], spots[b.id], step) for a, b in zip(inside, inside[1:], strict=False)
    ]
    parts += [_box(one, place + 1, spots[one.id], step - 34) for place, one in enumerate(inside)]
    words = "connected from outside, no part of a model"
    parts.append(label(words, 8, foot + 10, size=12.5, fill=palette.MUTED, keep=True))
    for place, one in enumerate(outside):
        parts.append(_box(one, 0, (place * step + 8, foot + 20), step - 34))
    return document(width, foot + TALL + 30, parts, TITLE, said, least=1)


def _box(one: Stage, number: int, spot: tuple[float, float], wide: float) -> str:
    x, y = spot
    box = tag("rect", x=x, y=y, width=wide, height=TALL, rx=8, fill=palette.SURFACE,
              stroke=palette.ACCENT if number else palette.MUTED, stroke_width=1.6,
              stroke_dasharray=None if number else "5 4")  # fmt: skip
    name = label(one.name, x + wide / 2, y + TALL / 2 + (11 if number else 5), size=14,
                 text_anchor="middle", font_weight=600)  # fmt: skip
    first = ""
    if number:
        first = label(str(number), x + wide / 2, y + 22, size=13, fill=palette.MUTED,
                      text_anchor="middle")  # fmt: skip
    return tag("g", box + first + name, data_id=f"s-{one.id}", data_tip=one.says,
               data_name=one.name)  # fmt: skip


def _arrow(a: tuple[float, float], b: tuple[float, float], step: float) -> str:
    wide = step - 34
    if a[1] == b[1]:
        right = b[0] > a[0]
        x1 = a[0] + wide + 3 if right else a[0] - 3
        x2 = b[0] - 4 if right else b[0] + wide + 4
        y = a[1] + TALL / 2
        back = -7 if right else 7
        head = f"M{x2:.1f} {y:.1f}l{back} -5m{-back} 5l{back} 5"
        d = f"M{x1:.1f} {y:.1f}H{x2:.1f}{head}"
    else:
        x, y2 = a[0] + wide / 2, b[1] - 4
        d = f"M{x:.1f} {a[1] + TALL + 3:.1f}V{y2:.1f}M{x:.1f} {y2:.1f}l-5 -7m5 7l5 -7"
    return tag("path", d=d, fill="none", stroke=palette.MUTED, stroke_width=2)


def said(stages: Sequence[Stage]) -> str:
    """What the picture is."""
    outside = sum(one.outside for one in stages)
    return (
        f"{len(stages) - outside} stages lead from an idea to an application; {outside} things are "
        "connected from outside. Pin a stage to read what is done and to open the pages where it "
        "is seen here."
    )
