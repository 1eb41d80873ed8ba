"""Six models as bars on a logarithmic scale, once they have been put in order. Pure.

In: `NoteModel`s in the order of size, and the place that each was given. Out: SVG, sentences. A
model's id is `o-<id>`; a right place has a check mark.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.landscape import amounts
from engine.landscape.notes import NoteModel
from engine.landscape.ordering import pairs_right
from pages.models.axes import NARROW, WIDE, Log, across
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either

ROW, BAR = 46.0, 18.0
TITLE = "Six models by their parameters"


def bars(right: Sequence[NoteModel], given: Sequence[NoteModel], said: str) -> tuple[str, str]:
    """The answer for both widths, and the wide one alone."""
    drawn = [_drawn(right, given, width, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _drawn(right: Sequence[NoteModel], given: Sequence[NoteModel], width: float, said: str) -> str:
    left = 4.0
    sizes = [one.largest or 1.0 for one in right]
    axis = Log(min(sizes) / 3, max(sizes) * 1.5, left, width - 130)
    foot = 8 + ROW * len(right)
    parts = [across(axis, 4, foot, amounts.short, 6 if width == WIDE else 3)]
    for place, one in enumerate(right):
        y = 8 + place * ROW
        yours = given.index(one) + 1
        hit = yours == place + 1
        words = f"{'✓ ' if hit else ''}{place + 1}. {one.name}"
        if not hit:
            words += f" (you: {yours}.)"
        x = axis(one.largest or 1)
        inside = [
            tag("rect", x=0.0, y=y, width=width, height=ROW - 4, fill=palette.PAPER,
                fill_opacity=0),
            label(words, left, y + 14, size=13, font_weight=700 if hit else 400),
            tag("rect", x=left, y=y + 19, width=x - left, height=BAR, rx=2,
                fill=palette.RIGHT if hit else palette.BAR),
            label(amounts.count(one.largest or 0), x + 6, y + 33, size=12.5),
        ]  # fmt: skip
        tip = f"{one.name}: {amounts.count(one.largest or 0)} parameters\n{one.note}"
        parts.append(tag("g", inside, data_id=f"o-{one.id}", data_tip=tip, data_name=one.name))
    return document(width, foot + 28, parts, TITLE, said, least=1)


def said(right: Sequence[NoteModel], given: Sequence[NoteModel]) -> str:
    """How well they were ordered, and how far apart the ends are."""
    hits = sum(one is other for one, other in zip(right, given, strict=True))
    pairs, of = pairs_right(given)
    times = (right[0].largest or 1) / (right[-1].largest or 1)
    first = "All six stand right." if hits == len(right) else f"{hits} of {len(right)} stand right."
    return (
        f"{first} Of {of} pairs {pairs} are in the right order (guessing gives {of / 2:.1f}). "
        f"{right[0].name} has {amounts.count(times)} times the parameters of {right[-1].name}. Of "
        "each family its largest model counts."
    )
