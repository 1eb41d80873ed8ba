"""The two towers: inputs at the bottom, outputs at the top, this sentence's numbers in them.

In: a `Story`, the residual streams of both sides and the step of the course that is told. Out: one
SVG string. Each layer is drawn as its real output (first numbers of every token's vector); what is
not reached yet is pale, the part that is told has a light behind it. Knows no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pages.pictures import matrix, palette, svg
from pages.translation.story import Story, percent

DIMENSIONS = 10  # numbers of each vector that a layer's picture shows
WIDE, TALL, GAP = 300.0, 34.0, 26.0  # of a layer's picture, and between two
LEFT, RIGHT = 96.0, 560.0  # of the towers
PARTS = {
    1: "Tokenize",
    2: "Embed",
    3: "Encode",
    4: "Representation",
    5: "Into the decoder",
    6: "Start token",
    7: "Softmax",
    8: "Loop",
}


@dataclass(frozen=True, slots=True)
class Level:
    """One picture in a tower: its name, its numbers, the step of the course it belongs to."""

    name: str
    values: Float[np.ndarray, "token width"] | None
    part: int


def towers(
    story: Story,
    encoder: Float[np.ndarray, "layers_plus_1 source width"],
    decoder: Float[np.ndarray, "layers_plus_1 target width"],
    *,
    start: str,
    part: int,
) -> str:
    """Both towers at step `part` (1 to 8) of the course; `start` is the start token's label."""
    read = _read(story, start, part)
    left, right = _levels(encoder, 2, 3), _levels(decoder[:, : len(read)], 6, 7)
    floors = max(len(left), len(right))
    base = 118.0 + floors * (TALL + GAP)
    parts = [
        _lights(part, len(left), len(right), base),
        _tower(left, LEFT, base, part, palette.ENCODER, "s", len(story.source)),
        _tower(right, RIGHT, base, part, palette.DECODER, "r", len(read)),
        _words(story.source, LEFT, base, 1, part, "s"),
        _words(read, RIGHT, base, 6, part, "r"),
        _bridge(len(left), len(right), base, part),
        _top(story, part, base - len(right) * (TALL + GAP)),
        _loop(base, len(right), part),
    ]
    heads = (("Encoder", LEFT), ("Decoder", RIGHT))
    parts += [
        svg.label(name, x + WIDE / 2, 20, size=15, font_weight=700, text_anchor="middle", keep=True)
        for name, x in heads
    ]
    return svg.document(960.0, base + 96, parts, f"The two towers, step {part}: {PARTS[part]}")


def _read(story: Story, start: str, part: int) -> list[str]:
    """What stands at the decoder's foot: the start token, then what was written before."""
    before = 0 if part < 8 else len(story.target) - 1 if story.now is None else story.now
    return [start, *story.target[:before]]


def _levels(
    states: Float[np.ndarray, "layers_plus_1 token width"], first: int, inner: int
) -> list[Level]:
    """What enters, then every layer's output; those in the middle of many are folded."""
    count = len(states) - 1
    levels = [Level("embedded", states[0], first)]
    for k in range(1, count + 1):
        if count > 6 and 2 < k < count:
            if k == 3:
                levels.append(Level(f"layers 3 to {count - 1}", None, inner))
            continue
        levels.append(Level(f"layer {k}", states[k], inner))
    return levels


def _tower(
    levels: Sequence[Level], x: float, base: float, part: int, colour: str, key: str, tokens: int
) -> str:
    parts = []
    for floor, level in enumerate(levels):
        y = base - floor * (TALL + GAP) - TALL
        body = [
            svg.tag("rect", x=x, y=y, width=WIDE, height=TALL, fill=palette.PAPER, stroke=colour)
        ]
        if level.values is None:
            body.append(svg.label(level.name, x + WIDE / 2, y + 22, size=12, text_anchor="middle"))
        else:
            width = WIDE * level.values.shape[0] / max(tokens, 1)
            body.append(
                matrix.raster(
                    level.values[:, :DIMENSIONS].T, x=x, y=y, width=width, height=TALL,
                    colour=palette.POSITIVE, negative=palette.NEGATIVE,
                )
            )  # fmt: skip
            shape = " × ".join(str(n) for n in level.values.shape)
            body.append(svg.label(level.name, x - 8, y + 15, size=12, text_anchor="end"))
            body.append(
                svg.label(shape, x - 8, y + 30, size=12, fill=palette.MUTED, text_anchor="end")
            )
        if floor:
            body.append(_arrow(x + WIDE / 2, y + TALL + GAP - 3, y + TALL + 4, colour))
        parts.append(
            svg.tag(
                "g", body, opacity=_opacity(level.part, part),
                data_tip=_tip(level) if level.values is not None else None,
            )
        )  # fmt: skip
    return "".join(parts)


def _tip(level: Level) -> str:
    assert level.values is not None
    first = ", ".join(f"{x:.2f}".replace("-", "−") for x in level.values[0, :5])
    return f"{level.name}\nfirst numbers of the first token: {first}, …"


