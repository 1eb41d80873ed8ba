"""The tree of branches: texts that part where a token was forced, one row a branch.

In: lines with their columns of `engine.decoding.writing`, those on the screen first. Out: an SVG in
which a branch can be pointed at (ids `k0`, `k1`, ..), words, a table. A column of the picture is a
place in the text, so that branches can be compared token by token; places far from any fork are
left out, and how many is said. Knows nothing of Streamlit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.decoding.continuation import Line
from engine.decoding.writing import Column, statistics, written_text
from pages.decoding.next_token.bars import percent
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

HEAD, ROW, SIZE = 30.0, 34.0, 12.5
NAMES, FIGURES, WIDEST, GAP = 150.0, 176.0, 96.0, 34.0
BEFORE, AFTER = 2, 6  # places drawn around each fork
WHOLE = 14  # so many places are drawn without leaving any out


@dataclass(frozen=True, eq=False)
class Twig:
    """One branch: the row it grows from (None: a trunk), and the place of its first own token.

    `shown` is the number of the column that shows it, from 0; None where it is folded away.
    """

    line: Line
    column: Column
    shown: int | None
    parent: int | None
    fork: int


def twigs(lines: Sequence[Line], columns: Sequence[Column], shown: int) -> list[Twig]:
    """The branches in the order of their rows; of the lines the first `shown` have a column.

    Lines that no other line of the same setting branches off from, or into, are left out.
    """
    groups: dict[Line, list[int]] = {}
    for number, line in enumerate(lines):
        groups.setdefault(replace(line, forced=()), []).append(number)
    rows: list[Twig] = []
    for numbers in groups.values():
        unique = list({lines[number]: number for number in reversed(numbers)}.values())
        unique.sort(key=lambda number: (len(lines[number].forced), lines[number].forced))
        if len(unique) > 1:
            _grow(unique, lines, columns, shown, rows)
    return rows


def _grow(
    members: list[int],
    lines: Sequence[Line],
    columns: Sequence[Column],
    shown: int,
    rows: list[Twig],
) -> None:
    """Add a trunk's rows: under each branch what grew out of it, the latest forks first."""
    parents: dict[int, tuple[int, int]] = {}
    for place, number in enumerate(members[1:], 1):
        forks = [(fork(lines[number], lines[other]), -i) for i, other in enumerate(members[:place])]
        at, least = max(forks)
        parents[number] = (members[-least], at)

    def add(number: int, parent: int | None, at: int) -> None:
        on_screen = number if number < shown else None
        rows.append(Twig(lines[number], columns[number], on_screen, parent, at))
        mine = len(rows) - 1
        children = [(at, child) for child, (of, at) in parents.items() if of == number]
        for child_at, child in sorted(children, key=lambda pair: (-pair[0], pair[1])):
            add(child, mine, child_at)

    add(members[0], None, 0)


def fork(one: Line, other: Line) -> int:
    """The first place at which two lines of one setting were told to differ.

    >>> fork(Line.parse("greedy @3=7 @9=1"), Line.parse("greedy @3=7 @5=2"))
    5
    """
    return min(place for place, _ in set(one.forced) ^ set(other.forced))


def tree(rows: Sequence[Twig], here: int | None = None, title: str = "Branches") -> str:
    """Draw the branches, each from the token on where it leaves; `here` is the row looked at."""
    places = _places(rows)
    lefts = _lefts(rows, places)
    wide = lefts[-1] + FIGURES
    parts = [
        label("token", NAMES - 14, 18, size=11, fill=palette.MUTED, text_anchor="end", keep=True)
    ]
    for place, left in zip(places, lefts, strict=False):
        words = f"{place + 1}" if place is not None else "⋯"
        parts.append(label(words, left + 6, 18, size=11, fill=palette.MUTED, keep=True))
    if here is not None:
        y, glow = HEAD + here * ROW, palette.GLOW
        parts.append(
            tag("rect", x=0.0, y=y, width=wide, height=ROW - 4, rx=6.0, fill=glow, keep=True)
        )
    parts += [_stem(rows, index, places, lefts) for index in range(len(rows))]
    parts += [_row(rows, index, places, lefts) for index in range(len(rows))]
    return document(wide, HEAD + len(rows) * ROW + 8, parts, title, summary(rows, here))


def _places(rows: Sequence[Twig]) -> list[int | None]:
    """Places of the text that are drawn, from 0; None stands for some left out."""
    longest = max((len(row.column.tokens) for row in rows), default=0)
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


def _lefts(rows: Sequence[Twig], places: Sequence[int | None]) -> list[float]:
    lefts = [NAMES]
    for place in places:
        words = [_word(row, place) for row in rows] if place is not None else []
        widest = max((text_width(word, SIZE) for word in words), default=0.0) + 14
        lefts.append(lefts[-1] + (GAP if place is None else min(max(widest, 26.0), WIDEST)))
    return lefts


def _word(row: Twig, place: int) -> str:
    texts = row.column.texts
    return visible(texts[place], limit=24) if place < len(row.column.tokens) else ""


