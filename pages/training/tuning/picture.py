"""Pictures of a tuning: two texts, bits before and after, loss curves, a matrix's change.

In: texts and figures. Out: SVG, in a wide and a narrow form. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.tuning.asking import Changed, Written
from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, esc, label, tag, text_width
from pages.pictures.widths import either

WIDE, NARROW = 960.0, 350.0
LINE, SIZE = 22.0, 14
Curve = Sequence[tuple[int, float, float]]


def texts(prompt: str, found: Written, names: tuple[str, str], said: str) -> str:
    """One prompt continued by both, side by side, one above the other where it is narrow."""
    return either(
        texts_wide(prompt, found, names, said), _texts(prompt, found, names, said, NARROW, 1)
    )


def texts_wide(prompt: str, found: Written, names: tuple[str, str], said: str) -> str:
    """The same in its wide form."""
    return _texts(prompt, found, names, said, WIDE, 2)


def _texts(
    prompt: str, found: Written, names: tuple[str, str], said: str, width: float, across: int
) -> str:
    gap = 16.0
    column = (width - gap * (across - 1)) / across
    blocks = [
        (name, _lines(prompt, text, column - 28))
        for name, text in zip(names, (found.before, found.after), strict=True)
    ]
    heights = [44 + LINE * max(3, len(lines)) for _, lines in blocks]
    if across == 2:
        heights = [max(heights)] * 2
    parts, y = [], 0.0
    for number, (name, lines) in enumerate(blocks):
        x = number % across * (column + gap)
        if across == 1 and number:
            y += heights[0] + gap
        edge = palette.ACCENT if number else palette.LINE
        body = [
            tag("rect", x=x + 1, y=y + 1, width=column - 2, height=heights[number] - 2, rx=6,
                fill=palette.SURFACE, stroke=edge, stroke_width=1 + number),
            label(name, x + 14, y + 24, size=13, font_weight=700),
        ]  # fmt: skip
        for row, (given, rest) in enumerate(lines):
            top = y + 50 + row * LINE
            body.append(_row(given, rest, x + 14, top))
        parts.append(tag("g", body, data_id=f"t{number}", data_tip=name))
    return document(width, y + heights[-1], parts, "Before and after tuning", said)


def _row(given: str, rest: str, x: float, y: float) -> str:
    """A line of text whose beginning is the prompt's."""
    spans = [tag("tspan", esc(given), fill=palette.MUTED), tag("tspan", esc(rest))]
    return tag("text", spans, x=x, y=y, font_size=float(SIZE), font_family=palette.SANS,
               fill=palette.INK, style="white-space:pre")  # fmt: skip


def _lines(prompt: str, text: str, room: float) -> list[tuple[str, str]]:
    """A text in lines that fit: on each the part that is the prompt's, and the rest."""
    found: list[tuple[str, str]] = []
    given = len(prompt)
    at = 0
    for paragraph in (prompt + text).split("\n"):
        row = ""
        start = at
        for word in paragraph.split(" "):
            longer = f"{row} {word}" if row else word
            if row and text_width(longer, SIZE, mono=False) > room:
                found.append(_parted(row, start, given))
                start += len(row) + 1
                row = word
            else:
                row = longer
        found.append(_parted(row, start, given))
        at += len(paragraph) + 1
    while found and not "".join(found[-1]).strip():
        found.pop()
    return found[:24]


def _parted(row: str, start: int, given: int) -> tuple[str, str]:
    cut = min(len(row), max(0, given - start))
    return row[:cut], row[cut:]


# ---------------------------------------------------------------- bits before and after


def bits(rows: Sequence[tuple[str, float, float]], said: str) -> str:
    """Bits per byte before (ring) and after (dot), a line a text."""
    return either(bits_wide(rows, said), _bits(rows, said, NARROW))


def bits_wide(rows: Sequence[tuple[str, float, float]], said: str) -> str:
    """The same in its wide form."""
    return _bits(rows, said, WIDE)


