"""Loss over parameters and tokens: contours, the models of one budget, the best of them. Pure.

In: a law, a budget, real models. Out: SVG, a sentence. The best point's id is `best`, a real
model's `m<place>`. Both axes are logarithmic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.costs import scaling
from engine.costs.scaling import LAWS, PARAMETERS, TOKENS, Law
from engine.landscape import amounts
from engine.landscape.known import CREDIT, KnownModel
from pages.models.axes import NARROW, WIDE, Log, across, key_of, mark, upward
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either

HEIGHT, TOP, BOTTOM = 450.0, 26.0, 50.0
COUNT = 60  # places of each half of a contour
APART = (1.05, 1.12, 1.2, 1.3, 1.45, 1.65, 1.9, 2.2)  # contours, in times the least loss drawn
TITLE = "Loss over parameters and tokens"


def drawing(
    law: Law, flop: float, models: Sequence[KnownModel], ids: Mapping[str, str], said: str
) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    drawn = [_drawn(law, flop, models, ids, width, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _drawn(
    law: Law,
    flop: float,
    models: Sequence[KnownModel],
    ids: Mapping[str, str],
    width: float,
    said: str,
) -> str:
    left = 66.0
    x = Log(*PARAMETERS, left, width - 12)
    y = Log(*TOKENS, HEIGHT - BOTTOM, TOP)
    parts = [
        across(x, TOP, HEIGHT - BOTTOM, amounts.short, 8 if width == WIDE else 4),
        upward(y, left, width - 12, amounts.short),
        label("parameters N", (left + width) / 2, HEIGHT - 14, size=12.5, fill=palette.MUTED,
              text_anchor="middle"),
        label("tokens D", 0, 12, size=12.5, fill=palette.MUTED),
    ]  # fmt: skip
    parts += _contours(law, x, y)
    for one in models:
        spot = x(one.parameters or 1), y(one.data or 1)
        if not (left <= spot[0] <= width - 12 and TOP <= spot[1] <= HEIGHT - BOTTOM):
            continue
        drawn = mark(*spot, "dot", palette.FAINT, hollow=not one.sure, size=3.6)
        tip = (
            f"{one.name}: {amounts.count(one.parameters or 0)} parameters\n"
            f"{amounts.count(one.data or 0)} words or tokens (Epoch's estimate)"
        )
        parts.append(tag("g", drawn, data_id=ids[one.name], data_tip=tip, data_name=one.name))
    line = scaling.along(law, flop)
    points = " ".join(
        f"{x(n):.1f},{y(d):.1f}" for n, d in zip(line["parameters"], line["tokens"], strict=True)
    )
    parts.append(tag("polyline", points=points, fill="none", stroke=palette.CHOSEN,
                     stroke_width=2.4, stroke_dasharray="8 4"))  # fmt: skip
    best = scaling.best(law, flop)
    tip = (
        f"best of {amounts.power(flop)} FLOP\n{amounts.count(best.parameters)} parameters\n"
        f"{amounts.count(best.tokens)} tokens\nloss {best.loss:.3f} nats"
    )
    if PARAMETERS[0] < best.parameters < PARAMETERS[1] and TOKENS[0] < best.tokens < TOKENS[1]:
        star = mark(x(best.parameters), y(best.tokens), "diamond", palette.CHOSEN,
                    hollow=False, size=7)  # fmt: skip
        parts.append(tag("g", star, data_id="best", data_tip=tip, data_name="best point"))
    dash = tag("line", x1=-8.0, x2=8.0, y1=0.0, y2=0.0, stroke=palette.CHOSEN, stroke_width=2.4,
               stroke_dasharray="6 3")  # fmt: skip
    solid = tag("line", x1=-8.0, x2=8.0, y1=0.0, y2=0.0, stroke=palette.PROBABILITY)
    legend = {
        "equal loss (nats)": solid,
        f"{amounts.power(flop)} FLOP = 6 N D": dash,
        "its best point": mark(0, 0, "diamond", palette.CHOSEN, hollow=False),
    }
    if models:
        legend["real model"] = mark(0, 0, "dot", palette.FAINT, hollow=False, size=3.6)
        legend["hollow: less sure"] = mark(0, 0, "dot", palette.FAINT, hollow=True, size=3.6)
    key, tall = key_of(legend, 4, HEIGHT + 12, width)
    parts.append(key)
    foot = HEIGHT + 12 + tall
    if models:
        credit = f"Models: {CREDIT}" if width == WIDE else "Models: Epoch AI, CC BY 4.0"
        parts.append(label(credit, 4, foot, size=12, fill=palette.MUTED, keep=True))
        foot += 18
    return document(width, foot, parts, TITLE, said, least=1)


def _contours(law: Law, x: Log, y: Log) -> list[str]:
    """Lines of equal loss, each with its number where it leaves the picture."""
    least = float(law.loss(PARAMETERS[1], TOKENS[1]))
    parts = []
    for times in APART:
        level = least * times
        n = _places(law, level)
        d = law.tokens_at(level, n)
        there = np.isfinite(d) & (d >= TOKENS[0]) & (d <= TOKENS[1])
        if not there.any():
            continue
        spots = [(x(a), y(b)) for a, b in zip(n[there], d[there], strict=True)]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in spots)
        parts.append(tag("polyline", points=points, fill="none", stroke=palette.PROBABILITY,
                         stroke_width=1.3))  # fmt: skip
        a, b = spots[-1]
        anchor = {"text_anchor": "end", "paint_order": "stroke", "stroke": palette.PAPER,
                  "stroke_width": 3, "keep": True}  # fmt: skip
        parts.append(label(f"{level:.2f}", min(a, x.end) - 3, b - 4, size=12,
                           fill=palette.PROBABILITY, **anchor))  # fmt: skip
    return parts


def _places(law: Law, level: float) -> np.ndarray:
    """Values of N where a contour is drawn: close together where it rises steeply."""
    every = np.geomspace(*PARAMETERS, 20_001)
    there = np.isfinite(law.tokens_at(level, every))
    first = float(every[int(there.argmax())]) if there.any() else PARAMETERS[1]
    steep = first * (1 + np.geomspace(1e-5, 1, COUNT))
    flat = np.geomspace(2 * first, PARAMETERS[1], COUNT) if 2 * first < PARAMETERS[1] else []
    found = np.concatenate([steep, flat])
    return found[found <= PARAMETERS[1]]


def said(name: str, law: Law, flop: float) -> str:
    """Which fit is drawn, its best point, and what rounding alone moves."""
    best = scaling.best(law, flop)
    digits = {one: scaling.best(LAWS[one], flop).ratio for one in tuple(LAWS)[1:]}
    printed, more, refit = (f"{value:,.0f}" for value in digits.values())
    return (
        f"Drawn: {law.name} ({law.source.name}). Of {amounts.power(flop)} FLOP the best model has "
        f"{amounts.count(best.parameters)} parameters and {amounts.count(best.tokens)} tokens, "
        f"{best.ratio:,.3g} a parameter. Rounding alone moves Chinchilla's ratio from {more} to "
        f"{printed}; the refit of 2024 has {refit}."
    )


def constants(law: Law) -> str:
    """The formula with its numbers."""
    values = ", ".join(f"{name} = {value:g}" for name, value in law.constants.items())
    note = " N is without embeddings." if "N_c" in law.constants else ""
    return f"{law.formula} with {values}.{note}"
