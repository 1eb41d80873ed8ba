"""Pictures of Preference: rewards for n = 1 and n, curves against n with the KL meter.

In: a `Scored`. Out: SVG. Knows nothing of Streamlit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine.preference import best_of_n
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either
from pages.training.preference.plan import Scored
from pages.training.preference.words import number

WIDE, NARROW = 600.0, 350.0
LEFT, RIGHT, TOP = 46.0, 16.0, 34.0
BINS = 12
Line = tuple[str, np.ndarray, str, str | None]
Place = Callable[[float], float]


def distribution(scored: Scored, said: str) -> str:
    """How probable each reward is for one draw and for the best of n; ids `d0`, `d1`, ..."""
    return either(distribution_wide(scored, said), _distribution(scored, said, NARROW))


def distribution_wide(scored: Scored, said: str) -> str:
    """The same in its wide form."""
    return _distribution(scored, said, WIDE)


def _distribution(scored: Scored, said: str, width: float) -> str:
    rewards, n = scored.rewards, scored.plan.n
    low, high = float(rewards.min()), float(rewards.max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    one, many = (np.histogram(rewards, edges, weights=scored.chances(k))[0] for k in (1, n))
    bottom, most = 250.0, max(float(one.max()), float(many.max()), 1e-9)
    step = (width - LEFT - RIGHT) / BINS

    def y(share: float) -> float:
        return bottom - (bottom - TOP) * share / most

    parts = _shares(most, y, width)
    for k in range(BINS):
        x = LEFT + k * step
        tip = (
            f"reward {number(edges[k])} to {number(edges[k + 1])}\none draw: {100 * one[k]:.1f} %"
            f"\nbest of {n}: {100 * many[k]:.1f} %"
        )
        bars = [
            tag("rect", x=x, y=TOP, width=step, height=bottom - TOP, fill="none",
                pointer_events="all"),
            tag("rect", x=x + 2, y=y(one[k]), width=step - 4, height=bottom - y(one[k]),
                fill=palette.BAR),
            tag("rect", x=x + step / 4, y=y(many[k]), width=step / 2, height=bottom - y(many[k]),
                fill=palette.CHOSEN),
        ]  # fmt: skip
        parts.append(tag("g", bars, data_id=f"d{k}", data_tip=tip, data_name=tip))
    for k in (0, BINS // 2, BINS):
        parts.append(label(number(edges[k]), LEFT + k * step, bottom + 17, size=12,
                           fill=palette.MUTED, text_anchor="middle"))  # fmt: skip
    middle = (LEFT + width - RIGHT) / 2
    parts.append(label(scored.axis, middle, bottom + 36, size=12, fill=palette.MUTED,
                       text_anchor="middle"))  # fmt: skip
    parts += _key([("one draw (n = 1)", palette.BAR), (f"best of {n}", palette.CHOSEN)])
    return document(width, bottom + 46, parts, "Rewards of one draw and of the best of n", said)


def _shares(most: float, y: Place, width: float) -> list[str]:
    parts = []
    for share in (0.0, most / 2, most):
        parts.append(tag("line", x1=LEFT, x2=width - RIGHT, y1=y(share), y2=y(share),
                         stroke=palette.LINE))  # fmt: skip
        parts.append(label(f"{100 * share:.0f} %", LEFT - 6, y(share) + 4, size=12,
                           fill=palette.MUTED, text_anchor="end"))  # fmt: skip
    return parts


def _key(entries: list[tuple[str, str]]) -> list[str]:
    parts = []
    for place, (name, colour) in enumerate(entries):
        x = LEFT + place * 150
        parts.append(tag("rect", x=x, y=8.0, width=14.0, height=14.0, fill=colour))
        parts.append(label(name, x + 20, 20, size=12))
    return parts


# --- Against n -----------------------------------------------------------------------------------


def curve(scored: Scored, said: str) -> str:
    """Reward and second measure against n, in standard deviations; below, the KL meter."""
    return either(curve_wide(scored, said), _curve(scored, said, NARROW))


def curve_wide(scored: Scored, said: str) -> str:
    """The same in its wide form."""
    return _curve(scored, said, WIDE)


def _curve(scored: Scored, said: str, width: float) -> str:
    count, n, measure = scored.plan.count, scored.plan.n, scored.plan.second
    lines: list[Line] = [
        (scored.axis, scored.rewards, palette.CHOSEN, None),
        (f"{measure.name} ({measure.unit})", scored.seconds, palette.NEGATIVE, "6 4"),
    ]
    scaled = []
    for _, values, _, _ in lines:
        spread = float(values.std()) or 1.0
        scaled.append([(mean - float(values.mean())) / spread for mean in scored.means(values)])
    bottom = 232.0
    top = max(1.0, *(max(row) for row in scaled))
    low = min(-0.5, *(min(row) for row in scaled))

    def x(k: int) -> float:
        return LEFT + (width - LEFT - RIGHT - 10) * math.log(k) / max(math.log(count), 1e-9)

    def y(value: float) -> float:
        return bottom - (bottom - 52.0) * (value - low) / (top - low)

    parts: list[str] = []
    for value in range(math.ceil(low), math.floor(top) + 1):
        parts.append(tag("line", x1=LEFT, x2=width - RIGHT, y1=y(value), y2=y(value),
                         stroke=palette.LINE))  # fmt: skip
        parts.append(label(f"{value:+d} sd" if value else "mean", LEFT - 6, y(value) + 4, size=12,
                           fill=palette.MUTED, text_anchor="end"))  # fmt: skip
    parts.append(tag("line", x1=x(n), x2=x(n), y1=46.0, y2=bottom, stroke=palette.ACCENT,
                     stroke_width=2, stroke_dasharray="2 3"))  # fmt: skip
    for row, (_, _, colour, dash) in enumerate(lines):
        points = " ".join(
            f"{x(k):.1f},{y(value):.1f}"
            for k, value in zip(scored.numbers, scaled[row], strict=True)
        )
        parts.append(tag("polyline", points=points, fill="none", stroke=colour, stroke_width=2,
                         stroke_dasharray=dash))  # fmt: skip
    parts += _points(scored, lines, scaled, x, y, bottom)
    for place, (name, values, colour, dash) in enumerate(lines):
        ends = [number(float(scored.chances(k) @ values)) for k in (1, count)]
        parts.append(tag("line", x1=LEFT, x2=LEFT + 26, y1=14.0 + 18 * place, y2=14.0 + 18 * place,
                         stroke=colour, stroke_width=3, stroke_dasharray=dash))  # fmt: skip
        parts.append(label(f"{name}: {ends[0]} → {ends[1]}", LEFT + 34, 18 + 18 * place, size=12))
    parts.append(label("n", (LEFT + width - RIGHT) / 2, bottom + 36, size=12, fill=palette.MUTED,
                       text_anchor="middle"))  # fmt: skip
    parts += _meter(scored, bottom + 54, width)
    return document(width, bottom + 104, parts, "Reward, second measure and KL against n", said)


def _points(
    scored: Scored,
    lines: list[Line],
    scaled: list[list[float]],
    x: Callable[[int], float],
    y: Place,
    bottom: float,
) -> list[str]:
    parts = []
    for place, k in enumerate(scored.numbers):
        told = [f"{name}: {number(float(scored.chances(k) @ values))}"
                for name, values, _, _ in lines]  # fmt: skip
        tip = "\n".join([f"best of {k}", *told, f"KL at most {best_of_n.kl_bound(k):.2f} nats"])
        marks = [tag("rect", x=x(k) - 12, y=46.0, width=24.0, height=bottom - 24, fill="none",
                     pointer_events="all"),
                 tag("circle", cx=x(k), cy=y(scaled[0][place]), r=4.0, fill=palette.CHOSEN),
                 tag("rect", x=x(k) - 3.5, y=y(scaled[1][place]) - 3.5, width=7.0, height=7.0,
                     fill=palette.NEGATIVE)]  # fmt: skip
        # Two numbers that are too near for both: the one between two powers goes without.
        if k & (k - 1) == 0 or k == scored.plan.count:
            marks.append(label(str(k), x(k), bottom + 18, size=12, fill=palette.MUTED,
                               text_anchor="middle"))  # fmt: skip
        parts.append(tag("g", marks, data_id=f"n{k}", data_tip=tip, data_name=tip))
    return parts


def _meter(scored: Scored, y: float, width: float) -> list[str]:
    """How far the best of n is from the model: measured as a bar, the bound as a mark."""
    n, most = scored.plan.n, best_of_n.kl_bound(scored.plan.count) or 1.0
    bound, measured = best_of_n.kl_bound(n), scored.divergence
    wide = width - LEFT - RIGHT
    edge = LEFT + wide * bound / most
    tip = f"KL at n = {n}\nmeasured {measured:.3f} nats\nbound log n − (n − 1)/n: {bound:.3f} nats"
    bars = [
        tag("rect", x=LEFT, y=y, width=wide, height=16.0, fill=palette.SURFACE,
            stroke=palette.LINE),
        tag("rect", x=LEFT, y=y + 3, width=wide * min(measured / most, 1.0), height=10.0,
            fill=palette.PROBABILITY),
        tag("line", x1=edge, x2=edge, y1=y - 4, y2=y + 20, stroke=palette.INK, stroke_width=2),
        label("KL", LEFT - 6, y + 13, size=12, fill=palette.MUTED, text_anchor="end"),
        label(f"{measured:.2f} nats measured (bar), at most {bound:.2f} (line)", LEFT, y + 36,
              size=12),
    ]  # fmt: skip
    return [tag("g", bars, data_id="kl", data_tip=tip, data_name=tip)]
