"""One block at one token, as the stream runs through it: bottom to top, what each part adds.

In: `Parts` of a block, a position. Out: an SVG string, the same as a table, and a sentence. Knows
no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.blocks.parts import Parts
from pages.attention.layers.block.updates_picture import COLOURS, NAMES, signed
from pages.pictures import palette, svg

WIDTH, STREAM, BOX = 496.0, 78.0, 168.0
BAND, HEAD = 116.0, 40.0
NORMED = 26.0  # more of a band's height where a norm follows its sum
HALF = 0.5  # of the strongest unit's activation: what counts as firing strongly


@dataclass(frozen=True, slots=True)
class Sized:
    """An update at one token: lengths, angle."""

    name: str
    added: float
    into: float
    cosine: float


def sized(found: Parts, position: int) -> list[Sized]:
    """Lengths and angles of all that is added at one token."""
    rows = zip(found.updates, found.sizes(position).T.tolist(), strict=True)
    return [Sized(one.sublayer, *numbers) for one, numbers in rows]


def block(found: Parts, position: int, *, title: str, described: str) -> str:
    """The stream at the left, each part beside it; parts are the targets `part0, part1, ..`."""
    steps = sized(found, position)
    more = NORMED if found.normed_after else 0.0
    band = BAND + more
    height = HEAD + band * len(steps) + 44
    ground = height - 34
    parts = [
        svg.tag(
            "path",
            d=f"M{STREAM} {ground} V{HEAD - 6}",
            stroke=palette.MUTED,
            stroke_width=5,
            fill="none",
        ),
        _arrow(STREAM, HEAD - 12, up=True),
        svg.label(f"enters layer {found.index + 1}", 6, ground + 24, size=12, fill=palette.MUTED),
    ]
    start = ground - 6
    for index, step in enumerate(steps):
        low = start - index * band
        begin = start if found.parallel else low
        parts.append(_length(step.into if not found.parallel or not index else None, low))
        parts.append(_band(found, index, step, begin, low - band + 18 + more, position))
    leaving = float(np.linalg.norm(found.leaving[position]))
    parts.append(_length(leaving, HEAD - 2))
    parts.append(
        svg.label(
            f"leaves layer {found.index + 1}", STREAM + 16, HEAD - 18, size=12, fill=palette.MUTED
        )
    )
    return svg.document(WIDTH, height, parts, title, described)


def _band(found: Parts, index: int, step: Sized, begin: float, join: float, position: int) -> str:
    """A part: the way out of the stream, its box, and the way back."""
    colour = COLOURS[found.updates[index].sublayer]
    middle = join + 44
    lane = STREAM + 34 + (14 * index if found.parallel else 0)
    out = f"M{STREAM} {begin - 4} H{lane} V{middle} H{BOX}"
    back = f"M{BOX + 150} {middle - 31} V{join} H{STREAM + 14}"
    line = {"stroke": colour, "stroke_width": 2, "fill": "none"}
    box = {"x": BOX, "y": middle - 31, "width": WIDTH - BOX - 8, "height": 62.0, "rx": 7}
    inside = [
        svg.tag("path", d=out, **line),
        svg.tag("path", d=back, **line),
        _arrow(STREAM + 14, join, up=False, fill=colour),
        svg.tag("rect", "", **box, fill=palette.SURFACE, stroke=colour, stroke_width=1.6),
        svg.label(step.name, BOX + 12, middle - 10, size=14, font_weight=700),
        *(
            svg.label(text, BOX + 12, middle + 8 + 16 * line, size=12)
            for line, text in enumerate(_does(found, index, position))
        ),
        svg.tag(
            "circle",
            cx=STREAM,
            cy=join,
            r=12.0,
            fill=palette.PAPER,
            stroke=colour,
            stroke_width=2,
        ),
        svg.label("+", STREAM, join + 6, size=18, text_anchor="middle", font_weight=700),
        svg.label(
            f"adds {step.added:.3g}, cosine {signed(step.cosine)}",
            STREAM + 34,
            join - 7,
            size=12.5,
            fill=palette.INK,
        ),
    ]
    if _normed_before(found, position):
        inside += _pill("norm", lane, middle + 16)
    if found.normed_after:
        inside += _pill("norm", STREAM, join - 25)
    tip = f"adds {step.added:.4g} to {step.into:.4g}, cosine {signed(step.cosine)}"
    return svg.tag("g", inside, data_id=f"part{index}", data_name=step.name, data_tip=tip,
                   keep=True)  # fmt: skip


def _does(found: Parts, index: int, position: int) -> tuple[str, ...]:
    if found.updates[index].sublayer == "attention":
        return ("brings in vectors of other tokens",)
    if found.updates[index].sublayer == "cross-attention":
        return ("brings in vectors of the source",)
    assert found.units is not None
    half = firing(found, position)
    return (
        f"{found.units.shape[1]:,} hidden units on this token alone",
        f"{half:,} at least half as active as the strongest",
    )


def firing(found: Parts, position: int) -> int:
    """Hidden units with at least half of the strongest activation."""
    assert found.units is not None
    row = np.abs(found.units[position])
    return int((row >= HALF * row.max()).sum())


def _normed_before(found: Parts, position: int) -> bool:
    """Whether the network reads another vector than the one it adds to."""
    last = found.of("feed-forward")
    if found.normed_after or found.reads is None or last is None:
        return False
    return not np.allclose(found.reads[position], last.into[position], rtol=1e-3, atol=1e-4)


def _length(size: float | None, y: float) -> str:
    if size is None:
        return ""
    return svg.tag("circle", cx=STREAM, cy=y, r=4.0, fill=palette.MUTED) + svg.label(
        f"{size:.3g}", STREAM - 12, y + 4, size=13, text_anchor="end", font_weight=600
    )


def _pill(text: str, x: float, y: float) -> list[str]:
    return [
        svg.tag(
            "rect",
            x=x - 22,
            y=y - 9,
            width=44.0,
            height=18.0,
            rx=9,
            fill=palette.PAPER,
            stroke=palette.LINE,
        ),
        svg.label(text, x, y + 4, size=12, text_anchor="middle"),
    ]


def _arrow(x: float, y: float, *, up: bool, fill: str = palette.MUTED) -> str:
    d = f"M{x - 7} {y + 9} L{x} {y - 3} L{x + 7} {y + 9} Z"
    return svg.tag("path", d=d if up else f"M{x + 9} {y - 6} L{x - 2} {y} L{x + 9} {y + 6} Z",
                   fill=fill)  # fmt: skip


def table(found: Parts, position: int) -> dict[str, list[object]]:
    """A line a part."""
    rows = sized(found, position)
    return {
        "part": [row.name for row in rows],
        "norm added": [row.added for row in rows],
        "added to norm": [row.into for row in rows],
        "cosine": [row.cosine for row in rows],
    }


def says(found: Parts, name: str, position: int) -> str:
    """Which part adds more here, and what the angle of its vector means."""
    rows = sized(found, position)
    most, least = max(rows, key=lambda row: row.added), min(rows, key=lambda row: row.added)
    names = [NAMES[found.updates[rows.index(one)].sublayer] for one in (most, least)]
    leaving = float(np.linalg.norm(found.leaving[position]))
    way = (
        "nearly at a right angle to"
        if abs(most.cosine) < 0.2
        else "partly along"
        if most.cosine > 0
        else "partly against"
    )
    return (
        f"In layer {found.index + 1} at “{svg.visible(name, limit=24)}” the {names[0]} adds "
        f"{most.added:.3g} and the {names[1]} "
        f"{least.added:.3g}. The longer vector points "
        f"{way} what was there (cosine {signed(most.cosine)}). The token's vector has length "
        f"{rows[0].into:.3g} before and {leaving:.3g} after the layer."
    )
