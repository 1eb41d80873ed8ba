"""Several tokenizers on one text, their tokens under each other on the same characters.

In: the `Tokens` of each, over equal texts. Out: a picture (HTML that holds an SVG for each width,
the container chooses), an SVG for files, and where they first differ. A box of row r that begins
with token i has the id `r<r>t<i>` and is lit with the other rows' boxes over its characters.
Knows nothing of pages or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from engine.values import Tokens
from pages.pictures import palette, tokens
from pages.pictures.svg import document, label, shortened, tag, text_width, visible
from pages.pictures.widths import either

LETTERS = "ABCDEFGH"
COLUMN = 11.5
BOX = 27.0
LEFT = 26.0
WIDE, MIDDLE, NARROW = 80, 54, 27
CHARACTERS_SHOWN = 1200


@dataclass(frozen=True, slots=True)
class Row:
    """One tokenizer's groups over the text drawn."""

    tokens: Tokens
    groups: tuple[tokens.Group, ...]


def first_difference(cuts: Sequence[Tokens]) -> int | None:
    """The first place inside a word where one tokenizer cuts and another does not.

    Spaces belong to a token here and to none there; that alone is no difference.
    """
    if len(cuts) < 2:
        return None
    sets = [_inner_cuts(one) for one in cuts]
    differing = set.union(*sets) - set.intersection(*sets)
    return min(differing, default=None)


def _inner_cuts(one: Tokens) -> set[int]:
    """Places between two characters that are not spaces where a token begins or ends."""
    text = one.text
    places = {int(place) for span in one.spans for place in span}
    inside = (p for p in places if 0 < p < len(text))
    return {p for p in inside if not (text[p - 1].isspace() or text[p].isspace())}


def aligned(cuts: Mapping[str, Tokens]) -> str:
    """The picture for a page: drawings of three widths, of which the one that fits is shown."""
    wide, middle, narrow = (drawing(cuts, columns=n) for n in (WIDE, MIDDLE, NARROW))
    return either(wide, narrow, middle=middle, name="aligned")


def drawing(cuts: Mapping[str, Tokens], *, columns: int = WIDE) -> str:
    """All rows as one SVG, `columns` characters to a line (wide ones count twice)."""
    them = list(cuts.values())
    text = them[0].text[:CHARACTERS_SHOWN] if them else ""
    rows = [_row(one, len(text)) for one in them]
    marked = first_difference(them)
    width = LEFT + columns * COLUMN + 8
    parts, y = _names(list(cuts), width)
    for start, end in _lines(text, rows, columns):
        places = _places(text, start, end)
        if marked is not None and start <= marked < end:
            parts.append(_mark(LEFT + places[marked] * COLUMN, y))
        y += 10
        for number, row in enumerate(rows):
            letter = LETTERS[number % len(LETTERS)]
            parts.append(label(letter, 4, y + 18, size=13, fill=palette.MUTED, keep=True))
            for group in row.groups:
                if group.start < end and group.end > start:
                    parts.append(_box(rows, number, group, (start, end), places, y))
            y += BOX + 4
        y += 12
    return document(width, y, parts, f"{len(cuts)} tokenizers on the same text")


def _names(names: Sequence[str], width: float) -> tuple[list[str], float]:
    """Which letter is which tokenizer, and where the rows begin below."""
    parts, x, y = list[str](), 4.0, 16.0
    for letter, name in zip(LETTERS, names, strict=False):
        shown = shortened(name, width - 60, 13, mono=False)
        wide = text_width(shown, 13, mono=False) + 40
        if x + wide > width and x > 4:
            x, y = 4.0, y + 20
        parts.append(label(letter, x, y, size=13, fill=palette.MUTED, keep=True))
        parts.append(label(shown, x + 18, y, size=13, keep=True))
        x += wide
    return parts, y + 12


def _row(one: Tokens, limit: int) -> Row:
    found = [g for g in tokens.groups(one) if g.start < g.end and g.start < limit]
    return Row(one, tuple(found))


def _box(
    rows: Sequence[Row],
    number: int,
    group: tokens.Group,
    line: tuple[int, int],
    places: dict[int, float],
    y: float,
) -> str:
    """The part of a group that stands on this line, each character in its column."""
    one = rows[number].tokens
    start, end = max(group.start, line[0]), min(group.end, line[1])
    x, right = LEFT + places[start] * COLUMN, LEFT + places[end] * COLUMN
    unknown = tokens.is_unknown(one, group.first)
    box = tag(
        "rect",
        x=x + 0.75,
        y=y,
        width=right - x - 1.5,
        height=BOX,
        rx=4,
        fill=palette.chip(group.first),
        stroke=palette.WRONG if unknown else palette.FAINT if group.split else None,
        stroke_dasharray="3 2" if unknown or group.split else None,
    )
    letters = [
        label(
            visible(one.text[place]),
            LEFT + (places[place] + places[place + 1]) / 2 * COLUMN,
            y + (24 if group.split else 18),  # below the number of its tokens
            size=12 if group.split else 14.5,
            mono=True,
            text_anchor="middle",
            fill=palette.FAINT if one.text[place].isspace() else palette.INK,
        )
        for place in range(start, end)
    ]
    if group.split:
        count = f"×{group.last - group.first}"
        letters.append(label(count, (x + right) / 2, y + 11, size=12, text_anchor="middle"))
    others = [
        f"r{r}t{g.first}"
        for r, row in enumerate(rows)
        if r != number
        for g in row.groups
        if g.start < group.end and group.start < g.end
    ]
    return tag(
        "g",
        [box, *letters],
        data_id=f"r{number}t{group.first}",
        data_on=" ".join(others),
        data_tip=f"{LETTERS[number % len(LETTERS)]}: " + tokens.tip(one, group.first)
        if not group.split
        else f"{group.last - group.first} tokens for one character",
    )


def _mark(x: float, y: float) -> str:
    shape = tag("path", d=f"M{x - 5:.1f} {y:.1f}h10l-5 8z", fill=palette.WRONG)
    return tag("g", shape, keep=True, data_tip="the first place where they differ")


def _places(text: str, start: int, end: int) -> dict[int, float]:
    """The column at which each character of a line begins, and where the last ends."""
    places, at = {}, 0.0
    for place in range(start, end):
        places[place] = at
        at += 2 if east_asian_width(text[place]) in "WF" else 1
    places[end] = at
    return places


def _lines(text: str, rows: Sequence[Row], columns: int) -> list[tuple[int, int]]:
    """Stretches of at most `columns` columns, cut where all tokenizers agree if that can be."""
    inside = {p for row in rows for g in row.groups for p in range(g.start + 1, g.end)}
    lines: list[tuple[int, int]] = []
    start, used, good = 0, 0, 0
    for place, character in enumerate(text):
        if place not in inside:
            good = place
        wide = 2 if east_asian_width(character) in "WF" else 1
        if used + wide > columns:
            end = good if good > start else place
            lines.append((start, end))
            used = sum(2 if east_asian_width(c) in "WF" else 1 for c in text[end:place])
            start = good = end
        used += wide
        if character == "\n":
            lines.append((start, place + 1))
            start, used, good = place + 1, 0, place + 1
    if start < len(text):
        lines.append((start, len(text)))
    return lines
