"""Ordering a vocabulary by probability without sorting all of it.

In: scores of every token id. Out: ids, the largest scores first, ties as `transformers` breaks
them. Knows nothing of settings, filters or draws.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Row = Float[np.ndarray, "vocabulary"]
HEAP = 64  # ids looked at together where the largest few are wanted
LAST = 0xFFFFFFFF  # no id is above it
BLOCK = 64  # cells among which a largest one is sought at once


def probabilities(logits: Row, kept: Int[np.ndarray, "id"] | None = None) -> Row:
    """Softmax; -inf becomes 0. `kept` are the ids that are above it, where they are known."""
    if kept is not None and len(kept) < len(logits) // 4:
        found = np.zeros_like(logits)
        found[kept] = probabilities(logits[kept])
        return found
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def descending(scores: Row, count: int) -> Int[np.ndarray, "id"]:
    """Ids of the `count` largest, and of those equal to the least of them, largest first.

    Of equals the higher id comes first.
    """
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        ids = np.flatnonzero(scores >= least)
    else:
        ids = np.arange(len(scores))
    return np.sort(rising(scores[ids], ids))[::-1] & LAST


def likeliest_of(
    scores: Float[np.ndarray, "row vocabulary"], count: int
) -> list[Int[np.ndarray, "id"]]:
    """For each row the ids of its `count` largest, largest first, of equals the higher id first."""
    return [head[:count] for head in heads_of(scores, count)]


def heads_of(
    scores: Float[np.ndarray, "row vocabulary"],
    count: int,
    *,
    ties: Literal["high", "low"] = "high",
) -> list[Int[np.ndarray, "id"]]:
    """For each row the ids of its `count` largest and a few more, in order.

    Whatever is not listed is less than all that is. Of equals the higher or the lower id is first.

    Ids that leave the same rest share a heap: as many are at least as large as the `count`-th of
    the heaps' largest, so that of all rows together only a few hundred have to be sorted.
    """
    rows, size = scores.shape
    most = heap_tops(scores)
    tops = most if count < most.shape[1] else scores
    place = max(0, tops.shape[1] - count)
    bound = np.partition(tops, place, axis=1)[:, place, None]
    cells = np.flatnonzero(~(scores < bound))  # NaN, where a model fails, among them
    ids = cells % size
    keys = rising(scores.ravel()[cells], ids if ties == "high" else LAST - ids)
    ends = np.searchsorted(cells, size * np.arange(rows + 1)).tolist()
    heads = [np.sort(keys[a:b])[::-1] & LAST for a, b in zip(ends, ends[1:], strict=False)]
    return heads if ties == "high" else [LAST - head for head in heads]


def rising(scores: Float[np.ndarray, "id"], ids: Int[np.ndarray, "id"]) -> Int[np.ndarray, "id"]:
    """A number and its id as one integer: the larger the number, then the id, the larger it is.

    Sorting them takes a tenth of the time of a sort that keeps equals in order.
    """
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.int32).astype(np.int64)
    if (bits < 0).any():
        bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # below 0 floats rise as integers fall
    bits <<= 32
    bits |= ids
    return bits


def least_of(scores: Row, count: int) -> float:
    """The `count`-th largest score: among those that are at least the `count`-th heap's largest."""
    most = heap_tops(scores[None])[0]
    if count < len(most):
        bound = np.partition(most, len(most) - count)[-count]
        scores = scores[~(scores < bound)]  # NaN, which is last in a partition, among them
    return np.partition(scores, len(scores) - count)[-count]


def heap_tops(scores: Float[np.ndarray, "row vocabulary"]) -> Float[np.ndarray, "row heap"]:
    """The largest of each heap of `HEAP` ids that leave the same rest; the last few ids in none."""
    heaps = scores.shape[1] // HEAP
    return scores[:, : heaps * HEAP].reshape(len(scores), HEAP, heaps).max(axis=1)


def holding(scores: Row, mass: float) -> Int[np.ndarray, "id"]:
    """The ids from some probability on that surely hold `mass`: only they have to be sorted."""
    most = float(scores.max())
    for share in (0.03, 0.001):
        head = np.flatnonzero(scores >= most * share)
        if surely_hold(scores[head], mass):
            return head
    # All that are less likely than this hold less than 1 - mass together: none of them stays.
    return np.flatnonzero(scores >= (1 - mass) / len(scores))


def surely_hold(scores: Float[np.ndarray, "id"], mass: float) -> bool:
    """Whether some hold more than `mass` by more than rounding could take: all others are cut."""
    return float(scores.sum(dtype=np.float64)) > mass + 1e-5


def head(
    rank: Row, scores: Row, mass: float
) -> tuple[Int[np.ndarray, "id"], Float[np.ndarray, "id"]]:
    """Ids of the highest rank until they hold `mass`, and how much lies above each.

    Sorts a growing head of the vocabulary, as sorting all 50,000 takes ten times as long.
    """
    size = 4096
    while True:
        order = descending(rank, size)
        total = np.cumsum(scores[order], dtype=np.float64)
        if size >= len(scores) or total[-1] >= mass:
            return order, total - scores[order]
        size *= 8


Best = tuple[np.ndarray, np.ndarray, np.ndarray]


def best(totals: Float[np.ndarray, "row vocabulary"], count: int) -> Best:
    """The `count` largest cells, largest first, as (row, token, value); -inf is never one."""
    flat = totals.ravel()
    some = largest(flat, min(count, len(flat)))
    order = some[np.lexsort((some, -flat[some]))]  # equal totals: the lower row and id first
    order = order[np.isfinite(flat[order])]
    return order // totals.shape[1], order % totals.shape[1], flat[order]


def best_of_heads(
    scores: Float[np.ndarray, "row vocabulary"],
    sums: Float[np.ndarray, "row"],
    heads: Sequence[Int[np.ndarray, "id"]],
    count: int,
    without: Collection[int] = (),
) -> Best | None:
    """What `best` finds of `scores + sums` where the ids `without` are -inf, by `heads_of` alone.

    None where something that is in no head may be among them.
    """
    row, ids = (
        np.repeat(np.arange(len(heads)), [len(head) for head in heads]),
        np.concatenate(heads),
    )
    values = scores[row, ids]
    for one in without:
        values[ids == one] = -np.inf
    totals = values + sums[row]
    order = np.lexsort((ids, row, -totals))[:count]
    outside = max(scores[k, head[-1]] + sums[k] for k, head in enumerate(heads) if len(head))
    if len(order) < count or not totals[order[-1]] > outside:
        return None
    return row[order], ids[order], totals[order]


def largest(values: Float[np.ndarray, "cell"], count: int) -> Int[np.ndarray, "count"]:
    """Where the `count` largest values are, in no order.

    They lie in the `count` blocks of largest maximum: partitioning those alone takes a tenth of
    the time that a vocabulary of 58,000 takes.
    """
    whole = len(values) - len(values) % BLOCK
    tops = values[:whole].reshape(-1, BLOCK).max(axis=1)
    if count >= len(tops):
        return np.argpartition(-values, count - 1)[:count]
    blocks = np.argpartition(-tops, count - 1)[:count]
    cells = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    cells = np.append(cells, np.arange(whole, len(values)))
    return cells[np.argpartition(-values[cells], count - 1)[:count]]
