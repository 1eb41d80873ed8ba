"""The running total of a ranking with the cuts of filters, and its curves at several temperatures.

In: `Ranked` and `Heated`, names. Out: SVG strings; ranks stand on a logarithmic axis, as a flat
distribution is cut hundreds of ranks down. Points are `r<rank>`. Knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.decoding.sampling import label as setting
from engine.distributions.cutoffs import Cut, Heated, Ranked
from pages.decoding.words import percent
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width

WIDE, NARROW, HEIGHT = 580.0, 356.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 72.0, 46.0
DASHES = {"top_p": None, "top_k": "6 4", "min_p": "2 4"}
COLOURS = {"top_p": palette.CUT, "top_k": palette.QUERY, "min_p": palette.VALUE}
NAMED = 2  # tokens whose names stand at their ranks: further ranks are too near each other


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where ranks and shares stand in a drawing of some width."""

    width: float
    vocabulary: int

    def x(self, rank: float) -> float:
        """Where a rank stands; half a rank lies before the first and after the last."""
        low, high = math.log(0.6), math.log(self.vocabulary + 0.5)
        share = (math.log(max(rank, 0.6)) - low) / (high - low)
        return LEFT + float(np.clip(share, 0, 1)) * (self.width - LEFT - RIGHT)

    def edge(self, rank: int) -> float:
        """The border between a rank and the next."""
        return LEFT if rank <= 0 else self.x(rank + 0.5)

    def y(self, share: float) -> float:
        """The height of a share of the scale."""
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def running_total(found: Ranked, names: Sequence[str], *, title: str, width: float = WIDE) -> str:
    """Bars of the probabilities, the sum of all down to each, and where each filter cuts."""
    plot = _Plot(width, found.vocabulary)
    top_p = next(cut for cut in found.cuts if cut.name == "top_p")
    ranks, total = found.ranks.tolist(), found.total.tolist()
    parts = [*_frame(plot, "sum of probabilities down to a rank")]
    parts.append(_kept(plot, top_p))
    parts += _bars(plot, found)
    spots = [(plot.x(rank), plot.y(value)) for rank, value in zip(ranks, total, strict=True)]
    path = f"M{spots[0][0]:.1f} {plot.y(0):.1f}V{spots[0][1]:.1f}"
    path += "".join(f"H{x:.1f}V{y:.1f}" for x, y in spots[1:])
    parts.append(tag("path", d=path, fill="none", stroke=palette.PROBABILITY, stroke_width=2.2))
    level = plot.y(top_p.value)
    parts.append(
        tag("line", x1=LEFT, x2=plot.width - RIGHT, y1=level, y2=level, stroke=palette.CUT,
            stroke_width=1.4, stroke_dasharray="5 4")
    )  # fmt: skip
    for place, cut in enumerate(found.cuts):
        parts += _cut(plot, cut, place)
    parts += _names(plot, names)
    parts += _spots(plot, found, names)
    return document(width, HEIGHT, parts, title)


def temperatures(found: Heated, chosen: float, *, title: str, width: float = WIDE) -> str:
    """A curve for each temperature over the ranks; the chosen one is thick."""
    plot = _Plot(width, int(found.ranks[-1]))
    high = float(found.share.max())
    scale = next(top for top in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if top >= min(high, 1.0) - 1e-9)
    parts = [*_frame(plot, "probability of the token at a rank", high=scale)]
    listed = []
    for row, heat in enumerate(found.temperatures.tolist()):
        mine = math.isclose(heat, chosen)
        shares = found.share[row].tolist()
        spots = [
            f"{plot.x(rank):.1f},{plot.y(share / scale):.1f}"
            for rank, share in zip(found.ranks.tolist(), shares, strict=True)
        ]
        colour = palette.CHOSEN if mine else palette.CATEGORIES[row % len(palette.CATEGORIES)]
        dash = None if mine else ("7 4", "2 3", "10 3 2 3", "4 4", "1 3")[row % 5]
        stroke = 3.4 if mine else 1.8
        parts.append(
            tag("polyline", points=" ".join(spots), fill="none", stroke=colour,
                stroke_width=stroke, stroke_dasharray=dash)
        )  # fmt: skip
        listed.append((heat, shares[0], float(found.entropy[row]), colour, dash, mine))
    for place, (heat, first, bits, colour, dash, mine) in enumerate(listed):
        y, x = TOP + 8 + place * 17, plot.width - RIGHT - 196
        parts.append(
            tag("line", x1=x, x2=x + 26, y1=y - 4, y2=y - 4, stroke=colour,
                stroke_width=3.4 if mine else 1.8, stroke_dasharray=dash)
        )  # fmt: skip
        words = f"T = {heat:g}: first {percent(first)}, {bits:.1f} bits"
        weight = 700 if mine else 400
        parts.append(label(words, x + 32, y, size=12, font_weight=weight))
    return document(width, HEIGHT, parts, title)


