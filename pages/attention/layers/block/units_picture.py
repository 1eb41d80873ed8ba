"""Hidden units of a feed-forward network at one token: how strongly they fire, what they push.

In: `Pushes` and the words of their ids; activations along a text. Out: an SVG string, a strip,
the same as tables, and sentences. Units are the targets `u1, u2, ..`, tokens `q0, q1, ..`. Knows no
model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.blocks.units import Pushes
from pages.attention.layers.block.updates_picture import signed
from pages.attention.layers.strip import Cell, Strip
from pages.pictures import palette, svg

UNIT, BARS, WORDS, ROW = 56.0, 124.0, 268.0, 30.0
LONGEST = 12  # characters of a token in a row; whole ones are in the table
NAMED = 3

Words = Sequence[Sequence[str]]


def units(
    found: Pushes,
    raised: Words,
    lowered: Words,
    *,
    chosen: int,
    title: str,
    described: str,
) -> str:
    """A row a unit, the strongest first; `raised` and `lowered` are the words of its ids."""
    pushing = found.head is not None
    width = UNIT + BARS + (2 * WORDS if pushing else 0) + 8
    top = max(float(np.abs(found.activations).max(initial=0.0)), 1e-9)
    zero = UNIT + 54 if (found.activations < 0).any() else UNIT + 4
    scale = (UNIT + BARS - 50 - zero) / top
    parts = [
        svg.label("unit", 6, 16, size=12, fill=palette.MUTED, keep=True),
        svg.label("activation", zero, 16, size=12, fill=palette.MUTED, keep=True),
    ]
    if pushing:
        for place, (text, colour) in enumerate(
            [("▲ pushes up (logits)", palette.RIGHT), ("▼ pushes down (logits)", palette.WRONG)]
        ):
            x = UNIT + BARS + place * WORDS
            parts.append(svg.label(text, x, 16, size=12, fill=colour, keep=True))
    for row, unit in enumerate(found.units.tolist()):
        y = 26 + row * ROW
        active = float(found.activations[row])
        left = zero + min(active, 0) * scale
        drawn = [
            svg.tag(
                "rect",
                x=2.0,
                y=y,
                width=width - 4,
                height=ROW - 3,
                rx=5,
                fill=palette.SURFACE,
                stroke=palette.ACCENT if unit == chosen else "transparent",
                stroke_width=2,
            ),
            svg.label(f"{unit + 1:,}", UNIT - 14, y + 18, size=13, text_anchor="end"),
            svg.tag(
                "rect",
                x=left,
                y=y + 7,
                width=max(abs(active) * scale, 1.0),
                height=13.0,
                fill=palette.POSITIVE if active >= 0 else palette.NEGATIVE,
            ),
            svg.label(
                signed(active).lstrip("+"), zero + max(active, 0) * scale + 5, y + 18, size=12
            ),
        ]
        for place, (words, by) in enumerate(
            [(raised, found.raised_by), (lowered, found.lowered_by)] if pushing else []
        ):
            x = UNIT + BARS + place * WORDS
            drawn += _words(words[row], by[row], x, y + 18)
        tip = "\n".join(_tip(found, raised, lowered, row))
        parts.append(
            svg.tag(
                "g",
                drawn,
                data_id=f"u{unit + 1}",
                data_name=f"unit {unit + 1}",
                data_tip=tip,
                keep=True,
            )
        )
    return svg.document(width, 30 + len(found.units) * ROW, parts, title, described)


def _words(words: Sequence[str], by: Float[np.ndarray, "best"], x: float, y: float) -> list[str]:
    """As many words as have room, the one that is pushed most first."""
    drawn: list[str] = []
    at = x
    for word, logits in zip(words, by, strict=True):
        amount, fits = signed(float(logits)), svg.visible(word, limit=LONGEST)
        wide, more = svg.text_width(fits, 12) + 4, svg.text_width(amount, 12, mono=False) + 11
        if at + wide + more > x + WORDS and drawn:
            break
        drawn.append(svg.label(fits, at, y, size=12, mono=True))
        drawn.append(svg.label(amount, at + wide, y, size=12, fill=palette.MUTED))
        at += wide + more
    return drawn


def _tip(found: Pushes, raised: Words, lowered: Words, row: int) -> list[str]:
    lines = [
        f"activation {found.activations[row]:.4g}",
        f"norm of its output vector {found.lengths[row]:.4g}",
    ]
    if found.head is not None:
        for sign, words in (("▲", raised[row]), ("▼", lowered[row])):
            lines.append(f"{sign} {', '.join(svg.visible(word) for word in words)}")
    return lines


def units_table(found: Pushes, raised: Words, lowered: Words) -> dict[str, list[object]]:
    """A line a unit, with every word that it pushes."""
    columns: dict[str, list[object]] = {
        "unit": [unit + 1 for unit in found.units.tolist()],
        "activation": found.activations.tolist(),
        "norm of its vector": found.lengths.tolist(),
    }
    if found.head is not None:
        for name, words, by in (
            ("pushes up", raised, found.raised_by),
            ("pushes down", lowered, found.lowered_by),
        ):
            columns[name] = [
                ", ".join(f"{word} {logits:+.3g}" for word, logits in zip(*row, strict=True))
                for row in zip(words, by, strict=True)
            ]
    return columns


def units_say(found: Pushes, raised: Words, lowered: Words, name: str, count: int) -> str:
    """The strongest unit and what it pushes."""
    row = int(np.abs(found.activations).argmax())
    here = (
        f"Of {count:,} hidden units, unit {found.units[row] + 1:,} fires most at "
        f"“{svg.visible(name, limit=24)}” (activation {found.activations[row]:.3g})."
    )
    if found.head is None:
        return here
    return (
        f"{here} On its direct way to the output it raises “{svg.visible(raised[row][0])}” by "
        f"{found.raised_by[row, 0]:.2g} logits and lowers “{svg.visible(lowered[row][0])}” by "
        f"{-found.lowered_by[row, 0]:.2g}."
    )


def firing(
    activations: Float[np.ndarray, "token"],
    names: Sequence[str],
    shown: Sequence[int],
    *,
    unit: int,
    chosen: int,
) -> Strip:
    """The text tinted by one unit's activation at each of the places `shown`."""
    top = max(float(np.abs(activations).max(initial=0.0)), 1e-9)
    cells = tuple(
        Cell(
            place=place,
            name=names[place],
            tint=float(activations[place]) / top,
            below=(signed(float(activations[place])).lstrip("+"),),
            tip=f"unit {unit + 1}: {activations[place]:.4g}",
        )
        for place in shown
    )
    ends = sorted({float(activations.max()), 0.0, float(activations.min())}, reverse=True)
    legend = [(end / top, signed(end) if end else "0") for end in ends]
    return Strip(cells, chosen=chosen, legend=legend)


def firing_table(
    activations: Float[np.ndarray, "token"], names: Sequence[str]
) -> dict[str, list[object]]:
    """A line a token."""
    return {
        "position": list(range(1, len(names) + 1)),
        "token": list(names),
        "activation": activations.tolist(),
    }


def firing_says(activations: Float[np.ndarray, "token"], names: Sequence[str], unit: int) -> str:
    """Where a unit fires most, and at how many places at least half as strongly."""
    order = [int(i) for i in np.argsort(-np.abs(activations), kind="stable")[:NAMED]]
    listed = ", ".join(
        f"“{svg.visible(names[place], limit=20)}” ({activations[place]:.2f})" for place in order
    )
    strong = int((np.abs(activations) >= 0.5 * np.abs(activations).max()).sum())
    return (
        f"Unit {unit + 1:,} fires most at {listed}. At {strong} of {len(names)} tokens it has at "
        "least half of its largest activation."
    )