def _words(words: Sequence[str], x: float, base: float, own: int, part: int, key: str) -> str:
    """Tokens at a tower's foot, slanted; of very many only some are named."""
    cell = WIDE / len(words)
    every = max(1, int(np.ceil(13 / cell)))
    parts = []
    for index, word in enumerate(words):
        if index % every and index != len(words) - 1:
            continue
        at_x, at_y = x + (index + 0.5) * cell + 4, base + 15
        parts.append(
            svg.label(
                svg.shortened(word, 84, 12), at_x, at_y, size=12, mono=True, text_anchor="end",
                transform=f"rotate(-48 {at_x:.1f} {at_y:.1f})", data_id=f"{key}{index}",
            )
        )  # fmt: skip
    return svg.tag("g", parts, opacity=_opacity(own, part))


def _bridge(left: int, right: int, base: float, part: int) -> str:
    """From the encoder's output into every layer of the decoder."""
    y = base - (left - 1) * (TALL + GAP) - TALL / 2
    start, bus = LEFT + WIDE, LEFT + WIDE + 46
    lines = [f"M{start} {y}H{bus}"]
    for floor in range(1, right):
        to = base - floor * (TALL + GAP) + GAP / 2 - 2
        lines.append(f"M{bus} {y}V{to}H{RIGHT - 78}")
    path = svg.tag(
        "path", d="".join(lines), fill="none", stroke=palette.CROSS,
        stroke_width=3.0 if part == 5 else 1.8,
    )  # fmt: skip
    note = svg.label("keys, values", bus - 40, y - 8, size=12, fill=palette.CROSS)
    return svg.tag("g", path + note, opacity=_opacity(5, part))


def _top(story: Story, part: int, y: float) -> str:
    """The softmax over the decoder: the three likeliest tokens with their bars."""
    t = 0 if part <= 7 else len(story.target) - 1 if story.now is None else story.now
    shares = story.scored.best_probabilities[t][:3].tolist()
    parts = [_arrow(RIGHT + WIDE / 2, y + GAP - 3, y + 6, palette.DECODER)]
    for index, (token, share) in enumerate(
        zip(story.scored.best_ids[t][:3].tolist(), shares, strict=False)
    ):
        at = y - 62 + index * 22
        chosen = token == int(story.scored.ids[t])
        parts.append(
            svg.tag(
                "rect", x=RIGHT + 110, y=at, width=max(1.5, 150 * share), height=16.0, rx=3.0,
                fill=palette.CHOSEN if chosen else palette.BAR,
            )
        )  # fmt: skip
        weight = 700 if chosen else 400
        word = svg.shortened(story.label(token), 96, 12.5)
        parts.append(
            svg.label(word, RIGHT + 102, at + 13, size=12.5, mono=True, text_anchor="end",
                      font_weight=weight)
        )  # fmt: skip
        parts.append(svg.label(percent(share), RIGHT + 268, at + 13, size=12))
    return svg.tag("g", parts, opacity=_opacity(7, part))


def _loop(base: float, right: int, part: int) -> str:
    """The written token goes back to the decoder's foot."""
    top, x = base - right * (TALL + GAP) - 34, RIGHT + WIDE + 46
    foot = base + 30
    path = svg.tag(
        "path", d=f"M{RIGHT + WIDE + 14} {top}H{x}V{foot}H{RIGHT + WIDE + 10}", fill="none",
        stroke=palette.DECODER, stroke_width=3.0 if part == 8 else 1.8, stroke_dasharray="6 4",
    )  # fmt: skip
    tip = svg.tag("path", d=f"M{RIGHT + WIDE + 4} {foot}l9 -5v10z", fill=palette.DECODER)
    return svg.tag("g", path + tip, opacity=_opacity(8, part))


def _lights(part: int, left: int, right: int, base: float) -> str:
    """The light behind the part that is told."""
    floor = TALL + GAP
    top_left, top_right = base - left * floor + GAP / 2, base - right * floor + GAP / 2
    boxes = {
        1: (LEFT - 10, base + 4, WIDE + 20, 84.0),
        2: (LEFT - 82, base - TALL - 8, WIDE + 92, TALL + 14),
        3: (LEFT - 82, top_left, WIDE + 92, (left - 1) * floor - 8),
        4: (LEFT - 82, top_left - 4, WIDE + 92, TALL + 18),
        5: (LEFT + WIDE + 6, top_left - 8, 72.0, (max(left, right) - 1) * floor),
        6: (RIGHT - 82, base - TALL - 8, WIDE + 92, TALL + 98),
        7: (RIGHT - 10, top_right - 92, WIDE + 20, 84.0),
        8: (RIGHT - 82, top_right - 96, WIDE + 146, base - top_right + 186),
    }
    x, y, width, height = boxes[part]
    return svg.tag(
        "rect", x=x, y=y, width=width, height=height, rx=10.0, fill=palette.GLOW,
        fill_opacity=0.55, keep=True,
    )  # fmt: skip


def _arrow(x: float, y0: float, y1: float, colour: str) -> str:
    line = f"M{x:.0f} {y0:.0f}V{y1 + 6:.0f}M{x - 4:.0f} {y1 + 7:.0f}l4 -7l4 7"
    return svg.tag("path", d=line, fill="none", stroke=colour, stroke_width=1.6)


def _opacity(own: int, part: int) -> float:
    return 1.0 if own <= part else 0.22
