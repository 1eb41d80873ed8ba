"""What the Decoding page is asked to write: columns, seed, limit, and the place that is looked at.

In: texts from links and controls. Out: frozen values. Knows nothing of Streamlit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from engine.decoding.continuation import Line
from engine.decoding.writing import Task
from engine.values import Reading

PRESETS = (
    "greedy",
    "pure sampling",
    "temperature 0.7",
    "top-k 40",
    "top-p 0.9",
    "min-p 0.05",
    "typical 0.9",
    "beam 4",
    "greedy, repetition penalty 1.3",
    "greedy, no-repeat 3",
)
MOST = 6  # columns
FOLDED = 8  # branches kept that no column shows
START = PRESETS[:MOST]
LONGEST = 256  # new tokens
_PLACE = re.compile(r"c([1-9])(?: t([1-9][0-9]{0,3}))?")


@dataclass(frozen=True)
class Plan:
    """What the controls say; `token` is the place in the column that is looked at, from 0.

    `runs` is how often the chosen column is run, 0 where columns are compared. `folded` are
    branches that no column shows. `reading` is the text as the model reads it.
    """

    task: Task
    prompt: str
    lines: tuple[Line, ...]
    column: int
    token: int | None
    write: bool
    runs: int = 0
    folded: tuple[Line, ...] = ()
    reading: Reading | None = None

    @property
    def wanted(self) -> tuple[Line, ...]:
        """What is to be written: columns and folded branches, or many runs of the chosen one."""
        runs = tuple(replace(self.line, run=n) for n in range(self.runs))
        return runs or (*self.lines, *self.folded)

    @property
    def line(self) -> Line:
        """The chosen column's line."""
        return self.lines[self.column]


@dataclass(frozen=True, eq=False)
class Spot:
    """A place whose next token is looked at: what the model says there, and what was taken.

    `ids` are the tokens before it, of which the first `start` were given; `place` counts the new
    ones. `before` and `behind` are the text around it; `gap` is a mask instead of an end.
    """

    logits: np.ndarray
    ids: tuple[int, ...]
    start: int
    before: str
    behind: str = ""
    place: int = 0
    chosen: int | None = None
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


def spare(lines: tuple[Line, ...]) -> Line:
    """A line for a new column: the first preset that is not there yet."""
    there = {str(line) for line in lines}
    return Line.parse(next((text for text in PRESETS if text not in there), PRESETS[1]))


def height(limit: int, columns: int) -> int:
    """Pixels for the text of a column, kept free from the start so that nothing jumps."""
    across = 150 / max(1, columns)  # characters a line on a wide screen
    lines = 2 + limit * 4.6 / across
    return int(min(430, max(120, 25 * lines)))
