"""The tree of branches as a picture: one row a branch, drawn from where it leaves its parent.

In: rows of `branches`, how to spell a token. Out: an SVG in which a branch can be pointed at (ids
`k0`, `k1`, ..). A column of the picture is a place in the text, so that branches can be compared
token by token; places far from any fork are left out, and marked. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.decoding.generated import statistics
from pages.decoding.tree import words as say
from pages.decoding.tree.branches import Branch
from pages.decoding.words import Spell
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

HEAD, ROW, SIZE = 30.0, 34.0, 12.5
NAMES, FIGURES, WIDEST, GAP = 150.0, 176.0, 96.0, 34.0
BEFORE, AFTER = 2, 6  # places drawn around each fork
WHOLE = 14  # so many places are drawn without leaving any out


def tree(
    rows: Sequence[Branch], spell: Spell, here: int | None = None, title: str = "Branches"
) -> str:
    """Draw the branches, each from the token on where it leaves; `here` is the row looked at."""
    places = _places(rows)
    lefts = _lefts(rows, places)
    wide = lefts[-1] + FIGURES
    parts = [
        label("token", NAMES - 14, 18, size=12, fill=palette.MUTED, text_anchor="end", keep=True)
    ]
    for place, left in zip(places, lefts, strict=False):
        words = f"{place + 1}" if place is not None else "⋯"
        parts.append(label(words, left + 6, 18, size=12, fill=palette.MUTED, keep=True))
    if here is not None:
        y, glow = HEAD + here * ROW, palette.GLOW
        parts.append(
            tag("rect", x=0.0, y=y, width=wide, height=ROW - 4, rx=6.0, fill=glow, keep=True)
        )
    parts += [_stem(rows, index, places, lefts) for index in range(len(rows))]
    parts += [_row(rows, index, places, lefts, spell) for index in range(len(rows))]
    return document(wide, HEAD + len(rows) * ROW + 8, parts, title, say.summary(rows, spell, here))


def _places(rows: Sequence[Branch]) -> list[int | None]:
    """Places of the text that are drawn, from 0; None stands for some left out."""
    longest = max((len(row.text.tokens) for row in rows), default=0)
    longest = max(longest, 1 + max((row.fork for row in rows), default=0))
    if longest <= WHOLE:
        return list(range(longest))
    forks = {row.fork for row in rows}
    near = {p for at in forks for p in range(at - BEFORE, at + AFTER) if 0 <= p < longest}
    drawn: list[int | None] = []
    for place in sorted(near | {0, longest - 1}):
        if drawn and drawn[-1] is not None and place > drawn[-1] + 1:
            drawn.append(None)
        drawn.append(place)
    return drawn


def _lefts(rows: Sequence[Branch], places: Sequence[int | None]) -> list[float]:
    lefts = [NAMES]
    for place in places:
        words = [_word(row, place) for row in rows] if place is not None else []
        widest = max((text_width(word, SIZE) for word in words), default=0.0) + 14
        lefts.append(lefts[-1] + (GAP if place is None else min(max(widest, 26.0), WIDEST)))
    return lefts


def _word(row: Branch, place: int) -> str:
    texts = row.text.texts
    return visible(texts[place], limit=24) if place < len(row.text.tokens) else ""


def _stem(
    rows: Sequence[Branch], index: int, places: Sequence[int | None], lefts: Sequence[float]
) -> str:
    """The line from a branch up to the one it leaves, before the token where they part."""
    row = rows[index]
    if row.parent is None:
        return ""
    x = lefts[list(places).index(row.fork)] - 1
    top, y = HEAD + row.parent * ROW + 25, HEAD + index * ROW + 14
    return tag(
        "path",
        d=f"M{x:.1f} {top:.1f}V{y - 6:.1f}q0 6 5 6",
        fill="none",
        stroke=palette.CHOSEN,
        stroke_width=1.6,
        data_on=f"k{index}",
    )


def _row(
    rows: Sequence[Branch],
    index: int,
    places: Sequence[int | None],
    lefts: Sequence[float],
    spell: Spell,
) -> str:
    row, y = rows[index], HEAD + index * ROW
    wide = lefts[-1] + FIGURES
    parts = [tag("rect", x=0.0, y=y, width=wide, height=ROW - 2, fill=palette.PAPER, opacity=0)]
    parts += _name(row, y)
    forced = {place for place, _ in row.line.forced}
    for spot, (place, left) in enumerate(zip(places, lefts, strict=False)):
        wide_here = lefts[spot + 1] - left
        if place is None:
            before = places[spot - 1] or 0  # two gaps never stand side by side
            if row.fork <= before and before + 1 < len(row.text.tokens):
                parts.append(label("⋯", left + 8, y + 19, size=SIZE, fill=palette.MUTED))
        elif row.fork <= place < len(row.text.tokens):
            parts.append(_token(row, place, left, wide_here, y, forced=place in forced))
    parts += _figures(row, lefts[-1] + 10, y)
    return tag(
        "g",
        parts,
        data_id=f"k{index}",
        data_name=say.name(row, spell),
        data_tip=say.tip(row, spell),
    )


def _name(row: Branch, y: float) -> list[str]:
    if row.column is None:
        hue, mark = palette.MUTED, "hidden"
    else:
        hue, mark = palette.CATEGORIES[row.column % len(palette.CATEGORIES)], str(row.column + 1)
    words = row.line.setting if row.parent is None else "branch"
    indent = 0.0 if row.parent is None else 12.0
    return [
        tag("rect", x=4 + indent, y=y + 5, width=3.0, height=18.0, rx=1.5, fill=hue),
        label(mark, 13 + indent, y + 18, size=12, fill=hue, font_weight=700),
        label(
            shortened(words, NAMES - 62 - indent, 12, mono=False),
            (54 if row.column is None else 26) + indent,
            y + 18,
            size=12,
        ),
    ]


def _token(row: Branch, place: int, x: float, wide: float, y: float, *, forced: bool) -> str:
    token = row.text.tokens[place]
    ground = tag(
        "rect",
        x=x + 1,
        y=y + 3,
        width=wide - 2,
        height=22.0,
        rx=4.0,
        fill=palette.PROBABILITY,
        fill_opacity=0.05 + 0.45 * token.probability,
        stroke=palette.CHOSEN if forced else None,
        stroke_width=1.8 if forced else None,
    )
    word = label(
        shortened(_word(row, place), wide - 10, SIZE),
        x + 6,
        y + 18.5,
        size=SIZE,
        mono=True,
        font_weight=700 if forced else 400,
        text_decoration="underline" if forced else None,
    )
    return ground + word


def _figures(row: Branch, x: float, y: float) -> list[str]:
    if not row.text.tokens:
        return [label("not generated yet", x, y + 18, size=12, fill=palette.MUTED)]
    found = statistics(row.text)
    words = f"{found.length} tokens, Σ log p {say.minus(row.text.log_probability)}"
    return [label(words, x, y + 18, size=12, fill=palette.MUTED)]
