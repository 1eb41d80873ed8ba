"""The family tree: a row a model by date, a lane a family, lines to what it grew out of. Pure.

In: `NoteModel`s. Out: SVG, a sentence. A model's id is `n-<id>`; a thick frame says that models of
its kind can be opened here.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.landscape import amounts
from engine.landscape.notes import NoteModel
from pages.models.axes import NARROW, WIDE
from pages.pictures import palette
from pages.pictures.svg import document, label, tag, text_width
from pages.pictures.widths import either

LANES = ("before", "encoder", "encoder-decoder", "decoder")
NAMES = {"before": "recurrent", "encoder": "encoder", "encoder-decoder": "encoder-decoder",
         "decoder": "decoder"}  # fmt: skip
SHORT = NAMES | {"encoder-decoder": "both"}
COLOURS = {
    "before": palette.MUTED,
    "encoder": palette.ENCODER,
    "encoder-decoder": palette.CROSS,
    "decoder": palette.DECODER,
}
ROW, HEAD, YEAR = 34.0, 36.0, 40.0
WIDER = 0.4  # lanes of room for arcs beside the last one
TITLE = "Family tree of language models"


def tree(models: Sequence[NoteModel], said: str) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    drawn = [_drawn(models, width, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _drawn(models: Sequence[NoteModel], width: float, said: str) -> str:
    lane = (width - YEAR) / (len(LANES) + WIDER)
    wide = width == WIDE
    spots = {
        one.id: (YEAR + (LANES.index(one.family) + 0.5) * lane, HEAD + (row + 0.5) * ROW)
        for row, one in enumerate(models)
    }
    before_of = {one.id: one for one in models}
    foot = HEAD + len(models) * ROW
    parts = []
    for number, family in enumerate(LANES):
        x = YEAR + number * lane
        if number % 2:
            parts.append(tag("rect", x=x, y=HEAD - 8, width=lane, height=foot - HEAD + 8,
                             fill=palette.SURFACE))  # fmt: skip
        name = (NAMES if wide else SHORT)[family]
        parts.append(label(name, x + lane / 2, 16, size=13, fill=COLOURS[family],
                           font_weight=700, text_anchor="middle", keep=True))  # fmt: skip
    year = 0
    for one in models:
        y = spots[one.id][1]
        if one.date.year != year:
            year = one.date.year
            parts.append(label(str(year), 0, y + 4, size=12.5, fill=palette.MUTED, keep=True))
            parts.append(tag("line", x1=0.0, x2=width, y1=y - ROW / 2, y2=y - ROW / 2,
                             stroke=palette.LINE))  # fmt: skip
    for one in models:
        x, y = spots[one.id]
        for before in one.after:
            a, b = spots[before]
            far = a == x and y - b > 1.5 * ROW
            path = (
                _arc(x, b, y, one, before_of[before], wide=wide, lane=lane)
                if far
                else (
                    f"M{a:.1f} {b + 12:.1f}C{a:.1f} {(b + y) / 2:.1f} {x:.1f} {(b + y) / 2:.1f} "
                    f"{x:.1f} {y - 12:.1f}"
                )
            )
            parts.append(tag("path", d=path, fill="none", stroke=COLOURS[one.family],
                             stroke_width=1.6, stroke_opacity=0.55,
                             data_on=f"n-{one.id} n-{before}"))  # fmt: skip
    for one in models:
        parts.append(_node(one, *spots[one.id], wide=wide, lane=lane))
    words = "thick frame: models of this kind can be opened here"
    parts.append(label(words, 0, foot + 22, size=12.5, fill=palette.MUTED, keep=True))
    return document(width, foot + 32, parts, TITLE, said, least=1)


def _arc(
    x: float, b: float, y: float, one: NoteModel, before: NoteModel, *, wide: bool, lane: float
) -> str:
    """From side to side of two boxes in a lane, past those that stand between them."""
    start, end = (x + _long(each, wide=wide, lane=lane) / 2 for each in (before, one))
    out = max(start, end) + min(lane * 0.4, 10 + (y - b) * 0.16)
    return f"M{start:.1f} {b:.1f}C{out:.1f} {b:.1f} {out:.1f} {y:.1f} {end:.1f} {y:.1f}"


def _long(one: NoteModel, *, wide: bool, lane: float) -> float:
    """How wide a box is."""
    size = f" {amounts.short(one.largest)}" if wide and one.largest else ""
    return min(lane - 4, text_width(one.name + size, 13, mono=False) + (24 if wide else 18))


def _node(one: NoteModel, x: float, y: float, *, wide: bool, lane: float) -> str:
    size = f" {amounts.short(one.largest)}" if wide and one.largest else ""
    long = _long(one, wide=wide, lane=lane)
    box = tag("rect", x=x - long / 2, y=y - 12, width=long, height=24.0, rx=5,
              fill=palette.PAPER, stroke=COLOURS[one.family],
              stroke_width=2.6 if one.type else 1)  # fmt: skip
    name = label(one.name, x - (text_width(size, 13, mono=False) / 2 if size else 0), y + 4.5,
                 size=12.5 if not wide else 13, text_anchor="middle", font_weight=600)  # fmt: skip
    number = ""
    if size:
        number = label(size.strip(), x + long / 2 - 7, y + 4.5, size=12, fill=palette.MUTED,
                       text_anchor="end")  # fmt: skip
    return tag("g", box + name + number, data_id=f"n-{one.id}", data_name=one.name,
               data_tip=tip(one))  # fmt: skip


def tip(one: NoteModel) -> str:
    """A model in a few lines."""
    sizes = ", ".join(amounts.short(size) for size in one.sizes)
    lines = [f"{one.name}, {one.date.isoformat()}: {NAMES[one.family]}"]
    lines += [f"parameters: {sizes}"] if sizes else []
    return "\n".join([*lines, *([one.note] if one.note else [])])


def said(models: Sequence[NoteModel]) -> str:
    """What one sees, counted in this picture."""
    counts = {family: sum(one.family == family for one in models) for family in LANES}
    late = [one for one in models if one.date.year >= 2020]
    writes = sum(one.family == "decoder" for one in late)
    return (
        f"Of {len(models)} models {counts['encoder']} are encoders, {counts['decoder']} decoders, "
        f"{counts['encoder-decoder']} have both towers, and {counts['before']} are recurrent "
        f"networks from before. Since 2020 {writes} of {len(late)} are decoders. A line leads from "
        "a model to what grew out of it."
    )
