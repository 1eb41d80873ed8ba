"""Batches of texts of like length, in few shapes, so that little is padded and compiled.

`by_length` yields groups of row numbers, for ever, each with the length to pad to; `padded` makes
one array of some rows; `gathered` says which places of a batch a loss is taken at. Processors
compile a product anew for every shape that they meet (with freely varying ones, two thirds of the
training time was that), so there are about a dozen. Knows nothing of what the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int

STEP = 128  # places of a batch that a loss is taken at come in multiples of this


def by_length(
    lengths: Int[np.ndarray, "row"], *, tokens: int, rng: np.random.Generator
) -> Iterator[tuple[Int[np.ndarray, "chosen"], int]]:
    """Every row once an epoch (a few twice, to fill groups), and the length that its group has.

    A group holds as many rows as `tokens` tokens give, padding included.
    """
    wide = np.minimum(rounded(lengths), lengths.max())
    while True:
        groups = []
        for length in np.unique(wide):
            rows = rng.permutation(np.flatnonzero(wide == length))
            size = max(1, tokens // int(length))
            full = np.resize(rows, -(-len(rows) // size) * size)
            groups += [(group, int(length)) for group in full.reshape(-1, size)]
        for number in rng.permutation(len(groups)):
            yield groups[number]


def rounded(lengths: Int[np.ndarray, "row"]) -> Int[np.ndarray, "row"]:
    """Lengths rounded up: `rounded([5, 17, 70])` is `[8, 24, 96]`."""
    steps = np.where(lengths > 64, 32, 8)
    return -(-lengths // steps) * steps


def padded(
    rows: Sequence[Sequence[int]], fill: int, *, length: int
) -> Int[np.ndarray, "row token"]:
    """Rows of ids as one array: `padded([[5], [6, 7]], 0, length=2)` is `[[5, 0], [6, 7]]`."""
    out = np.full((len(rows), length), fill, dtype=np.int64)
    for number, row in enumerate(rows):
        out[number, : len(row)] = row
    return out


def gathered(wanted: Bool[np.ndarray, "row token"]) -> Int[np.ndarray, "place"]:
    """Places of a flattened batch, the wanted ones first, filled up to a multiple of `STEP`.

    What fills up is not wanted: a loss must ignore its target.
    """
    order = np.argsort(~wanted.ravel(), kind="stable")
    return order[: -(-max(1, int(wanted.sum())) // STEP) * STEP]
