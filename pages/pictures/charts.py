"""Line and bar charts as SVG, for files: on a page Plotly draws the same numbers.

In: named series of numbers. Out: SVG. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag

WIDTH, HEIGHT = 640.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 16.0, 14.0, 46.0
TICKS = 5


def lines(
    values: Mapping[str, Sequence[float]], *, across: str, up: str, title: str, first: int = 0
) -> str:
    """One line for each series; `first` is the number under its first point."""
    every = [value for series in values.values() for value in series]
    low, high = min([*every, 0.0]), max([*every, 1.0])
    count = max((len(series) for series in values.values()), default=1)
    parts = _frame(low, high, count, first, across, up)
    step = (WIDTH - LEFT - RIGHT) / max(count - 1, 1)
    for number, (name, series) in enumerate(values.items()):
        colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
        spots = [(LEFT + k * step, _y(value, low, high)) for k, value in enumerate(series)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2))
        y = HEIGHT + 16 + 18 * number
        parts.append(tag("rect", x=LEFT, y=y - 9, width=12.0, height=10.0, rx=2, fill=colour))
        parts.append(label(shortened(name, WIDTH - LEFT - 30, 12, mono=False), LEFT + 18, y))
    return document(WIDTH, HEIGHT + 18 * len(values) + 12, parts, title)


def bars(values: Sequence[float], *, used: int, across: str, up: str, title: str) -> str:
    """One bar for each number, the first `used` in colour."""
    high = max([*values, 1e-9])
    parts = _frame(0.0, high, len(values), 1, across, up, bars=True)
    step = (WIDTH - LEFT - RIGHT) / max(len(values), 1)
    for k, value in enumerate(values):
        y = _y(value, 0.0, high)
        colour = palette.CHOSEN if k < used else palette.BAR
        parts.append(
            tag("rect", x=LEFT + (k + 0.12) * step, y=y, width=0.76 * step,
                height=HEIGHT - BOTTOM - y, rx=2, fill=colour, data_tip=f"{k + 1}: {value:.3g}")
        )  # fmt: skip
    return document(WIDTH, HEIGHT, parts, title)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / max(high - low, 1e-9) * (HEIGHT - TOP - BOTTOM)


def _frame(
    low: float, high: float, count: int, first: int, across: str, up: str, *, bars: bool = False
) -> list[str]:
    """Rules with their numbers, the names of both axes."""
    parts = []
    for k in range(TICKS):
        value = low + (high - low) * k / (TICKS - 1)
        y = _y(value, low, high)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, stroke=palette.LINE))
        parts.append(
            label(f"{value:.2g}", LEFT - 8, y + 4, size=12, fill=palette.MUTED, text_anchor="end")
        )
    step = (WIDTH - LEFT - RIGHT) / max(count if bars else count - 1, 1)
    for k in range(0, count, max(1, count // 10)):
        x = LEFT + (k + 0.5 * bars) * step
        text = str(first + k)
        parts.append(
            label(text, x, HEIGHT - BOTTOM + 17, size=12, fill=palette.MUTED, text_anchor="middle")
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(label(across, middle, HEIGHT - 10, fill=palette.MUTED, text_anchor="middle"))
    turned = f"rotate(-90 14 {(HEIGHT - BOTTOM) / 2:.0f})"
    parts.append(
        label(up, 14, (HEIGHT - BOTTOM) / 2, fill=palette.MUTED, text_anchor="middle",
              transform=turned)
    )  # fmt: skip
    return parts
