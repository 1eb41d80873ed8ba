"""A share that changes with the number of examples: points, a line, intervals, other runs, chance.

In: numbers. Out: SVG; the point of n examples has the id `n<n>`. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pages.pictures import palette
from pages.pictures.svg import document, label, tag

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 18.0, 14.0, 48.0
DASHES = (None, "7 4")
COLOURS = (palette.CHOSEN, palette.PROBABILITY)


@dataclass(frozen=True)
class Series:
    """One line: a share for each number of examples; `low` and `high` are ends of intervals."""

    name: str
    shares: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    tips: Sequence[str] = ()


def curve(
    counts: Sequence[int],
    lines: Sequence[Series],
    *,
    up: str,
    title: str,
    said: str,
    chance: float | None = None,
    axis: Sequence[int] = (),
    faint: Sequence[Sequence[float]] = (),
    fainted: str = "",
) -> str:
    """Shares from 0 to 100 % over numbers of examples; `faint` are further runs, thin and grey.

    `axis` are the numbers under the rule, where there are more of them than points so far.
    """
    last = max([*counts, *axis], default=0)

    def x(count: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * count / max(last, 1)

    parts = _frame(axis or counts, x, up)
    key: list[tuple[str, str, str | None]] = []
    for shares in faint:
        path = " ".join(f"{x(n):.1f},{_y(s):.1f}" for n, s in zip(counts, shares, strict=True))
        parts.append(tag("polyline", points=path, fill="none", stroke=palette.FAINT))
    if faint:
        key.append((fainted, palette.FAINT, None))
    if chance is not None:
        y = _y(chance)
        parts.append(
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, stroke=palette.MUTED,
                stroke_dasharray="2 4")
        )  # fmt: skip
        key.append((f"chance: {100 * chance:.0f} %", palette.MUTED, "2 4"))
    for number, one in enumerate(lines):
        colour, dash = COLOURS[number % 2], DASHES[number % 2]
        parts += _line(counts, one, x, colour, dash, points=f"{'m' * number}n")
        key.append((one.name, colour, dash))
    height = HEIGHT + 8
    for name, colour, dash in key:
        parts.append(
            tag("line", x1=LEFT, x2=LEFT + 26, y1=height, y2=height, stroke=colour,
                stroke_width=2, stroke_dasharray=dash)
        )  # fmt: skip
        parts.append(label(name, LEFT + 34, height + 4, size=12))
        height += 19
    return document(WIDTH, height + 2, parts, title, said)


def _line(
    counts: Sequence[int],
    one: Series,
    x: Callable[[float], float],
    colour: str,
    dash: str | None,
    *,
    points: str,
) -> list[str]:
    spots = [(x(n), _y(share)) for n, share in zip(counts, one.shares, strict=True)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in spots)
    parts = [
        tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2,
            stroke_dasharray=dash)
    ]  # fmt: skip
    for k, (count, (a, b)) in enumerate(zip(counts, spots, strict=True)):
        drawn = ""
        if one.low:
            low, high = _y(one.low[k]), _y(one.high[k])
            for x1, x2, y1, y2 in (
                (a, a, low, high),
                (a - 5, a + 5, low, low),
                (a - 5, a + 5, high, high),
            ):
                drawn += tag("line", x1=x1, x2=x2, y1=y1, y2=y2, stroke=colour, stroke_width=1.5)
        # A target of 24 pixels around a small mark.
        drawn += tag("circle", cx=a, cy=b, r=12.0, fill=palette.PAPER, fill_opacity=0.01)
        drawn += tag("circle", cx=a, cy=b, r=4.5, fill=colour)
        tip = one.tips[k] if one.tips else f"{count}: {100 * one.shares[k]:.1f} %"
        parts.append(tag("g", drawn, data_id=f"{points}{count}", data_tip=tip, data_name=tip))
    return parts


def _frame(counts: Sequence[int], x: Callable[[float], float], up: str) -> list[str]:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _y(share)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, stroke=palette.LINE))
        parts.append(
            label(f"{100 * share:.0f} %", LEFT - 8, y + 4, size=12, fill=palette.MUTED,
                  text_anchor="end")
        )  # fmt: skip
    for count in counts:
        parts.append(
            label(str(count), x(count), HEIGHT - BOTTOM + 18, size=12, fill=palette.MUTED,
                  text_anchor="middle")
        )  # fmt: skip
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        label("examples", middle, HEIGHT - 12, size=13, fill=palette.MUTED, text_anchor="middle")
    )
    turned = f"rotate(-90 14 {(HEIGHT - BOTTOM) / 2:.0f})"
    parts.append(
        label(up, 14, (HEIGHT - BOTTOM) / 2, size=13, fill=palette.MUTED, text_anchor="middle",
              transform=turned)
    )  # fmt: skip
    return parts


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
