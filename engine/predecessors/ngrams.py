"""n-gram probabilities: the next token from the last few, counted in a text.

In: a `Table` of counts (`counting` makes one). Out: the distribution of the next token with a
window of n tokens. Interpolated absolute discounting (Ney, Essen and Kneser 1994): every count of
an order gives D away, and what they give away is spread as the order below says. So every token
has some probability, and all of them sum to 1, also where a table was pruned:

    P(w | h) = (c(h w) - D) / c(h)  +  left(h) P(w | h without its first token)
    left(h)  = 1 - sum over the kept w of (c(h w) - D) / c(h)

With no token before it, P(w) is spread evenly at last. Pure numpy; knows nothing of texts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen


@dataclass(frozen=True, eq=False, slots=True)
class Order(Frozen):
    """The n-grams of one length, sorted by all but their last token, then by that.

    Those that continue entry e of the order below are `first[e]` to `first[e + 1]`.
    """

    words: Int[np.ndarray, "entry"]
    counts: Int[np.ndarray, "entry"]
    first: Int[np.ndarray, "below_and_one"]
    discount: float


@dataclass(frozen=True, eq=False)
class Table(Frozen):
    """Counts of n-grams of 1 to `len(orders)` tokens.

    The first order lists every token of the vocabulary, counted or not, so that its entries are
    the ids themselves. An entry's count is also how often it is followed by something.
    """

    vocabulary: int
    orders: tuple[Order, ...]
    seen: int = field(init=False, default=0)  # tokens counted

    def __post_init__(self) -> None:
        """Check the shapes that looking up relies on; ValueError names what does not fit."""
        below, size = 1, self.vocabulary
        for number, order in enumerate(self.orders, 1):
            shapes = len(order.first), len(order.counts), int(order.first[-1])
            if shapes != (below + 1, len(order.words), len(order.words)):
                raise ValueError(f"order {number}: {shapes} do not fit {below} entries below")
            if np.any(np.diff(order.first) < 0) or not 0 <= order.discount <= 1:
                raise ValueError(f"order {number} is not in order")
            if len(order.words) and not 0 <= order.words.min() <= order.words.max() < size:
                raise ValueError(f"order {number} has tokens beyond the vocabulary")
            below = len(order.words)
        whole = np.arange(self.vocabulary)
        if not self.orders or not np.array_equal(self.orders[0].words, whole):
            raise ValueError("the first order must list the vocabulary")
        object.__setattr__(self, "seen", int(self.orders[0].counts.sum()))
        if any(np.any(np.diff(keys) <= 0) for keys in self._keys):
            raise ValueError("n-grams that are not sorted, or stand there twice")
        # At once, so that whoever keeps a table knows what it holds.
        for part in (*self._keys, *self._shares, *self._left):
            part.setflags(write=False)

    @property
    def window(self) -> int:
        """The most tokens that are looked back at."""
        return len(self.orders) - 1

    @cached_property
    def _keys(self) -> tuple[np.ndarray, ...]:
        """Of each order (entry of the order below, word) as one rising number an entry."""
        return tuple(
            np.repeat(np.arange(len(order.first) - 1), np.diff(order.first)) * self.vocabulary
            + order.words.astype(np.int64)
            for order in self.orders
        )

    @cached_property
    def _shares(self) -> tuple[np.ndarray, ...]:
        """(c(h w) - D) / c(h) of every entry."""
        found, totals = [], np.array([self.seen])
        for order in self.orders:
            total = np.repeat(totals, np.diff(order.first))
            given = np.maximum(order.counts - order.discount, 0.0)
            found.append(given / np.maximum(total, 1))
            totals = order.counts
        return tuple(found)

    @cached_property
    def _left(self) -> tuple[np.ndarray, ...]:
        """left(h) of every entry of the order below (of nothing, for the first order)."""
        found = []
        for order, shares in zip(self.orders, self._shares, strict=True):
            sums = np.concatenate([[0.0], np.cumsum(shares)])
            found.append(1.0 - (sums[order.first[1:]] - sums[order.first[:-1]]))
        return tuple(found)

    def distribution(
        self, ids: Int[np.ndarray, "token"], window: int
    ) -> Float[np.ndarray, "vocabulary"]:
        """P(w | the last `window` tokens of `ids`), for every w."""
        return self.distributions(np.asarray(ids)[None, :], window)[0]

    def distributions(
        self, rows: Int[np.ndarray, "row token"], window: int
    ) -> Float[np.ndarray, "row vocabulary"]:
        """P(w | the last `window` tokens) of each row."""
        self._check(window)
        found = np.full((len(rows), self.vocabulary), 1.0 / self.vocabulary)
        for order in range(min(window, rows.shape[1]) + 1):
            for row, entry in enumerate(self.entries(rows[:, rows.shape[1] - order :])):
                if entry < 0:
                    continue  # what nobody counted says nothing
                start, end = self.orders[order].first[entry : entry + 2]
                found[row] *= self._left[order][entry]
                found[row, self.orders[order].words[start:end]] += self._shares[order][start:end]
        return found

    def probabilities(
        self,
        contexts: Int[np.ndarray, "row token"],
        words: Int[np.ndarray, "row"],
        window: int,
    ) -> Float[np.ndarray, "row"]:
        """P(word | the last `window` tokens) of each row; -1 stands for no token."""
        self._check(window)
        found = np.full(len(words), 1.0 / self.vocabulary)
        for order in range(min(window, contexts.shape[1]) + 1):
            entries = self.entries(contexts[:, contexts.shape[1] - order :])
            known = np.flatnonzero(entries >= 0)
            here = entries[known]
            found[known] *= self._left[order][here]
            then = self._find(order, here, words[known])
            seen = then >= 0
            found[known[seen]] += self._shares[order][then[seen]]
        return found

    def entries(self, contexts: Int[np.ndarray, "row token"]) -> Int[np.ndarray, "row"]:
        """The entry of each row's tokens among the n-grams of that length; -1: not kept.

        Of no token it is 0, the one place where every text is.
        """
        found = np.zeros(len(contexts), dtype=np.int64)
        for order in range(contexts.shape[1]):
            found = self._find(order, found, contexts[:, order])
        return found

    def _find(self, order: int, below: np.ndarray, words: np.ndarray) -> np.ndarray:
        keys = self._keys[order]
        if not len(keys):
            return np.full(len(words), -1)
        wanted = below * self.vocabulary + words
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        there = (below >= 0) & (words >= 0) & (keys[place] == wanted)
        return np.where(there, place, -1)

    def _check(self, window: int) -> None:
        if not 0 <= window <= self.window:
            raise ValueError(f"a window of {window} tokens; this table has 0 to {self.window}")


def pack(table: Table) -> dict[str, Any]:
    """A table as arrays by name, as small as they can be."""
    found: dict[str, Any] = {"vocabulary": np.int64(table.vocabulary)}
    for number, order in enumerate(table.orders, 1):
        lengths = np.diff(order.first)
        found[f"{number}.words"] = _small(order.words) if number > 1 else np.zeros(0, np.uint8)
        found[f"{number}.counts"] = _small(order.counts)
        found[f"{number}.lengths"] = _small(lengths) if number > 1 else np.zeros(0, np.uint8)
        found[f"{number}.discount"] = np.float64(order.discount)
    return found


def unpack(arrays: Any) -> Table:
    """The table of such arrays; ValueError and KeyError where they make none."""
    vocabulary, orders, number = int(arrays["vocabulary"]), [], 1
    while f"{number}.counts" in arrays:
        counts = arrays[f"{number}.counts"].astype(np.int64)
        first = np.array([0, len(counts)])
        words = np.arange(vocabulary)
        if number > 1:
            first = np.concatenate([[0], np.cumsum(arrays[f"{number}.lengths"], dtype=np.int64)])
            words = arrays[f"{number}.words"].astype(np.int64)
        orders.append(Order(words, counts, first, float(arrays[f"{number}.discount"])))
        number += 1
    return Table(vocabulary, tuple(orders))


def _small(values: np.ndarray) -> np.ndarray:
    most = int(values.max(initial=0))
    bits = next(size for size in (8, 16, 32, 64) if most < 2**size)
    return values.astype(f"uint{bits}")


def bits(probabilities: Float[np.ndarray, "token"]) -> float:
    """What tokens of these probabilities cost in all."""
    return float(-np.log(probabilities).sum() / math.log(2))