def _stem(
    rows: Sequence[Twig], index: int, places: Sequence[int | None], lefts: Sequence[float]
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
    rows: Sequence[Twig], index: int, places: Sequence[int | None], lefts: Sequence[float]
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
            if row.fork <= before and before + 1 < len(row.column.tokens):
                parts.append(label("⋯", left + 8, y + 19, size=SIZE, fill=palette.MUTED))
        elif row.fork <= place < len(row.column.tokens):
            parts.append(_token(row, place, left, wide_here, y, forced=place in forced))
    parts += _figures(row, lefts[-1] + 10, y)
    return tag("g", parts, data_id=f"k{index}", data_name=name(row), data_tip=_tip(row))


def _name(row: Twig, y: float) -> list[str]:
    if row.shown is None:
        hue, mark = palette.MUTED, "folded"
    else:
        hue, mark = palette.CATEGORIES[row.shown % len(palette.CATEGORIES)], str(row.shown + 1)
    words = str(replace(row.line, forced=())) if row.parent is None else "branch"
    indent = 0.0 if row.parent is None else 12.0
    return [
        tag("rect", x=4 + indent, y=y + 5, width=3.0, height=18.0, rx=1.5, fill=hue),
        label(mark, 13 + indent, y + 18, size=12, fill=hue, font_weight=700),
        label(
            shortened(words, NAMES - 62 - indent, 12, mono=False),
            (54 if row.shown is None else 26) + indent,
            y + 18,
            size=12,
        ),
    ]


def _token(row: Twig, place: int, x: float, wide: float, y: float, *, forced: bool) -> str:
    token = row.column.tokens[place]
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


def _figures(row: Twig, x: float, y: float) -> list[str]:
    if not row.column.tokens:
        return [label("not written yet", x, y + 18, size=11.5, fill=palette.MUTED)]
    found = statistics(row.column)
    words = f"{found.length} tokens, Σ log p {total(row.column):.1f}".replace("-", "−")
    return [label(words, x, y + 18, size=11.5, fill=palette.MUTED)]


def total(column: Column) -> float:
    """Sum of the natural logarithms of the model's own probabilities, forced tokens included."""
    return sum(math.log(max(token.probability, 1e-30)) for token in column.tokens[:])


def name(row: Twig) -> str:
    """What a branch is called: where it is shown and what was forced at its fork."""
    where = "folded" if row.shown is None else f"column {row.shown + 1}"
    if row.parent is None:
        return f"{where}: {replace(row.line, forced=())}"
    return f"{where}: forced {_forced(row)} at token {row.fork + 1}"


def _forced(row: Twig) -> str:
    word = _word(row, row.fork)
    return f"“{word}”" if word else f"id {dict(row.line.forced).get(row.fork, 0)}"


def _tip(row: Twig) -> str:
    lines = [name(row)]
    if row.parent is not None and row.fork < len(row.column.tokens):
        token = row.column.tokens[row.fork]
        lines.append(f"there the model gave it {percent(token.probability)}, choice {token.rank:,}")
    if row.column.tokens:
        found = statistics(row.column)
        lines.append(f"perplexity {found.perplexity:.1f} over {found.length} tokens")
    lines.append("click: look at this branch" if row.shown is not None else "click: unfold it here")
    return "\n".join(lines)


def summary(rows: Sequence[Twig], here: int | None = None) -> str:
    """What a forced token cost and brought, in this tree's own numbers.

    Of the branch looked at, or the first one where that is no branch.
    """
    grown = [i for i, row in enumerate(rows) if row.parent is not None]
    written = [i for i in grown if rows[i].fork < len(rows[i].column.tokens)]
    if not written:
        return ""
    last = rows[here if here in written else written[0]]
    trunk = last
    while trunk.parent is not None:
        trunk = rows[trunk.parent]
    token = last.column.tokens[last.fork]
    words = (
        f"{len(rows)} texts that part where a token was forced. {_forced(last)} at token "
        f"{last.fork + 1} was the model's choice number {token.rank:,} "
        f"({percent(token.probability)})."
    )
    if trunk.column.tokens and len(trunk.column.tokens) == len(last.column.tokens):
        ours, theirs = (f"{total(row.column):.1f}" for row in (last, trunk))
        more = "likelier" if float(ours) > float(theirs) else "less likely"
        words += (
            f" As a whole that text is {more} than the one without: log-probabilities sum to "
            f"{ours.replace('-', '−')} against {theirs.replace('-', '−')}."
        )
    return words


def table(rows: Sequence[Twig]) -> dict[str, list[Any]]:
    """Each branch: where it leaves which, what was forced, its text and figures."""
    return {
        "branch": [index + 1 for index in range(len(rows))],
        "shown_in": ["folded" if r.shown is None else f"column {r.shown + 1}" for r in rows],
        "leaves_branch": ["" if r.parent is None else r.parent + 1 for r in rows],
        "at_token": ["" if r.parent is None else r.fork + 1 for r in rows],
        "line": [str(row.line) for row in rows],
        "text": ["".join(written_text(row.column)) for row in rows],
        "tokens": [len(row.column.tokens) for row in rows],
        "sum_log_probability": [round(total(row.column), 3) for row in rows],
        "perplexity": [round(statistics(row.column).perplexity, 3) for row in rows],
    }