def _bits(rows: Sequence[tuple[str, float, float]], said: str, width: float) -> str:
    narrow = width < 500
    left, right, top = (16.0 if narrow else 330.0), width - 108.0, 34.0
    step = 62.0 if narrow else 44.0
    most = max(max(before, after) for _, before, after in rows)
    parts = [
        tag("circle", cx=left + 6, cy=14.0, r=6.0, fill=palette.PAPER, stroke=palette.INK,
            stroke_width=2),
        label("before", left + 18, 18, size=12, fill=palette.MUTED),
        tag("circle", cx=left + 86, cy=14.0, r=7.0, fill=palette.CHOSEN),
        label("after tuning, bits per byte", left + 98, 18, size=12, fill=palette.MUTED),
    ]  # fmt: skip
    for row, (name, before, after) in enumerate(rows):
        y = top + row * step + (40 if narrow else 24)
        x0, x1 = (left + value / most * (right - left) for value in (before, after))
        colour = palette.WRONG if after > before else palette.RIGHT
        place = (left, y - 20) if narrow else (4.0, y + 4)
        body = [
            label(name, *place, size=13),
            tag("line", x1=left, x2=right, y1=y, y2=y, stroke=palette.LINE),
            tag("line", x1=x0, x2=x1, y1=y, y2=y, stroke=colour, stroke_width=4),
            tag("circle", cx=x0, cy=y, r=6.0, fill=palette.PAPER, stroke=palette.INK,
                stroke_width=2),
            tag("circle", cx=x1, cy=y, r=7.0, fill=palette.CHOSEN),
            label(f"{before:.2f} → {after:.2f}", right + 14, y + 4, size=12),
        ]  # fmt: skip
        tip = f"{name}\n{before:.3f} bits per byte before, {after:.3f} after"
        parts.append(tag("g", body, data_id=f"b{row}", data_tip=tip))
    height = top + step * len(rows) + 14
    return document(width, height, parts, "Bits per byte before and after tuning", said)


# ------------------------------------------------------------------------- loss curves


def curve(points: Curve, said: str) -> str:
    """Training and held-out loss over the steps."""
    return either(curve_wide(points, said), _curve(points, said, NARROW))


def curve_wide(points: Curve, said: str) -> str:
    """The same in its wide form."""
    return _curve(points, said, WIDE)


def _curve(points: Curve, said: str, width: float) -> str:
    left, right, top, bottom = 48.0, width - 16, 34.0, 210.0
    last = max(points[-1][0], 1)
    high = max(max(train, held) for _, train, held in points) * 1.05
    best = min(points, key=lambda one: one[2])

    def x(step: int) -> float:
        return left + step / last * (right - left)

    def y(value: float) -> float:
        return bottom - value / high * (bottom - top)

    parts = []
    for part in range(5):
        value = high * part / 4
        parts.append(tag("line", x1=left, x2=right, y1=y(value), y2=y(value), stroke=palette.LINE))
        parts.append(label(f"{value:.1f}", left - 6, y(value) + 4, size=12, fill=palette.MUTED,
                           text_anchor="end"))  # fmt: skip
    kinds = ((1, "training loss", palette.BAR, "6 4"), (2, "held-out loss", palette.CHOSEN, None))
    for number, (place, name, colour, dashes) in enumerate(kinds):
        spots = " ".join(f"{x(one[0]):.1f},{y(one[place]):.1f}" for one in points)
        at = left + number * 140
        stroke = palette.MUTED if colour == palette.BAR else colour
        parts += [
            tag("polyline", points=spots, fill="none", stroke=stroke, stroke_width=2.5,
                stroke_dasharray=dashes),
            tag("line", x1=at, x2=at + 26, y1=12.0, y2=12.0, stroke=stroke, stroke_width=3,
                stroke_dasharray=dashes),
            label(name, at + 32, 16, size=12),
        ]  # fmt: skip
    parts.append(tag("circle", cx=x(best[0]), cy=y(best[2]), r=6.0, fill=palette.PAPER,
                     stroke=palette.CHOSEN, stroke_width=3))  # fmt: skip
    wide = (right - left) / max(len(points), 1)
    for step, train, held in points:
        tip = f"step {step:,}\ntraining {train:.3f} nats a token\nheld out {held:.3f}"
        parts.append(tag("rect", x=x(step) - wide / 2, y=top, width=max(wide, 6.0),
                         height=bottom - top, fill="none", pointer_events="all",
                         data_id=f"s{step}", data_tip=tip))  # fmt: skip
    parts.append(label("0", left, bottom + 18, size=12, fill=palette.MUTED))
    parts.append(label(f"step {last:,}", right, bottom + 18, size=12, fill=palette.MUTED,
                       text_anchor="end"))  # fmt: skip
    parts.append(label("nats a token; ring: the weights that were kept", left, bottom + 38,
                       size=12, fill=palette.MUTED))  # fmt: skip
    return document(width, bottom + 48, parts, "Loss over the training", said)


