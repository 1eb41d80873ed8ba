"""Branches: texts that differ from where a token was forced, and which grows out of which.

In: generated texts, those on the screen first. Out: rows of a tree. Knows nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.decoding.continuation import Line
from engine.decoding.generated import Generated


@dataclass(frozen=True, eq=False)
class Branch:
    """One text: the row it grows from (None: a trunk), and the place of its first own token.

    `column` is the number of the column that shows it, from 0; None where it is hidden.
    """

    text: Generated
    column: int | None
    parent: int | None
    fork: int

    @property
    def line(self) -> Line:
        """What was asked for."""
        return self.text.line


def branches(texts: Sequence[Generated], columns: int) -> list[Branch]:
    """The branches in the order of their rows; the first `columns` of the texts are on the screen.

    Texts that no other one of the same setting branches off from, or into, are left out.
    """
    groups: dict[Line, list[int]] = {}
    for number, text in enumerate(texts):
        groups.setdefault(replace(text.line, forced=()), []).append(number)
    rows: list[Branch] = []
    for numbers in groups.values():
        unique = list({texts[number].line: number for number in reversed(numbers)}.values())
        unique.sort(key=lambda number: (len(texts[number].line.forced), texts[number].line.forced))
        if len(unique) > 1:
            _grow(unique, texts, columns, rows)
    return rows


def _grow(members: list[int], texts: Sequence[Generated], columns: int, rows: list[Branch]) -> None:
    """Add a trunk's rows: under each branch what grew out of it, the latest forks first."""
    parents: dict[int, tuple[int, int]] = {}
    for place, number in enumerate(members[1:], 1):
        line = texts[number].line
        forks = [(fork(line, texts[other].line), -i) for i, other in enumerate(members[:place])]
        at, least = max(forks)
        parents[number] = (members[-least], at)

    def add(number: int, parent: int | None, at: int) -> None:
        rows.append(Branch(texts[number], number if number < columns else None, parent, at))
        mine = len(rows) - 1
        children = [(at, child) for child, (of, at) in parents.items() if of == number]
        for child_at, child in sorted(children, key=lambda pair: (-pair[0], pair[1])):
            add(child, mine, child_at)

    add(members[0], None, 0)


def fork(one: Line, other: Line) -> int:
    """The first place at which two lines of one setting differ.

    >>> fork(Line.parse("greedy @3=7 @9=1"), Line.parse("greedy @3=7 @5=2"))
    5
    """
    return min(place for place, _ in set(one.forced) ^ set(other.forced))
