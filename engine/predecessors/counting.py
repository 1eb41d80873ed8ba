"""From texts to a table of n-grams, pruned.

In: documents as ids. Out: a `Table`. An n-gram never reaches over the end of a document; each
document is read with the end-of-text token before and behind it. A table of all n-grams of a few
million words has tens of megabytes, most of it seen once, so an n-gram of two tokens and more is
kept only where it was seen at least twice and its count, times what it adds to the logarithm of
its probability (weighted difference: Seymore and Rosenfeld 1996), comes to more than `worth` nats.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from engine.predecessors.ngrams import Order, Table

SEEN = 2  # times that an n-gram must be seen to be kept


@dataclass(frozen=True, eq=False, slots=True)
class Stream:
    """Documents one after the other; `since` counts the tokens of its document before each."""

    ids: Int[np.ndarray, "token"]
    since: Int[np.ndarray, "token"]


def stream(documents: Iterable[Int[np.ndarray, "token"]], end: int) -> Stream:
    """Documents framed by the end-of-text token."""
    framed = [np.array([end, *document, end], dtype=np.int64) for document in documents]
    ids = np.concatenate(framed) if framed else np.zeros(0, np.int64)
    since = [np.arange(len(one)) for one in framed]
    return Stream(ids, np.concatenate(since) if since else ids)


def count(text: Stream, *, vocabulary: int, window: int, worth: float) -> Table:
    """The table of a text with n-grams of up to `window` + 1 tokens."""
    counts = np.bincount(text.ids[text.since > 0], minlength=vocabulary)
    table = Table(vocabulary, (_order(np.arange(vocabulary), counts, 1, vocabulary),))
    at = text.ids  # the entry of the n-gram that ends at each place, -1 where it was not kept
    for length in range(2, window + 2):
        table, at = _longer(table, text, at, length, worth)
    return table


def _longer(
    table: Table, text: Stream, at: np.ndarray, length: int, worth: float
) -> tuple[Table, np.ndarray]:
    """A table with the n-grams of the next length, and where they end."""
    vocabulary, below = table.vocabulary, len(table.orders[-1].words)
    before = np.concatenate([[-1], at[:-1]])
    places = np.flatnonzero((text.since >= length - 1) & (before >= 0))
    keys = before[places] * vocabulary + text.ids[places]
    every, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    # Each n-gram's tokens but the last, from a place where it stands.
    where = np.empty(len(every), dtype=np.int64)
    where[inverse] = places
    whole = _order(every, counts, below, vocabulary)
    kept = _worth(table, whole, text, where, length) > worth
    kept &= counts >= SEEN
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    ends = np.full(len(text.ids), -1)
    ends[places] = number[inverse]
    pruned = _order(every[kept], counts[kept], below, vocabulary, discount=whole.discount)
    return Table(vocabulary, (*table.orders, pruned)), ends


def _worth(table: Table, whole: Order, text: Stream, where: np.ndarray, length: int) -> np.ndarray:
    """Nats that each n-gram of the new order saves in the text that was counted."""
    totals = np.repeat(table.orders[-1].counts, np.diff(whole.first))
    shares = (whole.counts - whole.discount) / np.maximum(totals, 1)
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    left = 1.0 - (sums[whole.first[1:]] - sums[whole.first[:-1]])
    back = np.stack([text.ids[where - k] for k in range(length - 2, 0, -1)] or [where[:0]], axis=-1)
    contexts = back if length > 2 else np.zeros((len(where), 0), dtype=np.int64)
    shorter = table.probabilities(contexts, whole.words, length - 2)
    longer = shares + np.repeat(left, np.diff(whole.first)) * shorter
    return whole.counts * np.log(longer / shorter)


def _order(
    keys: np.ndarray,
    counts: np.ndarray,
    below: int,
    vocabulary: int,
    *,
    discount: float | None = None,
) -> Order:
    """Rising keys (entry below, word) as an order of a table."""
    first = np.searchsorted(keys, np.arange(below + 1) * vocabulary)
    given = discounted(counts) if discount is None else discount
    return Order(keys % vocabulary, counts, first, given)


def discounted(counts: Int[np.ndarray, "entry"]) -> float:
    """What a count gives away: n1 / (n1 + 2 n2), from how many were seen once and twice."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once else 0.5
