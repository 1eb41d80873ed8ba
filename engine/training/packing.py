"""Batches of texts of like length, so that little is padded.

`by_length` yields groups of row numbers, for ever; `padded` makes one array of some rows. Knows
nothing of what the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int


def by_length(
    lengths: Int[np.ndarray, "row"], *, tokens: int, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, "chosen"]]:
    """Every row once an epoch; each group holds about `tokens` tokens, padding included."""
    while True:
        # A little noise on the lengths mixes neighbours anew in each epoch.
        order = np.argsort(lengths * rng.uniform(0.9, 1.1, len(lengths)), kind="stable")
        groups = []
        start = 0
        while start < len(order):
            longest, end = 0, start
            while end < len(order):
                longest = max(longest, int(lengths[order[end]]))
                if end > start and longest * (end + 1 - start) > tokens:
                    break
                end += 1
            groups.append(order[start:end])
            start = end
        for number in rng.permutation(len(groups)):
            yield groups[number]


def padded(rows: Sequence[Sequence[int]], fill: int) -> Int[np.ndarray, "row token"]:
    """Rows of ids as one array: `padded([[5], [6, 7]], 0)` is `[[5, 0], [6, 7]]`."""
    out = np.full((len(rows), max(len(row) for row in rows)), fill, dtype=np.int64)
    for number, row in enumerate(rows):
        out[number, : len(row)] = row
    return out
