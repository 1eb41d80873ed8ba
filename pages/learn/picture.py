"""The course as a path: a stop for each lesson, a bend for each chapter. Pure.

In: lessons by chapter, and which were begun or finished. Out: an SVG. Nothing is carried by color
alone: a finished stop holds a check mark, a begun one a dot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.pictures import palette
from pages.pictures.svg import esc

STOP, ROW, LEFT = 46, 62, 34
RADIUS = 13


def course_path(
    chapters: Sequence[tuple[str, Sequence[str]]],
    *,
    done: frozenset[str] = frozenset(),
    at: Mapping[str, int] | None = None,
    title: str = "The course",
) -> str:
    """Draw the stops of each chapter (its name, the ids of its lessons) in a row."""
    widest = max((len(stops) for _, stops in chapters), default=1)
    label = 12 + max((7.2 * len(name) for name, _ in chapters), default=0)
    width, height = LEFT + (widest - 1) * STOP + 2 * RADIUS + label + 16, ROW * len(chapters) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" role="img" font-family="system-ui, sans-serif">',
        f"<title>{esc(title)}</title>",
        f'<path d="{_line(chapters)}" fill="none" stroke="{palette.LINE}" stroke-width="4"/>',
    ]
    for row, (name, stops) in enumerate(chapters):
        y = _y(row)
        for place, stop in enumerate(stops):
            parts.append(_stop(_x(place), y, stop, done=stop in done, begun=stop in (at or {})))
        x = _x(len(stops) - 1) + RADIUS + 12
        parts.append(
            f'<text x="{x}" y="{y + 5}" font-size="14" fill="{palette.INK}">{esc(name)}</text>'
        )
    return "".join(parts) + "</svg>"


def _stop(x: float, y: float, name: str, *, done: bool, begun: bool) -> str:
    fill = palette.ACCENT if done else palette.PAPER
    ink = palette.PAPER if done else palette.INK
    mark = "✓" if done else name
    edge = palette.ACCENT if done or begun else palette.MUTED
    dot = (
        f'<circle cx="{x + 10}" cy="{y - 10}" r="4" fill="{palette.ACCENT}"/>'
        if begun and not done
        else ""
    )
    state = "finished" if done else "begun" if begun else "not begun"
    return (
        f'<g><title>{esc(name)}: {state}</title><circle cx="{x}" cy="{y}" r="{RADIUS}" '
        f'fill="{fill}" stroke="{edge}" stroke-width="2"/>{dot}<text x="{x}" y="{y + 4}" '
        f'font-size="12" text-anchor="middle" fill="{ink}">{esc(mark)}</text></g>'
    )


def _line(chapters: Sequence[tuple[str, Sequence[str]]]) -> str:
    """From stop to stop, and from the end of a row back to the beginning of the next."""
    parts = []
    for row, (_, stops) in enumerate(chapters):
        y, last = _y(row), _x(len(stops) - 1)
        parts.append(f"{'M' if not row else 'L'}{_x(0)} {y}L{last} {y}")
        if row + 1 < len(chapters):
            turn = y + ROW / 2
            parts.append(f"L{last} {turn}L{_x(0)} {turn}")
    return "".join(parts)


def _x(place: int) -> float:
    return LEFT + place * STOP


def _y(row: int) -> float:
    return 26 + row * ROW
