"""The red mark of whatever a model gives that is used otherwise than it was made.

In: a place. Out: SVG, so that a file and a link carry the mark as the page does. Knows no page.
"""

from __future__ import annotations

from pages.pictures import palette
from pages.pictures.svg import label, tag, text_width

WORDS = "Not how the model was made"
HEIGHT = 28.0
"""Pixels that the mark takes above a picture."""


def mark(x: float = 2.0, y: float = 3.0) -> str:
    """The mark in a frame; what it says is written, not only red."""
    wide = text_width(WORDS, 12.5, mono=False) + 34
    box = tag(
        "rect", x=x, y=y, width=wide, height=20.0, rx=10, fill=palette.PAPER, stroke=palette.WRONG
    )
    sign = tag("path", d=f"M{x + 12:.1f} {y + 15:.1f}l5.5 -10l5.5 10z", fill=palette.WRONG)
    said = label(WORDS, x + 27, y + 14.5, size=12.5, fill=palette.WRONG, font_weight=600)
    return tag("g", [box, sign, said], keep=True)