def _frame(plot: _Plot, up: str, *, high: float = 1.0) -> list[str]:
    parts = [label(up, 4.0, 14, size=12, fill=palette.MUTED)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = plot.y(share)
        parts.append(tag("line", x1=LEFT, x2=plot.width - RIGHT, y1=y, y2=y, stroke=palette.LINE))
        words = f"{100 * share * high:g} %"
        parts.append(label(words, LEFT - 6, y + 4, size=12, fill=palette.MUTED, text_anchor="end"))
    power = 0
    while 10**power <= plot.vocabulary:
        x = plot.x(10**power)
        words = f"{10**power:,}"
        parts.append(
            label(words, x, HEIGHT - BOTTOM + 17, size=12, fill=palette.MUTED,
                  text_anchor="middle")
        )  # fmt: skip
        power += 1
    parts.append(
        label("rank of the token", (LEFT + plot.width - RIGHT) / 2, HEIGHT - 8, size=12,
              fill=palette.MUTED, text_anchor="middle")
    )  # fmt: skip
    return [tag("g", parts, keep=True)]


def _kept(plot: _Plot, cut: Cut) -> str:
    """The ground under the smallest set that reaches at least p."""
    right = plot.edge(cut.kept)
    return tag("rect", x=LEFT, y=TOP, width=right - LEFT, height=HEIGHT - TOP - BOTTOM,
               fill=palette.GLOW, opacity=0.45, keep=True)  # fmt: skip


def _bars(plot: _Plot, found: Ranked) -> list[str]:
    parts = []
    for rank, share in zip(found.ranks.tolist()[:60], found.share.tolist()[:60], strict=True):
        left = plot.edge(rank - 1)
        right = plot.edge(rank)
        y = plot.y(share)
        parts.append(
            tag("rect", x=left, y=y, width=max(right - left - 0.8, 0.6), height=plot.y(0) - y,
                fill=palette.BAR)
        )  # fmt: skip
    return parts


def _cut(plot: _Plot, cut: Cut, place: int) -> list[str]:
    """A filter's line after the last token that it keeps, and what it says above the plot."""
    x, colour = plot.edge(cut.kept), COLOURS[cut.name]
    count = f"{cut.kept:,} token{'' if cut.kept == 1 else 's'}"
    words = f"{setting(cut.name)} {cut.value:g}: {count}, {percent(cut.mass)}"
    y = 30.0 + place * 14
    return [
        tag("line", x1=x, x2=x, y1=TOP - 2, y2=HEIGHT - BOTTOM, stroke=colour, stroke_width=2.2,
            stroke_dasharray=DASHES[cut.name]),
        tag("line", x1=4.0, x2=26.0, y1=y - 4, y2=y - 4, stroke=colour, stroke_width=2.2,
            stroke_dasharray=DASHES[cut.name]),
        label(words, 32.0, y, size=12, fill=colour, font_weight=600),
    ]  # fmt: skip


def _names(plot: _Plot, names: Sequence[str]) -> list[str]:
    """The likeliest tokens, upright beside their ranks, where there is room for them."""
    parts = []
    for rank, name in enumerate(names[:NAMED], 1):
        x = (plot.edge(rank - 1) + plot.edge(rank)) / 2
        text = shortened(name, 76, 12)
        y = plot.y(0) - 6
        turned = f"rotate(-90 {x + 4:.1f} {y:.1f})"
        parts.append(
            tag("rect", x=x - 8, y=y - text_width(text, 12) - 3, width=16.0,
                height=text_width(text, 12) + 6, rx=3, fill=palette.PAPER, opacity=0.8)
        )  # fmt: skip
        parts.append(label(text, x + 4, y, size=12, mono=True, transform=turned))
    return [tag("g", parts, keep=True)]


def _spots(plot: _Plot, found: Ranked, names: Sequence[str]) -> list[str]:
    """What is told of a rank where it is pointed at."""
    parts = []
    for place, rank in enumerate(found.ranks.tolist()[:60]):
        left, right = plot.edge(rank - 1), plot.edge(rank)
        name = f" {names[rank - 1]}" if rank <= len(names) else ""
        tip = (
            f"rank {rank}{name}\nprobability {percent(float(found.share[place]))}\n"
            f"sum down to here {percent(float(found.total[place]))}"
        )
        box = tag("rect", x=left, y=TOP, width=max(right - left, 1.0),
                  height=HEIGHT - TOP - BOTTOM, fill=palette.PAPER, fill_opacity=0)  # fmt: skip
        parts.append(tag("g", box, data_id=f"r{rank}", data_tip=tip))
    return parts
