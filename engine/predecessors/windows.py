"""What a longer window of an n-gram table needs: contexts, bytes, time.

In: a table. Out: counts, and times by the clock. With V tokens in the vocabulary there are V^n
contexts of n tokens, and a text shows at most one new one at each of its tokens. A distribution
with a window of n goes over the vocabulary once for each of n + 1 shorter windows, and finds their
contexts token by token, n (n + 1) / 2 searches in all: so its time is a + b n + c n^2. Knows
nothing of files and texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine import machine
from engine.predecessors.ngrams import Table
from engine.values import Frozen

TURNS, LOOKED_UP = 9, 32  # the fastest of so many turns, the mean over so many contexts


@dataclass(frozen=True, eq=False, slots=True)
class Windows(Frozen):
    """A table's sizes and times.

    `kept[k]` n-grams of k + 1 tokens are in the table, which was counted in `seen` tokens and has a
    file of `file_size` bytes; `seconds[n]` is what a distribution takes with a window of n.
    """

    vocabulary: int
    seen: int
    kept: Int[np.ndarray, "order"]
    file_size: int
    seconds: Float[np.ndarray, "window"]

    @property
    def longest(self) -> int:
        """The longest window that the table has."""
        return len(self.kept) - 1

    def possible(self, window: int) -> int:
        """Contexts of so many tokens that there could be: V^n."""
        return self.vocabulary**window

    def met(self, window: int) -> int:
        """How many of them a text of `seen` tokens can have at most."""
        return min(self.possible(window), self.seen)

    def contexts(self, window: int) -> int | None:
        """How many of them are in the table; None beyond its longest window."""
        return int(self.kept[window - 1]) if 0 < window <= self.longest else None

    def whole(self, window: int) -> float:
        """Bytes of a table of all V^(n + 1) n-grams, as dense as the one that is here."""
        each = self.file_size / max(1, int(self.kept.sum()))
        return float(self.vocabulary) ** (window + 1) * each

    def time(self, window: int) -> float:
        """Seconds for a distribution: measured where the table has the window, else predicted.

        Predicted by the a + b n + c n^2 that fits the measured ones best.
        """
        if window <= self.longest:
            return float(self.seconds[window])
        n = np.arange(len(self.seconds))
        return float(np.polyval(np.polyfit(n, self.seconds, min(2, len(n) - 1)), window))


def windows(
    table: Table, file_size: int, *, clock: Callable[[], float] = time.perf_counter
) -> Windows:
    """Measure a table: its windows take turns, over contexts that it knows."""
    machine.settle()
    contexts = known(table, LOOKED_UP)
    found = np.zeros((TURNS, table.window + 1, len(contexts)))
    for turn in range(TURNS):
        for place, context in enumerate(contexts):
            for window in range(table.window + 1):
                start = clock()
                table.distribution(context, window)
                found[turn, window, place] = clock() - start
    kept = np.array([len(order.words) for order in table.orders])
    # One look-up is shorter than what the machine does beside it: the fastest was left alone.
    return Windows(table.vocabulary, table.seen, kept, file_size, found.min(axis=0).mean(axis=1))


def known(table: Table, count: int) -> Int[np.ndarray, "row token"]:
    """Contexts of the longest window, spread over the table's longest n-grams.

    Contexts that a table does not know would be looked up in vain, and faster.
    """
    depth = max((k for k, order in enumerate(table.orders, 1) if len(order.words)), default=1)
    entries = np.linspace(0, len(table.orders[depth - 1].words) - 1, count).astype(np.int64)
    columns = []
    for order in reversed(table.orders[:depth]):
        columns.append(order.words[entries])
        entries = np.searchsorted(order.first, entries, side="right") - 1
    return np.stack(columns[::-1], axis=1)[:, : max(1, table.window)]