# ------------------------------------------------------------------ a matrix's change


def change(found: Changed, rank: int, said: str) -> str:
    """A matrix's change as colour, with its largest singular values."""
    return either(change_wide(found, rank, said), _change(found, rank, said, NARROW))


def change_wide(found: Changed, rank: int, said: str) -> str:
    """The same in its wide form."""
    return _change(found, rank, said, WIDE)


def _change(found: Changed, rank: int, said: str, width: float) -> str:
    delta = found.delta
    rows, columns = delta.shape
    narrow = width < 500
    room = width - 8 if narrow else 520.0
    scale = min(room / columns, (220.0 if narrow else 260.0) / rows)
    wide, high = columns * scale, rows * scale
    # A few weights change far more than the rest, which would be as pale as no change.
    full = float(np.quantile(np.abs(delta), 0.99)) or 1e-9
    largest = float(np.abs(delta).max())
    parts = [
        label(f"{rows} inputs × {columns} outputs", 4, 16, size=12, fill=palette.MUTED),
        raster(delta, x=4, y=26, width=wide, height=high, colour=palette.POSITIVE, high=full),
        tag("rect", x=4.0, y=26.0, width=wide, height=high, fill="none", stroke=palette.LINE,
            pointer_events="all", data_id="delta",
            data_tip=f"largest change of a weight: {largest:.4f}"),
        label(f"blue up, orange down, full color from {full:.3f} on", 4, high + 44, size=12,
              fill=palette.MUTED),
    ]  # fmt: skip
    x, y = (4.0, high + 62) if narrow else (wide + 44, 0.0)
    shown = min(len(found.singular), max(12, min(24, 2 * rank)))
    tall = 150.0
    most = max(float(found.singular.max()), 1e-9)
    step = min(24.0, (width - x - 8) / shown)
    parts.append(label(f"{shown} largest singular values", x, y + 16, size=12, fill=palette.MUTED))
    for k in range(shown):
        value = float(found.singular[k])
        up = tall * value / most
        kept = value > 1e-6 * most
        parts.append(tag("rect", x=x + k * step + 1, y=y + 34 + tall - max(up, 2.0),
                         width=step - 3, height=max(up, 2.0), rx=2,
                         fill=palette.CHOSEN if kept else palette.BAR))  # fmt: skip
        parts.append(tag("rect", x=x + k * step, y=y + 30, width=step, height=tall + 24,
                         fill="none", pointer_events="all", data_id=f"v{k + 1}",
                         data_tip=f"singular value {k + 1}: {value:.4g}"))  # fmt: skip
        if k % 4 == 3 or k == 0:
            parts.append(label(str(k + 1), x + (k + 0.5) * step, y + tall + 50, size=12,
                               fill=palette.MUTED, text_anchor="middle"))  # fmt: skip
    bottom = max(high + 54, y + tall + 62)
    return document(width, bottom, parts, "Change of one matrix", said)
