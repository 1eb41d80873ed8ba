"""Several translations of one sentence under each other, differences marked.

In: rows of tokens with their probabilities. Out: one SVG string. Tokens that the first row does not
have at that place are boxed and underlined, so that colour is not alone in saying it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pages.pictures import palette, svg
from pages.translation.story import percent

WIDTH = 1040.0


@dataclass(frozen=True, slots=True)
class Row:
    """One translation: a name, its tokens, how sure the model was of each, words on the right."""

    name: str
    tokens: tuple[str, ...]
    probabilities: tuple[float, ...]
    note: str = ""


def compared(rows: Sequence[Row], *, title: str = "Translations compared") -> str:
    """All rows; the first is what the others are compared with."""
    y, parts = 10.0, []
    for index, row in enumerate(rows):
        marks = different(rows[0].tokens, row.tokens) if index else [False] * len(row.tokens)
        gone = missing(rows[0].tokens, row.tokens) if index else {}
        body, y = _row(row, marks, gone, index, y)
        parts.append(body)
    return svg.document(WIDTH, y + 6, parts, title)


def different(first: Sequence[str], other: Sequence[str]) -> list[bool]:
    """Which tokens of `other` are not those of `first` once both are laid side by side.

    >>> different("the cat sat".split(), "the dog sat".split())
    [False, True, False]
    """
    marks = [True] * len(other)
    for block in SequenceMatcher(
        None, list(first), list(other), autojunk=False
    ).get_matching_blocks():
        for place in range(block.b, block.b + block.size):
            marks[place] = False
    return marks


def missing(first: Sequence[str], other: Sequence[str]) -> dict[int, list[str]]:
    """Tokens of `first` that `other` has nothing for, by the place in `other` that follows.

    >>> missing("the big cat".split(), "the cat".split())
    {1: ['big']}
    """
    blocks = SequenceMatcher(None, list(first), list(other), autojunk=False)
    return {
        b0: list(first[a0:a1]) for kind, a0, a1, b0, _ in blocks.get_opcodes() if kind == "delete"
    }


def _row(
    row: Row, marks: Sequence[bool], gone: dict[int, list[str]], index: int, y: float
) -> tuple[str, float]:
    parts = [svg.label(row.name, 14, y + 14, size=13, font_weight=700)]
    if row.note:
        parts.append(
            svg.label(row.note, WIDTH - 14, y + 14, size=12, fill=palette.MUTED, text_anchor="end")
        )
    x, y = 14.0, y + 24
    for place, (token, share, mark) in enumerate(
        zip(row.tokens, row.probabilities, marks, strict=True)
    ):
        word = svg.visible(token, limit=30)
        width = svg.text_width(word, 13.5) + 14
        if x + width > WIDTH - 14:
            x, y = 14.0, y + 36
        if place in gone:
            parts.append(_gap(gone[place], index, place, x, y))
            x += 24
        box = svg.tag(
            "rect",
            x=x,
            y=y,
            width=width,
            height=28.0,
            rx=6.0,
            fill=palette.PROBABILITY,
            fill_opacity=0.05 + 0.45 * share,
            stroke=palette.WRONG if mark else palette.LINE,
            stroke_width=2.0 if mark else 1.0,
        )
        text = svg.label(
            word,
            x + width / 2,
            y + 18.5,
            size=13.5,
            mono=True,
            text_anchor="middle",
            text_decoration="underline" if mark else None,
            font_weight=700 if mark else 400,
        )
        parts.append(
            svg.tag(
                "g",
                box + text,
                data_id=f"v{index}.{place}",
                data_name=word,
                data_tip=f"{word}\ntoken {place + 1}, {percent(share)}"
                + ("\ndiffers from the first row" if mark else ""),
            )
        )
        x += width + 5
    return "".join(parts), y + 50


def _gap(words: Sequence[str], index: int, place: int, x: float, y: float) -> str:
    """A mark where tokens of the first row are missing."""
    name = svg.visible("".join(words), limit=40)
    line = svg.tag("path", d=f"M{x + 9} {y - 2}v32", stroke=palette.WRONG, stroke_width=2.0,
                   stroke_dasharray="4 3")  # fmt: skip
    dot = svg.label("…", x + 9, y + 22, size=13, fill=palette.WRONG, text_anchor="middle")
    return svg.tag(
        "g", line + dot, data_id=f"g{index}.{place}", data_name=f"missing: {name}",
        data_tip=f"missing here: {name}",
    )  # fmt: skip
