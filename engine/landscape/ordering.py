"""Six models to be put in order of size: drawn by a seed, and how well they were ordered.

Of a family its largest model plays, as its paper has it. Neighbors of a draw differ by at least a
quarter, so that no order hangs on rounding.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

from engine.landscape.notes import NoteModel, note_models

SIX = 6
APART = 1.25  # least ratio of two sizes of a draw


def six(seed: int) -> tuple[NoteModel, ...]:
    """Six models in a random order; equal seeds draw the same ones."""
    rng = random.Random(f"six models {seed}")
    pool = [one for one in note_models() if one.largest]
    rng.shuffle(pool)
    drawn: list[NoteModel] = []
    for one in pool:
        if len(drawn) < SIX and all(_apart(one, other) for other in drawn):
            drawn.append(one)
    if [one.id for one in drawn] == [one.id for one in by_size(drawn)]:
        drawn.reverse()  # the answer must not lie on the table
    return tuple(drawn)


def by_size(models: Sequence[NoteModel]) -> tuple[NoteModel, ...]:
    """The largest first."""
    return tuple(sorted(models, key=lambda one: -(one.largest or 0)))


def pairs_right(order: Sequence[NoteModel]) -> tuple[int, int]:
    """How many pairs stand right in an order (largest first), and of how many."""
    pairs = list(combinations(order, 2))
    return sum((a.largest or 0) > (b.largest or 0) for a, b in pairs), len(pairs)


def _apart(one: NoteModel, other: NoteModel) -> bool:
    low, high = sorted((one.largest or 1, other.largest or 1))
    return high / low >= APART
