"""Ids of another tokenizer: the token that each stood for, and the one that it is taken for.

In: a `Foreign`. Out: SVGs for two widths of a page and for files; box i has the id `t<i>`. Knows no
page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.whatif.foreign import Foreign
from pages.pictures import not_as_made, palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible
from pages.pictures.widths import either

WIDE, NARROW = 760.0, 350.0
BOX, GAP = 78.0, 6.0
LONGEST = 120.0  # pixels of a name
HEAD = 48.0


def foreign(found: Foreign, made: Sequence[str]) -> str:
    """The picture for a page: drawings of two widths, of which the one that fits is shown.

    `made` is what each id stood for, as text.
    """
    narrow = drawing(found, made, width=NARROW)
    return either(drawing(found, made), narrow, name="foreign")


def drawing(found: Foreign, made: Sequence[str], *, width: float = WIDE) -> str:
    """A box a token: what it stood for, its id, what it is taken for, how surprising that is."""
    parts, x, y = [not_as_made.mark(), _legend()], 0.0, HEAD
    told = any(math.isfinite(one) for one in found.bits.tolist())
    high = BOX if told else BOX - 16
    for place in range(len(found.outside)):
        names = _names(found, made, place)
        wide = max(text_width(name, 13) for name in names) + 16
        wide = max(wide, 58.0)
        if x + wide > width and x > 0:
            x, y = 0.0, y + high + GAP
        parts.append(_box(found, place, names, x, y, wide, high))
        x += wide + GAP
    return document(width, y + high + 2, parts, "Ids of another tokenizer", least=0.9)


def _names(found: Foreign, made: Sequence[str], place: int) -> tuple[str, str, str]:
    stood = shortened(visible(made[place]), LONGEST, 13)
    taken = (
        "none"
        if found.outside[place]
        else shortened(visible(found.taken_for[place]) or "∅", LONGEST, 13)
    )
    return stood, f"{int(found.made.ids[place]):,}", taken


def _box(
    found: Foreign, place: int, names: tuple[str, str, str], x: float, y: float, wide: float,
    high: float,
) -> str:  # fmt: skip
    gone, bits = bool(found.outside[place]), float(found.bits[place])
    middle = x + wide / 2
    ink = palette.WRONG if gone else palette.INK
    parts = [
        tag("rect", x=x + 0.5, y=y + 0.5, width=wide - 1, height=high - 1, rx=5,
            fill=palette.SURFACE, stroke=palette.WRONG if gone else palette.LINE,
            stroke_dasharray="4 3" if gone else None),
        label(names[0], middle, y + 18, size=13, mono=True, fill=palette.MUTED,
              text_anchor="middle"),
        label(names[1], middle, y + 36, size=12, fill=palette.MUTED, text_anchor="middle"),
        label(names[2], middle, y + 55, size=13, mono=not gone, fill=ink, font_weight=600,
              text_anchor="middle"),
    ]  # fmt: skip
    tip = f"id {int(found.made.ids[place]):,}: “{visible(found.made.pieces[place])}” there"
    tip += "\nnot in this vocabulary" if gone else f"\n“{visible(found.taken_for[place])}” here"
    if math.isfinite(bits):
        parts.append(
            label(f"{bits:.1f} bits", middle, y + 71, size=12, fill=palette.MUTED,
                  text_anchor="middle")
        )  # fmt: skip
        tip += f"\nsurprise {bits:.2f} bits"
    return tag("g", parts, data_id=f"t{place}", data_tip=tip)


def _legend() -> str:
    words = "piece it stood for · its id · what it is read as"
    return label(words, 2.0, 42.0, size=12, fill=palette.MUTED, keep=True)
