"""What the Decoding page is asked to generate, and the place that is looked at.

In: values of links and controls. Out: frozen values. Knows nothing of Streamlit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from engine.decoding.continuation import Line, Task
from engine.decoding.filters import FILTERS
from engine.values import Reading


def _presets() -> tuple[str, ...]:
    """One telling setting of each filter and penalty, greedy and beam search."""
    drawn = [f"{f.label} {f.preset:g}" for f in FILTERS if f.preset and f.kind == "filter"]
    greedy = [f"greedy, {f.label} {f.preset:g}" for f in FILTERS if f.preset and f.kind != "filter"]
    return ("greedy", "pure sampling", *drawn, "beam 4", *greedy)


PRESETS = _presets()
MOST = 6  # columns
HIDDEN = 8  # branches kept that no column shows
START = tuple(map(Line.parse, ("greedy", "temperature 0.7", "top-p 0.9")))  # of a fresh page
QUICK = 20  # new tokens of a fresh page, and of each click on Generate
LONGEST = 256  # new tokens
_PLACE = re.compile(r"c([1-9])(?: t([1-9][0-9]{0,3}))?")


@dataclass(frozen=True)
class Plan:
    """What the controls say; `token` is the place in the column that is looked at, from 0.

    `runs` is how often the chosen column is run, 0 where columns are compared. `hidden` are
    branches that no column shows. `reading` is the text as the model reads it. `write` is False
    where a person stopped. `room` is the most tokens that may be asked for.
    """

    task: Task
    prompt: str
    lines: tuple[Line, ...]
    column: int
    token: int | None
    write: bool
    runs: int = 0
    hidden: tuple[Line, ...] = ()
    reading: Reading | None = None
    room: int = LONGEST

    @property
    def wanted(self) -> tuple[Line, ...]:
        """What is to be written: columns and hidden branches, or many runs of the chosen one."""
        runs = tuple(replace(self.line, run=n) for n in range(self.runs))
        return runs or (*self.lines, *self.hidden)

    @property
    def line(self) -> Line:
        """The chosen column's line."""
        return self.lines[self.column]

    @property
    def untouched(self) -> bool:
        """Whether this is the run that a fresh page begins with."""
        plain = replace(self.task, limit=QUICK, seed=1, stops=()) == self.task
        return plain and self.lines == START and not self.runs


@dataclass(frozen=True, eq=False)
class Spot:
    """A place whose next token is looked at: what the model predicts there, and what came.

    `ids` are the tokens before it, of which the first `start` were given; `place` counts the new
    ones. `chosen` is the token of the text there, `forced` whether by hand. `before` and `behind`
    are the text around it; `gap` is a mask instead of an end.
    """

    logits: np.ndarray
    ids: tuple[int, ...]
    start: int
    before: str
    behind: str = ""
    place: int = 0
    chosen: int | None = None
    forced: bool = False
    gap: bool = False


def place(at: str | None, columns: int) -> tuple[int, int | None] | None:
    """Column and token, from 0, of a link's `c2 t14`; None where there is no such column.

    >>> place("c2 t14", 6), place("c7", 6)
    ((1, 13), None)
    """
    found = _PLACE.fullmatch(at or "")
    if found is None or int(found[1]) > columns:
        return None
    return int(found[1]) - 1, int(found[2]) - 1 if found[2] else None


def sampled(lines: tuple[Line, ...], column: int) -> int:
    """The column to run many times: the one given, or the first one in which chance has a say."""
    if lines[column].samples:
        return column
    return next((number for number, line in enumerate(lines) if line.samples), column)


def spare(lines: tuple[Line, ...]) -> Line:
    """A line for a new column: the first preset that is not there yet."""
    there = {line.setting for line in lines}
    return Line.parse(next((text for text in PRESETS if text not in there), PRESETS[1]))


def height(limit: int, columns: int) -> int:
    """Pixels for the text of a column, kept free from the start so that nothing jumps."""
    across = 150 / max(1, columns)  # characters a line on a wide screen
    lines = 2 + limit * 4.6 / across
    return int(min(430, max(120, 25 * lines)))
